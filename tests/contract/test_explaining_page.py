"""The page that tells officers why items stand where they stand."""

import pytest

from gateway.portal.explaining import PATH
from tests.contract.identity_house import identity_house, person_with
from tests.contract.test_onestop_portal import Page
from tests.publications import DEPARTMENT, KUNMING
from tests.unit.onestop.shelf import Shelf, card


@pytest.fixture
async def house(tmp_path):
    async with identity_house(tmp_path) as house:
        shelf = Shelf(tmp_path / "index")
        shelf.put(card("公司设立登记", aliases=("开公司",), family="F1", region_code=KUNMING))
        shelf.tell()
        yield house


async def come(house, *roles):
    house.http.cookies.clear()
    house.identity.account = person_with(*roles, department=DEPARTMENT, region=KUNMING)
    await house.sign_in()


async def test_an_editor_sees_what_each_item_says_and_what_it_counts(house):
    await come(house, "item_editor")
    assert f'href="{PATH}"' in await house.open("/account")
    assert "排序说明" in await house.open(PATH)
    text = await house.open(f"{PATH}?q=开公司")
    Page(text)
    for part in ("公司设立登记", "日常用语一致：1500.0", "说到全部词语"):
        assert part in text


async def test_what_nothing_is_found_for_and_what_is_refused_is_said(house):
    await come(house, "item_editor")
    assert "没有查到事项" in await house.open(f"{PATH}?q=天气预报")
    text = await house.open(f"{PATH}?q=11010519491231002X", 400)
    assert "身份号码" in text
    assert "11010519491231002X" not in text
    assert "行政区划" in await house.open(f"{PATH}?q=x&region=abc", 400)


async def test_the_way_to_the_sign_in_page_names_nobody(house):
    for typed in ("11010519491231002X", "我的 110105 19491231002x"):
        reply = await house.http.get(PATH, params={"q": typed})
        assert reply.headers["location"] == "/sign-in?next=%2Fdesk%2Fsearch"
    reply = await house.http.get(f"{PATH}?q=a")
    assert reply.headers["location"] == "/sign-in?next=%2Fdesk%2Fsearch%3Fq%3Da"


async def test_nobody_else_is_shown_it(house):
    await come(house, "case_handler")
    assert "可以查看排序说明" in await house.open(f"{PATH}?q=开公司", 403)
