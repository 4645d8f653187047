"""Who calls is known by a signed token only."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from infra.local.keys import PRINCIPALS
from services.common import callers
from services.common.access import ANONYMOUS, Caller
from services.common.callers import Signer, TokenRefused, Verifier
from tests.callers import SYSTEM

KEYS = {name: Ed25519PrivateKey.generate() for name in ("gateway", "indexer")}
PUBLIC = {name: key.public_key() for name, key in KEYS.items()}


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gateway(clock):
    return Signer("gateway", KEYS["gateway"], clock)


@pytest.fixture
def verifier(clock):
    return Verifier("catalogue", PUBLIC, clock)


def test_the_gateway_speaks_for_others(gateway, verifier):
    somebody = Caller(
        "somebody", "account", roles=("person",), on_behalf_of="91530100MA6K00014D", purpose="查询"
    )
    assert verifier.verify(gateway.token(somebody, "catalogue")) == somebody


def test_a_principal_speaks_for_itself_only(clock, verifier):
    indexer = Signer("indexer", KEYS["indexer"], clock)
    assert verifier.verify(indexer.token(indexer.own(), "catalogue")) == indexer.own()
    for other in (SYSTEM, ANONYMOUS, Caller("relay", "service")):
        with pytest.raises(TokenRefused):
            verifier.verify(indexer.token(other, "catalogue"))


def test_the_gateway_is_no_other_principal(gateway, verifier):
    with pytest.raises(TokenRefused):
        verifier.verify(gateway.token(Caller("relay", "service"), "catalogue"))


def test_a_token_for_another_department_is_refused(gateway, verifier):
    with pytest.raises(TokenRefused):
        verifier.verify(gateway.token(SYSTEM, "credit"))


def test_a_token_is_used_again_while_fresh_and_refused_when_old(clock, gateway, verifier):
    token = gateway.token(SYSTEM, "catalogue")
    clock.now += 30
    assert gateway.token(SYSTEM, "catalogue") == token
    verifier.verify(token)
    clock.now += 36
    assert gateway.token(SYSTEM, "catalogue") != token
    with pytest.raises(TokenRefused):
        verifier.verify(token)


def test_a_key_that_is_not_trusted_signs_nothing(clock, verifier):
    stranger = Signer("gateway", Ed25519PrivateKey.generate(), clock)
    with pytest.raises(TokenRefused):
        verifier.verify(stranger.token(SYSTEM, "catalogue"))


def test_no_algorithm_is_no_signature(verifier):
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    claims = {"iss": "gateway", "aud": "catalogue", "exp": 9e9, "sub": "operator"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    for token in (f"{header}.{body}.", f"{header}.{body}", "", ".", "a.b.c"):
        with pytest.raises(TokenRefused):
            verifier.verify(token)


@pytest.mark.rule("P-14")
@given(position=st.integers(0, 400), replacement=st.characters())
def test_changing_one_character_of_a_token_makes_it_worthless(position, replacement):
    token = Signer("gateway", KEYS["gateway"], Clock()).token(SYSTEM, "catalogue")
    position %= len(token)
    if token[position] == replacement:
        return
    forged = token[:position] + replacement + token[position + 1 :]
    verifier = Verifier("catalogue", PUBLIC, Clock())
    try:
        caller = verifier.verify(forged)
    except TokenRefused:
        return
    # The last character of base64 has bits that mean nothing; the claims are the same then.
    assert position == len(token) - 1
    assert caller == SYSTEM


def test_the_module_names_every_principal_that_has_a_key():
    assert f"({', '.join(PRINCIPALS)})" in callers.__doc__
