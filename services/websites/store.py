"""Sites, mappings and counts in MongoDB: the documents, then the store of one unit of work."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import mongoengine as me
import orjson
from bson.int64 import Int64
from pymongo import InsertOne, ReplaceOne
from pymongo.errors import DuplicateKeyError
from zhengtong.websites.v1 import websites_events_pb2 as events_pb

from services.common import fields
from services.common.errors import Stale
from services.common.eventlog import outbox
from services.common.eventlog.outbox import Told
from services.common.identifiers import region_ancestors
from services.common.transaction import index_models
from services.websites import messages
from services.websites.domain import (
    Changed,
    Listed,
    Mapping,
    MappingKind,
    MappingNotFound,
    Publication,
    Question,
    Removed,
    Site,
    SiteNotFound,
    SiteState,
    T,
)

if TYPE_CHECKING:
    from collections import abc

    from google.protobuf.message import Message
    from pymongo.client_session import ClientSession
    from pymongo.database import Database

    from services.common.transaction import Unit

    Document = dict[str, Any]

SITES: Final = "sites"
MAPPINGS: Final = "mappings"
COUNTS: Final = "publications"
SNAPSHOT_PAGE: Final = 500
MOST_COUNTED: Final = 10_000
# Documents that share one count, so that concurrent transactions seldom meet in one. Never fewer:
# `page_counts` reads as many for each count.
SLOTS: Final = 16


class SiteDocument(me.Document):
    """A site and what the department knows about it."""

    id = me.StringField(primary_key=True, max_length=60)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    active = me.BooleanField(required=True)
    update_time = me.DateTimeField(required=True)
    regions = me.ListField(me.StringField())
    name = me.StringField(required=True, max_length=200)
    hosts = me.ListField(me.StringField(max_length=253), required=True)
    unit = me.StringField(required=True, max_length=200)
    region_code = me.StringField(regex=r"[0-9]{12}")
    state = me.StringField(required=True, choices=[state.value for state in SiteState])
    homepage = me.StringField(max_length=2000)
    unit_code = me.StringField(max_length=18)

    meta = {
        "collection": SITES,
        "auto_create_index": False,
        "indexes": [("regions", "_id"), ("state", "_id"), ("hosts",), ("unit_code", "_id")],
    }


class MappingDocument(me.Document):
    """A mapping; its id is that of the normal form of its old address."""

    id = me.StringField(primary_key=True, max_length=34)
    version = me.LongField(required=True, min_value=1)
    tick = me.LongField(required=True)
    active = me.BooleanField(required=True)
    update_time = me.DateTimeField(required=True)
    old_url = me.StringField(required=True, max_length=2000)
    kind = me.StringField(required=True, choices=[kind.value for kind in MappingKind])
    new_url = me.StringField(max_length=2000)

    meta = {"collection": MAPPINGS, "auto_create_index": False}


class PublicationDocument(me.Document):
    """One slot of a count; the id is its place (day, department, kind) and the slot."""

    id = me.StringField(primary_key=True)
    publish_date = me.StringField(required=True)
    department = me.StringField(required=True)
    kind = me.StringField(required=True)
    count = me.LongField(required=True)

    meta = {
        "collection": COUNTS,
        "auto_create_index": False,
        "indexes": [("department", "_id"), ("kind", "_id")],
    }


_DOCUMENTS: Final[dict[type, Any]] = {Site: SiteDocument, Mapping: MappingDocument}
_COLLECTIONS: Final[dict[type, str]] = {Site: SITES, Mapping: MAPPINGS}
_IDS: Final[dict[type, str]] = {Site: "site_id", Mapping: "mapping_id"}


def ensure(database: Database[Document]) -> None:
    """Make the collections' indexes."""
    for document in (SiteDocument, MappingDocument, PublicationDocument):
        if indexes := index_models(document):
            database[document._meta["collection"]].create_indexes(indexes)  # noqa: SLF001


def snapshot(database: Database[Document]) -> abc.Iterator[Told]:
    """Every site and every active mapping as the fact that it became public."""
    yield from _snapshot(database, Site, events_pb.SiteRegistered.DESCRIPTOR.full_name)
    yield from _snapshot(database, Mapping, events_pb.MappingAdded.DESCRIPTOR.full_name)


def _snapshot(database: Database[Document], kind: type[T], fact: str) -> abc.Iterator[Told]:
    after = ""
    while True:
        found = database[_COLLECTIONS[kind]].find({"active": True, "_id": {"$gt": after}})
        page = list(found.sort("_id", 1).limit(SNAPSHOT_PAGE))
        for document in page:
            updated = messages.rfc3339(document["update_time"])
            yield Told(
                kind=fact,
                subject=document["_id"],
                version=document["version"],
                data=orjson.dumps(messages.fact_json(_listed(kind, document), updated)),
                tick=document["tick"],
                subjects=(document["_id"],),
            )
        if len(page) < SNAPSHOT_PAGE:
            return
        after = page[-1]["_id"]


