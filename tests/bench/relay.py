"""How fast facts leave: the relay against bare aio-pika with the same pipelining.

The relay stamps fresh facts in transactions, reads them back in order, publishes them with
confirms and moves its watermark; the bare publisher only publishes the same bodies with confirms.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aio_pika
import orjson

from services.common import transaction
from services.common.eventlog import log, outbox
from services.common.eventlog.outbox import Told
from services.common.eventlog.relay import PUBLISH_BATCH, Relay, envelope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aio_pika.abc import AbstractChannel
    from pymongo.asynchronous.database import AsyncDatabase

FACTS = 6000  # in a round
DATA = orjson.dumps(
    {"card": {"title": "食品经营许可", "summary": "说明" * 60}, "item": "内容" * 150}
)


def run(rounds: int) -> list[dict[str, Any]]:
    """Facts a second through the relay, and its ratio to bare publishing; median of the rounds."""
    from infra.local.stack import SERVERS, Stack  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), only=SERVERS) as stack:
        pairs = asyncio.run(_rounds(stack.env, rounds))
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return [
        {
            "name": "relay_vs_bare_publish",
            "figure": round(ours, 1),
            "unit": "facts/s",
            "baseline": round(theirs, 1),
            "ratio": round(statistics.median(one / other for one, other in pairs), 3),
        }
    ]


async def _rounds(env: dict[str, str], rounds: int) -> list[tuple[float, float]]:
    client = log.connect(env["MONGODB_URI"])
    sync = transaction.connect(env["MONGODB_URI"])
    database = client["zt_bench"]
    log.ensure(sync["zt_bench"])
    pairs = []
    for facts in (FACTS // 10, *[FACTS] * rounds):  # the first, short one warms up
        _tell(sync["zt_bench"], facts)
        ours = await _relay(database, env["AMQP_URI"], facts)
        bodies = [envelope("bench", event) async for event in database["events"].find()]
        pairs.append((ours, await _bare(env["AMQP_URI"], bodies)))
        await database["events"].delete_many({})
    await client.close()
    sync.close()
    return pairs[1:]


def _tell(database: Any, facts: int) -> None:
    told = [
        Told("t.Fact", f"s{number}", 1, DATA, outbox.next_tick(0) + number, (f"s{number}",))
        for number in range(facts)
    ]
    database["events"].insert_many(
        outbox.documents(told, now=datetime.now(UTC), traceparent="00-" + "0" * 52)
    )


class _Until(Relay):
    """A relay that tells when its watermark stands at a place."""

    def until(self, last: int) -> asyncio.Event:
        """Set once everything up to `last` is published and marked so."""
        self._last = last
        self._done = asyncio.Event()
        return self._done

    async def _settle(self, batch: Sequence[dict[str, Any]], term: int) -> int:
        marked = await super()._settle(batch, term)
        if marked >= self._last:
            self._done.set()
        return marked


async def _relay(database: AsyncDatabase[dict[str, Any]], amqp_uri: str, facts: int) -> float:
    head = (await database["log"].find_one())["head"]  # type: ignore[index]
    relay = _Until(database, "bench", amqp_uri, subscribed=frozenset(), declare=_declare)
    done = relay.until(head + facts)
    started = time.perf_counter()
    running = asyncio.create_task(relay.run())
    await done.wait()
    seconds = time.perf_counter() - started
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return facts / seconds


async def _bare(amqp_uri: str, bodies: list[bytes]) -> float:
    started = time.perf_counter()
    async with await aio_pika.connect(amqp_uri) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await _declare(channel)
        exchange = await channel.get_exchange("bench.events")
        for start in range(0, len(bodies), PUBLISH_BATCH):
            await asyncio.gather(
                *(
                    exchange.publish(_message(body), routing_key="t.Fact", mandatory=False)
                    for body in bodies[start : start + PUBLISH_BATCH]
                )
            )
    return len(bodies) / (time.perf_counter() - started)


def _message(body: bytes) -> aio_pika.Message:
    return aio_pika.Message(
        body,
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id="0" * 32,
    )


async def _declare(channel: AbstractChannel) -> None:
    exchange = await channel.declare_exchange("bench.events", "topic", durable=True)
    # A queue that drops what it gets: the broker routes and persists, and memory stays small.
    queue = await channel.declare_queue("bench", durable=True, arguments={"x-max-length": 1000})
    await queue.bind(exchange, "t.Fact")
