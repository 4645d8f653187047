"""The template of items: what it offers is what the catalogue reads."""

import io
import re
import zipfile

import pytest

from gateway.openapi.texts import chinese_name
from gateway.portal import item_sheet
from gateway.portal.item_sheet import CODES, EXAMPLE, NEEDED, columns, items_workbook
from services.catalogue import usecases
from services.catalogue.domain import SHAPES, shapes, tables
from services.catalogue.domain.reading import READERS, REQUIRED
from services.common.rows import Report, read_rows, shape_of
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fakes import FakeCatalogue

TABLES = {
    "task_type": tables.TASK_TYPES,
    "power_source": tables.POWER_SOURCES,
    "use_level": tables.USE_LEVELS,
    "dept_type": tables.BODY_TYPES,
    "anticipate_type": tables.DAY_KINDS,
    "promise_type": tables.DAY_KINDS,
    "project_type": tables.PROJECT_TYPES,
    "examine_type": tables.EXAMINATIONS,
    "special_procedure": tables.SPECIAL_PROCEDURES,
    "handle_type": tables.HANDLING_FORMS,
    "online_handle_depth": tables.ONLINE_DEPTHS,
    "handle_area": tables.HANDLING_AREAS,
    "deliver_type": tables.DELIVERIES,
    "server_type": tables.AUDIENCES,
    "user_topic_type": tables.PERSON_TOPICS,
    "corp_topic_type": tables.ORGANISATION_TOPICS,
    "result_type": tables.RESULT_TYPES,
    "finish_type": tables.FINISHES,
}
GIVEN = {**EXAMPLE, "task_name": "取水许可"}


def imported(content):
    rows, store = read_rows(content), FakeCatalogue(NOW)
    report = Report(shape_of(rows, "", SHAPES))
    usecases.import_items(rows, report, caller=SYSTEM, store=store)
    return report, store


def part(name, content=None):
    with zipfile.ZipFile(io.BytesIO(content or items_workbook())) as whole:
        return whole.read(name).decode()


def test_its_headings_are_those_that_the_catalogue_reads():
    assert {chinese_name(one.full_name): one.name for one in columns()} == shapes.HEADINGS
    assert {one.name for one in columns()} == READERS.keys() - {"task_state"}
    assert {
        one.name: {chinese_name(each.full_name): each.name for each in one.message_type.fields}
        for one in columns()
        if one.message_type
    } == shapes.PARTS
    assert frozenset(REQUIRED) == NEEDED


def test_its_lists_hold_each_code_and_no_other():
    assert {name: set(table) for name, table in CODES.items()} == {
        name: set(table) for name, table in TABLES.items()
    }
    coded = {one.name for one in columns()} & shapes.CODED
    assert coded == CODES.keys()
    assert {one.name for one in columns() if one.is_repeated} & coded == coded & shapes.LISTS


@pytest.mark.parametrize(
    ("name", "code", "said"), [(n, c, s) for n, table in CODES.items() for c, s in table.items()]
)
def test_each_choice_of_its_lists_is_read_as_its_code(name, code, said):
    found = shapes.from_template({name: f"{code} {said}"})[name]
    read = READERS[name].read(found)
    assert read in (code, (code,))


def test_a_filled_template_is_imported_and_again_changes_nothing():
    rows = [{**GIVEN, "local_task_code": f"SL-{number}"} for number in range(30)]
    report, store = imported(items_workbook(rows))
    assert (report.shape, report.created, report.rejections) == ("template", 30, [])
    item = store.items["SL-7"].item
    assert (item.task_type, item.handle_type, item.promise_type) == ("01", ("1", "2"), "1")
    assert [one.name for one in item.materials] == ["取水许可申请书", "水资源论证报告"]
    assert [one.step for one in item.handle_flow] == ["受理", "审核", "决定", "办结", "送达"]
    assert (item.is_online, item.is_fee, item.plan_effective_date) == (True, False, "2026-01-01")


def test_its_example_left_where_it_stood_is_published_by_nobody():
    report, store = imported(items_workbook())
    assert (report.read, report.rejected, store.items) == (1, 1, {})
    assert "示例" in report.rejections[0].reason


def test_codes_are_chosen_from_a_hidden_sheet_and_the_head_stays_in_sight():
    sheet, book = part("xl/worksheets/sheet1.xml"), part("xl/workbook.xml")
    assert re.search(rf'name="{item_sheet.LISTS}"[^>]* state="hidden"', book)
    lists = re.findall(r'<dataValidation type="list"', sheet)
    flags = sum(one.type == one.TYPE_BOOL for one in columns())
    assert len(lists) == len(CODES) + flags
    assert '<pane xSplit="1" ySplit="1"' in sheet
    assert 'state="frozen"' in sheet


def test_each_heading_tells_the_name_of_its_field():
    comments = part("xl/comments1.xml")
    assert all(f"字段：{one.name}\n" in comments for one in columns())


def test_one_template_is_one_file_and_has_nothing_that_runs():
    assert items_workbook() == items_workbook()
    told = items_workbook([{**GIVEN, "task_name": "=1+1", "link_way": "http://a.example"}])
    assert "<f>" not in part("xl/worksheets/sheet1.xml", told)
    assert "hyperlink" not in part("xl/worksheets/sheet1.xml", told)
