"""The relay process: for each department its relay, parked messages, copies, and sealed audit."""

from __future__ import annotations

import asyncio
import logging
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aio_pika
from aio_pika.exceptions import PublishError
from pymongo.errors import PyMongoError

from services.common.audit import heads
from services.common.delivery import parked, redactions, topology
from services.common.eventlog import log
from services.common.eventlog.relay import BROKER_AWAY, Relay
from services.common.eventlog.tasks import end, together, whole
from services.common.relay_host import filling
from services.common.relay_host.sealing import keep_sealed
from services.common.transaction import is_primary

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aio_pika.abc import AbstractChannel, AbstractExchange
    from pymongo.asynchronous.database import AsyncDatabase

    from services.common.delivery.topology import Topology
    from services.common.settings import Settings

    Document = dict[str, Any]

LOOK_EVERY = 0.3  # seconds between looks at the control files
PUT_BACK_EVERY = 0.25
PUT_BACK_BATCH = 100
TAKE_REDACTIONS_EVERY = 1.0
LOOK_AT_SOURCES_EVERY = 30.0  # seconds between looks whether a source was restored
SOURCE_AGAIN = 0.5
SLOWEST_RETRY = 2.0
CONFIRM_WITHIN = 10.0

logger = logging.getLogger(__name__)


async def serve(settings: Settings, departments: Sequence[str]) -> None:
    """Relay for these departments until SIGTERM or SIGINT.

    Raises:
        SettingMissing: a needed variable is not set.
    """
    settings.need("mongodb_uri", "amqp_uri")
    known = topology.load()
    filling.check(known, departments, settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    addresses = {name: settings.mongodb_of(name) for name in departments}
    for uri in dict.fromkeys(addresses.values()):
        while not await asyncio.to_thread(is_primary, uri):
            if stop.is_set():
                return
            await asyncio.sleep(0.2)
    clients = {name: log.connect(uri) for name, uri in addresses.items()}
    keepers = [_keep(name, clients[name][f"zt_{name}"], settings, known) for name in departments]
    logger.info("ready relay")
    try:
        await together(stop.wait(), *keepers)
    finally:
        for client in clients.values():
            await client.close()


async def _keep(
    name: str, database: AsyncDatabase[Document], settings: Settings, known: Topology
) -> None:
    """Run one department's relay while its control file does not stop it."""
    control = settings.control_dir / f"{name}.stopped"
    running: asyncio.Task[None] | None = None
    try:
        while True:
            stopped = control.exists()
            if stopped and running is not None:
                logger.info("%s: relay is stopped by its control file", name)
                await end(running)
                running = None
            elif not stopped and running is None:
                running = asyncio.create_task(relay_department(name, database, settings, known))
            if running is not None and running.done():
                await running
            await asyncio.sleep(LOOK_EVERY)
    finally:
        if running is not None:
            await end(running)


async def relay_department(
    name: str, database: AsyncDatabase[Document], settings: Settings, known: Topology
) -> None:
    """All that is done for one department, until cancelled."""
    amqp_uri = settings.amqp_of(name)

    async def declare(channel: AbstractChannel) -> None:
        if amqp_uri == settings.amqp_uri:  # one user for all, who may declare all
            await topology.declare(channel, known)
        else:
            await topology.lay(channel, known, name)

    relay = Relay(
        database,
        name,
        amqp_uri,
        subscribed=topology.subscribers(known, name),
        declare=declare,
    )
    retries = topology.retry_exchange(name)
    heard = topology.redactions_heard(known, name)
    copies = filling.copies_of(known, name)

    async def put_back_what_is_due(channel: AbstractChannel) -> None:
        if not await put_back(database, await channel.get_exchange(retries, ensure=False)):
            await asyncio.sleep(PUT_BACK_EVERY)

    async def take_up(channel: AbstractChannel) -> None:
        await take_redactions(database, heard, channel)

    async def fill_copies(channel: AbstractChannel) -> None:
        now = datetime.now(UTC)
        queues = await channel.get_exchange(retries, ensure=False)
        answered = await filling.look_after(database, copies, settings, queues, now)
        await asyncio.sleep(LOOK_AT_SOURCES_EVERY if answered else SOURCE_AGAIN)

    works = [
        relay.run(),
        keep_sealed(name, database, heads.load_key(settings.keys_dir)),
        _over_a_channel(name, amqp_uri, declare, put_back_what_is_due),
    ]
    if heard:
        works.append(_over_a_channel(name, amqp_uri, declare, take_up))
    if copies:
        works.append(_over_a_channel(name, amqp_uri, declare, fill_copies))
    await together(*works)


async def _over_a_channel(
    name: str,
    amqp_uri: str,
    declare: Callable[[AbstractChannel], Awaitable[None]],
    work: Callable[[AbstractChannel], Awaitable[None]],
) -> None:
    """Do some work over and over; whoever is away is waited for."""
    delay = 0.1
    while True:
        try:
            connection = await aio_pika.connect(amqp_uri, timeout=CONFIRM_WITHIN)
            async with connection:
                channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
                await declare(channel)
                delay = 0.1
                while True:
                    await work(channel)
        except (*BROKER_AWAY, PyMongoError) as error:
            logger.warning("%s: work over the broker waits: %r", name, error)
            await asyncio.sleep(delay)
            delay = min(delay * 2, SLOWEST_RETRY)


async def take_redactions(
    database: AsyncDatabase[Document], queues: Sequence[str], channel: AbstractChannel
) -> None:
    """Take up what sources have redacted, and what they will within a second."""
    for name in queues:
        queue = await channel.get_queue(name)
        while (message := await queue.get(fail=False)) is not None:
            await whole(redactions.take(database, message.body, datetime.now(UTC)))
            await message.ack()
    await asyncio.sleep(TAKE_REDACTIONS_EVERY)


async def put_back(database: AsyncDatabase[Document], exchange: AbstractExchange) -> int:
    """Put the messages that are due back into their queues, and forget each after its confirm.

    A message whose queue is gone is dead: it must not keep the others from theirs.
    """
    due = await whole(parked.parked_due(database, datetime.now(UTC), PUT_BACK_BATCH))
    for row in due:
        message = aio_pika.Message(
            row.message.body,
            headers=dict(row.message.headers),
            content_type=row.message.content_type,
            content_encoding=row.message.content_encoding,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=row.message.message_id,
        )
        try:
            async with asyncio.timeout(CONFIRM_WITHIN):
                await exchange.publish(message, routing_key=row.message.queue, mandatory=True)
        except PublishError:
            await whole(parked.undeliverable(database, row))
        else:
            await whole(parked.remove(database, row))
    return len(due)
