"""Files of items: every name of the 实施清单, broken rows beside good ones, and any JSON at all."""

import csv
import io
import json
from dataclasses import fields as fields_of

import pytest
from google.protobuf import json_format
from hypothesis import example, given, settings
from hypothesis import strategies as st
from zhengtong.catalogue.v1 import catalogue_events_pb2 as events_pb

from services.catalogue import messages, usecases
from services.catalogue.domain import SHAPES, Item, item_of
from services.catalogue.domain.reading import READERS
from services.catalogue.store import ItemDocument, document_of
from services.common import fields
from services.common.rows import Report, Row, read_rows, shape_of
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fakes import FakeCatalogue

BODY = "11530000015100012L"
OTHER_BODY = "12530000431200012W"
# One record with a value under each name that an 实施清单 has in the national exchange.
WHOLE = {
    "task_name": "取水许可",
    "alias": ["打井", "用水许可"],
    "catalog_code": "530117001000",
    "local_catalog_code": "SL-01",
    "task_code": f"{BODY}2530117001000",
    "local_task_code": "SL-01-001",
    "task_handle_item": f"{BODY}253011700100001",
    "parent_code": "SL-01-000",
    "task_type": "01",
    "task_version": 3,
    "task_state": "1",
    "plan_effective_date": "2026-01-01",
    "plan_cancel_date": "2030-01-01",
    "by_law": [
        {
            "law_name": "中华人民共和国水法",
            "document_number": "主席令第七十四号",
            "article": "第四十八条",
            "content": "直接从江河、湖泊或者地下取用水资源的单位和个人，应当申请领取取水许可证。",
            "issuer": "全国人民代表大会常务委员会",
            "effective_date": "2002-10-01",
        }
    ],
    "power_source": "1",
    "use_level": "2",
    "authority_division": "省级负责跨州市的取水",
    "exercise_content": "受理、审查、决定",
    "jurisdiction": "取水口所在地",
    "dept_code": BODY,
    "dept_name": "云南省水利厅",
    "dept_type": "1",
    "entrust_name": "昆明市水务局",
    "accept_org": "云南省水利厅政务服务窗口",
    "decide_org": "云南省水利厅",
    "undertake_org": "水资源处",
    "undertake_org_code": BODY,
    "region_code": "530000000000",
    "other_dept": ["云南省生态环境厅"],
    "other_dept_code": [OTHER_BODY],
    "anticipate_day": 45,
    "anticipate_type": "1",
    "anticipate_explain": "取水许可和水资源费征收管理条例第十九条；听证的时间不计算在内",
    "promise_day": 15,
    "promise_type": "1",
    "promise_explain": "不含现场踏勘",
    "project_type": "2",
    "examine_type": "2",
    "special_procedure": ["1", "2"],
    "accept_condition": "申请人有取水需求，\n并已编制论证报告。",
    "handle_type": ["1", "2"],
    "online_handle_depth": ["1", "2", "5"],
    "limit_scene_num": 1,
    "limit_scene_explain": "现场核验",
    "is_online": True,
    "online_handle_url": "https://zwfw.example/a",
    "mobile_terminal_url": "https://zwfw.example/m/a",
    "is_entry_center": True,
    "transact_addr": "昆明市示例路1号",
    "transact_time": "工作日 9:00—17:00",
    "is_schedule": True,
    "is_pay_online": True,
    "is_express": True,
    "is_service_terminals": True,
    "handle_area": "2",
    "limit_explain": "无数量限制",
    "handle_flow": [
        {"step": "受理", "officer": "窗口", "time_limit": "当场", "standard": "材料齐全"}
    ],
    "link_way": "0871-00100001",
    "supervise_way": "0871-00100002",
    "remedies": [
        {"kind": "1", "body": "云南省人民政府", "address": "示例路2号", "phone": "0871-00100003"}
    ],
    "deliver_type": ["4", "6"],
    "server_type": ["1", "2"],
    "user_topic_type": ["130"],
    "corp_topic_type": ["105"],
    "result_name": "取水许可证",
    "result_type": "1",
    "result_guid": "6f9b",
    "finish_type": "1",
    "result_validity": "5年",
    "annual_check": "无",
    "is_fee": True,
    "fee_basis": "水资源费征收使用管理办法",
    "fees": [
        {
            "fee_name": "水资源费",
            "fee_stand": "每立方米 0.2 元",
            "by_law": "水法第四十八条",
            "is_desc": True,
            "desc_explain": "农业灌溉减免",
        }
    ],
    "service_type": "水资源论证报告编制",
    "intermediaries": [
        {
            "name": "水资源论证",
            "by_law": "取水许可和水资源费征收管理条例第十一条",
            "fee_stand": "市场调节价",
            "explain": "申请人可以自行编制",
        }
    ],
    "materials": [
        {
            "name": "取水许可申请书",
            "material_type": "2",
            "material_format": "3",
            "is_need": "1",
            "source_type": "10",
            "source_explain": "申请人自备",
            "by_law": "取水许可和水资源费征收管理条例第十一条",
            "accept_stand": "签字盖章",
            "fill_explain": "按示例填写",
            "form_guid": "0a1b",
            "example_guid": "2c3d",
            "page_num": 2,
            "page_format": "A4",
            "order_num": 1,
            "copy_num": 1,
            "receive_type": ["1", "2"],
            "trust_level": "D",
        }
    ],
    "faqs": [{"question": "家用水井要办吗？", "answer": "家庭生活少量取水不需要。", "order": 1}],
    "handle_items": [
        {
            "code": f"{BODY}253011700100001",
            "name": "取水许可新办",
            "accept_condition": "首次取水",
            "promise_day": 15,
            "promise_type": "1",
            "materials": ["取水许可申请书"],
        }
    ],
}
LISTS_OF_RECORDS = (
    *("by_law", "handle_flow", "fees", "materials", "faqs"),
    *("remedies", "intermediaries", "handle_items"),
)


