"""One index directory while it is written: feeds in, commits out."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.indexer.feed import CopyBegun, CopyEnded, CopyPart, Feed, Lost, Progress, Word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.clients import Clients
    from gateway.indexer.standing import Standing
    from gateway.indexer.writer import IndexWriter
    from services.common.access import Caller

GATHER = 0.12  # seconds between the starts of two commits while changes keep coming
# A commit costs the same for one change as for fifty. On a machine with little to spare it takes
# longer, and then more changes share the next one. Up to when a source was read is told no sooner
# either, so the wait has an end.
GATHER_TO_COMMIT = 5.0
LONGEST_GATHER = 1.0
TICK = 0.25  # seconds after which the clock is looked at though nobody says anything
LARGEST_BATCH = 2000  # subjects
_QUEUE = 8


def now_micros() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1000


def gathering(commit: float) -> float:
    """Seconds from the start of a commit that took so long to the start of the next."""
    return min(max(GATHER, GATHER_TO_COMMIT * commit), LONGEST_GATHER)


@dataclass
class Session:
    """Brings what the departments say into one directory until told to stop.

    The first change after a quiet time is committed at once; while more keep coming they are
    gathered, so that a commit's fixed cost is shared. A copy that is whole waits for nobody.

    Args:
        standings: one for each department; kept up to date here.
        committed: called after each commit that wrote something.
    """

    writer: IndexWriter
    standings: Mapping[str, Standing]
    committed: Callable[[], None]
    _words: asyncio.Queue[Word] = field(default_factory=lambda: asyncio.Queue(_QUEUE))
    _said: dict[str, Progress] = field(default_factory=dict)
    _next_commit: float = 0.0

    async def run(self, clients: Clients, caller: Caller, stop: Callable[[], bool]) -> None:
        """Follow every department until `stop` says so; it is asked at least each tick.

        Raises:
            ValueError, OSError: the directory cannot be written any more.
        """
        feeds = [
            Feed(name, clients, caller, self.writer.committed(name), self._words)
            for name in self.standings
        ]
        tasks = [asyncio.create_task(feed.run()) for feed in feeds]
        try:
            while not stop():
                await self._gather()
                await self._commit()
                for task in tasks:
                    if task.done():
                        task.result()  # a feed ends only by a defect: let it be seen
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _gather(self) -> None:
        word = await self._next(TICK)
        while word is not None:
            self._take(word)
            enough = isinstance(word, CopyEnded) or self.writer.waiting >= LARGEST_BATCH
            if enough or not self.writer.pending:
                return
            word = await self._next(self._next_commit - time.monotonic())

    async def _next(self, seconds: float) -> Word | None:
        if not self._words.empty():
            return self._words.get_nowait()
        if seconds <= 0:
            return None
        try:
            async with asyncio.timeout(seconds):
                return await self._words.get()
        except TimeoutError:
            return None

    def _take(self, word: Word) -> None:
        standing = self.standings[word.source]
        if isinstance(word, Lost):
            standing.lost_since = standing.lost_since or now_micros()
            return
        standing.lost_since = None
        match word:
            case CopyBegun():
                self._said.pop(word.source, None)
                self.writer.begin_copy(word.source, word.epoch, word.head)
                standing.head = word.head
            case CopyPart():
                self.writer.apply(word.source, word.changes)
            case CopyEnded():
                self.writer.finish_copy(word.source)
            case Progress():
                self._said[word.source] = word
                self.writer.apply(word.source, word.changes, word.sequence)

    async def _commit(self) -> None:
        started = time.monotonic()
        if await asyncio.to_thread(self.writer.commit, now_micros()):
            self._next_commit = started + gathering(time.monotonic() - started)
            self.committed()
        for source, word in self._said.items():
            standing = self.standings[source]
            standing.sequence, standing.head = word.sequence, max(word.head, standing.head)
            if word.sequence >= word.head:
                standing.as_of = word.time
