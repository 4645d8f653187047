"""Files of items as officers have them: workbooks, the template, the national exchange's table."""

import csv
import io
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from services.catalogue import usecases
from services.catalogue.domain import SHAPES, item_of, item_of_row
from services.catalogue.domain.importing import Mode, Outcome
from services.catalogue.domain.reading import READERS, ItemInvalid
from services.catalogue.domain.shapes import HEADINGS
from services.common.rows import Report, Row, read_rows, shape_of
from tests.books import table
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fakes import FakeCatalogue
from tests.publications import ANOTHER, ITEM, officer
from tests.unit.catalogue.test_imports import LISTS_OF_RECORDS, WHOLE, cell, csv_of, good

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "service_items_guangan.json"
EDITOR = officer("editor", "item_editor")
# Columns of the same values as a spreadsheet program keeps them: numbers, yes and no, days.
OF_A_SHEET = {"plan_effective_date": date(2026, 1, 1), "plan_cancel_date": date(2030, 1, 1)}


def imported(content, store=None, mode=Mode.OVERWRITE, caller=SYSTEM):
    """The report of an import and the store after it."""
    rows, store = read_rows(content), store or FakeCatalogue(NOW)
    report = Report(shape_of(rows, "", SHAPES))
    usecases.import_items(rows, report, mode=mode, caller=caller, store=store)
    return report, store


def previewed(content, store, mode=Mode.OVERWRITE, caller=SYSTEM):
    rows = read_rows(content)
    report = Report(shape_of(rows, "", SHAPES))
    return usecases.preview_import(rows, report, mode=mode, caller=caller, store=store), report


def as_json(*rows):
    return json.dumps(rows, ensure_ascii=False).encode()


def on_a_sheet(row):
    """A row whose cells have the types that a spreadsheet program gives them."""
    typed = {n: v if isinstance(v, bool | int) else cell(n, v) for n, v in row.items()}
    return typed | {name: value for name, value in OF_A_SHEET.items() if row[name]}


def test_a_workbook_a_table_and_json_of_the_same_rows_give_the_same_items():
    rows = [good(1), good(2) | {"is_fee": False, "fees": [], "promise_day": 0}, WHOLE]
    reports, stores = zip(
        imported(as_json(*rows)),
        imported(csv_of(rows).encode()),
        imported(table([on_a_sheet(row) for row in rows])),
        imported(table([{n: cell(n, v) for n, v in row.items()} for row in rows])),
        strict=True,
    )
    assert [(one.created, one.rejected) for one in reports] == [(3, 0)] * 4
    assert all(store.items == stores[0].items for store in stores)


@pytest.mark.skipif(not REAL.is_file(), reason="the list that 广安区 published is not at hand")
@pytest.mark.parametrize("write", ["json", "csv", "xlsx"])
def test_the_real_list_imports_whole_and_the_second_time_changes_nothing(write):
    rows = json.loads(REAL.read_bytes())["items"]
    content = {"json": as_json(*rows), "csv": lines(rows), "xlsx": table(rows)}[write]
    report, store = imported(content)
    assert (report.shape, report.read, report.created, report.rejected) == (
        "guangan",
        1135,
        1135,
        0,
    )
    before = dict(store.items)
    again, _ = imported(content, store)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 1135)
    assert store.items == before


