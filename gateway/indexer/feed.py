"""Reads one department's log for as long as it is wanted, and hands on what it says."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc
from zhengtong.eventlog.v1 import eventlog_service_pb2 as pb

from gateway.clients import refusal_of
from gateway.onestop.cards import changes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.timestamp_pb2 import Timestamp
    from zhengtong.eventlog.v1.eventlog_pb2 import Event

    from gateway.clients import Clients
    from gateway.onestop.cards import Change
    from gateway.onestop.schema import Position
    from services.common.access import Caller

logger = logging.getLogger(__name__)

SILENCE = 5.0  # seconds without a heartbeat (one a second) after which a department counts as down
SLOWEST_PAGE = 30.0  # seconds for a page of a snapshot
BACKOFF = (0.1, 0.2, 0.5)  # seconds before the next try; the last one from then on
READ_EVENTS = "zhengtong.eventlog.v1.EventLogService.ReadEvents"
READ_SNAPSHOT = "zhengtong.eventlog.v1.EventLogService.ReadSnapshot"
_NEW_COPY = {"LOG_TRUNCATED", "LOG_EPOCH_CHANGED", "LOG_POSITION_AHEAD"}


@dataclass(frozen=True, slots=True)
class CopyBegun:
    """A snapshot begins: the source's copy is made anew."""

    source: str
    epoch: str
    head: int


@dataclass(frozen=True, slots=True)
class CopyPart:
    """A page of a snapshot."""

    source: str
    changes: list[Change]


@dataclass(frozen=True, slots=True)
class CopyEnded:
    """The snapshot is whole."""

    source: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The log went on to `sequence`; without changes it is a heartbeat.

    Args:
        head: the highest position stamped at `time`, by the department's clock (microseconds).
    """

    source: str
    sequence: int
    head: int
    time: int
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lost:
    """The department does not answer any more, or does not yet."""

    source: str
    reason: str


Word = CopyBegun | CopyPart | CopyEnded | Progress | Lost


class SnapshotUnread(RuntimeError):
    """A snapshot's stream ended without saying anything."""


class Feed:
    """Follows one department and puts what it says into a queue, in order.

    Args:
        position: where the copy stands; None or filling: a snapshot comes first.
    """

    def __init__(
        self,
        source: str,
        clients: Clients,
        caller: Caller,
        position: Position | None,
        words: asyncio.Queue[Word],
    ) -> None:
        self._source = source
        self._clients = clients
        self._caller = caller
        self._words = words
        self._epoch = position.epoch if position and not position.filling else ""
        self._sequence = position.sequence if position else 0
        self._failures = 0

    async def run(self) -> None:
        """Follow until cancelled; an outage is told once and waited out."""
        while True:
            try:
                await self._follow()
                await self._lost("事件流已结束")
            except grpc.aio.AioRpcError as error:
                refusal = refusal_of(self._source, error)
                if getattr(refusal, "reason", "") in _NEW_COPY:
                    logger.warning("the copy of %s is made anew: %s", self._source, refusal)
                    self._epoch = ""
                else:
                    await self._lost(str(refusal))
            except TimeoutError:
                await self._lost("没有按时应答")
            except SnapshotUnread:
                await self._lost("快照未能读取")
            await asyncio.sleep(BACKOFF[min(self._failures, len(BACKOFF)) - 1])

    async def _follow(self) -> None:
        if not self._epoch:
            await self._read_snapshot()
        request = pb.ReadEventsRequest(epoch=self._epoch, after=self._sequence)
        stream = self._clients.stream(self._source, READ_EVENTS, request, caller=self._caller)
        try:
            while (answer := await _next(stream, SILENCE)) is not None:
                self._failures = 0
                if answer.events:
                    self._sequence = answer.events[-1].sequence
                await self._words.put(
                    Progress(
                        source=self._source,
                        sequence=self._sequence,
                        head=answer.head,
                        time=_micros(answer.time),
                        changes=_changes(answer.events),
                    )
                )
        finally:
            stream.cancel()

    async def _read_snapshot(self) -> None:
        logger.info("reading a snapshot of %s", self._source)
        stream = self._clients.stream(
            self._source, READ_SNAPSHOT, pb.ReadSnapshotRequest(), caller=self._caller
        )
        begun: CopyBegun | None = None
        subjects = 0
        try:
            while (page := await _next(stream, SLOWEST_PAGE)) is not None:
                if begun is None:
                    begun = CopyBegun(self._source, page.epoch, page.head)
                    await self._words.put(begun)
                await self._words.put(CopyPart(self._source, _changes(page.records)))
                subjects += len(page.records)
        finally:
            stream.cancel()
        if begun is None:
            raise SnapshotUnread
        await self._words.put(CopyEnded(self._source))
        self._epoch, self._sequence = begun.epoch, begun.head
        logger.info("the snapshot of %s had %d subjects", self._source, subjects)

    async def _lost(self, reason: str) -> None:
        self._failures += 1
        if self._failures == 1:
            logger.warning("%s is lost: %s", self._source, reason)
        await self._words.put(Lost(self._source, reason))


async def _next(stream: grpc.aio.UnaryStreamCall, seconds: float) -> Any:
    """The next message; None: the stream ended."""
    async with asyncio.timeout(seconds):
        message = await stream.read()
    return None if message is grpc.aio.EOF else message


def _changes(events: Iterable[Event]) -> list[Change]:
    return [change for event in events for change in changes(event)]


def _micros(time: Timestamp) -> int:
    return time.seconds * 1_000_000 + time.nanos // 1000
