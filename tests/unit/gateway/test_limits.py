"""Buckets, addresses and the numbers a process may be told."""

from __future__ import annotations

import pytest

from gateway.limits import Limited, Limits, RateLimiter, client_address, declared_length
from gateway.refusals import HeadersTooLarge, RateLimited, RequestInvalid, UrlTooLong
from services.common.settings import SettingMissing


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def allowed(limiter, address, times):
    """How many of so many requests at once pass."""
    count = 0
    for _ in range(times):
        try:
            limiter.take(address)
        except RateLimited:
            continue
        count += 1
    return count


def test_a_burst_passes_and_then_as_many_as_the_rate_gives():
    clock = Clock()
    limiter = RateLimiter(Limits(rate_per_second=10, burst=5), clock)
    assert allowed(limiter, "a", 20) == 5
    clock.now += 0.35
    assert allowed(limiter, "a", 20) == 3
    clock.now += 3600
    assert allowed(limiter, "a", 20) == 5


def test_one_address_takes_nothing_from_another():
    limiter = RateLimiter(Limits(rate_per_second=1, burst=2), Clock())
    assert allowed(limiter, "a", 9) == 2
    assert allowed(limiter, "b", 9) == 2


def test_a_refusal_says_in_how_many_whole_seconds_a_token_comes():
    limiter = RateLimiter(Limits(rate_per_second=0.25, burst=1), Clock())
    limiter.take("a")
    with pytest.raises(RateLimited) as refused:
        limiter.take("a")
    assert refused.value.retry_after == 4


def test_only_the_latest_addresses_are_remembered():
    limiter = RateLimiter(Limits(rate_per_second=1, burst=1, addresses=3), Clock())
    for address in "abcd":
        assert allowed(limiter, address, 2) == 1
    assert len(limiter._buckets) == 3
    assert allowed(limiter, "d", 1) == 0
    assert allowed(limiter, "a", 1) == 1


def test_a_rate_of_nothing_is_no_limit():
    assert allowed(RateLimiter(Limits(rate_per_second=0, burst=1), Clock()), "a", 50) == 50


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "20010db800010002"),
        ("2001:db8:1:2::9%eth0", "20010db800010002"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_an_ipv6_network_shares_one_bucket(host, address):
    assert client_address({"client": (host, 1234)}) == address


def test_a_caller_without_an_address_has_a_bucket_too():
    assert client_address({"client": None}) == ""


@pytest.mark.parametrize("text", [b"-1", b"1.0", b"\xb2", b"0x10", b"9" * 20])
def test_a_content_length_is_a_number_or_refused(text):
    with pytest.raises(RequestInvalid):
        declared_length({"headers": [(b"content-length", text)]})


LONG = b"a" * 9_000


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        (b"/api/v1/query", b"q=" + LONG, "q"),
        (b"/api/v1/query", b"kind=item&q=" + LONG + b"&page_size=1", "q"),
        (b"/" + LONG, b"q=1", "path"),
        (b"/api/v1/query", b"&a=1" * 3_000, "query"),
        (b"/api/v1/query", LONG, "query"),
        (b"/api/v1/query", b"530102199001011234=" + LONG, "query"),
        (b"/api/v1/query", b"%00\xff=" + LONG, "query"),
    ],
)
async def test_an_address_that_is_too_long_is_refused_by_what_fills_it(path, query, field):
    with pytest.raises(UrlTooLong) as refused:
        await measured(raw_path=path, query_string=query)
    assert [one.field for one in refused.value.violations] == [field]


@pytest.mark.parametrize(("name", "field"), [(b"x-much", "x-much"), (b"\xff" * 90, "headers")])
async def test_headers_that_are_too_large_are_refused_by_the_largest(name, field):
    with pytest.raises(HeadersTooLarge) as refused:
        await measured(headers=[(b"host", b"city"), (name, b"a" * 17_000), (b"accept", b"*/*")])
    assert [one.field for one in refused.value.violations] == [field]


async def measured(**scope):
    """Show such a request to the limits; nothing behind them is reached."""
    whole = {"type": "http", "raw_path": b"/", "query_string": b"", "headers": [], **scope}
    await Limited(None, Limits(), None, None)(whole, None, None)


def test_the_environment_sets_rate_and_burst_and_nothing_else():
    assert Limits.from_env({}) == Limits()
    env = {"ZHENGTONG_RATE_PER_SECOND": "7", "ZHENGTONG_RATE_BURST": "0"}
    assert Limits.from_env(env) == Limits(rate_per_second=7, burst=1)
    with pytest.raises(SettingMissing, match="ZHENGTONG_RATE_BURST"):
        Limits.from_env({"ZHENGTONG_RATE_BURST": "many"})
