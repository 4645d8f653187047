"""What facts say for searchers: cards, their periods, and what a fact changes in the index."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zhengtong.eventlog.v1.eventlog_pb2 import Event

logger = logging.getLogger(__name__)

_TEXTS = ("kind", "title", "summary", "department", "region_code", "url", "family")


class State(StrEnum):
    """Whether a thing may be found."""

    SHOWN = "shown"
    SCHEDULED = "scheduled"
    EXPIRED = "expired"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Card:
    """`zhengtong.search.v1.Card` as plain values; periods in microseconds since 1970, or None."""

    kind: str
    title: str
    summary: str
    department: str
    region_code: str
    url: str
    aliases: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    facets: tuple[tuple[str, str], ...] = ()
    visible_from: int | None = None
    visible_until: int | None = None
    family: str = ""

    @property
    def is_row(self) -> bool:
        """Whether it is one row of a table for the one-stop query itself, and never shown."""
        return self.kind.startswith(".")

    def state(self, now: int) -> tuple[State, int | None]:
        """Where it stands, and when the clock changes that, in microseconds since 1970."""
        if self.visible_until is not None and self.visible_until <= now:
            return State.EXPIRED, None
        if self.visible_from is not None and now < self.visible_from:
            return State.SCHEDULED, self.visible_from
        return State.SHOWN, self.visible_until


@dataclass(frozen=True, slots=True)
class Change:
    """What one fact says of one subject: its card, or None where it left the public's sight."""

    subject: str
    version: int
    as_of: str
    card: Card | None


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return int(moment.timestamp() * 1_000_000)


def rfc3339(micros: int) -> str:
    """A time in UTC with milliseconds: `2026-11-22T08:30:00.000Z`."""
    moment = datetime.fromtimestamp(micros / 1_000_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def changes(event: Event) -> Iterator[Change]:
    """What a fact changes in the index; nothing where it has neither card nor removal.

    Types nobody here knows are read all the same: the fields `card`, `removal` and `records` mean
    the same in every department. What cannot be read is left out and said in the log.
    """
    as_of = rfc3339(event.time.seconds * 1_000_000 + event.time.nanos // 1000)
    try:
        data = orjson.loads(event.data)
        alone = data | {"subject": event.subject, "version": event.version}
        records = data.get("records")
        rows = [alone] if records is None else list(records)
    except (ValueError, TypeError, AttributeError) as error:
        _left_out(event, event.subject, error)
        return
    for row in rows:
        try:
            if "card" in row or "removal" in row:
                yield _change(row, as_of)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            _left_out(event, str(row.get("subject", "?")) if isinstance(row, dict) else "?", error)


def _left_out(event: Event, subject: str, error: Exception) -> None:
    """Say in the log what was left out; the error's text may quote the content and is not said."""
    logger.warning(
        "fact %s of %s cannot be read where it tells of %s: %s",
        event.id,
        event.source,
        subject,
        type(error).__name__,
    )


def _change(row: dict[str, Any], as_of: str) -> Change:
    card = read_card(row["card"]) if "card" in row else None
    return Change(str(row["subject"]), int(row["version"]), as_of, card)


def read_card(raw: dict[str, Any]) -> Card | None:
    """A card from protobuf JSON; None where it has no kind or title and so cannot be shown.

    Raises:
        ValueError, TypeError, AttributeError: it is no card.
    """
    texts = {name: str(raw.get(name, "")) for name in _TEXTS}
    if not texts["kind"] or not texts["title"].strip():
        return None
    if not texts["url"].startswith("/") or texts["url"].startswith("//"):
        texts["url"] = ""  # a card leads to a page of the portal, never out of it
    return Card(
        **texts,
        aliases=tuple(map(str, raw.get("aliases", ()))),
        codes=tuple(map(str, raw.get("codes", ()))),
        facets=tuple(sorted((str(k), str(v)) for k, v in raw.get("facets", {}).items())),
        visible_from=_moment(raw.get("visible_from_time")),
        visible_until=_moment(raw.get("visible_until_time")),
    )


def _moment(text: str | None) -> int | None:
    return microseconds(datetime.fromisoformat(text)) if text else None


def digest(card: Card | None) -> bytes:
    """A short fingerprint of all that a card says; times of facts are no part of it."""
    return blake2b(repr(card).encode(), digest_size=16).digest()
