"""How much one request, and one address, may ask of the gateway."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import os
import re
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.refusals import (
    BodyBroken,
    BodyTooLarge,
    BodyTooSlow,
    HeadersTooLarge,
    RateLimited,
    RequestInvalid,
    RequestTooSlow,
    UrlTooLong,
)
from services.common.access import ANONYMOUS
from services.common.errors import Unauthenticated, Violation
from services.common.settings import SettingMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from gateway.identity import Identity

_NAME = re.compile(rb"[A-Za-z_.]{1,80}|[A-Za-z-]{1,80}")
"""A name that may be told back: a parameter's or a header's, with nobody's number in it."""

HEAD_SHORTENED = "zhengtong.head_shortened"
"""In a scope's extensions where the server kept but the beginning of a long head."""

PROBES = ("/healthz", "/readyz", "/metrics")
"""Asked by supervisors, often from an address that asks for much else: never rate limited."""

WHOLE_CATALOGUE = ("/open-data/items.jsonl", "/open-data/items.xlsx")
"""Files as long as the catalogue: a line with little to spare takes longer than an answer may."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers; /api/docs tells them to callers.

    Args:
        rate_per_second: requests that an address, account or client may make for long; 0: no limit.
        burst: requests that it may make at once.
        addresses: how many of them are remembered, the latest.
    """

    body_bytes: int = 1024 * 1024
    upload_bytes: int = 4 * 1024 * 1024
    url_bytes: int = 8 * 1024
    header_bytes: int = 16 * 1024
    body_seconds: float = 20.0
    call_seconds: float = 10.0
    upload_seconds: float = 30.0
    request_seconds: float = 60.0
    download_seconds: float = 3600.0
    rate_per_second: float = 50.0
    burst: int = 200
    addresses: int = 10_000

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Limits:
        """The limits of this process: ZHENGTONG_RATE_PER_SECOND and ZHENGTONG_RATE_BURST.

        Raises:
            SettingMissing: a value is not a whole number.
        """
        usual = cls()
        rate = _number(env, "ZHENGTONG_RATE_PER_SECOND", usual.rate_per_second)
        burst = _number(env, "ZHENGTONG_RATE_BURST", usual.burst)
        return cls(rate_per_second=rate, burst=max(1, burst))


def _number(env: Mapping[str, str], name: str, default: float) -> int:
    text = env.get(name, "") or str(int(default))
    if not (text.isascii() and text.isdecimal()):
        raise SettingMissing(f"{name}: {text!r} is not a whole number")
    return int(text)


@dataclass(frozen=True, slots=True)
class Quota:
    """What somebody may ask: so much a second for long, so much at once, so much just now."""

    rate_per_second: float
    burst: int
    remaining: int


class RateLimiter:
    """A bucket of tokens for each address, account and client; what it remembers is bounded.

    Args:
        clock: seconds that only rise.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = limits.rate_per_second
        self._burst = float(limits.burst)
        self._most = limits.addresses
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, whose: str, rate: float = 0.0) -> None:
        """Take one token from somebody's bucket.

        Args:
            whose: an address, or the id of an account or client.
            rate: tokens that come back a second; 0: the usual number.

        Raises:
            RateLimited: it is empty.
        """
        rate, burst = self._measures(rate)
        if not rate:
            return
        now = self._clock()
        tokens = self._tokens(whose, rate, burst, now)
        allowed = tokens >= 1.0
        self._buckets[whose] = (tokens - 1.0 if allowed else tokens, now)
        self._buckets.move_to_end(whose)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        if not allowed:
            raise RateLimited(math.ceil((1.0 - tokens) / rate))

    def quota(self, whose: str, rate: float = 0.0) -> Quota:
        """How somebody's bucket stands, without taking anything."""
        rate, burst = self._measures(rate)
        left = self._tokens(whose, rate, burst, self._clock()) if rate else burst
        return Quota(rate, int(burst), int(left))

    def _measures(self, rate: float) -> tuple[float, float]:
        """Who may ask faster than others may also ask more at once, in the same proportion."""
        if not self._rate or not rate:
            return self._rate, self._burst
        return rate, max(1.0, self._burst * rate / self._rate)

    def _tokens(self, whose: str, rate: float, burst: float, now: float) -> float:
        tokens, since = self._buckets.get(whose, (burst, now))
        return min(burst, tokens + (now - since) * rate)


