"""The gateway as it runs: its own process, real sockets, requests that no client library sends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

from gateway.contracts import SERVICES
from gateway.heads import KEPT, READ
from tests.contract.gateway_house import (
    SYSTEM_KEY,
    FakeIdentity,
    serving_identity,
    serving_nothing,
    settings_in,
)

HOST = b"Host: gateway\r\nConnection: close\r\n"
TOKEN = f"Authorization: {SYSTEM_KEY['authorization']}\r\n".encode()
ITEM = b"GET /api/v1/items/a HTTP/1.1\r\n"
PUBLISH = b"POST /api/v1/items:publish HTTP/1.1\r\n" + HOST + TOKEN


@dataclass
class Running:
    """A gateway process and what it says."""

    port: int
    process: subprocess.Popen
    lines: list[str] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def listen(self):
        for line in self.process.stderr:
            self.lines.append(line)
            if "ready gateway" in line:
                self.ready.set()
        self.ready.set()

    def raw(self, request: bytes) -> bytes:
        """Everything that comes back for these bytes, until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                while part := connection.recv(65536):
                    answer += part
        return answer

    def trickled(self, request: bytes) -> bytes:
        """As `raw`, in small pieces as a network brings them; a broken connection is an error."""
        with socket.socket() as connection:
            connection.settimeout(20)
            # What the kernel would take at once need not be what the server has read.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect(("127.0.0.1", self.port))
            for start in range(0, len(request), 1400):
                connection.sendall(request[start : start + 1400])
            return b"".join(iter(lambda: connection.recv(65536), b""))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def start(folder, port, addresses, **more):
    known = settings_in(folder)
    env = {
        **os.environ,
        "ZHENGTONG_HTTP_PORT": str(port),
        "ZHENGTONG_KEYS_DIR": str(known.keys_dir),
        "ZHENGTONG_INDEX_DIR": str(known.index_dir),
        "ZHENGTONG_GRPC_ADDRESSES": ",".join(f"{n}={a}" for n, a in addresses.items()),
        "ZHENGTONG_RATE_PER_SECOND": "0",
        **more,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway.app"], env=env, stderr=subprocess.PIPE, text=True
    )
    running = Running(port, process)
    threading.Thread(target=running.listen, daemon=True).start()
    assert running.ready.wait(30), running.lines
    return running


def end(running):
    running.process.send_signal(signal.SIGTERM)
    code = running.process.wait(12)
    running.process.stderr.close()
    return code


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway")
    keys = settings_in(folder).keys_dir
    with contextlib.ExitStack() as stack:
        others = [name for name in SERVICES if name != "identity"]
        addresses = {n: stack.enter_context(serving_nothing(n, keys)) for n in others}
        addresses["identity"] = stack.enter_context(serving_identity(FakeIdentity(), keys))
        running = start(folder, free_port(), addresses)
        yield running
        assert end(running) == 0


def get(target: bytes) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n"


