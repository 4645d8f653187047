"""How much items are used (热度): openings of their guides in the last days, and the class of them.

Items of one family (基本编码) are counted together: the one-stop query shows one of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from services.common.errors import Invalid

DAYS: Final = 30
"""That are counted, today among them (Rule I-29)."""
STEP: Final = 4
"""How many times as many openings the next class takes (Rule I-30)."""
CLASSES: Final = 6
MOST_IN_REPORT: Final = 200


class UseReportInvalid(Invalid):
    """A report of openings is too long."""

    reason = "USE_REPORT_INVALID"


@dataclass(frozen=True, slots=True)
class Day:
    """Openings of one day, YYYY-MM-DD in Asia/Shanghai."""

    day: str
    count: int


@dataclass(frozen=True, slots=True)
class Use:
    """How much the items of a family are used.

    Args:
        family: what they share, `Item.family`.
        days: the oldest first, none without an opening.
        use_class: 1 to CLASSES; 0: too little to tell.
        version: of the class that was told last; 0: none was.
    """

    family: str
    days: tuple[Day, ...] = ()
    use_class: int = 0
    version: int = 0

    @property
    def falls_on(self) -> str:
        """The day its class falls, if nobody opens the items any more; empty: it has none."""
        leaving = (day_after(one.day, DAYS) for one in self.days)
        return next((day for day in leaving if class_on(self, day) < self.use_class), "")

    @property
    def ends_on(self) -> str:
        """The day from which on nothing of it counts (Rule I-29); empty: nothing does now."""
        return day_after(self.days[-1].day, DAYS) if self.days else ""


@dataclass(frozen=True, slots=True)
class UseClassChanged:
    """Fact: how much a family is used has another class; 0: too little to tell."""

    family: str
    use_class: int


def day_after(day: str, days: int) -> str:
    """The day so many days after another; before it where they are negative."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def openings(use: Use, today: str) -> int:
    """Openings of the last DAYS days."""
    before = day_after(today, -DAYS)
    return sum(one.count for one in use.days if one.day > before)


def class_on(use: Use, today: str) -> int:
    """The class that a day's openings give, after the class before.

    Rule I-30: class n takes 4^n openings, and holds until they are fewer than half of that, so
    that no family goes to and fro between two classes.
    """
    count = openings(use, today)
    return max(_reached(count), min(use.use_class, _reached(2 * count)))


def _reached(count: int) -> int:
    return sum(STEP**one <= count for one in range(1, CLASSES + 1))


def count_in(use: Use, count: int, *, today: str) -> tuple[Use, UseClassChanged | None]:
    """Count openings in, and leave out the days that count no more (Rule I-29).

    Args:
        count: 0: only time has passed.
    """
    before = day_after(today, -DAYS)
    counts = {one.day: one.count for one in use.days if one.day > before}
    if count:
        counts[today] = counts.get(today, 0) + count
    after = replace(use, days=tuple(Day(day, counts[day]) for day in sorted(counts)))
    after = replace(after, use_class=class_on(after, today))
    if after.use_class == use.use_class:
        return after, None
    return after, UseClassChanged(use.family, after.use_class)
