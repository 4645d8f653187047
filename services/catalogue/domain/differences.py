"""What a change of an item or of an entry changed, field by field."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not what it was.

    Args:
        field: its name, as the proto has it.
        before: its value; what is blank stands for absent.
    """

    field: str
    before: Any
    after: Any


def differences(before: DataclassInstance, after: DataclassInstance) -> list[Difference]:
    """The fields in which two records of one kind differ, in the order in which it has them."""
    return [
        Difference(one.name, was, now)
        for one in fields(before)
        if (was := getattr(before, one.name)) != (now := getattr(after, one.name))
    ]
