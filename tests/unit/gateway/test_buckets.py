"""Buckets by arithmetic: never more than burst and rate allow, never less."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.limits import Limits, RateLimiter
from gateway.refusals import RateLimited


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def takes(limiter, whose, rate=0.0):
    """0 where one may pass; else the seconds one is told to wait."""
    try:
        limiter.take(whose, rate)
    except RateLimited as refused:
        return refused.retry_after
    return 0


# Multiples of 1/16, which floats add without an error.
WAITS = st.lists(st.integers(0, 80).map(lambda n: n / 16), min_size=1, max_size=80)
RATES = st.sampled_from([0.25, 0.5, 1.0, 2.0, 8.0])


@given(WAITS, RATES, st.integers(1, 8))
@example([0.0] * 9, 1.0, 8)
def test_a_bucket_gives_exactly_what_burst_and_rate_allow(waits, rate, burst):
    clock = Clock()
    limiter = RateLimiter(Limits(rate_per_second=rate, burst=burst), clock)
    tokens = float(burst)
    for wait in waits:
        clock.now += wait
        tokens = min(burst, tokens + wait * rate)
        assert limiter.quota("a").remaining == int(tokens)
        retry = takes(limiter, "a")
        assert (retry == 0) is (tokens >= 1)
        if retry:
            assert retry == math.ceil((1 - tokens) / rate)
        else:
            tokens -= 1


@given(WAITS, RATES, st.integers(1, 8))
def test_whoever_waits_as_long_as_told_passes(waits, rate, burst):
    clock = Clock()
    limiter = RateLimiter(Limits(rate_per_second=rate, burst=burst), clock)
    for wait in waits:
        clock.now += wait
        if retry := takes(limiter, "a"):
            clock.now += retry
            assert takes(limiter, "a") == 0


STEPS = st.lists(
    st.tuples(st.integers(0, 16).map(lambda n: n / 16), st.sampled_from("abcdefgh")), max_size=80
)


@given(STEPS)
def test_nobody_takes_from_anybody_else_and_what_is_remembered_is_bounded(steps):
    clock = Clock()
    limits = Limits(rate_per_second=2, burst=3, addresses=4)
    together = RateLimiter(limits, clock)
    alone = {one: RateLimiter(limits, clock) for one in "abcdefgh"}
    latest = []
    for wait, whose in steps:
        clock.now += wait
        forgotten = whose in latest and whose not in latest[-4:]
        if forgotten or whose not in latest:
            alone[whose] = RateLimiter(limits, clock)
        assert takes(together, whose) == takes(alone[whose], whose)
        latest = [one for one in latest if one != whose] + [whose]
        assert len(together._buckets) <= 4


def test_quota_takes_nothing_and_remembers_nobody():
    limiter = RateLimiter(Limits(rate_per_second=1, burst=3), Clock())
    for _ in range(9):
        assert limiter.quota("a").remaining == 3
    assert not limiter._buckets


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 200), (100.0, 400), (10.0, 40), (0.1, 1)])
def test_a_rate_of_ones_own_changes_the_burst_in_proportion(rate, burst):
    quota = RateLimiter(Limits(), Clock()).quota("client c", rate)
    assert (quota.rate_per_second, quota.burst) == (rate or 50.0, burst)
    assert quota.remaining == burst


def test_a_rate_that_is_lowered_holds_at_once():
    limiter = RateLimiter(Limits(rate_per_second=10, burst=10), Clock())
    assert takes(limiter, "c", 100.0) == 0
    assert limiter.quota("c", 1.0).remaining == 1
    assert takes(limiter, "c", 1.0) == 0
    assert takes(limiter, "c", 1.0) == 1


def test_where_nobody_is_limited_no_client_is():
    limiter = RateLimiter(Limits(rate_per_second=0), Clock())
    assert [takes(limiter, "c", 1.0) for _ in range(300)] == [0] * 300
    assert limiter.quota("c", 1.0).rate_per_second == 0
