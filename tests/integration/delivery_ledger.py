"""What tests of delivery do with the test department: start it, tell it facts, see what it did."""

import asyncio
import subprocess
import sys
import time
import uuid
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime

import aio_pika
import orjson
from aio_pika.exceptions import ChannelNotFoundEntity
from pymongo.errors import PyMongoError
from zhengtong.catalogue.v1.catalogue_events_pb2 import ItemPublished

from infra.local.stack import REPOSITORY
from services.common import relay_host
from services.common.delivery import parked, topology
from services.common.delivery.subscriptions import subscriptions
from services.common.envelope import Event, pack
from services.common.eventlog import log
from services.common.eventlog.relay import BROKER_AWAY
from services.common.transaction import connect
from tests.integration.delivery_department import Worker

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TOPOLOGY = topology.topology_of([Worker])
QUEUE = next(one.queue for one in subscriptions(Worker) if one.method == "count")
LOOK_EVERY = 0.05


class Ledger:
    """The test department on the servers of a stack."""

    def __init__(self, stack):
        self.stack = stack
        self.client = connect(stack.env["MONGODB_URI"])
        self.database = self.client["zt_ledger"]
        self.control = stack.plan.layout.control / "ledger.stopped"
        self.log = stack.run_dir / "ledger.log"

    async def clear(self):
        self.client.drop_database("zt_ledger")
        parked.ensure(self.database)
        async with self.channel() as channel:
            await topology.declare(channel, TOPOLOGY)
            # The platform's own queues stand from the broker's start, and hear the same facts.
            for queue in (*TOPOLOGY.queues, *topology.load().queues):
                await (await channel.get_queue(queue.name)).purge()

    @contextmanager
    def worker(self, **env):
        """A real worker process; stopped at the end if it still runs."""
        process = self.start(**env)
        try:
            yield process
        finally:
            end(process)

    def start(self, **env):
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.integration.delivery_department"],
                cwd=REPOSITORY,
                env={**self.stack.env, **env},
                stderr=output,
            )

    @asynccontextmanager
    async def channel(self):
        async with await aio_pika.connect(self.stack.env["AMQP_URI"], timeout=5) as link:
            yield await link.channel(publisher_confirms=True, on_return_raises=True)

    async def publish(self, *bodies, key=ItemPublished.DESCRIPTOR.full_name):
        """Publish as a relay does: persistently, until every one is confirmed."""
        waiting = list(bodies)
        while waiting:
            with suppress(*BROKER_AWAY):
                async with self.channel() as channel:
                    exchange = await channel.get_exchange("catalogue.events")
                    while waiting:
                        batch = waiting[:50]
                        async with asyncio.timeout(5), asyncio.TaskGroup() as confirms:
                            for body in batch:
                                confirms.create_task(exchange.publish(_message(body), key))
                        del waiting[:50]

    @asynccontextmanager
    async def putting_back(self):
        """What the department's relay does for parked messages, with its own code."""
        database = log.connect(self.stack.env["MONGODB_URI"])["zt_ledger"]
        task = asyncio.create_task(self._put_back(database))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await database.client.close()

    async def _put_back(self, database):
        while True:
            with suppress(*BROKER_AWAY, PyMongoError, ExceptionGroup):
                async with self.channel() as channel:
                    exchange = await channel.get_exchange("ledger.retry")
                    while True:
                        if not await relay_host.put_back(database, exchange):
                            await asyncio.sleep(LOOK_EVERY)
            await asyncio.sleep(LOOK_EVERY)

    def counted(self, what="facts"):
        row = self.database["counters"].find_one({"_id": what})
        return row["times"] if row else 0

    def tried(self, fact):
        row = self.database["tries"].find_one({"_id": fact["id"]})
        return row["times"] if row else 0

    def allow(self, what):
        self.database["allowed"].insert_one({"_id": what})

    def parked(self, kind=parked.Kind.ALL):
        return parked.list_parked(self.database, kind, limit=1000)

    async def queue(self, name=QUEUE):
        """Messages and consumers of a queue; none of either while it does not stand."""
        try:
            async with self.channel() as channel:
                declared = (await channel.declare_queue(name, passive=True)).declaration_result
                return declared.message_count, declared.consumer_count
        except ChannelNotFoundEntity:
            return 0, 0

    async def queue_is_empty(self):
        return (await self.queue())[0] == 0

    async def consumed(self):
        return (await self.queue())[1] > 0

    async def nobody_consumes(self):
        return not await self.consumed()


def end(process):
    """Stop a worker; a kill would leave its transaction open, and the next test locked out."""
    process.terminate()
    try:
        process.wait(12)
    finally:
        process.kill()


async def until(condition, seconds=90.0):
    """Wait for a condition; what goes wrong meanwhile counts as not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(PyMongoError, *BROKER_AWAY):
            result = condition()
            if await result if asyncio.iscoroutine(result) else result:
                return
        await asyncio.sleep(LOOK_EVERY)
    raise AssertionError(f"not within {seconds} s")


def fact(summary="ok", *, subject="", version=1, message=None):
    """An envelope as a relay publishes it."""
    message = message or ItemPublished(card={"summary": summary})
    return pack(
        Event(
            id=uuid.uuid4().hex,
            source="/catalogue",
            type=message.DESCRIPTOR.full_name,
            subject=subject or uuid.uuid4().hex,
            time=datetime.now(UTC),
            traceparent=TRACEPARENT,
            epoch="1",
            sequence=1,
            version=version,
            fact=message,
        )
    )


def _message(body):
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return aio_pika.Message(
        raw,
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=uuid.uuid4().hex if body is raw else body["id"],
    )
