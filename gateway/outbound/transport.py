"""How requests go out: an httpx transport that connects where it was judged, within bounds."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import httpx

from gateway.outbound.addresses import Allowed, judge, target
from gateway.refusals import AnswerRefused

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

MOST_ADDRESSES: Final = 4
REDIRECTS: Final = 3
"""At most, where a client follows any; each is judged as if it were asked for first."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much another server may send, and take.

    Args:
        seconds: from the name's resolution to the last byte; a redirect counts anew.
    """

    answer_bytes: int = 1024 * 1024
    seconds: float = 10.0
    connect_seconds: float = 3.0


USUAL: Final = Bounds()


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a host, as this machine knows them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Outbound(httpx.AsyncBaseTransport):
    """Sends requests to addresses that were judged, and takes answers within bounds.

    Args:
        verify: whom TLS trusts; the usual authorities where it is None.
    """

    def __init__(
        self,
        allowed: Allowed,
        bounds: Bounds = USUAL,
        resolver: Resolve = resolve,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = allowed
        self._bounds = bounds
        self._resolve = resolver
        # No connection is kept: one to an address could be taken for another name that has the
        # same address, and that name's certificate would not be looked at. Nor does a proxy of the
        # environment stand between: it would resolve the name itself.
        self._inner = httpx.AsyncHTTPTransport(
            verify=verify or _usual_trust(),
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            AddressRefused: the address is none that the platform sends requests to.
            AnswerRefused: the answer is packed, too long, or does not come in time.
            httpx.TransportError: the other server cannot be reached, or breaks off.
        """
        deadline = asyncio.get_running_loop().time() + self._bounds.seconds
        try:
            async with asyncio.timeout_at(deadline):
                host, addresses = await self._judged(request.url)
                answer = await self._first(request, host, addresses)
        except TimeoutError:
            raise _too_slow() from None
        stream = answer.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        if answer.headers.get("content-encoding", "identity") != "identity":
            await stream.aclose()
            raise AnswerRefused("对方服务器的应答经过压缩，未予接收。")
        return httpx.Response(
            answer.status_code,
            headers=answer.headers,
            stream=_Bounded(stream, self._bounds.answer_bytes, deadline),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()

    async def _judged(self, url: httpx.URL) -> tuple[str, Sequence[str]]:
        host, port = target(url)
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise httpx.ConnectError("the host has no address")
        # Every one of them: a name with one address inside is no name of the public network.
        for address in found:
            judge(host, port, address, self._allowed)
        return host, found[:MOST_ADDRESSES]

    async def _first(
        self, request: httpx.Request, host: str, addresses: Sequence[str]
    ) -> httpx.Response:
        """The answer of the first address that takes the connection."""
        *others, last = addresses
        for address in others:
            try:
                return await self._inner.handle_async_request(self._pinned(request, host, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(self._pinned(request, host, last))

    def _pinned(self, request: httpx.Request, host: str, address: str) -> httpx.Request:
        """The same request to one address; Host and TLS go on with the name."""
        headers = request.headers.copy()
        headers["host"] = request.url.netloc.decode("ascii")
        headers["accept-encoding"] = "identity"  # a few bytes could unpack to more than memory
        times = dict.fromkeys(("read", "write", "pool"), self._bounds.seconds)
        return httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=headers,
            stream=request.stream,
            extensions={
                "sni_hostname": host,
                "timeout": {**times, "connect": self._bounds.connect_seconds},
            },
        )


class _Bounded(httpx.AsyncByteStream):
    """An answer's body, as far as its bounds go."""

    def __init__(self, stream: httpx.AsyncByteStream, at_most: int, deadline: float) -> None:
        self._stream = stream
        self._left = at_most
        self._deadline = deadline

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = aiter(self._stream)
        while True:
            try:
                async with asyncio.timeout_at(self._deadline):
                    part = await anext(parts, None)
            except TimeoutError:
                raise _too_slow() from None
            if part is None:
                return
            self._left -= len(part)
            if self._left < 0:
                raise AnswerRefused("对方服务器的应答过长，未予接收。")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


def client(allowed: Allowed, bounds: Bounds = USUAL) -> httpx.AsyncClient:
    """A client for addresses from outside; it follows redirects only where a request says so."""
    return httpx.AsyncClient(
        transport=Outbound(allowed, bounds),
        trust_env=False,
        follow_redirects=False,
        max_redirects=REDIRECTS,
    )


@cache
def _usual_trust() -> ssl.SSLContext:
    """The usual authorities, read once: that takes tens of milliseconds."""
    return httpx.create_ssl_context(trust_env=False)


def _too_slow() -> AnswerRefused:
    return AnswerRefused("对方服务器没有及时应答，请稍后再试。")
