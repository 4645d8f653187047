"""The screen of a hall goes on whatever happens, and shows what is public in its region."""

import pytest
from zhengtong.catalogue.v1 import catalogue_pb2

from gateway.portal import hall
from services.common.errors import Unavailable
from tests.contract import gateway_house
from tests.contract.test_onestop_portal import Page


class Away(Unavailable):
    reason = "STORE_UNAVAILABLE"


def an_item(number, **more):
    told = {
        "task_name": f"第{number}种许可",
        "dept_name": "市住建局",
        "transact_addr": "2楼8号窗口",
    }
    state = catalogue_pb2.ITEM_STATE_PUBLISHED
    return catalogue_pb2.Item(item_id=f"T-{number}", state=state, **{**told, **more})


@pytest.fixture
async def house(tmp_path):
    async with gateway_house.house(tmp_path) as house:
        house.catalogue.listed = [an_item(1, is_online=True), an_item(2), an_item(3)]
        yield house


async def screen(house, query="", status=200):
    reply = await house.ask("GET", f"/hall/5301{query}")
    assert reply.status_code == status, reply.text
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert Page(reply.text).headings.count(1) == 1
    assert "<script" not in reply.text
    return reply


@pytest.mark.rule("I-22")
async def test_a_screen_turns_over_the_items_of_its_region_and_begins_again(house):
    asked, seen = "", []
    for _ in range(5):
        reply = await screen(house, asked)
        seen += [number for number in (1, 2, 3) if f"第{number}种许可" in reply.text]
        asked = reply.headers["refresh"].removeprefix("15; url=/hall/5301")
    assert seen == [1, 2, 3, 1, 1]  # the fourth screen is the notice, which names the first
    assert house.catalogue.asked[-1].region_code == "530100000000"
    assert len(house.catalogue.asked) == 1, "what was read a moment ago is not asked for again"
    assert "1 / 4" in reply.text


async def test_what_needs_no_visit_says_that_no_number_is_needed(house):
    assert "无需取号，不用跑现场" in (await screen(house, "?n=1")).text
    other = (await screen(house, "?n=2")).text
    assert "无需取号，不用跑现场" not in other
    assert "有 1 项可以全程网上办" in other
    assert "2楼8号窗口" in other
    assert "<svg" in other


@pytest.mark.rule("I-22")
async def test_between_items_a_notice_names_those_that_need_no_number(house):
    free = [an_item(number, is_online=True) for number in range(1, 9)]
    house.catalogue.listed = [*free, *(an_item(number) for number in range(9, 13))]
    pages = [(await screen(house, f"?n={n}")).text for n in range(1, 15)]
    told = [n for n, text in enumerate(pages, 1) if "以下事项无需取号" in text]
    assert told == [10, 14]
    assert [text.count("<li>") for text in pages if "以下事项无需取号" in text] == [6, 6]
    assert "1 / 14" in pages[0]
    for name in ("第7种许可", "第8种许可", "第1种许可"):
        assert f"<li>{name}</li>" in pages[13], "the second goes on where the first ended"


@pytest.mark.parametrize(("length", "size"), [(30, ""), (31, "long"), (71, "longer")])
async def test_a_long_name_is_set_smaller(house, length, size):
    house.catalogue.listed = [an_item(1, task_name="证" * length)]
    text = (await screen(house)).text
    assert (f'<div class="item {size}">' if size else '<div class="item">') in text


async def test_whoever_set_up_a_screen_that_shows_nothing_reads_what_to_do(house):
    house.catalogue.listed = []
    reply = await screen(house)
    assert "区划 530100000000 没有公开的事项" in reply.text
    assert reply.headers["refresh"].startswith("15;")


async def test_an_outage_is_told_in_a_line_and_the_screen_goes_on(house, monkeypatch):
    await screen(house)
    monkeypatch.setattr(hall, "FRESH_SECONDS", -1)
    house.catalogue.error = Away("数据库没有应答。")
    reply = await screen(house, "?n=2")
    assert "第2种许可" in reply.text
    assert "办事指南查询暂不可用，以下内容截至" in reply.text
    assert "n=3" in reply.headers["refresh"]


async def test_a_screen_that_has_nothing_yet_waits_for_the_department(house):
    house.catalogue.error = Away("数据库没有应答。")
    reply = await screen(house)
    assert "稍后自动恢复" in reply.text
    assert reply.headers["refresh"].startswith("15;")


async def test_an_error_page_of_a_screen_turns_itself_over(house, monkeypatch):
    def broken(*_):
        raise RuntimeError

    monkeypatch.setattr(hall, "_no_visit", broken)
    reply = await screen(house, "?n=2&seconds=30", status=500)
    assert reply.headers["refresh"] == "30; url=/hall/5301?n=2&seconds=30"


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("5", 5), ("1", 5), ("120", 120), ("9999", 120), ("x", 15), ("-1", 15), ("99999999999", 15)],
)
async def test_a_screen_stands_as_long_as_it_is_told_within_bounds(house, asked, seconds):
    reply = await screen(house, f"?seconds={asked}")
    assert reply.headers["refresh"].startswith(f"{seconds}; ")


@pytest.mark.parametrize("query", ["?n=99", "?n=0", "?n=x", "?dept=%3Cb%3E%0d%0a", "?n=-1"])
async def test_a_wrong_address_shows_a_screen_all_the_same(house, query):
    assert "第1种许可" in (await screen(house, query)).text


async def test_an_identity_number_in_the_address_is_nowhere_on_the_screen(house):
    reply = await house.http.get("/hall/11010519491231002X")
    assert "11010519491231002" not in f"{reply.text}{reply.headers}"


async def test_the_lists_that_are_remembered_are_bounded(house, monkeypatch):
    monkeypatch.setattr(hall, "SCREENS", 2)
    for dept in "abcda":
        await screen(house, f"?dept={dept}")
    assert len(house.catalogue.asked) == 5
