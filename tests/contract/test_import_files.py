"""Workbooks over HTTP: handed in as they are, looked at before, and the template to fill in."""

import io
import zipfile

import pytest

from gateway.portal.item_sheet import MEDIA_TYPE, PATH
from services.catalogue.domain import SHAPES
from services.common.rows import read_rows, shape_of
from tests.books import table
from tests.contract import gateway_house

WORKBOOK = table([{"task_name": "食品经营许可", "task_type": "01"}])


@pytest.fixture
async def gateway(tmp_path):
    async with gateway_house.house(tmp_path) as house:
        yield house


@pytest.mark.parametrize("content_type", [MEDIA_TYPE, "application/octet-stream"])
async def test_a_workbook_reaches_the_department_as_it_is(gateway, content_type):
    path = "/api/v1/items:import?mode=IMPORT_MODE_KEEP"
    reply = await gateway.change(path, WORKBOOK, **{"content-type": content_type})
    assert reply.status_code == 200, reply.text
    (asked,) = gateway.catalogue.asked
    assert (asked.file.data, asked.mode) == (WORKBOOK, 2)


async def test_a_preview_answers_row_by_row(gateway):
    path = "/api/v1/items:previewImport?first_row=7"
    reply = await gateway.change(path, WORKBOOK, **{"content-type": MEDIA_TYPE})
    assert reply.json()["rows"][0]["outcome"] == "ROW_OUTCOME_CHANGED"
    assert gateway.catalogue.asked[0].first_row == 7


async def test_nobody_without_a_right_looks_at_an_import(gateway):
    reply = await gateway.ask("POST", "/api/v1/items:previewImport", content=WORKBOOK)
    assert reply.status_code == 401
    assert gateway.catalogue.asked == []


async def test_the_template_is_for_everybody_to_download_and_is_what_the_catalogue_reads(gateway):
    reply = await gateway.ask("GET", PATH)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == MEDIA_TYPE
    assert "items.xlsx" in reply.headers["content-disposition"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert zipfile.ZipFile(io.BytesIO(reply.content)).testzip() is None
    rows = read_rows(reply.content)
    assert (len(rows), shape_of(rows, "", SHAPES)) == (1, "template")
