"""One connection: requests one after the other, nothing without a bound, every end explained."""

from __future__ import annotations

import asyncio
import json

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway import connection
from gateway.connection import Connection

GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSING = b"GET /%d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
POST = b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"POST /%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
UPGRADE = b"GET /%d HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


class Echo:
    """Answers with the path and the body; `/9` without reading the body; counts those at work."""

    def __init__(self):
        self.at_work = self.most = 0
        self.asked = []

    async def __call__(self, scope, receive, send):
        self.asked.append(scope["path"])
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        body = b""
        more = scope["path"] != "/9"
        while more:
            message = await receive()
            more = message.get("more_body", False)
            body += message.get("body", b"")
        await asyncio.sleep(0.01)
        self.at_work -= 1
        said = scope["path"].encode() + b" " + body + b";"
        length = (b"content-length", str(len(said)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": said})


@pytest.fixture
def echo():
    return Echo()


@pytest.fixture
async def port(echo):
    config = uvicorn.Config(echo, ws="none", interface="asgi3", log_config=None)
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(config, state, {}, loop), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for left in state.connections:
        left.transport.abort()


async def said(port, *parts):
    """Everything that comes back for these parts, sent one after the other, until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.005)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


def answers(data):
    """The bodies of what Echo answered, in order."""
    return [part.partition(b";")[0] for part in data.split(b"\r\n\r\n")[1:]]


async def test_requests_sent_at_once_are_answered_in_order_one_at_a_time(port, echo):
    requests = [GET % number for number in range(8)]
    assert answers(await said(port, b"".join(requests) + CLOSING % 8)) == [
        b"/%d " % number for number in range(9)
    ]
    assert echo.most == 1


@pytest.mark.parametrize("size", [1, 7, 30])
async def test_requests_may_come_in_any_pieces(port, size):
    data = GET % 1 + GET % 2 + CLOSING % 3
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert answers(await said(port, *pieces)) == [b"/1 ", b"/2 ", b"/3 "]


async def test_thousands_sent_at_once_are_kept_as_bytes(port, echo):
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET % 1 * 5000)
    await asyncio.sleep(0.3)
    assert 0 < len(echo.asked) < 100
    writer.transport.abort()
    await asyncio.sleep(0)


@pytest.mark.parametrize("post", [POST, CHUNKED], ids=["length", "chunked"])
async def test_a_body_is_read_and_the_next_request_answered(port, post):
    assert answers(await said(port, post % 1, post % 2, CLOSING % 3))[-1:] == [b"/3 "]


@pytest.mark.parametrize("post", [POST, CHUNKED], ids=["length", "chunked"])
async def test_a_request_right_behind_a_body_is_not_taken_and_the_connection_says_so(port, post):
    answer = await said(port, post % 1 + GET % 2)
    assert answers(answer) == [b"/1 abc"]
    assert b"connection: close" in answer


async def test_a_body_that_nobody_reads_does_not_disturb_the_next_request(port):
    assert answers(await said(port, POST % 9, CLOSING % 1)) == [b"/9 ", b"/1 "]


async def test_a_body_that_nobody_reads_and_that_does_not_end_ends_the_connection(port):
    begun = b"POST /9 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc"
    assert answers(await said(port, begun)) == [b"/9 "]


async def test_an_offer_to_speak_something_newer_is_passed_over(port):
    assert answers(await said(port, UPGRADE % 1))[:1] == [b"/1 "]


async def test_what_is_no_http_is_refused_as_a_problem(port, echo):
    answer = await said(port, b"\x16\x03\x01\x00")
    assert refused(answer) == (400, "REQUEST_INVALID", ["request"])
    assert echo.asked == []


async def test_a_broken_body_is_refused_as_a_problem(port):
    broken = b"POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    assert refused(await said(port, broken)) == (400, "REQUEST_INVALID", ["request"])


async def test_a_head_that_does_not_end_in_time_is_told_so(port, monkeypatch):
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    assert refused(await said(port, b"GET /1 HTTP/1.1\r\nHost: x\r\n")) == (
        *(408, "HEAD_TOO_SLOW"),
        [],
    )


async def test_a_second_head_that_does_not_end_in_time_is_told_so(port, monkeypatch):
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    answer = await said(port, GET % 1, b"GET /2 HT")
    first, _, second = answer.partition(b";")
    assert b"/1" in first
    assert refused(second) == (408, "HEAD_TOO_SLOW", [])


async def test_a_caller_who_says_nothing_is_let_go(port, monkeypatch):
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    assert await said(port) == b""


async def test_one_connection_too_many_is_told_to_come_again(port, monkeypatch):
    monkeypatch.setattr(connection, "AT_ONCE", 2)
    others = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    await asyncio.sleep(0.05)
    answer = await said(port)
    assert refused(answer) == (503, "GATEWAY_BUSY", [])
    assert b"retry-after: " in answer
    for _, writer in others:
        writer.close()
        await writer.wait_closed()
    await asyncio.sleep(0.05)
    assert answers(await said(port, CLOSING % 1)) == [b"/1 "]


def refused(answer):
    """Status, reason and fields of a whole problem that ends the connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    problem = json.loads(body)
    assert int(head.split(b" ", 2)[1]) == problem["status"]
    assert not problem["detail"].isascii()
    return problem["status"], problem["reason"], [one["field"] for one in problem["violations"]]
