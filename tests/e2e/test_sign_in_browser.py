"""Signing in as people meet it: a real browser, wide and narrow, with and without JavaScript."""

from __future__ import annotations

import json
import os
import uuid
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.async_api import async_playwright

from gateway.portal.demo import ACCOUNTS
from gateway.portal.writing import BEIJING
from infra.local.stack import Stack
from services.common.identifiers import resident_id_problem
from tests.e2e.browsing import CHROMIUM, OPTIONS
from tests.e2e.city import START_SECONDS, UNLIMITED, City, item, titles
from tests.e2e.visitor import DESKTOP, SCREENS, visiting

DEPARTMENT = "11530000000000019N"
PROVINCE = "530000000000"
PERSON, EDITOR, REVIEWER, LEADER = (
    next(one for one in ACCOUNTS if one.role == role)
    for role in ("person", "item_editor", "publication_reviewer", "list_publisher")
)
OWN = "a-Very-0wn-pass"
DAY = date(2026, 11, 23)
PICTURES = os.environ.get("ZHENGTONG_PICTURES", "")


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A platform to try things out on, with accounts of every kind."""
    env = UNLIMITED | {"ZHENGTONG_DEMO": "1"}
    stack = Stack(tmp_path_factory.mktemp("signing"), sample=True, env=env)
    stack.start(START_SECONDS)
    running = City(stack)
    yield running
    running.close()
    stack.stop()


@pytest.fixture(scope="module")
async def browser():
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield running
        await running.close()


@pytest.fixture(params=["desktop", "phone", "phone without JavaScript"])
async def visitor(request, browser, city):
    screen = SCREENS[request.param.split()[0]]
    async with visiting(browser, city, screen, script="without" not in request.param) as person:
        person.screen = request.param.split()[0]
        yield person


async def picture(visitor, name):
    if PICTURES:
        path = Path(PICTURES) / f"{name}-{visitor.screen}.png"
        await visitor.page.screenshot(path=path, full_page=True)


async def press(visitor, name, within=None):
    await (within or visitor.page).get_by_role("button", name=name).click()
    await visitor.page.wait_for_load_state()
    await visitor.look()


async def fill(visitor, **fields):
    for name, text in fields.items():
        await visitor.page.locator(f"#{name}").fill(text)


async def sign_in(visitor, login, password):
    await visitor.open("/sign-in")
    await fill(visitor, login=login, password=password)
    await press(visitor, "登录")


def administrator(city):
    """An account whose password was set by the command line."""
    login = f"chief.{uuid.uuid4().hex[:6]}"
    done = city.zhengtong(
        *("account", "administrator", "--login", login, "--name", "赵管理"),
        *("--department", DEPARTMENT, "--region", PROVINCE, "--json"),
    )
    assert done.code == 0, done.err
    return login, done.json["password"]


async def test_from_the_first_password_to_signing_out(visitor, city):
    login, password = administrator(city)
    await visitor.open("/sign-in")
    await picture(visitor, "sign-in")
    await fill(visitor, login=login, password="not-the-right-one")
    await press(visitor, "登录")
    assert "登录名或密码不正确" in await visitor.read()
    await picture(visitor, "refused")
    await fill(visitor, password=password)
    await press(visitor, "登录")
    assert "请先设置一个只有您自己知道的密码" in await visitor.read()
    await picture(visitor, "password")
    own = f"Own-{uuid.uuid4().hex[:12]}"
    await fill(visitor, password=password, new_password=own, again=own)
    await press(visitor, "修改密码")
    text = await visitor.read()
    assert "密码已修改" in text
    assert "系统管理员" in text
    assert "本设备" in text
    await picture(visitor, "account")
    await visitor.open("/")
    await visitor.page.get_by_role("link", name="赵管理").wait_for()
    await picture(visitor, "home")
    await press(visitor, "退出")
    assert "您已退出登录" in await visitor.read()
    await visitor.open("/account")
    assert visitor.page.url.endswith("/sign-in?next=%2Faccount")
    await fill(visitor, login=login, password=own)
    await press(visitor, "登录")
    assert visitor.page.url.endswith("/account")


async def test_a_representative_acts_for_an_enterprise_and_sees_its_mandates(visitor):
    await sign_in(visitor, PERSON.login, PERSON.password)
    await press(visitor, "办事")
    assert "您正代表" in await visitor.read()
    await picture(visitor, "acting")
    await visitor.open("/account/mandates")
    await press(visitor, "切换为本人")
    assert "您正代表" not in await visitor.read()
    await visitor.follow(visitor.link("管理企业授权"))
    assert "有效的授权" in await visitor.read()
    await picture(visitor, "mandates")
    await press(visitor, "退出", visitor.page.locator(".leave"))


async def test_an_agent_sees_what_the_representative_let_them_until_it_is_taken_back(visitor):
    login = await register(visitor)
    await sign_in(visitor, PERSON.login, PERSON.password)
    await visitor.open("/account/mandates")
    await fill(visitor, agent_login=login, expire_date=datetime.now(BEIJING).date().isoformat())
    await visitor.page.get_by_label("查看企业的授权").check()
    await press(visitor, "授权")
    assert "授权已生效" in await visitor.read()
    await picture(visitor, "granted")
    await press(visitor, "退出", visitor.page.locator(".leave"))
    await sign_in(visitor, login, OWN)
    await press(visitor, "办事")
    await visitor.follow(visitor.link("查看企业授权"))
    text = await visitor.read()
    assert PERSON.login in text
    assert await visitor.page.get_by_role("button", name="收回").count() == 0
    await picture(visitor, "agent")
    await press(visitor, "退出", visitor.page.locator(".leave"))
    await sign_in(visitor, PERSON.login, PERSON.password)
    await visitor.open("/account/mandates")
    await press(visitor, f"收回给 {login} 的授权")
    assert login not in await visitor.read()
    await press(visitor, "退出", visitor.page.locator(".leave"))
    await sign_in(visitor, login, OWN)
    assert "代表该企业办事" not in await visitor.read()


async def register(visitor):
    """A new person's account; its login."""
    login = f"han.{uuid.uuid4().hex[:8]}"
    await visitor.open("/register")
    await picture(visitor, "register")
    await fill(
        visitor,
        name="韩梅梅",
        identity_number=new_number(),
        login=login,
        password=OWN,
        again=OWN,
    )
    await visitor.page.get_by_label("我已阅读并同意").check()
    await press(visitor, "注册")
    assert "账户已开立" in await visitor.read()
    return login


