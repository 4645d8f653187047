"""What a change of an item changed, field by field."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.catalogue.domain.item import Item


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of an item that is not what it was.

    Args:
        field: its name, as the proto has it.
        before: its value; what is blank stands for absent.
    """

    field: str
    before: Any
    after: Any


def differences(before: Item, after: Item) -> list[Difference]:
    """The fields in which two items differ, in the order of the 实施清单."""
    return [
        Difference(one.name, was, now)
        for one in fields(before)
        if (was := getattr(before, one.name)) != (now := getattr(after, one.name))
    ]
