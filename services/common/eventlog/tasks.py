"""Ends of asynchronous tasks: operations that are never cut off, and stops that are never lost.

On Python 3.11 `asyncio.wait_for` leaves a cancelled wait without the lock of its condition, and
swallows a cancellation that comes in the moment of its result. pymongo and aio-pika use it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

ASK_AGAIN = 0.5  # seconds


async def whole(operation: Coroutine[Any, Any, T]) -> T:
    """Await a database operation to its end, also when its caller is cancelled meanwhile.

    A cancellation that cuts off pymongo's search for a server can leave the lock of the client's
    topology taken for good, and with it every later operation of the process waits for ever.
    """
    task = asyncio.ensure_future(operation)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        _take_note(task)
        raise


async def together(*works: Coroutine[Any, Any, Any]) -> None:
    """Run these until one of them ends or fails, then end the others.

    asyncio.TaskGroup would ask each to end only once.

    Raises:
        Exception: what the first of them failed with.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(*tasks)
    for task in tasks:
        if task in done:
            task.result()


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel these until they have ended, however they end; waits for that also when cancelled."""
    cancelled: asyncio.CancelledError | None = None
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        try:
            await asyncio.wait(waiting, timeout=ASK_AGAIN)
        except asyncio.CancelledError as error:
            cancelled = error
    for task in tasks:
        _take_note(task)
    if cancelled:
        raise cancelled


def _take_note(task: asyncio.Task[Any]) -> None:
    """Let a failure in the course of a stop pass; asyncio would report it as never retrieved."""
    if not task.cancelled():
        task.exception()
