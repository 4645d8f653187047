"""Long answers: how many at once, how slow a client may be, and that the work ends when it goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from starlette.responses import Response, StreamingResponse

from gateway.refusals import GatewayBusy, RequestTooSlow

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping

    from starlette.types import Message, Receive, Scope, Send

T = TypeVar("T")

CHUNK_SECONDS: Final = 60.0
"""For a client to take a chunk of 64 KB; one that stopped reading would keep its place for long."""


class Places:
    """So many at once; a further one is told to come later.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._free = count

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            GatewayBusy: all are taken.
        """
        if not self._free:
            raise GatewayBusy("同时下载开放数据的人太多，请稍后再试。")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


class Gone(Exception):
    """The client went away before there was an answer."""


class Unsent(Response):
    """The answer to nobody."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What some work gives; it ends when the client goes away.

    Raises:
        Gone: the client did.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_leave(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Gone
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Streamed(StreamingResponse):
    """A body in chunks, and what is held until the last of them was taken.

    Args:
        held: closed however the answer ends.
    """

    def __init__(
        self, body: AsyncIterator[bytes], held: AsyncExitStack, headers: Mapping[str, str]
    ) -> None:
        super().__init__(body, headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it.

        Raises:
            RequestTooSlow: the client takes nothing.
        """

        async def paced(message: Message) -> None:
            try:
                async with asyncio.timeout(CHUNK_SECONDS):
                    await send(message)
            except TimeoutError:
                raise RequestTooSlow("下载中止：长时间没有接收数据。") from None

        async with self._held:
            await super().__call__(scope, receive, paced)
