"""The golden events of utilities: whoever reads them reads what the department tells."""

import json
from pathlib import Path

import pytest
from zhengtong.utilities.v1 import utilities_events_pb2 as events_pb

from services.common.envelope import pack, unpack
from services.utilities import messages

EXAMPLES = Path(__file__).resolve().parents[3] / "protos" / "examples"
FACTS = [
    kind
    for kind in map(vars(events_pb).get, events_pb.DESCRIPTOR.message_types_by_name)
    if kind is not events_pb.UtilityRecord
]


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.DESCRIPTOR.name)
def test_every_fact_has_an_example_that_is_read_as_it_was_written(kind):
    payload = example(kind)
    assert payload["source"] == "/utilities"
    assert pack(unpack(payload, kind)) == payload


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.DESCRIPTOR.name)
def test_the_cards_of_examples_are_those_the_department_makes(kind):
    fact = unpack(example(kind), kind).fact
    told = fact.records if kind is events_pb.RecordsImported else [fact]
    for one in told:
        names = {descriptor.name for descriptor, _ in one.ListFields()}
        if "institution" in names:
            assert one.card == messages.card_message(messages.institution_of(one.institution))
        elif "outage" in names:
            assert one.card == messages.card_message(messages.outage_of(one.outage))
        else:
            assert "card" not in names


def example(kind):
    return json.loads((EXAMPLES / f"{kind.DESCRIPTOR.full_name}.json").read_text("utf-8"))
