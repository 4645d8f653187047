"""Queues that no handler owns any more: a handler was renamed or removed, and its queue fills up.

AMQP cannot list queues, so each worker notes those it declares in its department's database.
`python -m services.common.delivery.queues [--prune] [DEPARTMENT …]` tells of the orphans, and
prunes them: nothing reaches them any more, and those that are empty are deleted.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from amqp.exceptions import NotFound, PreconditionFailed
from kombu.connection import Connection
from pymongo import UpdateOne

from services.common.delivery.topology import (
    Topology,
    events_exchange,
    load,
    retry_exchange,
)
from services.common.settings import DEPARTMENTS, Settings
from services.common.transaction import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymongo.database import Database

    from services.common.delivery.subscriptions import Subscription

    Document = dict[str, Any]

COLLECTION = "queues"


@dataclass(frozen=True, slots=True)
class Orphan:
    """A queue without a handler, and how many messages lie in it."""

    queue: str
    source: str
    type: str
    messages: int


def remember(database: Database[Document], subscribed: Sequence[Subscription]) -> None:
    """Note the queues that a worker is about to declare."""
    notes = [
        UpdateOne(
            {"_id": one.queue}, {"$set": {"source": one.source, "type": one.type}}, upsert=True
        )
        for one in subscribed
    ]
    if notes:
        database[COLLECTION].bulk_write(notes, ordered=False)


def orphans(database: Database[Document], broker: Connection, topology: Topology) -> list[Orphan]:
    """The queues once declared for a department that the topology no longer names."""
    owned = [queue.name for queue in topology.queues]
    found = []
    for row in database[COLLECTION].find({"_id": {"$nin": owned}}).sort("_id"):
        try:
            with broker.channel() as channel:
                messages = channel.queue_declare(row["_id"], passive=True).message_count
        except NotFound:
            database[COLLECTION].delete_one({"_id": row["_id"]})
            continue
        found.append(Orphan(row["_id"], row["source"], row["type"], messages))
    return found


def prune(
    database: Database[Document], department: str, broker: Connection, topology: Topology
) -> list[Orphan]:
    """Unbind every orphan, delete the empty ones; those that are left, with their messages."""
    left = []
    for orphan in orphans(database, broker, topology):
        try:
            with broker.channel() as channel:
                source, retry = events_exchange(orphan.source), retry_exchange(department)
                channel.queue_unbind(orphan.queue, source, orphan.type)
                channel.queue_unbind(orphan.queue, retry, orphan.queue)
                channel.queue_delete(orphan.queue, if_empty=True)
        except PreconditionFailed:
            left.append(orphan)
        else:
            database[COLLECTION].delete_one({"_id": orphan.queue})
    return left


def main(arguments: Sequence[str]) -> int:
    """Print one JSON line an orphan; the exit code is 1 while there are any."""
    parser = argparse.ArgumentParser(description="列出（或清理）已无处理程序的队列")
    parser.add_argument("departments", nargs="*", default=DEPARTMENTS, help="部门，默认全部")
    parser.add_argument("--prune", action="store_true", help="解除绑定，并删除其中的空队列")
    wanted = parser.parse_args(arguments)
    settings = Settings.from_env()
    settings.need("mongodb_uri", "amqp_uri")
    topology = load()
    found: list[Orphan] = []
    for department in wanted.departments:
        mongodb, amqp = settings.mongodb_of(department), settings.amqp_of(department)
        with connect(mongodb) as client, Connection(amqp) as broker:
            database = client[f"zt_{department}"]
            if wanted.prune:
                found += prune(database, department, broker, topology)
            else:
                found += orphans(database, broker, topology)
    for orphan in found:
        sys.stdout.write(json.dumps(asdict(orphan)) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