class MongoStore:
    """The store of one unit: bound to its session, telling into its log."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._ticks: dict[str, int] = {}

    def get_site(self, site_id: str) -> Listed[Site]:
        found = self._find(Site, site_id)
        if found is None:
            raise SiteNotFound(f"没有标识码为 {site_id} 的网站。")
        return found

    def get_mapping(self, mapping_id: str) -> Listed[Mapping]:
        found = self._find(Mapping, mapping_id)
        if found is None:
            raise MappingNotFound("没有这个网址的映射。")
        return found

    def _find(self, kind: type[T], subject: str) -> Listed[T] | None:
        return self._found(kind, [subject]).get(subject)

    def kept(self, things: abc.Sequence[T]) -> abc.Mapping[str, Listed[T]]:
        if not things:
            return {}
        return self._found(type(things[0]), [thing.subject for thing in things])

    def _found(self, kind: type[T], subjects: list[str]) -> dict[str, Listed[T]]:
        collection = self._unit.database[_COLLECTIONS[kind]]
        found: dict[str, Listed[T]] = {}
        for document in collection.find({"_id": {"$in": subjects}}, session=self._unit.session):
            self._ticks[document["_id"]] = document["tick"]
            found[document["_id"]] = _listed(kind, document)
        return found

    def regions_of(self, hosts: abc.Collection[str]) -> dict[str, set[str]]:
        regions: dict[str, set[str]] = {}
        found = self._unit.database[SITES].find(
            {"hosts": {"$in": list(hosts)}},
            {"_id": 0, "hosts": 1, "region_code": 1},
            session=self._unit.session,
        )
        for document in found:
            for host in set(document["hosts"]).intersection(hosts):
                regions.setdefault(host, set()).add(document.get("region_code", ""))
        return regions

    def save(self, fact: Changed[T]) -> Listed[T]:
        listed = self._timed(fact.listed)
        told: Any = replace(fact, listed=listed)
        return self._keep(listed, messages.fact_message(told))

    def save_removal(self, fact: Removed) -> Listed[Mapping]:
        listed = self._timed(fact.listed)
        return self._keep(listed, messages.removal_message(fact), removal=True)

    def _keep(self, listed: Listed[T], fact: Message, *, removal: bool = False) -> Listed[T]:
        subject = listed.thing.subject
        tick = outbox.next_tick(self._ticks.get(subject, 0))
        document = _document(listed, tick)
        kind = _DOCUMENTS[type(listed.thing)]
        kind._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
        self._write(_COLLECTIONS[type(listed.thing)], document)
        told = outbox.tell(
            fact, subject=subject, version=listed.version, tick=tick, removal=removal
        )
        self._unit.tell(told)
        return listed

    def save_all(self, facts: abc.Sequence[Changed[T]]) -> None:
        if not facts:
            return
        tick = outbox.next_tick(max(self._ticks.values(), default=0))
        last = outbox.last_tick(tick, len(facts))
        updated = messages.rfc3339(self._unit.now)
        writes: list[InsertOne[Document] | ReplaceOne[Document]] = []
        records: list[tuple[str, bytes]] = []
        for fact in facts:
            listed = self._timed(fact.listed)
            writes.append(_write_of(_document(listed, last)))
            records.append((listed.thing.subject, messages.record_json(listed, updated)))
        replaced = sum(isinstance(write, ReplaceOne) for write in writes)
        collection = self._unit.database[_COLLECTIONS[type(facts[0].listed.thing)]]
        result = collection.bulk_write(writes, ordered=False, session=self._unit.session)
        if result.matched_count != replaced:
            raise Stale("有记录在导入时被他人修改，请重新导入。")
        self._tell_import(facts, records, tick)

    def _tell_import(
        self, facts: abc.Sequence[Changed[T]], records: abc.Sequence[tuple[str, bytes]], tick: int
    ) -> None:
        batch = hashlib.sha256(f"{tick}{records[0][0]}".encode()).hexdigest()[:32]
        bulk = outbox.tell_records(messages.IMPORTED, records, batch=batch, tick=tick)
        self._unit.tell(*bulk)
        newly = sum(fact.newly for fact in facts)
        if newly:
            count = messages.import_message(messages.kind_of(facts[0].listed.thing), newly)
            self._unit.tell(
                outbox.tell(count, subject=batch, version=len(bulk) + 1, tick=tick + len(bulk))
            )

    def count(self, publication: Publication) -> None:
        assert self._unit.session is not None  # counting is part of a change
        self._unit.database[COUNTS].update_one(
            {"_id": f"{publication.place}/{_slot(self._unit.session):02}"},
            {
                "$inc": {"count": Int64(publication.count)},
                "$setOnInsert": {
                    "publish_date": publication.publish_date,
                    "department": publication.department,
                    "kind": publication.kind,
                },
            },
            upsert=True,
            session=self._unit.session,
        )

    def page_sites(
        self, *, region_code: str, state: SiteState | None, after: str, size: int
    ) -> list[Listed[Site]]:
        wanted: Document = {"_id": {"$gt": after}}
        wanted |= {"regions": region_code} if region_code else {}
        wanted |= {"state": state.value} if state else {}
        found = self._unit.database[SITES].find(wanted, session=self._unit.session)
        return [_listed(Site, document) for document in found.sort("_id", 1).limit(size)]

    def sites_of(self, unit_code: str, *, size: int) -> tuple[list[Listed[Site]], int]:
        sites, session = self._unit.database[SITES], self._unit.session
        wanted = {"unit_code": unit_code}
        found = sites.find(wanted, session=session).sort("_id", 1).limit(size)
        total = sites.count_documents(wanted, limit=MOST_COUNTED, session=session)
        return [_listed(Site, document) for document in found], total

    def page_counts(self, question: Question, *, after: str, size: int) -> list[Publication]:
        found = self._unit.database[COUNTS].aggregate(
            counting(question, after, size), session=self._unit.session
        )
        return [Publication(**row["_id"], count=int(row["count"])) for row in found]

    def _timed(self, listed: Listed[T]) -> Listed[T]:
        return replace(listed, update_time=self._unit.now)

    def _write(self, collection: str, document: Document) -> None:
        """Insert version 1, replace a later one; somebody faster makes it stale."""
        session, kept = self._unit.session, self._unit.database[collection]
        if document["version"] == 1:
            try:
                kept.insert_one(document, session=session)
            except DuplicateKeyError:
                raise Stale("该记录刚被他人登记，请重试。") from None
            return
        before = {"_id": document["_id"], "version": document["version"] - 1}
        if not kept.replace_one(before, document, session=session).matched_count:
            raise Stale("该记录刚被他人修改，请重试。")


def counting(question: Question, after: str, size: int) -> list[Document]:
    """The aggregation behind a page of counts.

    It walks the ids in order and stops early: each count has at most `SLOTS` documents, so the
    first `size` counts lie whole within the first `size * SLOTS` of them.
    """
    # "0" is the character after "/": `x0` comes right after all ids that begin with `x/`.
    ids: Document = {"$gte": max(question.from_date, f"{after}0" if after else "")}
    ids |= {"$lt": f"{question.until_date}0"} if question.until_date else {}
    wanted: Document = {"_id": ids}
    wanted |= {"department": question.department} if question.department else {}
    wanted |= {"kind": question.kind} if question.kind else {}
    place = {name: f"${name}" for name in ("publish_date", "department", "kind")}
    return [
        {"$match": wanted},
        {"$sort": {"_id": 1}},
        {"$limit": size * SLOTS},
        {"$group": {"_id": place, "count": {"$sum": "$count"}}},
        {"$sort": {"_id": 1}},
        {"$limit": size},
    ]


def _slot(session: ClientSession) -> int:
    """The slot that a transaction counts in.

    By session, because transactions that run at the same time have different ones, while all the
    counting in one transaction lands in one document.
    """
    return zlib.crc32(bytes(session.session_id["id"])) % SLOTS


def _write_of(document: Document) -> InsertOne[Document] | ReplaceOne[Document]:
    if document["version"] == 1:
        return InsertOne(document)
    return ReplaceOne({"_id": document["_id"], "version": document["version"] - 1}, document)


def _document(listed: Listed[T], tick: int) -> Document:
    said = fields.plain(listed.thing)
    document: Document = {
        "_id": said.pop(_IDS[type(listed.thing)]),
        "version": Int64(listed.version),
        "tick": Int64(tick),
        "active": listed.active,
        "update_time": listed.update_time,
        **said,
    }
    if isinstance(listed.thing, Site):
        document["regions"] = _and_above(listed.thing.region_code)
    return document


def _and_above(region: str) -> list[str]:
    """The region and all that it lies in."""
    return [region, *region_ancestors(region)] if region else []


def _listed(kind: type[T], document: Document) -> Listed[T]:
    return Listed(
        thing=fields.restore(kind, document | {_IDS[kind]: document["_id"]}),
        version=int(document["version"]),
        active=document["active"],
        update_time=document["update_time"],
    )
