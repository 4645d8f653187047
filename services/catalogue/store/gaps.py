"""Gaps of the catalogue in MongoDB: the store of one unit of work. They tell no facts."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from bson.int64 import Int64
from pymongo import ASCENDING, IndexModel, ReplaceOne

from services.catalogue.domain.gaps import KEPT, Gap, Month, Outcome, Span
from services.catalogue.domain.item import LEGAL_ZONE
from services.catalogue.store.gap_documents import DAYS, GAPS, GapDocument
from services.common.access import NATIONWIDE
from services.common.errors import Stale
from services.common.identifiers import region_ancestors
from services.common.transaction import index_models

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pymongo.database import Database

    from services.common.personal.vault import Vault
    from services.common.transaction import Unit

    Document = dict[str, Any]

_PURPOSE: Final = "gap/"
"""Keeps what texts are found by apart from what persons are matched by."""


def ensure(database: Database[Document]) -> None:
    """Make the indexes; MongoDB itself removes what has expired."""
    expiry = IndexModel([("expire_time", ASCENDING)], name="kept", expireAfterSeconds=0)
    database[GAPS].create_indexes([*index_models(GapDocument), expiry])
    database[DAYS].create_indexes([expiry])


class MongoGaps:
    """The gaps of one unit of work.

    Args:
        vault: has the keys of what texts are found by.
    """

    def __init__(self, unit: Unit, vault: Vault) -> None:
        self._unit = unit
        self._vault = vault
        self._rows = unit.database[GAPS]
        self._days = unit.database[DAYS]

    def names(self, text: str, region_code: str) -> Sequence[str]:
        return [one.hex() for one in self._vault.matches(f"{_PURPOSE}{region_code}/{text}")]

    def find(self, gap_ids: Collection[str]) -> Mapping[str, Gap]:
        found = self._rows.find({"_id": {"$in": list(gap_ids)}}, session=self._unit.session)
        # MongoDB looks once a minute for what has expired, and asked for it here it would rather
        # read all that has not.
        return {
            document["_id"]: _gap(document)
            for document in found
            if document["expire_time"] > self._unit.now
        }

    def begun(self, day: str) -> int:
        found = self._days.find_one({"_id": day}, session=self._unit.session)
        return int(found["begun"]) if found else 0

    def save(self, gaps: Collection[Gap]) -> None:
        writes = [
            ReplaceOne({"_id": one.gap_id}, _checked(one), upsert=True)
            for one in sorted(gaps, key=lambda one: one.gap_id)
        ]
        if writes:
            self._rows.bulk_write(writes, session=self._unit.session)

    def count_day(self, day: str, *, begun: int, others: int) -> None:
        if not begun and not others:
            return
        ends = datetime.combine(date.fromisoformat(day), datetime.min.time(), LEGAL_ZONE) + KEPT
        change = {
            "$inc": {"begun": Int64(begun), "others": Int64(others)},
            "$setOnInsert": {"expire_time": ends},
        }
        self._days.update_one({"_id": day}, change, upsert=True, session=self._unit.session)

    def settle(self, gap: Gap) -> None:
        before = {"_id": gap.gap_id, "version": gap.version - 1}
        session = self._unit.session
        if not self._rows.replace_one(before, _checked(gap), session=session).matched_count:
            raise Stale("该缺口的处理结果刚被他人修改，请重试。")
        self._unit.note(f"gap/{gap.gap_id}")

    def page(
        self,
        regions: Sequence[str],
        span: Span,
        *,
        after: tuple[int, str] | None,
        size: int,
        open_only: bool = False,
    ) -> list[Gap]:
        """Adds up the months of all that were asked since: a listed gap is small, and few are."""
        onward: Document = {"asked": {"$gt": 0}}
        if after:
            count, gap_id = after
            onward["$or"] = [
                {"asked": {"$lt": count}},
                {"asked": count, "_id": {"$gt": gap_id}},
            ]
        wanted: Document = {
            "regions": {"$in": list(regions)},
            "last_day": {"$gte": f"{span.first}-00"},
            "expire_time": {"$gt": self._unit.now},
        }
        hint = {"regions": 1, "last_day": 1}
        if open_only:
            wanted["outcome"] = int(Outcome.OPEN)
            hint = {"regions": 1, "outcome": 1, "last_day": 1}
        found = self._rows.aggregate(
            [
                {"$match": wanted},
                {"$set": {"asked": _asked_in(span)}},
                {"$match": onward},
                {"$sort": {"asked": -1, "_id": 1}},
                {"$limit": size},
            ],
            session=self._unit.session,
            hint=hint,
        )
        return [_gap(document) for document in found]

    def others(self, span: Span) -> int:
        wanted = {"_id": {"$gte": f"{span.first}-00", "$lte": f"{span.last}-99"}}
        found = self._days.find(wanted, {"others": 1}, session=self._unit.session)
        return sum(int(document["others"]) for document in found)


def _asked_in(span: Span) -> Document:
    """The expression of how often in these months."""
    bounds = [{"$gte": ["$$this.month", span.first]}, {"$lte": ["$$this.month", span.last]}]
    counted = {"$filter": {"input": "$months", "as": "this", "cond": {"$and": bounds}}}
    return {"$sum": {"$map": {"input": counted, "as": "this", "in": "$$this.count"}}}


def _checked(gap: Gap) -> Document:
    document = _document(gap)
    GapDocument._from_son(document).validate()  # noqa: SLF001  (mongoengine's one way in)
    return document


def _document(gap: Gap) -> Document:
    region = gap.region_code
    # What is not listed yet is in no region's list.
    regions = [region, *region_ancestors(region), NATIONWIDE] if gap.listed else []
    plain = {
        "_id": gap.gap_id,
        "region_code": region,
        "regions": regions,
        "askers": Int64(gap.askers),
        "months": [{"month": one.month, "count": Int64(one.count)} for one in gap.months],
        "first_day": gap.first_day,
        "last_day": gap.last_day,
        "outcome": int(gap.outcome),
        "version": Int64(gap.version),
        "expire_time": gap.expire_time,
    }
    said = {"text": gap.text, "item_id": gap.item_id, "note": gap.note}
    timed = {"settle_time": gap.settle_time} if gap.settle_time else {}
    return plain | {name: value for name, value in said.items() if value} | timed


def _gap(document: Document) -> Gap:
    return Gap(
        gap_id=document["_id"],
        region_code=document["region_code"],
        text=document.get("text", ""),
        askers=int(document["askers"]),
        months=tuple(Month(one["month"], int(one["count"])) for one in document["months"]),
        first_day=document["first_day"],
        last_day=document["last_day"],
        outcome=Outcome(document["outcome"]),
        item_id=document.get("item_id", ""),
        note=document.get("note", ""),
        settle_time=document.get("settle_time"),
        version=int(document["version"]),
    )
