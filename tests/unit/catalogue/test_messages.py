"""What searchers, callers and other departments read of service items."""

from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from google.protobuf import json_format
from zhengtong.catalogue.v1 import catalogue_events_pb2 as events_pb
from zhengtong.catalogue.v1 import catalogue_pb2 as pb

from services.catalogue import domain, messages
from services.catalogue.domain import Changed, Item, Listed, Resumed, State, Suspended, Withdrawn
from services.common import fields

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
TASK_CODE = "11530000015100012L2530117001000"


def test_the_card_of_an_item_says_what_it_is_who_does_it_and_how_long_it_takes():
    assert messages.card(item()) == {
        "kind": "item",
        "title": "食品经营许可",
        "aliases": ["食品证", "餐饮许可"],
        "summary": "行政许可 · 承诺件 · 承诺 5 个工作日 · 收费 · 可网上办理",
        "department": "昆明市市场监督管理局",
        "region_code": "530100000000",
        "url": f"/items/{TASK_CODE}",
        "codes": [TASK_CODE, "T-1"],
        "facets": {
            "task_type": "01",
            "project_type": "2",
            "promise": "5 个工作日",
            "is_fee": "1",
            "is_online": "1",
            "visits": "0",
        },
        "family": "530117001000",
    }


def test_items_of_the_same_basic_code_are_of_one_family_whatever_their_bodies_call_them():
    plain = replace(item(), task_code="", catalog_code="", local_catalog_code="")
    assert messages.card(plain)["family"] == "食品经营许可"
    assert messages.card(replace(plain, local_catalog_code="KM-1"))["family"] == "KM-1"
    assert messages.card(replace(plain, catalog_code="530117001000"))["family"] == "530117001000"


def test_the_card_of_an_item_has_what_people_filter_by():
    filtered = replace(
        item(),
        server_type=("1", "2"),
        user_topic_type=("005",),
        corp_topic_type=("010",),
        online_handle_depth=("1", "4", "9"),
        is_online=False,
        transact_addr="政务服务中心 1 楼",
        limit_scene_num=1,
        limit_scene_explain="核验原件",
    )
    facets = messages.card(filtered)["facets"]
    assert facets["audience"] == "1,2"
    assert facets["theme"] == "p005,c010"
    assert facets["online_depth"] == "4"
    assert (facets["visits"], facets["address"]) == ("1", "政务服务中心 1 楼")
    silent = messages.card(replace(filtered, limit_scene_num=0, limit_scene_explain=""))
    assert "visits" not in silent["facets"], "saying nothing of visits is not saying none"


def test_the_card_of_an_item_has_each_of_its_codes_the_most_exact_first():
    coded = replace(item(), catalog_code="530117001000", local_catalog_code="KM-17-1")
    assert messages.card(coded)["codes"] == [TASK_CODE, "530117001000", "T-1", "KM-17-1"]


@pytest.mark.parametrize(
    ("changes", "summary"),
    [
        ({"promise_type": "2", "promise_day": 3}, "行政许可 · 承诺件 · 承诺 3 个自然日 · 收费"),
        ({"project_type": "1", "promise_day": 0}, "行政许可 · 即办件 · 收费"),
        ({"task_type": "20", "project_type": "", "promise_day": 0}, "公共服务事项 · 收费"),
        ({"task_type": "02", "promise_day": 0}, "行政处罚 · 依职权实施，无需申请 · 收费"),
    ],
)
def test_the_summary_says_what_holds_and_nothing_else(changes, summary):
    assert messages.card(item(is_online=False, **changes))["summary"] == summary


@pytest.mark.rule("I-6")
def test_a_card_carries_the_days_between_which_the_item_is_shown():
    dated = item(plan_effective_date="2026-11-24", plan_cancel_date="2027-01-01")
    card = messages.card(dated)
    assert card["visible_from_time"] == "2026-11-23T16:00:00Z"
    assert card["visible_until_time"] == "2026-12-31T16:00:00Z"
    message = messages.card_message(dated)
    assert json_format.MessageToDict(message, preserving_proto_field_name=True) == card


def test_a_record_of_an_import_is_the_json_of_its_message():
    now = NOW.replace(microsecond=120_000)
    for one in (item(), item(alias=(), is_fee=False, fees=(), fee_basis="")):
        listed = Listed(one, version=7, update_time=now)
        updated = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fast = orjson.loads(messages.record_json(listed, fields.plain(one), updated))
        message = messages.fact_message(Changed(listed, newly=True))
        full = json_format.MessageToDict(message, preserving_proto_field_name=True)
        assert {name: fast[name] for name in full} == full
        record = json_format.ParseDict(fast, events_pb.ItemRecord())
        assert json_format.MessageToDict(record, preserving_proto_field_name=True) == fast


