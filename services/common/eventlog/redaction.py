"""What stops being public loses its payload in the log; id, subject, version and sequence stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pymongo.asynchronous.database import AsyncDatabase

    Document = dict[str, Any]

EMPTY = "{}"
REDACTED = "redacted"  # routing key of what other departments are told of it


async def redact(database: AsyncDatabase[Document], removals: Sequence[Document]) -> None:
    """Take the payload out of every fact that told of a removed subject before its removal.

    Args:
        removals: stamped facts that took their subject out of the public's sight.
    """
    removed = {event["subject"]: int(event["sequence"]) for event in removals}
    if not removed:
        return
    events = database["events"]
    for subject, sequence in removed.items():
        await events.update_many(
            {"subjects": subject, "bulk": False, "sequence": {"$lt": sequence}},
            {"$set": {"data": EMPTY, "redacted": True}},
        )
    found = events.find({"subjects": {"$in": list(removed)}, "bulk": True})
    async for bulk in found:
        await events.update_one(
            {"_id": bulk["_id"]},
            {"$set": {"data": without(bulk["data"], bulk.get("sequence", 0), removed)}},
        )


def without(data: str, sequence: int, removed: Mapping[str, int]) -> str:
    """A bulk fact's data with only subject and version left of each removed record."""
    fact = orjson.loads(data)
    fact["records"] = [
        {"subject": record["subject"], "version": record["version"]}
        if sequence < removed.get(record["subject"], 0)
        else record
        for record in fact["records"]
    ]
    return orjson.dumps(fact).decode()
