"""Imports of items over gRPC on a real database: previews, modes, workbooks, and what waits."""

import json

import pytest
from google.api import httpbody_pb2
from zhengtong.imports.v1 import imports_pb2

from gateway.portal.item_sheet import EXAMPLE, items_workbook
from tests.books import table
from tests.callers import SYSTEM
from tests.integration.house import made_keys, serving
from tests.publications import ITEM, officer

SERVICE = "zhengtong.catalogue.v1.CatalogueService"
KEEP = imports_pb2.IMPORT_MODE_KEEP
EDITOR = officer("author", "item_editor")
ROWS = [ITEM | {"local_task_code": f"T-{number}"} for number in range(1, 4)]


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    return made_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def house(database, keys_dir):
    with serving("catalogue", database, keys_dir) as house:
        yield house


def file(content):
    return httpbody_pb2.HttpBody(data=content)


def as_json(rows):
    return json.dumps(rows, ensure_ascii=False).encode()


def everything(house):
    """How much each collection of the department holds."""
    names = house.database.list_collection_names()
    return {name: house.database[name].count_documents({}) for name in names}


def take(house, content, caller=SYSTEM, **fields):
    return house.call(f"{SERVICE}.ImportItems", caller, file=file(content), **fields)


def look(house, content, caller=SYSTEM, **fields):
    return house.call(f"{SERVICE}.PreviewImport", caller, file=file(content), **fields)


@pytest.mark.rule("I-12")
def test_a_preview_tells_each_row_and_leaves_nothing_behind(house):
    take(house, as_json(ROWS[:2]))
    before = everything(house)
    rows = [ROWS[0] | {"task_name": "改名"}, ROWS[1], ROWS[2], {**ROWS[2], "region_code": "x"}]
    answer = look(house, as_json(rows), EDITOR, first_row=11)
    assert [
        (one.row, imports_pb2.RowOutcome.Name(one.outcome)[12:], one.subject, one.changed_fields)
        for one in answer.rows
    ] == [
        (11, "CHANGED", "T-1", ["task_name"]),
        (12, "UNCHANGED", "T-2", []),
        (13, "CREATED", "T-3", []),
        (14, "REJECTED", "", []),
    ]
    assert [(one.row, one.field) for one in answer.rows[3].rejections] == [(14, "region_code")]
    report = answer.report
    assert (report.created, report.changed, report.unchanged, report.rejected) == (1, 1, 1, 1)
    assert not report.rejections
    assert everything(house) == before


@pytest.mark.rule("I-12")
def test_an_import_keeps_what_is_there_where_it_is_told_to(house):
    take(house, as_json(ROWS[:1]))
    rows = [ROWS[0] | {"task_name": "改名"}, ROWS[1]]
    report = take(house, as_json(rows), mode=KEEP).report
    assert (report.created, report.changed, report.unchanged, report.kept) == (1, 0, 1, 1)
    assert [(one.row, "保留" in one.text) for one in report.notes] == [(1, True)]
    item = house.call(f"{SERVICE}.GetItem", SYSTEM, item_id="T-1").item
    assert (item.task_name, item.version) == (ITEM["task_name"], 1)
    assert look(house, as_json(rows), mode=KEEP).rows[0].outcome == imports_pb2.ROW_OUTCOME_KEPT


def test_what_an_officer_imports_of_a_workbook_waits_for_a_reviewer(house):
    answer = take(house, table(ROWS), EDITOR)
    assert answer.report.created == 3
    assert answer.submission.subject_count == 3
    assert look(house, table(ROWS), EDITOR).report.created == 3, "nothing is public yet"


def test_where_everything_is_kept_nothing_waits(house):
    take(house, as_json(ROWS))
    changed = [row | {"task_name": "改名"} for row in ROWS]
    answer = take(house, as_json(changed), EDITOR, mode=KEEP)
    assert (answer.report.kept, answer.HasField("submission")) == (3, False)


def test_a_filled_template_is_taken(house):
    rows = [{**EXAMPLE, "task_name": "取水许可", "local_task_code": f"SL-{n}"} for n in range(3)]
    content = items_workbook(rows)
    assert [one.subject for one in look(house, content).rows] == ["SL-0", "SL-1", "SL-2"]
    assert take(house, content).report.created == 3
    assert take(house, content).report.unchanged == 3


@pytest.mark.parametrize("call", ["ImportItems", "PreviewImport"])
def test_a_file_that_cannot_be_read_is_refused(house, call):
    asked = {"file": file(b"PK\x03\x04no workbook")}
    refused = house.refused(f"{SERVICE}.{call}", SYSTEM, **asked)
    assert refused == ("INVALID_ARGUMENT", "IMPORT_UNREADABLE")
    assert house.refused(f"{SERVICE}.{call}", SYSTEM, file=file(b"[]"))[1] == "IMPORT_SHAPE_UNKNOWN"


def test_a_preview_takes_as_many_rows_as_an_import(house):
    rows = [ITEM | {"local_task_code": f"T-{number}"} for number in range(5000)]
    assert len(look(house, as_json(rows)).rows) == 5000
    refused = house.refused(f"{SERVICE}.PreviewImport", SYSTEM, file=file(as_json([*rows, ITEM])))
    assert refused[1] == "IMPORT_TOO_LARGE"
