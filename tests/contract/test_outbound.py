"""Requests of the platform itself, against real servers on this machine and a lying resolver."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gzip
import ipaddress
import ssl
import time
from dataclasses import dataclass, field

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.outbound import Allowed, Bounds, Outbound, client
from gateway.outbound.transport import REDIRECTS, resolve
from gateway.refusals import AddressRefused, AnswerRefused

LOOPBACK = Allowed.from_env({"ZHENGTONG_OUTBOUND_ALLOW": "127.0.0.1/32"})
HERE, THERE = "127.0.0.1", "127.0.0.2"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SHORT = Bounds(answer_bytes=10_000, seconds=0.4)


@dataclass
class Server:
    """A web server on this machine; it keeps what it was asked."""

    port: int = 0
    asked: list[bytes] = field(default_factory=list)

    def url(self, host="a.example.test", path="/", scheme="http"):
        return f"{scheme}://{host}:{self.port}{path}"


@contextlib.asynccontextmanager
async def serving(answer=OK, address=HERE, port=0, tls=None):
    """Answers with these bytes, or with what a function writes."""
    server = Server()

    async def handle(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            server.asked.append(await reader.readuntil(b"\r\n\r\n"))
            if callable(answer):
                await answer(writer)
            else:
                writer.write(answer)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(handle, address, port, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()


class Resolver:
    """Answers with the next of these each time it is asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host, port):
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def get(url, resolver=resolve, allowed=LOOPBACK, bounds=SHORT, verify=None, **more):
    outbound = Outbound(allowed, bounds, resolver, verify)
    async with httpx.AsyncClient(transport=outbound, max_redirects=REDIRECTS) as http:
        return await http.get(url, **more)


async def test_a_request_goes_where_its_name_leads_and_still_carries_the_name():
    async with serving() as server:
        reply = await get(server.url(path="/x?y=1"), Resolver([HERE]))
    assert (reply.status_code, reply.text) == (200, "ok")
    assert server.asked[0].startswith(b"GET /x?y=1 HTTP/1.1\r\n")
    assert f"host: a.example.test:{server.port}".encode() in server.asked[0].lower()
    assert b"accept-encoding: identity" in server.asked[0].lower()


async def test_a_name_that_means_another_address_a_moment_later_gains_nothing():
    async with serving() as public, serving(address=THERE, port=public.port) as inside:
        resolver = Resolver([HERE], [THERE])
        assert (await get(public.url(), resolver)).text == "ok"
        assert (resolver.asked, len(public.asked), inside.asked) == (1, 1, [])
        with pytest.raises(AddressRefused):
            await get(public.url(), resolver)
    assert inside.asked == []


async def test_a_name_with_one_address_inside_is_refused_as_a_whole():
    async with serving() as server:
        for addresses in ([HERE, THERE], [THERE, HERE], [HERE, "169.254.169.254"]):
            with pytest.raises(AddressRefused):
                await get(server.url(), Resolver(addresses))
    assert server.asked == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "0", "[::1]"],
)
async def test_this_machine_is_refused_under_all_its_names(host):
    async with serving() as server:
        for url in (server.url(host), f"http://{host}/"):
            with pytest.raises((AddressRefused, httpx.ConnectError, httpx.InvalidURL)):
                await get(url, allowed=Allowed())
    assert server.asked == []


async def test_the_next_address_is_tried_where_the_first_takes_no_connection():
    both = Allowed.from_env({"ZHENGTONG_OUTBOUND_ALLOW": "127.0.0.0/8"})
    async with serving() as server:
        assert (await get(server.url(), Resolver([THERE, HERE]), both)).text == "ok"
        with pytest.raises(httpx.ConnectError):
            await get(server.url(), Resolver([THERE]), both)


async def test_a_name_without_an_address_is_an_error_of_the_network():
    for found in ([], None):
        with pytest.raises(httpx.ConnectError):
            await get("http://a.example.test/", Resolver(found))


