"""Lists of powers, duties and prohibitions: what an adjustment may do, and what it tells."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages
from services.catalogue.domain import lists
from services.catalogue.domain.lists import Action, EntryState, ListedEntry
from services.common.errors import Stale

BODY, OTHER_BODY = "11530000015100012L", "12530000431200012W"
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
LAW = [{"law_name": "中华人民共和国食品安全法", "article": "第三十五条"}]


@pytest.mark.rule("I-14")
@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"task_type": ""}, "task_type"),
        ({"by_law": []}, "by_law"),
        ({"name": " "}, "name"),
        ({"entry_code": ""}, "entry_code"),
        ({"entry_code": "a/b"}, "entry_code"),
        ({"task_type": "77"}, "task_type"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_comes_onto_the_list_of_powers_has_a_name_a_kind_and_a_legal_basis(entry, field):
    assert faults(changes=[added(**entry)]) == [f"changes[0].entry.{field}"]


@pytest.mark.rule("I-14")
def test_only_powers_have_a_kind_and_need_a_basis():
    plain = added(task_type="", by_law=[])
    assert proposed(kind="duty", changes=[plain]).changes[0].entry.name == "食品经营许可"
    assert faults(kind="negative", changes=[added()]) == ["changes[0].entry.task_type"]


@pytest.mark.rule("I-15")
@pytest.mark.parametrize(
    "field", ["kind", "dept_code", "dept_name", "region_code", "reason", "document_name"]
)
def test_an_adjustment_says_whose_list_why_and_on_what_basis(field):
    assert faults(**{field: ""}) == [field]


@pytest.mark.rule("I-15")
def test_a_document_without_a_number_is_a_basis_too():
    assert proposed(document_number="").document_name == "关于调整权责清单的决定"


@pytest.mark.rule("I-16")
def test_an_adjustment_has_changes_and_each_is_about_another_entry():
    assert faults(changes=[]) == ["changes"]
    assert faults(changes=[added()] * 201) == ["changes"]
    assert faults(changes=[added(), removed()]) == ["changes[1].entry.entry_code"]


@pytest.mark.rule("I-17")
@pytest.mark.parametrize("action", ["delegate", "take_over"])
def test_what_passes_between_bodies_names_the_other_one(action):
    change = added() | {"action": action}
    assert faults(changes=[change]) == ["changes[0].other_dept_name"]
    named = change | {"other_dept_name": "五华区市场监管局", "other_dept_code": BODY}
    assert faults(changes=[named]) == ["changes[0].other_dept_code"]
    assert proposed(changes=[named | {"other_dept_code": OTHER_BODY}])
    alone = added() | {"other_dept_name": "五华区市场监管局"}
    assert faults(changes=[alone]) == ["changes[0].other_dept_name"]


@pytest.mark.rule("I-14")
@pytest.mark.parametrize(
    ("action", "state", "refusal"),
    [
        ("add", EntryState.IN_FORCE, lists.ListEntryInForce),
        ("take_over", EntryState.IN_FORCE, lists.ListEntryInForce),
        ("revise", EntryState.REMOVED, lists.ListEntryNotInForce),
        ("remove", EntryState.REMOVED, lists.ListEntryNotInForce),
        ("delegate", None, lists.ListEntryNotInForce),
        ("revise", None, lists.ListEntryNotInForce),
    ],
)
def test_what_stands_on_a_list_is_not_added_and_what_does_not_is_not_changed(
    action, state, refusal
):
    change = added(name="另一个") | {"action": action}
    if action in ("take_over", "delegate"):
        change |= {"other_dept_name": "五华区市场监管局"}
    kept = {"QL-1": replace(known(), state=state)} if state else {}
    with pytest.raises(refusal):
        decided(proposed(changes=[change]), kept)


@pytest.mark.rule("I-16")
def test_one_change_that_cannot_be_made_undoes_the_adjustment():
    same = added() | {"action": "revise"}
    good = added(entry_code="QL-2")
    with pytest.raises(lists.ListUnchanged):
        decided(proposed(changes=[good, same]), {"QL-1": known()})


@pytest.mark.rule("I-17")
def test_a_revision_tells_each_field_before_and_after():
    change = added(name="食品经营许可（含仅销售预包装食品备案）", content="") | {"action": "revise"}
    (difference,) = decided(proposed(changes=[change]), {"QL-1": known()}).adjustment.differences
    assert [(one.field, one.before, one.after) for one in difference.fields] == [
        ("name", '"食品经营许可"', '"食品经营许可（含仅销售预包装食品备案）"'),
        ("content", '"受理、审查、决定"', ""),
    ]
    assert difference.version == 4


@pytest.mark.rule("I-17")
def test_what_comes_and_what_goes_is_told_whole():
    made = decided(proposed(changes=[added()]), {})
    (came,) = made.adjustment.differences
    assert {one.field: one.after for one in came.fields} == {
        "name": '"食品经营许可"',
        "task_type": '"01"',
        "content": '"受理、审查、决定"',
        "by_law": json.dumps(LAW, ensure_ascii=False, separators=(",", ":")),
    }
    (entry,) = made.entries
    gone = decided(proposed(changes=[removed()]), {"QL-1": entry})
    assert [
        (one.field, one.before, one.after) for one in gone.adjustment.differences[0].fields
    ] == [(one.field, one.after, one.before) for one in came.fields]
    assert gone.entries[0].state is EntryState.REMOVED
    assert gone.adjustment.differences[0].name == "食品经营许可"


def test_an_entry_that_was_removed_can_come_back():
    kept = {"QL-1": replace(known(), state=EntryState.REMOVED)}
    (entry,) = decided(proposed(changes=[added()]), kept).entries
    assert (entry.version, entry.state) == (4, EntryState.IN_FORCE)


@pytest.mark.parametrize("seen", [1, 5])
def test_who_saw_another_version_reads_again(seen):
    with pytest.raises(Stale):
        decided(proposed(changes=[removed() | {"version": seen}]), {"QL-1": known()})
    assert decided(proposed(changes=[removed() | {"version": 3}]), {"QL-1": known()})


def test_an_adjustment_larger_than_a_fact_is_made_in_parts():
    changes = [
        added(entry_code=f"QL-{number}", content="权" * 5000, accountability="责" * 5000)
        for number in range(40)
    ]
    with pytest.raises(lists.ListAdjustmentInvalid) as refusal:
        decided(proposed(changes=changes), {})
    assert [one.field for one in refusal.value.violations] == ["changes"]


@given(
    st.dictionaries(
        st.sampled_from(["kind", "dept_code", "region_code", "reason", "x"]),
        st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=3),
    )
)
def test_anything_at_all_is_read_or_refused(values):
    assert outcome(request_values() | values)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 10**6)), min_size=2, max_size=9))
def test_adjustments_are_in_order_of_time_then_of_number(made):
    one = decided(proposed(), {}).adjustment
    found = [
        replace(one, number=number, adjust_time=NOW + timedelta(milliseconds=passed))
        for passed, number in made
    ]
    told = sorted(found, key=lists.order_of)
    assert told == sorted(found, key=lambda at: (at.adjust_time, at.number))


def test_what_is_published_is_what_the_request_says():
    request = pb.AdjustListRequest()
    json_format.ParseDict(
        request_values()
        | {
            "kind": "LIST_KIND_POWER",
            "changes": [added() | {"action": "LIST_ACTION_ADD", "version": "0"}],
            "request_id": "r1",
        },
        request,
    )
    assert messages.proposal_of(request) == proposed()


@pytest.mark.parametrize(
    "given_", [{"kind": 99}, {"changes": [{"action": 99, "entry": {"entry_code": "A"}}]}, {}]
)
def test_numbers_that_no_enum_has_are_refused(given_):
    with pytest.raises(lists.ListAdjustmentInvalid):
        messages.proposal_of(pb.AdjustListRequest(**given_))


def test_the_card_of_an_adjustment_says_whose_list_and_what_came_and_went():
    proposal = proposed(changes=[added(), added(entry_code="QL-2"), removed(entry_code="QL-3")])
    kept = {"QL-3": known(entry_code="QL-3")}
    card = messages.adjustment_card(decided(proposal, kept).adjustment)
    assert json_format.MessageToDict(card, preserving_proto_field_name=True) == {
        "kind": "adjustment",
        "title": "昆明市市场监督管理局权力清单调整",
        "summary": "增加 2 项 · 取消 1 项 · 关于调整权责清单的决定",
        "aliases": ["食品经营许可"] * 3,
        "department": "昆明市市场监督管理局",
        "region_code": "530100000000",
        "url": f"/lists/adjustments/power-{BODY}-7",
        "codes": ["昆政发〔2026〕9号"],
        "facets": {"list": "power"},
    }


def outcome(values):
    """The changes of a proposal, or what is wrong with it."""
    try:
        return lists.proposal_of(values).changes
    except lists.ListAdjustmentInvalid as refusal:
        return refusal.violations


def faults(**changes):
    with pytest.raises(lists.ListAdjustmentInvalid) as refusal:
        proposed(**changes)
    return [one.field for one in refusal.value.violations]


def decided(proposal, kept):
    return lists.adjust(proposal, kept, number=7)


def proposed(**changes):
    return lists.proposal_of(request_values() | changes)


def request_values():
    return {
        "kind": "power",
        "dept_code": BODY,
        "dept_name": "昆明市市场监督管理局",
        "region_code": "530100000000",
        "reason": "法律修改",
        "document_name": "关于调整权责清单的决定",
        "document_number": "昆政发〔2026〕9号",
        "changes": [added()],
    }


def added(**changes):
    entry = {
        "entry_code": "QL-1",
        "name": "食品经营许可",
        "task_type": "01",
        "content": "受理、审查、决定",
        "by_law": LAW,
    }
    return {"action": Action.ADD.value, "entry": entry | changes}


def removed(**changes):
    return {"action": Action.REMOVE.value, "entry": {"entry_code": "QL-1"} | changes}


def known(**changes):
    return ListedEntry(proposed(changes=[added(**changes)]).changes[0].entry, version=3)
