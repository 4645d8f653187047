"""Signing in with an outside provider, and all that must not get anybody in."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.responses import Response
from zhengtong.identity.v1 import identity_service_pb2 as pb

from gateway.outbound.addresses import VARIABLE as ALLOW
from gateway.standards import oidc_settings as names
from gateway.standards.oidc import CALLBACK, is_safe
from gateway.standards.oidc_settings import OidcSettings
from services.common.settings import SettingMissing
from services.identity import domain
from tests.contract.identity_house import identity_house
from tests.contract.provider import CLIENT, SECRET, SUBJECT, providing

HOME = "http://localhost"


@pytest.fixture(scope="module")
def running():
    with providing() as provider:
        yield provider


@pytest.fixture
def provider(running):
    """As it should be, whatever a test before told it."""
    running.claims, running.sign, running.discovery, running.answer = {}, None, {}, None
    running.codes.clear()
    running.looks.clear()
    return running


@pytest.fixture
async def house(tmp_path, provider, monkeypatch):
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    monkeypatch.setenv(names.ISSUER, provider.issuer)
    monkeypatch.setenv(names.CLIENT_ID, CLIENT)
    monkeypatch.setenv(names.SECRET_FILE, str(secret))
    monkeypatch.setenv(names.NAME, "云南省统一身份认证")
    monkeypatch.setenv(ALLOW, urlsplit(provider.issuer).netloc)
    async with identity_house(tmp_path, public_url=HOME) as house:
        yield house


async def started(house, onward=""):
    """What the provider is asked for."""
    reply = await house.http.get("/sign-in/outside", params={"next": onward})
    assert reply.status_code == 303, reply.text
    asked = parse_qs(urlsplit(reply.headers["location"]).query)
    return {name: one[0] for name, one in asked.items()}


async def came_back(house, **answer):
    return await house.http.get(CALLBACK, params=answer)


async def through(house, provider, onward=""):
    asked = await started(house, onward)
    return await came_back(house, code=provider.approve(asked), state=asked["state"])


async def test_whom_the_provider_vouches_for_is_signed_in(house, provider):
    assert "使用云南省统一身份认证登录" in await house.open("/sign-in")
    reply = await through(house, provider, "/account/mandates")
    assert (reply.status_code, reply.headers["location"]) == (303, "/account/mandates")
    assert "李雷" in await house.open("/privacy")
    (asked,) = house.identity.calls(pb.SignInOutsideRequest)
    assert (asked.issuer, asked.subject, asked.name) == (provider.issuer, SUBJECT, "韩梅梅")
    assert (asked.phone, asked.identity_number) == ("13800138000", "11010519491231002X")
    assert asked.address == "127.0.0.1"
    at = house.identity.asked.index(asked)
    assert (house.identity.callers[at].kind, house.identity.callers[at].principal) == (
        "service",
        "gateway",
    )


async def test_the_provider_is_asked_by_code_with_pkce_state_and_nonce(house):
    asked = await started(house)
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == HOME + CALLBACK
    assert "openid" in asked["scope"].split()
    again = await started(house)
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) >= 43
        assert asked[name] != again[name]


async def test_the_cookie_of_a_sign_in_under_way_is_short_lived_and_not_for_scripts(house):
    reply = await house.http.get("/sign-in/outside")
    (given,) = reply.headers.get_list("set-cookie")
    assert "HttpOnly" in given
    assert "SameSite=Lax" in given
    assert "Max-Age=600" in given
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("onward", ["//evil.test", "https://evil.test", "/\\evil.test"])
async def test_nobody_is_led_to_another_site(house, provider, onward):
    reply = await through(house, provider, onward)
    assert reply.headers["location"] == "/account"


def refusal(house, reply):
    """The status, where nobody got in and the page says what to do; else what is not so."""
    holds = {
        "the way back": "返回登录页" in reply.text,
        "no-store": "no-store" in reply.headers["cache-control"],
        "identity was not asked": house.identity.calls(pb.SignInOutsideRequest) == [],
        "no session": "zt_session" not in house.http.cookies,
    }
    return reply.status_code if all(holds.values()) else holds


async def test_another_state_is_refused(house, provider):
    asked = await started(house)
    code = provider.approve(asked)
    assert refusal(house, await came_back(house, code=code, state="x" * 43)) == 400


async def test_a_state_of_another_browser_is_refused(house, provider):
    theirs = await started(house)
    house.http.cookies.clear()
    await started(house)
    code = provider.approve(theirs)
    assert refusal(house, await came_back(house, code=code, state=theirs["state"])) == 400


async def test_without_its_cookie_nobody_comes_back(house, provider):
    asked = await started(house)
    house.http.cookies.clear()
    code = provider.approve(asked)
    assert refusal(house, await came_back(house, code=code, state=asked["state"])) == 400


@pytest.mark.parametrize("word", ["1.a.b", "x", "9999999999.a.b", "..", "-1..", "1_0.a.b"])
async def test_a_cookie_of_somebodys_own_making_is_refused(house, word):
    headers = {"cookie": f"zt_outside={word}"}
    reply = await house.http.get(CALLBACK, params={"code": "c", "state": "s"}, headers=headers)
    assert refusal(house, reply) == 400


async def test_a_sign_in_that_took_too_long_is_refused(house, provider, monkeypatch):
    asked = await started(house)
    # The cookie is over by then; whoever kept it gets no further.
    monkeypatch.setattr("gateway.standards.oidc.UNDER_WAY", -5)
    reply = await came_back(house, code=provider.approve(asked), state=asked["state"])
    assert refusal(house, reply) == 400


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": [CLIENT, "another-client"]},
        {"aud": [CLIENT, "another-client"], "azp": "another-client"},
        {"aud": None},
        {"azp": "another-client"},
        {"iss": "http://evil.test"},
        {"iss": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"exp": True},
        {"exp": "9999999999"},
        {"iat": 9_999_999_999},
        {"sub": ""},
        {"sub": 7},
        {"sub": None},
        {"sub": "s" * 256},
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_this_sign_in_is_refused(house, provider, claims):
    provider.claims = claims
    assert refusal(house, await through(house, provider)) == 401


@pytest.mark.parametrize("way", ["unsigned", "by_public_key", "by_another_key", "with_own_key"])
async def test_a_token_that_the_provider_did_not_sign_is_refused(house, provider, way):
    provider.sign = getattr(provider, way)
    assert refusal(house, await through(house, provider)) == 401


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "." * 3, "é.é.é", None, 7, "a" * 20_000])
async def test_what_is_no_token_is_refused(house, provider, token):
    provider.sign = lambda claims: token
    assert refusal(house, await through(house, provider)) == 401


async def test_a_code_is_good_once(house, provider):
    asked = await started(house)
    kept = house.http.cookies["zt_outside"]
    code = provider.approve(asked)
    assert (await came_back(house, code=code, state=asked["state"])).status_code == 303
    assert (await came_back(house, code=code, state=asked["state"])).status_code == 400
    reply = await house.http.get(
        CALLBACK,
        params={"code": code, "state": asked["state"]},
        headers={"cookie": f"zt_outside={kept}"},
    )
    assert reply.status_code == 403
    assert len(house.identity.calls(pb.SignInOutsideRequest)) == 1


async def test_a_code_that_somebody_else_was_given_is_refused(house, provider):
    theirs = await started(house)
    code = provider.approve(theirs)
    house.http.cookies.clear()
    mine = await started(house)
    assert refusal(house, await came_back(house, code=code, state=mine["state"])) == 403


async def test_an_answer_in_the_name_of_another_provider_is_refused(house, provider):
    asked = await started(house)
    code = provider.approve(asked)
    reply = await came_back(house, code=code, state=asked["state"], iss="https://evil.test")
    assert refusal(house, reply) == 401


@pytest.mark.parametrize(
    ("error", "words"), [("access_denied", "您取消了登录"), ("server_error", "对方没有完成登录")]
)
async def test_who_gives_up_or_is_turned_away_is_told_so(house, error, words):
    asked = await started(house)
    reply = await came_back(house, error=error, state=asked["state"], error_description="<b>x")
    assert refusal(house, reply) == 403
    assert words in reply.text
    assert "<b>" not in reply.text
    assert "zt_outside" not in house.http.cookies


async def test_a_provider_that_is_down_is_named_so(house, provider):
    asked = await started(house)
    provider.answer = Response("busy", 500)
    reply = await came_back(house, code=provider.approve(asked), state=asked["state"])
    assert refusal(house, reply) == 503
    assert "暂时没有应答" in reply.text


async def test_a_provider_that_nobody_can_reach_is_named_so(tmp_path, monkeypatch):
    monkeypatch.setenv(names.ISSUER, "http://127.0.0.1:1")
    monkeypatch.setenv(names.CLIENT_ID, CLIENT)
    monkeypatch.setenv(ALLOW, "127.0.0.1:1")
    async with identity_house(tmp_path, public_url=HOME) as house:
        reply = await house.http.get("/sign-in/outside")
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
        assert "暂时没有应答" in reply.text


async def test_people_do_not_wait_one_after_the_other_for_a_provider_that_is_down(
    house, provider, monkeypatch
):
    provider.discovery = {"issuer": "http://evil.test"}
    replies = await asyncio.gather(*(house.http.get("/sign-in/outside") for _ in range(10)))
    assert {reply.status_code for reply in replies} == {401}
    assert provider.looks == ["discovery"]
    provider.discovery = {}
    monkeypatch.setattr("gateway.standards.oidc.AGAIN_SECONDS", 0.0)
    await started(house)


async def test_the_usual_authorities_are_read_once(house, monkeypatch):
    await started(house)
    read = []
    monkeypatch.setattr("httpx.create_ssl_context", lambda **_: read.append(1))
    for _ in range(3):
        await started(house)
    assert read == []


@pytest.mark.parametrize(
    ("said", "passed"),
    [
        ("+86 138-0013-8000", "13800138000"),
        ("+85291234567", ""),
        ("010-62770000", ""),
        ("138001380001", ""),
        (7, ""),
    ],
)
async def test_a_phone_that_is_no_mobile_of_here_keeps_nobody_out(house, provider, said, passed):
    provider.claims = {"phone_number": said}
    assert (await through(house, provider)).status_code == 303
    assert house.identity.calls(pb.SignInOutsideRequest)[-1].phone == passed


async def test_an_address_inside_is_not_asked_unless_it_is_allowed(house, provider, monkeypatch):
    monkeypatch.setattr("gateway.outbound.addresses.Allowed.opens", lambda *_: False)
    monkeypatch.setattr("gateway.outbound.addresses.Allowed.names", lambda *_: False)
    reply = await house.http.get("/sign-in/outside")
    assert reply.status_code == 503
    assert provider.looks == []


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "http://evil.test"},
        {"token_endpoint": "http://evil.test/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": ""},
        {"jwks_uri": 7},
    ],
    ids=str,
)
async def test_a_discovery_document_that_leads_astray_is_refused(house, provider, discovery):
    provider.discovery = discovery
    reply = await house.http.get("/sign-in/outside")
    assert refusal(house, reply) == 401


async def test_what_the_provider_says_of_itself_is_remembered(house, provider):
    for _ in range(3):
        await started(house)
    assert provider.looks == ["discovery", "keys"]


async def test_an_account_that_is_out_of_use_is_told_so(house, provider):
    house.identity.errors["SignInOutside"] = domain.SignInRefused()
    reply = await through(house, provider)
    assert reply.status_code == 401
    assert "已停用" in reply.text
    assert "zt_session" not in house.http.cookies


async def test_without_a_provider_there_is_no_way_outside(tmp_path):
    async with identity_house(tmp_path) as house:
        assert "outside" not in await house.open("/sign-in")
        assert (await house.http.get("/sign-in/outside")).status_code == 404


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.test",
        "ftp://login.example.test",
        "https://",
        "https://user@login.example.test",
        "https://login.example.test/#x",
        "https://login.example.test/\n",
        "http://[::1",
        "",
    ],
)
def test_secrets_go_by_tls_or_to_this_machine_only(url):
    assert not is_safe(url)
    assert is_safe("https://login.example.test/realm")
    assert is_safe("http://127.0.0.1:9000")


@pytest.mark.parametrize(
    "env",
    [
        {names.ISSUER: "http://login.example.test", names.CLIENT_ID: CLIENT},
        {names.ISSUER: "https://login.example.test"},
        {
            names.ISSUER: "https://login.example.test",
            names.CLIENT_ID: CLIENT,
            names.SECRET_FILE: "/nowhere",
        },
    ],
)
def test_half_a_provider_is_said_at_the_start(env):
    with pytest.raises(SettingMissing):
        OidcSettings.from_env(env)
    assert OidcSettings.from_env({}) is None
