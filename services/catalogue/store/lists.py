"""Lists in MongoDB: the store of one unit of work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bson.int64 import Int64
from pymongo import InsertOne, ReplaceOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.catalogue import messages
from services.catalogue.domain import lists
from services.catalogue.domain.lists import Adjustment, Entry, EntryState, ListedEntry
from services.catalogue.store.list_documents import (
    ADJUSTMENTS,
    ENTRIES,
    AdjustmentDocument,
    EntryDocument,
)
from services.common import fields
from services.common.errors import Stale
from services.common.eventlog import outbox
from services.common.identifiers import region_ancestors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pymongo.database import Database

    from services.catalogue.domain.lists import Adjusted, ListKind
    from services.common.eventlog.outbox import Told
    from services.common.transaction import Unit

    Document = dict[str, Any]

SNAPSHOT_PAGE: Final = 50
_DUPLICATE: Final = 11000
_WITHOUT_FIELDS: Final = {"adjustment.differences.fields": 0}


class MongoListStore:
    """The lists of one unit: bound to its session, telling into its log."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._entries = unit.database[ENTRIES]
        self._adjustments = unit.database[ADJUSTMENTS]

    def entries(
        self, kind: ListKind, dept_code: str, codes: Collection[str]
    ) -> Mapping[str, ListedEntry]:
        ids = [lists.entry_id(kind, dept_code, code) for code in codes]
        found = self._entries.find({"_id": {"$in": ids}}, session=self._unit.session)
        return {document["entry"]["entry_code"]: _listed(document) for document in found}

    def adjusted(self, kind: ListKind, dept_code: str) -> int:
        last = self._adjustments.find_one(
            {"kind": kind.value, "dept_code": dept_code},
            {"adjustment.number": 1},
            sort=[("adjustment.number", -1)],
            session=self._unit.session,
        )
        return int(last["adjustment"]["number"]) if last else 0

    def adjust(self, adjusted: Adjusted) -> Adjustment:
        adjusted = lists.timed(adjusted, self._unit.now)
        adjustment, tick = adjusted.adjustment, outbox.next_tick(0)
        self._write([_entry_document(one) for one in adjusted.entries])
        document = _adjustment_document(adjustment, tick)
        AdjustmentDocument._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
        try:
            self._adjustments.insert_one(document, session=self._unit.session)
        except DuplicateKeyError:
            raise Stale("该清单刚被他人调整，请重试。") from None
        self._unit.tell(_told(adjustment, tick))
        return adjustment

    def _write(self, documents: list[Document]) -> None:
        """Insert version 1, replace a later one; somebody faster makes all of it stale."""
        for document in documents:
            EntryDocument._from_son(document).validate()  # noqa: SLF001
        writes = [_write_of(document) for document in documents]
        replaced = sum(isinstance(write, ReplaceOne) for write in writes)
        try:
            result = self._entries.bulk_write(writes, session=self._unit.session)
        except BulkWriteError as error:
            codes = {one.get("code") for one in (error.details or {}).get("writeErrors", [])}
            if codes == {_DUPLICATE}:
                raise Stale("有条目刚被他人调整，请重试。") from None
            raise
        if result.matched_count != replaced:
            raise Stale("有条目刚被他人调整，请重试。")

    def adjustment(self, adjustment_id: str) -> Adjustment:
        document = self._adjustments.find_one({"_id": adjustment_id}, session=self._unit.session)
        if document is None:
            raise lists.ListAdjustmentNotFound
        return _adjustment(document)

    def entry_page(
        self, *, kind: str, dept_code: str, region_code: str, after: str, size: int
    ) -> list[ListedEntry]:
        wanted: Document = {"in_force": True, "_id": {"$gt": after}}
        wanted |= _asked(kind, dept_code, region_code)
        found = self._entries.find(wanted, session=self._unit.session)
        return [_listed(document) for document in found.sort("_id", 1).limit(size)]

    def adjustment_page(
        self, *, kind: str, dept_code: str, region_code: str, before: str, size: int
    ) -> list[Adjustment]:
        wanted = _asked(kind, dept_code, region_code)
        wanted |= {"order": {"$lt": before}} if before else {}
        found = self._adjustments.find(wanted, _WITHOUT_FIELDS, session=self._unit.session)
        return [_adjustment(document) for document in found.sort("order", -1).limit(size)]


def adjustments_told(database: Database[Document]) -> Iterator[Told]:
    """Every adjustment as the fact that it was made."""
    after = ""
    while True:
        found = database[ADJUSTMENTS].find({"_id": {"$gt": after}})
        page = list(found.sort("_id", 1).limit(SNAPSHOT_PAGE))
        for document in page:
            yield _told(_adjustment(document), document["tick"])
        if len(page) < SNAPSHOT_PAGE:
            return
        after = page[-1]["_id"]


def _told(adjustment: Adjustment, tick: int) -> Told:
    """The fact; its subject has a slash, which no id of an item has."""
    fact = messages.adjusted_message(adjustment)
    subject = f"{messages.ADJUSTMENT}/{adjustment.adjustment_id}"
    return outbox.tell(fact, subject=subject, version=1, tick=tick)


def _asked(kind: str, dept_code: str, region_code: str) -> Document:
    asked = {"kind": kind, "dept_code": dept_code, "regions": region_code}
    return {name: value for name, value in asked.items() if value}


def _write_of(document: Document) -> InsertOne[Document] | ReplaceOne[Document]:
    if document["version"] == 1:
        return InsertOne(document)
    return ReplaceOne({"_id": document["_id"], "version": document["version"] - 1}, document)


def _entry_document(listed: ListedEntry) -> Document:
    entry = listed.entry
    return {
        "_id": entry.entry_id,
        "version": Int64(listed.version),
        "in_force": listed.state is EntryState.IN_FORCE,
        "kind": entry.kind.value,
        "dept_code": entry.dept_code,
        "regions": [entry.region_code, *region_ancestors(entry.region_code)],
        "update_time": listed.update_time,
        "entry": fields.plain(entry) | {"kind": entry.kind.value},
    }


def _listed(document: Document) -> ListedEntry:
    state = EntryState.IN_FORCE if document["in_force"] else EntryState.REMOVED
    entry = fields.restore(Entry, document["entry"])
    return ListedEntry(entry, int(document["version"]), state, document["update_time"])


def _adjustment_document(adjustment: Adjustment, tick: int) -> Document:
    region = adjustment.region_code
    return {
        "_id": adjustment.adjustment_id,
        "order": lists.order_of(adjustment),
        "tick": Int64(tick),
        "kind": adjustment.kind.value,
        "dept_code": adjustment.dept_code,
        "regions": [region, *region_ancestors(region)],
        "adjustment": fields.plain(adjustment) | {"kind": adjustment.kind.value},
    }


def _adjustment(document: Document) -> Adjustment:
    return fields.restore(Adjustment, document["adjustment"])
