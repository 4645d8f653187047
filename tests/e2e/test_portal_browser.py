"""The portal as people meet it: a real browser, wide and narrow, with and without JavaScript."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from infra.local.stack import Stack
from infra.sample.places import read
from tests.e2e.browsing import browser, taken_out
from tests.e2e.city import City
from tests.e2e.visitor import DESKTOP, PHONE, SCREENS, visiting

__all__ = ["browser"]  # a fixture

START_SECONDS = 240.0  # both cores may be busy with other tests

WATER = "91530100010090011J"  # a waterworks of the sample, with permits
RESIDENT = "11010519491231002X"  # the specimen of GB 11643
LONG_NAME = f"关于{'某某' * 60}{'ABCDEFGHIJ' * 8}<b>的</b>事项"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A platform of these tests' own, for they take departments out."""
    stack = Stack(
        tmp_path_factory.mktemp("portal"), sample=True, env={"ZHENGTONG_RATE_PER_SECOND": "0"}
    )
    stack.start(START_SECONDS)
    running = City(stack)
    yield running
    running.close()
    stack.stop()


@pytest.fixture(params=["desktop", "phone", "desktop without JavaScript"])
async def visitor(request, browser, city):
    screen = SCREENS[request.param.split()[0]]
    async with visiting(browser, city, screen, script="without" not in request.param) as person:
        yield person


@pytest.fixture(params=SCREENS)
async def anybody(request, browser, city):
    """As `visitor`, where JavaScript makes no difference."""
    async with visiting(browser, city, SCREENS[request.param]) as person:
        yield person


@pytest.fixture(scope="module")
def long_named(city):
    """An item whose names are as long as they may be, with markup in them."""
    body = {
        "task_name": LONG_NAME,
        "task_type": "01",
        "dept_name": f"某某市{'很长的' * 25}局",
        "region_code": "532800000000",
        "local_task_code": "LONG-NAMED-1",
        "accept_condition": "条件" * 200 + "W" * 200,
        "materials": [{"name": "材料" * 40, "is_need": "1", "source_explain": "M" * 90}],
        "handle_flow": [{"step": "受理", "standard": "N" * 150, "time_limit": "当场"}],
        "link_way": "0871-00000001；0871-00000002，工作日上午九时至十二时",
    }
    city.change("/api/v1/items:publish", {"item": body})
    city.until(lambda: city.query("LONG-NAMED-1")["groups"] != [], "长名称的事项可查", 30)
    yield "/items/LONG-NAMED-1"
    city.withdraw("LONG-NAMED-1")


async def test_from_the_home_page_to_the_guide_of_an_item(visitor):
    await visitor.open("/")
    await visitor.search("食品经营许可")
    assert await visitor.page.locator("#q").input_value() == "食品经营许可"
    hits = visitor.hits(visitor.group("办事"))
    assert await hits.count() == 3
    first = await hits.first.text_content()
    assert "食品经营许可" in first
    await visitor.follow(hits.first)
    assert await visitor.page.get_by_role("heading", level=1).text_content() == first


async def test_the_home_page_leads_to_occasions_lists_and_open_data(visitor):
    onward = visitor.page.locator(".onward")
    for way, title, deeper in (
        ("一件事一次办", "一件事一次办", "新生儿出生"),
        ("权责清单", "权责清单动态调整", "昆明市五华区市场监督管理局权力清单调整"),
        ("开放数据", "开放数据", ""),
    ):
        await visitor.open("/")
        await visitor.follow(onward.get_by_role("link", name=way))
        heading = visitor.page.get_by_role("heading", level=1)
        assert await heading.text_content() == title
        if deeper:
            await visitor.follow(visitor.page.get_by_role("link", name=deeper).first)
            assert deeper in await heading.text_content()


async def test_questions_tell_who_needs_no_licence(visitor):
    await visitor.open(f"/items/{read('questionnaires.json')[0]['item_id']}")
    await visitor.follow(visitor.link("我适用哪种情形"))
    await visitor.follow(visitor.link("仅销售预包装食品"))
    assert "不需要取得食品经营许可" in await visitor.read()


