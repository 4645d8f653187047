"""What accounts, mandates and clients have in common in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson.int64 import Int64

from services.common.errors import Stale
from services.common.eventlog import outbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.common.transaction import Unit

    Document = dict[str, Any]


class Kept:
    """Documents with a version, each change of which is a fact."""

    collection: str
    document: Any

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._rows = unit.database[self.collection]
        self._ticks: dict[str, int] = {}

    def _find(self, wanted: Mapping[str, Any]) -> Document | None:
        found = self._rows.find_one(wanted, session=self._unit.session)
        if found is not None:
            self._ticks[found["_id"]] = found["tick"]
        return found

    def _page(self, wanted: Document, after: str, size: int) -> list[Document]:
        wanted = {**wanted, "_id": {"$gt": after}}
        found = self._rows.find(wanted, session=self._unit.session).sort("_id", 1)
        return list(found.limit(size))

    def _insert(self, document: Document, fact: Any) -> None:
        tick = outbox.next_tick(0)
        document = {**document, "tick": Int64(tick), "update_time": self._unit.now}
        self.document._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
        self._rows.insert_one(document, session=self._unit.session)
        self._tell(fact, document)

    def _replace(self, document: Document, fact: Any) -> None:
        tick = outbox.next_tick(self._ticks.get(document["_id"], 0))
        document = {**document, "tick": Int64(tick), "update_time": self._unit.now}
        self.document._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
        before = {"_id": document["_id"], "version": document["version"] - 1}
        done = self._rows.replace_one(before, document, session=self._unit.session)
        if not done.matched_count:
            raise Stale("内容刚被他人修改，请重试。")
        self._tell(fact, document)

    def _tell(self, fact: Any, document: Document) -> None:
        self._unit.tell(
            outbox.tell(
                fact,
                subject=document["_id"],
                version=int(document["version"]),
                tick=int(document["tick"]),
            )
        )
