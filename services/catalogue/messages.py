"""Domain values to protobuf messages and back. The only file that knows both shapes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from google.protobuf import json_format
from zhengtong.catalogue.v1 import catalogue_events_pb2 as events_pb
from zhengtong.catalogue.v1 import catalogue_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2 as service_pb
from zhengtong.search.v1 import search_pb2

from services.catalogue import domain
from services.catalogue.domain import (
    Changed,
    Fact,
    Item,
    Listed,
    Resumed,
    State,
    Withdrawn,
    quality,
)
from services.catalogue.domain.tables import ON_APPLICATION, PROJECT_TYPES, TASK_TYPES
from services.common import fields

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from services.catalogue.usecases import Marks

KIND = "item"
IMPORTED = events_pb.ItemsImported.DESCRIPTOR.full_name
_STATES = {
    State.PUBLISHED: catalogue_pb2.ITEM_STATE_PUBLISHED,
    State.SUSPENDED: catalogue_pb2.ITEM_STATE_SUSPENDED,
    State.WITHDRAWN: catalogue_pb2.ITEM_STATE_WITHDRAWN,
}
_UNITS = {"2": "个自然日", "3": "小时", "4": "个月", "5": "年"}


def item_of(message: catalogue_pb2.Item) -> Item:
    """The item a caller hands in. Raises: ItemInvalid."""
    return domain.item_of(json_format.MessageToDict(message, preserving_proto_field_name=True))


def item_message(listed: Listed) -> catalogue_pb2.Item:
    return catalogue_pb2.Item(
        item_id=listed.item.item_id,
        state=_STATES[listed.state],
        state_reason=listed.reason,
        version=listed.version,
        update_time=listed.update_time,
        **fields.plain(listed.item),
    )


def fact_message(fact: Fact) -> Message:
    listed = fact.listed
    if not isinstance(fact, Changed | Resumed):
        gone = events_pb.ItemWithdrawn if isinstance(fact, Withdrawn) else events_pb.ItemSuspended
        return gone(
            removal=search_pb2.Removal(kind=KIND),
            item_id=listed.item.item_id,
            reason=listed.reason,
        )
    kind = events_pb.ItemResumed if isinstance(fact, Resumed) else _kind_of(fact)
    return kind(card=card_message(listed.item), item=item_message(listed))


def _kind_of(changed: Changed) -> Any:
    return events_pb.ItemPublished if changed.newly else events_pb.ItemRevised


def version_message(listed: Listed, before: Listed | None) -> catalogue_pb2.ItemVersion:
    changes = domain.differences(before.item, listed.item) if before else []
    return catalogue_pb2.ItemVersion(
        version=listed.version,
        state=_STATES[listed.state],
        state_reason=listed.reason,
        update_time=listed.update_time,
        differences=[
            catalogue_pb2.ItemDifference(
                field=one.field, before=_value_json(one.before), after=_value_json(one.after)
            )
            for one in changes
        ],
    )


def check_message(found: quality.Quality) -> service_pb.CheckItemResponse:
    return service_pb.CheckItemResponse(
        score=found.score,
        findings=[
            catalogue_pb2.QualityFinding(
                rule=one.rule.number,
                says=one.rule.says,
                blocking=one.rule.blocking,
                fields=one.fields,
            )
            for one in found.findings
        ],
    )


def report_message(body: str, marks: Marks) -> catalogue_pb2.QualityReport:
    return catalogue_pb2.QualityReport(
        dept_code="" if body == marks.name else body,
        dept_name=marks.name,
        item_count=marks.items,
        score=round(marks.score, 1),
        failed_rules=[
            catalogue_pb2.FailedRule(
                rule=rule.number,
                says=rule.says,
                item_count=marks.failing[rule.number],
                item_ids=marks.examples[rule.number],
            )
            for rule in quality.rules()
            if rule.number in marks.failing
        ],
    )


def _value_json(value: Any) -> str:
    """A field's value as protobuf JSON; empty where it is blank."""
    return orjson.dumps(fields.plain_part(value)).decode() if value else ""


def import_message(count: int) -> events_pb.ImportPublished:
    return events_pb.ImportPublished(kind=KIND, count=count)


def card_message(item: Item) -> search_pb2.Card:
    values = card(item)
    for name in ("visible_from_time", "visible_until_time"):
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    return search_pb2.Card(**values)


def card(item: Item) -> dict[str, Any]:
    """The card of an item, as the JSON form of its message."""
    values: dict[str, Any] = {
        "kind": KIND,
        "title": item.task_name,
        "summary": _summary(item),
        "department": item.dept_name,
        "region_code": item.region_code,
        "url": f"/items/{item.item_id}",
        "codes": _codes(item),
        "facets": {"task_type": item.task_type},
    }
    if item.alias:
        values["aliases"] = list(item.alias)
    start, end = item.visibility()
    if start:
        values["visible_from_time"] = _rfc3339(start)
    if end:
        values["visible_until_time"] = _rfc3339(end)
    return values


def _codes(item: Item) -> list[str]:
    """Its codes, the most exact first: 实施编码, 基本编码, and the local ones of both."""
    local = (item.local_task_code, item.local_catalog_code)
    return [code for code in (item.task_code, item.catalog_code, *local) if code]


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _summary(item: Item) -> str:
    """What a searcher wants to know first: what it is, how long it takes, what it costs."""
    parts = [TASK_TYPES.get(item.task_type, "")]
    if item.task_type not in ON_APPLICATION:
        parts.append("依职权实施，无需申请")
    elif item.project_type:
        parts.append(PROJECT_TYPES[item.project_type])
    if item.promise_day:
        parts.append(f"承诺 {item.promise_day} {_UNITS.get(item.promise_type, '个工作日')}")
    if item.is_fee:
        parts.append("收费")
    if item.is_online:
        parts.append("可网上办理")
    return " · ".join(part for part in parts if part)


def record_json(listed: Listed, plain: dict[str, Any], updated: str) -> bytes:
    """One ItemRecord of a published item as protobuf JSON, without the detour by a message.

    Args:
        plain: `fields.plain` of the item, which the store has made already.
        updated: the item's update_time, RFC 3339.
    """
    item = {
        "item_id": listed.item.item_id,
        "state": "ITEM_STATE_PUBLISHED",
        "version": str(listed.version),
        "update_time": updated,
        **plain,
    }
    return orjson.dumps(
        {
            "subject": listed.item.item_id,
            "version": str(listed.version),
            "card": card(listed.item),
            "item": item,
        }
    )
