"""IdentityService on a real database: accounts and sign-in, through the real door."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from services.identity.store.secrets import Passwords
from tests import identity_house as people
from tests.identity_house import ADDRESS, PASSWORD, anonymous, resident_id

LEEWAY = timedelta(seconds=20)
PERSON = {
    "login": "zhangsan",
    "password": PASSWORD,
    "name": "张三丰",
    "identity_number": resident_id(1),
}


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    return people.make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def house(database, keys_dir, monkeypatch):
    with people.house(database, keys_dir, monkeypatch) as one:
        yield one


@pytest.fixture
def hashes(monkeypatch):
    """What was checked against a hash, in order."""
    checked, lock, fits = [], threading.Lock(), Passwords.fits

    def counting(self, hashed, password):
        with lock:
            checked.append(bool(hashed))
        return fits(self, hashed, password)

    monkeypatch.setattr(Passwords, "fits", counting)
    return checked


@pytest.mark.rule("A-1")
def test_a_person_registers_and_signs_in(house):
    account, person = house.register()
    assert account.name == "张三丰"
    assert account.identity_number == f"5301**********{resident_id(1)[-4:]}"
    ticket = house.sign_in(login="ZhangSan")
    claims = house.claims(ticket)
    assert (claims["sub"], claims["roles"]) == (person.principal, ["person"])
    assert claims["exp"] - claims["iat"] == ticket.expires_in == 300
    assert house.ask("GetMyAccount", house.as_caller(ticket)).account == account


@pytest.mark.rule("A-1")
def test_a_login_and_a_person_have_one_account(house):
    house.register()
    again = {"name": "李四", "password": PASSWORD}
    taken = house.refused(
        "RegisterAccount", login="ZHANGSAN", identity_number=resident_id(2), **again
    )
    known = house.refused(
        "RegisterAccount", login="lisi", identity_number=resident_id(1).lower(), **again
    )
    assert (taken, known) == ("LOGIN_TAKEN", "PERSON_KNOWN")


@pytest.mark.rule("A-3")
def test_who_asks_which_persons_are_known_is_slowed(house):
    house.ask("RegisterAccount", **PERSON)
    asked = {"login": "lisi", "name": "李四", "password": PASSWORD}
    asked["identity_number"] = resident_id(1)
    told = [house.refused("RegisterAccount", anonymous(), **asked) for _ in range(21)]
    assert told == ["PERSON_KNOWN"] * 20 + ["TRIES_SLOWED"]


@pytest.mark.rule("A-3")
def test_one_address_may_not_register_one_person_after_another(house):
    for number in range(20):
        house.register(f"user{number}", number)
    asked = PERSON | {"login": "another", "identity_number": resident_id(99)}
    assert house.refused("RegisterAccount", anonymous(), **asked) == "TRIES_SLOWED"
    assert house.database["accounts"].count_documents({}) == 20
    house.ask("RegisterAccount", anonymous("198.51.100.1"), **asked)


def test_a_repeated_registration_is_answered_and_tells_nothing_of_the_person(house):
    first, _ = house.register(request_id="r-1")
    again, _ = house.register(request_id="r-1")
    assert again.account_id == first.account_id
    assert (again.name, again.identity_number, again.phone) == ("", "", "")


@pytest.mark.rule("A-3")
def test_a_wrong_password_and_an_unknown_login_are_told_alike_and_hashed_alike(house, hashes):
    house.register()
    wrong = house.refused("SignIn", anonymous(), login="zhangsan", password="x" * 12)
    unknown = house.refused("SignIn", anonymous(), login="nobody", password="x" * 12)
    assert wrong == unknown == "SIGN_IN_REFUSED"
    assert hashes == [True, False]


@pytest.mark.rule("A-3")
def test_tries_beyond_the_free_ones_are_refused_before_anything_is_hashed(house, hashes):
    house.register()
    told = [
        house.refused("SignIn", anonymous(f"192.0.2.{n}"), login="zhangsan", password="x" * 12)
        for n in range(200)
    ]
    assert told == ["SIGN_IN_REFUSED"] * 5 + ["TRIES_SLOWED"] * 195
    assert len(hashes) == 5
    assert house.refused("SignIn", anonymous("198.51.100.1"), login="zhangsan", password=PASSWORD)
    house.clock.pass_(seconds=1)
    assert house.sign_in().access_token


@pytest.mark.rule("A-3")
def test_one_address_may_not_try_one_login_after_another(house, hashes):
    told = [
        house.refused("SignIn", anonymous(), login=f"user{n}", password="x" * 12) for n in range(30)
    ]
    assert told == ["SIGN_IN_REFUSED"] * 20 + ["TRIES_SLOWED"] * 10
    assert len(hashes) == 20


@pytest.mark.rule("A-3")
def test_of_tries_at_one_moment_few_are_heard(house, hashes):
    house.register()

    def try_(n):
        fields = {"login": "zhangsan", "password": f"guess-number-{n}"}
        return house.refused("SignIn", anonymous(f"192.0.2.{n}"), **fields)

    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(try_, range(64)))
    assert set(told) == {"SIGN_IN_REFUSED", "TRIES_SLOWED"}
    assert len(hashes) == told.count("SIGN_IN_REFUSED") <= 5


def test_wrong_old_passwords_of_many_slow_down_nobody_else(house):
    _, person = house.register()
    for _ in range(5):
        fields = {"password": "x" * 12, "new_password": "Another-good-one-9"}
        assert house.refused("ChangePassword", person, **fields) == "PASSWORD_WRONG"
    assert house.refused("ChangePassword", person, **fields) == "TRIES_SLOWED"
    rows = house.database["tries"].count_documents({})
    assert rows == 2  # of the login, and of who registered; nobody's address is not counted


@pytest.mark.rule("A-4")
def test_a_replayed_refresh_token_ends_the_session_and_every_token_of_it(house):
    house.register()
    first = house.sign_in()
    house.clock.pass_(minutes=4)
    second = house.renew(first)
    house.clock.now += LEEWAY + timedelta(seconds=1)
    token = {"refresh_token": first.refresh_token, "on_behalf_of": people.COMPANY}
    assert house.refused("RenewSession", **token) == "SESSION_ENDED"
    assert house.refused("RenewSession", refresh_token=second.refresh_token) == "SESSION_ENDED"
    ended = house.ask("ListEndings", people.GATEWAY).ids
    assert list(ended) == [house.claims(first)["sid"]]


@pytest.mark.rule("A-4")
def test_who_is_disabled_while_the_password_is_checked_gets_no_session(house, monkeypatch):
    account, _ = house.register()
    fits = Passwords.fits

    def meanwhile(self, hashed, password):
        house.ask("DisableAccount", people.administrator(), account_id=account.account_id)
        return fits(self, hashed, password)

    monkeypatch.setattr(Passwords, "fits", meanwhile)
    asked = {"login": "zhangsan", "password": PASSWORD}
    assert house.refused("SignIn", anonymous(), **asked) == "SIGN_IN_REFUSED"
    assert house.database["sessions"].count_documents({}) == 0


@pytest.mark.rule("A-4")
def test_renewals_at_one_moment_all_work(house):
    house.register()
    ticket = house.sign_in()
    with ThreadPoolExecutor(8) as pool:
        renewed = list(pool.map(lambda _: house.renew(ticket), range(8)))
    assert len({one.refresh_token for one in renewed}) == 1
    assert house.renew(renewed[0]).access_token


@pytest.mark.rule("A-4")
def test_a_session_ends_by_the_clock(house):
    house.register()
    ticket = house.sign_in()
    for _ in range(24):
        house.clock.pass_(minutes=29)
        ticket = house.renew(ticket)
    house.clock.now = people.NOW + timedelta(hours=12)
    assert house.refused("RenewSession", refresh_token=ticket.refresh_token) == "SESSION_ENDED"
    idle = house.sign_in()
    house.clock.pass_(minutes=30)
    assert house.refused("RenewSession", refresh_token=idle.refresh_token) == "SESSION_ENDED"


@pytest.mark.rule("A-4")
@pytest.mark.parametrize("token", ["", "a.b.c", "s1.1.", "s1.1." + "A" * 43, "{}", "..", "s1.-1.x"])
def test_a_made_up_refresh_token_is_refused(house, token):
    assert house.refused("RenewSession", refresh_token=token) == "SESSION_ENDED"
    house.ask("SignOut", refresh_token=token)


@pytest.mark.rule("A-4")
def test_a_new_password_ends_the_other_sessions(house):
    house.register()
    here, there = house.sign_in(), house.sign_in()
    change = {"password": PASSWORD, "new_password": "Another-good-one-9", "request_id": "p-1"}
    first = house.ask("ChangePassword", house.as_caller(here), **change)
    again = house.ask("ChangePassword", house.as_caller(here), **change)
    assert again.account.version == first.account.version
    assert house.refused("RenewSession", refresh_token=there.refresh_token) == "SESSION_ENDED"
    assert house.renew(here).access_token
    house.clock.pass_(minutes=1)
    assert house.refused("SignIn", login="zhangsan", password=PASSWORD) == "SIGN_IN_REFUSED"
    house.clock.pass_(minutes=1)
    assert house.sign_in(password="Another-good-one-9").access_token


@pytest.mark.rule("A-4")
def test_of_the_sessions_of_an_account_the_latest_fifty_go_on(house):
    house.register()
    tickets = []
    for _ in range(52):
        house.clock.pass_(seconds=1)
        tickets.append(house.sign_in())
    for gone in tickets[:2]:
        assert house.refused("RenewSession", refresh_token=gone.refresh_token) == "SESSION_ENDED"
    assert house.renew(tickets[2]).access_token
    listed = house.ask("ListMySessions", house.as_caller(tickets[-1])).sessions
    assert len(listed) == house.database["sessions"].count_documents({}) == 50
    ended = house.ask("ListEndings", people.GATEWAY).ids
    assert list(ended) == [house.claims(one)["sid"] for one in tickets[:2]]


@pytest.mark.rule("A-4")
def test_sign_ins_at_one_moment_leave_no_more_than_fifty_sessions(house):
    house.register()
    outside = {"issuer": "i", "subject": "s", "name": "张三丰"}
    outside["identity_number"] = resident_id(1)
    house.ask("SignInOutside", people.GATEWAY, **outside)
    with ThreadPoolExecutor(8) as pool:
        asked = [outside] * 60
        list(pool.map(lambda one: house.ask("SignInOutside", people.GATEWAY, **one), asked))
    assert house.database["sessions"].count_documents({}) == 50


def test_a_session_of_ones_own_is_listed_and_ended_that_of_another_is_not(house):
    house.register()
    house.register("lisi", 2)
    mine, other = house.sign_in(), house.sign_in("lisi")
    me = house.as_caller(mine)
    listed = house.ask("ListMySessions", me).sessions
    assert [(one.session_id, one.current, one.address) for one in listed] == [
        (me.session, True, "192.0.2.*")
    ]
    theirs = house.as_caller(other).session
    assert house.refused("EndMySession", me, session_id=theirs) == "SESSION_NOT_FOUND"
    house.ask("EndMySession", me, session_id=me.session)
    assert house.refused("RenewSession", refresh_token=mine.refresh_token) == "SESSION_ENDED"
    house.ask("SignOut", refresh_token=other.refresh_token)
    assert house.refused("RenewSession", refresh_token=other.refresh_token) == "SESSION_ENDED"


@pytest.mark.parametrize(
    "text", ['{"$gt": ""}', "$where", "zhangsan\x00", "' || '1'=='1", "长" * 999]
)
def test_operators_in_texts_find_nothing(house, text):
    _, person = house.register()
    admin = people.administrator()
    asked = [
        house.refused("SignIn", anonymous("192.0.2.9"), login=text, password=text),
        house.refused("SignIn", anonymous("192.0.2.9"), login="zhangsan", password=text),
        house.refused("EndMySession", person, session_id=text),
        house.refused("GetAccount", admin, account_id=text),
        house.refused("DisableAccount", admin, account_id=text),
        house.refused("EndMandate", person, mandate_id=text),
        house.refused("EndClient", admin, client_id=text),
        house.refused("ResolveClient", people.GATEWAY, key=text, certificate=text),
        house.refused("ReplaceClientKey", admin, client_id=text),
    ]
    assert asked == [
        *("SIGN_IN_REFUSED", "SIGN_IN_REFUSED", "SESSION_NOT_FOUND", "ACCOUNT_NOT_FOUND"),
        *("ACCOUNT_NOT_FOUND", "MANDATE_NOT_FOUND", "CLIENT_NOT_FOUND", "KEY_UNKNOWN"),
        "CLIENT_NOT_FOUND",
    ]


@pytest.mark.rule("A-9")
def test_nothing_of_a_person_lies_plain_in_the_database(house):
    account, person = house.register(request_id="r-1")
    ticket = house.sign_in()
    house.renew(ticket)
    change = {"password": PASSWORD, "new_password": "Another-good-one-9", "request_id": "p-1"}
    house.ask("ChangePassword", house.as_caller(ticket), **change)
    admin = people.administrator()
    house.ask("DisableAccount", admin, account_id=account.account_id, request_id="d-1")
    house.ask("ResetPassword", admin, account_id=account.account_id, request_id="e-1")
    opened = house.open(admin, request_id="o-1")
    kept = b"".join(raw_documents(house.database))
    secrets = [resident_id(1), "张三丰", "13812343210", PASSWORD, "Another-good-one-9"]
    secrets += ["李小敏", opened.password, ADDRESS]
    assert [one for one in secrets if one.encode() in kept] == []
    assert person.principal.encode() in kept


@pytest.mark.rule("A-9")
def test_looks_at_accounts_of_others_are_recorded(house):
    account, person = house.register()
    admin = people.administrator()
    opened = house.open(admin).account
    house.ask("GetAccount", admin, account_id=account.account_id)
    house.ask("ListAccounts", admin)
    looks = list(house.database["audit"].find({"act": "look"}).sort("time", 1))
    told = {(row["call"].rpartition(".")[2], tuple(row["subjects"])) for row in looks}
    assert told == {
        ("GetAccount", (account.account_id,)),
        ("ListAccounts", (opened.account_id,)),
    }
    assert {row["principal"] for row in looks} == {admin.principal}
    facts = house.database["events"].find({})
    assert all("张" not in str(fact) and person.principal for fact in facts)


def raw_documents(database):
    raw = CodecOptions(document_class=RawBSONDocument)
    for name in database.list_collection_names():
        for one in database.get_collection(name, codec_options=raw).find({}):
            yield one.raw
