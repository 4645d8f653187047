"""Gaps of the catalogue (目录缺口): what people did not find, and not who they are."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Final

from services.catalogue.domain.item import LEGAL_ZONE
from services.common.errors import Invalid, NotFound, Violation
from services.common.fields import FieldInvalid, text
from services.common.identifiers import find_resident_ids, longest_number, region_level

ASKERS: Final = 3
"""From so many different askers on the text itself is kept (Rule I-26): what one person typed may
be about that person, what three typed alike is about a service (个人信息保护法 6, 最小必要)."""
LONGEST: Final = 40
"""Characters: names of services are shorter, tales of one's own affairs are longer."""
LONG_NUMBER: Final = 6
"""Digits: telephones, cards, cases and dates of birth have as many; no name of a service has."""
MOST_IN_REPORT: Final = 200
MOST_NEW_A_DAY: Final = 1000
"""Texts that nobody had asked for before; further ones are counted together (Rule I-27)."""
WAITING_KEPT: Final = timedelta(days=90)
"""After it was asked last, while fewer than ASKERS had it."""
MONTHS: Final = 24
KEPT: Final = timedelta(days=731)
DAYS_LATE: Final = 3
"""How old a report may be: one that was tried again over an outage."""
NOTE_LIMIT: Final = 200
_ID_LIMIT: Final = 64
_NOTE: Final = text(NOTE_LIMIT, lines=True)
_BLANKS: Final = re.compile(r"\s+")
_FIRST: Final = "0000-00"
_LAST: Final = "9999-99"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class GapInvalid(Invalid):
    """What was asked for or said of a gap cannot be; each violation names a field."""

    reason = "GAP_INVALID"


class GapNotFound(NotFound):
    """No gap of this id is listed."""

    reason = "GAP_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("没有这条目录缺口，它可能已经过期。")


class Outcome(IntEnum):
    """What became of a gap; the numbers are those of the contract."""

    OPEN = 0
    ITEM_ADDED = 1
    ALIAS_ADDED = 2
    NOTICE_SENT = 3
    NOT_GOVERNMENT = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """How often a text was asked for on a day.

    Args:
        region_code: 12 digits; empty: none was asked for.
        day: YYYY-MM-DD in Asia/Shanghai.
        count: the same asker counts once an hour.
        askers: those among them who were not known to have asked before.
    """

    text: str
    region_code: str
    day: str
    count: int
    askers: int