def test_the_whole_record_has_a_value_under_every_name():
    item = item_of(WHOLE)
    assert set(READERS) == set(WHOLE) == {field.name for field in fields_of(Item)} | {"task_state"}
    assert fields.plain(item) == {n: v for n, v in WHOLE.items() if n != "task_state"}
    for name in LISTS_OF_RECORDS:
        record = getattr(item, name)[0]
        assert fields.plain(record).keys() == {field.name for field in fields_of(record)}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_json_and_csv_with_the_same_names_give_the_same_items(encoding):
    other = WHOLE | {"task_code": "", "local_task_code": "T-2", "is_fee": False, "fees": []}
    as_json = imported(json.dumps([WHOLE, other], ensure_ascii=False).encode(encoding))
    as_csv = imported(csv_of([WHOLE, other]).encode(encoding))
    assert as_json.report.created == as_csv.report.created == 2
    assert as_json.report.shape == as_csv.report.shape == "standard"
    assert as_json.store.items == as_csv.store.items


# What is wrong with a row, the field that the report names, and words of its reason.
BROKEN = [
    ({"task_name": ""}, "task_name", "不能为空"),
    ({"task_name": None}, "task_name", "不能为空"),
    ({"task_type": "88"}, "task_type", "代码表"),
    ({"region_code": "昆明"}, "region_code", "12 位区划代码"),
    ({"dept_name": "甲" * 201}, "dept_name", "200 个字"),
    ({"dept_code": "11530000015100012M"}, "dept_code", "校验码"),
    ({"task_code": f"{OTHER_BODY}2530117001000"}, "dept_code", "实施编码"),
    ({"task_code": "", "local_task_code": ""}, "task_code", "至少填写一项"),
    ({"promise_day": 46}, "promise_day", "不得超过法定"),
    ({"promise_day": "十五"}, "promise_day", "整数"),
    ({"is_online": "可能"}, "is_online", "“是”或“否”"),
    ({"fee_basis": ""}, "fee_basis", "收费依据"),
    ({"plan_cancel_date": "2025-12-31"}, "plan_cancel_date", "不得早于"),
    ({"plan_effective_date": "2026年1月"}, "plan_effective_date", "日期"),
    ({"materials": [{"name": "表", "page_num": "多"}]}, "materials[0].page_num", "整数"),
    ({"by_law": [{"article": "第一条"}]}, "by_law[0].law_name", "不能为空"),
    ({"task_nmae": "取水许可"}, "task_nmae", "没有这个字段"),
]


