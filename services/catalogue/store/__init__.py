"""The catalogue in MongoDB: what its collections need, its snapshot, and the store of one unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.catalogue import messages
from services.catalogue.store import drafts, gaps, life_events, synonyms, uses
from services.catalogue.store.basic_items import MongoBasics
from services.catalogue.store.documents import (
    BASICS,
    COLLECTION,
    EVENTS,
    VERSIONS,
    BasicItemDocument,
    ItemDocument,
    ItemVersionDocument,
    LifeEventDocument,
)
from services.catalogue.store.drafts import MongoDrafts
from services.catalogue.store.gaps import MongoGaps
from services.catalogue.store.item_rows import digest, document_of, listed_of
from services.catalogue.store.items import MongoStore
from services.catalogue.store.life_events import MongoEvents
from services.catalogue.store.list_documents import (
    ADJUSTMENTS,
    ENTRIES,
    AdjustmentDocument,
    EntryDocument,
)
from services.catalogue.store.lists import MongoListStore, adjustments_told
from services.catalogue.store.questionnaires import MongoQuestionnaires
from services.catalogue.store.synonyms import MongoSynonyms
from services.catalogue.store.upgrading import upgrade
from services.catalogue.store.uses import MongoUses
from services.common.eventlog.outbox import Told
from services.common.transaction import index_models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymongo.database import Database

    Document = dict[str, Any]

__all__ = [
    "COLLECTION",
    "VERSIONS",
    "ItemDocument",
    "MongoBasics",
    "MongoDrafts",
    "MongoEvents",
    "MongoGaps",
    "MongoListStore",
    "MongoQuestionnaires",
    "MongoStore",
    "MongoSynonyms",
    "MongoUses",
    "digest",
    "document_of",
    "ensure",
    "snapshot",
]
SNAPSHOT_PAGE: Final = 500
TOLD: Final = dict.fromkeys(
    ("item", "version", "state", "reason", "moved_to", "update_time", "tick"), 1
)
"""What a snapshot reads of an item: the most of a document is for searching the catalogue."""


def ensure(database: Database[Document]) -> None:
    """Make the collections' indexes, and complete what an earlier release kept."""
    database[COLLECTION].create_indexes(index_models(ItemDocument))
    database[VERSIONS].create_indexes(index_models(ItemVersionDocument))
    database[EVENTS].create_indexes(index_models(LifeEventDocument))
    database[BASICS].create_indexes(index_models(BasicItemDocument))
    database[ENTRIES].create_indexes(index_models(EntryDocument))
    database[ADJUSTMENTS].create_indexes(index_models(AdjustmentDocument))
    drafts.ensure(database)
    gaps.ensure(database)
    synonyms.ensure(database)
    uses.ensure(database)
    upgrade(database)


def snapshot(database: Database[Document]) -> Iterator[Told]:
    """All that is public as facts that say so, and the rows of tables for the one-stop query."""
    yield from _items_told(database)
    yield from life_events.snapshot(database)
    yield from adjustments_told(database)
    yield from uses.snapshot(database)
    yield from synonyms.snapshot(database)


def _items_told(database: Database[Document]) -> Iterator[Told]:
    """Items are kept as their message's JSON has them, so that none is made plain again."""
    after = ""
    while True:
        found = database[COLLECTION].find({"public": True, "_id": {"$gt": after}}, TOLD)
        page = list(found.sort("_id", 1).limit(SNAPSHOT_PAGE))
        for document in page:
            listed = listed_of(document)
            updated = document["update_time"].isoformat().replace("+00:00", "Z")
            data = messages.published_json(listed, document["item"], updated)
            yield Told(
                kind=messages.PUBLISHED,
                subject=document["_id"],
                version=document["version"],
                data=data,
                tick=document["tick"],
                subjects=(document["_id"],),
            )
        if len(page) < SNAPSHOT_PAGE:
            return
        after = page[-1]["_id"]
