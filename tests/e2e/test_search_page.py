"""The search page in all its states: usable by everybody, by keyboard, with help while typing."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import axe_playwright_python
import pytest

from tests.e2e.browsing import browser, taken_out
from tests.e2e.visitor import DESKTOP, PHONE, SCREENS, visiting

__all__ = ["browser"]  # a fixture

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
PAUSE = 160.0  # milliseconds between keys: long enough for suggestions to be asked for
STATES = {
    "empty": "/",
    "results": "/?q=食品经营许可",
    "one group with facets": "/?q=食品经营许可&kind=item",
    "narrowed": "/?q=公积金&kind=item&region=530100&visits=0",
    "all regions of an item": "/?q=食品经营许可&kind=item&family=catalogue/530131002001",
    "read as letters": "/?q=gjj",
    "put right": "/?q=结昏证",
    "nothing found": "/?q=红烧肉怎么做",
    "refused": "/?q=x&kind=nothing",
}


async def violations(person):
    """What axe-core finds wrong with the page as it stands."""
    await person.page.evaluate(AXE)
    found = await person.page.evaluate("axe.run()")
    assert found["passes"], "nothing was looked at"
    return [
        (one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found["violations"]
    ]


@pytest.fixture(params=SCREENS)
async def person(request, browser, city):
    async with visiting(browser, city, SCREENS[request.param]) as one:
        yield one


@pytest.mark.parametrize("state", STATES)
async def test_no_state_of_the_page_keeps_anybody_out(person, state):
    await person.open(STATES[state], status=400 if state == "refused" else 200)
    assert await violations(person) == []


async def test_a_page_without_labels_is_found_out(person):
    await person.open("/")
    await person.page.evaluate("document.querySelectorAll('label').forEach((one) => one.remove())")
    assert {"label", "select-name"} & {name for name, _ in await violations(person)}


async def test_a_source_that_is_down_keeps_nobody_out_either(browser, city):
    with taken_out(city, "credit"):
        for screen in (DESKTOP, PHONE):
            async with visiting(browser, city, screen) as one:
                await one.open("/?q=昆明 供水")
                assert "信用查询暂不可用" in await one.page.locator(".trouble").text_content()
                assert await violations(one) == []


async def test_suggestions_come_while_typing_and_are_chosen_by_keyboard(person):
    await person.open("/")
    box = person.page.locator("#q")
    await box.press_sequentially("gongj", delay=30)
    # Not just the first lines: those for "g" alone come before, where typing is slow.
    await person.page.locator(".suggestions").get_by_text("公积金", exact=True).wait_for()
    assert await violations(person) == []
    await box.press("ArrowDown")
    chosen = person.page.locator(".suggestions [aria-selected=true]")
    assert await box.get_attribute("aria-activedescendant") == await chosen.get_attribute("id")
    text = await chosen.text_content()
    await box.press("Enter")
    await person.page.wait_for_url("**/?q=*")
    assert await person.page.locator("#q").input_value() == text
    assert await person.hits().count() >= 1


async def test_escape_puts_suggestions_away_and_leaves_what_was_typed(person):
    await person.open("/")
    box = person.page.locator("#q")
    await box.press_sequentially("公积", delay=30)
    await person.page.locator(".suggestions li").first.wait_for()
    await box.press("Escape")
    assert not await person.page.locator(".suggestions").is_visible()
    assert await box.input_value() == "公积"
    assert await box.get_attribute("aria-expanded") == "false"
    await box.press_sequentially("金")
    await person.page.locator(".suggestions").get_by_text("公积金", exact=True).wait_for()
    await box.press_sequentially("提")
    await box.press("Escape")  # before those for what was typed last have come
    await person.page.wait_for_timeout(4 * PAUSE)
    assert not await person.page.locator(".suggestions").is_visible()


@pytest.mark.rule("P-32")
@pytest.mark.parametrize("typed", ["11010519491231002X", "110105 1949-1231 002x", "我13800138000"])
async def test_no_number_of_a_person_leaves_the_page_while_it_is_typed(browser, city, typed):
    async with visiting(browser, city, DESKTOP) as one:
        await one.open("/")
        await one.page.locator("#q").press_sequentially(typed, delay=PAUSE)
        await one.page.wait_for_timeout(2 * PAUSE)
    asked = [unquote(url.partition("?q=")[2]) for url in one.asked if "/suggest" in url]
    assert asked  # a few digits may be a number of anything
    assert max(sum(map(str.isdigit, beginning)) for beginning in asked) <= 8


@pytest.mark.rule("P-5")
@pytest.mark.parametrize("typed", ["11010519491231002X", "查 110105-19491231-002x 的社保"])
async def test_an_identity_number_is_not_even_sent_off(browser, city, typed):
    async with visiting(browser, city, DESKTOP) as one:
        await one.open("/")
        box = one.page.locator("#q")
        await box.fill(typed)
        await box.press("Enter")
        assert "不按身份证号查询" in await box.evaluate("box => box.validationMessage")
        assert one.page.url == f"{one.home}/"
        await box.fill("11010519491231002")
        await box.press("Enter")
        await one.page.wait_for_url("**/?q=*")
    assert not [url for url in one.asked if "002X" in unquote(url).upper()]


async def test_an_answer_is_narrowed_by_links_and_each_condition_can_be_taken_back(person):
    await person.open("/?q=登记&kind=item")
    facets = person.page.get_by_role("navigation", name="筛选")
    await person.follow(facets.get_by_role("link", name="昆明市").first)
    await person.follow(facets.get_by_role("link", name="企业法人").first)
    chips = person.page.locator(".chip")
    assert await chips.count() == 2
    regions = await person.page.locator(".hit .tag-region").all_text_contents()
    assert regions
    assert not {"曲靖市", "大理市", "麒麟区"} & set(regions)
    await person.follow(chips.first)
    assert await chips.count() == 1
    assert "region" not in person.page.url


async def test_the_other_regions_of_an_item_are_listed(person):
    await person.open("/?q=食品经营许可")
    await person.follow(person.page.get_by_role("link", name="另有").first)
    regions = await person.page.locator(".hit .tag-region").all_text_contents()
    assert len(regions) == len(set(regions)) > 5
    await person.follow(person.link("返回查询结果"))
