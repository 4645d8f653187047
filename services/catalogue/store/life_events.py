"""Life events in MongoDB."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bson.int64 import Int64

from services.catalogue import messages
from services.catalogue.domain.life_events import (
    EventChanged,
    EventWithdrawn,
    KeptEvent,
    LifeEvent,
)
from services.catalogue.store import versioned
from services.catalogue.store.documents import EVENTS, LifeEventDocument
from services.common import fields
from services.common.eventlog import outbox
from services.common.identifiers import region_ancestors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymongo.database import Database

    from services.common.eventlog.outbox import Told
    from services.common.transaction import Unit

    Document = dict[str, Any]

PAGE: Final = 500


def snapshot(database: Database[Document]) -> Iterator[Told]:
    """Every life event that is offered as the fact that it is published."""
    for document in database[EVENTS].find({"active": True}).sort("_id", 1).batch_size(PAGE):
        fact = messages.event_fact(EventChanged(_kept_of(document), newly=True))
        subject, version = subject_of(document["_id"]), document["version"]
        yield outbox.tell(fact, subject=subject, version=version, tick=document["tick"])


def subject_of(event_id: str) -> str:
    """What facts about a life event are about: apart from items, whose ids are codes."""
    return f"life-event/{event_id}"


class MongoEvents:
    """The life events of one unit of work."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._rows = unit.database[EVENTS]
        self._ticks: dict[str, int] = {}

    def find(self, event_id: str) -> KeptEvent | None:
        document = self._rows.find_one({"_id": event_id}, session=self._unit.session)
        if document is None:
            return None
        self._ticks[event_id] = document["tick"]
        return _kept_of(document)

    def save(self, fact: EventChanged | EventWithdrawn) -> KeptEvent:
        kept = replace(fact.kept, update_time=self._unit.now)
        tick = outbox.next_tick(self._ticks.get(kept.event.event_id, 0))
        document = {
            "_id": kept.event.event_id,
            "version": Int64(kept.version),
            "tick": Int64(tick),
            "active": kept.active,
            "reason": kept.reason,
            "update_time": kept.update_time,
            "event": fields.plain(kept.event),
        }
        LifeEventDocument._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
        versioned.write(self._rows, document, self._unit, "该“一件事”")
        self._unit.tell(
            outbox.tell(
                messages.event_fact(replace(fact, kept=kept)),
                subject=subject_of(kept.event.event_id),
                version=kept.version,
                tick=tick,
                removal=isinstance(fact, EventWithdrawn),
            )
        )
        return kept

    def page(self, *, region_code: str, after: str, size: int) -> list[KeptEvent]:
        wanted: Document = {"active": True, "_id": {"$gt": after}}
        if region_code:
            wanted["event.region_code"] = {"$in": [region_code, *region_ancestors(region_code)]}
        found = self._rows.find(wanted, session=self._unit.session).sort("_id", 1)
        return [_kept_of(document) for document in found.limit(size)]


def _kept_of(document: Document) -> KeptEvent:
    return KeptEvent(
        event=fields.restore(LifeEvent, document["event"]),
        version=int(document["version"]),
        active=document["active"],
        reason=document["reason"],
        update_time=document["update_time"],
    )
