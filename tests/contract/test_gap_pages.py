"""The page of what people did not find: a month, a region, and what became of each."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.catalogue.v1 import gap_pb2

from gateway.portal.gaps import MONTHS, PATH, SETTLE, GapPages
from gateway.portal.labels import GAP_OUTCOMES
from services.catalogue.domain.gaps import MONTHS as KEPT_MONTHS
from services.catalogue.domain.gaps import GapInvalid
from services.common.errors import Stale, Violation
from tests.contract.catalogue_house import catalogue_house
from tests.contract.gateway_house import FakeCatalogue
from tests.contract.identity_house import person_with, token_in
from tests.contract.test_onestop_portal import Page
from tests.publications import DEPARTMENT, KUNMING, WUHUA

pytestmark = pytest.mark.rule("I-28")
GAPS = (
    gap_pb2.Gap(
        gap_id="a" * 64,
        text="宠物<b>火化",
        region_code=KUNMING,
        count=37,
        first_day="2026-10-01",
        last_day="2026-11-20",
    ),
    gap_pb2.Gap(
        gap_id="b" * 64,
        text="放风筝",
        count=9,
        first_day="2026-11-02",
        last_day="2026-11-03",
        outcome=gap_pb2.GAP_OUTCOME_ITEM_ADDED,
        item_id="T/1",
        note="已新增",
        version=1,
    ),
)


class Catalogue(FakeCatalogue):
    """Lists gaps as it was told to; refuses to settle them with `refusal`."""

    gaps = GAPS
    others = 0
    refusal: Exception | None = None

    def ListGaps(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.ListGapsResponse(gaps=self.gaps, next_page_token="next", others=self.others)

    def SettleGap(self, request, context):  # noqa: N802
        self._hear(request, context)
        if self.refusal:
            raise self.refusal
        return pb.SettleGapResponse(gap=GAPS[0])


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
async def publisher(house):
    await come(house, "list_publisher")
    return house


def hidden(text, name):
    return re.search(f'name="{name}" value="([^"]*)"', text)[1]


async def settle(house, page, **fields):
    carried = {
        name: hidden(page, name) for name in ("gap_id", "version", "request_id", "month", "region")
    }
    form = {"form_token": token_in(page), "item_id": "", "note": ""} | carried | fields
    return await house.http.post(SETTLE, data=form)


async def test_the_account_leads_the_leading_body_to_it_and_nobody_else(house):
    await come(house, "list_publisher")
    assert f'href="{PATH}"' in await house.open("/account")
    await come(house, "item_editor")
    assert PATH not in await house.open("/account")
    assert "您没有办理此操作的权限" in await house.open(PATH, 403)


async def test_a_month_shows_what_was_asked_how_often_and_what_became_of_it(publisher, catalogue):
    catalogue.others = 12
    text = await publisher.open(PATH)
    asked = [one for one in catalogue.asked if isinstance(one, pb.ListGapsRequest)][-1]
    month = datetime.now(UTC).astimezone().strftime("%Y")
    assert asked.first_day.startswith(month)
    assert (asked.first_day[:7], asked.region_code) == (asked.last_day[:7], "")
    plain = re.sub(r"\s+", " ", text)
    for words in ("宠物&lt;b&gt;火化", "37 次", "昆明市", "没有指明地区", "尚未处理"):
        assert words in plain
    for words in ("已新增事项", "已新增", "另有 12 次查询"):
        assert words in plain
    page = Page(text)
    assert page.headings.count(1) == 1
    assert "/items/T/1" in page.links
    assert f"/desk/synonyms?word={quote('放风筝')}" in page.links
    assert f"{PATH}?month={asked.first_day[:7]}&region=&page_token=next" in page.links
    assert len(set(re.findall(r' id="([^"]+)"', text))) == len(re.findall(r' id="([^"]+)"', text))


async def test_a_month_and_a_region_can_be_chosen_and_nonsense_is_the_present_one(
    publisher, catalogue
):
    text = await publisher.open(f"{PATH}?month=all&region={WUHUA}&page_token=x")
    asked = catalogue.asked[-1]
    assert (asked.first_day, asked.last_day, asked.region_code) == ("", "", WUHUA)
    assert asked.page_token == "x"
    assert f'value="{WUHUA}" selected' in text
    await publisher.open(f"{PATH}?month=1999-01&region=nowhere")
    asked = catalogue.asked[-1]
    assert (asked.first_day[:2], asked.region_code) == ("20", "")


async def test_what_is_still_open_can_be_chosen_and_stays_chosen(publisher, catalogue):
    text = await publisher.open(PATH)
    assert not catalogue.asked[-1].open_only
    assert 'name="open" type="checkbox" value="1">' in text
    text = await publisher.open(f"{PATH}?month=all&open=1")
    assert catalogue.asked[-1].open_only
    page = Page(text)
    assert 'name="open" type="checkbox" value="1" checked>' in text
    assert f"{PATH}?month=all&region=&open=1&page_token=next" in page.links
    reply = await settle(publisher, text, open=hidden(text, "open"), outcome="4")
    assert reply.headers["location"] == f"{PATH}?month=all&region=&open=1&said=settled"
    reply = await settle(publisher, text, open=hidden(text, "open"))
    assert (reply.status_code, catalogue.asked[-1].open_only) == (400, True)
    catalogue.gaps = ()
    assert "没有尚未处理的缺口" in await publisher.open(f"{PATH}?open=1")


def test_the_months_are_those_that_the_catalogue_keeps():
    pages = GapPages(None, type("OneStop", (), {"regions": None}), lambda: NEW_YEAR)
    months = pages._months()
    assert (months[0], months[1], months[-1]) == ("2027-01", "2026-12", "2025-02")
    assert len(months) == MONTHS == KEPT_MONTHS
    assert set(GAP_OUTCOMES) == set(gap_pb2.GapOutcome.values()) - {0}


NEW_YEAR = datetime(2026, 12, 31, 17, 0, tzinfo=UTC)  # January already in Asia/Shanghai


async def test_what_became_of_a_gap_is_taken_and_leads_back_to_the_month(publisher, catalogue):
    page = await publisher.open(f"{PATH}?month=all&region={WUHUA}")
    reply = await settle(publisher, page, outcome="3", note="市农业农村局")
    assert reply.status_code == 303
    assert reply.headers["location"] == f"{PATH}?month=all&region={WUHUA}&said=settled"
    asked = next(one for one in catalogue.asked if isinstance(one, pb.SettleGapRequest))
    assert (asked.gap_id, asked.outcome, asked.note) == ("a" * 64, 3, "市农业农村局")
    assert asked.request_id == hidden(page, "request_id")
    assert "处理结果已保存" in await publisher.open(reply.headers["location"])


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(publisher, catalogue):
    page = await publisher.open(PATH)
    reply = await settle(publisher, page, note="<i>写了一半")
    assert reply.status_code == 400
    assert "请选择处理结果" in reply.text
    assert "&lt;i&gt;写了一半" in reply.text
    assert "<details open>" in reply.text
    catalogue.refusal = GapInvalid("有误", Violation("item_id", "请填写编码"))
    reply = await settle(publisher, page, outcome="1")
    assert reply.status_code == 400
    assert 'id="item-1-wrong">请填写编码' in reply.text
    catalogue.refusal = Stale("该缺口刚被他人修改")
    reply = await settle(publisher, page, outcome="4")
    assert (reply.status_code, "刚被他人修改" in reply.text) == (409, True)
    reply = await settle(publisher, page, outcome="9")
    assert reply.status_code == 400


async def test_a_form_that_is_none_of_ours_and_an_officer_without_the_right_are_refused(house):
    await come(house, "list_publisher")
    page = await house.open(PATH)
    reply = await settle(house, page, form_token="x", outcome="4")
    assert reply.status_code == 403
    await come(house, "item_editor")
    reply = await house.http.post(SETTLE, data={})
    assert reply.status_code == 403


async def test_a_month_without_gaps_says_so(publisher, catalogue):
    catalogue.gaps = ()
    assert "没有列入的缺口" in await publisher.open(PATH)
