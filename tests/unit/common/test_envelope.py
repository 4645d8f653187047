"""The envelope: what is packed is unpacked the same, and what is no event is said to be none."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zhengtong.catalogue.v1.catalogue_events_pb2 import ItemPublished, ItemWithdrawn

from services.common.envelope import Event, attributes, fact_json, pack, unpack

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EVENT = Event(
    id="e1",
    source="/catalogue",
    type="zhengtong.catalogue.v1.ItemWithdrawn",
    subject="T-1",
    time=datetime(2026, 11, 23, 2, 0, tzinfo=UTC),
    traceparent=TRACE,
    epoch="a1",
    sequence=7,
    version=3,
    fact=ItemWithdrawn(item_id="T-1", reason="法律修改"),
)
NAMES = st.text(min_size=1)
EVENTS = st.builds(
    replace,
    st.just(EVENT),
    id=NAMES,
    subject=NAMES,
    epoch=NAMES,
    time=st.datetimes(timezones=st.just(UTC)),
    traceparent=st.sampled_from(["", TRACE]),
    sequence=st.integers(0, 2**63 - 1),
    version=st.integers(1, 2**63 - 1),
    fact=st.builds(ItemWithdrawn, item_id=st.text(), reason=st.text()),
)


def test_an_envelope_is_cloudevents_in_json():
    assert pack(EVENT) == {
        "specversion": "1.0",
        "id": "e1",
        "source": "/catalogue",
        "type": "zhengtong.catalogue.v1.ItemWithdrawn",
        "subject": "T-1",
        "time": "2026-11-23T02:00:00+00:00",
        "datacontenttype": "application/json",
        "traceparent": TRACE,
        "epoch": "a1",
        "sequence": 7,
        "version": 3,
        "data": {"item_id": "T-1", "reason": "法律修改"},
    }


@given(EVENTS)
def test_what_is_packed_and_sent_is_unpacked_the_same(event):
    assert unpack(json.loads(json.dumps(pack(event))), ItemWithdrawn) == event


def test_outside_a_trace_there_is_no_traceparent():
    packed = pack(replace(EVENT, traceparent=""))
    assert "traceparent" not in packed
    assert unpack(packed, ItemWithdrawn).traceparent == ""


def test_attributes_and_fields_that_a_newer_producer_adds_are_passed_over():
    newer = pack(EVENT) | {"dataschema": "x", "data": pack(EVENT)["data"] | {"by": {"a": [1]}}}
    assert unpack(newer, ItemWithdrawn) == EVENT


def test_another_type_is_refused():
    with pytest.raises(ValueError, match=r"expected .*ItemPublished, got .*ItemWithdrawn"):
        unpack(pack(EVENT), ItemPublished)


@pytest.mark.parametrize(
    "name", ["id", "source", "type", "subject", "time", "epoch", "sequence", "version", "data"]
)
def test_an_envelope_without_what_it_needs_is_no_event(name):
    without = {key: value for key, value in pack(EVENT).items() if key != name}
    with pytest.raises(ValueError, match="not an event"):
        unpack(without, ItemWithdrawn)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
DATA = st.dictionaries(st.sampled_from(["item_id", "reason", "removal", "card", "item"]), JSON)


@given(
    st.dictionaries(st.sampled_from(sorted(pack(EVENT))), JSON) | DATA.map(lambda d: {"data": d})
)
@settings(max_examples=200)
def test_any_json_is_an_event_or_no_event_and_nothing_else(changes):
    payload = pack(EVENT) | changes
    try:
        event = unpack(payload, ItemWithdrawn)
    except ValueError:
        return
    assert isinstance(event.fact, ItemWithdrawn)


@pytest.mark.parametrize("payload", [None, [], "text", 5, {}])
def test_what_is_no_object_is_no_event(payload):
    with pytest.raises(ValueError, match="not an event"):
        unpack(payload, ItemWithdrawn)


def test_a_fact_has_the_names_of_its_proto_file():
    assert fact_json(ItemWithdrawn(item_id="T-1")) == {"item_id": "T-1"}


def test_a_moment_of_another_zone_stays_the_same_moment():
    shanghai = timezone(timedelta(hours=8))
    told = replace(EVENT, time=EVENT.time.astimezone(shanghai))
    assert unpack(pack(told), ItemWithdrawn).time == EVENT.time


def test_attributes_are_the_envelope_without_its_data():
    packed = pack(EVENT)
    names = {"event_id": "id", "kind": "type"}
    given_ = (
        "event_id",
        "source",
        "kind",
        "subject",
        "traceparent",
        "epoch",
        "sequence",
        "version",
    )
    values = {name: packed[names.get(name, name)] for name in given_}
    assert attributes(**values, time=EVENT.time) | {"data": packed["data"]} == packed
