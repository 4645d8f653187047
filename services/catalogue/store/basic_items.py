"""The basic catalogue in MongoDB."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bson.int64 import Int64

from services.catalogue import messages
from services.catalogue.domain.basic_items import BasicItem, BasicWithdrawn, KeptBasic
from services.catalogue.store import versioned
from services.catalogue.store.documents import BASICS, BasicItemDocument
from services.common import fields
from services.common.eventlog import outbox

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from services.catalogue.domain.basic_items import BasicChanged
    from services.common.transaction import Unit

    Document = dict[str, Any]


def in_force(unit: Unit, codes: Collection[str]) -> Mapping[str, BasicItem]:
    """Those of these 基本编码 that are in force, by code; one question for all."""
    if not codes:
        return {}
    wanted = {"_id": {"$in": list(codes)}, "active": True}
    found = unit.database[BASICS].find(wanted, session=unit.session)
    return {one["_id"]: fields.restore(BasicItem, one["basic"]) for one in found}


class MongoBasics:
    """The basic catalogue of one unit of work."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._rows = unit.database[BASICS]
        self._ticks: dict[str, int] = {}

    def find(self, catalog_code: str) -> KeptBasic | None:
        document = self._rows.find_one({"_id": catalog_code}, session=self._unit.session)
        if document is None:
            return None
        self._ticks[catalog_code] = document["tick"]
        return _kept_of(document)

    def save(self, fact: BasicChanged | BasicWithdrawn) -> KeptBasic:
        kept = replace(fact.kept, update_time=self._unit.now)
        code = kept.basic.catalog_code
        tick = outbox.next_tick(self._ticks.get(code, 0))
        document = {
            "_id": code,
            "version": Int64(kept.version),
            "tick": Int64(tick),
            "active": kept.active,
            "reason": kept.reason,
            "update_time": kept.update_time,
            "basic": fields.plain(kept.basic),
        }
        BasicItemDocument._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
        versioned.write(self._rows, document, self._unit, "该基本目录事项")
        self._unit.tell(
            outbox.tell(
                messages.basic_fact(replace(fact, kept=kept)),
                subject=f"basic-item/{code}",
                version=kept.version,
                tick=tick,
                removal=isinstance(fact, BasicWithdrawn),
            )
        )
        return kept

    def page(self, *, task_type: str, after: str, size: int) -> list[KeptBasic]:
        wanted: Document = {"active": True, "_id": {"$gt": after}}
        wanted |= {"basic.task_type": task_type} if task_type else {}
        found = self._rows.find(wanted, session=self._unit.session).sort("_id", 1)
        return [_kept_of(document) for document in found.limit(size)]


def _kept_of(document: Document) -> KeptBasic:
    return KeptBasic(
        basic=fields.restore(BasicItem, document["basic"]),
        version=int(document["version"]),
        active=document["active"],
        reason=document["reason"],
        update_time=document["update_time"],
    )
