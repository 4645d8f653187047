"""The gateway speaks TLS itself, and machine clients may show who they are by a certificate."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import subprocess
import time
from datetime import timedelta

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway import connection
from gateway import tls as tls_of_gateway
from gateway.cli.surroundings import gateway_url, trust
from gateway.connection import Connection
from gateway.limits import Limits
from gateway.tls import AT_ONCE, Listener, context_of
from infra.local.plan import make
from infra.local.run import ready_over_http
from services.common.settings import Settings
from services.identity.domain import Client
from tests.contract.tls_house import (
    COMMAND,
    Authority,
    FakeClients,
    Gateway,
    environment,
    identity_serving,
)

USUAL = Limits().rate_per_second
KEYS = {name: f"zt_c{name}_{name * 43}" for name in "abc"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder, "authority")


@pytest.fixture(scope="module")
def shown(authority, folder):
    """Certificates by what is to be said of them."""
    stranger = Authority(folder, "stranger")
    return {
        "a": authority.certificate("a"),
        "c": authority.certificate("c"),
        "nobody's": authority.certificate("nobodys"),
        "expired": authority.certificate("expired", timedelta(seconds=-5)),
        "a stranger's": stranger.certificate("strange"),
        "a server's": authority.server("server-as-client"),
    }


def client(name, rate, *certificates, required=False):
    known = tuple(one.fingerprint for one in certificates)
    of = ("91110000600037341L", "000000000000", ("catalogue.item.publish",))
    return Client(
        f"c{name}", name, *of, rate=rate, certificates=known, certificate_required=required
    )


@pytest.fixture(scope="module")
def clients(shown):
    """Client a may show a certificate, b has none, c must show one; each has a rate of its own."""
    return FakeClients(
        {
            KEYS["a"]: client("a", 11, shown["a"]),
            KEYS["b"]: client("b", 12),
            KEYS["c"]: client("c", 13, shown["c"], required=True),
        }
    )


@pytest.fixture(scope="module")
def gateway(folder, authority, clients):
    own = authority.server("gateway")
    env = environment(folder)
    with identity_serving(clients, folder / "keys") as address:
        env |= {
            "ZHENGTONG_GRPC_ADDRESSES": f"identity={address}",
            "ZHENGTONG_TLS_CERT": str(own.cert),
            "ZHENGTONG_TLS_KEY": str(own.key),
            "ZHENGTONG_TLS_CLIENT_CA": str(authority.file),
        }
        running = Gateway(env, authority.file)
        yield running
        assert running.end() == 0
    assert not [line for line in running.lines if "Traceback" in line]


def test_without_a_certificate_pages_are_served_over_tls(gateway):
    status, headers, body = gateway.get("/")
    assert status == 200
    assert b"<html" in body
    assert "strict-transport-security" in headers
    assert gateway.quota() == (200, USUAL)


@pytest.mark.parametrize(
    ("certificate", "key", "answer"),
    [
        ("a", "", (200, 11)),
        ("a", "a", (200, 11)),
        ("", "a", (200, 11)),
        ("", "b", (200, 12)),
        ("nobody's", "b", (200, 12)),
        ("c", "", (200, 13)),
        ("c", "c", (200, 13)),
        ("", "c", (401, "TOKEN_WRONG")),
        ("a", "c", (401, "TOKEN_WRONG")),
        ("a", "b", (401, "TOKEN_WRONG")),
        ("c", "a", (401, "TOKEN_WRONG")),
        ("nobody's", "", (401, "TOKEN_WRONG")),
        ("nobody's", "c", (401, "TOKEN_WRONG")),
    ],
)
def test_who_a_client_is_follows_from_key_and_certificate(gateway, shown, certificate, key, answer):
    assert gateway.quota(shown.get(certificate), KEYS.get(key, "")) == answer


@pytest.mark.parametrize("certificate", ["expired", "a stranger's", "a server's"])
def test_a_certificate_that_is_not_good_fails_the_handshake(gateway, shown, certificate):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        gateway.get("/", shown[certificate])
    assert gateway.get("/")[0] == 200


def test_a_certificate_is_good_no_longer_than_it_lives_on_an_open_connection_too(
    gateway, authority, clients
):
    short = authority.certificate("short", timedelta(seconds=4))
    clients.by["short"] = client("short", 14, short)
    with tls(gateway, short) as link:
        assert b'"rate_per_second":14' in asked(link)
        given_up = time.monotonic() + 15
        while b'"rate_per_second":50' not in (answer := asked(link)):
            assert b'"rate_per_second":14' in answer
            assert time.monotonic() < given_up
            time.sleep(0.2)


def tls(gateway, shows=None, **options):
    plain = socket.create_connection(("127.0.0.1", gateway.port), timeout=15)
    context = gateway.context(shows)
    for name, value in options.items():
        setattr(context, name, value)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def asked(link):
    """One answer on a connection that stays open."""
    link.sendall(b"GET /api/v1/quota HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = b""
    while not answer.endswith(b"}"):
        part = link.recv(65536)
        assert part, answer
        answer += part
    return answer


def test_tls_1_2_is_spoken_too(gateway):
    with tls(gateway, maximum_version=ssl.TLSVersion.TLSv1_2) as link:
        assert link.version() == "TLSv1.2"
        assert b"200 OK" in asked(link)


def test_a_request_that_comes_with_the_end_of_the_handshake_is_heard(gateway):
    for _ in range(20):
        with tls(gateway) as link:
            assert b"200 OK" in asked(link)


def test_what_is_no_http_inside_tls_is_refused_as_a_problem(gateway):
    with tls(gateway) as link:
        link.sendall(b"\x00\x01\x02")
        answer = b"".join(iter(lambda: link.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert json.loads(body)["reason"] == "REQUEST_INVALID"


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"a" * 99, b""]
)
def test_who_does_not_speak_tls_is_hung_up_on_within_seconds(gateway, said):
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=15) as link:
        link.sendall(said)
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP" not in b"".join(iter(lambda: link.recv(65536), b""))
    assert time.monotonic() - began < 9


def test_many_who_never_end_a_handshake_do_not_keep_others_out(gateway):
    with contextlib.ExitStack() as held:
        for _ in range(2 * AT_ONCE):
            link = socket.create_connection(("127.0.0.1", gateway.port), timeout=15)
            held.enter_context(link)
        assert gateway.get("/")[0] == 200


def test_the_command_line_believes_the_certificate_of_its_settings_and_no_other(
    gateway, authority, folder
):
    def looked(cert):
        known = Settings.from_env(
            {"ZHENGTONG_HTTP_PORT": str(gateway.port), "ZHENGTONG_TLS_CERT": str(cert)}
        )
        return httpx.get(f"{gateway_url(known)}/healthz", verify=trust(known), trust_env=False)

    assert looked(folder / "gateway.crt").status_code == 200
    chain = folder / "chain.crt"
    chain.write_bytes(authority.server("another").cert.read_bytes() + authority.file.read_bytes())
    with pytest.raises(httpx.ConnectError):
        looked(chain)


def test_the_supervisor_asks_by_tls_whether_the_gateway_is_ready(gateway, folder):
    # The index is not there: the answer is 503, and that it came is told by what is logged.
    env = {"ZHENGTONG_HTTP_PORT": str(gateway.port)}
    plan = make({**env, "ZHENGTONG_TLS_CERT": str(folder / "gateway.crt")}, folder)
    assert plan.base_url == f"https://127.0.0.1:{gateway.port}"
    assert plan.environment()["ZHENGTONG_TLS_CERT"] == str((folder / "gateway.crt").resolve())
    assert ready_over_http(plan) is False
    deadline = time.monotonic() + 5
    while not [line for line in gateway.lines if "GET /readyz 503" in line]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
async def listening(folder, authority):
    """The port of a listener in this loop, with connections as the gateway has them."""
    own = authority.server("listener")
    known = Settings.from_env(
        {"ZHENGTONG_TLS_CERT": str(own.cert), "ZHENGTONG_TLS_KEY": str(own.key)}
    )
    config, state = uvicorn.Config(None, ws="none", log_config=None), ServerState()
    with socket.create_server(("127.0.0.1", 0)) as link:
        listener = Listener(link, context_of(known), lambda: Connection(config, state, {}))
        yield link.getsockname()[1]
        listener.close()
        await listener.wait_closed()
        for left in state.connections:
            left.transport.abort()


async def opened(port, authority):
    context = ssl.create_default_context(cafile=str(authority.file))
    return await asyncio.open_connection("127.0.0.1", port, ssl=context)


async def test_one_connection_too_many_is_told_so_inside_tls(listening, authority, monkeypatch):
    monkeypatch.setattr(connection, "AT_ONCE", 1)
    _, first = await opened(listening, authority)
    reader, second = await opened(listening, authority)
    assert b'"GATEWAY_BUSY"' in await reader.read()
    for writer in (first, second):
        writer.transport.abort()


async def test_a_head_that_does_not_end_in_time_is_told_so_inside_tls(
    listening, authority, monkeypatch
):
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    reader, writer = await opened(listening, authority)
    writer.write(b"GET / HT")
    assert b'"HEAD_TOO_SLOW"' in await reader.read()
    writer.transport.abort()


async def test_of_too_many_handshakes_the_oldest_gives_way(listening, authority, monkeypatch):
    monkeypatch.setattr(tls_of_gateway, "AT_ONCE", 3)
    idle = [await asyncio.open_connection("127.0.0.1", listening) for _ in range(5)]
    ended = [asyncio.create_task(reader.read()) for reader, _ in idle]
    done, _ = await asyncio.wait(ended, timeout=2)
    assert done == set(ended[:2])
    _, writer = await opened(listening, authority)
    for _, one in (*idle, (None, writer)):
        one.transport.abort()
    await asyncio.gather(*ended, return_exceptions=True)


def test_a_stop_does_not_wait_for_handshakes(folder, authority):
    own = authority.server("stopped")
    env = environment(folder, ZHENGTONG_TLS_CERT=str(own.cert), ZHENGTONG_TLS_KEY=str(own.key))
    running = Gateway(env, authority.file)
    with socket.create_connection(("127.0.0.1", running.port)):
        assert running.get("/")[0] == 200
        began = time.monotonic()
        assert running.end() == 0
        assert time.monotonic() - began < 8


def test_without_an_authority_no_certificate_is_asked_for(folder, authority, shown):
    own = authority.server("plain")
    env = environment(folder, ZHENGTONG_TLS_CERT=str(own.cert), ZHENGTONG_TLS_KEY=str(own.key))
    running = Gateway(env, authority.file)
    assert running.quota(shown["a stranger's"]) == (200, USUAL)
    assert running.end() == 0


def test_a_gateway_does_not_start_with_another_certificates_key(folder, authority):
    one, other = authority.server("one"), authority.server("other")
    env = environment(folder, ZHENGTONG_TLS_CERT=str(one.cert), ZHENGTONG_TLS_KEY=str(other.key))
    ended = subprocess.run(
        COMMAND, env=env, capture_output=True, text=True, timeout=40, check=False
    )
    assert ended.returncode != 0
    assert "SettingMissing: ZHENGTONG_TLS_KEY: " in ended.stderr
