"""Groups of synonyms in MongoDB."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bson.int64 import Int64

from services.catalogue import messages
from services.catalogue.domain.synonyms import (
    MOST_GROUPS,
    GroupChanged,
    GroupRemoved,
    KeptGroup,
    SynonymGroup,
)
from services.catalogue.store import versioned
from services.catalogue.store.synonym_documents import SYNONYMS, SynonymGroupDocument
from services.common import fields
from services.common.eventlog import outbox
from services.common.transaction import index_models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymongo.database import Database

    from services.common.eventlog.outbox import Told
    from services.common.transaction import Unit

    Document = dict[str, Any]

PAGE: Final = 500


def ensure(database: Database[Document]) -> None:
    """Make the collection's indexes."""
    database[SYNONYMS].create_indexes(index_models(SynonymGroupDocument))


def snapshot(database: Database[Document]) -> Iterator[Told]:
    """Every edit that counts as the fact that it was made."""
    for document in database[SYNONYMS].find({"active": True}).sort("_id", 1).batch_size(PAGE):
        yield _told(GroupChanged(_kept_of(document)), document["tick"])


class MongoSynonyms:
    """The groups of synonyms of one unit of work."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._rows = unit.database[SYNONYMS]
        self._ticks: dict[str, int] = {}

    def find(self, name: str) -> KeptGroup | None:
        document = self._rows.find_one({"_id": name}, session=self._unit.session)
        if document is None:
            return None
        self._ticks[name] = document["tick"]
        return _kept_of(document)

    def count(self) -> int:
        session = self._unit.session
        return self._rows.count_documents({"active": True}, limit=MOST_GROUPS, session=session)

    def save(self, fact: GroupChanged | GroupRemoved) -> KeptGroup:
        kept = replace(fact.kept, update_time=self._unit.now)
        tick = outbox.next_tick(self._ticks.get(kept.group.name, 0))
        document = {
            "_id": kept.group.name,
            "version": Int64(kept.version),
            "tick": Int64(tick),
            "active": kept.active,
            "update_time": kept.update_time,
            "group": fields.plain(kept.group),
        }
        SynonymGroupDocument._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
        versioned.write(self._rows, document, self._unit, "该同义词组")
        self._unit.tell(_told(replace(fact, kept=kept), tick))
        return kept

    def page(self, *, after: str, size: int) -> list[KeptGroup]:
        wanted = {"active": True, "_id": {"$gt": after}}
        found = self._rows.find(wanted, session=self._unit.session).sort("_id", 1)
        return [_kept_of(document) for document in found.limit(size)]


def _told(fact: GroupChanged | GroupRemoved, tick: int) -> Told:
    """The fact; its subject has a slash, which no id of an item has."""
    return outbox.tell(
        messages.synonym_fact(fact),
        subject=f"synonym-group/{fact.kept.group.name}",
        version=fact.kept.version,
        tick=tick,
        removal=isinstance(fact, GroupRemoved),
    )


def _kept_of(document: Document) -> KeptGroup:
    return KeptGroup(
        group=fields.restore(SynonymGroup, document["group"]),
        version=int(document["version"]),
        active=document["active"],
        update_time=document["update_time"],
    )