async def test_a_guide_tells_all_that_its_department_published(visitor, city):
    url = city.query("不动产转移登记", region="530100")["groups"][0]["hits"][0]["url"]
    item = city.get(f"/api/v1{url}")["item"]
    await visitor.open(url)
    text = await visitor.read()
    said = [
        *(item[name] for name in ("task_name", "dept_name", "accept_condition", "result_name")),
        *(item[name] for name in ("transact_addr", "transact_time", "link_way", "supervise_way")),
        *(item[name] for name in ("task_code", "catalog_code", "fee_basis")),
        *item["alias"],
        *(part for one in item["materials"] for part in (one["name"], one["accept_stand"])),
        *(part for one in item["handle_flow"] for part in (one["step"], one["standard"])),
        *(part for one in item["fees"] for part in (one["fee_name"], one["fee_stand"])),
        *(part for one in item["by_law"] for part in (one["law_name"], one["content"])),
        *(part for one in item["faqs"] for part in (one["question"], one["answer"])),
    ]
    assert len(said) > 40
    assert [part for part in said if part not in text] == []
    for words in ("承诺时限3 个工作日", "法定时限30 个工作日", "收费", "到现场 1 次", "预约办理"):
        assert words in "".join(text.split("\n")), words


async def test_the_contents_of_a_guide_lead_to_its_parts(visitor, city):
    await visitor.open(city.query("食品经营许可")["groups"][0]["hits"][0]["url"])
    contents = visitor.page.get_by_role("navigation", name="本页内容").get_by_role("link")
    for number in range(await contents.count()):
        link = contents.nth(number)
        part = visitor.page.locator(await link.get_attribute("href"))
        assert await link.text_content() in await part.text_content()
    await visitor.link("设定依据").click()
    assert visitor.page.url.endswith("#law")


async def test_the_groups_of_all_departments_stand_side_by_side(visitor):
    await visitor.open("/")
    await visitor.search("昆明 供水")
    for name in ("办事", "信用", "便民", "网站"):
        assert await visitor.hits(visitor.group(name)).count() >= 1, name
    assert "已在昆明市及其上级地区查找“供水”" in await visitor.read()


async def test_a_credit_code_leads_straight_to_what_credit_says_now(visitor, city):
    credit = city.get(f"/api/v1/credit/subjects/{WATER}")
    await visitor.open("/")
    await visitor.search(WATER.lower())
    direct = visitor.page.locator("section.direct")
    text = await direct.text_content()
    assert "实时查询结果" in text
    assert f"行政许可 {credit['permit_total']} 项" in text
    await visitor.follow(visitor.hits(direct))
    page = await visitor.read()
    for part in (WATER, "存续", credit["subject"]["name"], credit["permits"][0]["document_number"]):
        assert part in page
    await visitor.page.go_back()
    await visitor.follow(direct.get_by_role("link", name="查看企业档案"))
    page = await visitor.read()
    for part in (WATER, "各部门公开的信息", "停供公告"):
        assert part in page


async def test_an_outage_says_when_it_ends_and_whom_to_call(visitor):
    await visitor.open("/")
    await visitor.search("昆明 停水")
    notice = visitor.hits(visitor.group("便民")).filter(has_text="停水公告").first
    await visitor.follow(notice)
    text = await visitor.read()
    for part in ("开始", "预计恢复", "影响范围", "原因", "编号"):
        assert part in text
    phone = visitor.page.locator("a[href^='tel:0871']").first
    assert await phone.is_visible()
    await visitor.follow(visitor.page.locator("dd").get_by_role("link", name="供水有限公司"))
    assert "营业网点" in await visitor.read()


async def test_an_institution_leads_to_its_offices_its_notices_and_its_credit(visitor):
    await visitor.open(f"/utilities/institutions/{WATER}")
    text = await visitor.read()
    assert "官渡营业厅" in text
    assert "营业时间" in text
    await visitor.follow(visitor.link("查这家单位的停水公告"))
    assert await visitor.hits().filter(has_text="停水公告").count() >= 1
    await visitor.page.go_back()
    await visitor.follow(visitor.link("查信用"))
    assert "实时查询结果" in await visitor.read()