class Limited:
    """Middleware: refuses what is too long, too often or too slow."""

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        identity: Identity,
        limiter: RateLimiter,
    ) -> None:
        self._app = app
        self._limits = limits
        self._identity = identity
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._measure(scope)
        if scope["path"] not in PROBES:
            self._limiter.take(*whose_bucket(scope, self._identity))
        limits = self._limits
        long = scope["path"] in WHOLE_CATALOGUE
        seconds = limits.download_seconds if long else limits.request_seconds
        try:
            async with asyncio.timeout(seconds) as whole:
                await self._app(scope, receive, send)
        except TimeoutError:
            if not whole.expired():
                raise
            raise RequestTooSlow("处理时间过长，请求已中止，请稍后再试。") from None

    def _measure(self, scope: Scope) -> None:
        path, query = scope["raw_path"], scope["query_string"]
        if len(path) + len(query) > self._limits.url_bytes:
            longest = "path" if len(path) > len(query) else _longest_parameter(query)
            raise UrlTooLong(self._limits.url_bytes, longest)
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if HEAD_SHORTENED in scope.get("extensions", ()):
            size = max(size, self._limits.header_bytes + 1)  # the rest of them is not here
        if size > self._limits.header_bytes:
            raise HeadersTooLarge(self._limits.header_bytes, _largest_header(scope["headers"]))
        if declared_length(scope) > self._limits.upload_bytes:
            raise BodyTooLarge(self._limits.upload_bytes)


def _longest_parameter(query: bytes) -> str:
    """The parameter that fills most of a query string; `query` where no single one does."""
    longest = max(query.split(b"&"), key=len)
    name = longest.partition(b"=")[0]
    fills = len(longest) * 2 > len(query)
    return name.decode() if fills and _NAME.fullmatch(name) else "query"


def _largest_header(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The header field that takes the most room; `headers` where it has no fit name."""
    name = max(headers, key=lambda field: len(field[0]) + len(field[1]))[0]
    return name.decode() if _NAME.fullmatch(name) else "headers"


def header(scope: Scope, name: bytes) -> bytes:
    """The first header field of that lower-case name; empty where there is none."""
    return next((value for key, value in scope["headers"] if key == name), b"")


def declared_length(scope: Scope) -> int:
    """What Content-Length says; 0 where it is absent.

    Raises:
        RequestInvalid: it is not a number.
    """
    text = header(scope, b"content-length")
    if not text:
        return 0
    if not text.isdigit() or len(text) > 19:
        wrong = Violation("content-length", "应为非负整数。")
        raise RequestInvalid("请求头 Content-Length 有误。", wrong)
    return int(text)


def whose_bucket(scope: Scope, identity: Identity) -> tuple[str, float]:
    """Whose bucket a request takes from, and its rate; 0: the usual one.

    Who shows something that is not known yet takes from a bucket that its address has for this
    alone: others there neither keep it from being known nor guess keys any faster. A client that
    was known a minute ago takes from its own: a flood of guesses could not keep it out.
    """
    try:
        known = identity.lately(scope)
    except Unauthenticated:
        known = None
    if known is None:
        return f"{client_address(scope)} unknown", 0.0
    if known.caller is ANONYMOUS:
        return client_address(scope), 0.0
    return f"{known.caller.kind} {known.caller.principal}", float(known.rate)


def client_address(scope: Scope) -> str:
    """Whom a bucket belongs to: an IPv4 address, or the /64 network of an IPv6 one."""
    host: str = (scope.get("client") or ("",))[0]
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return address.packed[:8].hex()


async def read_body(scope: Scope, receive: Receive, at_most: int, limits: Limits) -> bytes:
    """The whole body.

    Raises:
        BodyTooLarge: longer than `at_most` bytes, declared or come.
        BodyTooSlow: it did not come in time.
        BodyBroken: it ended before it was whole, perhaps because the caller went away.
    """
    if declared_length(scope) > at_most:
        raise BodyTooLarge(at_most)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BodyBroken("请求内容没有传完整。")
                part = message.get("body", b"")
                size += len(part)
                if size > at_most:
                    raise BodyTooLarge(at_most)
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise BodyTooSlow("请求内容没有在规定时间内传完。") from None
