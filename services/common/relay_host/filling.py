"""Fills a department's copies from the snapshots of their sources, and anew when a source's log is.

A copy is new, or its source was restored and has another epoch: the snapshot's records go to the
queues of the copy's handlers, then a word that the copy is whole. Live facts come meanwhile; the
versions make the two converge.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from services.common.delivery import topology
from services.common.delivery.subscriptions import REPLACED
from services.common.envelope import attributes
from services.common.eventlog.tasks import whole
from services.common.relay_host.sources import (
    Source,
    SourceRefused,
    SourceSilent,
    message_of,
    persistent,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from aio_pika.abc import AbstractExchange
    from pymongo.asynchronous.database import AsyncDatabase
    from zhengtong.eventlog.v1.eventlog_pb2 import Event

    from services.common.delivery.topology import Topology
    from services.common.settings import Settings

    Document = dict[str, Any]

COLLECTION = "fillings"
CONFIRM_WITHIN = 30.0  # seconds, for a page of a snapshot

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a department.

    Args:
        queues: the queue for each type of fact.
    """

    source: str
    name: str
    queues: Mapping[str, str]

    @property
    def key(self) -> str:
        """What its row in `fillings` is found by."""
        return f"{self.name}:/{self.source}"


def copies_of(known: Topology, department: str) -> list[Copy]:
    """The copies that a department keeps."""
    kept = topology.copies_kept(known, department)
    return [Copy(source, name, queues) for (source, name), queues in kept.items()]


def check(known: Topology, departments: Iterable[str], settings: Settings) -> None:
    """Whether every source of these departments' copies can be asked.

    Raises:
        SettingMissing: no address of one, or no key to sign with.
    """
    for department in departments:
        for copy in copies_of(known, department):
            Source(settings, copy.source)


async def look_after(
    database: AsyncDatabase[Document],
    copies: Iterable[Copy],
    settings: Settings,
    exchange: AbstractExchange,
    now: datetime,
) -> bool:
    """Fill those copies that are new or of another epoch than their source.

    Args:
        exchange: the department's own for retries; its routing keys are queues.

    Returns: whether every source answered.
    """
    answered = True
    for copy in copies:
        try:
            async with Source(settings, copy.source) as source:
                await _look_after_one(database, copy, source, exchange, now)
        except (SourceSilent, SourceRefused, TimeoutError) as error:
            logger.warning("the copy %s waits for its source: %s", copy.key, error)
            answered = False
    return answered


async def _look_after_one(
    database: AsyncDatabase[Document],
    copy: Copy,
    source: Source,
    exchange: AbstractExchange,
    now: datetime,
) -> None:
    row = await whole(database[COLLECTION].find_one({"_id": copy.key}))
    if row is not None and await source.is_of(row["epoch"]):
        return
    epoch = await fill(copy, source, exchange, now)
    if epoch:
        filled = {"$set": {"epoch": epoch, "time": now}}
        await whole(database[COLLECTION].update_one({"_id": copy.key}, filled, upsert=True))


async def fill(copy: Copy, source: Source, exchange: AbstractExchange, now: datetime) -> str:
    """Put a whole snapshot into the copy's queues; its epoch, empty where there is no log yet.

    Raises:
        SourceSilent: it was not whole; nothing but repetition is lost.
    """
    logger.info("filling the copy %s", copy.key)
    epoch, subjects = "", 0
    async for page in source.snapshot():
        if epoch and page.epoch != epoch:
            raise SourceSilent(f"{copy.source} was restored meanwhile")
        epoch = page.epoch
        # What no handler of the copy hears is nothing to it.
        heard = [record for record in page.records if record.type in copy.queues]
        await _put(copy, heard, page.head, exchange)
        subjects += len(heard)
    if epoch:
        await _say_whole(copy, epoch, exchange, now)
        logger.info("the copy %s was filled with %d subjects", copy.key, subjects)
    return epoch


async def _put(copy: Copy, records: Iterable[Event], head: int, exchange: AbstractExchange) -> None:
    async with asyncio.timeout(CONFIRM_WITHIN):
        await asyncio.gather(
            *(
                exchange.publish(message_of(record, head=head), copy.queues[record.type])
                for record in records
            )
        )


async def _say_whole(copy: Copy, epoch: str, exchange: AbstractExchange, now: datetime) -> None:
    word_id = f"{copy.key}/{epoch}"
    word = attributes(
        event_id=word_id,
        source=f"/{copy.source}",
        kind=REPLACED,
        subject="",
        time=now,
        traceparent="",
        epoch=epoch,
        sequence=0,
        version=0,
    )
    async with asyncio.timeout(CONFIRM_WITHIN):
        await exchange.publish(persistent(orjson.dumps(word), word_id), min(copy.queues.values()))
