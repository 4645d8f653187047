"""办事指南 as PDF: what the pages show, searchable, with its own fonts, and never code."""

import asyncio
import re
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import orjson
import pypdfium2
import pytest
import zxingcpp
from rapidfuzz import fuzz
from zhengtong.catalogue.v1 import catalogue_pb2

from gateway.handbook import pages, press, sheets
from gateway.handbook.child import set_book
from gateway.portal.writing import BEIJING
from gateway.refusals import DepartmentSlow, GatewayBusy
from tests.contract import gateway_house

NOW = datetime(2026, 11, 28, 9, tzinfo=BEIJING)
URL = "http://city/items/T-1"
HOSTILE = [
    '#eval("1")',
    "#panic()",
    "*粗* _斜_",
    "$x^2$",
    "// 注释 /* */",
    "\\ 反斜线 \\u{41}",
    "<x> @y `z` [w] {v}",
    "= 标题",
    '"引号',
]


def an_item(**more):
    told = {
        "item_id": "T-1",
        "state": catalogue_pb2.ITEM_STATE_PUBLISHED,
        "version": 3,
        "task_name": "建筑工程施工许可证核发",
        "task_type": "01",
        "dept_name": "昆明市住房和城乡建设局",
        "dept_code": "115301000100001434",
        "link_way": "0871-00100001",
        "materials": [{"name": "建设工程规划许可证", "is_need": "1", "page_num": 2}],
    }
    return catalogue_pb2.Item(**{**told, **more})


def a_book(*items, part=1):
    told = [sheets.guide_of(one, "昆明市", URL, earlier=False) for one in items]
    return orjson.dumps(sheets.book_of(told, "昆明市住房和城乡建设局", NOW, part=part, parts=part))


def opened(pdf):
    return pypdfium2.PdfDocument(pdf)


def text_of(pdf):
    return "".join(page.get_textpage().get_text_range() for page in opened(pdf))


def squeezed(text):
    return re.sub(r"[\s\ufffe\u00ad]", "", text)


@pytest.mark.rule("I-21")
def test_a_handbook_holds_what_the_pages_show_and_says_of_when_it_is():
    pdf = set_book(a_book(an_item(), an_item(task_name="房屋产权登记")))
    text = squeezed(text_of(pdf))
    for said in ("建筑工程施工许可证核发", "房屋产权登记", "建设工程规划许可证", "0871-00100001"):
        assert said in text
    assert "截至2026年11月28日" in text
    assert "第3版" in text
    marks = [one.get_title() for one in opened(pdf).get_toc()]
    assert marks == ["建筑工程施工许可证核发", "房屋产权登记"]
    count = len(opened(pdf))
    assert f"第{count}页共{count}页" in text


def test_each_item_begins_on_a_new_page():
    items = [an_item(task_name=f"事项第{number}号") for number in range(5)]
    marks = opened(set_book(a_book(*items))).get_toc()
    at = [one.get_dest().get_index() for one in marks]
    assert len(set(at)) == 5
    assert at == sorted(at)


def test_every_font_is_embedded_and_cut_to_what_is_used():
    pdf = set_book(a_book(an_item(), part=0))
    fonts = {
        name.decode() for name in re.findall(rb"/(?:BaseFont|FontName) */([A-Z]{6}\+[\w-]+)", pdf)
    }
    assert {name[7:].split("-Identity")[0] for name in fonts} >= {
        "NotoSansSC-Regular",
        "NotoSerifSC-Regular",
    }
    assert pdf.count(b"/FontDescriptor ") == len(re.findall(rb"/FontFile[23]? ", pdf)) > 0
    assert len(pdf) < 1_000_000


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_a_department_writes_is_never_code_of_the_template(hostile):
    item = an_item(task_name=f"名称{hostile}", accept_condition=hostile)
    text = squeezed(text_of(set_book(a_book(item))))
    assert text.count(squeezed(hostile)) >= 2


def test_a_long_word_stays_within_the_page_and_what_steers_a_line_is_left_out():
    item = an_item(accept_condition="A" * 500, link_way="a\x00\x1b[1m\u202eb\u200fc")
    pdf = set_book(a_book(item, part=0))
    assert squeezed(text_of(pdf)).count("A" * 500) == 1
    assert "a[1mbc" in squeezed(text_of(pdf))
    for page in opened(pdf):
        words = page.get_textpage()
        shown = [at for at in range(words.count_chars()) if words.get_text_range(at, 1).strip()]
        assert max(words.get_charbox(at)[2] for at in shown) < page.get_width() - 50


