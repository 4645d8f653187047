"""Sessions: any order of renewals and replays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.common.access import OutOfReach
from services.identity import usecases
from services.identity.domain import Account, Session, SessionEnded, sessions
from tests.conftest import NOW
from tests.fake_identity import FakeAccounts, FakeMandates, FakeSessions
from tests.identity_house import COMPANY


def session(**changes):
    return Session(
        **{
            "session_id": "s1",
            "account_id": "a1",
            "start_time": NOW,
            "renew_time": NOW,
            "address": "",
        }
        | changes
    )


def renew(known, generation, now):
    return sessions.renewed(known, generation, on_behalf_of="", now=now)


@pytest.mark.rule("A-4")
@given(st.integers(0, 43_200), st.integers(1, 5), st.integers(-1, 9))
def test_only_the_latest_token_renews_and_only_the_one_before_it_is_forgiven(
    seconds, latest, generation
):
    known = session(generation=latest)
    now = NOW + timedelta(seconds=seconds)
    if seconds >= 1800:
        with pytest.raises(SessionEnded):
            renew(known, generation, now)
        return
    after = renew(known, generation, now)
    if generation == latest:
        assert (after.generation, after.renew_time) == (latest + 1, now)
    elif generation == latest - 1 and seconds <= 20:
        assert after == known
    else:
        assert after is None


@pytest.mark.rule("A-4")
def test_a_session_is_twelve_hours_old_at_most():
    long_ago = session(start_time=NOW - timedelta(hours=12))
    assert long_ago.expire_time == NOW
    with pytest.raises(SessionEnded):
        renew(long_ago, 1, NOW)
    assert session().expire_time == NOW + timedelta(minutes=30)


class Renewals(RuleBasedStateMachine):
    """An owner and a thief, who has some of the tokens, renew in any order at any time."""

    @initialize()
    def begin(self):
        self.now = NOW
        self.accounts, self.store = FakeAccounts(NOW), FakeSessions(NOW)
        self.accounts.open(Account("a1", "login", "张三", ("person",)), "")
        self.store.begin(session())
        self.given = [1]  # generations, in the order they were given
        self.ended = False

    @rule(seconds=st.sampled_from([1, 5, 21, 600]))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(data=st.data(), on_behalf_of=st.sampled_from(["", COMPANY]))
    @precondition(lambda self: self.given)
    def somebody_renews(self, data, on_behalf_of):
        generation = data.draw(st.sampled_from(self.given))
        known = self.store.find("s1")
        over = known is None or self.now >= known.expire_time
        replay = not over and (
            generation < known.generation - 1
            or (generation < known.generation and self.now > known.renew_time + sessions.LEEWAY)
        )
        if over or (on_behalf_of and not replay):  # nobody gave a mandate
            with pytest.raises(SessionEnded if over else OutOfReach):
                self._renew(generation, on_behalf_of)
            return
        signed = self._renew(generation, on_behalf_of)
        if replay:
            assert signed is None
            self.ended = True
        else:
            assert signed.session.generation in {known.generation, known.generation + 1}
            self.given.append(signed.session.generation)

    def _renew(self, generation, on_behalf_of):
        return usecases.renew(
            "s1",
            generation,
            on_behalf_of,
            now=self.now,
            accounts=self.accounts,
            store=self.store,
            held=FakeMandates(self.now),
        )

    @invariant()
    def after_a_replay_no_token_works(self):
        if getattr(self, "ended", False):
            assert self.store.find("s1") is None
            for generation in self.given:
                with pytest.raises(SessionEnded):
                    self._renew(generation, "")


TestRenewals = pytest.mark.rule("A-4")(Renewals.TestCase)


@pytest.mark.rule("A-4")
def test_a_replay_is_found_out_whatever_it_asks_for():
    accounts, store = FakeAccounts(NOW), FakeSessions(NOW)
    accounts.open(Account("a1", "login", "张三", ("person",)), "")
    store.begin(session(generation=5))
    found = usecases.renew(
        "s1", 2, COMPANY, now=NOW, accounts=accounts, store=store, held=FakeMandates(NOW)
    )
    assert found is None
    assert store.endings == ["s1"]


@pytest.mark.rule("A-4")
def test_a_session_of_an_account_out_of_use_ends():
    accounts, store = FakeAccounts(NOW), FakeSessions(NOW)
    accounts.open(Account("a1", "login", "张三", ("person",), active=False), "")
    store.begin(session())
    held = FakeMandates(NOW)
    asked = {"now": NOW, "accounts": accounts, "store": store, "held": held}
    assert usecases.renew("s1", 1, "", **asked) is None
    assert store.find("s1") is None
