"""How much items are used, in MongoDB: the store of one unit of work."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from bson.int64 import Int64
from pymongo import ASCENDING, IndexModel, ReplaceOne

from services.catalogue import messages
from services.catalogue.domain import Item
from services.catalogue.domain.item import LEGAL_ZONE
from services.catalogue.domain.uses import Day, Use, UseClassChanged
from services.catalogue.store.documents import COLLECTION
from services.catalogue.store.use_documents import USES, UseDocument
from services.common import fields
from services.common.eventlog import outbox
from services.common.transaction import index_models

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pymongo.database import Database

    from services.common.eventlog.outbox import Told
    from services.common.transaction import Unit

    Document = dict[str, Any]

PAGE: Final = 500
_NAMED: Final = {
    f"item.{name}": 1 for name in ("task_name", "task_code", "catalog_code", "local_catalog_code")
}
"""What of an item tells its family."""


def ensure(database: Database[Document]) -> None:
    """Make the indexes; MongoDB itself removes what counts no more."""
    expiry = IndexModel([("expire_time", ASCENDING)], name="kept", expireAfterSeconds=0)
    database[USES].create_indexes([*index_models(UseDocument), expiry])


def snapshot(database: Database[Document]) -> Iterator[Told]:
    """Every class that is told, as the fact that says so."""
    for document in database[USES].find({"told": True}).sort("_id", 1).batch_size(PAGE):
        use = _use(document)
        yield _told(UseClassChanged(use.family, use.use_class), use.version)


class MongoUses:
    """What one unit of work counts."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._rows = unit.database[USES]

    def families(self, item_ids: Collection[str]) -> Mapping[str, str]:
        found = self._unit.database[COLLECTION].find(
            {"_id": {"$in": list(item_ids)}}, _NAMED, session=self._unit.session
        )
        return {one["_id"]: fields.restore(Item, one["item"]).family for one in found}

    def find(self, families: Collection[str]) -> Mapping[str, Use]:
        found = self._rows.find({"_id": {"$in": list(families)}}, session=self._unit.session)
        return {document["_id"]: _use(document) for document in found}

    def due(self, today: str, *, size: int) -> list[Use]:
        found = self._rows.find({"falls_on": {"$lte": today}}, session=self._unit.session)
        return [_use(document) for document in found.sort("falls_on", 1).limit(size)]

    def save(self, uses: Collection[Use], facts: Collection[UseClassChanged]) -> None:
        changed = {fact.family: fact for fact in facts}
        writes = []
        for use in sorted(uses, key=lambda one: one.family):
            kept = use
            if fact := changed.get(use.family):
                # What is counted no more is forgotten, its version too: a later one is told by
                # the clock, and so is the higher all the same.
                kept = replace(use, version=outbox.next_tick(use.version))
                self._unit.tell(_told(fact, kept.version))
            writes.append(ReplaceOne({"_id": kept.family}, self._checked(kept), upsert=True))
        if writes:
            self._rows.bulk_write(writes, session=self._unit.session)

    def _checked(self, use: Use) -> Document:
        document: Document = {
            "_id": use.family,
            "days": [{"day": one.day, "count": Int64(one.count)} for one in use.days],
            "use_class": use.use_class,
            "told": use.use_class > 0,
            "version": Int64(use.version),
        }
        if use.use_class:
            # It stays, whatever its age, until others have been told that it has no class.
            document["falls_on"] = use.falls_on
        else:
            ends = use.ends_on
            document["expire_time"] = _midnight(ends) if ends else self._unit.now
        UseDocument._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
        return document


def _told(fact: UseClassChanged, version: int) -> Told:
    return outbox.tell(
        messages.use_fact(fact),
        subject=f"use/{fact.family}",
        version=version,
        tick=version,
        removal=not fact.use_class,
    )


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), LEGAL_ZONE)


def _use(document: Document) -> Use:
    return Use(
        family=document["_id"],
        days=tuple(Day(one["day"], int(one["count"])) for one in document["days"]),
        use_class=document["use_class"],
        version=int(document["version"]),
    )
