"""A revision that begins later (预定的修订): until its day the item stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.common.errors import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from services.catalogue.domain.item import Item


class ItemNotScheduled(Refused):
    """No revision of the item waits for its day."""

    reason = "ITEM_NOT_SCHEDULED"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is planned for an item.

    Args:
        item: the revision that takes the item's place on its 计划生效日期; None: nothing waits.
        version: rises by one whenever somebody plans something else.
    """

    item: Item | None = None
    version: int = 0

    def changed(self, item: Item | None) -> Plan:
        """Plan this revision instead of what was planned before; None: nothing."""
        return Plan(item, self.version + 1)


NOTHING_PLANNED: Final = Plan()


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Fact: another revision of an item waits for its day, or none does any more.

    Args:
        seen: version of the item as it is, which stays until then.
    """

    item_id: str
    seen: int
    plan: Plan


def begins_after(item: Item, now: datetime) -> bool:
    """Whether the item's 计划生效日期 is still to come."""
    start, _ = item.visibility()
    return start is not None and start > now
