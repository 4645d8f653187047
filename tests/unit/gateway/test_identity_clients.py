"""Who is let in by which key or certificate, for how long, and what is kept of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from zhengtong.identity.v1 import identity_pb2

from gateway.identity import (
    BELIEVED_SECONDS,
    NOBODY,
    OUTAGE_SECONDS,
    REMEMBERED,
)
from gateway.limits import whose_bucket
from gateway.refusals import DepartmentFailed, DepartmentSlow, DepartmentUnavailable, TokenWrong
from services.common.access import Caller
from tests.unit.gateway.identity_door import (
    KEY,
    NOW,
    scope,
    signed,
)

# --- clients ---------------------------------------------------------------------------------


async def test_a_key_is_asked_for_once_and_believed_for_a_minute(door, clients, clock):
    known = await door.find(scope(KEY))
    assert known.caller == Caller("c1", "client", rights=("r",))
    assert known.rate == 7
    clock.now += BELIEVED_SECONDS - 1
    assert await door.find(scope(KEY)) == known
    assert clients.asked == [(KEY, "")]
    clock.now += 1
    assert door.seen(scope(KEY)) is None
    await door.find(scope(KEY))
    assert len(clients.asked) == 2


async def test_requests_that_come_together_ask_once(door, clients):
    clients.held = asyncio.Event()
    asking = [asyncio.create_task(door.find(scope(KEY))) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    clients.held.set()
    answers = await asyncio.gather(*asking[1:])
    assert {one.caller.principal for one in answers} == {"c1"}
    assert len(clients.asked) == 1
    assert not door._asking


async def test_a_client_that_was_changed_is_asked_for_again_and_one_that_ended_refused(
    door, clients
):
    await door.find(scope(KEY))
    clients.endings = ["c1"]
    clients.by[KEY] = identity_pb2.Client(client_id="c1", rights=["less"])
    await door._look(datetime.fromtimestamp(NOW, UTC))
    assert (await door.find(scope(KEY))).caller.rights == ("less",)
    del clients.by[KEY]
    await door._look(datetime.fromtimestamp(NOW, UTC))
    with pytest.raises(TokenWrong):
        await door.find(scope(KEY))


OUTAGES = [DepartmentUnavailable("x"), DepartmentSlow("x"), DepartmentFailed("x")]


@pytest.mark.parametrize("error", OUTAGES)
async def test_in_an_outage_a_key_seen_lately_is_believed_for_five_minutes_and_no_longer(
    door, clients, clock, error
):
    await door.find(scope(KEY))
    clients.error = error
    clock.now += BELIEVED_SECONDS
    ends = clock.now + OUTAGE_SECONDS
    while clock.now < ends:
        assert (await door.find(scope(KEY))).caller.principal == "c1"
        clock.now += 2
    with pytest.raises(type(error)):
        await door.find(scope(KEY))
    clients.error = None
    assert (await door.find(scope(KEY))).caller.principal == "c1"


@pytest.mark.parametrize("error", OUTAGES)
async def test_in_an_outage_a_key_never_seen_is_not_refused_but_told_to_come_again(
    door, clients, error
):
    clients.error = error
    with pytest.raises(type(error)):
        await door.find(scope(KEY))


async def test_a_client_counts_for_itself_also_while_it_has_to_be_asked_for_again(
    door, clients, clock
):
    assert whose_bucket(scope(), door) == ("192.0.2.1", 0.0)
    unknown = whose_bucket(scope(KEY), door)
    assert unknown not in (("192.0.2.1", 0.0), ("client c1", 7.0))
    assert whose_bucket(scope(authorization=b"Basic YTpi"), door) == unknown
    await door.find(scope(KEY))
    for wait in (0, BELIEVED_SECONDS, OUTAGE_SECONDS - 1):
        clock.now += wait
        assert whose_bucket(scope(KEY), door) == ("client c1", 7.0)
    clock.now += 1
    assert whose_bucket(scope(KEY), door) == unknown


async def test_an_account_counts_for_itself_with_each_of_its_tokens(door, signing):
    for token in (signed(signing), signed(signing, sid="s2")):
        await door.find(scope(token))
        assert whose_bucket(scope(token), door) == ("account a1", 0.0)


async def test_in_an_outage_a_client_that_ended_before_is_not_believed(door, clients):
    await door.find(scope(KEY))
    clients.endings = ["c1"]
    await door._look(datetime.fromtimestamp(NOW, UTC))
    clients.error = DepartmentUnavailable("x")
    with pytest.raises(DepartmentUnavailable):
        await door.find(scope(KEY))


@pytest.mark.parametrize(
    "key", ["zt_", "zt_" + "k" * 201, "zt_a b", "zt_密钥", "zt_\x80", "zt_a.b"]
)
async def test_what_cannot_be_a_key_is_refused_without_asking(door, clients, key):
    with pytest.raises(TokenWrong):
        await door.find(scope(key))
    assert clients.asked == []


async def test_a_key_of_nobody_is_refused_and_not_remembered(door, clients):
    for _ in range(2):
        with pytest.raises(TokenWrong):
            await door.find(scope("zt_nobodys"))
    assert len(clients.asked) == 2
    assert not door._known


def strings_in(value, seen):
    """Every text and byte string that can be reached from a value."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, str | bytes):
        yield value.encode() if isinstance(value, str) else value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from strings_in(list(pair), seen)
    elif isinstance(value, list | tuple | set):
        for one in value:
            yield from strings_in(one, seen)
    else:
        for name in (*getattr(value, "__slots__", ()), *getattr(value, "__dict__", ())):
            yield from strings_in(getattr(value, name, None), seen)


async def test_neither_keys_nor_tokens_stay_in_memory(door, signing):
    token = signed(signing)
    await door.find(scope(KEY))
    await door.find(scope(token))
    door._clients = None
    kept = list(strings_in(door, set()))
    assert b"c1" in kept
    assert not [one for one in kept if KEY[6:].encode() in one or token[-40:].encode() in one]


async def test_what_is_remembered_is_bounded_and_the_latest_stay(door, clients):
    for number in range(REMEMBERED + 50):
        clients.by[f"zt_{number}"] = identity_pb2.Client(client_id=f"c{number}")
        await door.find(scope(f"zt_{number}"))
    assert len(door._known) == REMEMBERED
    assert door.seen(scope("zt_0")) is None
    assert door.seen(scope(f"zt_{REMEMBERED + 49}"))


# --- certificates ----------------------------------------------------------------------------

SHOWN = "ab" * 32


async def test_a_certificate_alone_is_asked_for_by_its_hash(door, clients):
    clients.by[SHOWN] = identity_pb2.Client(client_id="c2")
    assert (await door.find(scope(certificate=SHOWN))).caller.principal == "c2"
    assert clients.asked == [("", SHOWN)]


async def test_a_key_with_a_certificate_is_another_proof_than_the_key_alone(door, clients):
    await door.find(scope(KEY))
    await door.find(scope(KEY, SHOWN))
    assert clients.asked == [(KEY, ""), (KEY, SHOWN)]


async def test_a_certificate_that_is_nobodys_is_not_let_through_as_nobody(door):
    with pytest.raises(TokenWrong):
        await door.find(scope(certificate=SHOWN))


@pytest.mark.parametrize("header", ["origin", "sec_fetch_site"])
async def test_a_certificate_that_a_browser_shows_by_itself_says_nothing(door, clients, header):
    clients.by[SHOWN] = identity_pb2.Client(client_id="c2")
    assert await door.find(scope(certificate=SHOWN, **{header: b"cross-site"})) is NOBODY
    assert clients.asked == []
