"""Items in MongoDB: the store of one unit of work."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from bson.int64 import Int64
from pymongo import InsertOne, ReplaceOne, UpdateOne

from services.catalogue import messages
from services.catalogue.domain import (
    Changed,
    Item,
    ItemNotFound,
    ItemVersionNotFound,
    Kept,
    Listed,
    Resumed,
    State,
)
from services.catalogue.store import basic_items, listing, versioned
from services.catalogue.store.documents import COLLECTION, VERSIONS, ItemDocument
from services.catalogue.store.item_rows import (
    digest,
    document_of,
    listed_of,
    plan_document,
    plan_of,
    version_of,
)
from services.catalogue.usecases import Marks
from services.common import fields
from services.common.errors import Stale
from services.common.eventlog import outbox
from services.common.identifiers import region_ancestors

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from services.catalogue.domain import Fact, Scheduled
    from services.catalogue.domain.basic_items import BasicItem
    from services.catalogue.domain.listing import Asked
    from services.common.transaction import Unit

    Document = dict[str, Any]

MOST_COUNTED: Final = 10_000
EXAMPLES: Final = 5
"""Items shown for each rule that a body's items fail."""

WHOLE: Final[list[Document]] = [
    {
        "$group": {
            "_id": None,
            "items": {"$sum": 1},
            "score": {"$avg": "$quality.score"},
            "name": {"$first": "$item.dept_name"},
        }
    }
]
BY_RULE: Final[list[Document]] = [
    {"$unwind": "$quality.failed"},
    {
        "$group": {
            "_id": "$quality.failed",
            "items": {"$sum": 1},
            "examples": {"$firstN": {"input": "$_id", "n": EXAMPLES}},
        }
    },
    {"$sort": {"_id": 1}},
]
"""What a body's items add up to: in all, and by rule that they fail."""


