"""One transaction: state, facts and audit rows of the changes in it."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pymongo
from pymongo import ASCENDING, IndexModel, MongoClient, ReadPreference
from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from services.common import audit
from services.common.access import ANONYMOUS, Caller
from services.common.errors import DomainError, Unavailable
from services.common.eventlog import log, outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.message import Message
    from pymongo.client_session import ClientSession
    from pymongo.database import Database

    from services.common.eventlog.outbox import Told

T = TypeVar("T")

LONGEST = 8.0  # seconds for a transaction with all its retries
REQUESTS_KEPT = timedelta(days=7)
# Shutting down, not primary, or a transaction larger than the cache has room for just now.
_PASSING = {11600, 11602, 91, 189, 10107, 13435, 13436, 388}

logger = logging.getLogger(__name__)


class StoreUnavailable(Unavailable):
    """The department's database does not answer now."""

    reason = "STORE_UNAVAILABLE"


def connect(uri: str, *, pool: int = 32) -> MongoClient[dict[str, Any]]:
    """A client whose reads and writes survive a crash: majority, journaled, times in UTC."""
    return MongoClient(
        uri,
        tz_aware=True,
        w="majority",
        journal=True,
        readConcernLevel="majority",
        maxPoolSize=pool,
        serverSelectionTimeoutMS=3000,
        connectTimeoutMS=2000,
        socketTimeoutMS=20000,
        appname="zhengtong",
        connect=False,
    )


def is_primary(uri: str) -> bool:
    """Whether the database can be written to; asked once, over a connection of its own.

    A connection made before the replica set exists says for good that it knows no sessions, so no
    pool may be filled earlier.
    """
    try:
        with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=500) as client:
            return bool(client.admin.command("hello").get("isWritablePrimary"))
    except OperationFailure as error:
        logger.warning("the database refuses: %s", (error.details or {}).get("errmsg"))
        return False
    except PyMongoError:
        return False


def ensure(database: Database[dict[str, Any]]) -> None:
    """Make the collections and indexes that every department has."""
    log.ensure(database)
    audit.ensure(database)
    kept = int(REQUESTS_KEPT.total_seconds())
    database["requests"].create_indexes(
        [IndexModel([("time", ASCENDING)], name="kept", expireAfterSeconds=kept)]
    )


@dataclass(slots=True)
class Unit:
    """What one transaction reads and writes with: stores are bound to it.

    Args:
        noted: what its audit row names beside what its facts tell of.
        approved: author and call of a submission that it carries out; its audit row names both
            the author and who approved.
    """

    database: Database[dict[str, Any]]
    session: ClientSession | None
    now: datetime
    caller: Caller = ANONYMOUS
    told: list[Told] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    approved: tuple[Caller, str] | None = None

    def tell(self, *facts: Told) -> None:
        """Add facts to what the transaction will have told when it commits."""
        self.told.extend(facts)

    def note(self, *subjects: str) -> None:
        """Add subjects of a change that is recorded, but no fact for others."""
        self.noted.extend(subjects)


@dataclass(frozen=True, slots=True)
class Request:
    """One call that changes something: who asks, for what, under which request id."""

    caller: Caller
    call: str
    request_id: str
    fingerprint: bytes
    now: datetime
    traceparent: str

    @property
    def key(self) -> str:
        """Request ids of different callers and calls never meet."""
        return f"{self.caller.kind}:{self.caller.principal}:{self.request_id}"


def fingerprint(message: Message) -> bytes:
    """What was asked, so that a request id used for something else is found out."""
    return hashlib.sha256(message.SerializeToString(deterministic=True)).digest()


def transact(database: Database[dict[str, Any]], work: Callable[[ClientSession], T]) -> T:
    """Run `work` in one transaction; again while it only lost a race, for 8 seconds at most.

    Raises:
        StoreUnavailable: the database does not answer, or not in time. The change may have been
            made all the same; the same request id tells.
    """
    try:
        with pymongo.timeout(LONGEST), database.client.start_session() as session:
            return session.with_transaction(
                work,
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority", j=True),
                read_preference=ReadPreference.PRIMARY,
            )
    except PyMongoError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error


def refusal_of(error: PyMongoError) -> DomainError | None:
    """StoreUnavailable for what an outage or overload causes; None for what is a defect."""
    outage = isinstance(error, ConnectionFailure | ExecutionTimeout | WTimeoutError)
    passing = isinstance(error, OperationFailure) and _codes(error) & _PASSING
    if outage or passing or error.timeout or error.has_error_label("TransientTransactionError"):
        return StoreUnavailable("数据库暂时没有响应，请稍后再试。")
    return None


def _codes(error: OperationFailure) -> set[int]:
    """The error's code, and in a bulk write those of each write."""
    writes = (error.details or {}).get("writeErrors", [])
    return {error.code or 0, *(write.get("code", 0) for write in writes)}


def record(done: Sequence[tuple[Unit, Request]]) -> None:
    """Write what units of one transaction told, and an audit row for each change."""
    changed = [(unit, request) for unit, request in done if unit.told or unit.noted]
    if not changed:
        return
    database, session = changed[0][0].database, changed[0][0].session
    facts = [
        fact
        for unit, request in changed
        for fact in outbox.documents(unit.told, now=unit.now, traceparent=request.traceparent)
    ]
    if facts:
        database["events"].insert_many(facts, session=session)
    database[audit.ROWS].insert_many([_audit_row(*one) for one in changed], session=session)


def _audit_row(unit: Unit, request: Request) -> dict[str, Any]:
    caller, call = unit.approved or (request.caller, request.call)
    subjects = {subject for fact in unit.told for subject in fact.subjects}
    return audit.row(
        caller=caller,
        call=call,
        subjects=sorted(subjects.union(unit.noted)),
        request_id=request.request_id,
        traceparent=request.traceparent,
        now=unit.now,
        approved_by=request.caller.principal if unit.approved else "",
    )


def index_models(document: Any) -> list[IndexModel]:
    """The indexes that a mongoengine document declares, for a database of one's own choosing.

    mongoengine itself makes them only on its own connections, which know no sessions.
    """
    return [
        IndexModel(
            spec["fields"], unique=spec.get("unique", False), sparse=spec.get("sparse", False)
        )
        for spec in document._meta["index_specs"]  # noqa: SLF001  (it has no public name)
    ]
