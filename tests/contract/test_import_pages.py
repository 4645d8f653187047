"""The pages of editors: what a file would do, the same file for good, and how good items are."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from zhengtong.catalogue.v1 import catalogue_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.imports.v1 import imports_pb2

from gateway.multipart import UploadForm
from gateway.portal.imports import COMMIT, PATH, REPORT, ROWS_SHOWN, field_name
from services.common.rows.refusals import ImportShapeUnknown
from tests.contract.catalogue_house import catalogue_house
from tests.contract.gateway_house import FakeCatalogue
from tests.contract.identity_house import person_with, token_in
from tests.contract.test_onestop_portal import Page
from tests.publications import DEPARTMENT, KUNMING

CSV = "事项名称,基本编码\n食品经营许可,001\n".encode()
QUALITY = "/desk/quality"


class Catalogue(FakeCatalogue):
    """Previews and imports as it was told to, and reports on quality."""

    preview = pb.PreviewImportResponse()
    imported = pb.ImportItemsResponse()
    reports: tuple[catalogue_pb2.QualityReport, ...] = ()

    def PreviewImport(self, request, context):  # noqa: N802
        self._hear(request, context)
        return self.preview

    def ImportItems(self, request, context):  # noqa: N802
        self._hear(request, context)
        return self.imported

    def ListQualityReports(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.ListQualityReportsResponse(reports=self.reports, next_page_token="next")


@pytest.fixture
def catalogue():
    return Catalogue()


@pytest.fixture
async def house(tmp_path: Path, catalogue):
    async with catalogue_house(tmp_path, catalogue) as house:
        yield house


async def come(house, *roles):
    house.http.cookies.clear()
    house.identity.account = person_with(*roles, department=DEPARTMENT, region=KUNMING)
    await house.sign_in()


@pytest.fixture
async def editor(house):
    await come(house, "item_editor")
    return house


def previewed(*rows, **counts):
    return pb.PreviewImportResponse(report=counts, rows=rows)


def hidden(text, name):
    return re.search(f'name="{name}" value="([^"]*)"', text)[1]


async def upload(house, page, path=PATH, content=CSV, status=200, **fields):
    """Send a form with a file as a browser does."""
    reply = await house.http.post(
        path,
        data={"form_token": token_in(page), "mode": "overwrite"} | fields,
        files={"file": ("事项.csv", content, "text/csv")},
    )
    assert reply.status_code == status, reply.text
    return reply.text


async def seen(house, **more):
    """The preview of a file, and what its form carries onward."""
    text = await upload(house, await house.open(PATH), **more)
    return text, {name: hidden(text, name) for name in ("mode", "sha256", "request_id")}


async def test_the_account_leads_editors_to_imports_and_nobody_else(house):
    await come(house, "item_editor")
    text = await house.open("/account")
    assert 'href="/desk/imports"' in text
    assert 'href="/desk/quality"' in text
    await come(house, "case_handler")
    assert "/desk/imports" not in await house.open("/account")
    assert "您没有办理此操作的权限" in await house.open(PATH, 403)


async def test_the_form_leads_to_the_template_and_names_its_limits(editor):
    text = await editor.open(PATH)
    page = Page(text)
    assert "/templates/items.xlsx" in page.links
    assert page.headings.count(1) == 1
    assert "4 MB、5,000 行" in text


async def test_a_preview_counts_and_says_what_to_do_row_by_row(editor, catalogue):
    catalogue.preview = previewed(
        {"row": 1, "outcome": 2, "subject": "T-1", "changed_fields": ["promise_day", "by_law"]},
        {
            "row": 2,
            "outcome": 5,
            "rejections": [{"row": 2, "field": "地区", "reason": "不能为<b>"}],
        },
        {"row": 3, "outcome": 4, "subject": "T-3", "note": "已有该事项"},
        {"row": 4, "outcome": 3, "subject": "T-4"},
        read=4,
        changed=1,
        unchanged=2,
        kept=1,
        rejected=1,
    )
    text, onward = await seen(editor, mode="keep")
    asked = catalogue.asked[-1]
    assert (asked.file.data, asked.mode) == (CSV, imports_pb2.IMPORT_MODE_KEEP)
    assert onward["mode"] == "keep"
    assert onward["sha256"] == sha256(CSV).hexdigest()
    plain = re.sub(r"\s+", "", text)
    for words in ("第1行", "承诺办结时限、设定依据", "第2行", "不能为&lt;b&gt;", "<dd>4行</dd>"):
        assert words in plain
    assert "已有该事项" in text
    assert "第4行" not in plain
    assert "/items/T-1" in Page(text).links


async def test_only_the_first_rows_are_shown_and_all_are_in_the_table(editor, catalogue):
    rows = [
        {"row": number, "outcome": 5, "rejections": [{"row": number, "reason": "=1+1"}]}
        for number in range(1, 61)
    ]
    catalogue.preview = previewed(*rows, read=60, rejected=60)
    text, onward = await seen(editor)
    assert text.count("=1+1") == ROWS_SHOWN
    assert "共 60 条" in text
    assert "没有可以导入的内容" in text
    table = await upload(editor, text, REPORT, **onward)
    assert len(table.splitlines()) == 61
    assert '"\'=1+1"' in table  # nothing that a spreadsheet runs


async def test_a_file_of_no_known_shape_is_told_of_the_template(editor, catalogue):
    catalogue.error = ImportShapeUnknown("请用 shape 指明")
    text = await upload(editor, await editor.open(PATH), status=400)
    assert "请下载填报模板" in text
    assert "shape" not in text


async def test_the_same_file_is_imported_once_and_waits_for_a_reviewer(editor, catalogue):
    catalogue.preview = previewed({"row": 1, "outcome": 1}, read=1, created=1)
    text, onward = await seen(editor)
    catalogue.imported = pb.ImportItemsResponse(
        report={"read": 1, "created": 1}, submission={"submission_id": "s9"}
    )
    done = await upload(editor, text, COMMIT, **onward)
    asked = catalogue.asked[-1]
    assert isinstance(asked, pb.ImportItemsRequest)
    assert (asked.file.data, asked.request_id) == (CSV, onward["request_id"])
    assert "/desk/reviews/catalogue/s9" in Page(done).links
    assert "审查同意后才公开" in done


@pytest.mark.parametrize("path", [COMMIT, REPORT])
async def test_another_file_than_the_one_previewed_is_refused(editor, catalogue, path):
    catalogue.preview = previewed({"row": 1, "outcome": 1}, read=1, created=1)
    text, onward = await seen(editor)
    heard = len(catalogue.asked)
    told = await upload(editor, text, path, CSV + b"x", 400, **onward)
    assert "与预览的不是同一个文件" in told
    assert len(catalogue.asked) == heard


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 400, "请选择文件"),
        (b"%PDF-1.7 x", 415, "文件是PDF 文件"),
        (b"a," * 2_500_000, 413, "请求内容过大"),
    ],
)
async def test_what_is_no_file_to_import_is_refused_in_a_sentence(editor, content, status, words):
    page = await editor.open(PATH)
    text = await upload(editor, page, content=content, status=status)
    assert words in text
    assert Page(text).headings.count(1) == 1


async def test_an_unknown_way_is_refused_and_asked_for_again(editor, catalogue):
    text = await upload(editor, await editor.open(PATH), status=400, mode="other")
    assert "覆盖" in text
    assert catalogue.asked == []


async def test_a_form_that_no_page_of_ours_gave_out_changes_nothing(editor, catalogue):
    for token in ("", "forged"):
        reply = await editor.http.post(
            PATH, data={"form_token": token, "mode": "keep"}, files={"file": ("a.csv", CSV)}
        )
        assert reply.status_code == 403
    reply = await editor.http.post(PATH, data={"mode": "keep"}, files={"file": ("a.csv", CSV)})
    assert reply.status_code == 403
    assert catalogue.asked == []


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"", 415),
        ("multipart/form-data; boundary=x", b"", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nno head\r\n\r\n\r\n--x--", 400),
        ("multipart/form-data; boundary=x", b"--x\r\n" * 50 + b"--x--\r\n", 400),
        ("multipart/form-data; boundary=x", b'--x\r\nA: "\xff\r\n\r\n\xff\r\n--x--\r\n', 403),
        ("multipart/form-data; boundary*=x'y'%zz", b"--x--", 415),
    ],
)
async def test_what_is_no_form_is_refused_and_never_a_defect(editor, kind, body, status):
    reply = await editor.http.post(PATH, content=body, headers={"content-type": kind})
    assert reply.status_code == status, reply.text
    assert "系统出现问题" not in reply.text


def test_a_file_comes_byte_for_byte():
    data = b'[{"a":"\r\n--other\n\x00"}]\r\n'
    request = httpx.Request("POST", "http://x", data={"a": "乙"}, files={"file": ("f", data)})
    boundary = request.headers["content-type"].partition("boundary=")[2]
    form, upload = UploadForm("file", {"a": 1}).parse(request.read(), boundary)
    assert form == {"a": "乙"}
    assert upload.data == data


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("task_name", "事项名称"),
        ("materials[0].name", "申请材料第 1 项材料名称"),
        ("materials[2]", "申请材料第 3 项"),
        ("task_name.x", "事项名称"),
        ("taskName", "taskName"),
        ("", ""),
    ],
)
def test_fields_are_called_by_their_chinese_names(path, name):
    assert field_name(path) == name


async def test_the_quality_of_a_region_leads_to_the_items_that_fail(house, catalogue):
    await come(house, "supervisor")
    rule = {"rule": "Q-7", "says": "收费的写明依据", "item_count": 9, "item_ids": ["T-1"]}
    catalogue.reports = (
        catalogue_pb2.QualityReport(
            dept_code=DEPARTMENT,
            dept_name="市局<i>",
            item_count=12,
            score=87.5,
            failed_rules=[rule],
        ),
    )
    text = await house.open(QUALITY)
    assert catalogue.asked[-1].region_code == KUNMING
    for words in ("市局&lt;i&gt;", "87.5 分，12 个事项", "9 个事项不符合，例如", "Q-7"):
        assert words in text
    links = Page(text).links
    assert {"/items/T-1", f"{QUALITY}/{DEPARTMENT}"} <= set(links)
    assert f"{QUALITY}?region={KUNMING}&page_token=next" in links
    await house.open(f"{QUALITY}?region=")
    assert catalogue.asked[-1].region_code == ""
    await house.open(f"{QUALITY}/{DEPARTMENT}")
    assert catalogue.asked[-1].dept_code == DEPARTMENT


async def test_a_body_without_items_and_an_officer_without_the_right_are_told(house, catalogue):
    await come(house, "supervisor")
    assert "没有公开的事项" in await house.open(f"{QUALITY}/x", 404)
    await come(house, "case_handler")
    assert "您没有办理此操作的权限" in await house.open(QUALITY, 403)
