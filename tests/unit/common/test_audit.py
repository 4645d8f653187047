"""The row that a change leaves: who, on whose behalf, why, by which call, to what."""

from datetime import UTC, datetime

import pytest

from services.common import audit
from services.common.access import Caller
from services.common.audit.records import canonical
from tests.callers import SYSTEM

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.mark.rule("P-13")
def test_a_row_says_who_made_a_change_for_whom_why_and_to_what():
    caller = Caller("window-3", "service", on_behalf_of="11530000015100012L", purpose="代办")
    row = made(caller=caller)
    assert row.pop("_id")
    assert row == {
        "act": "change",
        "time": NOW,
        "principal": "window-3",
        "kind": "service",
        "on_behalf_of": "11530000015100012L",
        "purpose": "代办",
        "call": "zhengtong.catalogue.v1.CatalogueService.PublishItem",
        "subjects": ["T-1", "T-2"],
        "request_id": "r1",
        "traceparent": "00-a-b-01",
        "unsealed": True,
        "approved_by": "",
    }


def test_no_two_rows_are_one():
    assert len({made()["_id"] for _ in range(100)}) == 100


def test_rows_are_found_by_time_by_what_it_was_about_and_by_who_did_or_approved_it():
    keys = [list(index.document["key"]) for index in audit.INDEXES][:4]
    newest = ["time", "_id"]
    by = ["subjects", "principal", "approved_by"]
    assert keys == [newest, *([name, *newest] for name in by)]


def test_the_bytes_that_are_hashed_are_compact_json_in_order_without_what_tells_of_the_tree():
    row = made() | {"_id": "1", "subjects": ["证照"], "leaf": 3}
    text = canonical(row).decode()
    assert text.startswith('{"act":"change","approved_by":"","call":"zhengtong.')
    assert '"record_id":"1"' in text
    assert '"subjects":["证照"]' in text
    assert '"time":"2026-11-23T02:00:00.000Z"' in text
    assert "leaf" not in text
    assert "unsealed" not in text
    assert canonical(row | {"remark": 1}) != canonical(row)


def made(caller=SYSTEM):
    return audit.row(
        caller=caller,
        call="zhengtong.catalogue.v1.CatalogueService.PublishItem",
        subjects=("T-1", "T-2"),
        request_id="r1",
        traceparent="00-a-b-01",
        now=NOW,
    )