def lines(rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO()
    writer = csv.DictWriter(file, names)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def broken():
    """Changes of a good row, each of which breaks it in its own way, and the field at fault."""
    for name in READERS:
        yield name, {"a": 1}
        yield name, "\x07"
        yield name, [["[", {}]] if name not in LISTS_OF_RECORDS else [{"nobody": "knows"}]
    yield from ((name, 10**7) for name in READERS if name.endswith(("_day", "_num", "_version")))
    yield from ((name, "长" * 6000) for name in ("task_name", "dept_name", "link_way"))


@pytest.mark.rule("P-15")
def test_two_hundred_rows_broken_each_in_its_own_way_are_told_and_all_others_taken():
    faults = list(broken())[:200]
    assert len({json.dumps(fault) for fault in faults}) == len(faults) == 200
    rows, expected = [], {}
    for number, (name, value) in enumerate(faults):
        rows += [good(f"G{number}"), good(f"B{number}") | {name: value}]
        expected[len(rows)] = name
    report, store = imported(as_json(*rows))
    assert (report.read, report.created, report.rejected) == (400, 200, 200)
    assert {one.row for one in report.rejections} == expected.keys()
    for one in report.rejections:
        assert one.field.partition("[")[0] == expected[one.row]
        assert one.reason
    assert store.items.keys() == {f"T-G{number}" for number in range(200)}


# --- rule I-12: looking before, and what becomes of items that are kept


CHANGED = ITEM | {"task_name": "食品经营许可（改）", "promise_day": 5}
NEW = ITEM | {"local_task_code": "T-2"}
BROKEN = ITEM | {"local_task_code": "T-3", "task_type": "88"}


@pytest.fixture
def store():
    store = FakeCatalogue(NOW)
    for number in ("T-1", "T-4", "T-5"):
        item = item_of(ITEM | {"local_task_code": number})
        usecases.publish(item, seen=0, caller=SYSTEM, store=store)
    usecases.withdraw("T-4", "停办", seen=0, caller=SYSTEM, store=store)
    usecases.suspend("T-5", "系统升级", seen=0, caller=SYSTEM, store=store)
    store.told.clear()
    return store


FILE = as_json(
    CHANGED,
    NEW,
    BROKEN,
    ITEM | {"local_task_code": "T-4"},
    ITEM | {"local_task_code": "T-5"},
    NEW,
    None,
)


@pytest.mark.rule("I-12")
def test_a_preview_says_what_would_become_of_each_row_and_keeps_nothing(store):
    before = dict(store.items)
    rows, report = previewed(FILE, store)
    assert [(one.row, one.outcome, one.item_id, one.fields) for one in rows] == [
        (1, Outcome.CHANGED, "T-1", ("task_name", "promise_day")),
        (2, Outcome.CREATED, "T-2", ()),
        (3, Outcome.REJECTED, "", ()),
        (4, Outcome.CHANGED, "T-4", ()),
        (5, Outcome.CHANGED, "T-5", ()),
        (6, Outcome.UNCHANGED, "T-2", ()),
        (7, Outcome.REJECTED, "", ()),
    ]
    assert "重新公开" in rows[3].note
    assert "恢复" in rows[4].note
    assert "第 2 行" in rows[5].note
    assert {one.row for one in report.rejections} == {3, 7}
    assert store.items == before
    assert store.told == []


@pytest.mark.rule("I-12")
@pytest.mark.parametrize("mode", Mode)
def test_a_preview_tells_what_the_import_does(store, mode):
    _, foretold = previewed(FILE, store, mode)
    report, _ = imported(FILE, store, mode)
    assert report == foretold
    rows, _ = previewed(FILE, store, mode)
    kept = Outcome.KEPT if mode is Mode.KEEP else Outcome.UNCHANGED
    assert [one.outcome for one in rows[:2]] == [kept, Outcome.UNCHANGED]


@pytest.mark.rule("I-12")
def test_what_is_kept_is_left_alone_where_the_importer_wants_it(store):
    before = dict(store.items)
    report, _ = imported(FILE, store, Mode.KEEP)
    assert (report.created, report.changed, report.unchanged, report.kept) == (1, 0, 4, 3)
    assert [(one.row, one.text[:8]) for one in report.notes] == [
        (1, "已有该事项，按“"),
        (4, "该事项已经取消，"),
        (5, "该事项已经暂停，"),
    ]
    assert {one: store.items[one] for one in before} == before
    assert [fact.listed.item.item_id for fact in store.told] == ["T-2"]


@pytest.mark.rule("I-12")
def test_keeping_what_says_the_same_needs_no_note(store):
    report, _ = imported(as_json(ITEM), store, Mode.KEEP)
    assert (report.unchanged, report.kept, report.notes) == (1, 0, [])


@pytest.mark.rule("P-23")
def test_a_preview_holds_each_row_to_the_callers_reach(store):
    usecases.publish(
        item_of(ITEM | {"local_task_code": "T-9", "dept_code": ANOTHER}),
        seen=0,
        caller=SYSTEM,
        store=store,
    )
    rows, report = previewed(
        as_json(ITEM | {"dept_code": ANOTHER}, ITEM | {"local_task_code": "T-9"}, NEW),
        store,
        caller=EDITOR,
    )
    assert [one.outcome for one in rows] == [Outcome.REJECTED, Outcome.REJECTED, Outcome.CREATED]
    assert {one.field for one in report.rejections} == {"dept_code"}


# --- rule I-13: the national exchange


EXCHANGED = {name.upper(): value for name, value in WHOLE.items() if name != "region_code"}


@pytest.mark.rule("I-13")
@pytest.mark.parametrize("column", ["REGION_CODE", "AREA_CODE"])
def test_the_table_of_the_national_exchange_is_read_under_its_names(column):
    technical = {"ROW_GUID": "9f", "CD_BATCH": "7", "CD_OPERATION": "I", "CD_TIME": "2026-01-01"}
    report, store = imported(as_json(EXCHANGED | technical | {column: "530000"}))
    assert (report.shape, report.created, report.rejections) == ("exchange", 1, [])
    (listed,) = store.items.values()
    assert listed.item == item_of(WHOLE)


@pytest.mark.rule("I-13")
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("1", ("1",)),
        ("4", ("4",)),
        ("5", ("6",)),
        (5, ("6",)),
        ("6", ("5",)),
        ("9", ("6",)),
        ("非法人企业", ("6",)),
        ("1^2^5", ("1", "2", "6")),
        ("5,6,9", ("6", "5")),
        (["6", "9"], ("5", "6")),
        ("", ()),
    ],
)
def test_audiences_of_the_exchange_become_those_of_the_standard(theirs, ours):
    assert exchanged(SERVER_TYPE=theirs).server_type == ours


