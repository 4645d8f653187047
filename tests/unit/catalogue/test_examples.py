"""The golden events of catalogue: whoever reads them reads what the department tells."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from google.protobuf import json_format
from zhengtong.catalogue.v1 import catalogue_events_pb2 as events_pb

from services.catalogue import messages
from services.catalogue.domain.life_events import EventChanged, KeptEvent
from services.catalogue.domain.lists import Adjustment
from services.catalogue.domain.synonyms import GroupChanged, KeptGroup, SynonymGroup
from services.catalogue.domain.uses import UseClassChanged
from services.common import fields
from services.common.envelope import pack, unpack

EXAMPLES = Path(__file__).resolve().parents[3] / "protos" / "examples"
FACTS = [
    kind
    for kind in map(vars(events_pb).get, events_pb.DESCRIPTOR.message_types_by_name)
    if kind is not events_pb.ItemRecord
]


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.DESCRIPTOR.name)
def test_every_fact_has_an_example_that_is_read_as_it_was_written(kind):
    payload = example(kind)
    assert payload["source"] == "/catalogue"
    assert pack(unpack(payload, kind)) == payload


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.DESCRIPTOR.name)
def test_the_cards_of_examples_are_those_the_department_makes(kind):
    fact = unpack(example(kind), kind).fact
    told = fact.records if kind is events_pb.ItemsImported else [fact]
    for one in told:
        names = {descriptor.name for descriptor, _ in one.ListFields()}
        is_event = kind in (events_pb.LifeEventPublished, events_pb.LifeEventRevised)
        is_shown = is_event or bool({"item", "adjustment", "family"} & names)
        is_row = kind is events_pb.SynonymGroupChanged
        assert ("card" in names) == (is_shown or is_row)
        if is_row:
            group = SynonymGroup(one.card.title, tuple(one.card.aliases))
            assert one == messages.synonym_fact(GroupChanged(KeptGroup(group, version=1)))
        if is_event:
            kept = KeptEvent(messages.event_of(one.event), version=one.event.version)
            assert one.card == messages.event_fact(EventChanged(kept, newly=True)).card
        if "item" in names:
            assert one.card == messages.card_message(messages.item_of(one.item))


def test_the_example_of_an_adjustment_is_what_the_department_makes():
    event = unpack(example(events_pb.ListAdjusted), events_pb.ListAdjusted)
    told = json_format.MessageToDict(event.fact.adjustment, preserving_proto_field_name=True)
    told["kind"] = told["kind"].removeprefix("LIST_KIND_").lower()
    told["number"] = int(told["number"])
    told["adjust_time"] = datetime.fromisoformat(told["adjust_time"])
    for one in told["differences"]:
        one["action"] = one["action"].removeprefix("LIST_ACTION_").lower()
        one["version"] = int(one["version"])
    made = messages.adjusted_message(fields.restore(Adjustment, told))
    assert made == event.fact
    assert event.subject == f"adjustment/{made.adjustment.adjustment_id}"


def test_the_example_of_a_class_of_use_is_what_the_department_makes():
    event = unpack(example(events_pb.UseClassChanged), events_pb.UseClassChanged)
    assert messages.use_fact(UseClassChanged(event.fact.family, 3)) == event.fact
    assert event.subject == f"use/{event.fact.family}"


def test_the_subjects_of_examples_are_those_of_their_items():
    for kind in (events_pb.ItemPublished, events_pb.ItemRevised):
        event = unpack(example(kind), kind)
        assert (event.subject, event.version) == (event.fact.item.item_id, event.fact.item.version)
    withdrawn = unpack(example(events_pb.ItemWithdrawn), events_pb.ItemWithdrawn)
    assert withdrawn.subject == withdrawn.fact.item_id


def example(kind):
    return json.loads((EXAMPLES / f"{kind.DESCRIPTOR.full_name}.json").read_text("utf-8"))