@pytest.mark.parametrize(("newly", "name"), [(True, "ItemPublished"), (False, "ItemRevised")])
def test_each_change_is_told_as_its_fact(newly, name):
    fact = messages.fact_message(Changed(Listed(item(), version=2), newly=newly))
    assert fact.DESCRIPTOR.full_name == f"zhengtong.catalogue.v1.{name}"
    assert fact.item.state == pb.ITEM_STATE_PUBLISHED


def test_a_withdrawal_tells_which_and_why_and_nothing_else():
    listed = Listed(item(), version=2, state=State.WITHDRAWN, reason="法律修改")
    gone = messages.fact_message(Withdrawn(listed))
    assert json_format.MessageToDict(gone, preserving_proto_field_name=True) == {
        "removal": {"kind": "item"},
        "item_id": TASK_CODE,
        "reason": "法律修改",
    }


def test_a_suspension_takes_the_item_out_of_the_index_and_a_resumption_puts_it_back():
    listed = Listed(item(), version=2, state=State.SUSPENDED, reason="系统升级")
    gone = messages.fact_message(Suspended(listed))
    assert (gone.removal.kind, gone.item_id, gone.reason) == ("item", TASK_CODE, "系统升级")
    back = messages.fact_message(Resumed(Listed(item(), version=3)))
    assert back.card.title == item().task_name
    assert back.item.state == pb.ITEM_STATE_PUBLISHED


def test_a_version_says_what_it_changed_and_what_was_there_before():
    before = Listed(item(), version=1, update_time=NOW)
    after = Listed(item(promise_day=3, alias=(), is_fee=False), version=2, update_time=NOW)
    told = messages.version_message(after, before)
    assert [(one.field, one.before, one.after) for one in told.differences] == [
        ("alias", '["食品证","餐饮许可"]', ""),
        ("promise_day", "5", "3"),
        ("is_fee", "true", ""),
    ]
    assert list(messages.version_message(before, None).differences) == []


def test_a_message_is_read_as_it_was_written():
    message = messages.item_message(Listed(item(), version=3, update_time=NOW))
    assert (message.version, message.state) == (3, pb.ITEM_STATE_PUBLISHED)
    assert messages.item_of(message) == item()


@pytest.mark.parametrize("kind", [Item, domain.LegalBasis, domain.HandlingStep, domain.Fee])
def test_the_domain_and_the_contract_have_the_same_fields(kind):
    of_the_server = {"item_id", "state", "state_reason", "moved_to", "version", "update_time"}
    declared = set(getattr(pb, kind.__name__).DESCRIPTOR.fields_by_name)
    assert {field.name for field in fields_of(kind)} == declared - of_the_server


@pytest.mark.parametrize(
    "kind",
    [
        domain.Material,
        domain.Question,
        domain.Remedy,
        domain.Intermediary,
        domain.HandlingItem,
    ],
)
def test_what_lies_inside_an_item_has_the_fields_of_the_contract(kind):
    assert {field.name for field in fields_of(kind)} == set(
        getattr(pb, kind.__name__).DESCRIPTOR.fields_by_name
    )


def item(**changes):
    """An item with something in most fields."""
    values = {
        "task_name": "食品经营许可",
        "alias": ["食品证", "餐饮许可"],
        "task_type": "01",
        "task_code": TASK_CODE,
        "local_task_code": "T-1",
        "dept_name": "昆明市市场监督管理局",
        "region_code": "530100000000",
        "other_dept": ["昆明市卫生健康委员会"],
        "by_law": [{"law_name": "食品安全法", "article": "第三十五条"}],
        "project_type": "2",
        "promise_day": 5,
        "promise_type": "1",
        "special_procedure": ["1", "2"],
        "is_online": True,
        "is_service_terminals": True,
        "handle_flow": [{"step": "受理"}],
        "is_fee": True,
        "fee_basis": "价格文件",
        "fees": [{"fee_name": "工本费", "is_desc": True}],
        "materials": [{"name": "申请书", "page_num": 2, "order_num": 1}],
        "faqs": [{"question": "要多久？", "answer": "五个工作日。", "order": 1}],
    }
    return replace(domain.item_of(values), **changes)
