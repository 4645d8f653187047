"""One suite for the stores of identity, on fakes and on MongoDB; then what only MongoDB has."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import date, timedelta

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandListener

from services.common.errors import NotFound, Stale
from services.common.personal.vault import Vault
from services.common.transaction import Unit
from services.identity import domain, usecases
from services.identity import store as mongo_store
from services.identity.domain import Account, Client, Mandate, Session, Tries
from services.identity.domain.clients import ClientInvalid
from services.identity.store import (
    MongoAccounts,
    MongoClients,
    MongoMandates,
    MongoSessions,
    MongoTries,
)
from tests import fake_identity as fakes
from tests.conftest import NOW
from tests.identity_house import (
    DALI,
    KUNMING,
    RING,
    WUHUA,
    YUNNAN,
    resident_id,
)

COMPANY, OTHER_COMPANY = "91530100010090011J", "91530300030090035F"
VAULT = Vault.from_env({"ZHENGTONG_PERSONAL_KEYS": RING})
NEWER = base64.b64encode(bytes([9]) * 32).decode()


class Stores:
    """The stores of one unit of work."""

    def __init__(self, accounts, sessions, mandates, clients, tries):
        self.accounts = accounts
        self.sessions = sessions
        self.mandates = mandates
        self.clients = clients
        self.tries = tries


def stores_of(unit, vault=VAULT):
    return Stores(
        MongoAccounts(unit, vault),
        MongoSessions(unit),
        MongoMandates(unit),
        MongoClients(unit),
        MongoTries(unit.database, unit.now),
    )


@pytest.fixture(params=["fake", "mongo"])
def run(request):
    """Runs work on all the stores in a unit of its own, and gives what it gives."""
    if request.param == "fake":
        kept = Stores(
            fakes.FakeAccounts(NOW),
            fakes.FakeSessions(NOW),
            fakes.FakeMandates(NOW),
            fakes.FakeClients(NOW),
            fakes.FakeTries(NOW),
        )
        return lambda work: work(kept)
    committed = request.getfixturevalue("committed")
    mongo_store.ensure(request.getfixturevalue("database"))
    request.getfixturevalue("planned")
    return lambda work: committed(lambda unit: work(stores_of(unit)))


def person(number=1, **changes):
    fields = {
        "account_id": f"a{number:03}",
        "login": f"user{number}",
        "name": "张三丰",
        "roles": ("person",),
        "identity_number": resident_id(number),
        "phone": "13812343210",
        "update_time": NOW,
    }
    return Account(**fields | changes)


def officer(number, region):
    return Account(f"a{number:03}", f"user{number}", "李四", ("approver",), "D", region)


def client(number=1, **changes):
    fields = {
        "client_id": f"c{number}",
        "name": "系统",
        "department": "11530000MB2XA0017A",
        "region": KUNMING,
        "rights": ("a.b.c",),
        "update_time": NOW,
    }
    return Client(**fields | changes)


def mandate(number=1, **changes):
    fields = {
        "mandate_id": f"m{number:03}",
        "representative": False,
        "subject_code": COMPANY,
        "account_id": "a001",
        "login": "han.mei",
        "granted_by": "a002",
        "scopes": ("a.b.c",),
        "expire_date": date(2026, 12, 31),
        "update_time": NOW,
    }
    return Mandate(**fields | changes)


def test_an_account_is_kept_found_and_changed(run):
    kept = run(lambda s: s.accounts.open(person(), "hash"))
    assert kept == person()
    found = run(
        lambda s: (
            s.accounts.get("a001"),
            s.accounts.by_login("user1"),
            s.accounts.find_person(resident_id(1).lower()),
        )
    )
    assert found == (kept, kept, kept)
    changed = replace(kept, active=False, version=2)
    assert run(lambda s: s.accounts.save(changed)) == changed
    assert run(lambda s: s.accounts.password_of("a001")) == "hash"
    run(lambda s: s.accounts.save(replace(changed, version=3), "new"))
    assert run(lambda s: s.accounts.password_of("a001")) == "new"
    run(lambda s: s.accounts.save(replace(changed, version=4), ""))
    run(lambda s: s.accounts.save(replace(changed, version=5)))
    assert run(lambda s: s.accounts.password_of("a001")) == ""


def test_what_is_not_there_is_not_found(run):
    assert run(lambda s: s.accounts.find_person(resident_id(9))) is None
    assert run(lambda s: s.accounts.find_outside("i", "s")) is None
    assert run(lambda s: s.accounts.password_of("a9")) == ""
    assert run(lambda s: (s.clients.by_key("k"), s.clients.by_certificate("c"))) == (None, None)
    with pytest.raises(domain.AccountNotFound):
        run(lambda s: s.accounts.get("a9"))
    with pytest.raises(domain.AccountNotFound):
        run(lambda s: s.accounts.by_login("nobody"))
    with pytest.raises(domain.MandateNotFound):
        run(lambda s: s.mandates.get("m9"))
    with pytest.raises(domain.ClientNotFound):
        run(lambda s: s.clients.get("c9"))


@pytest.mark.rule("A-1")
def test_a_login_and_a_person_are_there_once(run):
    run(lambda s: s.accounts.open(person(), ""))
    with pytest.raises(domain.LoginTaken):
        run(lambda s: s.accounts.open(person(2, login="user1"), ""))
    with pytest.raises(domain.PersonKnown):
        run(lambda s: s.accounts.open(person(2, identity_number=resident_id(1)), ""))


def test_a_change_of_what_was_changed_since_is_stale(run):
    run(lambda s: s.accounts.open(person(), ""))
    run(lambda s: s.accounts.save(person(version=2)))
    with pytest.raises(Stale):
        run(lambda s: s.accounts.save(person(version=2)))
    run(lambda s: s.clients.register(client(), "k"))
    with pytest.raises(Stale):
        run(lambda s: s.clients.save(client(version=3)))


def test_whom_a_provider_means_is_remembered_through_changes(run):
    run(lambda s: s.accounts.open(person(), ""))
    run(lambda s: s.accounts.link_outside("a001", "issuer", "subject"))
    run(lambda s: s.accounts.save(person(version=2)))
    assert run(lambda s: s.accounts.find_outside("issuer", "subject")).version == 2


def test_accounts_of_a_region_are_paged_in_order(run):
    for number, region in enumerate((WUHUA, DALI, KUNMING, YUNNAN), 1):
        run(lambda s, n=number, r=region: s.accounts.open(officer(n, r), ""))
    run(lambda s: s.accounts.open(person(9), ""))

    def ids(region, after="", size=10):
        page = run(lambda s: s.accounts.page(region=region, after=after, size=size))
        return [one.account_id for one in page]

    assert ids(KUNMING) == ["a001", "a003"]
    assert ids(YUNNAN, size=3) == ["a001", "a002", "a003"]
    assert ids(YUNNAN, after="a003") == ["a004"]
    assert ids("") == []


def test_sessions_begin_are_renewed_and_end(run):
    early, late = (
        Session(f"s{n}", "a001", NOW + timedelta(seconds=n), NOW, "192.0.2.*") for n in (1, 2)
    )
    run(lambda s: (s.sessions.begin(early), s.sessions.begin(late)))
    assert run(lambda s: s.sessions.of_account("a001", 9)) == [late, early]
    after = replace(early, generation=2, on_behalf_of=COMPANY)
    run(lambda s: s.sessions.renew(after, 1))
    with pytest.raises(Stale):
        run(lambda s: s.sessions.renew(after, 1))
    assert run(lambda s: s.sessions.find("s1")) == after
    run(lambda s: s.sessions.end_all("a001", but="s2"))
    assert run(lambda s: (s.sessions.find("s1"), s.sessions.find("s2"))) == (None, late)
    run(lambda s: s.sessions.end(["s2"]))
    assert run(lambda s: s.sessions.of_account("a001", 9)) == []


def test_the_oldest_sessions_of_an_account_end(run):
    for n in (3, 1, 2):
        begun = Session(f"s{n}", "a001", NOW + timedelta(seconds=n), NOW, "")
        run(lambda s, one=begun: s.sessions.begin(one))
    run(lambda s: s.sessions.begin(Session("s0", "a002", NOW, NOW, "")))
    run(lambda s: s.sessions.end_oldest("a001", but=3))
    assert len(run(lambda s: s.sessions.of_account("a001", 9))) == 3
    run(lambda s: s.sessions.end_oldest("a001", but=1))
    assert [one.session_id for one in run(lambda s: s.sessions.of_account("a001", 9))] == ["s3"]
    assert run(lambda s: s.sessions.find("s0"))


def test_a_session_that_is_over_by_the_clock_is_not_listed(run):
    old = NOW - timedelta(minutes=30)
    run(lambda s: s.sessions.begin(Session("s1", "a001", old, old, "")))
    assert run(lambda s: s.sessions.of_account("a001", 9)) == []


def test_mandates_are_kept_listed_and_ended(run):
    kept = run(lambda s: s.mandates.grant(mandate()))
    run(lambda s: s.mandates.grant(mandate(2, representative=True, expire_date=None)))
    run(lambda s: s.mandates.grant(mandate(3, subject_code=OTHER_COMPANY)))
    assert kept == mandate()

    def own(code=""):
        return sorted(m.mandate_id for m in run(lambda s: s.mandates.of_account("a001", code)))

    assert (own(), own(COMPANY)) == (["m001", "m002", "m003"], ["m001", "m002"])
    page = run(lambda s: s.mandates.page(subject_code=COMPANY, active=None, after="m001", size=9))
    assert [one.mandate_id for one in page] == ["m002"]
    run(lambda s: s.mandates.end(replace(kept, active=False, version=2)))
    assert own(COMPANY) == ["m002"]
    with pytest.raises(Stale):
        run(lambda s: s.mandates.end(replace(kept, active=False, version=2)))


@pytest.mark.rule("A-7")
@pytest.mark.looks_at(50)  # All mandates of one account, which has few.
def test_mandates_that_expired_do_not_hide_the_one_that_holds(run):
    for number in range(60):
        gone = mandate(number, expire_date=date(2026, 11, 22))
        run(lambda s, one=gone: s.mandates.grant(one))
    run(lambda s: s.mandates.grant(mandate(99, expire_date=date(2026, 11, 23))))
    assert [m.mandate_id for m in run(lambda s: s.mandates.of_account("a001"))] == ["m099"]


@pytest.mark.rule("A-8")
def test_clients_are_found_by_key_and_certificate_while_they_are_in_use(run):
    hashed = mongo_store.key_hash
    kept = run(lambda s: s.clients.register(client(certificates=("aa",)), hashed("key")))
    run(lambda s: s.clients.register(client(2), hashed("other")))
    assert run(lambda s: s.clients.by_key("key")) == kept
    assert run(lambda s: s.clients.by_certificate("aa")) == kept
    with pytest.raises(ClientInvalid):
        run(lambda s: s.clients.save(client(2, version=2, certificates=("aa",))))
    run(lambda s: s.clients.save(replace(kept, version=2), hashed("new")))
    assert run(lambda s: (s.clients.by_key("key"), s.clients.by_key("new").version)) == (None, 2)
    run(lambda s: s.clients.save(replace(kept, version=3, active=False)))
    assert run(lambda s: (s.clients.by_key("new"), s.clients.by_certificate("aa"))) == (None, None)
    page = run(lambda s: s.clients.page(region=YUNNAN, after="c1", size=9))
    assert [one.client_id for one in page] == ["c2"]


@pytest.mark.rule("A-3")
def test_tries_are_counted_one_at_a_time(run):
    none = run(lambda s: s.tries.of_login("x"))
    assert none == Tries()
    assert run(lambda s: s.tries.begin("x", none))
    assert not run(lambda s: s.tries.begin("x", none))
    seen = run(lambda s: s.tries.of_login("x"))
    assert seen == Tries(1, NOW)
    assert run(lambda s: s.tries.begin("x", seen))
    assert not run(lambda s: s.tries.begin("x", seen))
    run(lambda s: (s.tries.failed_from("x"), s.tries.failed_from("x"), s.tries.forget("x")))
    assert run(lambda s: (s.tries.of_login("x"), s.tries.of_address("x"))) == (
        Tries(),
        Tries(2, NOW),
    )


@pytest.mark.rule("A-3")
def test_failures_of_an_address_fade_when_the_next_one_comes(database):
    def fail(minutes):
        store = MongoTries(database, NOW + timedelta(minutes=minutes))
        store.failed_from("x")
        return store.of_address("x")

    assert [fail(0).failures, fail(0).failures, fail(0.5).failures] == [1, 2, 3]
    assert fail(2) == Tries(3, NOW + timedelta(minutes=2))
    assert fail(60) == Tries(1, NOW + timedelta(minutes=60))


@pytest.mark.rule("A-3")
@pytest.mark.parametrize(
    ("tries", "one_login", "most"),
    [
        (1000, True, 15),
        (1000, False, 50),
        pytest.param(10_000, True, 26, marks=pytest.mark.long),
        pytest.param(10_000, False, 200, marks=pytest.mark.long),
    ],
)
def test_of_many_tries_few_are_hashed(database, tries, one_login, most):
    mongo_store.ensure(database)
    passwords, now = fakes.FakePasswords(), NOW
    for n in range(tries):
        now += timedelta(seconds=1)
        stores = stores_of(Unit(database, None, now))
        login, address = ("zhangsan", f"2001:db8::{n:x}") if one_login else (f"u{n}", "192.0.2.7")
        with pytest.raises((domain.SignInRefused, domain.TriesSlowed)):
            usecases.check_credentials(
                login,
                "guess",
                address,
                now=now,
                accounts=stores.accounts,
                passwords=passwords,
                tries=stores.tries,
            )
    assert 10 < passwords.checked <= most


# --- what only MongoDB has ---


def test_accounts_are_found_and_sealed_anew_after_the_keys_were_exchanged(database, committed):
    mongo_store.ensure(database)
    committed(lambda unit: stores_of(unit).accounts.open(person(), ""))
    newer = RING.replace("2027:", f"2028:{NEWER} 2027:").replace(
        "match:", f"match:{base64.b64encode(bytes([8]) * 32).decode()} match:", 1
    )
    vault = Vault.from_env({"ZHENGTONG_PERSONAL_KEYS": newer})
    known = committed(lambda unit: stores_of(unit, vault).accounts.find_person(resident_id(1)))
    assert known.name == "张三丰"
    committed(lambda unit: stores_of(unit, vault).accounts.save(replace(known, version=2)))
    kept = database["accounts"].find_one({})
    assert not vault.needs_resealing(kept["name"])
    assert bytes(kept["identity_match"]) == vault.match(resident_id(1))


@pytest.mark.rule("A-4")
def test_a_sign_in_does_not_slip_past_what_ends_all_sessions_at_the_same_moment(
    database, committed
):
    mongo_store.ensure(database)
    committed(lambda unit: stores_of(unit).accounts.open(person(), "hash"))
    begun = Session("s1", "a001", NOW, NOW, "")
    client = database.client
    with client.start_session() as signing, client.start_session() as ending:
        signing.start_transaction()
        ending.start_transaction()
        stores = stores_of(Unit(database, ending, NOW))
        stores.sessions.end_all("a001")
        MongoSessions(Unit(database, signing, NOW)).begin(begun)
        with pytest.raises(OperationFailure) as lost:
            stores.accounts.save(person(version=2), "")
        signing.commit_transaction()
    assert lost.value.has_error_label("TransientTransactionError")  # it is run once more
    committed(lambda unit: stores_of(unit).sessions.end_all("a001"))
    assert database["sessions"].count_documents({}) == 0


def test_every_question_has_an_index(mongodb_uri, database):
    mongo_store.ensure(database)

    def ask(unit):
        s = stores_of(unit)
        s.accounts.find_person(resident_id(1))
        s.accounts.find_outside("i", "s")
        s.accounts.password_of("a")
        s.accounts.page(region=KUNMING, after="", size=9)
        s.clients.page(region=KUNMING, after="", size=9)
        s.clients._check_unique(client(certificates=("aa",)))
        s.mandates.page(subject_code=COMPANY, active=None, after="", size=9)
        s.mandates.page(subject_code=COMPANY, active=True, after="", size=9)
        s.mandates.of_account("a", COMPANY)
        s.mandates.of_account("a")
        s.sessions.of_account("a", 9)
        s.sessions.end_all("a")
        s.sessions.find("s")
        s.tries.of_login("x")
        assert s.clients.by_key("k") is s.clients.by_certificate("c") is None
        for find in (s.accounts.by_login, s.mandates.get, s.clients.get):
            with pytest.raises(NotFound):
                find("x")
        s.sessions.end_oldest("a", but=9)
        mongo_store.endings(unit.database, NOW, 9)
        mongo_store.endings(unit.database, NOW, 9, (NOW, ObjectId()))

    finds = finds_of(mongodb_uri, database, ask)
    assert len(finds) >= 20
    for find in finds:
        stages = str(database.command("explain", find)["queryPlanner"]["winningPlan"])
        assert "COLLSCAN" not in stages, find
        assert "'SORT'" not in stages, find


def finds_of(mongodb_uri, database, ask):
    """The find commands that go to the database while `ask` runs."""

    class Listening(CommandListener):
        def started(self, event):
            if event.command_name == "find":
                finds.append({name: event.command[name] for name in told & event.command.keys()})

        def succeeded(self, event): ...

        def failed(self, event): ...

    finds, told = [], {"find", "filter", "sort", "limit", "projection"}
    with MongoClient(mongodb_uri, tz_aware=True, event_listeners=[Listening()]) as listened:
        ask(Unit(listened[database.name], None, NOW))
    return [{"find": find.pop("find"), **find} for find in finds]
