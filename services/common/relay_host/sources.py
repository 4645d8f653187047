"""The logs of other departments, read over gRPC to fill copies and to tell facts again."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, Self

import aio_pika
import grpc
import orjson
from google.rpc import error_details_pb2, status_pb2
from zhengtong.eventlog.v1 import eventlog_service_pb2 as pb
from zhengtong.eventlog.v1 import eventlog_service_pb2_grpc as pb_grpc

from services.common.callers import Signer
from services.common.envelope import attributes
from services.common.settings import SettingMissing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from zhengtong.eventlog.v1.eventlog_pb2 import Event

    from services.common.settings import Settings

PRINCIPAL: Final = "relay"
SLOWEST_PAGE: Final = 30.0  # seconds
BEYOND_ALL: Final = 2**62
_OPTIONS: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.max_receive_message_length", 8 * 1024 * 1024),
    ("grpc.enable_http_proxy", 0),  # departments are never behind the proxy of the environment
)
_DETAILS: Final = "grpc-status-details-bin"


class SourceSilent(ConnectionError):
    """A department did not answer, or its answer was not whole; ask again."""


class SourceRefused(RuntimeError):
    """A department refused.

    Attributes:
        reason: as contract has it, such as LOG_TRUNCATED.
        detail: for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}：{detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A page of a snapshot: the epoch and the position it is of, and its records."""

    epoch: str
    head: int
    records: tuple[Event, ...]


class Source:
    """One department's log; a channel is open while this is entered."""

    def __init__(self, settings: Settings, department: str) -> None:
        """Raises: SettingMissing: no address or no key to sign with."""
        self._department = department
        address = settings.grpc_addresses.get(department)
        if not address:
            raise SettingMissing(f"ZHENGTONG_GRPC_ADDRESSES: {department} is not in it")
        self._address = address
        self._signer = _signer(settings)

    async def __aenter__(self) -> Self:
        self._channel = grpc.aio.insecure_channel(self._address, options=_OPTIONS)
        self._log = pb_grpc.EventLogServiceStub(self._channel)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def is_of(self, epoch: str) -> bool:
        """Whether the log is still of this epoch.

        A position beyond all is refused either way, and the reason tells.
        """
        request = pb.ReadEventsRequest(epoch=epoch, after=BEYOND_ALL)
        try:
            async with aclosing(self._read(self._log.ReadEvents, request)) as said:
                await anext(said, None)
        except SourceRefused as refusal:
            if refusal.reason == "LOG_POSITION_AHEAD":
                return True
            if refusal.reason == "LOG_EPOCH_CHANGED":
                return False
            raise
        raise SourceSilent(f"{self._department} did not refuse a position beyond all")

    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Every public aggregate, page by page; at least one page."""
        pages = 0
        async with aclosing(self._read(self._log.ReadSnapshot, pb.ReadSnapshotRequest())) as said:
            async for page in said:
                pages += 1
                yield Snapshot(page.epoch, page.head, tuple(page.records))
        if not pages:
            raise SourceSilent(f"the snapshot of {self._department} said nothing")

    async def events(self, first: int, last: int) -> AsyncIterator[Event]:
        """What the log has from `first` to `last`, both included; ends with its head."""
        request = pb.ReadEventsRequest(after=first - 1)
        async with aclosing(self._read(self._log.ReadEvents, request)) as said:
            async for answer in said:
                for event in answer.events:
                    if event.sequence > last:
                        return
                    yield event
                    first = event.sequence + 1
                if first > min(last, answer.head):
                    return

    async def _read(self, call: Any, request: Any) -> AsyncGenerator[Any, None]:
        token = self._signer.token(self._signer.own(), self._department)
        stream = call(request, metadata=(("authorization", f"Bearer {token}"),))
        try:
            while True:
                async with asyncio.timeout(SLOWEST_PAGE):
                    message = await stream.read()
                if message is grpc.aio.EOF:
                    return
                yield message
        except grpc.aio.AioRpcError as error:
            raise _as_told(self._department, error) from None
        finally:
            stream.cancel()


def _signer(settings: Settings) -> Signer:
    try:
        return Signer.load(settings.keys_dir, PRINCIPAL)
    except FileNotFoundError as error:
        raise SettingMissing(f"ZHENGTONG_KEYS_DIR: {error.filename} is not there") from None


def _as_told(department: str, error: grpc.aio.AioRpcError) -> SourceSilent | SourceRefused:
    raw = dict(error.trailing_metadata() or ()).get(_DETAILS)
    info = error_details_pb2.ErrorInfo()
    if isinstance(raw, bytes):
        for detail in status_pb2.Status.FromString(raw).details:
            detail.Unpack(info)
    if not info.reason or error.code() is grpc.StatusCode.UNAVAILABLE:
        return SourceSilent(f"{department}: {error.code().name} {error.details()}")
    return SourceRefused(info.reason, error.details() or "")


def id_of(event: Event) -> str:
    """The id of an event; a record of a snapshot has none, and gets one that is always the same."""
    return event.id or f"{event.source}/{event.epoch}/{event.subject}/{event.version}"


def message_of(event: Event, *, head: int = 0) -> aio_pika.Message:
    """What a handler's queue gets of an event of a log, or of a record of a snapshot.

    Args:
        head: the snapshot's; it is the record's place in the log, so that what was redacted before
            does not take its payload.
    """
    beginning = attributes(
        event_id=id_of(event),
        source=event.source,
        kind=event.type,
        subject=event.subject,
        time=event.time.ToDatetime(UTC),
        traceparent=event.traceparent,
        epoch=event.epoch,
        sequence=event.sequence or head,
        version=event.version,
    )
    body = orjson.dumps(beginning)[:-1] + b',"data":' + event.data + b"}"
    return persistent(body, id_of(event))


def persistent(body: bytes, message_id: str) -> aio_pika.Message:
    """A message as the relay sends it."""
    return aio_pika.Message(
        body,
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=message_id,
    )
