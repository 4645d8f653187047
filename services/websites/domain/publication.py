"""Publication statistics (每日公开数量): what became public, on which legal day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from services.common.errors import Invalid, Violation

LEGAL_ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991
OWN = "websites"
SITE, MAPPING = "site", "mapping"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class DateInvalid(Invalid):
    """Not a calendar date, or a last day before the first."""

    reason = "DATE_INVALID"


@dataclass(frozen=True, slots=True)
class Publication:
    """How many things of one kind a department made public on one day, or by one change.

    Args:
        publish_date: the legal day, ISO 8601.
    """

    publish_date: str
    department: str
    kind: str
    count: int = 1

    @property
    def place(self) -> str:
        """Where its count stands among all, in order of day, department and kind."""
        return f"{self.publish_date}/{self.department}/{self.kind}"


@dataclass(frozen=True, slots=True)
class Question:
    """Which counts are asked for; empty texts ask for all."""

    from_date: str = ""
    until_date: str = ""
    department: str = ""
    kind: str = ""


def legal_day(moment: datetime) -> str:
    """The day of Asia/Shanghai that an aware moment lies in.

    Rule W-7 (docs/rules.md): a thing counts on the day on which it became public.
    """
    return moment.astimezone(LEGAL_ZONE).date().isoformat()


def check_dates(question: Question) -> None:
    """Hold both days against the calendar and each other.

    Raises:
        DateInvalid: naming the field at fault.
    """
    for field in ("from_date", "until_date"):
        if not _is_day(getattr(question, field)):
            raise _invalid(field, "应为日期，如 2026-11-23。")
    if question.from_date and question.until_date and question.until_date < question.from_date:
        raise _invalid("until_date", "截止日期不得早于起始日期。")


def _is_day(said: str) -> bool:
    if not said:
        return True
    try:
        return bool(_DAY.fullmatch(said) and date.fromisoformat(said))
    except ValueError:
        return False


def _invalid(field: str, said: str) -> DateInvalid:
    return DateInvalid(said, Violation(field, said))
