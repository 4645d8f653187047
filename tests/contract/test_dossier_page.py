"""The page of a dossier: whole, safe whatever departments say, honest about who did not answer."""

import threading
from itertools import pairwise

import pytest
from zhengtong.credit.v1 import credit_service_pb2
from zhengtong.utilities.v1 import utilities_pb2
from zhengtong.websites.v1 import websites_pb2

from gateway.onestop.dossier import Dossiers
from gateway.portal.pages import render
from tests.contract.dossier_house import CODE, DEAD, FakePart, house, section
from tests.contract.test_onestop_portal import Page

NAME = "昆明云岭商贸有限公司（示例）"
RESIDENT = "11010519491231002X"  # the specimen of GB 11643


async def opened(http, code=CODE, status=200):
    reply = await http.get(f"/dossier/{code}")
    assert reply.status_code == status
    assert reply.headers["content-type"].startswith("text/html")
    return reply.text


async def test_the_page_shows_each_section_and_leads_on(tmp_path):
    outages = section(
        kind="outage",
        title="停供公告",
        total=30,
        entries=[{"title": "停水公告", "url": "/utilities/outages/W-1", "status": "计划"}],
        url="",
    )
    nothing = section(kind="penalty", title="行政处罚", total=0, entries=[], url="")
    parts = {
        "credit": FakePart([section(), nothing], name=NAME),
        "utilities": FakePart([outages]),
    }
    async with house(tmp_path, **parts) as http:
        text = await opened(http)
    page = Page(text)
    assert f"<h1>{NAME}</h1>" in text
    for said in (CODE, "行政许可", "食品经营许可证", "许可〔2026〕1号", "2026年3月2日", "有效"):
        assert said in text
    assert "没有公开的行政处罚" in text
    assert "这里列出 1 项" in text
    assert f"/credit/{CODE}" in page.links
    assert "/utilities/outages/W-1" in page.links
    assert page.headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(page.headings))
    assert "trouble" not in text
    assert "2026年11月23日" in text


@pytest.fixture
def unhurried(monkeypatch):
    """Time enough for departments that answer, however busy the machine is."""
    monkeypatch.setattr(Dossiers.__init__, "__defaults__", (10.0,))


@pytest.mark.rule("P-31")
async def test_departments_that_did_not_answer_are_named(tmp_path):
    parts = {
        "credit": FakePart([section()], name=NAME),
        "websites": DEAD,
        "tea_trees": FakePart([section()], hold=threading.Event()),
    }
    async with house(tmp_path, **parts) as http:
        text = await opened(http)
    Page(text)
    assert "政府网站查询暂不可用" in text
    assert "tea_trees没有及时答复" in text
    assert "食品经营许可证" in text


@pytest.mark.rule("P-31")
async def test_nobody_is_called_unknown_before_all_have_answered(tmp_path, unhurried):
    async with house(tmp_path, credit=FakePart()) as http:
        text = await opened(http, status=404)
        assert "没有查到这个单位" in text
    async with house(tmp_path, credit=FakePart(), websites=DEAD) as http:
        text = await opened(http)
    assert "政府网站查询暂不可用" in text
    assert "已答复的部门没有这个代码的公开信息" in text
    Page(text)


@pytest.mark.rule("P-31")
async def test_where_nobody_has_answered_the_page_says_so_of_each(tmp_path):
    parts = {"websites": DEAD, "tea_trees": FakePart([section()], hold=threading.Event())}
    async with house(tmp_path, **parts) as http:
        reply = await http.get(f"/dossier/{CODE}")
    assert reply.status_code == 503
    assert int(reply.headers["retry-after"]) > 0
    for said in ("企业档案暂时无法提供", "政府网站查询暂不可用", "tea_trees没有及时答复"):
        assert said in reply.text
    assert "没有查到这个单位" not in reply.text
    Page(reply.text)


async def test_a_code_that_is_none_or_a_persons_is_refused(tmp_path):
    async with house(tmp_path, credit=FakePart([section()])) as http:
        assert "校验码不符" in await opened(http, "91530100MA6K00014E", 400)
        text = await opened(http, RESIDENT, 400)
    assert "公民身份号码" in text
    assert "19491231" not in text


async def test_what_departments_say_is_text(tmp_path):
    evil = "<script>alert(1)</script>"
    entry = dict.fromkeys(("title", "summary", "code", "status", "entry_date"), evil)
    entry["url"] = "javascript:alert(1)"
    said = section(title=evil, entries=[entry], url="//evil.example")
    async with house(tmp_path, credit=FakePart([said], name=evil)) as http:
        text = await opened(http)
    assert evil not in text
    assert not [link for link in Page(text).links if "evil" in link or "script" in link]


def test_the_page_of_a_credit_subject_leads_to_its_dossier():
    credit = credit_service_pb2.GetCreditResponse(subject={"subject_code": CODE, "name": NAME})
    text = render("subject.html", credit=credit, subject=credit.subject, region="")
    assert f'href="/dossier/{CODE}"' in text


def test_the_pages_of_an_institution_and_of_a_site_lead_to_the_dossier_of_their_unit():
    institution = utilities_pb2.Institution(institution_id=CODE, name=NAME)
    site = websites_pb2.Site(site_id="a", name="网站", hosts=["a.gov.example"], unit_code=CODE)
    pages = [
        render("institution.html", institution=institution, region=""),
        render("site.html", site=site, region=""),
    ]
    for text in pages:
        assert f"/dossier/{CODE}" in Page(text).links
    site.ClearField("unit_code")
    assert "/dossier/" not in render("site.html", site=site, region="")
