"""Which tokens of accounts let somebody in, for how long, and what is kept of them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from gateway import identity
from gateway.identity import (
    NOBODY,
)
from gateway.refusals import DepartmentFailed, DepartmentUnavailable, TokenWrong
from services.common.access import Caller
from services.common.errors import Denied
from services.common.permissions import transferable
from tests.unit.gateway.identity_door import (
    CLAIMS,
    HEADER,
    NOW,
    scope,
    signed,
)

# --- accounts --------------------------------------------------------------------------------


async def test_nobody_is_who_shows_nothing(door, clients):
    assert await door.find(scope()) is NOBODY
    assert clients.asked == []


async def test_an_access_token_tells_who_asks_without_asking_identity(door, signing, clients):
    token = signed(signing, department="d", region="r", institution="i")
    known = await door.find(scope(token))
    assert known.caller == Caller(
        *("a1", "account", ("officer", "person")),
        department="d",
        region="r",
        institution="i",
        session="s1",
    )
    assert door.seen(scope(token)) == known
    assert clients.asked == []


async def test_whom_and_what_a_mandate_is_for_is_carried(door, signing):
    agent = signed(signing, on_behalf_of="91110000600037341L", scopes=["x.y"])
    caller = (await door.find(scope(agent))).caller
    assert (caller.on_behalf_of, caller.scopes) == ("91110000600037341L", ("x.y",))


async def test_a_representative_may_all_that_can_be_given_on(door, signing):
    token = signed(signing, on_behalf_of="91110000600037341L", represents=True)
    caller = (await door.find(scope(token))).caller
    assert caller.scopes == transferable("person")


async def test_whoever_must_change_the_password_has_no_roles(door, signing):
    caller = (await door.find(scope(signed(signing, must_change=True)))).caller
    assert caller.roles == ()
    assert caller.session == "s1"


async def test_a_token_is_refused_once_it_has_expired_known_or_not(door, signing, clock):
    token = signed(signing)
    await door.find(scope(token))
    clock.now += 299
    assert door.seen(scope(token))
    clock.now += 1
    assert door.seen(scope(token)) is None
    with pytest.raises(TokenWrong):
        await door.find(scope(token))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(NOW)},
        {"exp": "later"},
        {"exp": None},
        {"iss": "gateway"},
        {"aud": "credit"},
        {"aud": ["gateway"]},
        {"sub": None, "roles": None},
        {"sid": ["s1"]},
    ],
)
async def test_a_claim_that_is_not_right_makes_the_token_worthless(door, signing, claims):
    with pytest.raises(TokenWrong):
        await door.find(scope(signed(signing, **claims)))


@pytest.mark.parametrize("kind", ["JWT", "at+JWT", "", None])
async def test_a_token_of_another_kind_is_worthless(door, signing, kind):
    header = {"alg": "Ed25519"} | ({"typ": kind} if kind is not None else {})
    with pytest.raises(TokenWrong):
        await door.find(scope(signed(signing, header)))


def encoded(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def test_only_the_key_of_identity_signs(door, signing):
    pem = signing.as_pem(private=False)
    raw = base64.urlsafe_b64decode(signing.as_dict(private=False)["x"] + "==")
    forged = [
        signed(OKPKey.generate_key("Ed25519")),
        f"{encoded({'alg': 'none', 'typ': 'at+jwt'})}.{encoded(CLAIMS)}.",
        f"{encoded({'alg': 'None', 'typ': 'at+jwt'})}.{encoded(CLAIMS)}.{encoded(b'x' * 64)}",
        f"{encoded(HEADER)}.{encoded(CLAIMS)}.",
        hmac_signed(pem),
        hmac_signed(raw),
    ]
    own = OKPKey.generate_key("Ed25519")
    with_key = {**HEADER, "jwk": own.as_dict(private=False)}
    forged.append(jwt.encode(with_key, CLAIMS, own, algorithms=["Ed25519"]))
    for token in forged:
        with pytest.raises(TokenWrong):
            await door.find(scope(token))


def hmac_signed(secret):
    """As RFC 7515 would make it, by hand: libraries refuse a PEM as a secret."""
    said = f"{encoded({'alg': 'HS256', 'typ': 'at+jwt'})}.{encoded(CLAIMS)}"
    return f"{said}.{encoded(hmac.digest(secret, said.encode(), hashlib.sha256))}"


async def test_a_changed_token_is_worthless(door, signing):
    header, claims, signature = signed(signing).split(".")
    other = encoded({**CLAIMS, "sub": "a2"})
    for token in (f"{header}.{other}.{signature}", f"{header}.{claims}.{signature[:-4]}AAAA"):
        with pytest.raises(TokenWrong):
            await door.find(scope(token))


NESTED = encoded(b'{"alg":"Ed25519","x":' + b"[" * 8000 + b"]" * 8000 + b"}")
NUMBER = encoded(b'{"alg":"Ed25519","kid":' + b"9" * 5000 + b"}")


@pytest.mark.parametrize(
    "token",
    [
        *("x", ".", "..", "...", "a.b.c", "=.=.=", "a" * 16_000, ".".join("a" * 5000)),
        *("令牌".encode(), b"\xff\xfe.\x00.\x80", b"a b c", "ａ.ｂ.ｃ".encode()),
        f"{NESTED}.e30.e30",
        f"{encoded(b'[]')}.e30.e30",
        f"{NUMBER}.e30.e30",
        f"{encoded({'alg': ['Ed25519']})}.e30.e30",
        f"{encoded({'alg': 'Ed25519', 'crit': ['x'], 'x': 1})}.e30.e30",
    ],
    ids=lambda token: repr(token[:20]),
)
async def test_garbage_is_refused_as_a_wrong_token_and_nothing_of_it_is_kept(door, token, clients):
    with pytest.raises(TokenWrong):
        await door.find(scope(token))
    assert door.seen(scope(token)) is None
    assert clients.asked == []
    assert not door._known


@pytest.mark.parametrize("value", [b"", b"Bearer", b"Bearer ", b"Basic YTpi", b"zt_key", b"\xff"])
async def test_a_header_of_another_form_is_not_let_through_as_nobody(door, value):
    with pytest.raises(TokenWrong):
        await door.find(scope(authorization=value))


# --- endings ---------------------------------------------------------------------------------


async def test_a_token_of_an_ended_session_is_refused_after_one_look(door, signing, clients):
    token, other = signed(signing), signed(signing, sid="s2")
    for one in (token, other):
        await door.find(scope(one))
    clients.endings = ["s1"]
    await door._look(datetime.fromtimestamp(NOW, UTC))
    assert door.seen(scope(token)) is None
    for again in (token, signed(signing, jti="another of the same session")):
        with pytest.raises(TokenWrong):
            await door.find(scope(again))
    assert door.seen(scope(other))


async def test_all_pages_of_endings_are_read_in_one_look(door, clients):
    clients.endings = [f"s{number}" for number in range(25)]
    clients.page = 10
    told = await door._look(datetime.fromtimestamp(NOW, UTC))
    assert {*door._ended} == {*clients.endings}
    assert clients.looked == 3
    assert told == datetime.fromtimestamp(NOW, UTC) - timedelta(seconds=30)


async def test_an_ended_session_is_remembered_while_a_token_of_it_could_be_good(
    door, signing, clients, clock
):
    token = signed(signing)
    clients.endings = ["s1", *(f"s{number}" for number in range(2, 20_000))]
    await door._look(datetime.fromtimestamp(NOW, UTC))
    clients.endings = ["later"]
    clock.now = NOW + 299
    await door._look(datetime.fromtimestamp(NOW, UTC))
    with pytest.raises(TokenWrong):
        await door.find(scope(token))
    clock.now = NOW + identity.ENDED_SECONDS
    await door._look(datetime.fromtimestamp(NOW, UTC))
    assert [*door._ended] == ["later"]


async def test_beyond_all_measure_the_oldest_endings_are_forgotten(
    door, clients, monkeypatch, caplog
):
    monkeypatch.setattr(identity, "ENDED_AT_MOST", 3)
    clients.endings = ["s1", "s2"]
    await door._look(datetime.fromtimestamp(NOW, UTC))
    assert not caplog.records
    clients.endings = ["s3", "s4"]
    await door._look(datetime.fromtimestamp(NOW, UTC))
    assert [one for one in ("s1", "s2", "s3", "s4") if one in door._ended][-2:] == ["s3", "s4"]
    assert len(door._ended) == 3
    assert "more than 3 endings" in caplog.text


async def test_looks_overlap(door):
    told = await door._look(datetime.fromtimestamp(NOW, UTC))
    assert told == datetime.fromtimestamp(NOW, UTC) - timedelta(seconds=30)


@pytest.mark.parametrize(
    "error", [DepartmentUnavailable("x"), DepartmentFailed("x"), Denied("x"), ValueError("x")]
)
async def test_looking_goes_on_whatever_goes_wrong(door, clients, monkeypatch, error):
    monkeypatch.setattr(identity, "LOOK_EVERY", 0.0)
    clients.error = error
    following = asyncio.create_task(door.follow())
    while clients.looked < 3:
        await asyncio.sleep(0)
    clients.error, clients.endings = None, ["s9"]
    while "s9" not in door._ended:
        assert not following.done()
        await asyncio.sleep(0)
    following.cancel()