def moved(to):
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


async def test_redirects_are_not_followed_unless_asked_for():
    async with serving(moved("http://127.0.0.1/")) as server, client(LOOPBACK) as http:
        assert (await http.get(server.url(HERE))).status_code == 302


@pytest.mark.parametrize(
    "to",
    [
        *("http://169.254.169.254/latest/meta-data/", "http://127.0.0.2/", "http://[::1]/"),
        *("file:///etc/passwd", "http://me:word@127.0.0.1/", "ftp://a.example.test/"),
    ],
)
async def test_a_redirect_leads_nowhere_that_could_not_be_asked_for_first(to):
    async with serving(moved(to)) as server:
        with pytest.raises((AddressRefused, httpx.UnsupportedProtocol)):
            await get(server.url(HERE), follow_redirects=True)
    assert len(server.asked) == 1


async def test_redirects_without_end_end():
    async with serving(moved("/again")) as server:
        with pytest.raises(httpx.TooManyRedirects):
            await get(server.url(HERE), follow_redirects=True)
    assert len(server.asked) == REDIRECTS + 1


async def endless(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 1000)
        await writer.drain()


async def one_by_one(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def no_end_of_head(writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: b\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def silent(writer):
    await asyncio.sleep(5)


PACKED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"\0" * 10_000_000)


@pytest.mark.parametrize(
    "answer", [endless, one_by_one, no_end_of_head, silent, PACKED], ids=lambda one: str(one)[:20]
)
async def test_an_answer_without_end_or_packed_is_left(answer):
    began = time.monotonic()
    async with serving(answer) as server:
        with pytest.raises(AnswerRefused):
            await get(server.url(HERE))
        assert time.monotonic() - began < 2


async def test_an_answer_as_long_as_it_may_be_is_read():
    body = b"x" * SHORT.answer_bytes
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    async with serving(head % len(body) + body) as server:
        assert (await get(server.url(HERE))).content == body
    async with serving(head % (len(body) + 1) + body + b"x") as server:
        with pytest.raises(AnswerRefused):
            await get(server.url(HERE))


def tls_for(name, folder):
    """A server's and a client's context, for a certificate of this name that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    (folder / "both.pem").write_bytes(pem + key.private_bytes(*plain, serialization.NoEncryption()))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    names = []
    server.sni_callback = lambda _, asked, __: names.append(asked)
    return server, ssl.create_default_context(cadata=pem.decode()), names


async def test_tls_asks_for_the_name_and_checks_the_certificate_against_it(tmp_path):
    tls, trust, names = tls_for("a.example.test", tmp_path)
    async with serving(tls=tls) as server:
        for _ in range(2):
            url = server.url(scheme="https")
            assert (await get(url, Resolver([HERE]), verify=trust)).text == "ok"
        assert names == ["a.example.test"] * 2
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await get(server.url("b.example.test", scheme="https"), Resolver([HERE]), verify=trust)
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await get(server.url(scheme="https"), Resolver([HERE]))


async def test_a_connection_of_one_name_is_never_used_for_another(tmp_path):
    tls, trust, _ = tls_for("a.example.test", tmp_path)
    outbound = Outbound(LOOPBACK, SHORT, Resolver([HERE]), trust)
    async with serving(tls=tls) as server, httpx.AsyncClient(transport=outbound) as http:
        assert (await http.get(server.url(scheme="https"))).text == "ok"
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await http.get(server.url("b.example.test", scheme="https"))


async def test_an_ipv6_address_is_asked_as_one():
    allowed = Allowed((ipaddress.ip_network("::1/128"),))
    try:
        async with serving(address="::1") as server:
            assert (await get(server.url("[::1]"), allowed=allowed)).text == "ok"
            assert (await get(server.url(), Resolver(["::1"]), allowed)).text == "ok"
    except OSError:
        pytest.skip("no IPv6 on this machine")
