"""Accounts: real names, passwords, bindings, and who governs whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.access import NATIONWIDE, Caller, OutOfReach
from services.common.errors import Stale
from services.identity import domain
from services.identity.domain import Account, AccountInvalid, accounts
from tests.conftest import NOW
from tests.identity_house import (
    COMPANY,
    DALI,
    DEPARTMENT,
    KUNMING,
    OTHER_COMPANY,
    WUHUA,
    YUNNAN,
    administrator,
    body_of,
    resident_id,
)


def register(**changes):
    fields = {
        "account_id": "a1",
        "login": "ZhangSan",
        "name": " 张三丰 ",
        "identity_number": f" {resident_id(1)[:6]}-{resident_id(1)[6:]}",
        "phone": "13812343210",
        "now": NOW,
    }
    return domain.registered(**fields | changes)


def officer(**changes):
    fields = {
        "account_id": "a2",
        "login": "officer",
        "name": "李四",
        "roles": ("approver",),
        "department": DEPARTMENT,
        "region": KUNMING,
        "institution": "",
    }
    return domain.opened(**fields | changes)


def fields_at_fault(act):
    with pytest.raises(AccountInvalid) as refusal:
        act()
    return [one.field for one in refusal.value.violations]


@pytest.mark.rule("A-1")
def test_a_person_is_known_by_name_and_number():
    account = register()
    assert (account.login, account.name, account.roles) == ("zhangsan", "张三丰", ("person",))
    assert account.identity_number == resident_id(1)
    assert not account.password_expired


@pytest.mark.rule("A-1")
@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"login": "abc"}, ["login"]),
        ({"login": "a b c d"}, ["login"]),
        ({"login": "13812343210"}, ["login"]),
        ({"login": resident_id(1)}, ["login"]),
        ({"login": "{$gt:1}"}, ["login"]),
        ({"name": ""}, ["name"]),
        ({"name": "张3"}, ["name"]),
        ({"name": "张" * 51}, ["name"]),
        ({"name": "<b>张</b>"}, ["name"]),
        ({"phone": "12345"}, ["phone"]),
        ({"identity_number": ""}, ["identity_number"]),
        ({"identity_number": resident_id(1)[:-1] + "?"}, ["identity_number"]),
        ({"login": "", "name": "", "identity_number": ""}, ["login", "name", "identity_number"]),
    ],
)
def test_each_field_at_fault_is_named(changes, fault):
    assert fields_at_fault(lambda: register(**changes)) == fault


@pytest.mark.parametrize("name", ["欧阳修", "买买提·阿不都", "John Smith", "李"])
def test_names_of_all_peoples_are_names(name):
    assert register(name=name).name == name


@pytest.mark.rule("A-2")
@pytest.mark.parametrize(
    "password",
    [
        *("short-one", "x" * 201, "aaaaaaaaaaaa", "abababababab"),
        *("my-Password-1", "ＰＡＳＳＷＯＲＤ-ab", "qwer1234-qwer", "x-12345678-x"),
        *("i-am-ZhangSan", f"born{resident_id(1)[-8:]}", "５２０１３１４abcdef"),
    ],
)
def test_what_is_guessed_first_is_no_password(password):
    assert fields_at_fault(lambda: domain.check_password(password, register())) == ["password"]


@pytest.mark.rule("A-2")
@pytest.mark.parametrize("password", ["Kunming-spring-27", "春眠不觉晓处处闻啼鸟", "a b c d e f g"])
def test_what_is_long_and_rare_is_a_password(password):
    domain.check_password(password, register())


@pytest.mark.rule("A-2")
@pytest.mark.parametrize("login", ["a@example.cn", "@abc", "xy@z"])
def test_a_short_login_forbids_no_password_that_has_its_letters(login):
    domain.check_password("yx-a-xyz-rare-one", register(login=login))


@pytest.mark.rule("A-2")
@given(st.text(max_size=250))
def test_every_text_is_judged_and_what_passes_is_long_and_varied(password):
    try:
        domain.check_password(password, register())
    except AccountInvalid:
        return
    assert 10 <= len(password) <= 200


@pytest.mark.rule("A-2")
def test_a_new_password_is_another_one():
    assert fields_at_fault(lambda: domain.check_is_another("same", "same")) == ["new_password"]
    domain.check_is_another("new", "old")


@pytest.mark.rule("A-5")
def test_an_officer_has_a_department_a_region_and_a_first_password():
    account = officer()
    assert (account.department, account.region) == (DEPARTMENT, KUNMING)
    assert account.password_expired


@pytest.mark.rule("A-5")
@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"roles": ()}, ["roles", "dept_code"]),
        ({"roles": ("emperor",)}, ["roles", "dept_code"]),
        ({"roles": ("client",)}, ["roles", "dept_code"]),
        ({"roles": ("person",), "department": ""}, ["roles"]),
        ({"roles": ("approver", "institution_user"), "institution": COMPANY}, ["roles"]),
        ({"roles": ("administrator", "approver")}, ["roles"]),
        ({"roles": ("administrator", "auditor"), "region": YUNNAN}, ["roles"]),
        ({"roles": ("auditor",)}, ["region_code"]),
        ({"department": ""}, ["dept_code"]),
        ({"region": "5301"}, ["region_code"]),
        ({"region": NATIONWIDE}, ["region_code"]),
        ({"institution": COMPANY}, ["institution_id"]),
        ({"roles": ("institution_user",), "department": ""}, ["institution_id"]),
        (
            {
                "roles": ("institution_user",),
                "department": "",
                "institution": COMPANY,
                "region": "x",
            },
            ["region_code"],
        ),
    ],
)
def test_a_role_goes_with_its_binding_and_no_other(changes, fault):
    assert fields_at_fault(lambda: officer(**changes)) == fault


@pytest.mark.rule("A-5")
@pytest.mark.parametrize("roles", [("institution_user",), ("person", "institution_user")])
def test_the_account_of_a_person_stays_one_and_speaks_for_no_institution(roles):
    binding = {"department": "", "region": "", "institution": COMPANY}
    person = register()
    assert fields_at_fault(lambda: domain.revised(person, roles=roles, **binding)) == ["roles"]
    unbound = binding | {"institution": ""}
    assert domain.revised(person, roles=("person",), **unbound).version == person.version + 1


@pytest.mark.rule("A-1")
def test_whose_an_account_is_a_provider_says_by_a_name_and_a_phone():
    registered = replace(register(), password_expired=True)
    account = domain.proven(registered, name=" 张三 ", phone="")
    assert (account.name, account.phone, account.password_expired) == ("张三", "", False)
    assert account.version == registered.version + 1
    faults = fields_at_fault(lambda: domain.proven(registered, name="", phone="1"))
    assert faults == ["name", "phone"]


@pytest.mark.rule("A-6")
@pytest.mark.parametrize(
    ("region", "target", "allowed"),
    [
        (YUNNAN, WUHUA, True),
        (KUNMING, WUHUA, True),
        (WUHUA, WUHUA, True),
        (WUHUA, KUNMING, False),
        (KUNMING, DALI, False),
        (NATIONWIDE, DALI, True),
        ("", WUHUA, False),
        ("", "", False),
        (KUNMING, "", False),
        (YUNNAN, "", True),
        (NATIONWIDE, "", True),
    ],
)
def test_administrators_govern_their_own_region_and_below(region, target, allowed):
    account = Account("a9", "x", "x", ("approver",), body_of(WUHUA), target)
    if allowed:
        domain.check_may_govern(administrator(region), account)
    else:
        with pytest.raises(OutOfReach):
            domain.check_may_govern(administrator(region), account)


@pytest.mark.rule("A-6")
def test_nobody_is_put_into_a_department_that_another_region_registered():
    for body in (DEPARTMENT, body_of(DALI)):
        account = Account("a9", "x", "x", ("credit_officer",), body, KUNMING)
        with pytest.raises(OutOfReach):
            domain.check_may_govern(administrator(KUNMING), account)


@pytest.mark.rule("A-6")
def test_nobody_governs_their_own_account_and_everybody_sees_it():
    own = officer(account_id="admin-1", region=YUNNAN)
    with pytest.raises(OutOfReach):
        domain.check_may_govern(administrator(), own)
    domain.check_may_see(administrator(WUHUA), own)
    domain.check_may_govern(Caller("cli", "service"), own)


@pytest.mark.rule("A-6")
def test_an_institution_is_reached_where_it_was_registered():
    user = officer(
        roles=("institution_user",), department="", institution=OTHER_COMPANY, region=KUNMING
    )
    domain.check_may_govern(administrator(), user)
    with pytest.raises(OutOfReach):
        domain.check_may_govern(administrator(KUNMING), user)


def test_a_version_that_was_seen_is_held_against_what_there_is():
    domain.check_version(3, 0)
    domain.check_version(3, 3)
    with pytest.raises(Stale):
        domain.check_version(3, 2)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("192.0.2.7", "192.0.2.*"),
        ("20010db800010002", "2001:0db8:0001:*"),
        ("", ""),
        ("unix", ""),
    ],
)
def test_an_address_is_shown_in_part(address, shown):
    assert domain.mask_address(address) == shown


@pytest.mark.rule("P-11")
def test_a_day_is_over_at_midnight_in_shanghai():
    day = domain.legal_day(datetime(2026, 11, 23, 16, 0, tzinfo=UTC))
    assert day.isoformat() == "2026-11-24"
    assert accounts.end_of_day(day) == datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
