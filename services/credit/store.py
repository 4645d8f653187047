"""Records in MongoDB: the documents, then the store of one unit of work."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

import mongoengine as me
import orjson
from bson.int64 import Int64
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from services.common import fields
from services.common.errors import Stale
from services.common.eventlog import outbox
from services.common.transaction import index_models
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

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pymongo.collection import Collection as MongoCollection
    from pymongo.database import Database

    from services.common.eventlog.outbox import Told
    from services.common.transaction import Unit
    from services.credit.domain import D
    from services.credit.usecases import Decided, Position

    Document = dict[str, Any]

NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
FOR_EVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
SNAPSHOT_PAGE: Final = 500
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


class SubjectContent(me.EmbeddedDocument):
    """The subject itself, as `fields.plain` has it."""

    subject_code = me.StringField(required=True, regex=r"[0-9A-Z]{18}")
    name = me.StringField(required=True, max_length=200)
    subject_type = me.StringField()
    status = me.StringField()
    legal_representative = me.StringField(max_length=50)
    establish_date = me.StringField()
    registration_authority = me.StringField(max_length=200)
    address = me.StringField(max_length=300)
    region_code = me.StringField(regex=r"[0-9]{12}")
    registered_capital = me.StringField()


class DecisionContent(me.EmbeddedDocument):
    """What permits and penalties have alike."""

    subject_code = me.StringField(required=True, regex=r"[0-9A-Z]{18}")
    subject_name = me.StringField(required=True, max_length=200)
    subject_type = me.StringField()
    document_number = me.StringField(max_length=128)
    category = me.StringField(max_length=256)
    content = me.StringField(max_length=4000)
    decision_date = me.StringField(required=True)
    valid_until_date = me.StringField()
    authority_name = me.StringField(required=True, max_length=200)
    authority_code = me.StringField(max_length=18)
    source_name = me.StringField(max_length=200)
    source_code = me.StringField(max_length=18)
    remark = me.StringField(max_length=4000)
    legal_representative = me.StringField(max_length=50)

    meta: ClassVar[Document] = {"abstract": True}


class PermitContent(DecisionContent):
    permit_id = me.StringField(required=True)
    document_name = me.StringField(max_length=200)
    certificate_name = me.StringField(max_length=200)
    certificate_number = me.StringField(max_length=128)
    valid_from_date = me.StringField()
    validity = me.StringField(max_length=1)


class PenaltyContent(DecisionContent):
    penalty_id = me.StringField(required=True)
    offence = me.StringField(max_length=2000)
    facts = me.StringField(max_length=5000)
    basis = me.StringField(max_length=2048)
    fine_amount = me.StringField()
    confiscated_amount = me.StringField()
    revoked_certificate = me.StringField(max_length=400)
    publish_until_date = me.StringField()


class KeptDocument(me.Document):
    """A record and what credit knows about it."""

    id = me.StringField(primary_key=True, max_length=32)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    public = me.BooleanField(required=True)
    update_time = me.DateTimeField(required=True)
    digest = me.BinaryField(required=True, max_bytes=16)

    meta: ClassVar[Document] = {"abstract": True}


class SubjectDocument(KeptDocument):
    record = me.EmbeddedDocumentField(SubjectContent, required=True)

    meta: ClassVar[Document] = {"collection": "subjects", "auto_create_index": False}


class DecisionDocument(KeptDocument):
    """A permit or penalty.

    `place` is its decision date and id: what lists are in order of. `visible_until` lies in the
    past once it is withdrawn, so that one comparison with the clock tells what is public.
    """

    place = me.StringField(required=True)
    visible_until = me.DateTimeField(required=True)

    meta: ClassVar[Document] = {
        "abstract": True,
        "auto_create_index": False,
        "indexes": [
            ("-place", "visible_until"),
            ("record.subject_code", "-place", "visible_until"),
        ],
    }


class PermitDocument(DecisionDocument):
    record = me.EmbeddedDocumentField(PermitContent, required=True)

    meta: ClassVar[Document] = {"collection": "permits"}


class PenaltyDocument(DecisionDocument):
    record = me.EmbeddedDocumentField(PenaltyContent, required=True)

    meta: ClassVar[Document] = {"collection": "penalties"}


DOCUMENTS: Final[dict[type[Record], Any]] = {
    Subject: SubjectDocument,
    Permit: PermitDocument,
    Penalty: PenaltyDocument,
}
COLLECTIONS: Final[dict[type[Record], str]] = {
    kind: document._meta["collection"]  # noqa: SLF001  (it has no public name)
    for kind, document in DOCUMENTS.items()
}


def ensure(database: Database[Document]) -> None:
    """Make the collections' indexes."""
    for document in DOCUMENTS.values():
        if models := index_models(document):
            database[document._meta["collection"]].create_indexes(models)  # noqa: SLF001