@pytest.mark.rule("P-15")
@pytest.mark.parametrize("write", ["json", "jsonl", "csv"])
def test_broken_rows_are_reported_one_by_one_and_the_good_ones_are_kept(write):
    changes = [change for change, _, _ in BROKEN if write != "csv" or "task_nmae" not in change]
    rows = [good(0), *(good(n) | change for n, change in enumerate(changes, 1)), good(99)]
    outcome = imported(WRITERS[write](rows).encode())
    assert (outcome.report.read, outcome.report.created) == (len(rows), 2)
    assert outcome.report.rejected == len(changes)
    assert len(outcome.store.items) == 2
    told = {one.row: (one.field, one.reason) for one in outcome.report.rejections}
    for number, (_, field, words) in enumerate(BROKEN[: len(changes)], 2):
        assert told[number][0] == field
        assert words in told[number][1]


def test_a_row_with_several_faults_has_each_of_them_in_the_report():
    row = good(1) | {"region_code": "x", "task_type": "x", "faqs": "x"}
    report = imported(json.dumps([row]).encode()).report
    assert report.rejected == 1
    assert {one.field for one in report.rejections} == {"region_code", "task_type", "faqs"}


def test_rows_that_are_no_objects_are_reported_where_they_stand():
    rows = [None, 7, "行", [], good(1)]
    report = imported(json.dumps(rows).encode()).report
    assert (report.read, report.created) == (5, 1)
    assert [one.row for one in report.rejections] == [1, 2, 3, 4]


TEXTS = st.text(st.characters(exclude_categories=[]), max_size=20)  # lone surrogates too
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(sorted(READERS)) | TEXTS
CODES = st.sampled_from(["1", "01", "20", "是", "2026-02-30", "9999-12-31", "530100", BODY, "[]"])
INNER = st.dictionaries(
    st.sampled_from(sorted({n for name in LISTS_OF_RECORDS for n in WHOLE[name][0]})), JSON | CODES
)
CHANGES = st.dictionaries(NAMES, JSON | CODES | st.lists(INNER, max_size=3), max_size=4)
OBJECTS = CHANGES | CHANGES.map(lambda changes: WHOLE | changes)


@pytest.mark.rule("P-15")
@given(st.lists(OBJECTS, max_size=3))
@settings(max_examples=150)
def test_any_object_is_in_the_store_or_in_the_report(objects):
    outcome = taken([Row(number, values) for number, values in enumerate(objects, 1)])
    report = outcome.report
    assert report.read == len(objects)
    assert report.created + report.changed + report.unchanged + report.rejected == report.read
    assert len(outcome.store.items) == report.created
    assert all(one.reason for one in report.rejections)


@given(OBJECTS)
@example(WHOLE | {"plan_effective_date": "0001-01-01"})
@example(WHOLE | {"plan_cancel_date": "9999-12-31"})
@settings(max_examples=150)
def test_whatever_is_taken_can_be_kept_and_told(values):
    for listed in taken([Row(1, values)]).store.items.values():
        plain = fields.plain(listed.item)
        document = document_of(listed, plain, tick=1)
        ItemDocument._from_son(document).validate()
        record = messages.record_json(listed, plain, "2026-11-23T02:00:00Z")
        told = json_format.Parse(record, events_pb.ItemRecord())
        assert messages.item_of(told.item) == listed.item


class Outcome:
    """A store after an import, and the import's report."""

    def __init__(self, shape):
        self.store = FakeCatalogue(NOW)
        self.report = Report(shape)


def imported(content):
    rows = read_rows(content)
    return taken(rows, shape_of(rows, "", SHAPES))


def taken(rows, shape="standard"):
    outcome = Outcome(shape)
    usecases.import_items(rows, outcome.report, caller=SYSTEM, store=outcome.store)
    return outcome


def good(number):
    return WHOLE | {"task_code": "", "local_task_code": f"T-{number}"}


def csv_of(rows):
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows({name: cell(name, value) for name, value in row.items()} for row in rows)
    return file.getvalue()


def cell(name, value):
    """A value as a cell of a spreadsheet has it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list) and name not in LISTS_OF_RECORDS:
        return "、".join(value)
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


WRITERS = {
    "json": lambda rows: json.dumps(rows, ensure_ascii=False),
    "jsonl": lambda rows: "\n".join(json.dumps(row) for row in rows),
    "csv": csv_of,
}