async def test_a_website_says_who_runs_it_and_leads_there(visitor):
    await visitor.open("/")
    await visitor.search("云南省人民政府门户网站")
    await visitor.follow(visitor.hits(visitor.page.locator("section.direct")))
    text = await visitor.read()
    for part in ("正常运行", "云南省人民政府办公厅", "5300000001"):
        assert part in text
    there = visitor.link("前往网站")
    assert await there.get_attribute("href") == "https://www.yn.gov.example"
    assert "noopener" in await there.get_attribute("rel")


async def test_a_region_narrows_the_answer_and_is_kept(visitor):
    await visitor.open("/")
    await visitor.search("停水", region="530100000000")
    assert await visitor.page.get_by_label("地区").input_value() == "530100000000"
    regions = await visitor.page.locator(".hit .tag").all_text_contents()
    assert regions
    assert not {"大理市", "丽江市", "玉溪市"} & set(regions)
    await visitor.follow(visitor.page.get_by_role("link", name="查看全部").last)
    assert "region=530100000000" in visitor.page.url


async def test_results_of_several_regions_come_with_a_way_to_choose_one(anybody):
    await anybody.open("/?q=食品经营许可")
    await anybody.link("选择地区").click()
    focused = "document.activeElement.id"
    assert await anybody.page.evaluate(focused) == "region"
    await anybody.search("食品经营许可", region="530100000000")
    assert await anybody.link("选择地区").count() == 0


async def test_pages_are_turned_forward_and_back(visitor, city):
    total = city.query("食品经营许可", kind="item")["groups"][0]["total"]
    await visitor.open("/?q=食品经营许可")
    await visitor.follow(visitor.link(f"查看全部 {total} 项办事结果"))
    seen = [await visitor.hits().evaluate_all("links => links.map(link => link.href)")]
    while await visitor.link("下一页").count():
        await visitor.follow(visitor.link("下一页"))
        seen.append(await visitor.hits().evaluate_all("links => links.map(link => link.href)"))
        assert f"第 {len(seen)} / " in await visitor.read()
    links = [link for page in seen for link in page]
    assert len(links) == len(set(links)) == total
    for page in reversed(seen[:-1]):
        await visitor.follow(visitor.link("上一页"))
        assert await visitor.hits().evaluate_all("links => links.map(link => link.href)") == page
    assert await visitor.link("上一页").count() == 0


async def test_nothing_found_comes_with_what_to_do_next(visitor):
    await visitor.open("/")
    await visitor.search("火星移民", region="530100000000")
    assert "没有查到“火星移民”" in await visitor.read()
    assert await visitor.link("12345").get_attribute("href") == "tel:12345"
    assert await visitor.link("不限地区再查一次").is_visible()
    await visitor.follow(visitor.link("食品经营许可"))
    assert await visitor.hits().count() >= 1


async def test_a_slip_is_put_right_and_said(visitor):
    await visitor.open("/")
    await visitor.search("食品经营许渴")
    assert "没有查到“食品经营许渴”，以下是“食品经营许可”的结果" in await visitor.read()
    assert await visitor.hits().count() >= 1


async def test_an_identity_number_is_refused_and_not_shown_again(visitor):
    # As without a script: with one the box itself refuses to send it off.
    await visitor.open(f"/?q={quote(f'查询 {RESIDENT}')}", status=400)
    assert "不按身份证号查询" in await visitor.page.get_by_role("alert").text_content()
    assert RESIDENT not in await visitor.page.content()
    assert await visitor.page.locator("#q").input_value() == ""


async def test_an_address_that_leads_nowhere_has_a_page_with_a_search(visitor):
    await visitor.open("/no/such/page", status=404)
    assert "没有找到这个页面" in await visitor.read()
    await visitor.search("居住证")
    assert await visitor.hits().count() >= 1


