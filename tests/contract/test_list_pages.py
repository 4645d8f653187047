"""Pages of the lists and the feed of their adjustments: whole, in Chinese, safe and readable."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from zhengtong.catalogue.v1 import catalogue_pb2

from gateway.standards import atom
from tests.contract import gateway_house
from tests.contract.test_onestop_portal import opened

ATOM = "{http://www.w3.org/2005/Atom}"
MADE = datetime(2026, 11, 24, 7, 0, 0, 250_000, tzinfo=UTC)
BODY = "11530000015100012L"
ID = f"power-{BODY}-3"
FIELDS = [
    {"field": "name", "before": '"旧名"', "after": '"食品经营许可 <b>"'},
    {"field": "task_type", "before": "", "after": '"01"'},
    {"field": "by_law", "before": "", "after": '[{"law_name":"食品安全法"}]'},
]


@pytest.fixture
async def house(tmp_path):
    """A gateway whose catalogue knows one adjustment and one entry."""
    async with gateway_house.house(tmp_path) as one:
        one.catalogue.adjustments = [adjustment()]
        one.catalogue.entries = [
            catalogue_pb2.ListEntry(
                entry_code="QL-1",
                name="食品经营许可",
                task_type="01",
                dept_name="昆明市市场监督管理局",
                by_law=[{"law_name": "食品安全法", "article": "第三十五条"}],
                item_ids=["T-1"],
            )
        ]
        yield one


async def test_the_latest_adjustments_are_listed_and_can_be_narrowed(house):
    text, page = await opened(house, "/lists", kind="power", dept_code=BODY)
    asked = house.catalogue.asked[-1]
    assert (asked.kind, asked.dept_code, asked.page_size) == (1, BODY, 20)
    assert f"/lists/adjustments/{ID}" in page.links
    for words in ("权力清单调整", "修改", "食品经营许可 &lt;b&gt;", "昆政发〔2026〕9号", "昆明市"):
        assert words in text
    assert f"/lists?kind=duty&dept_code={BODY}" in page.links
    assert f"/lists?kind=power&dept_code={BODY}&page_token=next" in page.links
    current = [a["href"] for tag, a in page.tags if tag == "a" and a.get("aria-current")]
    assert current == [f"/lists?kind=power&dept_code={BODY}"]


async def test_the_lists_name_their_feed(house):
    _, page = await opened(house, "/lists")
    feeds = [a for tag, a in page.tags if tag == "link" and a["rel"] == "alternate"]
    assert [(one["type"], one["href"]) for one in feeds] == [(atom.MEDIA_TYPE, atom.PATH)]


async def test_no_adjustments_yet_is_said_in_words(house):
    house.catalogue.adjustments = []
    text, _ = await opened(house, "/lists")
    assert "还没有调整记录" in text


@pytest.mark.rule("I-17")
async def test_an_adjustment_says_why_on_what_basis_and_what_each_field_was(house):
    text, page = await opened(house, f"/lists/adjustments/{ID}")
    assert house.catalogue.asked[-1].adjustment_id == ID
    for words in (
        "法律修改 &lt;i&gt;",
        "关于调整权责清单的决定",
        "2026年11月24日 15:00",
        "条目名称",
        "旧名",
        "食品经营许可 &lt;b&gt;",
        "01 行政许可",
        "法律法规名称",
        "（无）",
        "五华区市场监管局",
    ):
        assert words in text
    assert f"/lists/power/{BODY}" in page.links


async def test_the_entries_of_a_body_lead_to_its_items_and_history(house):
    text, page = await opened(house, f"/lists/power/{BODY}")
    asked = house.catalogue.asked[-1]
    assert (asked.kind, asked.dept_code) == (1, BODY)
    assert "昆明市市场监督管理局权力清单" in text
    assert "食品安全法第三十五条" in text
    assert "/items/T-1" in page.links
    assert f"/lists?kind=power&dept_code={BODY}" in page.links
    assert f"/lists/power/{BODY}?page_token=next" in page.links


@pytest.mark.parametrize("path", [f"/lists/other/{BODY}", "/lists?kind=other", "/lists/power"])
async def test_a_list_that_does_not_exist_is_not_found(house, path):
    text, _ = await opened(house, path, status=404)
    assert "没有找到" in text


async def test_a_body_without_entries_is_told_so(house):
    house.catalogue.entries = []
    text, _ = await opened(house, f"/lists/negative/{BODY}")
    assert "没有现行有效的条目" in text


async def test_the_feed_is_read_and_not_sent_twice(house):
    reply = await house.http.get(atom.PATH)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/atom+xml"
    assert reply.headers["last-modified"] == "Tue, 24 Nov 2026 07:00:00 GMT"
    assert house.catalogue.asked[-1].page_size == 50
    feed = ET.fromstring(reply.content)
    assert feed.findtext(f"{ATOM}updated") == "2026-11-24T07:00:00Z"
    tag = reply.headers["etag"]
    again = await house.http.get(atom.PATH, headers={"if-none-match": f'"x", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    house.catalogue.adjustments = []
    changed = await house.http.get(atom.PATH, headers={"if-none-match": tag})
    assert changed.status_code == 200


async def test_a_feed_whose_department_is_down_is_not_an_empty_one(house):
    house.catalogue.error = gateway_house.IdentityAway("维护中。")
    reply = await house.http.get(atom.PATH)
    assert reply.status_code == 503


@pytest.mark.parametrize("origin", ["", "https://zwfw.example.gov.cn"])
def test_a_feed_has_what_rfc_4287_asks_for(origin):
    feed = ET.fromstring(atom.written([adjustment()], origin))
    (entry,) = feed.findall(f"{ATOM}entry")
    for part in (feed, entry):
        for name in ("id", "title", "updated"):
            assert len(part.findall(f"{ATOM}{name}")) == 1
        assert part.findtext(f"{ATOM}author/{ATOM}name")
    links = {one.get("rel"): one.get("href") for one in feed.findall(f"{ATOM}link")}
    assert links == {"self": origin + atom.PATH, "alternate": f"{origin}/lists"}
    assert entry.find(f"{ATOM}link").get("href") == f"{origin}/lists/adjustments/{ID}"
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", entry.findtext(f"{ATOM}id"))
    assert entry.findtext(f"{ATOM}updated") == "2026-11-24T07:00:00Z"
    said = entry.findtext(f"{ATOM}summary")
    assert said.startswith("修改“食品经营许可 <b>”；下放“小餐饮店登记”。原因：法律修改 <i>。依据：")


def test_the_same_feed_under_another_address_has_the_same_entries():
    here, there = (
        ET.fromstring(atom.written([adjustment()], origin))
        for origin in ("", "https://zwfw.example.gov.cn")
    )
    ids = [one.findtext(f"{ATOM}entry/{ATOM}id") for one in (here, there)]
    assert ids[0] == ids[1]
    assert here.findtext(f"{ATOM}id") != there.findtext(f"{ATOM}id")


def test_what_no_xml_may_hold_breaks_no_feed():
    made = adjustment(reason="甲\x00\x0b\ufffe乙]]>", dept_name="<script>&")
    feed = ET.fromstring(atom.written([made], ""))
    said = feed.findtext(f"{ATOM}entry/{ATOM}summary")
    assert "甲\ufffd\ufffd\ufffd乙]]>" in said
    assert feed.findtext(f"{ATOM}entry/{ATOM}author/{ATOM}name") == "<script>&"


def test_an_empty_feed_is_a_feed():
    feed = ET.fromstring(atom.written([], ""))
    assert feed.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"
    assert feed.findall(f"{ATOM}entry") == []


def adjustment(**changes):
    values = {
        "adjustment_id": ID,
        "adjust_time": MADE,
        "kind": 1,
        "dept_code": BODY,
        "dept_name": "昆明市市场监督管理局",
        "region_code": "530100000000",
        "reason": "法律修改 <i>。",
        "document_name": "关于调整权责清单的决定",
        "document_number": "昆政发〔2026〕9号",
        "differences": [
            {
                "entry_code": "QL-1",
                "name": "食品经营许可 <b>",
                "action": 2,
                "version": 2,
                "fields": FIELDS,
            },
            {
                "entry_code": "QL-2",
                "name": "小餐饮店登记",
                "action": 4,
                "other_dept_name": "五华区市场监管局",
            },
        ],
    }
    return catalogue_pb2.ListAdjustment(**values | changes)