RAW = {
    "a path in UTF-8": (get("/api/v1/items/事项".encode()), 200),
    "a query in UTF-8": (get("/api/v1/items?task_type=事".encode()), 200),
    "a path in no encoding": (get(b"/api/v1/items/\xff"), 400),
    "a query in no encoding": (get(b"/api/v1/items?task_type=\xff"), 400),
    "a surrogate in the path": (get(b"/api/v1/items/%ED%A0%80"), 400),
    "NUL in the path": (get(b"/api/v1/items/%00"), 400),
    "a length that is no number": (PUBLISH + b"Content-Length: abc\r\n\r\n{}", 400),
    "a negative length": (PUBLISH + b"Content-Length: -1\r\n\r\n{}", 400),
    "two lengths": (PUBLISH + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "a broken chunk": (PUBLISH + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
    "a header of 20 KB": (ITEM + HOST + b"X-Much: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    "a header of 1 MB": (ITEM + HOST + b"X-Much: " + b"a" * 1_000_000 + b"\r\n\r\n", 431),
    "10,000 headers": (ITEM + HOST + b"X-Many: 1\r\n" * 10_000 + b"\r\n", 431),
    "a URL of 9 KB": (get(b"/api/v1/items?page_token=" + b"a" * 9_000), 414),
    "no HTTP at all": (b"\x16\x03\x01\x00\xa5\x01\r\n\r\n", 400),
    "a method that is none": (b"BREW /api/v1/items HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "no slash": (get(b"api/v1/items"), 400),
    "an odd method": (b"PURGE /api/v1/items HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "an asterisk": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "a whole URL": (get(b"http://gateway/api/v1/items/a"), 200),
    "HTTP 1.0": (b"GET /api/v1/items/a HTTP/1.0\r\n\r\n", 200),
}


@pytest.mark.parametrize("case", RAW)
def test_bytes_that_no_library_sends_are_answered_with_the_right_refusal(gateway, case):
    request, status = RAW[case]
    answer = gateway.raw(request)
    assert int(answer.split(b" ", 2)[1]) == status, answer[:300]
    if status >= 400 and case != "an asterisk":  # which is no address of the API
        assert named(answer)[0] == status


QUERY = b"/api/v1/query?q="
TWELVE_KB = b"X-Much: " + b"a" * 12_000 + b"\r\n"
MEGABYTE = 1024 * 1024


def asking(length: int, more: bytes = b"") -> bytes:
    """A query whose whole address has so many bytes."""
    address = QUERY + b"a" * (length - len(QUERY))
    return b"GET " + address + b" HTTP/1.1\r\n" + HOST + more + b"\r\n"


def posting(body: bytes, media_type: str = "application/json") -> bytes:
    told = f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return PUBLISH + told.encode() + body


def named(answer: bytes) -> tuple[int, str, list[str]]:
    """Status, reason and fields of a whole problem document in Chinese."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head, answer[:300]
    problem = json.loads(body)
    assert int(head.split(b" ", 2)[1]) == problem["status"]
    assert not problem["detail"].isascii()
    return problem["status"], problem["reason"], [one["field"] for one in problem["violations"]]


@pytest.mark.parametrize("more", [b"", TWELVE_KB], ids=["bare", "12 KB of headers"])
@pytest.mark.parametrize("length", [9_000, KEPT - 1000, KEPT, 1_000_000, MEGABYTE, READ + MEGABYTE])
def test_a_long_query_is_refused_by_its_name_however_it_arrives(gateway, length, more):
    request = asking(length, more)
    sending = (gateway.raw, gateway.trickled) if length < READ else (gateway.raw,)
    for send in sending:
        assert named(send(request)) == (414, "URL_TOO_LONG", ["q"])


@pytest.mark.parametrize("around", range(-40, 3))
def test_an_address_that_ends_where_a_head_is_cut_off_is_refused_by_its_name(gateway, around):
    assert named(gateway.raw(asking(KEPT + around))) == (414, "URL_TOO_LONG", ["q"])


def test_a_megabyte_in_a_header_or_a_body_is_refused_by_name(gateway):
    large = b"X-Much: " + b"a" * MEGABYTE + b"\r\n"
    text = b'{"item": {"task_name": "' + b"a" * MEGABYTE + b'"}}'
    form = posting(b"q=" + b"a" * MEGABYTE, "application/x-www-form-urlencoded")
    assert named(gateway.trickled(ITEM + HOST + large + b"\r\n")) == (
        *(431, "HEADERS_TOO_LARGE"),
        ["x-much"],
    )
    assert named(gateway.raw(posting(text))) == (413, "BODY_TOO_LARGE", ["body"])
    assert named(gateway.raw(form)) == (415, "MEDIA_TYPE_UNSUPPORTED", ["body"])


def test_a_caller_that_goes_away_leaves_the_others_alone(gateway):
    for request in (PUBLISH + b"Content-Length: 100\r\n\r\n{", ITEM, PUBLISH):
        with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
            connection.sendall(request)
    assert httpx.get(f"{gateway.url}/healthz").status_code == 200
    assert not [line for line in gateway.lines if '"level": "ERROR"' in line]


def test_the_metrics_count_answers_by_route_and_status(gateway):
    httpx.get(f"{gateway.url}/api/v1/items/somebody")
    text = httpx.get(f"{gateway.url}/metrics").text
    lines = [line for line in text.splitlines() if "http_server_request_duration" in line]
    assert any('http_route="/api/v1/items/{item_id}"' in line for line in lines)
    assert "somebody" not in text


def test_a_taken_port_is_said_by_name(gateway, tmp_path):
    second = start(tmp_path, gateway.port, {"catalogue": "127.0.0.1:1"})
    assert second.process.wait(10) == 1
    second.process.stderr.close()
    assert f"127.0.0.1:{gateway.port} 已被占用" in "".join(second.lines)
    assert "ZHENGTONG_HTTP_PORT" in "".join(second.lines)
    assert "Traceback" not in "".join(second.lines)


def test_a_stopped_gateway_ends_by_itself_and_frees_its_port(tmp_path):
    running = start(tmp_path, free_port(), {"catalogue": "127.0.0.1:1"})
    assert httpx.get(f"{running.url}/healthz").status_code == 200
    assert end(running) == 0
    socket.create_server(("127.0.0.1", running.port)).close()


def test_a_request_that_outlives_the_gateway_is_told_that_it_stops(tmp_path):
    half = PUBLISH + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    with serving_identity(FakeIdentity(), settings_in(tmp_path).keys_dir) as identity:
        addresses = {"catalogue": "127.0.0.1:1", "identity": identity}
        running = start(tmp_path, free_port(), addresses)
        with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
            connection.sendall(half)
            assert httpx.get(f"{running.url}/healthz").status_code == 200
            assert end(running) == 0
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert named(answer)[:2] == (503, "GATEWAY_STOPPING")


# Half a minute for making wrong requests, which tests/e2e/test_hostile_input.py makes as well.
MODES = [GenerationMode.POSITIVE, pytest.param(GenerationMode.NEGATIVE, marks=pytest.mark.long)]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
def test_no_request_that_the_document_leads_to_is_a_failure(gateway, mode):
    document = httpx.get(f"{gateway.url}/api/openapi.json").json()
    # Without an index these say, rightly, that they are not ready.
    for path in ("/api/v1/query", "/api/v1/suggest", "/readyz"):
        del document["paths"][path]
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=gateway.url)
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=2,  # tests/e2e/test_hostile_input.py asks more of a whole platform
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case):
            nonlocal asked
            asked += 1
            case.call_and_validate(headers=SYSTEM_KEY, checks=(not_a_server_error,), timeout=20)

        with contextlib.suppress(Unsatisfiable):  # nothing in it can be wrong
            check()
    assert asked > 150
