"""Mandates, clients, and what is secret."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from services.common.access import NATIONWIDE, Caller, OutOfReach
from services.identity.domain import Account, Client, KeyUnknown, clients, mandates
from services.identity.domain.clients import ClientInvalid
from services.identity.domain.mandates import MandateAlreadyEnded, MandateInvalid
from services.identity.store.secrets import Passwords, Tokens, client_key, key_hash
from services.identity.usecases import resolve
from tests.conftest import NOW
from tests.fake_identity import FakeClients
from tests.identity_house import (
    COMPANY,
    DALI,
    DEPARTMENT,
    KUNMING,
    OTHER_COMPANY,
    YUNNAN,
    administrator,
)

BOSS = Caller("boss", "account", roles=("person",))
RIGHTS = ("a.b.c", "a.b.d")


AGENT = Account("agent", "han.mei", "韩梅梅", ("person",))
CHIEF = Account("boss", "li.lei", "李雷", ("person",))


def granted(**changes):
    fields = {
        "mandate_id": "m1",
        "subject_code": COMPANY,
        "agent": AGENT,
        "scopes": ["a.b.d", "a.b.c", "a.b.c"],
        "expire_date": "2026-11-23",
        "grantable": RIGHTS,
        "caller": BOSS,
        "now": NOW,
    }
    return mandates.granted(**fields | changes)


def appointed(code=COMPANY):
    return mandates.appointed(mandate_id="m0", subject_code=code, account=CHIEF, by="x")


@pytest.mark.rule("A-7")
def test_a_mandate_holds_until_its_last_day_is_over_in_shanghai():
    mandate = granted()
    assert (mandate.scopes, mandate.login) == (RIGHTS, "han.mei")
    midnight = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    assert mandate.holds(midnight - timedelta(seconds=1))
    assert not mandate.holds(midnight)
    assert not replace(mandate, active=False).holds(NOW)
    assert appointed().holds(NOW + timedelta(days=9999))


@pytest.mark.rule("A-7")
@given(st.dates())
def test_a_last_day_lies_between_today_and_two_years_on(day):
    inside = 0 <= (day - NOW.date()).days <= 731
    if inside:
        assert granted(expire_date=day.isoformat()).expire_date == day
        return
    with pytest.raises(MandateInvalid) as refusal:
        granted(expire_date=day.isoformat())
    assert [one.field for one in refusal.value.violations] == ["expire_date"]


@pytest.mark.rule("A-7")
@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"scopes": []}, ["scopes"]),
        ({"scopes": ["a.b.c", "x.y.z"]}, ["scopes"]),
        ({"agent": CHIEF}, ["agent_login"]),
        ({"expire_date": "soon", "scopes": []}, ["scopes", "expire_date"]),
    ],
)
def test_a_mandate_at_fault_names_its_fields(changes, fault):
    with pytest.raises(MandateInvalid) as refusal:
        granted(**changes)
    assert [one.field for one in refusal.value.violations] == fault


@pytest.mark.rule("A-7")
def test_a_representative_is_appointed_for_a_right_code_only():
    with pytest.raises(MandateInvalid):
        appointed(code="91530100010090011X")


@pytest.mark.rule("A-7")
def test_only_a_representative_speaks_for_the_whole_enterprise():
    mandates.check_represents(BOSS, COMPANY, [appointed()], NOW)
    others = [
        (BOSS, [granted()]),
        (BOSS, [replace(appointed(), active=False)]),
        (BOSS, [appointed(code=OTHER_COMPANY)]),
        (replace(BOSS, on_behalf_of=OTHER_COMPANY), [appointed()]),
    ]
    for caller, own in others:
        with pytest.raises(OutOfReach):
            mandates.check_represents(caller, COMPANY, own, NOW)


@pytest.mark.rule("A-7")
def test_mandates_are_seen_by_the_representative_and_by_whoever_acts_for_the_enterprise():
    mandates.check_sees(BOSS, COMPANY, [appointed()], NOW)
    agent = replace(BOSS, principal="agent")
    mandates.check_sees(replace(agent, on_behalf_of=COMPANY), COMPANY, [], NOW)
    for caller in (agent, replace(agent, on_behalf_of=OTHER_COMPANY)):
        with pytest.raises(OutOfReach):
            mandates.check_sees(caller, COMPANY, [granted()], NOW)


@pytest.mark.rule("A-7")
def test_a_mandate_is_taken_back_by_those_it_concerns():
    mandate = granted()
    agent, stranger = replace(BOSS, principal="agent"), replace(BOSS, principal="other")
    for caller, own in ((agent, []), (BOSS, [appointed()]), (administrator(KUNMING), [])):
        assert not mandates.ended(mandate, caller, own, NOW).active
    for caller in (stranger, administrator(DALI)):
        with pytest.raises(OutOfReach):
            mandates.ended(mandate, caller, [], NOW)
    with pytest.raises(MandateAlreadyEnded):
        mandates.ended(replace(mandate, active=False), agent, [], NOW)


def client(**changes):
    fields = {
        "client_id": "c1",
        "name": " 系统 ",
        "department": DEPARTMENT,
        "region": KUNMING,
        "rights": ("a.b.d", "a.b.c", "a.b.c"),
    }
    return Client(**fields | changes)


@pytest.mark.rule("A-8")
def test_a_client_is_kept_in_order():
    kept = clients.checked(client(certificates=("ab" * 32,) * 2), RIGHTS)
    assert (kept.name, kept.rights, kept.certificates) == ("系统", RIGHTS, ("ab" * 32,))


@pytest.mark.rule("A-8")
@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": " "}, "name"),
        ({"name": "长" * 101}, "name"),
        ({"department": ""}, "dept_code"),
        ({"region": "53"}, "region_code"),
        ({"institution": "x"}, "institution_id"),
        ({"rights": ()}, "rights"),
        ({"rights": ("a.b.c", "identity.account.open")}, "rights"),
        ({"rate": -1}, "rate_per_second"),
        ({"rate": 10_001}, "rate_per_second"),
        ({"certificates": ("AB" * 32,)}, "certificates"),
        ({"certificates": ("ab" * 32,) * 11}, "certificates"),
        ({"certificate_required": True}, "certificate_required"),
    ],
)
def test_a_client_at_fault_names_its_fields(changes, fault):
    with pytest.raises(ClientInvalid) as refusal:
        clients.checked(client(**changes), RIGHTS)
    assert [one.field for one in refusal.value.violations] == [f"client.{fault}"]


@pytest.mark.rule("A-6")
def test_a_client_is_governed_in_its_region_and_where_its_institution_is():
    clients.check_may_govern(administrator(), client(institution=OTHER_COMPANY))
    clients.check_may_govern(Caller("cli", "service"), client(region=NATIONWIDE))
    for caller, one in (
        (administrator(DALI), client()),
        (administrator(YUNNAN), client(region=NATIONWIDE)),
        (administrator(KUNMING), client(institution=OTHER_COMPANY)),
        (administrator(""), client()),
    ):
        with pytest.raises(OutOfReach):
            clients.check_may_govern(caller, one)


@pytest.mark.rule("A-8")
def test_a_key_that_needs_a_certificate_is_nothing_without_it():
    store = FakeClients(NOW)
    both = client(certificates=("aa",), certificate_required=True)
    store.register(both, key_hash("k1"))
    store.register(client(client_id="c2", certificates=("bb",)), key_hash("k2"))
    assert resolve("k1", "aa", store=store).client_id == "c1"
    assert resolve("", "aa", store=store).client_id == "c1"
    assert resolve("k2", "", store=store).client_id == "c2"
    assert resolve("k2", "of-a-proxy", store=store).client_id == "c2"
    for key, certificate in (("k1", ""), ("k1", "bb"), ("", ""), ("", "cc"), ("k9", "aa")):
        with pytest.raises(KeyUnknown):
            resolve(key, certificate, store=store)


@pytest.mark.rule("A-8")
def test_no_two_keys_are_alike_and_a_hash_is_no_key():
    made = {client_key("c1") for _ in range(50)}
    assert len({key for key, _ in made}) == len({hashed for _, hashed in made}) == 50
    assert all(key_hash(key) == hashed != key for key, hashed in made)


def tokens():
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    return Tokens(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.mark.rule("A-4")
@given(st.text(max_size=80))
def test_no_made_up_refresh_token_is_read(text):
    assert tokens().read_refresh(text) is None
    assert tokens().read_refresh(f"s1.1.{text}") is None


@pytest.mark.rule("A-4")
def test_a_refresh_token_names_its_session_and_generation_and_no_other():
    made = tokens().refresh("s1", 3)
    assert tokens().read_refresh(made) == ("s1", 3)
    proof = made.rpartition(".")[2]
    assert tokens().read_refresh(f"s1.4.{proof}") is None
    assert tokens().read_refresh(f"s2.3.{proof}") is None


@pytest.mark.rule("A-2")
def test_a_password_is_kept_as_a_slow_hash_with_a_salt():
    passwords = Passwords()
    hashed = passwords.hash("Kunming-spring-27")
    assert hashed.startswith("$argon2id$")
    assert hashed != passwords.hash("Kunming-spring-27")
    assert passwords.fits(hashed, "Kunming-spring-27")
    assert not passwords.fits(hashed, "Kunming-spring-28")
    assert not passwords.fits("", "")
    assert not passwords.fits("no hash", "x")
    assert len({passwords.first() for _ in range(50)}) == 50
