"""The indexer's life: one directory after the other, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import orjson

from gateway.clients import Clients
from gateway.indexer import standing
from gateway.indexer.session import Session, now_micros
from gateway.indexer.standing import Standing
from gateway.indexer.writer import IndexWriter
from gateway.onestop import directory
from gateway.onestop.directory import INDEXER_LOCK, STATUS, LockHeld, Signals
from services.common.callers import Signer

if TYPE_CHECKING:
    from services.common.settings import Settings

logger = logging.getLogger(__name__)

STATUS_EVERY = 0.25  # seconds
RETRY_AFTER = 1.0  # seconds, where a directory cannot be written
FAILURES_BEFORE_ANEW = 5
LEAST_FREE = 64 << 20  # bytes


class Indexer:
    """The one writer of the index on this machine."""

    def __init__(self, settings: Settings) -> None:
        settings.need("grpc_addresses", "index_dir")
        self._root = settings.index_dir
        self._signals = Signals(self._root)
        self._signer = Signer.load(settings.keys_dir, "indexer")
        self._clients = Clients(settings, self._signer)
        self._standings = {name: Standing(name) for name in settings.public_departments()}
        self._stop = asyncio.Event()
        self._failures = 0

    def stop(self) -> None:
        """Come to an end soon."""
        self._stop.set()

    async def run(self) -> None:
        """Write the index until stopped; wait while another indexer does."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._clients.close)
            stack.callback(self._signals.close)
            if not await self._become_the_writer(stack):
                return
            self._remember()
            telling = asyncio.create_task(self._tell())
            try:
                while not self._stop.is_set():
                    await self._write_one_directory()
            finally:
                telling.cancel()
                with suppress(asyncio.CancelledError):
                    await telling

    async def _become_the_writer(self, stack: AsyncExitStack) -> bool:
        waits = False
        while not self._stop.is_set():
            try:
                stack.enter_context(directory.locked(self._root / INDEXER_LOCK))
            except LockHeld:
                if not waits:
                    logger.info("another indexer writes %s; waiting for its end", self._root)
                waits = True
                await self._pause(0.5)
            else:
                return True
        return False

    async def _write_one_directory(self) -> None:
        writer = self._open()
        for name in directory.remove_others(self._root):
            logger.info("removed the index %s, no longer in use", name)
        session = Session(writer, self._standings, self._committed)
        logger.info("ready indexer")
        try:
            await session.run(self._clients, self._signer.own(), lambda: self._done_with(writer))
        except (ValueError, OSError) as error:
            self._failures += 1
            logger.exception("the index %s cannot be written: %s", writer.directory.name, error)  # noqa: TRY401
            await self._pause(RETRY_AFTER)
        finally:
            writer.close()

    def _open(self) -> IndexWriter:
        """The directory in use; an empty one in its place where it is absent or unreadable."""
        used = directory.current(self._root)
        # On a full disk nothing can be written anew either, and what there is still answers.
        if used and (self._failures < FAILURES_BEFORE_ANEW or self._is_full()):
            try:
                return IndexWriter(used)
            except (ValueError, OSError) as error:
                logger.error("the index %s cannot be read: %s", used.name, error)  # noqa: TRY400
        logger.warning("making the index anew from the departments' snapshots")
        new = directory.create(self._root)
        directory.switch(self._root, new)
        self._failures = 0
        for one in self._standings.values():
            one.as_of = None
        self._signals.index_moved()
        return IndexWriter(new)

    def _is_full(self) -> bool:
        return shutil.disk_usage(self._root).free < LEAST_FREE

    def _done_with(self, writer: IndexWriter) -> bool:
        return self._stop.is_set() or directory.current(self._root) != writer.directory

    def _committed(self) -> None:
        self._failures = 0
        self._signals.index_moved()

    def _remember(self) -> None:
        """Go on from what the indexer before said of the departments."""
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            for row in orjson.loads((self._root / STATUS).read_bytes())["sources"]:
                known = self._standings.get(row["department"])
                if known:
                    known.as_of, known.lost_since = row["as_of"], row["since"]

    async def _tell(self) -> None:
        """Keep the status file as the departments stand."""
        while True:
            try:
                standing.write(self._root, self._signals, self._standings.values(), now_micros())
            except OSError as error:  # a full disk, say: the next one may be written
                logger.warning("the status of the index cannot be written now: %s", error)
            await asyncio.sleep(STATUS_EVERY)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()
