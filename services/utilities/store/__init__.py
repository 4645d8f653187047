"""Institutions and notices in MongoDB: the stores of one unit of work."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

import orjson
from bson.int64 import Int64
from pymongo import InsertOne, ReplaceOne
from pymongo.errors import DuplicateKeyError

from services.common import fields
from services.common.errors import NotFound, Stale
from services.common.eventlog import outbox
from services.common.identifiers import region_ancestors
from services.common.transaction import index_models
from services.utilities import messages
from services.utilities.domain import (
    LONGEST,
    Changed,
    Institution,
    InstitutionNotFound,
    Kept,
    Listed,
    Outage,
    OutageNotFound,
    Withdrawn,
    place_of,
)
from services.utilities.store.documents import InstitutionDocument, OutageDocument

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pymongo.database import Database

    from services.common.eventlog.outbox import Told
    from services.common.transaction import Unit
    from services.utilities.domain import Sector

    Document = dict[str, Any]

T = TypeVar("T", bound=Institution | Outage)

SNAPSHOT_PAGE: Final = 500
MOST_COUNTED: Final = 10_000


def ensure(database: Database[Document]) -> None:
    """Make the indexes of the collections."""
    for document in (InstitutionDocument, OutageDocument):
        database[document._meta["collection"]].create_indexes(  # noqa: SLF001  (it has no public name)
            index_models(document)
        )


def snapshot(database: Database[Document]) -> Iterator[Told]:
    """Every public institution and notice as the fact that it is published."""
    yield from MongoInstitutions.snapshot(database)
    yield from MongoOutages.snapshot(database)


class MongoStore(Generic[T]):
    """The store of one kind of things for one unit: bound to its session, telling into its log."""

    kind: ClassVar[Any]
    document: ClassVar[Any]
    collection: ClassVar[str]
    noun: ClassVar[str]
    whose: ClassVar[Document]
    """Projection of who answers for a thing, and where."""
    not_found: ClassVar[type[NotFound]]

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._things = unit.database[self.collection]
        self._ticks: dict[str, int] = {}

    @classmethod
    def snapshot(cls, database: Database[Document]) -> Iterator[Told]:
        """Every public thing of the kind, by pages."""
        after = ""
        while True:
            found = database[cls.collection].find({"public": True, "_id": {"$gt": after}})
            page = list(found.sort("_id", 1).limit(SNAPSHOT_PAGE))
            for document in page:
                fact = messages.fact_message(Changed(cls._listed(document), newly=True))
                version, tick = document["version"], document["tick"]
                yield outbox.tell(fact, subject=document["_id"], version=version, tick=tick)
            if len(page) < SNAPSHOT_PAGE:
                return
            after = page[-1]["_id"]

    def get(self, subject: str) -> Listed[T]:
        document = self._things.find_one({"_id": subject}, session=self._unit.session)
        if document is None:
            raise self.not_found(f"没有编号为 {fields.shown(subject)} 的{self.noun}。")
        self._ticks[subject] = document["tick"]
        return self._listed(document)

    def kept(self, things: Sequence[T]) -> Mapping[str, Kept]:
        by_id = {thing.subject: thing for thing in things}
        found = self._things.find(
            {"_id": {"$in": list(by_id)}},
            {"version": 1, "public": 1, "tick": 1, "digest": 1} | self.whose,
            session=self._unit.session,
        )
        kept: dict[str, Kept] = {}
        for document in found:
            subject = document["_id"]
            self._ticks[subject] = document["tick"]
            body = messages.json_form(fields.plain(by_id[subject]))
            same = document["digest"] == digest(body)
            kept[subject] = Kept(document["version"], document["public"], same, *_whose(document))
        return kept

    def save(self, fact: Changed[T] | Withdrawn[T]) -> Listed[T]:
        listed = self._timed(fact.listed)
        subject = listed.thing.subject
        tick = outbox.next_tick(self._ticks.get(subject, 0))
        plain = fields.plain(listed.thing)
        document = self._document(listed, plain, messages.json_form(plain), tick)
        self.document._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
        self._write(document)
        self._unit.tell(
            outbox.tell(
                messages.fact_message(replace(fact, listed=listed)),
                subject=subject,
                version=listed.version,
                tick=tick,
                removal=isinstance(fact, Withdrawn),
            )
        )
        return listed

    def save_all(self, facts: Sequence[Changed[T]]) -> None:
        if not facts:
            return
        tick = outbox.next_tick(max(self._ticks.values(), default=0))
        last = outbox.last_tick(tick, len(facts))
        updated = messages.rfc3339(self._unit.now)
        writes: list[InsertOne[Document] | ReplaceOne[Document]] = []
        records: list[tuple[str, bytes]] = []
        for fact in facts:
            listed = self._timed(fact.listed)
            plain = fields.plain(listed.thing)
            body = messages.json_form(plain)
            writes.append(_write_of(self._document(listed, plain, body, last)))
            records.append((listed.thing.subject, messages.record_json(listed, body, updated)))
        replaced = sum(isinstance(write, ReplaceOne) for write in writes)
        result = self._things.bulk_write(writes, ordered=False, session=self._unit.session)
        if result.matched_count != replaced:
            raise Stale("有内容在导入时被他人修改，请重新导入。")
        self._tell_import(facts, records, tick)

    def _tell_import(
        self, facts: Sequence[Changed[T]], records: Sequence[tuple[str, bytes]], tick: int
    ) -> None:
        batch = hashlib.sha256(f"{tick}{records[0][0]}".encode()).hexdigest()[:32]
        bulk = outbox.tell_records(messages.IMPORTED, records, batch=batch, tick=tick)
        self._unit.tell(*bulk)
        newly = sum(fact.newly for fact in facts)
        if newly:
            count = messages.import_message(self.kind, newly)
            self._unit.tell(
                outbox.tell(count, subject=batch, version=len(bulk) + 1, tick=tick + len(bulk))
            )

    def _timed(self, listed: Listed[T]) -> Listed[T]:
        return replace(listed, update_time=self._unit.now)

    def _write(self, document: Document) -> None:
        """Insert version 1, replace a later one; somebody faster makes it stale."""
        session = self._unit.session
        if document["version"] == 1:
            try:
                self._things.insert_one(document, session=session)
            except DuplicateKeyError:
                raise Stale("该内容刚被他人发布，请重试。") from None
            return
        before = {"_id": document["_id"], "version": document["version"] - 1}
        if not self._things.replace_one(before, document, session=session).matched_count:
            raise Stale("该内容刚被他人修改，请重试。")

    def _document(self, listed: Listed[T], plain: Document, body: Document, tick: int) -> Document:
        return {
            "_id": listed.thing.subject,
            "version": Int64(listed.version),
            "tick": Int64(tick),
            "public": listed.public,
            "update_time": listed.update_time,
            "digest": digest(body),
            messages.FORMS[self.kind].name: plain,
        }

    @classmethod
    def _listed(cls, document: Document) -> Listed[T]:
        thing: T = fields.restore(cls.kind, document[messages.FORMS[cls.kind].name])
        return Listed(thing, int(document["version"]), document["public"], document["update_time"])


class MongoInstitutions(MongoStore[Institution]):
    """services.utilities.usecases.Institutions on MongoDB."""

    kind = Institution
    document = InstitutionDocument
    collection = "institutions"
    noun = "单位"
    whose: ClassVar[Document] = {"institution.institution_id": 1, "institution.region_code": 1}
    not_found = InstitutionNotFound

    def names(self, ids: Sequence[str]) -> Mapping[str, str]:
        found = self._things.find(
            {"_id": {"$in": list(ids)}}, {"institution.name": 1}, session=self._unit.session
        )
        return {document["_id"]: document["institution"]["name"] for document in found}

    def page(
        self, *, region_code: str, sector: Sector | None, after: str, size: int
    ) -> list[Listed[Institution]]:
        wanted: Document = {"public": True, "_id": {"$gt": after}}
        wanted |= {"regions": region_code} if region_code else {}
        wanted |= {"institution.sector": sector.value} if sector else {}
        found = self._things.find(wanted, session=self._unit.session).sort("_id", 1)
        return [self._listed(document) for document in found.limit(size)]

    def _document(
        self, listed: Listed[Institution], plain: Document, body: Document, tick: int
    ) -> Document:
        region = listed.thing.region_code
        document = super()._document(listed, plain, body, tick)
        return document | {"regions": [region, *region_ancestors(region)]}


class MongoOutages(MongoStore[Outage]):
    """services.utilities.usecases.Outages on MongoDB."""

    kind = Outage
    document = OutageDocument
    collection = "outages"
    noun = "公告"
    whose: ClassVar[Document] = {"outage.institution_id": 1, "outage.area_region_codes": 1}
    not_found = OutageNotFound

    def publish_times(self, ids: Sequence[str]) -> Mapping[str, datetime]:
        found = self._things.find(
            {"_id": {"$in": list(ids)}, "public": True},
            {"outage.publish_time": 1},
            session=self._unit.session,
        )
        return {document["_id"]: document["outage"]["publish_time"] for document in found}

    def page(
        self, *, region_code: str, sector: Sector | None, after: str, size: int
    ) -> list[Listed[Outage]]:
        now = self._unit.now
        # No outage is longer than LONGEST, so what began earlier is over: the past is not read.
        place = {"$gte": place_of(now - LONGEST)} | ({"$lt": after} if after else {})
        wanted: Document = {
            "public": True,
            "place": place,
            "outage.publish_time": {"$lte": now},
            "outage.expected_restore_time": {"$gt": now},
        }
        wanted |= {"outage.sector": sector.value} if sector else {}
        if region_code:
            above = list(region_ancestors(region_code))
            wanted["$or"] = [
                {"regions": region_code},
                {"outage.area_region_codes": {"$in": above}},
            ]
        found = self._things.find(wanted, session=self._unit.session).sort("place", -1)
        return [self._listed(document) for document in found.limit(size)]

    def of_institution(self, institution_id: str, *, size: int) -> tuple[list[Listed[Outage]], int]:
        now, session = self._unit.now, self._unit.session
        wanted: Document = {
            "public": True,
            "outage.institution_id": institution_id,
            "outage.expected_restore_time": {"$gt": now},
            "outage.publish_time": {"$lte": now},
        }
        # What an institution stops and has still to restore is little: it is sorted in memory.
        found = self._things.find(wanted, session=session).sort("place", -1).limit(size)
        total = self._things.count_documents(wanted, limit=MOST_COUNTED, session=session)
        return [self._listed(document) for document in found], total

    def _document(
        self, listed: Listed[Outage], plain: Document, body: Document, tick: int
    ) -> Document:
        areas = listed.thing.area_region_codes
        regions = {one for area in areas for one in (area, *region_ancestors(area))}
        document = super()._document(listed, plain, body, tick)
        return document | {"place": listed.thing.place, "regions": sorted(regions)}


def digest(body: Mapping[str, Any]) -> bytes:
    """16 bytes that are the same for the same thing only."""
    sorted_json = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(sorted_json, digest_size=16).digest()


def _whose(document: Document) -> tuple[str, tuple[str, ...]]:
    """Who answers for what is kept, and in which regions."""
    said = document.get("institution") or document.get("outage") or {}
    regions = said.get("area_region_codes") or [said.get("region_code", "")]
    return said.get("institution_id", ""), tuple(regions)


def _write_of(document: Document) -> InsertOne[Document] | ReplaceOne[Document]:
    if document["version"] == 1:
        return InsertOne(document)
    return ReplaceOne({"_id": document["_id"], "version": document["version"] - 1}, document)
