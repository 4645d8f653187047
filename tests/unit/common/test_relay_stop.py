"""A relay that is told to stop stops, also in the very moment that facts arrive."""

import asyncio

import pytest

from services.common.eventlog import relay
from services.common.eventlog.relay import Relay


async def nothing(*_):
    """No fact is stamped, and none waits."""


@pytest.fixture
def idle(monkeypatch):
    """A relay that has nothing to stamp and nothing to publish."""
    monkeypatch.setattr(relay, "next_batch", nothing)
    monkeypatch.setattr(relay, "stamp", nothing)
    return Relay(None, "catalogue", "", subscribed=frozenset(), declare=nothing)


@pytest.mark.parametrize("between", range(5), ids="{} rounds of the loop later".format)
@pytest.mark.parametrize("what", ["publishing", "stamping"])
async def test_a_stop_in_the_moment_of_a_fact_is_a_stop(idle, what, between):
    if what == "publishing":
        waiting, arrives = asyncio.create_task(idle._next_stamped(0)), idle._stamped
    else:
        waiting, arrives = asyncio.create_task(idle._stamp_all(1, "epoch")), idle._fresh
    await rounds(10)  # it waits for the next fact now
    arrives.set()
    await rounds(between)
    waiting.cancel()
    await rounds(10)
    try:
        assert waiting.cancelled()
    finally:
        waiting.cancel()


async def rounds(count):
    for _ in range(count):
        await asyncio.sleep(0)
