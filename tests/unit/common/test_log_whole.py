"""A database operation that was begun is never cut off."""

import asyncio

import pytest

from services.common.eventlog.log import whole


class Operation:
    """An operation that ends when it is let go, and says how."""

    def __init__(self):
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.ended = ""

    async def run(self):
        self.begun.set()
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.ended = "cut off"
            raise
        self.ended = "whole"
        return 7


async def test_an_operation_gives_its_result():
    operation = Operation()
    operation.let_go.set()
    assert await whole(operation.run()) == 7


async def test_a_cancelled_caller_waits_for_the_end_of_the_operation():
    operation = Operation()
    caller = asyncio.create_task(whole(operation.run()))
    await operation.begun.wait()
    caller.cancel()
    done, _ = await asyncio.wait({caller}, timeout=0.05)
    assert not done
    operation.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert operation.ended == "whole"


async def test_a_caller_cancelled_twice_leaves_the_operation_running():
    operation = Operation()
    caller = asyncio.create_task(whole(operation.run()))
    await operation.begun.wait()
    for _ in range(2):
        caller.cancel()
        await asyncio.wait({caller}, timeout=0.05)
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert operation.ended == ""
    operation.let_go.set()
    await asyncio.sleep(0)
    assert operation.ended == "whole"


async def test_a_refusal_of_the_operation_reaches_the_caller():
    async def refuse():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await whole(refuse())
