"""How the copies of the departments stand, as a query sees it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from gateway.onestop.cards import rfc3339
from gateway.onestop.directory import STATUS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

SILENT_AFTER = 3_000_000  # microseconds without a word of the indexer after which nothing is fresh
_written = lru_cache(maxsize=64)(rfc3339)  # the same few times stand in every answer for a while
OK, STALE, UNAVAILABLE = "ok", "stale", "unavailable"


@dataclass(frozen=True, slots=True)
class Source:
    """One department in an answer. Times in microseconds since 1970.

    Args:
        as_of: what is answered of it is complete up to then; None: nothing of it was ever read.
        since: it has been stale or unavailable since then; None: it is fresh.
    """

    department: str
    status: str
    as_of: int | None
    since: int | None

    def row(self, now: int) -> dict[str, Any]:
        """As it stands in the answer."""
        row: dict[str, Any] = {
            "department": self.department,
            "status": self.status,
            "as_of": None if self.as_of is None else _written(self.as_of),
            "lag_ms": None if self.as_of is None else max(0, (now - self.as_of) // 1000),
        }
        if self.status != OK:
            row["since"] = None if self.since is None else _written(self.since)
        return row


class Sources:
    """Reads the indexer's status file, again whenever it is new."""

    def __init__(self, root: Path, departments: Collection[str]) -> None:
        self._path = root / STATUS
        self._departments = departments
        self._seen = -1
        self._written_at = 0
        self._rows: Mapping[str, dict[str, Any]] = {}

    def at(self, now: int, moved: int) -> list[Source]:
        """Each department, in the order they were named.

        Args:
            now: microseconds since 1970.
            moved: the counter that rises with every new status file.
        """
        if moved != self._seen:
            self._read()
            self._seen = moved
        return [self._source(name, now) for name in self._departments]

    def fresh(self, now: int) -> bool:
        """Whether the indexer is alive."""
        return now - self._written_at <= SILENT_AFTER

    def _read(self) -> None:
        try:
            status = orjson.loads(self._path.read_bytes())
        except FileNotFoundError:
            return
        self._written_at = status["written_at"]
        self._rows = {row["department"]: row for row in status["sources"]}

    def _source(self, name: str, now: int) -> Source:
        row = self._rows.get(name)
        if row is None:
            return Source(name, UNAVAILABLE, None, None)
        status, since = row["status"], row["since"]
        if status == OK and not self.fresh(now):
            return Source(name, STALE, row["as_of"], self._written_at)
        return Source(name, status, row["as_of"], since if status == UNAVAILABLE else row["as_of"])
