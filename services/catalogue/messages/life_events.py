"""Life events to messages and back, and their facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format
from zhengtong.catalogue.v1 import catalogue_events_pb2 as events_pb
from zhengtong.catalogue.v1 import life_event_pb2 as pb
from zhengtong.search.v1 import search_pb2

from services.catalogue.domain import life_events
from services.catalogue.domain.life_events import EventWithdrawn
from services.common import fields

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from services.catalogue.domain.life_events import EventChanged, KeptEvent, LifeEvent
    from services.catalogue.usecases import Occasion


def event_of(message: pb.LifeEvent) -> LifeEvent:
    """The life event a caller hands in. Raises: LifeEventInvalid."""
    values = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return life_events.event_of(values)


def event_message(kept: KeptEvent) -> pb.LifeEvent:
    return pb.LifeEvent(
        version=kept.version,
        active=kept.active,
        update_time=kept.update_time,
        **fields.plain(kept.event),
    )


def occasion_message(found: Occasion) -> pb.Occasion:
    joint = found.joint
    return pb.Occasion(
        event=event_message(found.kept),
        steps=[
            pb.OccasionStep(
                condition=one.step.condition,
                catalog_code=one.step.catalog_code,
                **_named(one),
            )
            for one in found.steps
        ],
        materials=[
            pb.MergedMaterial(
                material=fields.plain(one.material), item_ids=one.items, waived=one.waived
            )
            for one in joint.materials
        ],
        joint_day=joint.day,
        joint_type=joint.unit,
        visits=joint.visits,
        fee=joint.fee,
    )


def _named(step: Any) -> dict[str, str]:
    if step.listed is None:
        return {"item_id": step.step.item_id}
    item = step.listed.item
    return {
        "item_id": item.item_id,
        "task_name": item.task_name,
        "dept_name": item.dept_name,
        "region_code": item.region_code,
    }


KIND: Final = "life_event"


def event_fact(fact: EventChanged | EventWithdrawn) -> Message:
    event = fact.kept.event
    if isinstance(fact, EventWithdrawn):
        return events_pb.LifeEventWithdrawn(
            removal=search_pb2.Removal(kind=KIND), event_id=event.event_id, reason=fact.kept.reason
        )
    card = search_pb2.Card(
        kind=KIND,
        title=event.title,
        aliases=event.alias,
        summary=event.summary or f"一次办好 {len(event.steps)} 个事项",
        department=event.dept_name,
        region_code=event.region_code,
        url=f"/life-events/{event.event_id}",
        facets={"type": "life_event"},
    )
    kind = events_pb.LifeEventPublished if fact.newly else events_pb.LifeEventRevised
    return kind(card=card, event=event_message(fact.kept))
