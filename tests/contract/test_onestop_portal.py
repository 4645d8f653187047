"""The portal's pages: Chinese, whole without JavaScript, safe whatever departments write."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from zhengtong.catalogue.v1 import catalogue_pb2

from gateway.indexer.standing import Standing
from gateway.onestop.cards import Change
from gateway.onestop.uses import Uses
from gateway.portal.writing import near
from services.catalogue.domain.questionnaires import questionnaire_of
from tests.contract import gateway_house
from tests.contract.onestop_house import House
from tests.publications import QUESTIONNAIRE
from tests.unit.onestop.shelf import AS_OF, card, now

MINUTE = 60_000_000


class Page(HTMLParser):
    """What a test asks of a page."""

    VOID = frozenset({"meta", "link", "input", "br", "img"})

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.links, self.labels, self.ids = [], [], [], set(), []
        self.fields, self.headings = [], []
        self.feed(html)
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag not in self.VOID:
            self.open.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes.get("href", ""))
        if tag == "label":
            self.labels.add(attributes["for"])
        if tag in ("input", "select") and attributes.get("type") != "hidden":
            self.fields.append(attributes["id"])
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
async def house(tmp_path):
    house = House(tmp_path)
    house.shelf.put(
        card(
            "食品经营许可",
            region_code="530100000000",
            url="/items/a",
            department="昆明市市场监管局",
        ),
        card("<script>alert(1)</script>食品经营许可变更", summary="<img src=x onerror=alert(1)>"),
        *[card(f"食品经营许可第{number}种") for number in range(12)],
        card("社保登记"),
    )
    async with house.client() as house.http:
        yield house


async def opened(house, path, status=200, **params):
    reply = await house.http.get(path, params=params or None)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"].startswith("text/html")
    assert "script-src 'self';" in reply.headers["content-security-policy"]
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    page = Page(reply.text)
    assert ("html", {"lang": "zh-CN"}) in page.tags
    assert set(page.fields) <= page.labels, "every field has its label"
    assert len(page.ids) == len(set(page.ids))
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    return reply.text, page


@pytest.mark.parametrize(
    "query", [{}, {"q": "食品经营许可"}, {"q": "没有的东西"}, {"q": "社宝登记"}]
)
async def test_every_page_is_whole_labelled_and_in_order(house, query):
    _, page = await opened(house, "/", **query)
    assert page.links[0] == "#main"
    assert "main" in page.ids


async def test_hits_lead_to_their_pages_and_say_whose_they_are(house):
    text, page = await opened(house, "/", q="食品经营许可")
    assert "/items/a" in page.links
    assert "昆明市市场监管局" in text
    assert "昆明市</span>" in text
    assert "共 14 项" in text
    assert "<mark>食品经营许可</mark>" in text


CODE = "91530100MA6K00014D"


@pytest.mark.parametrize("typed", [CODE, CODE.lower(), "昆明云岭商贸有限公司"])
async def test_credit_that_is_exactly_what_was_typed_leads_to_the_dossier_too(house, typed):
    shown = card("昆明云岭商贸有限公司", kind="credit", url=f"/credit/{CODE}", codes=(CODE,))
    house.shelf.writer.apply("credit", [Change(CODE, 1, AS_OF, shown)])
    house.shelf.commit()
    text, page = await opened(house, "/", q=typed)
    assert text.index("直达") < text.index(f'href="/dossier/{CODE}"')
    assert page.links.count(f"/dossier/{CODE}") == 1
    for others in ("云岭商贸", "食品经营许可"):
        _, page = await opened(house, "/", q=others)
        assert not [link for link in page.links if link.startswith("/dossier/")]


async def test_a_code_that_credit_does_not_know_leads_to_the_dossier_all_the_same(house):
    text, page = await opened(house, "/", q=f"查{CODE}")
    assert "没有查到" in text
    assert page.links.count(f"/dossier/{CODE}") == 1


async def test_a_stop_of_supply_says_where_it_stands(house):
    at = datetime.now(UTC)
    times = {"start_time": (at - timedelta(hours=1)), "end_time": (at + timedelta(hours=2))}
    facets = {"record": "outage"} | {
        name: f"{time:%Y-%m-%dT%H:%M:%SZ}" for name, time in times.items()
    }
    house.shelf.put(card("停水公告：示例街", kind="utility", facets=tuple(facets.items())))
    text, _ = await opened(house, "/", q="停水公告示例街")
    assert re.search(r"进行中，预计还有 (1 小时 \d+ 分钟|2 小时)", text)


async def test_answers_of_other_regions_and_of_a_whole_region_say_so(house):
    house.shelf.put(card("居住证办理", region_code="530300000000", family="居住证"))
    text, _ = await opened(house, "/", q="昭通居住证办理")
    assert "昭通市没有查到相关内容，以下是其他地区的。" in text
    text, _ = await opened(house, "/", q="曲靖")
    assert "本级和下级地区的内容" in text
    assert "居住证办理" in text


async def test_what_departments_write_is_never_markup(house):
    text, _ = await opened(house, "/", q="食品经营许可变更")
    assert "<script>" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;" in text


async def test_what_somebody_types_is_never_markup(house):
    text, _ = await opened(house, "/", q='"><script>alert(1)</script>')
    assert "<script>" not in text


async def test_groups_are_paged_through_with_links(house):
    seen, where = 0, "/?q=食品经营许可&kind=item"
    for _ in range(3):
        _, page = await opened(house, where)
        seen += sum(1 for tag, _ in page.tags if tag == "article")
        following = [link for link in page.links if "page_token" in link]
        if not following:
            break
        (where,) = following
    assert seen == 14


async def test_a_page_of_another_size_leads_to_pages_of_that_size(house):
    _, page = await opened(house, "/?q=食品经营许可&kind=item&page_size=5")
    (following,) = [link for link in page.links if "page_token" in link]
    text, page = await opened(house, following)
    assert sum(1 for tag, _ in page.tags if tag == "article") == 5
    assert "第 2 / 3 页" in text
    assert sum("page_size=5" in link for link in page.links) == 2


async def test_an_outage_is_told_in_words_with_the_time_of_the_data(house):
    at = now()
    lost = Standing("credit", as_of=at - 5 * MINUTE, lost_since=at - 4 * MINUTE)
    house.shelf.tell(lost)
    text, _ = await opened(house, "/", q="食品经营许可")
    assert "信用查询暂不可用，数据截至" in text
    assert "办事指南查询暂不可用" not in text


async def test_a_slip_is_put_right_in_words(house):
    text, _ = await opened(house, "/", q="社宝登记")
    assert "没有查到“社宝登记”" in text
    assert "<strong>社保登记</strong>" in text


async def test_nothing_found_comes_with_help(house):
    text, page = await opened(house, "/", q="完全无关", region="530100")
    assert "没有查到“完全无关”" in text
    assert any("region" not in link for link in page.links if link.startswith("/?q="))
    assert "12345" in text


async def test_a_bad_question_is_answered_at_the_box(house):
    text, page = await opened(house, "/", status=400, q="！！")
    assert "查询内容里没有文字或数字" in text
    (box,) = [attributes for tag, attributes in page.tags if attributes.get("id") == "q"]
    assert (box["aria-invalid"], box["aria-describedby"]) == ("true", "told")


async def test_foreign_parameters_of_a_shared_link_do_no_harm(house):
    _, plain = await opened(house, "/", q="食品经营许可")
    _, shared = await opened(house, "/", q="食品经营许可", utm_source="somewhere", page_token="")
    assert shared.links == plain.links


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/items/a", "办事指南查询"),
        ("/credit/91530100MA6K00014D", "信用查询"),
        ("/utilities/institutions/a", "便民服务查询"),
        ("/utilities/outages/a", "便民服务查询"),
        ("/websites/a", "政府网站查询"),
    ],
)
async def test_a_page_whose_department_is_down_says_so(house, path, name):
    text, _ = await opened(house, path, status=503)
    assert f"{name}暂不可用" in text


@pytest.mark.parametrize("path", ["/nowhere", "/static/../secret", "/items"])
async def test_an_address_that_leads_nowhere_has_a_page(house, path):
    text, _ = await opened(house, path, status=404)
    assert "没有找到" in text


async def test_the_style_is_local_and_kept_by_browsers(house):
    _, page = await opened(house, "/")
    sheets = [a["href"] for tag, a in page.tags if tag == "link" and a["rel"] == "stylesheet"]
    (sheet,) = sheets
    reply = await house.http.get(sheet)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in reply.headers["cache-control"]
    assert b"@import" not in reply.content
    assert b"http" not in reply.content


@pytest.fixture
async def catalogue(tmp_path):
    """A gateway whose catalogue answers with what a test puts into `item`."""
    async with gateway_house.house(tmp_path) as one:
        item = one.catalogue.item
        item.item_id, item.task_name, item.task_type = "a", "取水许可", "01"
        yield one


@pytest.mark.rule("I-29")
async def test_opening_a_guide_as_it_is_now_is_what_counts(catalogue, monkeypatch):
    noted = []
    monkeypatch.setattr(Uses, "note", lambda self, *opening: noted.append(opening))
    await opened(catalogue, "/items/a")
    await opened(catalogue, "/items/a", version="1")
    await opened(catalogue, "/items/a/versions")
    await catalogue.http.head("/items/a")
    await catalogue.http.get("/api/v1/items/a")
    catalogue.catalogue.item.item_id = "b"
    await catalogue.http.get("/items/a")  # leads to the item's new code
    catalogue.catalogue.item.state = catalogue_pb2.ITEM_STATE_WITHDRAWN
    await opened(catalogue, "/items/b", status=410)
    assert noted == [("a", "127.0.0.1")]


async def test_a_guide_has_no_empty_parts(catalogue):
    text, page = await opened(catalogue, "/items/a")
    assert "怎么办理" not in text
    assert "部门没有列出申请材料" in text
    parts = [link[1:] for link in page.links if link.startswith("#")]
    assert set(parts) <= set(page.ids)


async def test_an_item_that_is_exercised_by_duty_asks_nobody_to_apply(catalogue):
    catalogue.catalogue.item.task_type = "02"
    text, page = await opened(catalogue, "/items/a")
    assert "由部门依职权实施，无需申请" in text
    assert "materials" not in page.ids


@pytest.mark.parametrize(("day", "status"), [("2020-01-31", 410), ("2999-01-31", 200)])
@pytest.mark.rule("I-6")
async def test_an_item_is_gone_once_the_day_of_its_end_has_come(catalogue, day, status):
    catalogue.catalogue.item.plan_cancel_date = day
    text, _ = await opened(catalogue, "/items/a", status=status)
    assert ("不再受理" in text) == (status == 410)


@pytest.mark.rule("I-5")
async def test_an_item_that_was_taken_back_says_why_and_its_versions_can_be_read(catalogue):
    catalogue.catalogue.item.state = catalogue_pb2.ITEM_STATE_WITHDRAWN
    catalogue.catalogue.item.state_reason = "改为备案 <b>"
    text, _ = await opened(catalogue, "/items/a", status=410)
    assert "改为备案 &lt;b&gt;" in text
    catalogue.catalogue.item.version = 2
    text, _ = await opened(catalogue, "/items/a", version="2")
    assert "这是第 2 版，不一定是现在的规定" in text
    assert catalogue.catalogue.asked[-1].version == 2


@pytest.mark.rule("I-11")
async def test_questions_are_answered_by_links_until_an_outcome_says_what_applies(catalogue):
    text, page = await opened(catalogue, "/items/a")
    assert "/items/a/questions" not in page.links
    await opened(catalogue, "/items/a/questions", status=404)
    catalogue.catalogue.questionnaire = questionnaire_of(QUESTIONNAIRE)
    catalogue.catalogue.item.materials.add(name="申请书 <b>")
    _, page = await opened(catalogue, "/items/a")
    assert "/items/a/questions" in page.links
    text, page = await opened(catalogue, "/items/a/questions")
    assert "有固定的经营场所吗？" in text
    assert "/items/a/questions?a=%E6%9C%89" in page.links
    text, page = await opened(catalogue, "/items/a/questions", a="有")
    for words in ("可以申请", "申请书 &lt;b&gt;", "返回上一题"):
        assert words in text
    assert page.headings.count(1) == 1
    text, _ = await opened(catalogue, "/items/a/questions", a="也许", status=400)
    assert "答案不在选项之中" in text


@pytest.mark.rule("I-10")
async def test_a_life_event_says_what_to_bring_once_and_what_not(catalogue):
    occasion = catalogue.catalogue.occasion
    occasion.event.event_id, occasion.event.title = "open-restaurant", "开饭店一件事 <b>"
    occasion.steps.add(item_id="a", task_name="食品经营许可", dept_name="市监局")
    occasion.steps.add(catalog_code="530131002001")
    occasion.materials.add(material={"name": "身份证"}, item_ids=["a"])
    occasion.materials.add(material={"name": "营业执照"}, item_ids=["a"], waived="数据共享")
    occasion.joint_day, occasion.joint_type = 10, "1"
    text, page = await opened(catalogue, "/life-events/open-restaurant", region="5301")
    for words in (
        "&lt;b&gt;",
        "10 个工作日",
        "本地区目前没有受理",
        "数据共享",
        "用于：食品经营许可",
    ):
        assert words in text
    assert catalogue.catalogue.asked[-1].region_code == "530100000000"
    assert page.headings.count(1) == 1
    text, page = await opened(catalogue, "/life-events", region="x")
    assert "/life-events/open-restaurant" in page.links
    assert "/life-events?page_token=next" in page.links


@pytest.mark.rule("I-9")
async def test_the_page_of_a_code_that_an_item_has_left_leads_to_its_new_one(catalogue):
    catalogue.catalogue.item.item_id = "新-1"
    reply = await catalogue.http.get("/items/a")
    assert (reply.status_code, reply.headers["location"]) == (301, "/items/%E6%96%B0-1")


@pytest.mark.rule("I-7")
async def test_a_suspended_item_is_shown_with_the_reason(catalogue):
    catalogue.catalogue.item.state = catalogue_pb2.ITEM_STATE_SUSPENDED
    catalogue.catalogue.item.state_reason = "系统升级"
    text, _ = await opened(catalogue, "/items/a")
    assert "暂停受理，原因：系统升级" in text


@pytest.mark.rule("I-8")
async def test_versions_say_in_chinese_what_each_changed(catalogue):
    changed = [
        {"field": "promise_day", "before": "5", "after": "3"},
        {"field": "materials", "before": "", "after": '[{"name":"申请书 <b>","is_need":"1"}]'},
        {"field": "alias", "before": '["旧名"]', "after": ""},
    ]
    catalogue.catalogue.versions = [
        catalogue_pb2.ItemVersion(version=2, state=1, differences=changed),
        catalogue_pb2.ItemVersion(version=1, state=1),
    ]
    text, page = await opened(catalogue, "/items/a/versions")
    for words in ("承诺办结时限", "材料名称", "申请书 &lt;b&gt;", "旧名", "（无）", "首次发布"):
        assert words in text
    assert "/items/a?version=1" in page.links
    assert "/items/a/versions?page_token=next" in page.links
    assert page.headings.count(1) == 1


@pytest.mark.rule("I-23")
async def test_an_item_says_that_it_will_change_and_its_versions_say_how(catalogue):
    text, page = await opened(catalogue, "/items/a")
    assert "按新的内容办理" not in text
    catalogue.catalogue.scheduled = catalogue_pb2.Item(plan_effective_date="2027-01-01")
    changed = {"field": "promise_day", "before": "5", "after": "3"}
    catalogue.catalogue.coming = catalogue_pb2.ItemVersion(version=2, differences=[changed])
    catalogue.catalogue.versions = [catalogue_pb2.ItemVersion(version=1, state=1)]
    text, page = await opened(catalogue, "/items/a")
    assert "自2027年1月1日起按新的内容办理" in text.replace(" ", "")
    assert "/items/a/versions" in page.links
    text, page = await opened(catalogue, "/items/a/versions")
    assert "预定的修订" in text
    assert text.index("承诺办结时限") < text.index("第 1 版")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//elsewhere", ""])
async def test_an_address_that_is_not_of_the_web_is_no_link(catalogue, url):
    catalogue.catalogue.item.is_online = True
    catalogue.catalogue.item.online_handle_url = url
    _, page = await opened(catalogue, "/items/a")
    assert all(link.startswith(("/", "#", "tel:")) for link in page.links)
    assert not any(link.startswith("//") for link in page.links)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2026-11-24T11:00Z", "11月24日（今天）19:00"),
        ("2026-11-24T17:00Z", "11月25日（明天）01:00"),
        ("2026-11-23T11:00Z", "11月23日（昨天）19:00"),
        ("2026-11-26T11:00Z", "11月26日（后天）19:00"),
        ("2026-11-29T11:00Z", "11月29日（周日）19:00"),
        ("2027-01-01T11:00Z", "2027年1月1日（周五）19:00"),
    ],
)
def test_a_time_is_said_as_people_in_beijing_say_it(moment, said):
    now = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
    assert near(datetime.fromisoformat(moment), now) == said
