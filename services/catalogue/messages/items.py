"""Items to messages and back, and their facts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
from google.protobuf import json_format
from zhengtong.catalogue.v1 import catalogue_events_pb2 as events_pb
from zhengtong.catalogue.v1 import catalogue_pb2
from zhengtong.search.v1 import search_pb2

from services.catalogue import domain
from services.catalogue.domain import (
    NATIONAL,
    Changed,
    CodeProfile,
    Fact,
    Item,
    Listed,
    Resumed,
    Scheduled,
    State,
    Withdrawn,
)
from services.catalogue.messages.cards import KIND, card, card_message
from services.common import fields

if TYPE_CHECKING:
    from google.protobuf.message import Message


PUBLISHED = events_pb.ItemPublished.DESCRIPTOR.full_name
IMPORTED = events_pb.ItemsImported.DESCRIPTOR.full_name
_STATES = {
    State.PUBLISHED: catalogue_pb2.ITEM_STATE_PUBLISHED,
    State.SUSPENDED: catalogue_pb2.ITEM_STATE_SUSPENDED,
    State.WITHDRAWN: catalogue_pb2.ITEM_STATE_WITHDRAWN,
}


def item_of(message: catalogue_pb2.Item, profile: CodeProfile = NATIONAL) -> Item:
    """The item a caller hands in. Raises: ItemInvalid."""
    return domain.item_of(values_of(message), profile)


def values_of(message: catalogue_pb2.Item) -> dict[str, Any]:
    """An item as a record of the standard shape."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def item_message(listed: Listed) -> catalogue_pb2.Item:
    return catalogue_pb2.Item(
        item_id=listed.item.item_id,
        state=_STATES[listed.state],
        state_reason=listed.reason,
        moved_to=listed.moved_to,
        version=listed.version,
        update_time=listed.update_time,
        **fields.plain(listed.item),
    )


def scheduled_message(listed: Listed) -> catalogue_pb2.Item | None:
    """The revision that takes the item's place on its day; None: no revision waits."""
    if listed.plan.item is None:
        return None
    after = replace(listed, item=listed.plan.item, version=listed.version + 1, update_time=None)
    return item_message(after)


def scheduled_version_message(listed: Listed) -> catalogue_pb2.ItemVersion | None:
    """What the revision that waits will change; None: no revision waits."""
    if listed.plan.item is None:
        return None
    after = replace(listed, item=listed.plan.item, version=listed.version + 1, update_time=None)
    return version_message(after, listed)


def scheduled_fact(fact: Scheduled) -> Message:
    if fact.plan.item is None:
        return events_pb.ItemRevisionDropped(item_id=fact.item_id)
    item = fact.plan.item
    return events_pb.ItemRevisionScheduled(
        item_id=fact.item_id,
        revision=catalogue_pb2.Item(item_id=fact.item_id, **fields.plain(item)),
        title=f"{item.task_name}（自 {item.plan_effective_date} 起）",
    )


def fact_message(fact: Fact) -> Message:
    listed = fact.listed
    if not isinstance(fact, Changed | Resumed):
        told: dict[str, Any] = {
            "removal": search_pb2.Removal(kind=KIND),
            "item_id": listed.item.item_id,
            "reason": listed.reason,
        }
        if isinstance(fact, Withdrawn):
            return events_pb.ItemWithdrawn(**told, moved_to=listed.moved_to)
        return events_pb.ItemSuspended(**told)
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


def _value_json(value: Any) -> str:
    """A field's value as protobuf JSON; empty where it is blank."""
    return orjson.dumps(fields.plain_part(value)).decode() if value else ""


def import_message(count: int) -> events_pb.ImportPublished:
    return events_pb.ImportPublished(kind=KIND, count=count)


def record_json(listed: Listed, plain: dict[str, Any], updated: str) -> bytes:
    """One ItemRecord of a published item as protobuf JSON, without the detour by a message.

    Args:
        plain: `fields.plain` of the item, which the store has made already.
        updated: the item's update_time, RFC 3339.
    """
    known = {"subject": listed.item.item_id, "version": str(listed.version)}
    return orjson.dumps(known | _published(listed, plain, updated))


def published_json(listed: Listed, plain: dict[str, Any], updated: str) -> bytes:
    """ItemPublished of a published item as protobuf JSON, likewise; arguments as `record_json`."""
    return orjson.dumps(_published(listed, plain, updated))


def _published(listed: Listed, plain: dict[str, Any], updated: str) -> dict[str, Any]:
    item = {
        "item_id": listed.item.item_id,
        "state": "ITEM_STATE_PUBLISHED",
        "version": str(listed.version),
        "update_time": updated,
        **plain,
    }
    return {"card": card(listed.item), "item": item}