class MongoStore:
    """The store of one unit: bound to its session, telling into its log."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._items = unit.database[COLLECTION]
        self._versions = unit.database[VERSIONS]
        self._ticks: dict[str, int] = {}

    @property
    def now(self) -> datetime:
        return self._unit.now

    def get(self, item_id: str) -> Listed:
        document = self._items.find_one({"_id": item_id}, session=self._unit.session)
        if document is None:
            raise ItemNotFound
        self._ticks[item_id] = document["tick"]
        return listed_of(document)

    def listed(self, item_ids: Sequence[str]) -> Mapping[str, Listed]:
        found = self._items.find({"_id": {"$in": list(item_ids)}}, session=self._unit.session)
        return {document["_id"]: listed_of(document) for document in found}

    def version(self, item_id: str, version: int) -> Listed:
        wanted = {"item_id": item_id, "version": version}
        document = self._versions.find_one(wanted, session=self._unit.session)
        if document is None:
            raise ItemVersionNotFound
        return listed_of(document)

    def versions(self, item_id: str, *, before: int, size: int) -> list[Listed]:
        wanted = {"item_id": item_id, "version": {"$lt": before}}
        found = self._versions.find(wanted, session=self._unit.session)
        return [listed_of(document) for document in found.sort("version", -1).limit(size)]

    def of_body(self, dept_code: str, *, after: str, size: int) -> list[Listed]:
        wanted = {
            "item.dept_code": dept_code,
            "_id": {"$gt": after},
            "state": {"$ne": State.WITHDRAWN.value},
        }
        found = self._items.find(wanted, session=self._unit.session).sort("_id", 1)
        page = list(found.limit(size))
        self._ticks |= {document["_id"]: document["tick"] for document in page}
        return [listed_of(document) for document in page]

    def count_of_body(self, dept_code: str) -> int:
        wanted = {
            "public": True,
            "item.dept_code": dept_code,
            "visible_until": {"$gt": self._unit.now},
            "visible_from": {"$lte": self._unit.now},
        }
        session = self._unit.session
        return self._items.count_documents(wanted, limit=MOST_COUNTED, session=session)

    def implementing(self, catalog_code: str, region_code: str) -> Listed | None:
        regions = [region_code, *region_ancestors(region_code)]
        wanted = {
            "public": True,
            "item.catalog_code": catalog_code,
            "item.region_code": {"$in": regions},
        }
        # A region's code is greater than those of the regions above it.
        found = self._items.find(wanted, session=self._unit.session)
        nearest = next(iter(found.sort("item.region_code", -1).limit(1)), None)
        return listed_of(nearest) if nearest else None

    def kept(self, items: Sequence[Item]) -> Mapping[str, Kept]:
        by_id = {item.item_id: item for item in items}
        found = self._items.find(
            {"_id": {"$in": list(by_id)}},
            {
                "version": 1,
                "state": 1,
                "tick": 1,
                "moved_to": 1,
                "digest": 1,
                "item.dept_code": 1,
                "item.region_code": 1,
                "visible_from": 1,
                "visible_until": 1,
                "plan": 1,
            },
            session=self._unit.session,
        )
        kept: dict[str, Kept] = {}
        for document in found:
            item_id = document["_id"]
            self._ticks[item_id] = document["tick"]
            same = document["digest"] == digest(fields.plain(by_id[item_id]))
            kept[item_id] = Kept(
                document["version"],
                State(document["state"]),
                same,
                department=document["item"].get("dept_code", ""),
                region=document["item"]["region_code"],
                moved_to=document["moved_to"],
                in_effect=document["visible_from"] <= self._unit.now < document["visible_until"],
                plan=plan_of(document),
            )
        return kept

    def basics(self, codes: Collection[str]) -> Mapping[str, BasicItem]:
        return basic_items.in_force(self._unit, codes)

    def save(self, fact: Fact) -> Listed:
        listed = self._timed(fact.listed)
        tick = outbox.next_tick(self._ticks.get(listed.item.item_id, 0))
        document = document_of(listed, fields.plain(listed.item), tick)
        ItemDocument._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
        self._keep_versions([listed.item.item_id] if listed.version > 1 else [])
        versioned.write(self._items, document, self._unit, "该事项")
        self._unit.tell(
            outbox.tell(
                messages.fact_message(replace(fact, listed=listed)),
                subject=listed.item.item_id,
                version=listed.version,
                tick=tick,
                removal=not isinstance(fact, Changed | Resumed),
            )
        )
        return listed

    def save_all(self, facts: Sequence[Changed]) -> None:
        if not facts:
            return
        tick = outbox.next_tick(max(self._ticks.values(), default=0))
        last = outbox.last_tick(tick, len(facts))
        updated = self._unit.now.isoformat().replace("+00:00", "Z")
        writes: list[InsertOne[Document] | ReplaceOne[Document]] = []
        records: list[tuple[str, bytes]] = []
        for fact in facts:
            listed = self._timed(fact.listed)
            plain = fields.plain(listed.item)
            writes.append(_write_of(document_of(listed, plain, last)))
            records.append((listed.item.item_id, messages.record_json(listed, plain, updated)))
        replaced = sum(isinstance(write, ReplaceOne) for write in writes)
        self._keep_versions([fact.listed.item.item_id for fact in facts if fact.listed.version > 1])
        result = self._items.bulk_write(writes, ordered=False, session=self._unit.session)
        if result.matched_count != replaced:
            raise Stale("有事项在导入时被他人修改，请重新导入。")
        self._tell_import(facts, records, tick)

    def schedule(self, revisions: Sequence[Scheduled]) -> None:
        if not revisions:
            return
        ticks = {one.item_id: outbox.next_tick(self._ticks[one.item_id]) for one in revisions}
        writes = [
            UpdateOne(
                {"_id": one.item_id, "version": one.seen},
                {"$set": {"plan": plan_document(one.plan), "tick": Int64(ticks[one.item_id])}},
            )
            for one in revisions
        ]
        result = self._items.bulk_write(writes, ordered=False, session=self._unit.session)
        if result.matched_count != len(writes):
            raise Stale("有事项刚被他人修改，请重试。")
        self._ticks |= ticks
        self._unit.tell(
            *(
                outbox.tell(
                    messages.scheduled_fact(one),
                    subject=f"scheduled/{one.item_id}",
                    version=one.plan.version,
                    tick=ticks[one.item_id],
                )
                for one in revisions
            )
        )

    def due(self, *, size: int) -> list[Listed]:
        wanted = {"plan.begins": {"$lte": self._unit.now}}
        found = self._items.find(wanted, session=self._unit.session)
        page = list(found.sort("plan.begins", 1).limit(size))
        self._ticks |= {document["_id"]: document["tick"] for document in page}
        return [listed_of(document) for document in page]

    def _tell_import(
        self, facts: Sequence[Changed], records: Sequence[tuple[str, bytes]], tick: int
    ) -> None:
        batch = hashlib.sha256(f"{tick}{records[0][0]}".encode()).hexdigest()[:32]
        bulk = outbox.tell_records(messages.IMPORTED, records, batch=batch, tick=tick)
        self._unit.tell(*bulk)
        newly = sum(fact.newly for fact in facts)
        if newly:
            count = messages.import_message(newly)
            self._unit.tell(
                outbox.tell(count, subject=batch, version=len(bulk) + 1, tick=tick + len(bulk))
            )

    def page(self, asked: Asked, *, after: str, size: int) -> tuple[list[Listed], str]:
        found, onward = listing.page(self._unit, asked, after=after, size=size)
        return [listed_of(document) for document in found], onward

    def _keep_versions(self, item_ids: Sequence[str]) -> None:
        """Rule I-8: what is about to be replaced stays readable."""
        if not item_ids:
            return
        found = self._items.find({"_id": {"$in": list(item_ids)}}, session=self._unit.session)
        kept = [version_of(document) for document in found]
        if kept:
            self._versions.insert_many(kept, ordered=False, session=self._unit.session)

    def bodies(self, *, region_code: str, after: str, size: int) -> list[str]:
        """From body to body, as their marks are read: none of it grows with the catalogue."""
        wanted: Document = {"public": True, **({"regions": region_code} if region_code else {})}
        found: list[str] = []
        while len(found) < size:
            following = wanted | {"body": {"$gt": found[-1] if found else after}}
            one = self._items.find_one(
                following, {"body": 1}, sort=[("body", 1)], session=self._unit.session
            )
            if one is None:
                break
            found.append(one["body"])
        return found

    def marks(self, bodies: Sequence[str], *, region_code: str) -> dict[str, Marks]:
        found = {body: self._marks_of(body, region_code) for body in bodies}
        return {body: marks for body, marks in found.items() if marks}

    def _marks_of(self, body: str, region_code: str) -> Marks | None:
        wanted: Document = {"public": True, "body": body}
        wanted |= {"regions": region_code} if region_code else {}
        steps = [
            {"$match": wanted},
            {"$sort": {"_id": 1}},
            {"$project": {"quality": 1, "item.dept_name": 1}},
            {"$facet": {"whole": WHOLE, "rules": BY_RULE}},
        ]
        (answer,) = self._items.aggregate(steps, session=self._unit.session)
        if not answer["whole"]:
            return None
        (body_whole,) = answer["whole"]
        return Marks(
            name=body_whole["name"],
            items=body_whole["items"],
            score=body_whole["score"],
            failing={one["_id"]: one["items"] for one in answer["rules"]},
            examples={one["_id"]: one["examples"] for one in answer["rules"]},
        )

    def _timed(self, listed: Listed) -> Listed:
        return replace(listed, update_time=self._unit.now)


def _write_of(document: Document) -> InsertOne[Document] | ReplaceOne[Document]:
    if document["version"] == 1:
        return InsertOne(document)
    return ReplaceOne({"_id": document["_id"], "version": document["version"] - 1}, document)
