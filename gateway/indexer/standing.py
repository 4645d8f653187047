"""How the copy of each department stands, and the file that tells the gateways."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import orjson

from gateway.onestop.directory import STATUS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gateway.onestop.directory import Signals

STALE_AFTER = 5_000_000  # microseconds behind a department that answers


class Status(StrEnum):
    """What a searcher may expect of one department."""

    OK = "ok"
    STALE = "stale"
    UNAVAILABLE = "unavailable"


@dataclass
class Standing:
    """One department's copy.

    Args:
        as_of: the copy is complete up to then, by the department's clock; None: it never was.
        lost_since: the department has not answered since then; None: it answers.
        sequence, head: how far the copy is committed, and the log.

    All times in microseconds since 1970.
    """

    department: str
    as_of: int | None = None
    lost_since: int | None = None
    sequence: int = 0
    head: int = 0

    def status(self, now: int) -> Status:
        """What to call it."""
        if self.lost_since is not None:
            return Status.UNAVAILABLE
        if self.as_of is None or now - self.as_of > STALE_AFTER:
            return Status.STALE
        return Status.OK


def write(root: Path, signals: Signals, standings: Iterable[Standing], now: int) -> None:
    """Replace the status file in one step and say so."""
    rows = [
        {
            "department": standing.department,
            "status": standing.status(now).value,
            "as_of": standing.as_of,
            "since": standing.lost_since,
            "sequence": standing.sequence,
            "head": standing.head,
        }
        for standing in standings
    ]
    new = root / f"{STATUS}.new"
    new.write_bytes(orjson.dumps({"written_at": now, "sources": rows}))
    new.replace(root / STATUS)
    signals.status_moved()
