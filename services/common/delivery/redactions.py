"""What left the public's sight at its source loses its payload in parked messages too.

The source's relay tells it beside its facts, under the routing key `redacted`; the relay of each
department that hears the source takes it up. What was taken up is remembered, because a message
that is on its way now may be parked later. Id, subject, version and sequence stay, so that a
message without payload still counts.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
from bson.binary import Binary
from pymongo import ASCENDING, IndexModel, UpdateOne

from services.common.delivery import parked
from services.common.eventlog.redaction import without

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pymongo.asynchronous.database import AsyncDatabase
    from pymongo.database import Database

    Document = dict[str, Any]

COLLECTION = "redactions"
KEPT = timedelta(days=120)  # as long as the inbox: the log's 90 days, and then all retries


def ensure(database: Database[Document]) -> None:
    """Make what is remembered forget itself."""
    kept = int(KEPT.total_seconds())
    database[COLLECTION].create_indexes(
        [IndexModel([("time", ASCENDING)], name="kept", expireAfterSeconds=kept)]
    )


async def take(database: AsyncDatabase[Document], body: bytes, now: datetime) -> None:
    """Remember what a source has redacted, then redact what of it is parked.

    Args:
        body: `{"source": "/catalogue", "removed": {subject: sequence of its removal}}`.
    """
    told = orjson.loads(body)
    source, removed = told["source"], told["removed"]
    noted = [
        UpdateOne(
            {"_id": f"{source}/{subject}"},
            {"$max": {"sequence": sequence}, "$set": {"time": now}},
            upsert=True,
        )
        for subject, sequence in removed.items()
    ]
    await database[COLLECTION].bulk_write(noted, ordered=False)
    rows = database[parked.COLLECTION]
    async for row in rows.find({"source": source, "subjects": {"$in": list(removed)}}):
        await rows.update_one(*_redaction(row, removed))


def settle(database: Database[Document], parked_id: str) -> None:
    """Redact a message that was parked just now, where its source has redacted it before."""
    row = database[parked.COLLECTION].find_one({"_id": parked_id, "subjects": {"$ne": []}})
    if row is None:
        return
    ids = [f"{row['source']}/{subject}" for subject in row["subjects"]]
    found = database[COLLECTION].find({"_id": {"$in": ids}})
    removed = {one["_id"].removeprefix(f"{row['source']}/"): one["sequence"] for one in found}
    if removed:
        database[parked.COLLECTION].update_one(*_redaction(row, removed))


def subjects_of(body: bytes) -> list[str]:
    """Every aggregate that a message tells of; none where nobody can read it."""
    try:
        told = orjson.loads(body)
        records = told["data"].get("records", ())
        return [told["subject"], *(record["subject"] for record in records)]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []


def redacted(body: bytes, removed: Mapping[str, int]) -> bytes:
    """The envelope without the payload of what was removed after it was told."""
    told = orjson.loads(body)
    data, sequence = told["data"], told["sequence"]
    if "records" in data:
        told["data"] = orjson.loads(without(orjson.dumps(data).decode(), sequence, removed))
    elif sequence < removed.get(told["subject"], 0):
        told["data"] = {}
    return orjson.dumps(told)


def _redaction(row: Document, removed: Mapping[str, int]) -> tuple[Document, Document]:
    """Filter and update for one parked row; one that was parked again meanwhile settles itself."""
    body = Binary(redacted(bytes(row["body"]), removed))
    return {"_id": row["_id"], "token": row["token"]}, {"$set": {"body": body}}