@dataclass(frozen=True, slots=True)
class Month:
    """How often in a month, YYYY-MM."""

    month: str
    count: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap as the catalogue keeps it.

    Args:
        text: empty while fewer than ASKERS had it.
        months: the oldest first, at most MONTHS.
        version: rises by one each time somebody says what became of it, from 0.
    """

    gap_id: str
    region_code: str
    text: str = ""
    askers: int = 0
    months: tuple[Month, ...] = ()
    first_day: str = ""
    last_day: str = ""
    outcome: Outcome = Outcome.OPEN
    item_id: str = ""
    note: str = ""
    settle_time: datetime | None = None
    version: int = 0

    @property
    def listed(self) -> bool:
        """Enough have asked for people to read what it was."""
        return self.text != ""

    @property
    def expire_time(self) -> datetime:
        """When it is removed unless it is asked for again (Rule I-27)."""
        asked = datetime.combine(date.fromisoformat(self.last_day), datetime.min.time(), LEGAL_ZONE)
        return asked + (KEPT if self.listed else WAITING_KEPT)


@dataclass(frozen=True, slots=True)
class Span:
    """The months that are counted, both inclusive, YYYY-MM."""

    first: str = _FIRST
    last: str = _LAST


def keepable(typed: str) -> str:
    """A typed text as it may be kept, blanks folded; empty: it may not be.

    Rule I-26 (个人信息保护法 6): none with an identity number, with a number of six digits or more
    (of a telephone, a card, a case), or of more than 40 characters.
    """
    tidy = _BLANKS.sub(" ", typed).strip()
    if not 0 < len(tidy) <= LONGEST or not tidy.isprintable():
        return ""
    if find_resident_ids(tidy) or longest_number(tidy) >= LONG_NUMBER:
        return ""
    return tidy if any(character.isalpha() for character in tidy) else ""


def likeness(tidy: str) -> str:
    """What texts are the same by: width and case make no difference."""
    return unicodedata.normalize("NFKC", tidy).casefold()


def legal_day(now: datetime) -> str:
    """The day in Asia/Shanghai."""
    return now.astimezone(LEGAL_ZONE).date().isoformat()


def fit(asked: Asked, *, now: datetime) -> Asked | None:
    """What of a report may be kept; None: nothing. A region that is none counts as no region."""
    tidy = keepable(asked.text)
    today = date.fromisoformat(legal_day(now))
    days = {(today - timedelta(days=past)).isoformat() for past in range(-1, DAYS_LATE + 1)}
    if not tidy or asked.day not in days or asked.count < 1:
        return None
    region = asked.region_code if region_level(asked.region_code) else ""
    askers = min(max(asked.askers, 0), asked.count)
    return replace(asked, text=tidy, region_code=region, askers=askers)


def count_in(kept: Gap | None, gap_id: str, asked: Asked) -> Gap:
    """Count one more report in.

    Rule I-26: the text is kept from the moment on in which three askers had it.
    """
    gap = kept or Gap(gap_id, asked.region_code, first_day=asked.day)
    counts = {one.month: one.count for one in gap.months}
    month = asked.day[:7]
    counts[month] = counts.get(month, 0) + asked.count
    months = tuple(Month(name, counts[name]) for name in sorted(counts)[-MONTHS:])
    askers = gap.askers + asked.askers
    return replace(
        gap,
        text=gap.text or (asked.text if askers >= ASKERS else ""),
        askers=askers,
        months=months,
        first_day=min(gap.first_day, asked.day),
        last_day=max(gap.last_day, asked.day),
    )


def count_of(gap: Gap, span: Span) -> int:
    """How often it was asked for in these months."""
    return sum(one.count for one in gap.months if span.first <= one.month <= span.last)


def span_of(first_day: str, last_day: str) -> Span:
    """The months of two days; an empty day is no bound. Raises: GapInvalid."""
    wrong = [
        Violation(name, "应为日期，如 2026-11-28")
        for name, day in (("first_day", first_day), ("last_day", last_day))
        if day and not _is_day(day)
    ]
    if not wrong and first_day and last_day and last_day < first_day:
        wrong = [Violation("last_day", "不得早于开始日期")]
    if wrong:
        raise GapInvalid("查询的日期有误，请按提示更正。", *wrong)
    return Span(first_day[:7] or _FIRST, last_day[:7] or _LAST)


def _is_day(text_: str) -> bool:
    try:
        return bool(_DAY.fullmatch(text_) and date.fromisoformat(text_))
    except ValueError:
        return False


def check_region(code: str) -> None:
    """Raises: GapInvalid, where what was asked for is no region."""
    if code and region_level(code) is None:
        wanted = "应为 12 位行政区划代码"
        raise GapInvalid(f"地区有误：{wanted}。", Violation("region_code", wanted))


def settle(gap: Gap, outcome: int, item_id: str, note: str, *, now: datetime) -> Gap:
    """Say what became of a gap; it may be said anew.

    Rule I-28: an item or an alias that was added is named, a 提示函 says to whom and about what.

    Raises:
        GapInvalid: with each field at fault.
    """
    wrong = []
    if outcome not in set(Outcome) - {Outcome.OPEN}:
        wrong.append(Violation("outcome", "请选择处理结果"))
    named = outcome in (Outcome.ITEM_ADDED, Outcome.ALIAS_ADDED)
    item_id = item_id.strip() if named else ""
    if named and not 0 < len(item_id) <= _ID_LIMIT:
        wrong.append(Violation("item_id", "请填写新增的事项，或者补充了别名的事项的编码"))
    said, problem = _said(note)
    if problem or (outcome == Outcome.NOTICE_SENT and not said):
        wrong.append(Violation("note", problem or "请写明提示函发给哪个部门、关于什么"))
    if wrong:
        raise GapInvalid("处理结果有误，请按提示更正。", *wrong)
    return replace(
        gap,
        outcome=Outcome(outcome),
        item_id=item_id,
        note=said,
        settle_time=now,
        version=gap.version + 1,
    )


def _said(note: str) -> tuple[str, str]:
    """The note as it is kept, and what is wrong with it."""
    try:
        said = str(_NOTE.read(note))
    except FieldInvalid as error:
        return "", str(error)
    return said, "请删去公民身份号码" if find_resident_ids(said) else ""
