"""Every fact has a golden example: valid CloudEvents, strictly readable, the same when written."""

from __future__ import annotations

import copy
import importlib
import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from jsonschema import Draft7Validator, FormatChecker

from services.common.delivery.subscriptions import is_bulk, source_of
from services.common.envelope import fact_json, pack, unpack
from services.common.eventlog.outbox import RECORDS_IN_A_FACT
from services.common.identifiers import find_resident_ids

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
EXAMPLES = PROTOS / "examples"
SCHEMA = ROOT.parent / "shared" / "data" / "standards" / "cloudevents" / "cloudevents.json"
FILES = sorted(PROTOS.glob("zhengtong/*/v*/*_events.proto"))


def facts_of(file):
    """The messages of one file that stand for themselves, not inside another."""
    name = str(file.relative_to(PROTOS).with_suffix("")).replace("/", ".") + "_pb2"
    declared = importlib.import_module(name).DESCRIPTOR.message_types_by_name.values()
    inside = {field.message_type for message in declared for field in message.fields}
    return [GetMessageClass(message) for message in declared if message not in inside]


FACTS = [fact for file in FILES for fact in facts_of(file)]
BULK = [fact for fact in FACTS if is_bulk(fact)]
COUNTERS = ("sequence", "version")
every_fact = pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.DESCRIPTOR.full_name)


def test_each_department_has_facts_and_no_example_tells_of_anything_else():
    assert {source_of(fact) for fact in FACTS} == {file.parts[-3] for file in FILES}
    known = {f"{fact.DESCRIPTOR.full_name}.json" for fact in FACTS}
    assert {path.name for path in EXAMPLES.iterdir()} <= known


@every_fact
def test_an_example_is_an_envelope_as_the_platform_writes_it(fact):
    payload = example(fact)
    assert payload["specversion"] == "1.0"
    assert payload["type"] == fact.DESCRIPTOR.full_name
    assert payload["source"] == f"/{source_of(fact)}"
    assert payload["datacontenttype"] == "application/json"
    assert datetime.fromisoformat(payload["time"]).tzinfo is not None
    assert all(payload[name] for name in ("id", "subject", "epoch"))
    assert all(isinstance(payload[name], int) and payload[name] > 0 for name in COUNTERS)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", payload["traceparent"])
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in payload)


@pytest.mark.skipif(
    not SCHEMA.exists(), reason="the CloudEvents schema is not beside this checkout"
)
@every_fact
def test_an_example_is_valid_cloudevents(fact):
    schema = json.loads(SCHEMA.read_text("utf-8"))
    validator = Draft7Validator(schema, format_checker=FormatChecker())
    assert list(validator.iter_errors(example(fact))) == []


@every_fact
def test_an_example_is_read_strictly_and_written_back_the_same(fact):
    payload = example(fact)
    read = json_format.ParseDict(payload["data"], fact())
    assert fact_json(read) == payload["data"]
    event = unpack(payload, fact)
    assert event.fact == read
    assert pack(event) == payload


@every_fact
def test_what_a_newer_producer_adds_is_passed_over(fact):
    payload = example(fact)
    newer = with_more(copy.deepcopy(payload))
    assert newer["data"] != payload["data"]
    assert unpack(newer, fact) == unpack(payload, fact)
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict(newer["data"], fact())


@every_fact
def test_an_example_of_another_type_or_without_an_attribute_is_refused(fact):
    payload = example(fact)
    other = next(kind for kind in FACTS if kind is not fact)
    with pytest.raises(ValueError, match="expected"):
        unpack(payload, other)
    for name in ("id", "source", "subject", "time", "epoch", "sequence", "version", "data"):
        with pytest.raises(ValueError, match="not an event"):
            unpack({key: value for key, value in payload.items() if key != name}, fact)


@every_fact
def test_a_fact_that_a_searcher_meets_says_of_what_kind_it_is(fact):
    data = example(fact)["data"]
    for told in data["records"] if is_bulk(fact) else [data]:
        shown = told.get("card") or told.get("removal")
        if shown:
            assert shown["kind"]
        assert not {"card", "removal"} <= told.keys()


@pytest.mark.parametrize("fact", BULK, ids=lambda fact: fact.DESCRIPTOR.full_name)
def test_a_bulk_fact_has_records_each_with_its_subject_and_version(fact):
    records = example(fact)["data"]["records"]
    assert 0 < len(records) <= RECORDS_IN_A_FACT
    assert len({record["subject"] for record in records}) == len(records)
    assert all(int(record["version"]) > 0 for record in records)


@every_fact
def test_no_example_names_a_person_by_their_identity_number(fact):
    assert not [text for text in texts(example(fact)) if find_resident_ids(text)]


def example(fact):
    return json.loads((EXAMPLES / f"{fact.DESCRIPTOR.full_name}.json").read_text("utf-8"))


def with_more(value):
    """The value with a field nobody knows in each of its objects."""
    if isinstance(value, list):
        return [with_more(one) for one in value]
    if isinstance(value, dict):
        inner = {k: v if k == "facets" else with_more(v) for k, v in value.items()}
        return inner | {"addedlater": {"x": [1]}}
    return value


def texts(value):
    if isinstance(value, dict):
        return [text for one in value.values() for text in texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [value] if isinstance(value, str) else []
