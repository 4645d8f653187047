"""Rules of the catalogue, one test for each sentence of docs/rules.md."""

from datetime import UTC, datetime

import pytest

from services.catalogue import domain
from services.catalogue.domain import (
    Changed,
    Item,
    ItemAlreadyWithdrawn,
    ItemInvalid,
    Kept,
    Listed,
    State,
    item_of,
    item_of_row,
)
from services.common.errors import Stale
from tests.conftest import NOW

BODY = "11530000015100012L"
CATALOGUE = "530117001000"


@pytest.mark.rule("I-1")
def test_an_item_without_any_code_is_refused():
    assert fields_at_fault(record(local_task_code="")) == ["task_code"]


@pytest.mark.rule("I-1")
def test_a_task_code_whose_body_fails_its_check_is_refused():
    wrong = "11530000015100012M" + "2" + CATALOGUE
    assert fields_at_fault(record(task_code=wrong)) == ["task_code"]


@pytest.mark.rule("I-1")
@pytest.mark.parametrize(
    ("field", "other"),
    [("dept_code", "12530000431200012W"), ("use_level", "3"), ("catalog_code", "530117001001")],
)
def test_the_parts_of_a_task_code_agree_with_the_fields(field, other):
    good = record(
        task_code=f"{BODY}2{CATALOGUE}", dept_code=BODY, use_level="2", catalog_code=CATALOGUE
    )
    assert item_of(good).item_id == f"{BODY}2{CATALOGUE}"
    assert fields_at_fault(good | {field: other}) == [field]


@pytest.mark.rule("I-2")
def test_a_promise_longer_than_the_law_allows_is_refused():
    limits = {"anticipate_type": "1", "promise_type": "1", "anticipate_day": 20}
    assert item_of(record(**limits, promise_day=20)).promise_day == 20
    assert fields_at_fault(record(**limits, promise_day=21)) == ["promise_day"]


@pytest.mark.rule("I-3")
def test_a_fee_needs_its_basis_and_its_items():
    assert fields_at_fault(record(is_fee=True)) == ["fee_basis", "fees"]
    fees = [{"fee_name": "工本费", "fee_stand": "10 元"}]
    assert (
        item_of(record(is_fee=True, fee_basis="价格文件", fees=fees)).fees[0].fee_name == "工本费"
    )


@pytest.mark.rule("I-3")
def test_what_costs_nothing_lists_no_fees():
    assert fields_at_fault(record(is_fee="否", fees=[{"fee_name": "工本费"}])) == ["fees"]


@pytest.mark.rule("I-4")
def test_an_item_cannot_end_before_it_begins():
    dates = {"plan_effective_date": "2026-05-01", "plan_cancel_date": "2026-04-30"}
    assert fields_at_fault(record(**dates)) == ["plan_cancel_date"]


@pytest.mark.rule("I-5")
@pytest.mark.parametrize("reason", ["", "  ", "长" * 501, "停\x00办"])
def test_taking_an_item_back_needs_a_reason(reason):
    with pytest.raises(ItemInvalid) as refused:
        domain.withdraw(Listed(item_of(record()), version=1), reason)
    assert [violation.field for violation in refused.value.violations] == ["reason"]


@pytest.mark.rule("I-5")
def test_the_reason_is_told_as_it_was_given():
    withdrawn = domain.withdraw(Listed(item_of(record()), version=1), " 法律修改，\n事项取消 ")
    assert withdrawn.listed.reason == "法律修改，\n事项取消"


@pytest.mark.rule("P-11")
@pytest.mark.rule("I-6")
def test_an_item_is_visible_in_whole_days_of_shanghai():
    dates = {"plan_effective_date": "2026-11-24", "plan_cancel_date": "2026-12-01"}
    assert item_of(record(**dates)).visibility() == (
        datetime(2026, 11, 23, 16, tzinfo=UTC),
        datetime(2026, 11, 30, 16, tzinfo=UTC),
    )
    assert item_of(record()).visibility() == (None, None)


def test_an_item_is_taken_back_once():
    withdrawn = domain.withdraw(Listed(item_of(record()), version=3), "事项取消")
    assert (withdrawn.listed.version, withdrawn.listed.state) == (4, State.WITHDRAWN)
    with pytest.raises(ItemAlreadyWithdrawn):
        domain.withdraw(withdrawn.listed, "事项取消")


@pytest.mark.rule("I-7")
def test_an_item_is_suspended_with_a_reason_and_resumed_once():
    listed = Listed(item_of(record()), version=3)
    suspended = domain.suspend(listed, "系统升级").listed
    assert (suspended.version, suspended.state, suspended.reason) == (
        4,
        State.SUSPENDED,
        "系统升级",
    )
    with pytest.raises(domain.ItemAlreadySuspended):
        domain.suspend(suspended, "再次")
    resumed = domain.resume(suspended).listed
    assert (resumed.version, resumed.state, resumed.reason) == (5, State.PUBLISHED, "")
    with pytest.raises(domain.ItemNotSuspended):
        domain.resume(resumed)
    gone = domain.withdraw(suspended, "取消").listed
    with pytest.raises(ItemAlreadyWithdrawn):
        domain.suspend(gone, "系统升级")
    with pytest.raises(domain.ItemNotSuspended):
        domain.resume(gone)
    with pytest.raises(ItemInvalid):
        domain.suspend(listed, " ")


def test_a_suspended_item_that_is_published_again_is_not_new():
    item = item_of(record())
    changed = domain.publish(Kept(version=2, state=State.SUSPENDED, same=True), item, NOW)
    assert changed == Changed(Listed(item, version=3), newly=False)


