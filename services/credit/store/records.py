"""Records in MongoDB: the store of one unit of work."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.common import fields
from services.common.errors import Stale
from services.common.eventlog import outbox
from services.credit import domain, messages
from services.credit.domain import (
    Changed,
    Decision,
    Kept,
    Listed,
    Penalty,
    Permit,
    R,
    Record,
    Subject,
    Withdrawn,
)
from services.credit.store.documents import COLLECTIONS, DOCUMENTS
from services.credit.store.rows import digest, document_of, listed_of, place_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pymongo.collection import Collection as MongoCollection

    from services.common.transaction import Unit
    from services.credit.domain import D
    from services.credit.usecases import Decided, Position

    Document = dict[str, Any]

MOST_COUNTED: Final = 10_000
# What `kept` reads. Every record has a subject_code, so that none comes without its part `record`.
KEPT: Final = {
    "version": 1,
    "public": 1,
    "tick": 1,
    "digest": 1,
    "record.subject_code": 1,
    "record.authority_code": 1,
    "record.source_code": 1,
    "record.region_code": 1,
}
DUPLICATE_KEY: Final = 11000


class MongoStore:
    """The store of one unit: bound to its session, telling into its log."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._ticks: dict[str, int] = {}

    def get(self, kind: type[R], record_id: str) -> Listed[R]:
        document = self._of(kind).find_one({"_id": record_id}, session=self._unit.session)
        if document is None:
            raise domain.not_found(kind)
        self._ticks[record_id] = document["tick"]
        return listed_of(kind, document)

    def kept(self, records: Sequence[Record]) -> Mapping[str, Kept]:
        by_id = {record.record_id: record for record in records}
        kept: dict[str, Kept] = {}
        if not records:
            return kept
        found = self._of(type(records[0])).find(
            {"_id": {"$in": list(by_id)}},
            KEPT,
            session=self._unit.session,
        )
        for document in found:
            record_id = document["_id"]
            self._ticks[record_id] = document["tick"]
            same = document["digest"] == digest(fields.plain(by_id[record_id]))
            said = document["record"]
            kept[record_id] = Kept(
                document["version"],
                document["public"],
                same,
                departments=(said.get("authority_code", ""), said.get("source_code", "")),
                region=said.get("region_code", ""),
            )
        return kept

    def known_subjects(self, codes: Collection[str]) -> set[str]:
        found = self._of(Subject).find(
            {"_id": {"$in": list(codes)}}, {"_id": 1}, session=self._unit.session
        )
        return {document["_id"] for document in found}

    def save(self, fact: Changed[R] | Withdrawn[R]) -> Listed[R]:
        listed = replace(fact.listed, update_time=self._unit.now)
        record_id = listed.record.record_id
        tick = outbox.next_tick(self._ticks.get(record_id, 0))
        document = document_of(listed, fields.plain(listed.record), tick)
        kind = DOCUMENTS[type(listed.record)]
        kind._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
        self._write(type(listed.record), document)
        self._unit.tell(
            outbox.tell(
                messages.fact_message(replace(fact, listed=listed)),
                subject=record_id,
                version=listed.version,
                tick=tick,
                removal=isinstance(fact, Withdrawn),
            )
        )
        return listed

    def save_all(self, facts: Sequence[Changed[Any]]) -> None:
        if not facts:
            return
        tick = outbox.next_tick(max(self._ticks.values(), default=0))
        last = outbox.last_tick(tick, len(facts))
        updated = self._unit.now.isoformat().replace("+00:00", "Z")
        documents: dict[type[Record], list[Document]] = {}
        records: list[tuple[str, bytes]] = []
        for fact in facts:
            listed = replace(fact.listed, update_time=self._unit.now)
            plain = fields.plain(listed.record)
            document = document_of(listed, plain, last)
            documents.setdefault(type(listed.record), []).append(document)
            records.append((document["_id"], messages.record_json(listed, plain, updated)))
        for kind, written in documents.items():
            self._write_all(kind, written)
        self._tell_import(facts, records, tick)

    def page(
        self, kind: type[D], *, subject_code: str, after: Position | None, size: int
    ) -> list[Listed[D]]:
        wanted = self._shown(subject_code)
        wanted |= {"place": {"$lt": place_of(*after)}} if after else {}
        found = self._of(kind).find(wanted, session=self._unit.session).sort("place", -1)
        return [listed_of(kind, document) for document in found.limit(size)]

    def decided(self, subject_code: str, *, size: int) -> Decided:
        # One command: three cost nearly twice as much, here and in the database.
        latest = (self._latest(kind, subject_code, size) for kind in (Permit, Penalty))
        found = self._of(Subject).aggregate(
            [{"$match": {"_id": subject_code}}, *latest], session=self._unit.session
        )
        for document in found:
            permits = [listed_of(Permit, one) for one in document[COLLECTIONS[Permit]]]
            penalties = [listed_of(Penalty, one) for one in document[COLLECTIONS[Penalty]]]
            return listed_of(Subject, document), permits, penalties
        raise domain.not_found(Subject)

    def _latest(self, kind: type[Decision], subject_code: str, size: int) -> Document:
        """Joins the latest public decisions of a kind under the name of their collection."""
        shown = self._shown(subject_code)
        latest = [{"$match": shown}, {"$sort": {"place": -1}}, {"$limit": size}]
        name = COLLECTIONS[kind]
        return {"$lookup": {"from": name, "pipeline": latest, "as": name}}

    def count(self, kind: type[Decision], subject_code: str) -> int:
        """At most 10,000 are counted, so that nobody's many decisions hold up everybody."""
        return self._of(kind).count_documents(
            self._shown(subject_code), limit=MOST_COUNTED, session=self._unit.session
        )

    def _shown(self, subject_code: str) -> Document:
        """What finds decisions that are public now; empty: of all subjects."""
        now: Document = {"visible_until": {"$gt": self._unit.now}}
        return now | ({"record.subject_code": subject_code} if subject_code else {})

    def _of(self, kind: type[Record]) -> MongoCollection[Document]:
        return self._unit.database[COLLECTIONS[kind]]

    def _write(self, kind: type[Record], document: Document) -> None:
        """Insert version 1, replace a later one; somebody faster makes it stale."""
        session, collection = self._unit.session, self._of(kind)
        if document["version"] == 1:
            try:
                collection.insert_one(document, session=session)
            except DuplicateKeyError:
                raise Stale("该记录刚被他人公示，请重试。") from None
            return
        before = {"_id": document["_id"], "version": document["version"] - 1}
        if not collection.replace_one(before, document, session=session).matched_count:
            raise Stale("该记录刚被他人修改，请重试。")

    def _write_all(self, kind: type[Record], documents: Sequence[Document]) -> None:
        """As `_write`, many at once."""
        session, collection = self._unit.session, self._of(kind)
        new = [document for document in documents if document["version"] == 1]
        later = [_replacing(document) for document in documents if document["version"] > 1]
        stale = Stale("有记录在导入时被他人公示或修改，请重新导入。")
        try:
            if new:
                collection.insert_many(new, ordered=False, session=session)
        except BulkWriteError as error:
            if all(one["code"] == DUPLICATE_KEY for one in error.details["writeErrors"]):
                raise stale from None
            raise
        if later:
            result = collection.bulk_write(later, ordered=False, session=session)
            if result.matched_count != len(later):
                raise stale

    def _tell_import(
        self, facts: Sequence[Changed[Any]], records: Sequence[tuple[str, bytes]], tick: int
    ) -> None:
        batch = hashlib.sha256(f"{tick}{records[0][0]}".encode()).hexdigest()[:32]
        told = outbox.tell_records(messages.IMPORTED, records, batch=batch, tick=tick)
        for kind in COLLECTIONS:
            newly = sum(fact.newly for fact in facts if type(fact.listed.record) is kind)
            if newly:
                fact = messages.import_message(kind, newly)
                number = len(told)
                told.append(
                    outbox.tell(fact, subject=batch, version=number + 1, tick=tick + number)
                )
        self._unit.tell(*told)


def _replacing(document: Document) -> ReplaceOne[Document]:
    return ReplaceOne({"_id": document["_id"], "version": document["version"] - 1}, document)