async def test_long_names_and_markup_of_a_department_stay_in_their_place(visitor, long_named):
    await visitor.open(long_named)
    assert await visitor.page.get_by_role("heading", level=1).text_content() == LONG_NAME
    assert await visitor.page.locator("h1 b").count() == 0
    await visitor.open("/?q=LONG-NAMED-1")
    assert await visitor.hits().first.text_content() == LONG_NAME


async def test_the_pages_of_the_open_interface_unfold_where_a_link_leads(anybody):
    await anybody.open("/api/docs")
    await anybody.page.locator("nav a[href='#shapes']").click()
    await anybody.page.goto("about:blank")
    await anybody.open("/api/docs#CatalogueService_PublishItem")
    shown = anybody.page.locator("#CatalogueService_PublishItem")
    assert await shown.is_visible()
    assert await anybody.page.locator("#CatalogueService_WithdrawItem").is_hidden()
    assert "POST /api/v1/items:publish" in await anybody.read()


async def test_all_of_it_goes_by_keyboard_alone(browser, city):
    async with visiting(browser, city, DESKTOP) as person:
        await person.open("/")
        press = person.page.keyboard.press
        await press("Tab")
        assert await focused(person) == "跳到主要内容"
        while await person.page.evaluate("document.activeElement.id") != "q":
            await press("Tab")
            assert await ringed(person)
        await person.page.keyboard.type("食品经营许可")
        await press("Enter")
        await person.page.wait_for_url("**/?q=*")
        while "/items/" not in await person.page.evaluate("document.activeElement.href || ''"):
            await press("Tab")
            assert await ringed(person)
        name = await focused(person)
        await press("Enter")
        await person.page.wait_for_url("**/items/*")
        assert await person.page.get_by_role("heading", level=1).text_content() == name
        while await focused(person) != "常见问题":
            await press("Tab")
        await press("Enter")
        await press("Tab")
        await press("Enter")  # the question after the link unfolds
        opened = person.page.locator("#faq details[open]")
        assert await opened.count() == 1


async def focused(person):
    return await person.page.evaluate("document.activeElement.textContent.trim()")


async def ringed(person):
    """Whether one sees where the keyboard is: on the thing itself, or on the hit around it."""
    return await person.page.evaluate(
        "[document.activeElement, document.activeElement.closest('.hit')].some("
        "one => one && parseFloat(getComputedStyle(one).outlineWidth) >= 2"
        " && getComputedStyle(one).outlineStyle !== 'none')"
    )


TOO_SMALL = """
    [...document.querySelectorAll(
        'input, select, button, .button, summary, nav a, .examples a, .kinds a, .more a')]
    .filter(one => one.closest('.crumbs') === null)
    .map(one => [one.textContent.trim(), one.getBoundingClientRect().height])
    .filter(([, height]) => height > 0 && height < 36)
"""


async def test_what_is_touched_on_a_phone_is_large_enough(browser, city):
    item = city.query("食品经营许可")["groups"][0]["hits"][0]["url"]
    outage = city.query("停水公告", kind="utility")["groups"][0]["hits"][0]["url"]
    pages = ["/", "/?q=昆明 供水", "/?q=食品经营许可&kind=item", "/?q=火星移民", item, outage]
    async with visiting(browser, city, PHONE) as person:
        for path in pages:
            await person.open(path)
            assert await person.page.evaluate(TOO_SMALL) == [], path


async def test_a_department_that_is_down_is_named_and_the_others_answer(visitor, city):
    with taken_out(city, "credit"):
        await visitor.open("/")
        await visitor.search("昆明 供水")
        trouble = await visitor.page.locator(".trouble").text_content()
        assert "信用查询暂不可用，数据截至" in trouble
        assert "办事指南" not in trouble
        assert await visitor.hits(visitor.group("办事")).count() >= 1
        await visitor.open(f"/?q={WATER}")
        assert await visitor.page.get_by_text("实时查询结果").count() == 0
        await visitor.open(f"/credit/{WATER}", status=503)
        assert "信用查询暂不可用，请稍后再试" in await visitor.read()