@pytest.mark.rule("I-13")
@pytest.mark.parametrize("none", ["0001-01-01", "0001/1/1", "0001-01-01 00:00:00", "1899-12-30"])
def test_a_day_before_all_days_is_none(none):
    item = exchanged(PLAN_EFFECTIVE_DATE=none, PLAN_CANCEL_DATE="9999-12-31")
    assert (item.plan_effective_date, item.plan_cancel_date) == ("", "")
    assert exchanged(PLAN_EFFECTIVE_DATE="2020-01-05 00:00:00").plan_effective_date == "2020-01-05"


@pytest.mark.rule("I-13")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"CD_OPERATION": "D"}, "CD_OPERATION"),
        ({"SERVER_TYPE": "7"}, "server_type"),
        ({"TASK_STATE": "3"}, "task_state"),
        ({"UNHEARD_OF": "x"}, "unheard_of"),
    ],
)
def test_what_the_exchange_says_and_nobody_can_take_is_refused(changes, field):
    with pytest.raises(ItemInvalid) as refused:
        exchanged(**changes)
    assert [one.field for one in refused.value.violations] == [field]


def test_laws_and_steps_of_the_exchange_may_be_one_text():
    law = "《中华人民共和国水法》第四十八条：" + "直接取水的应当申请。" * 30
    item = exchanged(BY_LAW=law, HANDLE_FLOW="受理→审核→决定", HANDLE_TYPE="1^2", ALIAS="甲^乙")
    assert [(one.law_name, one.content) for one in item.by_law] == [("中华人民共和国水法", law)]
    assert [one.step for one in item.handle_flow] == ["受理", "审核", "决定"]
    assert (item.handle_type, item.alias) == (("1", "2"), ("甲", "乙"))
    item = exchanged(BY_LAW="水法第四十八条", HANDLE_FLOW="很长的一步" * 30)
    assert item.by_law[0].law_name == "水法第四十八条"
    assert item.handle_flow[0].standard == "很长的一步" * 30


def exchanged(**changes):
    return item_of_row({**EXCHANGED, "REGION_CODE": "530000", **changes}, "exchange")


# --- the template


def test_a_template_may_have_chinese_and_own_names_and_codes_with_their_names():
    values = {heading: WHOLE[name] for heading, name in HEADINGS.items() if name != "alias"}
    values |= {"事项类型": "01 行政许可", "办理形式": "1 窗口办理、2 网上办理", "alias": "甲"}
    item = item_of_row(values, "template")
    assert item == replace(item_of(WHOLE), alias=("甲",))


def test_records_of_a_template_are_lines_of_a_cell():
    item = item_of_row(
        {
            "事项名称": "取水许可",
            "事项类型": "行政许可",
            "实施主体": "云南省水利厅",
            "区划码": "530000",
            "地方实施编码": "T-1",
            "设定依据": "中华人民共和国水法|条款号=第四十八条\n\n"
            "水资源费征收使用管理办法 | 依据文号 = 财综〔2008〕79号",
            "申请材料": "材料名称=申请书｜材料形式=1 纸质｜收取方式=1 纸质收取、2 附件上传｜"
            "原件份数=2",
        },
        "template",
    )
    assert [(one.law_name, one.article, one.document_number) for one in item.by_law] == [
        ("中华人民共和国水法", "第四十八条", ""),
        ("水资源费征收使用管理办法", "", "财综〔2008〕79号"),
    ]
    (material,) = item.materials
    assert (material.material_format, material.receive_type, material.page_num) == (
        "1",
        ("1", "2"),
        2,
    )


def test_a_part_of_a_record_that_nobody_knows_is_refused_and_named():
    values = {heading: WHOLE[name] for heading, name in HEADINGS.items()}
    for said in ("水法|条款=1", "水法|别的"):
        with pytest.raises(ItemInvalid) as refused:
            item_of_row(values | {"设定依据": said}, "template")
        assert refused.value.violations[0].field.startswith("by_law[0].")


def test_rows_of_every_shape_may_be_anything():
    for shape in SHAPES:
        for values in ({}, {"": None}, {"TASK_NAME": [], "SERVER_TYPE": {}}, {"设定依据": "="}):
            with pytest.raises(ItemInvalid):
                item_of_row(values, shape)
        report = Report(shape)
        usecases.import_items([Row(1, 7)], report, caller=SYSTEM, store=FakeCatalogue(NOW))
        assert report.rejected == 1
