"""Processes are killed at random moments while changes come in; nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from zlib import crc32

import httpx
import pytest

from infra.local.stack import Stack
from services.common.identifiers import organisation_code_check_char, uscc_check_char
from tests.integration.ledger import Kind, Ledger

RECOVERY = 20.0  # seconds until everything runs again
WITHIN = 3  # the suite allows three times what the bench measures
CALM = 5.0  # seconds of driving before the first kill
CALM_RATE = 150  # changes a second that two cores acknowledge, driver included, as measured
START = datetime.now(UTC)
VICTIMS = ("servicer", "worker", "relay", "gateway", "indexer", "rabbit", "mongo")


def uscc(key):
    """A right 统一社会信用代码 for each key, of nobody."""
    first8 = "MA" + f"{sum(ord(c) * 131**i for i, c in enumerate(key)) % 10**6:06d}"
    first17 = "91530100" + first8 + organisation_code_check_char(first8)
    return first17 + uscc_check_char(first17)


def new_url(text):
    return f"https://www.example/{crc32(text.encode())}"


KINDS = [
    Kind(
        "catalogue",
        "item",
        "/api/v1/items:publish",
        "/api/v1/items/{}:withdraw",
        "item",
        "item_id",
        lambda key, text: {
            "task_name": text,
            "task_type": "01",
            "dept_name": "某市某局",
            "region_code": "530100000000",
            "local_task_code": f"C-{key}",
        },
    ),
    Kind(
        "credit",
        "permit",
        "/api/v1/credit/permits:disclose",
        "/api/v1/credit/permits/{}:withdraw",
        "permit",
        "permit_id",
        lambda key, text: {
            "subject_code": uscc(key),
            "subject_name": f"演练{key}有限公司",
            "subject_type": "法人及非法人组织",
            "document_name": "准予许可决定书",
            "document_number": f"演练〔2026〕{key}",
            "category": "普通",
            "content": text,
            "decision_date": "2026-11-02",
            "valid_from_date": "2026-11-02",
            "valid_until_date": "2031-11-01",
            "authority_name": "某市某局",
            "authority_code": "11530000015100012L",
            "validity": "1",
            "source_name": "某市某局",
            "source_code": "11530000015100012L",
        },
    ),
    Kind(
        "utilities",
        "outage",
        "/api/v1/utilities/outages:announce",
        "/api/v1/utilities/outages/{}:withdraw",
        "outage",
        "outage_id",
        lambda key, text: {
            "outage_id": f"drill-{key}",
            "sector": "SECTOR_WATER",
            "kind": "OUTAGE_KIND_FAULT",
            "institution_id": uscc("water"),
            "institution_name": "演练供水有限公司",
            "reason": text,
            "start_time": START.isoformat(),
            "expected_restore_time": (START + timedelta(hours=10)).isoformat(),
            "area_region_codes": ["530102000000"],
            "area_text": "五华区",
            "households": 10,
            "phone": "0871-00000000",
        },
    ),
    Kind(
        "websites",
        "mapping",
        "/api/v1/websites/mappings:add",
        "/api/v1/websites/mappings/{}:remove",
        "mapping",
        "mapping_id",
        lambda key, text: {
            "old_url": f"http://old.example/{key}",
            "kind": "MAPPING_KIND_MOVED",
            "new_url": new_url(text),
        },
    ),
]

READING = {
    "item": lambda thing_id, _: f"/api/v1/items/{thing_id}",
    "permit": lambda _, key: f"/api/v1/credit/permits?subject_code={uscc(key)}",
    "outage": lambda thing_id, _: f"/api/v1/utilities/outages/{thing_id}",
    "mapping": lambda _, key: f"/api/v1/websites/mappings:resolve?url=http%3A//old.example/{key}",
}


@pytest.fixture
def stack(tmp_path):
    with Stack(tmp_path / "run", env={"ZHENGTONG_RATE_PER_SECOND": "100000"}) as running:
        yield running


async def test_nothing_acknowledged_is_lost_when_each_process_is_killed(stack):
    ledger = await live_through(stack, seconds=30, rate=60, rounds=1)
    assert ledger.asked >= 30 * 60


@pytest.mark.long
async def test_nothing_acknowledged_is_lost_in_a_long_run(stack):
    ledger = await live_through(stack, seconds=150, rate=200, rounds=4)
    assert ledger.asked >= 150 * 200


async def live_through(stack, *, seconds, rate, rounds):
    """Change and kill for so long, then hold everything against the ledger, which is returned."""
    token = stack.plan.layout.api_key.read_text().strip()
    ledger = Ledger(stack.base_url, token, KINDS, rate, seed=random.randrange(10**6))
    begun = time.monotonic()
    driving = asyncio.create_task(ledger.drive(CALM + seconds))
    calm = await calm_rate(ledger)
    await kill_each(stack, seconds, rounds)
    await driving
    took = time.monotonic() - begun
    assert ledger.failures == []
    sys.stdout.write(
        f"asked {ledger.asked} in {took:.0f} s, retried {ledger.retried}, "
        f"slowest {ledger.slowest:.1f} s, {calm:.0f} a second while nothing was killed\n"
    )
    assert calm >= min(rate, CALM_RATE) / WITHIN
    await ready(stack, RECOVERY * WITHIN)
    assert ledger.holes() == []
    await everything_counted(stack, ledger)
    await everything_kept(stack, ledger)
    assert parked(stack) == []
    await index_is_right(stack)
    zhengtong(stack, "index", "rebuild", "--json")
    await index_is_right(stack)
    return ledger


async def calm_rate(ledger):
    """Acknowledgements a second while nothing is killed."""
    await asyncio.sleep(CALM)
    return ledger.told() / CALM


async def kill_each(stack, seconds, rounds):
    """Each victim once a round, in random order at random moments; a relay is frozen in between."""
    victims = [victim for _ in range(rounds) for victim in random.sample(VICTIMS, len(VICTIMS))]
    pause = seconds / (len(victims) + 1)
    for victim in victims:
        await asyncio.sleep(random.uniform(0.5, 1.2) * pause)
        old = stack.kill(victim)
        await asyncio.to_thread(stack.wait_back, victim, old, RECOVERY * WITHIN)


async def everything_counted(stack, ledger):
    """The publication statistics are raised by exactly one for each thing that became public."""
    wanted = {key: count for key, count in ledger.published().items() if count}

    async def right():
        return {key: value for key, value in (await counts(stack)).items() if key in wanted} == (
            wanted
        )

    await until(right, RECOVERY * WITHIN, lambda: counts_said(stack, wanted))


def counts_said(stack, wanted):
    return f"wanted {wanted}, found {asyncio.run(counts(stack))}"


async def counts(stack):
    found = {}
    async with httpx.AsyncClient(base_url=stack.base_url, trust_env=False) as client:
        answer = await client.get("/api/v1/websites/publication-counts?page_size=200")
        for row in answer.json()["counts"]:
            key = row["department"], row["kind"]
            found[key] = found.get(key, 0) + int(row["count"])
    return found


async def index_is_right(stack):
    """Every document, and none too many, is as its department has it."""
    verified = await asyncio.to_thread(zhengtong, stack, "index", "verify", "--json")
    assert verified["differences"] == []
    assert verified["compared"] > 0


async def everything_kept(stack, ledger):
    """Each thing is as the last acknowledgement left it."""
    async with httpx.AsyncClient(base_url=stack.base_url, trust_env=False) as client:
        for (department, name, key), last in ledger.final().items():
            path = READING[name](ledger.ids[department, name, key], key)
            thing = only(name, await client.get(path))
            if last.public:
                assert int(thing["version"]) == last.version, (key, thing, last)
                assert saying(name, last.text).items() <= thing.items()
            elif name in ("item", "outage"):  # the others are not shown at all
                assert int(thing["version"]) == last.version, (key, thing, last)
            else:
                assert thing is None, (key, thing, last)


def only(name, answer):
    """The thing in an answer; None where nothing is shown."""
    if answer.status_code == 404:
        return None
    found = answer.json()
    return found[name] if name in found else next(iter(found[f"{name}s"]), None)


def saying(name, text):
    """What a thing that was published with this text must say."""
    if name == "mapping":
        return {"new_url": new_url(text)}
    return {{"item": "task_name", "permit": "content", "outage": "reason"}[name]: text}


async def ready(stack, seconds):
    async def green():
        try:
            async with httpx.AsyncClient(base_url=stack.base_url, trust_env=False) as client:
                return (await client.get("/readyz", timeout=2)).status_code == 200
        except httpx.TransportError:
            return False

    await until(green, seconds, lambda: "/readyz is not green")


async def until(condition, seconds, said):
    end = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > end:
            pytest.fail(await asyncio.to_thread(said))
        await asyncio.sleep(0.2)


def parked(stack):
    return [
        *zhengtong(stack, "events", "deferred", "--json"),
        *zhengtong(stack, "events", "dead", "--json"),
    ]


def zhengtong(stack, *words):
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", *words],
        env={**os.environ, **stack.platform_env},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


async def test_a_relay_that_was_frozen_and_replaced_changes_nothing_when_woken(stack):
    token = stack.plan.layout.api_key.read_text().strip()
    ledger = Ledger(stack.base_url, token, KINDS, 30, seed=random.randrange(10**6))
    driving = asyncio.create_task(ledger.drive(20))
    await asyncio.sleep(3)
    frozen = stack.pid("relay")
    os.kill(frozen, signal.SIGSTOP)
    replacement = subprocess.Popen(
        [sys.executable, "-m", "services", "relay", *stack.plan.departments],
        env={**os.environ, **stack.platform_env},
        stderr=subprocess.DEVNULL,
    )
    try:
        await everything_counted_so_far(stack, ledger)
        os.kill(frozen, signal.SIGCONT)
        await driving
        await everything_counted(stack, ledger)
    finally:
        replacement.terminate()
        replacement.wait(20)
    assert ledger.failures == []
    assert ledger.holes() == []
    await index_is_right(stack)


async def everything_counted_so_far(stack, ledger):
    """Facts go on while the first relay is frozen: the replacement took over."""
    before = sum(ledger.published().values())

    async def more():
        return sum((await counts(stack)).values()) >= before + 20

    await until(more, RECOVERY * WITHIN, lambda: f"still at {before}")