async def test_a_person_registers_and_signs_in(visitor):
    login = await register(visitor)
    await sign_in(visitor, login, OWN)
    assert "韩梅梅" in await visitor.read()


async def test_the_keyboard_is_enough(visitor):
    await visitor.open("/sign-in")
    await visitor.page.locator("#login").focus()
    await visitor.page.keyboard.type(PERSON.login)
    await visitor.page.keyboard.press("Tab")
    await visitor.page.keyboard.type(PERSON.password)
    await visitor.page.keyboard.press("Enter")
    await visitor.page.wait_for_url("**/account")
    await visitor.look()
    assert PERSON.login in await visitor.read()


async def test_the_privacy_page_is_one_link_away(visitor):
    await visitor.open("/register")
    await visitor.follow(visitor.page.locator("main").get_by_role("link", name="个人信息处理说明"))
    assert "第十七条" in await visitor.read()
    await picture(visitor, "privacy")


def submitted(city):
    """A new item that the editor wants public; its name and code."""
    login = {"login": EDITOR.login, "password": EDITOR.password}
    ticket = city.http.post("/api/v1/sessions:signIn", json=login).json()["ticket"]
    headers = {"authorization": f"Bearer {ticket['access_token']}"}
    mine = city.http.get("/api/v1/account", headers=headers).json()["account"]
    code = f"R-{uuid.uuid4().hex[:8]}"
    about = {"dept_code": mine["dept_code"], "region_code": mine["region_code"]}
    body = {"item": item(f"劳务派遣经营许可 {code}", code) | about}
    answer = city.http.post("/api/v1/items:publish", json=body, headers=headers).json()
    assert answer["submission"]["state"] == "SUBMISSION_STATE_PENDING"
    return body["item"]["task_name"], code


async def test_what_an_editor_submits_is_public_once_a_reviewer_agrees(visitor, city):
    title, code = submitted(city)
    await visitor.open(f"/items/{code}", 404)
    await sign_in(visitor, REVIEWER.login, REVIEWER.password)
    assert "项待审查" in await visitor.read()
    await picture(visitor, "reviewer")
    await visitor.follow(visitor.link("查看全部送审"))
    await picture(visitor, "reviews")
    await visitor.follow(visitor.link(title))
    assert "实施主体" in await visitor.read()
    await picture(visitor, "submission")
    await press(visitor, "不同意")
    assert "请写明不同意公开的理由" in await visitor.read()
    await picture(visitor, "unreasoned")
    await press(visitor, "同意公开")
    assert "已同意公开" in await visitor.read()
    await visitor.open(f"/items/{code}")
    await visitor.open("/account")
    await press(visitor, "退出", visitor.page.locator(".leave"))


