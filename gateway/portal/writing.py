"""How values are written on pages: times in Beijing, periods, marks in what was found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from markupsafe import Markup

from gateway.portal.labels import TIME_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.timestamp_pb2 import Timestamp

BEIJING = timezone(timedelta(hours=8), "北京时间")


def moment(time: datetime) -> str:
    """A time as people here write it: 2026年11月22日 16:30."""
    local = time.astimezone(BEIJING)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


def near(time: datetime, now: datetime) -> str:
    """A time close to now as people say it: 11月25日（明天）01:00."""
    local, today = time.astimezone(BEIJING), now.astimezone(BEIJING).date()
    day = _NEAR.get((local.date() - today).days) or f"周{_WEEKDAYS[local.weekday()]}"
    year = "" if local.year == today.year else f"{local.year}年"
    return f"{year}{local.month}月{local.day}日（{day}）{local:%H:%M}"


_NEAR = {-1: "昨天", 0: "今天", 1: "明天", 2: "后天"}
_WEEKDAYS = "一二三四五六日"


def stamp(time: Timestamp) -> str:
    """A protobuf time; empty where there is none."""
    return moment(instant(time)) if time.seconds else ""


def instant(time: Timestamp) -> datetime:
    """A protobuf time as an aware time."""
    return datetime.fromtimestamp(time.seconds, UTC)


def micros(time: int) -> str:
    """A time in microseconds since 1970."""
    return moment(datetime.fromtimestamp(time / 1_000_000, UTC))


def day(date: str) -> str:
    """A calendar date: 2026年11月22日; what is none stays as it came."""
    try:
        local = datetime.strptime(date, "%Y-%m-%d")  # noqa: DTZ007  (a date has no zone)
    except ValueError:
        return date
    return f"{local.year}年{local.month}月{local.day}日"


def limit(days: int, unit: str, explained: str) -> str:
    """A time limit; what explains it where there is no number."""
    if days <= 0:
        return explained
    return f"{days} {TIME_UNITS.get(unit, '个工作日')}" + (f"（{explained}）" if explained else "")


def span(start: datetime, end: datetime) -> str:
    """How long something takes, in whole hours and minutes."""
    minutes = max(0, int((end - start).total_seconds()) // 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [(days, "天"), (hours, "小时"), (minutes, "分钟")]
    return "".join(f"{number} {unit} " for number, unit in parts if number).strip() or "不到 1 分钟"


def marked(title: str, words: Iterable[str]) -> Markup:
    """A title with the words that were searched for marked."""
    folded = title.lower() if len(title.lower()) == len(title) else title
    spans = sorted(
        (at, at + len(word))
        for word in words
        if len(word) > 1
        for at in range(len(folded) - len(word) + 1)
        if folded.startswith(word, at)
    )
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    parts, done = [], 0
    for start, end in merged:
        parts.append(Markup.escape(title[done:start]))
        parts.append(Markup("<mark>{}</mark>").format(title[start:end]))
        done = end
    return Markup("").join([*parts, Markup.escape(title[done:])])