def snapshot(database: Database[Document]) -> Iterator[Told]:
    """Every public record as the fact that it became public, subjects first."""
    for kind, name in COLLECTIONS.items():
        after = ""
        while True:
            found = database[name].find({"_id": {"$gt": after}, "public": True})
            page = list(found.sort("_id", 1).limit(SNAPSHOT_PAGE))
            for document in page:
                yield outbox.tell(
                    messages.fact_message(Changed(_listed(kind, document), newly=True)),
                    subject=document["_id"],
                    version=document["version"],
                    tick=document["tick"],
                )
            if len(page) < SNAPSHOT_PAGE:
                break
            after = page[-1]["_id"]


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
        return _listed(kind, document)

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
        document = _document(listed, fields.plain(listed.record), tick)
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
            document = _document(listed, plain, last)
            documents.setdefault(type(listed.record), []).append(document)
            records.append((document["_id"], messages.record_json(listed, plain, updated)))
        for kind, written in documents.items():
            self._write_all(kind, written)
        self._tell_import(facts, records, tick)

    def page(
        self, kind: type[D], *, subject_code: str, after: Position | None, size: int
    ) -> list[Listed[D]]:
        wanted: Document = {"visible_until": {"$gt": self._unit.now}}
        wanted |= {"record.subject_code": subject_code} if subject_code else {}
        wanted |= {"place": {"$lt": _place(*after)}} if after else {}
        found = self._of(kind).find(wanted, session=self._unit.session).sort("place", -1)
        return [_listed(kind, document) for document in found.limit(size)]

    def decided(self, subject_code: str, *, size: int) -> Decided:
        # One command: three cost nearly twice as much, here and in the database.
        latest = (self._latest(kind, subject_code, size) for kind in (Permit, Penalty))
        found = self._of(Subject).aggregate(
            [{"$match": {"_id": subject_code}}, *latest], session=self._unit.session
        )
        for document in found:
            permits = [_listed(Permit, one) for one in document[COLLECTIONS[Permit]]]
            penalties = [_listed(Penalty, one) for one in document[COLLECTIONS[Penalty]]]
            return _listed(Subject, document), permits, penalties
        raise domain.not_found(Subject)

    def _latest(self, kind: type[Decision], subject_code: str, size: int) -> Document:
        """Joins the latest public decisions of a kind under the name of their collection."""
        wanted = {"record.subject_code": subject_code, "visible_until": {"$gt": self._unit.now}}
        latest = [{"$match": wanted}, {"$sort": {"place": -1}}, {"$limit": size}]
        name = COLLECTIONS[kind]
        return {"$lookup": {"from": name, "pipeline": latest, "as": name}}

    def count(self, kind: type[Decision], subject_code: str) -> int:
        """At most 10,000 are counted, so that nobody's many decisions hold up everybody."""
        wanted = {"record.subject_code": subject_code, "visible_until": {"$gt": self._unit.now}}
        return self._of(kind).count_documents(
            wanted, limit=MOST_COUNTED, session=self._unit.session
        )

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


def digest(plain: Mapping[str, Any]) -> bytes:
    """16 bytes that are the same for the same record only."""
    sorted_json = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(sorted_json, digest_size=16).digest()


def _replacing(document: Document) -> ReplaceOne[Document]:
    return ReplaceOne({"_id": document["_id"], "version": document["version"] - 1}, document)


def _place(decision_date: str, record_id: str) -> str:
    return f"{decision_date}/{record_id}"


def _document(listed: Listed[Any], plain: dict[str, Any], tick: int) -> Document:
    record = listed.record
    document = {
        "_id": record.record_id,
        "version": Int64(listed.version),
        "tick": Int64(tick),
        "public": listed.public,
        "update_time": listed.update_time,
        "digest": digest(plain),
        "record": plain,
    }
    if not isinstance(record, Subject):
        document["place"] = _place(record.decision_date, record.record_id)
        until = record.visible_until or FOR_EVER
        document["visible_until"] = until if listed.public else NEVER
    return document


def _listed(kind: type[R], document: Document) -> Listed[R]:
    return Listed(
        record=fields.restore(kind, document["record"]),
        version=int(document["version"]),
        public=document["public"],
        update_time=document["update_time"],
    )
