"""How much items are used: count openings of their guides, let classes fall with time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from services.catalogue.domain import uses as domain
from services.catalogue.domain.gaps import legal_day
from services.catalogue.domain.uses import Use

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from services.catalogue.domain.uses import UseClassChanged

MOST_AT_ONCE: Final = 200
"""Families whose class falls in one transaction."""


class Uses(Protocol):
    """What use cases of openings need to remember things."""

    def families(self, item_ids: Collection[str]) -> Mapping[str, str]:
        """The families of those items that there are, by id."""

    def find(self, families: Collection[str]) -> Mapping[str, Use]:
        """What is counted of these families, by family."""

    def due(self, today: str, *, size: int) -> list[Use]:
        """Those whose class falls on this day or fell before, the longest waiting first."""

    def save(self, uses: Collection[Use], facts: Collection[UseClassChanged]) -> None:
        """Write what was counted, and tell which classes have changed."""


def report_uses(opened: Mapping[str, int], *, now: datetime, uses: Uses) -> int:
    """Count openings by item; how many items were counted (Rules I-29, I-30).

    What is no item is counted nowhere.
    """
    families = uses.families(opened)
    counts: dict[str, int] = {}
    for item_id, family in families.items():
        counts[family] = counts.get(family, 0) + opened[item_id]
    known = uses.find(counts)
    _count({known.get(one) or Use(one): count for one, count in counts.items()}, now, uses)
    return len(families)


def let_fall(*, now: datetime, uses: Uses) -> bool:
    """Tell the classes that have fallen because nobody opens the items; whether there may be more.

    Rule I-30: by the clock, for those who open nothing report nothing.
    """
    due = uses.due(legal_day(now), size=MOST_AT_ONCE)
    _count(dict.fromkeys(due, 0), now, uses)
    return len(due) == MOST_AT_ONCE


def _count(counts: Mapping[Use, int], now: datetime, uses: Uses) -> None:
    today = legal_day(now)
    counted = [domain.count_in(use, count, today=today) for use, count in counts.items()]
    uses.save([use for use, _ in counted], [fact for _, fact in counted if fact])
