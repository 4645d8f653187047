"""Signing in by pages: sessions in cookies, forms of our own only, nothing secret said again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from zhengtong.identity.v1 import identity_service_pb2 as pb

from services.common.errors import Exhausted, Unavailable
from services.identity import domain
from tests.contract import gateway_house
from tests.contract.identity_house import (
    PASSWORD,
    PERSON,
    identity_house,
    token_in,
)
from tests.contract.test_onestop_portal import Page

ALMOST_OVER = timedelta(seconds=30)


@pytest.fixture
async def house(tmp_path):
    async with identity_house(tmp_path) as house:
        yield house


async def test_whoever_signs_in_is_known_by_name_on_every_page_until_they_leave(house):
    reply = await house.sign_in()
    assert (reply.status_code, reply.headers["location"]) == (303, "/account")
    assert reply.headers["cache-control"] == "no-store"
    for path in ("/account", "/privacy"):
        assert "李雷" in await house.open(path)
    gone = await house.send("/account", "/sign-out")
    assert (gone.status_code, gone.headers["location"]) == (303, "/sign-in?said=out")
    assert "您已退出登录" in await house.open("/sign-in?said=out")
    assert house.identity.sessions == {}
    assert (await house.http.get("/account")).headers["location"] == "/sign-in?next=%2Faccount"


async def test_cookies_are_for_this_site_and_not_for_scripts(house):
    given = (await house.sign_in()).headers.get_list("set-cookie")
    assert len(given) == 2
    assert all("HttpOnly" in one and "SameSite=" in one and "Path=/" in one for one in given)


@pytest.mark.parametrize(
    "path", ["/sign-in", "/register", "/privacy", "/sign-in?said=out", "/sign-in?said=<b>"]
)
async def test_pages_for_strangers_are_whole_and_labelled(house, path):
    reply = await house.http.get(path)
    page = Page(reply.text)
    assert page.headings.count(1) == 1
    assert "script-src 'self';" in reply.headers["content-security-policy"]
    assert "no-store" in reply.headers["cache-control"]
    shown = {a["id"] for tag, a in page.tags if tag == "input" and a.get("type") != "hidden"}
    assert shown <= page.labels
    assert "<b>" not in reply.text


async def test_a_wrong_password_is_told_and_never_said_again(house):
    reply = await house.sign_in(password="not-the-Pass-word")
    assert reply.status_code == 401
    assert "登录名或密码不正确" in reply.text
    assert "not-the-Pass-word" not in reply.text
    assert 'value="li.lei"' in reply.text
    assert "www-authenticate" not in reply.headers
    assert reply.headers["cache-control"] == "no-store"


async def test_who_guesses_is_told_when_to_try_again(house):
    house.identity.errors["SignIn"] = domain.TriesSlowed(timedelta(seconds=64))
    reply = await house.sign_in()
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "64")
    assert "64 秒后再试" in reply.text


async def test_empty_fields_are_told_by_name(house):
    reply = await house.send("/sign-in", "/sign-in", login="", password="")
    assert reply.status_code == 400
    assert reply.text.count("请填写。") == 2
    assert 'aria-invalid="true"' in reply.text


async def test_identity_is_told_the_address_that_signs_in(house):
    await house.sign_in()
    at = house.identity.asked.index(house.identity.calls(pb.SignInRequest)[0])
    assert house.identity.callers[at].address == "127.0.0.1"


@pytest.mark.parametrize(
    ("asked", "led_to"),
    [
        ("/account/mandates", "/account/mandates"),
        ("/?q=食品", "/?q=%E9%A3%9F%E5%93%81"),
        ("//evil.test", "/account"),
        ("/\\evil.test", "/account"),
        ("\\/evil.test", "/account"),
        ("https://evil.test/", "/account"),
        ("javascript:alert(1)", "/account"),
        ("/a\\b", "/account"),
        ("/\u2028/evil.test", "/account"),
        ("evil.test", "/account"),
        ("/sign-in?next=/", "/account"),
        ("/" + "a" * 499, "/" + "a" * 499),
    ],
)
async def test_sign_in_leads_to_pages_of_our_own_only(house, asked, led_to):
    reply = await house.sign_in(asked)
    assert reply.headers["location"] == led_to


@pytest.mark.parametrize("cut", ["/\tevil", "/\n/evil", "/\r\nset-cookie: a=b", "/\x00"])
async def test_control_characters_lead_nowhere(house, cut):
    reply = await house.sign_in(cut)
    assert "evil" not in reply.headers.get("location", "")
    assert "a=b" not in str(reply.headers)


async def test_a_form_of_another_browser_or_site_is_refused(house):
    token = token_in(await house.open("/sign-in"))
    fields = {"login": "li.lei", "password": PASSWORD, "next": ""}
    for form_token, headers in (
        ("x" * 86, {}),
        (token, {"sec-fetch-site": "cross-site"}),
        (token, {"origin": "https://evil.test"}),
    ):
        reply = await house.http.post(
            "/sign-in", data={**fields, "form_token": form_token}, headers=headers
        )
        assert reply.status_code == 403
    house.http.cookies.clear()
    reply = await house.http.post("/sign-in", data={**fields, "form_token": token})
    assert reply.status_code == 403
    assert (await house.http.post("/sign-in", data=fields)).status_code == 403
    assert house.identity.calls(pb.SignInRequest) == []


@pytest.mark.parametrize(
    "path",
    [
        "/sign-out",
        "/account/password",
        "/account/sessions/end",
        "/account/act",
        "/account/mandates/grant",
        "/account/mandates/end",
    ],
)
async def test_every_form_of_the_signed_in_is_guarded(house, path):
    strangers = token_in(await house.open("/sign-in"))
    await house.sign_in()
    before = len(house.identity.asked)
    for data in ({"a": "b"}, {"form_token": "x" * 86}, {"form_token": strangers}):
        assert (await house.http.post(path, data=data)).status_code in (400, 403)
    asked = house.identity.asked[before:]
    assert {type(one).__name__ for one in asked} <= {
        "GetMyAccountRequest",
        "ListMySessionsRequest",
    }


async def test_a_session_is_renewed_before_its_token_is_over(house):
    house.identity.access = ALMOST_OVER
    await house.sign_in()
    house.identity.access = domain.sessions.ACCESS
    await house.open("/privacy")
    assert house.identity.sessions["s1"].generation == 2
    await house.open("/account")
    assert house.identity.sessions["s1"].generation == 2


async def test_a_form_stays_good_when_tokens_change(house):
    await house.sign_in()
    token = token_in(await house.open("/account"))
    house.http.cookies.delete("zt_session")
    await house.open("/account")
    assert house.identity.sessions["s1"].generation == 2
    reply = await house.http.post("/sign-out", data={"form_token": token})
    assert reply.headers["location"] == "/sign-in?said=out"


async def test_a_renewed_session_reaches_the_browser_with_an_error_page_too(house):
    house.identity.access = ALMOST_OVER
    await house.sign_in()
    house.identity.access = domain.sessions.ACCESS
    reply = await house.http.get("/no-such-page")
    assert reply.status_code == 404
    assert "李雷" in reply.text
    assert len(reply.headers.get_list("set-cookie")) == 2


async def test_a_replayed_session_is_signed_out_with_a_friendly_note(house):
    house.identity.access = ALMOST_OVER
    await house.sign_in()
    stolen = house.http.cookies["zt_refresh"]
    session = house.identity.sessions["s1"]
    late = session.renew_time - timedelta(minutes=1)
    house.identity.sessions["s1"] = replace(session, generation=3, renew_time=late)
    assert stolen.startswith("s1.1.")
    text = await house.open("/privacy")
    assert "登录已失效" in text
    assert "李雷" not in text
    assert "zt_refresh" not in house.http.cookies
    assert house.identity.sessions == {}


async def test_an_outage_of_identity_signs_nobody_out(house):
    house.identity.access = ALMOST_OVER
    await house.sign_in()
    house.identity.errors["RenewSession"] = Unavailable("暂不可用")
    assert "李雷" in await house.open("/privacy")
    house.http.cookies.delete("zt_session")
    assert (await house.http.get("/account")).status_code == 503
    house.identity.errors.clear()
    await house.open("/account")


async def test_who_comes_by_a_link_from_elsewhere_goes_on_with_one_click(house):
    house.identity.access = timedelta(seconds=-10)
    await house.sign_in()
    house.identity.access = domain.sessions.ACCESS
    # A Strict cookie does not come along.
    refresh = house.http.cookies.pop("zt_refresh", None) or house.http.cookies["zt_refresh"]
    text = await house.open("/account", **{"sec-fetch-site": "cross-site"})
    assert 'href="/account"' in text
    assert "继续" in text
    assert refresh


async def test_the_api_never_looks_at_cookies(house):
    await house.sign_in()
    reply = await house.http.get("/api/v1/account")
    assert reply.status_code == 401
    assert "set-cookie" not in reply.headers
    assert "李雷" not in (await house.http.get("/api/docs")).text


async def test_pages_never_look_at_bearer_tokens(house):
    await house.sign_in()
    token = house.http.cookies["zt_session"]
    house.http.cookies.clear()
    reply = await house.http.get("/account", headers={"authorization": f"Bearer {token}"})
    assert reply.status_code == 303


async def test_what_a_cookie_says_is_believed_only_if_identity_signed_it(house):
    await house.sign_in()
    head, body, signature = house.http.cookies["zt_session"].split(".")
    house.http.cookies.clear()
    for forged in (f"{head}.{body}.{signature[:-4]}AAAA", f"{head}.{body}.", "a.b.c", "x"):
        reply = await house.http.get("/account", headers={"cookie": f"zt_session={forged}"})
        assert reply.status_code == 303, forged


async def test_an_old_cookie_harms_nobody_where_there_is_no_identity(tmp_path):
    async with gateway_house.house(tmp_path) as house:
        house.identity.away = True
        for cookie in ("zt_session=a.b.c", "zt_refresh=s1.1.x", "zt_session=a.b.c; zt_refresh=x"):
            reply = await house.ask("GET", "/privacy", headers={"cookie": cookie})
            assert reply.status_code == 200
            assert "登录</a>" in reply.text


async def test_a_password_that_somebody_else_set_is_changed_first(house):
    house.identity.account = replace(PERSON, password_expired=True)
    reply = await house.sign_in("/account/mandates")
    assert reply.headers["location"] == "/account/password"
    for path in ("/account", "/account/mandates"):
        assert (await house.http.get(path)).headers["location"] == "/account/password"
    assert "请先设置一个只有您自己知道的密码" in await house.open("/account/password")
    house.identity.account = PERSON
    fields = {"password": PASSWORD, "new_password": "n3w-own-secret", "again": "n3w-own-secret"}
    reply = await house.send("/account/password", "/account/password", **fields)
    assert reply.headers["location"] == "/account?said=password"
    assert "密码已修改" in await house.open("/account?said=password")


async def test_two_different_new_passwords_are_refused_and_not_said_again(house):
    await house.sign_in()
    fields = {"password": PASSWORD, "new_password": "n3w-own-secret", "again": "n3w-0wn-secret"}
    reply = await house.send("/account/password", "/account/password", **fields)
    assert reply.status_code == 400
    assert "两次输入的新密码不一致" in reply.text
    assert not any(secret in reply.text for secret in fields.values())
    assert house.identity.calls(pb.ChangePasswordRequest) == []


async def test_too_many_requests_are_told_by_the_same_page(house):
    house.identity.errors["SignIn"] = Exhausted("请求过多")
    reply = await house.sign_in()
    assert reply.status_code == 429
    assert int(reply.headers["retry-after"]) >= 1
    assert 'name="password"' in reply.text


async def test_demo_accounts_are_told_of_where_they_exist_only(tmp_path, house):
    assert "演示账户" not in await house.open("/sign-in")
    (tmp_path / "demo").mkdir()
    async with identity_house(tmp_path / "demo", demo=True) as other:
        text = await other.open("/sign-in")
        assert "Demo-credit-officer-2026" in text
        assert text.count("密码 <code>") == 12


async def test_another_site_signs_nobody_out(house):
    await house.sign_in()
    cookies = dict(house.http.cookies)
    house.http.cookies.clear()  # a browser sends none along from another site
    foreign = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    reply = await house.http.post("/sign-out", data={}, headers=foreign)
    assert "set-cookie" not in reply.headers
    house.http.cookies.update(cookies)
    assert "李雷" in await house.open("/account")