async def test_an_editor_sees_what_a_file_would_do_and_submits_that_file(visitor, tmp_path):
    code = f"I-{uuid.uuid4().hex[:8]}"
    row = item(f"劳务派遣经营许可 {code}", code)
    good = row | {"dept_code": DEPARTMENT, "region_code": PROVINCE}
    bad = good | {"local_task_code": f"{code}-2", "promise_day": "多日"}
    chosen, other = tmp_path / "a.json", tmp_path / "b.json"
    chosen.write_text(json.dumps([good, bad], ensure_ascii=False))
    other.write_text(json.dumps([good], ensure_ascii=False))
    await sign_in(visitor, EDITOR.login, EDITOR.password)
    await visitor.follow(visitor.link("导入事项"))
    await visitor.page.set_input_files("#file", chosen)
    await press(visitor, "预览")
    assert "承诺办结时限" in await visitor.read()
    await picture(visitor, "import-preview")
    await visitor.page.set_input_files("#file", other)
    await press(visitor, "确认导入")
    assert "与预览的不是同一个文件" in await visitor.read()
    await visitor.page.set_input_files("#file", chosen)
    await press(visitor, "预览")
    await visitor.page.set_input_files("#file", chosen)
    await press(visitor, "确认导入")
    assert "已送审，等待审查" in await visitor.read()
    await visitor.follow(visitor.link("查看送审内容"))
    assert code in await visitor.read()
    await visitor.open("/desk/quality")
    await visitor.open("/account")
    await press(visitor, "退出", visitor.page.locator(".leave"))


async def test_the_leading_body_sees_what_a_synonym_changes_and_saves_it(visitor, city):
    word, official = f"蓝莓{uuid.uuid4().hex[:4]}", "食品经营许可"
    await sign_in(visitor, LEADER.login, LEADER.password)
    await visitor.follow(visitor.link("同义词"))
    await picture(visitor, "synonyms")
    await visitor.follow(visitor.page.locator("aside.facets li a").first)
    await press(visitor, "预览")
    await picture(visitor, "synonyms-suggested")
    await visitor.open("/desk/synonyms?new=1")
    await fill(visitor, name=word, words=f"{word}\n{official}", note="窗口常听到的说法")
    await press(visitor, "预览")
    assert "原来查不到，修改后查得到" in await visitor.read()
    await picture(visitor, "synonyms-preview")
    await press(visitor, "保存")
    assert "词组已保存" in await visitor.read()
    await picture(visitor, "synonyms-saved")
    city.until(lambda: city.query(word)["groups"], "按同义词查到", 30)
    await press(visitor, "删去")
    assert "修改已撤销" in await visitor.read()
    await visitor.open("/account")
    await press(visitor, "退出", visitor.page.locator(".leave"))


@pytest.mark.rule("I-28")
async def test_what_three_asked_for_in_vain_is_listed_and_settled_with_an_item(browser, city):
    wanted = "滑翔伞"
    for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
        assert asked_from(city, host, wanted)["groups"] == []
    async with visiting(browser, city, DESKTOP) as officer:
        await sign_in(officer, LEADER.login, LEADER.password)
        await officer.follow(officer.link("目录缺口"))
        gap = officer.page.locator("section.card").filter(has_text=wanted)
        for _ in range(60):  # the gateway reports every five seconds
            if await gap.count():
                break
            await officer.page.wait_for_timeout(500)
            await officer.open("/desk/gaps?open=1")
        assert "3 次" in await gap.text_content()
        item_id = city.publish(f"{wanted}活动审批")["item_id"]
        await gap.get_by_text("填写处理结果").click()
        await gap.get_by_label("已新增事项").check()
        await gap.get_by_label("事项编码").fill(item_id)
        await press(officer, "保存", gap)
        assert "处理结果已保存" in await officer.read()
        await officer.open("/desk/gaps")
        assert "已新增事项" in await gap.text_content()
        assert await gap.get_by_role("link", name=item_id).count() == 1
        await officer.page.get_by_label("仅未处理").check()
        await press(officer, "查看")
        assert "open=1" in officer.page.url
        assert await gap.count() == 0
    city.until(lambda: f"{wanted}活动审批" in titles(city.query(wanted)), "the item", 30)


def asked_from(city, host, text):
    """The answer to somebody at another address of this machine."""
    transport = httpx.HTTPTransport(local_address=host)
    with httpx.Client(base_url=city.stack.base_url, transport=transport, timeout=30) as asker:
        answer = asker.get("/api/v1/query", params={"q": text})
        assert answer.status_code == 200, answer.text
        return answer.json()


def new_number() -> str:
    """A well-formed 公民身份号码 of nobody, another one each time."""
    while True:
        days, order = divmod(uuid.uuid4().int % 10**7, 1000)
        born = date(1950, 1, 1) + timedelta(days)
        head = f"110101{born:%Y%m%d}{order:03d}"
        for last in "0123456789X":
            if not resident_id_problem(head + last, DAY):
                return head + last
