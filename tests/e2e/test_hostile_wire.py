"""Limits as callers meet them: size, time and rate, on real sockets of a running platform."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import re
import socket
import subprocess
import sys
import time

import httpx
import pytest

from infra.local.ports import PortClaims
from services.common.settings import DEPARTMENTS
from tests.e2e.hostile import OF_ACCOUNTS, calls

PROBLEM = "application/problem+json"
HEAD_SECONDS, BODY_SECONDS = 15, 20  # after which what does not come is given up
SLACK = 15  # both cores may be busy with other tests
RATE, BURST = 2, 10


@pytest.fixture(scope="module")
def token(city):
    return city.stack.plan.layout.api_key.read_text().strip()


@pytest.fixture(scope="module")
def api(city):
    return calls(city.get("/api/openapi.json"))


@contextlib.contextmanager
def connected(city, seconds=60.0):
    host, _, port = city.stack.base_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        yield connection


def sent(connection, request):
    """All that comes back for these bytes, until the server closes."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(request)
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            answer += part
    return answer


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def problem_in(answer):
    """The problem document of a raw answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert PROBLEM.encode() in head, answer[:300]
    problem = json.loads(body)
    assert problem["reason"]
    assert len(problem["trace_id"]) == 32
    return problem


def head_of(verb, url, *more):
    lines = [f"{verb} {url} HTTP/1.1", "Host: city", "Connection: close", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def test_every_call_refuses_an_address_and_headers_that_are_too_large(city, api):
    for call in api:
        for request, status in (
            (head_of(call.verb, f"{call.url()}?q={'a' * 9_000}"), 414),
            (head_of(call.verb, f"{call.url()}?{'&a=1' * 5_000}"), 414),
            (head_of(call.verb, call.url(), f"X-Much: {'a' * 20_000}"), 431),
            (head_of(call.verb, call.url(), *[f"X-{n}: {'a' * 200}" for n in range(90)]), 431),
        ):
            with connected(city) as connection:
                answer = sent(connection, request)
            assert status_of(answer) == problem_in(answer)["status"] == status, call.path


def test_every_call_answers_a_megabyte_of_head_or_closes(city, api):
    for call in api:
        for request in (
            head_of(call.verb, f"{call.url()}?q={'a' * 1_000_000}"),
            head_of(call.verb, call.url(), *[f"X-{n}: {'a' * 1000}" for n in range(1000)]),
            head_of(call.verb, call.url(), *["X-Many: 1"] * 10_000),
        ):
            with connected(city) as connection:
                answer = sent(connection, request)
            assert answer == b"" or status_of(answer) in (400, 414, 431), answer[:100]
    assert city.http.get("/healthz").status_code == 200


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(city, api, token):
    bearer = f"Authorization: Bearer {token}"
    for call in api:
        if call.verb != "POST" or (call.needs_token and call.path.startswith(OF_ACCOUNTS)):
            continue
        most = 4 * 1024 * 1024 if call.takes_file else 1024 * 1024
        length = f"Content-Length: {most + 1}"
        with connected(city) as connection:
            answer = sent(connection, head_of("POST", call.url(), bearer, length))
        assert (status_of(answer), problem_in(answer)["reason"]) == (413, "BODY_TOO_LARGE"), (
            call.path
        )


def test_a_body_without_end_is_cut_off(city, token):
    head = head_of("POST", "/api/v1/items:import", f"Authorization: Bearer {token}", CHUNKED)
    chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    with connected(city) as connection:
        answer = sent(connection, head + chunk * 200)
    assert (status_of(answer), problem_in(answer)["reason"]) == (413, "BODY_TOO_LARGE")


CHUNKED = "Transfer-Encoding: chunked"


def test_who_is_slow_is_given_up_in_time_and_costs_nobody_else_anything(city, token):
    bearer = f"Authorization: Bearer {token}"
    posting = head_of("POST", "/api/v1/items:publish", bearer, "Content-Length: 100")
    importing = head_of("POST", "/api/v1/items:import", bearer, CHUNKED)
    with concurrent.futures.ThreadPoolExecutor(80) as pool:
        heads = [pool.submit(trickled, city, b"GET / HTTP/1.1\r\nHost: ", b"a") for _ in range(40)]
        bodies = [pool.submit(trickled, city, posting, b" ") for _ in range(20)]
        files = [pool.submit(trickled, city, importing, b"1\r\na\r\n") for _ in range(20)]
        while not all(one.done() for one in heads + bodies + files):
            began = time.monotonic()
            assert city.query("食品经营许可")["groups"]
            assert time.monotonic() - began < 3
    for one in bodies + files:
        answer, took = one.result()
        assert (status_of(answer), problem_in(answer)["reason"]) == (408, "BODY_TOO_SLOW")
        assert BODY_SECONDS - 1 < took < BODY_SECONDS + SLACK
    for one in heads:
        answer, took = one.result()
        assert answer == b"" or status_of(answer) == 408
        assert took < HEAD_SECONDS + SLACK


def trickled(city, start, drop):
    """What comes back when a request arrives a drop a second, and after how many seconds."""
    began = time.monotonic()
    answer = b""
    with connected(city, seconds=1.0) as connection:
        connection.sendall(start)
        while True:
            try:
                part = connection.recv(65536)
                if not part:
                    return answer, time.monotonic() - began
                answer += part
            except TimeoutError:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connection.sendall(drop)
            except ConnectionResetError:
                return answer, time.monotonic() - began


def test_a_stranger_holds_nothing_by_promising_a_body(city):
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        request = head_of("POST", "/api/v1/items:publish", "Content-Length: 100")

        def ask(_):
            with connected(city) as connection:
                return sent(connection, request)

        began = time.monotonic()
        answers = list(pool.map(ask, range(300)))
    assert {status_of(answer) for answer in answers} == {401}
    assert time.monotonic() - began < BODY_SECONDS


@pytest.fixture(scope="module")
def limited(city):
    """A second gateway of the same platform that lets one address ask little."""
    claims = PortClaims()
    port = claims.claim()
    env = city.stack.platform_env | {
        "ZHENGTONG_HTTP_PORT": str(port),
        "ZHENGTONG_RATE_PER_SECOND": str(RATE),
        "ZHENGTONG_RATE_BURST": str(BURST),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway.app"], env=env, stderr=subprocess.DEVNULL
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as http:
        city.until(lambda: answers(http), "第二个网关应答", 60)
        yield http
    process.terminate()
    process.wait(20)
    claims.release()


def answers(http):
    with contextlib.suppress(httpx.TransportError):
        return http.get("/healthz").status_code == 200
    return False


def emptied(http, path, **headers):
    """The first reply to be refused, after asking until the bucket is empty."""
    replies = [http.get(path, headers=headers) for _ in range(BURST * 3)]
    return next(reply for reply in replies if reply.status_code == 429)


def test_who_asks_too_often_is_told_when_to_come_back_and_is_let_in_then(limited, city):
    refused = emptied(limited, "/api/v1/items")
    problem = refused.json()
    assert (problem["reason"], refused.headers["content-type"]) == ("RATE_LIMITED", PROBLEM)
    seconds = int(refused.headers["retry-after"])
    assert 1 <= seconds <= 5
    began = time.monotonic()
    city.until(lambda: limited.get("/api/v1/items").status_code == 200, "再次受理", 60)
    assert time.monotonic() - began < seconds + SLACK


def test_no_header_makes_another_address_of_somebody(limited):
    for name in ("x-forwarded-for", "forwarded", "x-real-ip"):
        assert emptied(limited, "/api/v1/items", **{name: "203.0.113.9"}).status_code == 429
        assert limited.get("/api/v1/items", headers={name: "203.0.113.10"}).status_code == 429


def test_a_browser_that_asks_too_often_gets_a_page_that_says_so(limited):
    refused = emptied(limited, "/?q=食品")
    assert refused.headers["content-type"].startswith("text/html")
    assert "请求过于频繁" in refused.text
    assert int(refused.headers["retry-after"]) >= 1


def test_the_operator_and_those_who_watch_are_not_limited(limited, token):
    emptied(limited, "/api/v1/items")
    bearer = {"authorization": f"Bearer {token}"}
    for path in ("/healthz", "/readyz", "/metrics"):
        assert {limited.get(path).status_code for _ in range(BURST * 2)} == {200}
    assert {limited.get("/api/v1/items", headers=bearer).status_code for _ in range(40)} == {200}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_probe_answers_get_and_head_alone_and_takes_anything_else_ill(city, path):
    get, head = city.http.get(path), city.http.head(path)
    assert (get.status_code, head.status_code, head.content) == (200, 200, b"")
    for verb in ("POST", "PUT", "DELETE", "PATCH", "PURGE"):
        reply = city.http.request(verb, path)
        assert (reply.status_code, reply.headers["content-type"]) == (405, PROBLEM)
        assert set(reply.headers["allow"].split(", ")) == {"GET", "HEAD"}
    for odd in (f"{path}?{'a' * 100}=%ED%A0%80", f"{path}?%00"):
        assert city.http.get(odd).status_code == 200
    assert city.http.get(f"{path}/").status_code == 404


def test_ready_names_the_department_that_is_away_while_the_gateway_lives(city):
    assert set(city.get("/readyz")["checks"]) == {*DEPARTMENTS, "index"}
    assert city.zhengtong("stop", "websites").code == 0
    try:
        city.until(lambda: city.http.get("/readyz").status_code == 503, "未就绪", 60)
        checks = city.http.get("/readyz").json()["checks"]
        assert checks["websites"]["status"] == "unavailable"
        assert "websites" in checks["websites"]["detail"]
        assert {checks[name]["status"] for name in DEPARTMENTS if name != "websites"} == {"ok"}
        assert city.http.get("/healthz").json() == {"status": "ok"}
    finally:
        assert city.zhengtong("start", "websites").code == 0
        city.until(lambda: city.http.get("/readyz").status_code == 200, "恢复就绪", 60)


LABEL = r'[a-z_]+="[^"\n]*",?'
SAMPLE = re.compile(rf"[a-z_:][a-z0-9_:]*(\{{({LABEL})*\}})? [-+0-9.eEnaif]+", re.IGNORECASE)


def test_the_metrics_are_readable_and_hold_nothing_that_anybody_typed(city):
    city.http.get("/api/v1/query", params={"q": "只有我知道的词"})
    city.http.get("/api/v1/items/only-i-know")
    city.http.request("PURGE", "/only/i/know")
    reply = city.http.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    lines = [line for line in reply.text.splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not SAMPLE.fullmatch(line)] == []
    counts = [
        line for line in lines if line.startswith("http_server_request_duration_seconds_count")
    ]
    assert any('http_route="/api/v1/query"' in line and '="200"' in line for line in counts)
    assert any('http_route="/api/v1/items/{item_id}"' in line for line in counts)
    assert "only" not in reply.text
    assert "只有我知道" not in reply.text
    assert "PURGE" not in reply.text
