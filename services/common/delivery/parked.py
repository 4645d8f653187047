"""Messages that could not be handled: deferred until they are due, or dead until somebody decides.

They lie in the department's database as the broker delivered them, byte for byte. Its relay puts
due ones back through `<department>.retry`; operators see and replay the dead ones.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bson.binary import Binary
from pymongo import ASCENDING, IndexModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pymongo.asynchronous.database import AsyncDatabase
    from pymongo.client_session import ClientSession
    from pymongo.database import Database

    Document = dict[str, Any]

COLLECTION = "parked"
ATTEMPT = "zhengtong-attempt"  # the header in which the number of attempts made travels
QUEUE_GONE = "QUEUE_GONE"
MOST_REPLAYED = 1000  # where none are named: one audit row names them all
LARGEST_BODY = 15_000_000  # bytes; a document holds 16 MB

INDEXES = [
    IndexModel([("due", ASCENDING)], name="due"),
    IndexModel([("parked_time", ASCENDING), ("_id", ASCENDING)], name="listed"),
    IndexModel([("source", ASCENDING), ("subjects", ASCENDING)], name="subjects"),
]


class Kind(StrEnum):
    """Which of the parked messages."""

    ALL = "all"
    DEFERRED = "deferred"
    DEAD = "dead"


_FILTERS: dict[Kind, Document] = {
    Kind.ALL: {},
    Kind.DEFERRED: {"due": {"$ne": None}},
    Kind.DEAD: {"due": None},
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the broker delivered it."""

    queue: str
    body: bytes
    headers: Mapping[str, Any]
    message_id: str
    content_type: str
    content_encoding: str

    @property
    def key(self) -> str:
        """The same message in the same queue has the same key, however often it comes."""
        name = self.message_id.encode() or self.body
        return hashlib.sha256(self.queue.encode() + b"\0" + name).hexdigest()[:32]

    @property
    def attempt(self) -> int:
        """Attempts made before this one."""
        made = self.headers.get(ATTEMPT, 0)
        return made if isinstance(made, int) else 0


@dataclass(frozen=True, slots=True)
class Parked:
    """A parked message and what is known of it.

    Args:
        attempt: attempts made so far.
        due: when it is put back; None: dead.
        parked_time: when it was parked first.
        token: changes whenever the message is parked again or replayed.
    """

    id: str
    message: Message
    source: str
    type: str
    event_id: str
    subject: str
    attempt: int
    reason: str
    detail: str
    parked_time: datetime
    due: datetime | None
    token: str


@dataclass(frozen=True, slots=True)
class Why:
    """Why a message is put aside, and until when; `attempt` counts those that were made."""

    reason: str
    detail: str
    attempt: int
    due: datetime | None


def ensure(database: Database[Document]) -> None:
    """Make the collection and its indexes."""
    database[COLLECTION].create_indexes(INDEXES)


def park(
    database: Database[Document],
    message: Message,
    why: Why,
    *,
    about: Mapping[str, Any],
    now: datetime,
) -> None:
    """Put a message aside; one that is there already is overwritten, so that none is there twice.

    Args:
        about: the envelope as far as it could be read.
    """
    headers = {k: v for k, v in message.headers.items() if isinstance(v, str | bytes | int | float)}
    row = {
        "queue": message.queue,
        "headers": headers | {ATTEMPT: why.attempt},
        # A longer body than a document holds is cut: it is dead anyway, and must not block others.
        "body": Binary(message.body[:LARGEST_BODY]),
        "message_id": message.message_id,
        "content_type": message.content_type,
        "content_encoding": message.content_encoding,
        "source": str(about.get("source", "")),
        "type": str(about.get("type", "")),
        "event_id": str(about.get("id", "")),
        "subject": str(about.get("subject", "")),
        "subjects": list(about.get("subjects", ())),
        "attempt": why.attempt,
        "reason": why.reason,
        "detail": why.detail,
        "due": why.due,
        "token": uuid.uuid4().hex,
    }
    database[COLLECTION].update_one(
        {"_id": message.key}, {"$set": row, "$setOnInsert": {"parked_time": now}}, upsert=True
    )


async def parked_due(database: AsyncDatabase[Document], now: datetime, limit: int) -> list[Parked]:
    """What is to be put back now, the longest due first."""
    found = database[COLLECTION].find({"due": {"$ne": None, "$lte": now}}).sort("due", ASCENDING)
    return [_parked(row) for row in await found.limit(limit).to_list()]


async def remove(database: AsyncDatabase[Document], parked: Parked) -> bool:
    """Forget a message that the broker has confirmed; False: it was parked again meanwhile.

    The worker may have failed again before the confirm came back: that row must stay.
    """
    result = await database[COLLECTION].delete_one({"_id": parked.id, "token": parked.token})
    return result.deleted_count == 1


async def undeliverable(database: AsyncDatabase[Document], parked: Parked) -> None:
    """Bury a message that the broker has no queue for any more: its handler is gone."""
    await database[COLLECTION].update_one(
        {"_id": parked.id, "token": parked.token},
        {"$set": {"due": None, "reason": QUEUE_GONE, "token": uuid.uuid4().hex}},
    )


def list_parked(
    database: Database[Document],
    kind: Kind,
    *,
    limit: int,
    after: tuple[datetime, str] | None = None,
) -> list[Parked]:
    """Parked messages, oldest first.

    Args:
        after: `parked_time` and `id` of the last one of the page before.
    """
    question = dict(_FILTERS[kind])
    if after:
        time, last = after
        question["$or"] = [
            {"parked_time": {"$gt": time}},
            {"parked_time": time, "_id": {"$gt": last}},
        ]
    order = [("parked_time", ASCENDING), ("_id", ASCENDING)]
    return [_parked(row) for row in database[COLLECTION].find(question).sort(order).limit(limit)]


def count_parked(database: Database[Document], kind: Kind) -> int:
    """How many there are."""
    return database[COLLECTION].count_documents(_FILTERS[kind])


def replay(
    database: Database[Document],
    ids: Sequence[str],
    now: datetime,
    *,
    session: ClientSession | None = None,
) -> list[str]:
    """Make messages due at once, with all their attempts before them; which.

    Args:
        ids: these, dead or deferred; none: all dead ones, at most `MOST_REPLAYED`.
    """
    rows = database[COLLECTION]
    question = {"_id": {"$in": list(ids)}} if ids else _FILTERS[Kind.DEAD]
    most = 0 if ids else MOST_REPLAYED
    found = [row["_id"] for row in rows.find(question, {"_id": 1}, limit=most, session=session)]
    fresh = {"due": now, "attempt": 0, f"headers.{ATTEMPT}": 0, "token": uuid.uuid4().hex}
    rows.update_many({"_id": {"$in": found}}, {"$set": fresh}, session=session)
    return found


def _parked(row: Document) -> Parked:
    message = Message(
        queue=row["queue"],
        body=bytes(row["body"]),
        headers=row["headers"],
        message_id=row["message_id"],
        content_type=row["content_type"],
        content_encoding=row["content_encoding"],
    )
    same = ("source", "type", "event_id", "subject", "attempt", "reason", "detail", "due", "token")
    return Parked(
        id=row["_id"],
        message=message,
        parked_time=row["parked_time"],
        **{name: row[name] for name in same},
    )
