"""A database operation that was begun is never cut off, and no stop is lost."""

import asyncio

import pytest

from services.common.eventlog import tasks
from services.common.eventlog.tasks import end, together, whole


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


@pytest.mark.parametrize("times", [1, 3])
async def test_a_caller_cancelled_again_and_again_waits_for_the_end_of_the_operation(times):
    operation = Operation()
    caller = asyncio.create_task(whole(operation.run()))
    await operation.begun.wait()
    for _ in range(times):
        caller.cancel()
        done, _ = await asyncio.wait({caller}, timeout=0.05)
        assert not done
    operation.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert operation.ended == "whole"


async def test_a_refusal_of_the_operation_reaches_the_caller():
    async def refuse():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await whole(refuse())


class Deaf:
    """Work that goes on after the first times it is asked to end."""

    def __init__(self, times):
        self.times = times

    async def run(self):
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.times -= 1
                if self.times < 0:
                    raise


async def failing():
    await asyncio.sleep(0)
    raise ValueError("no")


async def test_a_stop_that_was_lost_is_asked_for_again(monkeypatch):
    monkeypatch.setattr(tasks, "ASK_AGAIN", 0.01)
    deaf = Deaf(3)
    async with asyncio.timeout(5):
        with pytest.raises(ValueError, match="no"):
            await together(failing(), deaf.run())
    assert deaf.times == -1


async def test_a_cancelled_caller_waits_for_all_to_end(monkeypatch):
    monkeypatch.setattr(tasks, "ASK_AGAIN", 0.01)
    works = [Deaf(0), Deaf(2)]
    caller = asyncio.create_task(together(*(deaf.run() for deaf in works)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        caller.cancel()
        await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
    assert [deaf.times for deaf in works] == [-1, -1]


async def test_all_end_with_the_first_that_ends():
    deaf = Deaf(0)
    await together(deaf.run(), asyncio.sleep(0))
    assert deaf.times == -1


async def test_what_ends_badly_in_a_stop_is_no_failure_of_the_stop():
    async def bad():
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("late")

    task = asyncio.create_task(bad())
    await asyncio.sleep(0)
    await end(task)
    assert isinstance(task.exception(), ValueError)
