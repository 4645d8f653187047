"""An item as MongoDB keeps it, and back."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
from bson.int64 import Int64

from services.catalogue.domain import NOTHING_PLANNED, Item, Listed, Plan, State, quality
from services.catalogue.store import listing
from services.common import fields
from services.common.identifiers import region_ancestors

if TYPE_CHECKING:
    from collections.abc import Mapping

    Document = dict[str, Any]

ALWAYS: Final = datetime(1, 1, 1, tzinfo=UTC)
FOR_EVER: Final = datetime(9999, 12, 31, tzinfo=UTC)


def digest(plain: Mapping[str, Any]) -> bytes:
    """16 bytes that are the same for the same item only."""
    sorted_json = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(sorted_json, digest_size=16).digest()


def version_of(document: Document) -> Document:
    kept = ("version", "state", "reason", "update_time", "item")
    item_id, version = document["_id"], document["version"]
    return {
        "_id": f"{item_id}@{version}",
        "item_id": item_id,
        **{name: document[name] for name in kept},
    }


def document_of(listed: Listed, plain: dict[str, Any], tick: int) -> Document:
    region = listed.item.region_code
    start, end = listed.item.visibility()
    return {
        "_id": listed.item.item_id,
        "version": Int64(listed.version),
        "tick": Int64(tick),
        "public": listed.state is State.PUBLISHED,
        "state": listed.state.value,
        "reason": listed.reason,
        "moved_to": listed.moved_to,
        "update_time": listed.update_time,
        "digest": digest(plain),
        "regions": [region, *region_ancestors(region)],
        "shelves": listing.shelves(listed.item) if listed.state is State.PUBLISHED else [],
        "body": listed.item.body,
        "visible_from": start or ALWAYS,
        "visible_until": end or FOR_EVER,
        "quality": quality_of(listed.item),
        "item": plain,
        **({"plan": plan_document(listed.plan)} if listed.plan.version else {}),
    }


def plan_document(plan: Plan) -> Document:
    known: Document = {"version": Int64(plan.version)}
    if plan.item is None:
        return known
    begins, _ = plan.item.visibility()
    return known | {"begins": begins, "item": fields.plain(plan.item)}


def plan_of(document: Document) -> Plan:
    known = document.get("plan")
    if not known:
        return NOTHING_PLANNED
    item = fields.restore(Item, known["item"]) if "item" in known else None
    return Plan(item, int(known["version"]))


def quality_of(item: Item) -> Document:
    found = quality.check(item)
    return {"score": found.score, "failed": [one.rule.number for one in found.findings]}


def listed_of(document: Document) -> Listed:
    return Listed(
        item=fields.restore(Item, document["item"]),
        version=int(document["version"]),
        state=State(document["state"]),
        reason=document["reason"],
        moved_to=document.get("moved_to", ""),
        update_time=document["update_time"],
        plan=plan_of(document),
    )
