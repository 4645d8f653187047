"""One department slow or dead, many asking: a gateway process before departments of our own.

Bounds are three times those of `python -m tests.bench slow_department` (docs/bench/README.md).
"""

from __future__ import annotations

import contextlib
import json
import statistics
import time

import httpx
import pytest

from gateway.contracts import SERVICES
from tests.bench import open_load
from tests.bench.sick_proxy import SickProxy
from tests.contract.gateway_house import (
    FakeIdentity,
    serving_identity,
    serving_nothing,
    settings_in,
)
from tests.contract.test_gateway_process import end, free_port, start
from tests.unit.onestop.shelf import Shelf, card

WITHIN = 3
MEAN, P95, P99 = (bound * WITHIN for bound in (20, 20, 40))  # milliseconds more than with all well
RATE, SECONDS, SETTLE = 100, 4.0, 1.5
ROUNDS = 3  # at most: a neighbour on the machine spoils one, not all
CODE = "91530100MA6K00014D"
SUBJECT = f"/api/v1/credit/subjects/{CODE}"
OTHERS = ("word", "item")
LIVE = 200  # milliseconds; less than the 300 that a live card waits for its department
MOST = (MEAN, P95, P99, LIVE)
MIX = [
    ("word", "/api/v1/query?q=%E9%A3%9F%E5%93%81"),
    ("item", "/api/v1/items/a"),
    ("word", "/api/v1/query?q=%E7%BB%8F%E8%90%A5"),
    ("code", f"/api/v1/query?q={CODE}"),
    ("item", "/api/v1/items/b"),
    ("subject", SUBJECT),
]


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """The port of a gateway, and the proxy through which it reaches credit."""
    folder = tmp_path_factory.mktemp("sick")
    known = settings_in(folder)
    others = [name for name in SERVICES if name != "identity"]
    shelf = Shelf(known.index_dir, departments=others)
    shelf.put(card("食品经营许可"))
    shelf.tell()
    with contextlib.ExitStack() as stack:
        keys = known.keys_dir
        addresses = {n: stack.enter_context(serving_nothing(n, keys)) for n in others}
        addresses["identity"] = stack.enter_context(serving_identity(FakeIdentity(), keys))
        behind = int(addresses["credit"].rpartition(":")[2])
        proxy = stack.enter_context(SickProxy(free_port(), behind))
        running = start(folder, free_port(), {**addresses, "credit": f"127.0.0.1:{proxy.port}"})
        mix = folder / "mix.json"
        mix.write_text(json.dumps(MIX))
        yield running, proxy, mix
        assert end(running) == 0


def measured(city, state):
    """The answers at 100 requests a second while credit is well, slow or dead."""
    running, proxy, mix = city
    getattr(proxy, state)()
    open_load.drive(running.port, mix, RATE, SETTLE)
    return open_load.drive(running.port, mix, RATE, SECONDS)


def figures(answers):
    """Mean, P95 and P99 of the others, all of which are answered."""
    assert {one.status for one in answers if one.kind in OTHERS} == {200}
    took = sorted(one.milliseconds for one in answers if one.kind in OTHERS)
    assert len(took) > RATE * SECONDS / 2
    return statistics.fmean(took), took[len(took) * 95 // 100], took[len(took) * 99 // 100]


def one_round(city, state):
    """Milliseconds that the others take longer, at mean, P95 and P99, and that live cards take.

    But for a probe a second, nobody waits for what will not come.
    """
    well = figures(measured(city, "well"))
    answers = measured(city, state)
    live = [one for one in answers if one.kind == "code"]
    assert {one.status for one in live} == {200}, "answered without credit"
    longer = [sick - usual for sick, usual in zip(figures(answers), well, strict=True)]
    return [*longer, statistics.median(one.milliseconds for one in live)]


@pytest.mark.parametrize("state", ["slow", "dead"])
def test_a_sick_department_costs_the_others_nothing(city, state):
    rounds = []
    for _ in range(ROUNDS):
        rounds.append(one_round(city, state))
        if all(found <= most for found, most in zip(rounds[-1], MOST, strict=True)):
            return
    pytest.fail(f"milliseconds more, and of live cards: {rounds}")


def test_a_dead_department_is_said_to_be_paused_and_is_back_within_two_seconds(city):
    running, proxy, _ = city
    with httpx.Client(base_url=running.url, trust_env=False) as client:
        proxy.dead()
        told = [client.get(SUBJECT) for _ in range(12)]
        assert {one.status_code for one in told} == {503}
        last = told[-1]
        assert last.json()["reason"] == "DEPARTMENT_PAUSED"
        assert last.headers["content-type"] == "application/problem+json"
        assert last.headers["retry-after"] == "1"
        assert "zhengtong_gateway_calls_refused" in client.get("/metrics").text
        proxy.well()
        began = time.monotonic()
        while client.get(SUBJECT).status_code != 200:
            assert time.monotonic() - began < 2 * WITHIN
            time.sleep(0.05)


def test_a_slow_department_answers_those_who_wait_and_is_left_out_where_nobody_can(city):
    running, proxy, _ = city
    with httpx.Client(base_url=running.url, trust_env=False) as client:
        proxy.slow()
        for _ in range(6):
            asked = client.get("/api/v1/query", params={"q": CODE}).json()
        (status,) = (o["status"] for o in asked["sources"] if o["department"] == "credit")
        assert status == "unavailable"
        assert client.get(SUBJECT).status_code == 200
        proxy.well()
