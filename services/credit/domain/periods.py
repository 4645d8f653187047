"""How long a decision lasts and how long it is shown."""

from __future__ import annotations

import calendar
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from services.common.errors import Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

LEGAL_ZONE: Final = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991
LONGEST_SHOWN: Final = 36  # months


def months_after(start: date, months: int) -> date:
    """The same day so many months on, or the last day of that month."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if year > MAXYEAR:
        return date.max
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def wrong_periods(given: Mapping[str, Any]) -> list[Violation]:
    """Rule K-5: no period ends before it begins; without 有效期自 it begins with the decision."""
    decided, begins = given.get("decision_date", ""), given.get("valid_from_date", "")
    wrong = []
    if "" < given.get("valid_until_date", "") < (begins or decided):
        start = "有效期自" if begins else "决定日期"
        wrong.append(Violation("valid_until_date", f"不得早于{start}"))
    if "" < given.get("publish_until_date", "") < decided:
        wrong.append(Violation("publish_until_date", "不得早于决定日期"))
    return wrong


def last_day_shown(given: Mapping[str, Any]) -> str:
    """The 公示截止期 of a penalty.

    Rule K-11 (信用修复管理办法): three years after the decision at the latest, whether a later day
    was asked for or none.
    """
    decided = date.fromisoformat(given["decision_date"])
    latest = months_after(decided, LONGEST_SHOWN).isoformat()
    return min(given.get("publish_until_date") or latest, latest)


def end_of(day: str) -> datetime | None:
    """The first moment after a day in Asia/Shanghai; None: there is no later day."""
    last = date.fromisoformat(day)
    if last == date.max:
        return None
    return datetime.combine(last + timedelta(days=1), time(), LEGAL_ZONE).astimezone(UTC)
