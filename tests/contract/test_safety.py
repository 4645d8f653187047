"""Every answer tells the browser to do nothing with it but show it, and no input adds a header."""

from __future__ import annotations

import dataclasses
from urllib.parse import quote

import httpx
import pytest
from starlette.responses import PlainTextResponse

from gateway import connection
from gateway.app import create_app
from gateway.observe import Observed
from gateway.problems import problem_of
from gateway.refusals import GatewayBusy
from gateway.safety import DATA_POLICY, PAGE_POLICY
from services.common.settings import SettingMissing, Settings
from tests.contract.gateway_house import SYSTEM_KEY, UNLIMITED, house, settings_in

GUARDS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}
HSTS = "strict-transport-security"
BREAKS = ("\r\n", "\n", "\r", "\r\n\r\n", "\x00", "\u560d\u560a", "\u2028", "%0d%0a", "%250d%250a")


@pytest.fixture
async def gateway(tmp_path):
    async with house(tmp_path) as one:
        yield one


PAGES = ("/", "/api/docs", "/no-such-page", "/items/110101199003070011")
DATA = (
    *("/api/v1/items/a", "/api/v1/nothing", "/api/v1/query?q=x", "/api/openapi.json", "/healthz"),
    *("/readyz", "/metrics", "/static/portal.css", "/api/v1/query?q=" + "a" * 9000),
)


@pytest.mark.parametrize("path", [*PAGES, *DATA], ids=lambda path: path[:30])
async def test_every_answer_is_guarded(gateway, path):
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        reply = await gateway.ask(method, path)
        assert {name: reply.headers[name] for name in GUARDS} == GUARDS, method
        assert "camera=()" in reply.headers["permissions-policy"]
        html = reply.headers.get("content-type", "").startswith("text/html")
        policy = reply.headers["content-security-policy"].encode()
        assert policy == (PAGE_POLICY if html else DATA_POLICY), method
        assert HSTS not in reply.headers
    assert (await gateway.ask("GET", path)).headers.get_list("x-frame-options") == ["DENY"]


async def test_pages_get_the_policy_of_pages_and_data_that_of_data(gateway):
    for paths, policy in ((PAGES, PAGE_POLICY), (DATA, DATA_POLICY)):
        for path in paths:
            reply = await gateway.ask("GET", path)
            assert reply.headers["content-security-policy"].encode() == policy, path


@pytest.mark.parametrize("policy", [PAGE_POLICY, DATA_POLICY])
def test_a_policy_allows_no_foreign_script_and_nothing_that_stands_in_the_page_itself(policy):
    assert policy.startswith(b"default-src 'none'")
    for open_door in (b"unsafe", b"nonce", b"*", b"http:", b"https:"):
        assert open_door not in policy
    scripts = [rule for rule in policy.split(b"; ") if rule.startswith(b"script-src")]
    assert scripts == ([b"script-src 'self'"] if policy is PAGE_POLICY else [])


async def test_an_answer_that_brings_its_own_policy_keeps_it():
    own = "default-src 'none'; form-action https://login.example.test"
    inner = PlainTextResponse("x", headers={"content-security-policy": own})
    reply = await asked(Observed(inner))
    assert reply.headers.get_list("content-security-policy") == [own]


@pytest.mark.parametrize(
    ("public", "scheme", "told"),
    [
        ("", "http", False),
        ("", "https", True),
        ("http://localhost:8080", "http", False),
        ("https://zwfw.example.test", "http", True),
    ],
)
async def test_browsers_are_told_to_stay_with_tls_only_where_they_came_by_it(
    tmp_path, public, scheme, told
):
    known = settings_in(tmp_path, catalogue="127.0.0.1:1")
    app = create_app(replaced(known, public_url=public), UNLIMITED)
    reply = await asked(app, f"{scheme}://gateway/healthz")
    assert (HSTS in reply.headers) is told


def test_a_public_address_that_is_none_stops_the_start(tmp_path):
    with pytest.raises(SettingMissing, match="ZHENGTONG_PUBLIC_URL"):
        create_app(replaced(settings_in(tmp_path), public_url="zwfw.example.test"), UNLIMITED)


def test_what_is_refused_before_it_is_a_request_is_guarded_as_well():
    answer = connection._written(problem_of(GatewayBusy("满")), []).lower()
    for name, value in GUARDS.items():
        assert f"{name}: {value.lower()}\r\n".encode() in answer
    assert DATA_POLICY in answer


@pytest.mark.parametrize("line_end", BREAKS, ids=ascii)
async def test_no_line_break_in_an_address_reaches_a_header(gateway, line_end):
    evil = quote(f"x{line_end}X-Injected: 1{line_end}Set-Cookie: a=1")
    for path in (
        f"/{evil}",
        f"/?q={evil}",
        f"/items/{evil}",
        f"/api/{evil}",
        f"/api/v1/items/{evil}",
        f"/api/v1/query?q={evil}&region={evil}&page_token={evil}",
        f"/api/v1/items?{evil}=1",
        f"/static/{evil}",
        f"/api/v1/items:import?request_id={evil}&shape={evil}",
    ):
        for method in ("GET", "POST", "OPTIONS"):
            assert split(await gateway.ask(method, path, headers=SYSTEM_KEY)) == []


@pytest.mark.parametrize("value", [b"x\r\nX-Injected: 1", b"x\nX-Injected: 1", b"\r", b"\x00"])
async def test_no_line_break_in_a_header_reaches_a_header(gateway, value):
    for name in ("traceparent", "cookie", "origin", "host", "referer", "authorization"):
        assert split(await gateway.ask("GET", "/api/v1/items/a", headers={name: value})) == []
    named = {"content-disposition": b"attachment; filename=" + value, **SYSTEM_KEY}
    assert (
        split(await gateway.ask("POST", "/api/v1/items:import", content=b"a,b\n", headers=named))
        == []
    )


async def test_a_header_that_would_split_is_left_out_and_logged(caplog):
    async def careless(scope, receive, send):
        headers = [(b"location", b"/x\r\nset-cookie: a=1"), (b"x-good", b"1")]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body"})

    reply = await asked(Observed(careless))
    assert "location" not in reply.headers
    assert reply.headers["x-good"] == "1"
    assert split(reply) == []
    assert "line break" in caplog.text
    assert "set-cookie" not in caplog.text


def split(reply):
    """The headers that an input made, and those that another could be cut from."""
    return [
        (name, value)
        for name, value in reply.headers.raw
        if name.lower() in (b"x-injected", b"set-cookie") or set(b"\r\n\0") & set(name + value)
    ]


async def asked(app, url="http://gateway/"):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport) as http:
        return await http.get(url)


def replaced(settings: Settings, **changed) -> Settings:

    return dataclasses.replace(settings, **changed)
