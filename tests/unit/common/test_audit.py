"""The row that a change leaves: who, on whose behalf, why, by which call, to what."""

from datetime import UTC, datetime

import pytest

from services.common import audit
from services.common.callers import OPERATOR, Caller

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.mark.rule("P-13")
def test_a_row_says_who_made_a_change_for_whom_why_and_to_what():
    caller = Caller("window-3", "service", on_behalf_of="11530000015100012L", purpose="代办")
    row = made(caller=caller)
    assert row.pop("_id")
    assert row == {
        "time": NOW,
        "principal": "window-3",
        "kind": "service",
        "on_behalf_of": "11530000015100012L",
        "purpose": "代办",
        "call": "zhengtong.catalogue.v1.CatalogueService.PublishItem",
        "subjects": ["T-1", "T-2"],
        "request_id": "r1",
        "traceparent": "00-a-b-01",
    }


def test_no_two_rows_are_one():
    assert len({made()["_id"] for _ in range(100)}) == 100


def test_rows_are_found_by_time_and_by_what_was_changed():
    keys = [list(index.document["key"]) for index in audit.INDEXES]
    assert keys == [["time"], ["subjects", "time"]]


def made(caller=OPERATOR):
    return audit.row(
        caller=caller,
        call="zhengtong.catalogue.v1.CatalogueService.PublishItem",
        subjects=("T-1", "T-2"),
        request_id="r1",
        traceparent="00-a-b-01",
        now=NOW,
    )
