"""The relay: gives each fact its place in the log, publishes it, and redacts what left the public.

One relay a department works at a time, by lease. Stamping never waits for the broker: copies that
follow the log go on while RabbitMQ is down.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
import uuid
from typing import TYPE_CHECKING, Any

import aio_pika
import orjson
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from bson.int64 import Int64
from pymongo.errors import PyMongoError

from services.common.envelope import attributes
from services.common.eventlog import log
from services.common.eventlog.redaction import REDACTED, redact
from services.common.eventlog.tasks import end, together, whole
from services.common.telemetry import handing_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    import aiormq.abc
    from aio_pika.abc import AbstractChannel
    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.asynchronous.database import AsyncDatabase

    Document = dict[str, Any]

LEASE_SECONDS = 5.0
RENEW_EVERY = 1.5
POLL_EVERY = 1.0
WATCH_MILLISECONDS = 500  # a stop waits for so long at most
STAMP_BATCH = 300
# After a stamping; the facts of this time share all that follows: transaction, watermark, commits
# of the copies. The first fact after a quiet time never waits. A machine on which stamping takes
# longer has less to spare, so the pause grows with it.
STAMP_PAUSE = 0.1
PAUSE_TO_STAMPING = 4.0
LONGEST_PAUSE = 0.5
PUBLISH_BATCH = 300
PUBLISH_BYTES = 4_000_000
READ_AT_ONCE = 50
PUBLISH_TIMEOUT = 10.0
SLOWEST_RETRY = 2.0
# A channel that went with its connection says so by an error of no family.
BROKER_AWAY = (AMQPError, ChannelInvalidStateError, OSError)
_AS_ALL = aio_pika.Message(
    b"",
    content_type="application/json",
    content_encoding="utf-8",
    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
)

logger = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another relay holds the lease now."""


