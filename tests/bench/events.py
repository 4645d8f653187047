"""How fast facts are applied: the platform's delivery against a bare nameko handler.

Both do one thing for each fact: a row in an inbox and a change to one document, in a transaction.
The bare one is nameko as its documentation shows it, with its default of ten workers, and does
nothing else: it loses what fails. Both find a full queue and are timed until the last effect.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aio_pika.abc import AbstractChannel

FACTS = 2000  # in a round
FACT = "zhengtong.catalogue.v1.ItemPublished"
BARE = "bare"  # the bare handler listens to a type of its own, so that each has its facts alone
QUEUES = {
    "delivery": (FACT, f"evt-catalogue-{FACT}--delivery.count"),
    "bare": (BARE, f"evt-catalogue-{BARE}--bare.count"),
}


def run(rounds: int) -> list[dict[str, Any]]:
    """Facts a second through delivery, and its ratio to the bare handler; median of the rounds."""
    from infra.local.stack import SERVERS, Stack  # noqa: PLC0415  (not in the workers)

    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder), only=SERVERS) as stack,
        _worker("delivery", stack.env) as delivery,
        _worker("bare", stack.env) as bare,
    ):
        pairs = []
        for facts in (FACTS // 10, *[FACTS] * rounds):  # the first, short one warms up
            ours = _round(stack.env, "delivery", delivery, facts)
            pairs.append((ours, _round(stack.env, "bare", bare, facts)))
    ours, theirs = (statistics.median(column) for column in zip(*pairs[1:], strict=True))
    return [
        {
            "name": "events_vs_bare_nameko",
            "figure": round(ours, 1),
            "unit": "facts/s",
            "baseline": round(theirs, 1),
            "ratio": round(statistics.median(one / other for one, other in pairs[1:]), 3),
        }
    ]


@contextmanager
def _worker(name: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, __file__, name]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait()


def _round(env: dict[str, str], name: str, process: subprocess.Popen[bytes], facts: int) -> float:
    """Facts a second, from a full queue to the last effect."""
    from pymongo import MongoClient  # noqa: PLC0415  (not before the workers' monkey patch)

    asyncio.run(_fill(env, *QUEUES[name], process, facts))
    with MongoClient(env["MONGODB_URI"]) as client:
        effects = client[f"zt_{name}"]["effects"]
        expected = effects.estimated_document_count() + facts
        begun = time.perf_counter()
        process.send_signal(signal.SIGCONT)
        while effects.estimated_document_count() < expected:
            time.sleep(0.01)
        return facts / (time.perf_counter() - begun)


async def _fill(
    env: dict[str, str], key: str, queue: str, process: subprocess.Popen[bytes], facts: int
) -> None:
    """Stop the worker where it stands, and publish facts for it."""
    import aio_pika  # noqa: PLC0415  (not in the workers)

    async with await aio_pika.connect(env["AMQP_URI"]) as link:
        await _consumed(link, queue)
        process.send_signal(signal.SIGSTOP)
        channel = await link.channel()
        exchange = await channel.get_exchange("catalogue.events")
        messages = [
            aio_pika.Message(
                _envelope(number),
                content_type="application/json",
                content_encoding="utf-8",
                delivery_mode=2,
            )
            for number in range(facts)
        ]
        await asyncio.gather(*(exchange.publish(message, key) for message in messages))


async def _consumed(link: Any, queue: str) -> None:
    """Wait until the worker consumes its queue."""
    from aio_pika.exceptions import ChannelNotFoundEntity  # noqa: PLC0415

    while True:
        channel: AbstractChannel = await link.channel()
        try:
            declared = await channel.declare_queue(queue, passive=True)
        except ChannelNotFoundEntity:
            await asyncio.sleep(0.05)
            continue
        if declared.declaration_result.consumer_count:
            return
        await channel.close()
        await asyncio.sleep(0.05)


def _envelope(number: int) -> bytes:
    """A fact as the relay publishes it, about 2 KB."""
    words = f"昆明市城市供水用水报装第{number}号事项"
    item = {
        "item_id": f"it{number}",
        "version": "1",
        "task_name": words,
        "task_type": "20",
        "use_level": "3",
        "alias": ["报装", "用水"],
        "by_law": [{"law_name": "城市供水条例", "article": "第十七条", "content": words * 5}] * 2,
    }
    card = {"kind": "item", "title": words, "summary": words * 3, "region_code": "530100000000"}
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": uuid.uuid4().hex,
            "source": "/catalogue",
            "type": FACT,
            "subject": uuid.uuid4().hex,
            "time": datetime.now(UTC).isoformat(),
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "epoch": "bench",
            "sequence": number,
            "version": 1,
            "data": {"card": card, "item": item},
        }
    )


def delivery() -> None:
    """A department with one reaction."""
    from zhengtong.catalogue.v1.catalogue_events_pb2 import ItemPublished  # noqa: PLC0415

    from services.common.delivery import host, reacts  # noqa: PLC0415
    from services.common.settings import Settings  # noqa: PLC0415

    class Worker:
        name = "delivery"
        store = staticmethod(lambda unit: unit)

        @reacts(ItemPublished)
        def count(self, event: Any, store: Any) -> None:
            raised = {"$inc": {"times": 1}}
            effects = store.database["effects"]
            effects.update_one({"_id": event.subject}, raised, upsert=True, session=store.session)

    host.run(Settings.from_env(), [Worker])


def bare() -> None:
    """The same in nameko alone."""
    import eventlet  # noqa: PLC0415

    eventlet.monkey_patch()
    from nameko.containers import ServiceContainer  # noqa: PLC0415
    from nameko.events import event_handler  # noqa: PLC0415
    from pymongo import MongoClient  # noqa: PLC0415

    client: Any = MongoClient(
        os.environ["MONGODB_URI"], w="majority", journal=True, readConcernLevel="majority"
    )
    database = client["zt_bare"]

    class Worker:
        name = "bare"

        @event_handler("catalogue", BARE)
        def count(self, event: dict[str, Any]) -> None:
            with client.start_session() as session:
                session.with_transaction(lambda session: self.apply(event, session))

        def apply(self, event: dict[str, Any], session: Any) -> None:
            mark = {"_id": event["id"], "time": datetime.now(UTC)}
            database["inbox"].insert_one(mark, session=session)
            raised = {"$inc": {"times": 1}}
            database["effects"].update_one(
                {"_id": event["subject"]}, raised, upsert=True, session=session
            )

    container = ServiceContainer(Worker, {"AMQP_URI": os.environ["AMQP_URI"]})
    container.start()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    container.wait()


if __name__ == "__main__":
    {"delivery": delivery, "bare": bare}[sys.argv[1]]()
