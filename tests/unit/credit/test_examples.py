"""The golden events of credit: whoever reads them reads what the department tells."""

import json
from pathlib import Path

import orjson
import pytest
from google.protobuf import json_format
from zhengtong.credit.v1 import credit_events_pb2 as events_pb

from services.common import fields
from services.common.envelope import pack, unpack
from services.common.identifiers import find_resident_ids
from services.credit import messages
from services.credit.domain import Listed, Penalty, Permit, Subject

EXAMPLES = Path(__file__).resolve().parents[3] / "protos" / "examples"
FACTS = [
    kind
    for kind in map(vars(events_pb).get, events_pb.DESCRIPTOR.message_types_by_name)
    if kind is not events_pb.CreditRecord
]
MESSAGES = {
    "subject": (Subject, messages.subject_message),
    "permit": (Permit, messages.permit_message),
    "penalty": (Penalty, messages.penalty_message),
}
named = pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.DESCRIPTOR.name)


@named
def test_every_fact_has_an_example_that_is_read_as_it_was_written(kind):
    payload = example(kind)
    assert payload["source"] == "/credit"
    assert pack(unpack(payload, kind)) == payload


@named
def test_the_records_and_cards_of_examples_are_those_the_department_makes(kind):
    event = unpack(example(kind), kind)
    told = {descriptor.name: value for descriptor, value in event.fact.ListFields()}
    for name in told.keys() & MESSAGES.keys():
        record_kind, message_of = MESSAGES[name]
        record = messages.record_of(record_kind, told[name])
        listed = Listed(record, version=event.version, update_time=event.time)
        assert told[name] == message_of(listed)
        assert event.subject == record.record_id
        if "card" in told:
            assert told["card"] == messages.card_message(record)


def test_the_records_of_the_bulk_example_are_those_an_import_tells():
    payload = example(events_pb.RecordsImported)
    event = unpack(payload, events_pb.RecordsImported)
    made = []
    for one in event.fact.records:
        place = "penalty" if one.HasField("penalty") else "credit_subject"
        kind = {"penalty": Penalty, "credit_subject": Subject}[place]
        record = messages.record_of(kind, getattr(one, place))
        listed = Listed(record, version=one.version, update_time=event.time)
        stamp = payload["time"].replace("+00:00", "Z")
        made.append(orjson.loads(messages.record_json(listed, fields.plain(record), stamp)))
    fact = json_format.ParseDict({"records": made}, events_pb.RecordsImported())
    assert fact == event.fact
    assert payload["data"] == {"records": made}


@named
def test_examples_tell_of_invented_enterprises_only(kind):
    text = json.dumps(example(kind), ensure_ascii=False)
    names = [part for part in text.split('"') if part.endswith(("有限公司", "（示例）"))]
    assert all(name.endswith("（示例）") for name in names)
    assert not find_resident_ids(json.dumps(example(kind)["data"], ensure_ascii=False))


def example(kind):
    return json.loads((EXAMPLES / f"{kind.DESCRIPTOR.full_name}.json").read_text("utf-8"))
