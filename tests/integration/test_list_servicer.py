"""The calls of the lists over gRPC on a real database: each call, and each way it refuses."""

import pytest
from zhengtong.catalogue.v1 import catalogue_pb2 as nouns

from tests.conftest import NOW
from tests.integration.test_catalogue_servicer import (
    KUNMING,
    STALE,
    client,
    keys_dir,
)
from tests.publications import ADJUSTMENT, DEPARTMENT

__all__ = ["client", "keys_dir"]  # fixtures
ADD = nouns.LIST_ACTION_ADD
REVISE, REMOVE = nouns.LIST_ACTION_REVISE, nouns.LIST_ACTION_REMOVE


def test_a_list_is_adjusted_read_and_adjusted_again(client):
    made = client.AdjustList(**ADJUSTMENT).adjustment
    assert made.adjust_time.ToDatetime(NOW.tzinfo) == NOW
    assert client.anybody("GetAdjustment", adjustment_id=made.adjustment_id).adjustment == made
    (entry,) = client.anybody("ListEntries").entries
    assert (entry.kind, entry.state, entry.version) == (
        nouns.LIST_KIND_DUTY,
        nouns.LIST_ENTRY_STATE_IN_FORCE,
        1,
    )
    entry.name = "食品安全监管"
    client.AdjustList(**asked(REVISE, entry, version=1))
    client.AdjustList(**asked(REMOVE, {"entry_code": "ZR-1"}, version=2))
    assert not client.anybody("ListEntries").entries
    found = client.anybody("ListAdjustments", dept_code=DEPARTMENT, kind="LIST_KIND_DUTY")
    actions = [one.differences[0].action for one in found.adjustments]
    assert actions == [REMOVE, REVISE, ADD]
    assert all(not one.differences[0].fields for one in found.adjustments)


@pytest.mark.rule("I-16")
@pytest.mark.parametrize(
    ("action", "entry", "version", "refusal"),
    [
        (ADD, {"entry_code": "ZR-1", "name": "甲"}, 0, "LIST_ENTRY_IN_FORCE"),
        (REVISE, {"entry_code": "ZR-2", "name": "甲"}, 0, "LIST_ENTRY_NOT_IN_FORCE"),
        (REMOVE, {"entry_code": "ZR-2"}, 0, "LIST_ENTRY_NOT_IN_FORCE"),
        (REVISE, {"entry_code": "ZR-1", "name": "食品安全监督管理"}, 1, "LIST_UNCHANGED"),
    ],
)
def test_what_cannot_be_done_is_refused(client, action, entry, version, refusal):
    client.AdjustList(**ADJUSTMENT)
    told = client.refused("AdjustList", **asked(action, entry, version=version))
    assert told == ("FAILED_PRECONDITION", refusal, [])


def test_each_other_refusal_says_what_is_at_fault(client):
    client.AdjustList(**ADJUSTMENT)
    stale = asked(REMOVE, {"entry_code": "ZR-1"}, version=9)
    assert client.refused("AdjustList", **stale) == STALE
    bad = ADJUSTMENT | {"reason": "", "region_code": "x"}
    code, reason, fields = client.refused("AdjustList", **bad)
    assert (code, reason) == ("INVALID_ARGUMENT", "LIST_ADJUSTMENT_INVALID")
    assert sorted(fields) == ["reason", "region_code"]
    nowhere = client.refused("GetAdjustment", adjustment_id="nowhere")
    assert nowhere == ("NOT_FOUND", "LIST_ADJUSTMENT_NOT_FOUND", [])
    for call in ("ListEntries", "ListAdjustments"):
        refusal = client.refused(call, page_token="x")
        assert refusal == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID", ["page_token"])


def test_pages_follow_one_another(client):
    for number in range(5):
        client.AdjustList(**asked(ADD, {"entry_code": f"ZR-{number}", "name": "甲"}))
    first = client.ListEntries(page_size=3, region_code=KUNMING)
    second = client.ListEntries(page_size=3, region_code=KUNMING, page_token=first.next_page_token)
    assert [one.entry_code for one in [*first.entries, *second.entries]] == [
        f"ZR-{number}" for number in range(5)
    ]
    newest = client.ListAdjustments(page_size=3)
    older = client.ListAdjustments(page_size=3, page_token=newest.next_page_token)
    found = [*newest.adjustments, *older.adjustments]
    assert [one.number for one in found] == [5, 4, 3, 2, 1]
    assert not older.next_page_token
    assert not client.ListEntries(kind=99).entries


def test_a_request_id_adjusts_once(client):
    first = client.AdjustList(**ADJUSTMENT, request_id="r1")
    assert client.AdjustList(**ADJUSTMENT, request_id="r1") == first
    assert len(client.ListAdjustments().adjustments) == 1


def test_the_snapshot_tells_every_adjustment(client):
    made = client.AdjustList(**ADJUSTMENT).adjustment
    told = client.snapshot()[f"adjustment/{made.adjustment_id}"]
    assert told["card"]["url"] == f"/lists/adjustments/{made.adjustment_id}"
    assert told["adjustment"]["differences"][0]["fields"][0]["field"] == "name"


def asked(action, entry, *, version=0):
    change = {"action": action, "entry": entry, "version": version}
    return ADJUSTMENT | {"changes": [change]}
