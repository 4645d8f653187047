"""Each client has a bucket and a rate of its own, and sees how it stands."""

from __future__ import annotations

import httpx
import pytest

from gateway import app as application
from gateway.limits import Limits
from services.common.settings import Settings
from services.identity.domain import Client
from tests.contract.tls_house import FakeClients, environment, identity_serving

LIMITS = Limits(rate_per_second=0.01, burst=8)
FAST, SLOW, USUAL = (f"zt_{name}_{'k' * 43}" for name in ("fast", "slow", "usual"))
QUOTA = "/api/v1/quota"


def client(name, rate):
    return Client(
        name, name, "91110000600037341L", "0" * 12, ("catalogue.item.publish",), rate=rate
    )


@pytest.fixture
async def http(tmp_path):
    """A gateway that gives so little a second that a test sees bursts alone."""
    clients = FakeClients(
        {FAST: client("fast", 1000), SLOW: client("slow", 0), USUAL: client("usual", 0)}
    )
    environment(tmp_path)
    with identity_serving(clients, tmp_path / "keys") as address:
        settings = Settings.from_env(
            environment(tmp_path, ZHENGTONG_GRPC_ADDRESSES=f"identity={address}")
        )
        app = application.create_app(settings, LIMITS)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as asking:
            yield asking


async def asked(http, key="", times=1, path=QUOTA):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return [await http.get(path, headers=headers) for _ in range(times)]


async def remaining(http, key=""):
    (answer,) = await asked(http, key)
    assert answer.status_code == 200, answer.text
    return answer.json()["remaining"]


async def test_the_quota_is_that_of_whoever_asks(http):
    (nobody,) = await asked(http)
    assert nobody.json() == {"rate_per_second": 0.01, "burst": 8, "remaining": 7}
    assert nobody.headers["cache-control"] == "no-store"
    (fast,) = await asked(http, FAST)
    assert fast.json()["rate_per_second"] == 1000
    assert fast.json()["burst"] == 800_000
    assert [await remaining(http, SLOW) for _ in range(3)] == [8, 7, 6]


async def test_a_flood_of_one_client_slows_nobody_else_at_its_address(http):
    flood = await asked(http, SLOW, times=12)
    refused = [one for one in flood if one.status_code == 429]
    assert len(refused) == 3
    assert refused[0].json()["reason"] == "RATE_LIMITED"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 100
    assert await remaining(http) == 7
    assert await remaining(http, USUAL) == 8
    assert {one.status_code for one in await asked(http, FAST, times=30)} == {200}


async def test_a_flood_without_a_key_slows_no_client_that_was_seen_before(http):
    await asked(http, USUAL)
    assert 429 in {one.status_code for one in await asked(http, times=12)}
    assert await remaining(http, USUAL) == 7


async def test_guessing_keys_is_slowed_and_opens_no_bucket_for_each_guess(http):
    told = [(await asked(http, f"zt_guess_{number}"))[0].status_code for number in range(12)]
    assert told == [401] * 8 + [429] * 4


async def test_a_key_that_is_nobodys_has_no_quota(http):
    (answer,) = await asked(http, "zt_nobodys")
    assert answer.status_code == 401
    assert answer.json()["reason"] == "TOKEN_WRONG"


async def test_head_is_answered_as_get_and_nothing_else(http):
    head = await http.head(QUOTA)
    assert head.status_code == 200
    assert head.content == b""
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        other = await http.request(method, QUOTA)
        assert other.status_code == 405
        assert other.headers["allow"] == "GET, HEAD"


async def test_the_probes_count_for_nobody(http):
    for _ in range(20):
        assert (await http.get("/healthz")).status_code == 200
    assert await remaining(http) == 7


async def test_the_document_tells_of_it(http):
    document = (await http.get("/api/openapi.json")).json()
    told = document["paths"][QUOTA]
    assert set(told) == {"get"}
    schema = told["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert set((await http.get(QUOTA)).json()) == set(schema["required"])
