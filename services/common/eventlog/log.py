"""The collections of an event log and the one document that rules it.

`events` holds the facts, `log` one document: epoch, head (highest sequence stamped), published
(highest sequence sent), and the relay's lease (holder, term, until). Lease and head are in ONE
document, so that a holder that was suspended is fenced by the very write that stamps.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from pymongo import ASCENDING, AsyncMongoClient, IndexModel

if TYPE_CHECKING:
    from pymongo.asynchronous.database import AsyncDatabase
    from pymongo.database import Database

LOG_ID = "log"
KEPT_SECONDS = 90 * 24 * 3600  # design: the log keeps 90 days

INDEXES = [
    # The relay's question: what is not stamped yet, in order.
    IndexModel([("tick", ASCENDING)], name="fresh", partialFilterExpression={"fresh": True}),
    # The readers' question; unique, so that two holders can never give one place twice.
    IndexModel(
        [("sequence", ASCENDING)],
        name="sequence",
        unique=True,
        partialFilterExpression={"sequence": {"$gt": 0}},
    ),
    # Redaction: every fact, single or bulk, that tells of one aggregate.
    IndexModel([("subjects", ASCENDING)], name="subjects"),
    IndexModel([("time", ASCENDING)], name="kept", expireAfterSeconds=KEPT_SECONDS),
]


def connect(uri: str) -> AsyncMongoClient[dict[str, Any]]:
    """A client for asyncio whose reads and writes survive a crash; times in UTC."""
    return AsyncMongoClient(
        uri,
        tz_aware=True,
        w="majority",
        journal=True,
        readConcernLevel="majority",
        serverSelectionTimeoutMS=3000,
        connectTimeoutMS=2000,
        socketTimeoutMS=20000,
        appname="zhengtong-relay",
    )


def new_epoch() -> str:
    """A random id that sorts after those made before it, so that copies can compare two."""
    return f"{time.time_ns() // 1_000_000:012x}{uuid.uuid4().hex[:20]}"


def ensure(database: Database[dict[str, Any]]) -> None:
    """Make collections and indexes, and the log's document with a new epoch if there is none."""
    database["events"].create_indexes(INDEXES)
    database["log"].update_one(
        {"_id": LOG_ID},
        {
            "$setOnInsert": {
                "epoch": new_epoch(),
                "head": 0,
                "published": 0,
                "term": 0,
                "holder": "",
                "until": 0,
            }
        },
        upsert=True,
    )


def begin_epoch(database: Database[dict[str, Any]]) -> str:
    """Give the log a new epoch, after a restore: every copy is then made anew.

    The facts of the old epoch go: their places would be given again.
    """
    epoch = new_epoch()
    database["events"].delete_many({})
    database["log"].update_one(
        {"_id": LOG_ID},
        {"$set": {"epoch": epoch, "head": 0, "published": 0}, "$inc": {"term": 1}},
    )
    return epoch


async def acquire(
    database: AsyncDatabase[dict[str, Any]], holder: str, seconds: float
) -> dict[str, Any] | None:
    """Take the lease if it is free or run out, by the database's clock; None: somebody holds it."""
    return await database["log"].find_one_and_update(
        {"_id": LOG_ID, "$expr": {"$lt": ["$until", {"$toLong": "$$NOW"}]}},
        [
            {
                "$set": {
                    "holder": holder,
                    "term": {"$add": ["$term", 1]},
                    "until": {"$add": [{"$toLong": "$$NOW"}, int(seconds * 1000)]},
                }
            }
        ],
        return_document=True,
    )


async def renew(database: AsyncDatabase[dict[str, Any]], term: int, seconds: float) -> bool:
    """Keep the lease of `term`; False: it was lost."""
    result = await database["log"].update_one(
        {"_id": LOG_ID, "term": term},
        [{"$set": {"until": {"$add": [{"$toLong": "$$NOW"}, int(seconds * 1000)]}}}],
    )
    return result.matched_count == 1


async def release(database: AsyncDatabase[dict[str, Any]], term: int) -> None:
    """Give the lease back at a stop, so that the next holder need not wait."""
    await database["log"].update_one({"_id": LOG_ID, "term": term}, {"$set": {"until": 0}})
