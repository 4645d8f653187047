"""A TCP proxy before one department, which can let answers pass, delay them, or refuse."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Coroutine

DELAY = 1.0  # seconds


class SickProxy:
    """Runs in a thread of its own; `well`, `slow` and `dead` say how the department is from now.

    Args:
        port: where it listens on the loopback.
        behind: the department's own port there.
    """

    def __init__(self, port: int, behind: int) -> None:
        self.port = port
        self._behind = behind
        self._delay = 0.0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None] | None] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.well()
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def well(self) -> None:
        """Answers pass."""
        self._delay = 0.0
        self._do(self._listen())

    def slow(self) -> None:
        """Each answer comes a second late."""
        self._delay = DELAY
        self._do(self._listen())

    def dead(self) -> None:
        """Connections break, and new ones are refused."""
        self._do(self._shut())

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    def _do(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(5)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)

    async def _shut(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        while self._passing:
            await asyncio.wait(self._passing)
        await asyncio.sleep(0.01)  # for what was aborted to be closed

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        this = asyncio.current_task()
        self._passing.add(this)
        back, forth = await asyncio.open_connection("127.0.0.1", self._behind)
        self._writers |= {writer, forth}
        try:
            await asyncio.gather(self._ask(reader, forth), self._answer(back, writer))
        finally:
            self._writers -= {writer, forth}
            self._passing.discard(this)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except OSError:
            pass
        writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                if self._delay:  # what comes meanwhile is read, and is as late, in order
                    self._loop.call_later(self._delay, writer.write, data)
                else:
                    writer.write(data)
        except OSError:
            pass
        writer.transport.abort()
