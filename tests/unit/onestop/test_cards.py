"""What is read out of facts."""

import orjson
import pytest
from zhengtong.eventlog.v1.eventlog_pb2 import Event

from gateway.onestop.cards import State, changes, digest, read_card
from tests.unit.onestop.shelf import card


def event(data, subject="a", version=3):
    told = Event(id="e", source="/catalogue", subject=subject, version=version)
    told.data = data if isinstance(data, bytes) else orjson.dumps(data)
    told.time.FromJsonString("2026-11-22T08:30:00.5Z")
    return told


CARD = {"kind": "item", "title": "食品经营许可", "url": "/items/a"}


def test_a_single_fact_speaks_of_its_own_subject():
    (change,) = changes(event({"card": CARD, "item": {"item_id": "a"}}))
    assert (change.subject, change.version) == ("a", 3)
    assert change.as_of == "2026-11-22T08:30:00.500Z"
    assert change.card.title == "食品经营许可"


def test_a_removal_leaves_no_card():
    (change,) = changes(event({"removal": {"kind": "item"}}))
    assert change.card is None


def test_a_bulk_fact_speaks_of_each_record_by_its_own_version():
    records = [
        {"subject": "x", "version": "7", "card": CARD},
        {"subject": "redacted", "version": "8"},
        {"subject": "y", "version": "9", "removal": {"kind": "item"}},
    ]
    found = list(changes(event({"records": records})))
    assert [(change.subject, change.version, change.card is None) for change in found] == [
        ("x", 7, False),
        ("y", 9, True),
    ]


def test_a_fact_with_no_list_of_records_speaks_of_its_subject():
    (change,) = changes(event({"records": None, "card": CARD}))
    assert change.card is not None


def test_what_cannot_be_read_of_a_bulk_fact_costs_only_itself(caplog):
    told = CARD | {"visible_until_time": "张三之期"}
    records = [
        {"subject": "x", "version": "7", "card": CARD},
        {"subject": "bad", "version": "8", "card": told},
        7,
        {"subject": "y", "version": "9", "card": CARD},
    ]
    assert [one.subject for one in changes(event({"records": records}))] == ["x", "y"]
    assert "bad" in caplog.text
    assert "张三" not in caplog.text


@pytest.mark.parametrize("data", [{}, {"permit": {"permit_id": "p"}}, {"records": []}])
def test_a_fact_without_a_card_changes_nothing(data):
    assert list(changes(event(data))) == []


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"7",
        {"records": [{"card": CARD}]},
        {"card": 7},
        {"card": {"facets": 1, **CARD}},
    ],
)
def test_what_cannot_be_read_stops_nothing(data):
    assert list(changes(event(data))) == []


@pytest.mark.parametrize("missing", ["kind", "title"])
def test_a_card_that_cannot_be_shown_takes_the_thing_out_of_sight(missing):
    (change,) = changes(event({"card": CARD | {missing: ""}}))
    assert change.card is None


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://elsewhere.example/", "//x", ""])
def test_a_card_leads_nowhere_but_to_the_portal(url):
    assert read_card(CARD | {"url": url}).url == ""


def test_a_period_decides_what_is_seen_and_when_that_changes():
    notice = card("停水公告", visible_from=10, visible_until=20)
    assert notice.state(9) == (State.SCHEDULED, 10)
    assert notice.state(10) == (State.SHOWN, 20)
    assert notice.state(20) == (State.EXPIRED, None)
    assert card("长期").state(0) == (State.SHOWN, None)


def test_a_period_is_read_from_protobuf_json():
    given = CARD | {"visible_from_time": "2026-11-22T08:30:00Z"}
    given["visible_until_time"] = "2026-11-22T08:30:00.000000001Z"
    assert read_card(given).visible_from == read_card(given).visible_until == 1795336200_000_000


def test_the_fingerprint_changes_with_everything_a_card_says():
    one = card("甲")
    others = [card("乙"), card("甲", codes=("1",)), card("甲", visible_until=1), None]
    assert len({digest(one), *map(digest, others)}) == 5
    assert digest(card("甲")) == digest(one)
