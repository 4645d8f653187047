"""Slowing those who guess, whatever they do at one moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity import domain, usecases
from services.identity.domain import Account, Tries, TriesSlowed, tries
from services.identity.domain.tries import faded
from tests.conftest import NOW
from tests.fake_identity import FakeAccounts, FakePasswords, FakeTries


def waits(failures, free=tries.FREE_OF_ACCOUNT):
    try:
        tries.check(Tries(failures, NOW), free, now=NOW)
    except TriesSlowed as slowed:
        return slowed.retry_after
    return 0


@pytest.mark.rule("A-3")
def test_after_the_free_ones_each_next_try_waits_twice_as_long():
    assert [waits(n) for n in (0, 4, 5, 6, 7, 14, 15, 99, 10**9)] == [
        *(0, 0, 1, 2, 4, 512, 900, 900, 900)
    ]


@pytest.mark.rule("A-3")
@given(st.integers(0, 40), st.integers(0, 2000))
def test_a_wait_is_over_by_the_clock_and_not_before(failures, seconds):
    now = NOW + timedelta(seconds=seconds)
    if seconds >= waits(failures):
        tries.check(Tries(failures, NOW), 5, now=now)
        return
    with pytest.raises(TriesSlowed) as slowed:
        tries.check(Tries(failures, NOW), 5, now=now)
    assert slowed.value.retry_after == waits(failures) - seconds


@pytest.mark.rule("A-3")
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), max_size=60))
def test_no_more_tries_are_heard_than_the_waits_allow(moments):
    """All that come at one moment have read the same count before the first of them writes."""
    log, now, heard = FakeTries(NOW), NOW, 0
    for pause, at_once in moments:
        now += timedelta(seconds=pause)
        log.now = now
        seen = log.of_login("x")
        heard += sum(_passes(log, seen, now) for _ in range(at_once))
    elapsed, allowed = (now - NOW).total_seconds(), 5
    while 2 ** (allowed - 5) - 1 < elapsed:
        allowed += 1
    assert heard <= allowed + 1


def _passes(log, seen, now):
    try:
        tries.check(seen, tries.FREE_OF_ACCOUNT, now=now)
    except TriesSlowed:
        return False
    return log.begin("x", seen)


class Signing:
    """One account, and tries to sign in to it."""

    def __init__(self, **changes):
        self.accounts, self.tries = FakeAccounts(NOW), FakeTries(NOW)
        self.passwords = FakePasswords()
        account = Account("a1", "zhangsan", "张三", ("person",), **changes)
        self.accounts.open(account, "hash of right")

    def check(self, login="ZhangSan", password="right", address="192.0.2.7"):
        return usecases.check_credentials(
            login,
            password,
            address,
            now=NOW,
            accounts=self.accounts,
            passwords=self.passwords,
            tries=self.tries,
        )


@pytest.mark.rule("A-3")
def test_the_right_password_lets_its_account_in_and_forgets_failures():
    signing = Signing()
    with pytest.raises(domain.SignInRefused):
        signing.check(password="wrong")
    assert signing.check().account_id == "a1"
    assert signing.tries.of_login("zhangsan") == Tries()
    assert signing.tries.of_address("192.0.2.7").failures == 1


@pytest.mark.rule("A-3")
def test_unknown_wrong_and_disabled_are_told_alike_and_each_costs_a_hash():
    told = []
    for signing, login, password in (
        (Signing(), "nobody", "right"),
        (Signing(), "zhangsan", "wrong"),
        (Signing(active=False), "zhangsan", "right"),
    ):
        with pytest.raises(domain.SignInRefused) as refusal:
            signing.check(login, password)
        told.append((str(refusal.value), signing.passwords.checked))
    assert len(set(told)) == 1
    assert told[0][1] == 1


@pytest.mark.rule("A-3")
def test_while_a_wait_goes_on_nothing_is_hashed():
    signing = Signing()
    signing.tries.rows["login", "zhangsan"] = Tries(5, NOW)
    with pytest.raises(TriesSlowed):
        signing.check()
    signing = Signing()
    signing.tries.rows["address", "192.0.2.7"] = Tries(20, NOW)
    with pytest.raises(TriesSlowed):
        signing.check()
    assert signing.passwords.checked == 0
    assert signing.check(address="").account_id == "a1"


@pytest.mark.rule("A-3")
def test_an_address_that_many_share_is_forgiven_one_failure_a_minute():
    tries = Tries(30, NOW)
    assert faded(tries, now=NOW + timedelta(seconds=59)) == tries
    assert faded(tries, now=NOW + timedelta(minutes=7, seconds=1)) == Tries(23, NOW)
    assert faded(tries, now=NOW + timedelta(days=1)) == Tries(0, NOW)
    assert faded(Tries(), now=NOW) == Tries()
    signing = Signing()
    signing.tries.rows["address", "192.0.2.7"] = Tries(20, NOW - timedelta(minutes=1))
    assert signing.check().account_id == "a1"


@pytest.mark.rule("A-3")
def test_who_has_no_address_is_not_counted_with_others_who_have_none():
    signing = Signing()
    with pytest.raises(domain.SignInRefused):
        signing.check(password="wrong", address="")
    assert signing.tries.of_address("") == Tries()