class Relay:
    """The relay of one department.

    Args:
        database: the department's own.
        department: its name; facts go to the exchange `<department>.events`.
        amqp_uri: where the broker is.
        subscribed: the types that somebody has a queue for; these must be routable.
        declare: declares exchanges, queues and bindings, before anything is published.
    """

    def __init__(
        self,
        database: AsyncDatabase[Document],
        department: str,
        amqp_uri: str,
        *,
        subscribed: frozenset[str],
        declare: Callable[[AbstractChannel], Awaitable[None]],
    ) -> None:
        self._database = database
        self._department = department
        self._amqp_uri = amqp_uri
        self._subscribed = subscribed
        self._declare = declare
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._fresh = asyncio.Event()
        self._stamped = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled; whatever fails is tried again."""
        delay = 0.1
        while True:
            try:
                lease = await whole(log.acquire(self._database, self._holder, LEASE_SECONDS))
                if lease is None:
                    await asyncio.sleep(RENEW_EVERY / 3)
                    continue
                logger.info("%s: relay holds the lease, term %s", self._department, lease["term"])
                delay = 0.1
                await self._hold(lease)
            except LeaseLost:
                logger.warning("%s: relay lost the lease", self._department)
            except (PyMongoError, OSError) as error:
                logger.warning("%s: relay waits: %s", self._department, error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, SLOWEST_RETRY)

    async def _hold(self, lease: Document) -> None:
        term = lease["term"]
        try:
            await together(
                self._renew(term),
                self._watch(),
                self._stamp_all(term, lease["epoch"]),
                self._publish_all(term, lease["published"]),
            )
        finally:
            with contextlib.suppress(PyMongoError):
                await whole(log.release(self._database, term))

    async def _renew(self, term: int) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            if not await whole(log.renew(self._database, term, LEASE_SECONDS)):
                raise LeaseLost

    async def _watch(self) -> None:
        """Wake the stamping at each new fact; a change stream that breaks is opened again."""
        inserts: list[Document] = [
            {"$match": {"operationType": "insert"}},
            {"$project": {"_id": 1}},
        ]
        while True:
            try:
                events = self._database["events"]
                stream = await whole(events.watch(inserts, max_await_time_ms=WATCH_MILLISECONDS))
                try:
                    self._fresh.set()
                    while stream.alive:
                        if await whole(stream.try_next()):
                            self._fresh.set()
                finally:
                    await whole(stream.close())
            except PyMongoError:
                # The stamping polls each second, so nothing waits for the stream.
                await asyncio.sleep(POLL_EVERY)

    async def _stamp_all(self, term: int, epoch: str) -> None:
        while True:
            self._fresh.clear()
            began = time.monotonic()
            stamped = await whole(stamp(self._database, term, epoch))
            if stamped:
                self._stamped.set()
                if stamped < STAMP_BATCH:
                    await asyncio.sleep(pause_after(time.monotonic() - began))
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_EVERY):
                    await self._fresh.wait()

    async def _publish_all(self, term: int, published: int) -> None:
        """Publish in order from the watermark on; a broker that is away is waited for."""
        delay = 0.1
        while True:
            try:
                connection = await aio_pika.connect(self._amqp_uri, timeout=PUBLISH_TIMEOUT)
                async with connection:
                    channel = await connection.channel(
                        publisher_confirms=True, on_return_raises=True
                    )
                    await self._declare(channel)
                    delay = 0.1
                    async for marked in self._publish_on(channel, term, published):
                        published = marked
            except BROKER_AWAY as error:
                logger.warning("%s: relay waits for the broker: %r", self._department, error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, SLOWEST_RETRY)

    async def _publish_on(
        self, channel: AbstractChannel, term: int, published: int
    ) -> AsyncIterator[int]:
        """Publish batch after batch; each watermark, once it is written.

        While the broker confirms one batch the next is read and the last one's watermark written.
        """
        reading = asyncio.ensure_future(self._next_stamped(published))
        settling = asyncio.ensure_future(asyncio.sleep(0, published))
        try:
            while True:
                batch = await reading
                reading = asyncio.ensure_future(self._next_stamped(int(batch[-1]["sequence"])))
                await publish(channel, self._department, batch, self._subscribed)
                yield await settling
                settling = asyncio.ensure_future(whole(self._settle(batch, term)))
        finally:
            await end(reading, settling)

    async def _next_stamped(self, after: int) -> list[Document]:
        """The next stamped facts, as soon as there are some."""
        while True:
            self._stamped.clear()
            batch = await whole(next_batch(self._database, after))
            if batch:
                return batch
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_EVERY):
                    await self._stamped.wait()

    async def _settle(self, batch: Sequence[Document], term: int) -> int:
        """Redact what the batch took out of the public's sight, then move the watermark."""
        await redact(self._database, [event for event in batch if event["removal"]])
        last = int(batch[-1]["sequence"])
        marked = await self._database["log"].update_one(
            {"_id": log.LOG_ID, "term": term}, {"$max": {"published": Int64(last)}}
        )
        if not marked.matched_count:
            raise LeaseLost
        return last


def pause_after(stamping: float) -> float:
    """Seconds until the next stamping, after one that took so long."""
    return min(max(STAMP_PAUSE, PAUSE_TO_STAMPING * stamping), LONGEST_PAUSE)


async def stamp(database: AsyncDatabase[Document], term: int, epoch: str) -> int:
    """Give the next fresh facts their sequence, in order of tick; how many there were.

    Raises:
        LeaseLost: the lease's term is not `term` any more; nothing was written.
    """
    events = database["events"]
    if not await events.find_one({"fresh": True}, {"_id": 1}, hint="fresh"):
        return 0

    async def work(session: AsyncClientSession) -> int:
        found = events.find({"fresh": True}, {"_id": 1}, hint="fresh", session=session)
        ids = [row["_id"] for row in await found.sort("tick", 1).limit(STAMP_BATCH).to_list()]
        lease = await database["log"].find_one_and_update(
            {"_id": log.LOG_ID, "term": term, "epoch": epoch},
            {"$inc": {"head": Int64(len(ids))}},
            return_document=True,
            session=session,
        )
        if lease is None:
            raise LeaseLost
        first = Int64(lease["head"] - len(ids) + 1)
        place = {"$add": [first, {"$toLong": {"$indexOfArray": [ids, "$_id"]}}]}
        await events.update_many(
            {"_id": {"$in": ids}},
            [{"$set": {"sequence": place, "epoch": epoch}}, {"$unset": "fresh"}],
            session=session,
        )
        return len(ids)

    async with database.client.start_session() as session:
        return await session.with_transaction(work)


