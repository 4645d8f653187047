"""One change, one transaction: state, facts, audit row and the answer to its request id."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pymongo
from pymongo import ASCENDING, IndexModel, MongoClient, ReadPreference
from pymongo.errors import (
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from services.common import audit
from services.common.errors import DomainError, Invalid, Refused, Stale, Unavailable, Violation
from services.common.eventlog import log, outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message
    from pymongo.client_session import ClientSession
    from pymongo.database import Database

    from services.common.callers import Caller
    from services.common.eventlog.outbox import Told

T = TypeVar("T")
Response = TypeVar("Response", bound="Message")

LONGEST = 8.0  # seconds for a transaction with all its retries
REQUESTS_KEPT = timedelta(days=7)
STALE_RETRIES = 3
_REQUEST_ID = re.compile(r"[!-~]{1,128}")
# Shutting down, not primary, or a transaction larger than the cache has room for just now.
_PASSING = {11600, 11602, 91, 189, 10107, 13435, 13436, 388}


class StoreUnavailable(Unavailable):
    """The department's database does not answer now."""

    reason = "STORE_UNAVAILABLE"


class RequestIdReused(Refused):
    """The request id was used before, for something else."""

    reason = "REQUEST_ID_REUSED"


class RequestIdInvalid(Invalid):
    """The request id is not 1 to 128 visible ASCII characters."""

    reason = "REQUEST_ID_INVALID"


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
    except PyMongoError:
        return False


def ensure(database: Database[dict[str, Any]]) -> None:
    """Make the collections and indexes that every department has."""
    log.ensure(database)
    database["audit"].create_indexes(audit.INDEXES)
    kept = int(REQUESTS_KEPT.total_seconds())
    database["requests"].create_indexes(
        [IndexModel([("time", ASCENDING)], name="kept", expireAfterSeconds=kept)]
    )


@dataclass(slots=True)
class Unit:
    """What one transaction reads and writes with: stores are bound to it."""

    database: Database[dict[str, Any]]
    session: ClientSession | None
    now: datetime
    told: list[Told] = field(default_factory=list)

    def tell(self, *facts: Told) -> None:
        """Add facts to what the transaction will have told when it commits."""
        self.told.extend(facts)


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


def record(unit: Unit, request: Request) -> None:
    """Write what the unit told, and the audit row of its change."""
    if not unit.told:
        return
    facts = outbox.documents(unit.told, now=unit.now, traceparent=request.traceparent)
    unit.database["events"].insert_many(facts, session=unit.session)
    subjects = sorted({subject for fact in unit.told for subject in fact.subjects})
    unit.database["audit"].insert_one(
        audit.row(
            caller=request.caller,
            call=request.call,
            subjects=subjects,
            request_id=request.request_id,
            traceparent=request.traceparent,
            now=unit.now,
        ),
        session=unit.session,
    )


def change(
    database: Database[dict[str, Any]],
    request: Request,
    answer: type[Response],
    work: Callable[[Unit], Response],
    *,
    retry_stale: bool,
) -> Response:
    """Make one change once, however often it is asked for under the same request id.

    Args:
        answer: the response's class, to read a stored answer with.
        work: load, decide, save; may run several times.
        retry_stale: try again when somebody was faster; False where the caller named a version.

    Raises:
        RequestIdInvalid, RequestIdReused, StoreUnavailable, and whatever `work` refuses.
    """
    if request.request_id and not _REQUEST_ID.fullmatch(request.request_id):
        text = "request_id 应为 1 至 128 个可见的 ASCII 字符。"
        raise RequestIdInvalid(text, Violation("request_id", text))

    def body(session: ClientSession) -> Response:
        unit = Unit(database, session, request.now)
        response = work(unit)
        record(unit, request)
        if request.request_id:
            database["requests"].insert_one(_answered(request, response), session=session)
        return response

    for attempt in range(STALE_RETRIES + 1):
        try:
            return transact(database, body)
        except Stale:
            known = _answer_of(database, request, answer)
            if known is None and (not retry_stale or attempt == STALE_RETRIES):
                raise
        except (DuplicateKeyError, DomainError):
            known = _answer_of(database, request, answer)
            if known is None:
                raise
        if known is not None:
            return known
    raise AssertionError("the loop above returns or raises")


def _answered(request: Request, response: Message) -> dict[str, Any]:
    return {
        "_id": request.key,
        "call": request.call,
        "fingerprint": request.fingerprint,
        "response": response.SerializeToString(),
        "time": request.now,
    }


def _answer_of(
    database: Database[dict[str, Any]], request: Request, answer: type[Response]
) -> Response | None:
    """The answer given before under this request id, if there is one."""
    if not request.request_id:
        return None
    try:
        known = database["requests"].find_one({"_id": request.key})
    except PyMongoError as error:
        raise refusal_of(error) or error from error
    if known is None:
        return None
    if known["call"] != request.call or known["fingerprint"] != request.fingerprint:
        text = "request_id 已用于另一次请求，请换一个新的。"
        raise RequestIdReused(text, Violation("request_id", text))
    return answer.FromString(known["response"])


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
