"""Looks at protected data: each recorded durably before its answer leaves, many in one write."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from services.common.audit import ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymongo.database import Database

    Document = dict[str, Any]


class _Look:
    """One look that is to be recorded.

    Attributes:
        settled: a write that it was in has ended.
        durable: that write has succeeded.
    """

    __slots__ = ("durable", "row", "settled")

    def __init__(self, row: Document) -> None:
        self.row = row
        self.settled = False
        self.durable = False


class Looks:
    """Records the looks of one department.

    While one write is under way looks wait; the next takes all of them, and one journal commit
    makes all durable.

    Args:
        database: its client writes with majority and journal.
    """

    def __init__(self, database: Database[Document]) -> None:
        self._rows = database[ROWS]
        self._ended = threading.Condition()
        self._under_way = False
        self._waiting: list[_Look] = []

    def record(self, row: Document) -> None:
        """Record one look; it is durable when this returns.

        Raises:
            PyMongoError: it may not be; what was looked at must not be answered.
        """
        look = _Look(row)
        with self._ended:
            self._waiting.append(look)
            self._ended.wait_for(lambda: look.settled or not self._under_way)
            if not look.settled:
                self._under_way = True
                group, self._waiting = self._waiting, []
        if not look.settled:
            self._lead(group)
        if not look.durable:
            self._alone(look)

    def _lead(self, group: Sequence[_Look]) -> None:
        """Write a group of looks and let the next begin.

        Where that fails each goes on alone, within its own call's time: the time of the one that
        leads may have been short.
        """
        durable = False
        try:
            self._rows.insert_many([look.row for look in group], ordered=False)
            durable = True
        except PyMongoError:
            if len(group) == 1:
                raise
        finally:
            with self._ended:
                self._under_way = False
                for look in group:
                    look.settled, look.durable = True, durable
                self._ended.notify_all()

    def _alone(self, look: _Look) -> None:
        """Write it unless the group's write did, and never over a row that is sealed by now."""
        fields = {name: value for name, value in look.row.items() if name != "_id"}
        self._rows.update_one({"_id": look.row["_id"]}, {"$setOnInsert": fields}, upsert=True)