@pytest.mark.rule("I-8")
def test_differences_name_each_field_that_changed():
    before, after = item_of(record()), item_of(record(task_name="新名", promise_day=3))
    assert [one.field for one in domain.differences(before, after)] == ["task_name", "promise_day"]
    assert domain.differences(before, before) == []


def test_publishing_tells_new_from_changed_and_says_nothing_twice():
    item = item_of(record())
    assert domain.publish(None, item, NOW) == Changed(Listed(item, version=1), newly=True)
    assert domain.publish(Kept(version=1, state=State.PUBLISHED, same=True), item, NOW) is None
    changed = domain.publish(Kept(version=1, state=State.PUBLISHED, same=False), item, NOW)
    assert changed == Changed(Listed(item, version=2), newly=False)
    again = domain.publish(Kept(version=2, state=State.WITHDRAWN, same=True), item, NOW)
    assert again == Changed(Listed(item, version=3), newly=True)


def test_a_caller_who_has_seen_another_version_is_told():
    domain.check_version(3, 0)
    domain.check_version(3, 3)
    with pytest.raises(Stale):
        domain.check_version(3, 2)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"task_name": ""}, "task_name"),
        ({"task_name": "名\x00称"}, "task_name"),
        ({"task_name": "名\ud800称"}, "task_name"),
        ({"task_name": "字" * 301}, "task_name"),
        ({"task_type": "33"}, "task_type"),
        ({"region_code": "5301"}, ""),
        ({"region_code": "昆明"}, "region_code"),
        ({"promise_day": "五"}, "promise_day"),
        ({"is_fee": "也许"}, "is_fee"),
        ({"materials": [{"name": ""}]}, "materials[0].name"),
        ({"materials": [{"name": "表", "page_num": -1}]}, "materials[0].page_num"),
        ({"materials": "不是列表"}, "materials"),
        ({"plan_cancel_date": "2026-02-30"}, "plan_cancel_date"),
        ({"plan_effective_date": "0001-01-01"}, "plan_effective_date"),
        ({"task_state": "2"}, "task_state"),
        ({"special_procedure": ["3"]}, "special_procedure"),
        ({"other_dept_code": ["11530000015100012M"]}, "other_dept_code"),
        ({"faqs": [{"question": "何时？"}]}, "faqs[0].answer"),
        ({"没有的字段": 1}, "没有的字段"),
        ({"online_handle_url": "javascript:alert(1)"}, "online_handle_url"),
    ],
)
def test_each_field_at_fault_is_named(changes, field):
    if field:
        assert fields_at_fault(record(**changes)) == [field]
    else:
        assert item_of(record(**changes)).region_code == "530100000000"


def test_materials_and_questions_are_kept_in_the_order_of_their_numbers():
    item = item_of(
        record(
            materials=[{"name": "乙", "order_num": 2}, {"name": "甲", "order_num": "1"}],
            faqs=[
                {"question": "二", "answer": "答", "order": 9},
                {"question": "一", "answer": "答", "order": 3},
                {"question": "零", "answer": "答"},
            ],
        )
    )
    assert [material.name for material in item.materials] == ["甲", "乙"]
    assert [faq.question for faq in item.faqs] == ["零", "一", "二"]


@pytest.mark.rule("I-2")
def test_limits_in_different_kinds_of_days_are_not_compared():
    limits = {"anticipate_type": "2", "promise_type": "1", "anticipate_day": 20}
    assert item_of(record(**limits, promise_day=21)).promise_day == 21


def test_what_only_the_server_writes_is_passed_over():
    got = record(item_id="X", state="ITEM_STATE_WITHDRAWN", version="7", update_time="2026-01-01")
    assert item_of(got) == item_of(record())


def test_a_row_of_guangan_is_read_through_its_mapping():
    row = {
        "department": "区水务局",
        "main_item": "取水许可",
        "name": "取水许可",
        "item_code": "511A0138000000-511602000000-000-11511301008778183N-1-00",
        "area_code": "511602000000",
        "task_type": "1",
        "dept_code": "083372204",
    }
    assert item_of_row(row, "guangan") == Item(
        task_name="取水许可",
        task_type="01",
        dept_name="区水务局",
        region_code="511602000000",
        local_task_code=row["item_code"],
        dept_code="11511301008778183N",
    )
    old = row | {"item_code": "512B0053300006-511602000000-000-083372204-1-00"}
    assert item_of_row(old, "guangan").dept_code == ""
    known = old | {"dept_code": "11511301008778183N"}
    assert item_of_row(known, "guangan").dept_code == "11511301008778183N"


def test_a_row_that_is_no_record_is_refused():
    for row in (None, [], "文本", 5):
        with pytest.raises(ItemInvalid):
            item_of_row(row, "standard")


def test_csv_cells_mean_what_json_means():
    cells = record(
        alias="办照、开店",
        handle_type="1,2",
        is_online="是",
        promise_day="5",
        materials='[{"name": "申请书", "is_need": "必要"}]',
    )
    typed = record(
        alias=["办照", "开店"],
        handle_type=["1", "2"],
        is_online=True,
        promise_day=5,
        materials=[{"name": "申请书", "is_need": "1"}],
    )
    assert item_of(cells) == item_of(typed)


def fields_at_fault(values):
    with pytest.raises(ItemInvalid) as refused:
        item_of(values)
    return [violation.field for violation in refused.value.violations]


def record(**changes):
    """A record that is in order; say only what the test is about."""
    values = {
        "task_name": "食品经营许可",
        "task_type": "01",
        "dept_name": "昆明市市场监督管理局",
        "region_code": "530100000000",
        "local_task_code": "T-1",
    }
    return values | changes