async def next_batch(database: AsyncDatabase[Document], after: int) -> list[Document]:
    """The stamped facts after `after`, in order, at most 300 and about 4 MB."""
    batch: list[Document] = []
    size = 0
    wanted = database["events"].find({"sequence": {"$gt": after}}, hint="sequence")
    async with wanted.sort("sequence", 1).limit(PUBLISH_BATCH).batch_size(PUBLISH_BATCH) as found:
        # One by one they would cost twice as much to read.
        while some := await found.to_list(READ_AT_ONCE):
            for event in some:
                batch.append(event)
                size += len(event["data"])
                if size > PUBLISH_BYTES:
                    return batch
    return batch


async def publish(
    channel: AbstractChannel,
    department: str,
    batch: Sequence[Document],
    subscribed: frozenset[str],
) -> None:
    """Publish a batch persistently and wait for every confirm.

    A fact that nobody subscribes to counts as published; one that somebody does must be routable.

    Raises:
        PublishError: a fact with a subscriber could not be routed; its queue is not declared.
    """
    beneath = await channel.get_underlay_channel()
    confirms = [_publish_one(beneath, department, event, subscribed) for event in batch]
    removed = {event["subject"]: int(event["sequence"]) for event in batch if event["removal"]}
    if removed and REDACTED in subscribed:
        body = orjson.dumps({"source": f"/{department}", "removed": removed})
        message_id = f"{REDACTED}/{department}/{batch[-1]['sequence']}"
        confirms.append(_send(beneath, department, REDACTED, body, message_id, mandatory=True))
    async with asyncio.timeout(PUBLISH_TIMEOUT):
        await asyncio.gather(*confirms)


async def _publish_one(
    channel: aiormq.abc.AbstractChannel,
    department: str,
    event: Document,
    subscribed: frozenset[str],
) -> None:
    kind = event["type"]
    with handing_on(f"{department}.events publish", event["traceparent"]) as traceparent:
        body = envelope(department, event | {"traceparent": traceparent})
        await _send(channel, department, kind, body, event["_id"], mandatory=kind in subscribed)


async def _send(  # noqa: PLR0913  (plain data)
    channel: aiormq.abc.AbstractChannel,
    department: str,
    routing_key: str,
    body: bytes,
    message_id: str,
    *,
    mandatory: bool,
) -> None:
    properties = _AS_ALL.properties
    properties.message_id = message_id
    # An exchange of aio_pika waits for each message to be sent before it takes the next.
    await channel.basic_publish(  # type: ignore[call-arg]  # as aiormq's own class has it
        body,
        exchange=f"{department}.events",
        routing_key=routing_key,
        properties=properties,
        mandatory=mandatory,
        wait=False,
    )


def envelope(department: str, event: Document) -> bytes:
    """The CloudEvents JSON of a stamped event; its data are put in as they are."""
    head = attributes(
        event_id=event["_id"],
        source=f"/{department}",
        kind=event["type"],
        subject=event["subject"],
        time=event["time"],
        traceparent=event["traceparent"],
        epoch=event["epoch"],
        sequence=event["sequence"],
        version=event["version"],
    )
    data: str = event["data"]
    return orjson.dumps(head)[:-1] + b',"data":' + data.encode() + b"}"