def test_the_code_on_the_printed_page_leads_to_the_page_of_the_item():
    image = opened(set_book(a_book(an_item(), part=0)))[0].render(scale=2).to_pil()
    assert [one.text for one in zxingcpp.read_barcodes(image)] == [URL]


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="make system-test-deps brings it")
def test_a_printed_page_is_read_back_from_its_image(tmp_path):
    """Nine characters of ten: what remains is the reader's own."""
    image = opened(set_book(a_book(an_item(), part=0)))[0].render(scale=4).to_pil()
    image.save(tmp_path / "page.png")
    command = ["tesseract", str(tmp_path / "page.png"), "-", "-l", "chi_sim", "--psm", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    read = squeezed(done.stdout)
    for said in ("建筑工程施工许可证核发", "建设工程规划许可证"):
        assert fuzz.partial_ratio(said, read) >= 90, read


def test_an_empty_field_is_left_out_with_its_heading():
    told = sheets.guide_of(an_item(materials=[], task_type="02"), "昆明市", URL, earlier=False)
    names = [one["name"] for one in told["parts"]]
    assert "申请材料" not in names
    assert "设定依据" not in names
    assert "咨询与投诉" in names


def test_the_names_of_the_fields_are_those_of_the_page():
    root = Path(sheets.__file__).parents[1]
    shown = (root / "portal/templates/item.html").read_text()
    source = Path(sheets.__file__).read_text()
    names = re.findall(r'(?:_part\(|^ +\()"([^"]+)"', source, re.MULTILINE)
    assert len(names) > 40
    assert [one for one in names if one not in shown and one != "业务办理项"] == []


async def test_equal_books_are_set_once_and_remembered(monkeypatch):
    made = []

    async def setting(self, book):
        made.append(book)
        await asyncio.sleep(0.01)
        return b"%PDF"

    monkeypatch.setattr(press.Press, "_in_a_process", setting)
    one = press.Press()
    assert await asyncio.gather(one.pdf(b"1"), one.pdf(b"1")) == [b"%PDF"] * 2
    assert await one.pdf(b"1") == b"%PDF"
    assert made == [b"1"]


async def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(press.Press, "_in_a_process", lambda self, book: asyncio.sleep(0, b"1234"))
    one = press.Press(kept_bytes=10)
    for number in range(5):
        await one.pdf(b"%d" % number)
    assert (len(one._kept), one._size) == (2, 8)


async def test_more_books_than_can_wait_are_told_to_come_later(monkeypatch):
    monkeypatch.setattr(press.Press, "_in_a_process", lambda self, book: asyncio.sleep(60))
    one = press.Press()
    most = press.AT_ONCE + press.WAITING
    waiting = [asyncio.create_task(one.pdf(b"%d" % number)) for number in range(most)]
    done, _ = await asyncio.wait(waiting, timeout=0.05)
    assert (len(one._under_way), done) == (most, set())
    with pytest.raises(GatewayBusy):
        await one.pdf(b"more")
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert one._under_way == {}


async def test_a_book_that_takes_too_long_is_ended_with_its_process(monkeypatch):
    sleeping = (sys.executable, "-c", "import signal; signal.pause()")
    monkeypatch.setattr(press, "_CHILD", sleeping)
    with pytest.raises(DepartmentSlow):
        await asyncio.wait_for(press.Press(seconds=0.3).pdf(b"1"), 20)


async def test_the_process_that_sets_a_book_knows_nothing_of_what_the_gateway_was_told(monkeypatch):
    monkeypatch.setenv("MONGODB_URI", "mongodb://user:secret@nowhere")
    told = (sys.executable, "-c", "import os; print(dict(os.environ))")
    monkeypatch.setattr(press, "_CHILD", told)
    said = await press.Press().pdf(b"1")
    assert b"PATH" in said
    assert b"secret" not in said


@pytest.fixture
async def house(tmp_path):
    async with gateway_house.house(tmp_path) as house:
        house.catalogue.item = an_item()
        yield house


async def test_a_guide_is_given_out_under_its_name_and_not_again_to_who_has_it(house):
    reply = await house.ask("GET", "/items/T-1/guide.pdf")
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/pdf"
    assert "filename*=UTF-8''%E5%BB%BA" in reply.headers["content-disposition"]
    assert "建筑工程施工许可证核发" in squeezed(text_of(reply.content))
    known = {"if-none-match": reply.headers["etag"]}
    assert (await house.ask("GET", "/items/T-1/guide.pdf", headers=known)).status_code == 304
    head = await house.ask("HEAD", "/items/T-1/guide.pdf")
    assert (head.status_code, head.content) == (200, b"")


async def test_a_handbook_is_made_of_all_items_of_the_body(house):
    reply = await house.ask("GET", "/bodies/115301000100001434/handbook.pdf")
    assert reply.status_code == 200, reply.text
    assert house.catalogue.asked[-1].dept_code == "115301000100001434"
    assert "建筑工程施工许可证核发" in squeezed(text_of(reply.content))
    none = await house.ask("GET", "/bodies/115301000100001434/handbook.pdf?part=2")
    assert none.status_code == 404
    assert "共 1 册" in none.text


async def test_a_body_without_items_is_told_what_to_do(house):
    house.catalogue.listed = []
    reply = await house.ask("GET", "/bodies/x/handbook.pdf")
    assert reply.status_code == 404
    assert "没有公开的事项" in reply.text


async def test_what_was_taken_back_is_not_printed(house):
    house.catalogue.item = an_item(state=catalogue_pb2.ITEM_STATE_WITHDRAWN)
    assert (await house.ask("GET", "/items/T-1/guide.pdf")).status_code == 410


async def test_a_handbook_that_leaves_items_out_says_so(house, monkeypatch):
    async def cut_off(self, code):
        return [an_item()], False

    monkeypatch.setattr(pages.Handbooks, "_items", cut_off)
    reply = await house.ask("GET", "/bodies/11530000015100012L/handbook.pdf")
    assert "只收入前1项，其余请上网查询" in squeezed(text_of(reply.content))


async def test_a_body_of_many_items_is_split_in_volumes(house, monkeypatch):
    monkeypatch.setattr(pages, "VOLUME", 1)
    house.catalogue.listed = [an_item(), an_item(item_id="T-2", task_name="房屋产权登记")]
    reply = await house.ask("GET", "/bodies/x/handbook.pdf?part=2")
    text = squeezed(text_of(reply.content))
    assert "房屋产权登记" in text
    assert "建筑工程施工许可证核发" not in text
    assert "第2册共2册" in text
