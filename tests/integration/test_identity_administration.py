"""IdentityService on a real database: administrators, mandates and departmental systems."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from zhengtong.access.v1 import access_pb2
from zhengtong.identity.v1 import identity_pb2

from services.common.access import NATIONWIDE, Caller
from services.common.paging import page_token
from services.identity.servicer import sessions
from services.identity.store import key_hash
from services.identity.store.secrets import Passwords
from tests import identity_house as people
from tests.identity_house import (
    COMPANY,
    DALI,
    DEPARTMENT,
    KUNMING,
    OTHER_COMPANY,
    PERMISSION,
    WUHUA,
    YUNNAN,
    administrator,
    reason_of,
    system,
)

SEES = "identity.mandate.read"
OFFICER = [access_pb2.ROLE_ITEM_EDITOR]
CERTIFICATE = "ab" * 32


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    return people.make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def house(database, keys_dir, monkeypatch):
    with people.house(database, keys_dir, monkeypatch) as one:
        yield one


def made(house, region=YUNNAN, login="admin"):
    """An administrator who has an account, made on the machine."""
    answer = house.ask(
        "MakeAdministrator",
        people.CLI,
        login=login,
        name="王管理",
        dept_code=DEPARTMENT,
        region_code=region,
    )
    return answer.account, administrator(region, answer.account.account_id)


# --- accounts ---


@pytest.mark.rule("A-2")
def test_who_got_a_password_from_somebody_else_has_to_change_it(house):
    opened = house.open(administrator(), "officer")
    ticket = house.sign_in("officer", opened.password)
    assert house.claims(ticket)["must_change"]
    officer = house.as_caller(ticket)
    same = {"password": opened.password, "new_password": opened.password}
    assert house.refused("ChangePassword", officer, **same) == "ACCOUNT_INVALID"
    house.ask("ChangePassword", officer, **same | {"new_password": people.PASSWORD})
    assert "must_change" not in house.claims(house.renew(ticket))


def test_a_password_is_shown_once(house):
    admin = administrator()
    first = house.open(admin, request_id="o-1")
    again = house.open(admin, request_id="o-1")
    assert again.account.account_id == first.account.account_id
    assert (len(first.password), again.password) == (16, "")
    asked = {"account_id": first.account.account_id, "request_id": "p-1"}
    new = house.ask("ResetPassword", admin, **asked).password
    assert new != first.password
    assert house.ask("ResetPassword", admin, **asked).password == ""


@pytest.mark.rule("A-6")
def test_a_disabled_account_is_signed_out_and_cannot_sign_in(house):
    account, _ = house.register()
    ticket, admin = house.sign_in(), administrator()
    house.ask("DisableAccount", admin, account_id=account.account_id)
    assert house.refused("RenewSession", refresh_token=ticket.refresh_token) == "SESSION_ENDED"
    asked = {"login": "zhangsan", "password": people.PASSWORD}
    assert house.refused("SignIn", **asked) == "SIGN_IN_REFUSED"
    house.ask("EnableAccount", admin, account_id=account.account_id)
    assert house.sign_in().access_token


@pytest.mark.rule("A-6")
@pytest.mark.parametrize(("own", "other"), [(WUHUA, DALI), (WUHUA, KUNMING), (KUNMING, YUNNAN)])
def test_an_administrator_reaches_neither_beside_nor_above(house, own, other):
    admin = administrator(own)
    target = house.open(administrator(), region=other).account.account_id
    binding = {"roles": OFFICER, "dept_code": people.body_of(own)}
    asked = [
        house.refused("GetAccount", admin, account_id=target),
        house.refused("DisableAccount", admin, account_id=target),
        house.refused("EnableAccount", admin, account_id=target),
        house.refused("ResetPassword", admin, account_id=target),
        house.refused("ReviseAccount", admin, account_id=target, region_code=own, **binding),
        house.refused("ListAccounts", admin, region_code=other),
        house.refused(
            "OpenAccount", admin, login="another", name="李四", region_code=other, **binding
        ),
        house.refused("RegisterClient", admin, client=system(region_code=other)),
        house.refused("RegisterClient", admin, client=system(dept_code=people.body_of(other))),
        house.refused("RegisterClient", admin, client=system(region_code=NATIONWIDE)),
    ]
    assert set(asked) == {"OUT_OF_REACH"}
    opened = house.open(admin, "mine", region=own, dept_code=people.body_of(own))
    mine = opened.account.account_id
    elsewhere = {**binding, "dept_code": people.body_of(other), "region_code": own}
    assert house.refused("ReviseAccount", admin, account_id=mine, **elsewhere) == "OUT_OF_REACH"
    moved = {"account_id": mine, "region_code": other, **binding}
    assert house.refused("ReviseAccount", admin, **moved) == "OUT_OF_REACH"
    assert house.ask("ListAccounts", admin).accounts[0].account_id == mine


@pytest.mark.rule("A-6")
def test_nobody_governs_their_own_account(house):
    account, admin = made(house)
    own = {"account_id": account.account_id}
    roles = {"roles": [access_pb2.ROLE_APPROVER], "dept_code": DEPARTMENT, "region_code": YUNNAN}
    asked = [house.refused(f"{verb}Account", admin, **own) for verb in ("Disable", "Enable")]
    asked += [
        house.refused("ResetPassword", admin, **own),
        house.refused("ReviseAccount", admin, **own, **roles),
    ]
    assert asked == ["OUT_OF_REACH"] * 4
    assert house.ask("GetAccount", admin, **own).account.name == "王管理"


@pytest.mark.rule("A-6")
def test_persons_are_governed_by_a_province(house):
    account, _ = house.register()
    own = {"account_id": account.account_id}
    assert house.refused("GetAccount", administrator(KUNMING), **own) == "OUT_OF_REACH"
    nowhere = administrator("")
    assert house.refused("DisableAccount", nowhere, **own) == "OUT_OF_REACH"
    shown = house.ask("GetAccount", administrator(), **own).account
    assert (shown.name, shown.phone) == ("张*丰", "138****3210")


@pytest.mark.rule("A-6")
def test_an_institution_elsewhere_is_out_of_reach(house):
    user = {"dept_code": "", "role": "institution_user", "region": WUHUA}
    with pytest.raises(grpc.RpcError) as refusal:
        house.open(administrator(WUHUA), "user", institution_id=OTHER_COMPANY, **user)
    assert reason_of(refusal.value) == "OUT_OF_REACH"
    assert house.open(administrator(), "user", institution_id=COMPANY, **user).account.version == 1


@pytest.mark.rule("A-5")
@pytest.mark.parametrize("roles", [[], [99], [access_pb2.ROLE_CLIENT], [access_pb2.ROLE_PERSON]])
def test_an_account_has_roles_that_can_be_given(house, roles):
    asked = {"login": "somebody", "name": "李四", "roles": roles}
    assert house.refused("OpenAccount", administrator(), **asked) == "ACCOUNT_INVALID"


@pytest.mark.rule("A-5")
def test_a_person_stays_a_person(house):
    account, _ = house.register()
    asked = {"account_id": account.account_id, "roles": OFFICER, "dept_code": DEPARTMENT}
    refusal = house.refused("ReviseAccount", administrator(), region_code=YUNNAN, **asked)
    assert refusal == "ACCOUNT_INVALID"


def test_a_version_that_was_not_the_last_is_stale(house):
    account = house.open(administrator()).account
    asked = {"account_id": account.account_id, "version": 7}
    assert house.refused("DisableAccount", administrator(), **asked) == "STALE"


# --- mandates ---


def represented(house, number=1, login="boss", code=COMPANY):
    account, person = house.register(login, number)
    house.ask(
        "AppointRepresentative",
        administrator(),
        subject_code=code,
        account_id=account.account_id,
    )
    return person


def grant(house, boss, **changes):
    fields = {
        "subject_code": COMPANY,
        "agent_login": "agent",
        "scopes": [SEES],
        "expire_date": "2026-12-31",
    }
    return house.ask("GrantMandate", boss, **fields | changes).mandate


@pytest.mark.rule("A-7")
def test_an_agent_acts_within_scopes_until_the_last_day_is_over(house):
    boss = represented(house)
    house.register("agent", 2)
    mandate = grant(house, boss)
    assert mandate.kind == identity_pb2.MANDATE_KIND_AGENT
    ticket = house.renew(house.sign_in("agent"), on_behalf_of=COMPANY)
    claims = house.claims(ticket)
    assert (claims["on_behalf_of"], claims["scopes"]) == (COMPANY, [SEES])
    assert "represents" not in claims
    house.clock.now = people.NOW.replace(month=12, day=31, hour=15, minute=59)  # 23:59 at home
    ticket = house.sign_in("agent")
    assert house.renew(ticket, on_behalf_of=COMPANY).access_token
    house.clock.pass_(minutes=1)
    ticket = house.sign_in("agent")
    asked = {"refresh_token": ticket.refresh_token, "on_behalf_of": COMPANY}
    assert house.refused("RenewSession", **asked) == "OUT_OF_REACH"
    assert house.renew(ticket).access_token  # the session itself goes on


@pytest.mark.rule("A-7")
def test_only_the_representative_grants_and_lists_and_agents_see_who_may(house):
    boss, other = represented(house), represented(house, 3, "other", OTHER_COMPANY)
    _, agent = house.register("agent", 2)
    grant(house, boss)
    asked = {"subject_code": COMPANY, "agent_login": "other", "scopes": [SEES]}
    asked["expire_date"] = "2026-12-31"
    for caller in (agent, other):
        assert house.refused("GrantMandate", caller, **asked) == "OUT_OF_REACH"
        assert house.refused("ListMandates", caller, subject_code=COMPANY) == "OUT_OF_REACH"
    assert len(house.ask("ListMandates", boss, subject_code=COMPANY).mandates) == 2
    acting = replace(agent, on_behalf_of=COMPANY, scopes=(SEES,))
    seen = house.ask("ListMandates", acting, subject_code=COMPANY).mandates
    assert {one.login for one in seen} == {"agent", "boss"}
    assert house.refused("ListMandates", acting, subject_code=OTHER_COMPANY) == "OUT_OF_REACH"
    unseeing = replace(acting, scopes=("cases.case.submit",))
    assert house.refused("ListMandates", unseeing, subject_code=COMPANY) == "PERMISSION_MISSING"
    dali = administrator(DALI)
    assert house.refused("ListMandates", dali, subject_code=COMPANY) == "OUT_OF_REACH"
    appoint = {"subject_code": COMPANY, "account_id": agent.principal}
    assert house.refused("AppointRepresentative", dali, **appoint) == "OUT_OF_REACH"


@pytest.mark.rule("A-9")
def test_looks_at_who_acts_for_an_enterprise_are_recorded(house):
    boss = represented(house)
    _, agent = house.register("agent", 2)
    grant(house, boss)
    acting = replace(agent, on_behalf_of=COMPANY, scopes=(SEES,))
    house.ask("ListMandates", acting, subject_code=COMPANY)
    house.refused("ListMandates", agent, subject_code=COMPANY)
    (look,) = house.database["audit"].find({"act": "look"})
    assert look["call"].endswith(".ListMandates")
    assert (look["principal"], look["on_behalf_of"]) == (agent.principal, COMPANY)
    assert look["subjects"][0] == COMPANY
    assert sorted(look["subjects"][1:]) == sorted([boss.principal, agent.principal])


@pytest.mark.rule("A-7")
@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": ["identity.mandate.grant"]},
        {"scopes": ["identity.account.open"]},
        {"scopes": []},
        {"expire_date": "2028-11-24"},
        {"expire_date": "2026-11-22"},
        {"expire_date": "20261231"},
        {"expire_date": ""},
        {"agent_login": "boss"},
    ],
)
def test_a_mandate_has_scopes_of_persons_and_a_day_within_two_years(house, changes):
    boss = represented(house)
    house.register("agent", 2)
    with pytest.raises(grpc.RpcError) as refusal:
        grant(house, boss, **changes)
    assert reason_of(refusal.value) == "MANDATE_INVALID"


@pytest.mark.rule("A-7")
def test_those_in_force_are_listed_however_many_were_taken_back(house):
    boss = represented(house)
    house.register("agent", 2)
    for _ in range(3):
        ended = grant(house, boss)
        house.ask("EndMandate", boss, mandate_id=ended.mandate_id)
    kept = grant(house, boss)
    active = {"subject_code": COMPANY, "state": identity_pb2.GRANT_STATE_ACTIVE, "page_size": 1}
    first = house.ask("ListMandates", boss, **active)
    rest = house.ask("ListMandates", boss, **active, page_token=first.next_page_token)
    found = [*first.mandates, *rest.mandates]
    assert kept.mandate_id in {one.mandate_id for one in found}
    assert (len(found), rest.next_page_token) == (2, "")
    assert len(house.ask("ListMandates", boss, subject_code=COMPANY).mandates) == 5


@pytest.mark.rule("A-7")
def test_taking_a_mandate_back_signs_the_agent_out(house):
    boss, other = represented(house), represented(house, 3, "other", OTHER_COMPANY)
    house.register("agent", 2)
    mandate = grant(house, boss)
    ticket = house.renew(house.sign_in("agent"), on_behalf_of=COMPANY)
    asked = {"mandate_id": mandate.mandate_id}
    for stranger in (other, administrator(DALI)):
        assert house.refused("EndMandate", stranger, **asked) == "OUT_OF_REACH"
    house.ask("EndMandate", boss, **asked)
    assert house.refused("RenewSession", refresh_token=ticket.refresh_token) == "SESSION_ENDED"
    assert house.refused("EndMandate", boss, **asked) == "MANDATE_ALREADY_ENDED"
    acting = replace(boss, on_behalf_of=OTHER_COMPANY, scopes=("identity.mandate.grant",))
    granting = {"subject_code": COMPANY, "agent_login": "agent", "scopes": [SEES]}
    refusal = house.refused("GrantMandate", acting, **granting, expire_date="2026-12-31")
    assert refusal == "OUT_OF_REACH"


# --- clients ---


@pytest.mark.rule("A-8")
def test_a_key_is_shown_once_and_only_its_hash_is_kept(house):
    asked = {"client": system(), "request_id": "c-1"}
    first = house.ask("RegisterClient", administrator(), **asked)
    again = house.ask("RegisterClient", administrator(), **asked)
    assert again.client == first.client
    assert first.key.startswith(f"zt_{first.client.client_id}_")
    assert again.key == ""
    kept = house.database["clients"].find_one({"_id": first.client.client_id})
    assert kept["key"] == key_hash(first.key)
    stored = house.database["requests"].find_one({})
    assert first.key.encode() not in stored["response"]
    assert house.ask("ResolveClient", people.GATEWAY, key=first.key).client == first.client


@pytest.mark.rule("A-8")
def test_a_replaced_key_and_that_of_an_ended_client_are_nobodys(house):
    admin = administrator()
    made_ = house.ask("RegisterClient", admin, client=system())
    own = {"client_id": made_.client.client_id}
    new = house.ask("ReplaceClientKey", admin, **own).key
    assert house.refused("ResolveClient", people.GATEWAY, key=made_.key) == "KEY_UNKNOWN"
    assert house.ask("ResolveClient", people.GATEWAY, key=new).client.version == 2
    house.ask("EndClient", admin, **own)
    assert house.refused("ResolveClient", people.GATEWAY, key=new) == "KEY_UNKNOWN"
    for call in ("EndClient", "ReplaceClientKey"):
        assert house.refused(call, admin, **own) == "CLIENT_ALREADY_ENDED"
    ids = house.ask("ListEndings", people.GATEWAY).ids
    assert set(ids) == {own["client_id"]}


@pytest.mark.rule("A-8")
def test_a_certificate_is_that_of_one_client(house):
    admin = administrator()
    shown = system(certificates=[CERTIFICATE, CERTIFICATE], certificate_required=True)
    first = house.ask("RegisterClient", admin, client=shown)
    refusal = house.refused("RegisterClient", admin, client=system(certificates=[CERTIFICATE]))
    assert refusal == "CLIENT_INVALID"
    other = house.ask("RegisterClient", admin, client=system())
    taken = {"client_id": other.client.client_id, "client": system(certificates=[CERTIFICATE])}
    assert house.refused("ReviseClient", admin, **taken) == "CLIENT_INVALID"

    def resolve(**fields):
        return house.ask("ResolveClient", people.GATEWAY, **fields).client.client_id

    own = first.client.client_id
    assert resolve(certificate=CERTIFICATE) == own
    assert resolve(key=first.key, certificate=CERTIFICATE) == own
    for key, certificate in ((first.key, ""), (other.key, CERTIFICATE), ("", "")):
        asked = {"key": key, "certificate": certificate}
        assert house.refused("ResolveClient", people.GATEWAY, **asked) == "KEY_UNKNOWN"


@pytest.mark.rule("A-8")
def test_of_those_who_register_one_certificate_at_one_moment_one_gets_it(house):
    def register(n):
        try:
            client = system(name=f"系统{n}", certificates=[CERTIFICATE])
            house.ask("RegisterClient", administrator(), client=client)
        except grpc.RpcError as error:
            return reason_of(error)
        return "made"

    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(register, range(6)))
    assert sorted(told) == ["CLIENT_INVALID"] * 5 + ["made"]


@pytest.mark.rule("A-8")
@pytest.mark.parametrize("right", ["identity.account.open", "open", "internal.cli.operate", "x"])
def test_a_client_gets_no_right_that_is_not_for_clients(house, right):
    client = system(rights=[PERMISSION, right])
    assert house.refused("RegisterClient", administrator(), client=client) == "CLIENT_INVALID"


def test_what_only_the_server_writes_is_not_the_callers_to_say(house):
    ended = identity_pb2.GRANT_STATE_ENDED
    said = system(client_id="c-mine", state=ended, version=99)
    admin = administrator()
    made_ = house.ask("RegisterClient", admin, client=said).client
    assert made_.client_id != "c-mine"
    assert (made_.version, made_.state) == (1, identity_pb2.GRANT_STATE_ACTIVE)
    victim = house.ask("RegisterClient", admin, client=system(name="另一系统")).client
    said = system(name="改名", client_id=victim.client_id, state=ended, version=99)
    revised = house.ask("ReviseClient", admin, client_id=made_.client_id, client=said).client
    assert (revised.client_id, revised.version) == (made_.client_id, 2)
    assert revised.state == identity_pb2.GRANT_STATE_ACTIVE
    listed = house.ask("ListClients", admin).clients
    assert sorted(one.name for one in listed) == ["另一系统", "改名"]


@pytest.mark.rule("A-6")
def test_an_administrator_sees_the_clients_of_the_region_only(house):
    house.ask("RegisterClient", administrator(), client=system())
    house.ask("MakeClient", people.CLI, client=system(region_code=NATIONWIDE))
    assert len(house.ask("ListClients", administrator()).clients) == 1
    assert not house.ask("ListClients", administrator(DALI)).clients


# --- outside providers, endings ---


@pytest.mark.rule("A-1")
def test_a_person_from_outside_finds_the_account_there_is(house):
    account, _ = house.register()
    outside = {"issuer": "https://id.example", "subject": "u-1", "name": "张三丰"}
    outside["identity_number"] = people.resident_id(1)
    ticket = house.ask("SignInOutside", people.GATEWAY, **outside).ticket
    assert ticket.account.account_id == account.account_id
    outside = {"issuer": "https://id.example", "subject": "u-1"}
    again = house.ask("SignInOutside", people.GATEWAY, **outside).ticket
    assert again.account.account_id == account.account_id
    nobody = {"issuer": "https://id.example", "subject": "u-2"}
    assert house.refused("SignInOutside", people.GATEWAY, **nobody) == "SIGN_IN_REFUSED"
    refusal = house.refused("SignInOutside", Caller("x", "account"), **outside)
    assert refusal == "PERMISSION_MISSING"


def provider_says(number=1, **changes):
    return {
        "issuer": "https://id.example",
        "subject": "u-1",
        "name": "张三",
        "identity_number": people.resident_id(number),
        "phone": "13912343210",
    } | changes


@pytest.mark.rule("A-1")
def test_whoever_registered_somebody_else_keeps_no_way_in_once_a_provider_knows_the_person(house):
    account, _ = house.register(name="李四", phone="13812349999")
    appointed = {"account_id": account.account_id, "subject_code": people.COMPANY}
    house.ask("AppointRepresentative", administrator(), **appointed)
    first = house.ask("ResetPassword", administrator(), account_id=account.account_id)
    theirs = house.sign_in(password=first.password)

    ticket = house.ask("SignInOutside", people.GATEWAY, **provider_says()).ticket

    assert ticket.account.account_id == account.account_id
    assert (ticket.account.name, ticket.account.phone[-4:]) == ("张三", "3210")
    assert "must_change" not in house.claims(ticket)
    assert house.refused("RenewSession", refresh_token=theirs.refresh_token) == "SESSION_ENDED"
    assert house.claims(theirs)["sid"] in house.ask("ListEndings", people.GATEWAY).ids
    asked = {"login": "zhangsan", "password": first.password}
    assert house.refused("SignIn", people.anonymous(), **asked) == "SIGN_IN_REFUSED"
    assert "password" not in house.database["accounts"].find_one({})
    kept = house.ask("GetMyAccount", house.as_caller(ticket)).mandates
    assert [one.subject_code for one in kept] == [people.COMPANY]
    assert house.renew(ticket, on_behalf_of=people.COMPANY).access_token


@pytest.mark.rule("A-1")
def test_whoever_registered_sets_no_password_at_the_moment_a_provider_knows_the_person(
    house, monkeypatch
):
    house.register()
    theirs = house.as_caller(house.sign_in())
    hash_ = Passwords.hash

    def meanwhile(self, password):
        house.ask("SignInOutside", people.GATEWAY, **provider_says())
        return hash_(self, password)

    monkeypatch.setattr(Passwords, "hash", meanwhile)
    asked = {"password": people.PASSWORD, "new_password": "Another-good-one-9"}
    assert house.refused("ChangePassword", theirs, **asked) == "STALE"
    assert "password" not in house.database["accounts"].find_one({})


@pytest.mark.rule("A-1")
def test_a_password_set_after_a_provider_knew_the_person_is_good(house):
    account, _ = house.register()
    house.ask("SignInOutside", people.GATEWAY, **provider_says())
    reset = house.ask("ResetPassword", administrator(), account_id=account.account_id)
    house.ask("SignInOutside", people.GATEWAY, **provider_says())
    assert house.sign_in(password=reset.password).access_token


@pytest.mark.rule("A-1")
def test_a_provider_that_does_not_say_who_it_is_changes_nothing(house):
    account, _ = house.register()
    ticket = house.sign_in()
    said = provider_says(name="")
    assert house.refused("SignInOutside", people.GATEWAY, **said) == "ACCOUNT_INVALID"
    house.ask("DisableAccount", administrator(), account_id=account.account_id)
    refusal = house.refused("SignInOutside", people.GATEWAY, **provider_says())
    assert refusal == "SIGN_IN_REFUSED"
    house.ask("EnableAccount", administrator(), account_id=account.account_id)
    assert house.sign_in().account.name == ticket.account.name == "张三丰"


def test_endings_are_told_from_a_moment_on(house):
    house.register()
    ticket = house.sign_in()
    house.ask("SignOut", refresh_token=ticket.refresh_token)
    first = house.ask("ListEndings", people.GATEWAY)
    assert len(first.ids) == 1
    house.clock.now += timedelta(seconds=1)
    after = house.clock.now
    assert not house.ask("ListEndings", people.GATEWAY, after_time=after).ids


def test_endings_of_one_moment_are_told_page_by_page_and_the_pages_end(house, monkeypatch):
    monkeypatch.setattr(sessions, "MOST_ENDINGS", 3)
    house.register()
    for _ in range(7):
        house.ask("SignOut", refresh_token=house.sign_in().refresh_token)
    after, told, token = house.clock.now, [], ""
    for _ in range(3):
        page = house.ask("ListEndings", people.GATEWAY, after_time=after, page_token=token)
        told += page.ids
        token = page.next_page_token
    assert (token, len(told), len(set(told))) == ("", 7, 7)
    assert page.as_of_time.ToDatetime(after.tzinfo) == after


@pytest.mark.parametrize("position", [[0, "x"], ["0", "0" * 24], [2**62, "0" * 24], [0, 0]])
def test_a_token_of_no_page_of_endings_is_refused(house, position):
    token = page_token("endings", position)
    told = house.refused("ListEndings", people.GATEWAY, page_token=token)
    assert told == "PAGE_TOKEN_INVALID"
