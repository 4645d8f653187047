"""Changes asked for by callers: each made once, and those that wait at one moment made together."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pymongo.errors import DuplicateKeyError, PyMongoError

from services.common.errors import DomainError, Invalid, Refused, Stale, Violation
from services.common.transaction import StoreUnavailable, Unit, record, refusal_of, transact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.protobuf.message import Message
    from pymongo.client_session import ClientSession
    from pymongo.database import Database

    from services.common.eventlog.outbox import Told
    from services.common.transaction import Request

Response = TypeVar("Response", bound="Message")

STALE_RETRIES: Final = 3
_REQUEST_ID = re.compile(r"[!-~]{1,128}")


class RequestIdReused(Refused):
    """The request id was used before, for something else."""

    reason = "REQUEST_ID_REUSED"


class RequestIdInvalid(Invalid):
    """The request id is not 1 to 128 visible ASCII characters."""

    reason = "REQUEST_ID_INVALID"


class _Raced(Exception):
    """A transaction of several lost a race; each goes on alone."""


class _TakenBack(Exception):
    """Ends a transaction that only tried a change.

    Attributes:
        made: the response it would have had.
        told: the facts it would have told.
    """

    def __init__(self, made: Message, told: Sequence[Told]) -> None:
        super().__init__()
        self.made = made
        self.told = told


class _Change:
    """One change under way.

    Attributes:
        settled: a transaction it was in has ended; without an outcome it left no trace, and the
            change is to be made alone.
    """

    __slots__ = ("outcome", "request", "secret", "settled", "work")

    def __init__(
        self, request: Request, work: Callable[[Unit], Message], secret: Sequence[str]
    ) -> None:
        self.request = request
        self.secret = secret
        self.work = work
        self.settled = False
        self.outcome: Message | Exception | None = None


class Changes:
    """Makes the changes of one department.

    While one transaction is under way, changes wait; the next takes all of them. Their states are
    read and written one after the other, their facts, audit rows and answers at once, and one
    commit makes all durable. Under load a change costs less than it does alone, and changes of one
    thing do not get into each other's way. When a group loses a race, each goes on alone.
    """

    def __init__(self, database: Database[dict[str, Any]]) -> None:
        self._database = database
        self._ended = threading.Condition()
        self._under_way = False
        self._waiting: list[_Change] = []

    def make(  # noqa: PLR0913  (plain data)
        self,
        request: Request,
        answer: type[Response],
        work: Callable[[Unit], Response],
        *,
        retry_stale: bool,
        alone: bool = False,
        secret: Sequence[str] = (),
    ) -> Response:
        """Make one change once, however often it is asked for under the same request id.

        Args:
            answer: the response's class, to read a stored answer with.
            work: load, decide, save; may run several times.
            retry_stale: try again when somebody was faster; False where the caller named a version.
            alone: in a transaction of its own, which others do not wait for.
            secret: fields of the answer that are not kept for a repeated request.

        Raises:
            RequestIdInvalid, RequestIdReused, StoreUnavailable, and whatever `work` refuses.
        """
        _check_request_id(request)
        change = _Change(request, work, secret)
        for attempt in range(STALE_RETRIES + 1):
            try:
                made = self._alone(change) if alone or attempt else self._together(change)
            except Stale:
                known = self.answer_of(request, answer)
                if known is None and (not retry_stale or attempt == STALE_RETRIES):
                    raise
            except (DuplicateKeyError, DomainError):
                known = self.answer_of(request, answer)
                if known is None:
                    raise
            else:
                return made  # type: ignore[return-value]  # what `work` returned
            if known is not None:
                return known
        raise AssertionError("the loop above returns or raises")

    def tried(
        self, request: Request, work: Callable[[Unit], Response], *, retry_stale: bool
    ) -> tuple[Response, Sequence[Told]]:
        """What a change would answer and tell: made in a transaction that is taken back.

        Raises:
            RequestIdInvalid, StoreUnavailable, and whatever `work` refuses.
        """
        _check_request_id(request)

        def body(session: ClientSession) -> None:
            unit = Unit(self._database, session, request.now, request.caller)
            made = work(unit)
            raise _TakenBack(made, unit.told)

        for attempt in range(STALE_RETRIES + 1):
            try:
                transact(self._database, body)
            except _TakenBack as trial:
                return trial.made, trial.told  # type: ignore[return-value]  # what `work` returned
            except Stale:
                if not retry_stale or attempt == STALE_RETRIES:
                    raise
        raise AssertionError("the loop above returns or raises")

    def _together(self, change: _Change) -> Message:
        """Make it with all that wait now, or with those that somebody else makes."""
        with self._ended:
            self._waiting.append(change)
            self._ended.wait_for(lambda: change.settled or not self._under_way)
            if not change.settled:
                self._under_way = True
                group, self._waiting = self._waiting, []
        if not change.settled:
            self._lead(group)
        return self._alone(change) if change.outcome is None else _said(change.outcome)

    def _lead(self, group: Sequence[_Change]) -> None:
        """Make a group of changes, settle each, and let the next group begin."""
        try:
            outcomes = self._committed(group)
        except Exception as error:  # noqa: BLE001  (whosever it is: each raises its own)
            for change in group:
                if len(group) == 1:
                    change.outcome = error
                elif isinstance(error, StoreUnavailable):
                    change.outcome = StoreUnavailable(str(error))
        else:
            for change, outcome in zip(group, outcomes, strict=True):
                change.outcome = outcome
        finally:
            with self._ended:
                self._under_way = False
                for change in group:
                    change.settled = True
                self._ended.notify_all()

    def _alone(self, change: _Change) -> Message:
        return _said(self._committed([change])[0])

    def _committed(self, group: Sequence[_Change]) -> list[Message | DomainError]:
        """What became of changes made in one transaction.

        A refusal stands with the commit: it may be for what another of the group has just done.
        """
        tried = False

        def body(session: ClientSession) -> list[Message | DomainError]:
            nonlocal tried
            if tried and len(group) > 1:
                raise _Raced
            tried = True
            units = [
                Unit(self._database, session, change.request.now, change.request.caller)
                for change in group
            ]
            outcomes = [_made(*one) for one in zip(group, units, strict=True)]
            requests = [change.request for change in group]
            record(list(zip(units, requests, strict=True)))
            self._keep(group, outcomes, session)
            return outcomes

        return transact(self._database, body)

    def _keep(
        self,
        group: Sequence[_Change],
        outcomes: Sequence[Message | DomainError],
        session: ClientSession,
    ) -> None:
        """Keep the answers of requests that have an id."""
        answers = [
            {
                "_id": change.request.key,
                "call": change.request.call,
                "fingerprint": change.request.fingerprint,
                "response": without(outcome, change.secret).SerializeToString(),
                "time": change.request.now,
            }
            for change, outcome in zip(group, outcomes, strict=True)
            if change.request.request_id and not isinstance(outcome, DomainError)
        ]
        if len(answers) == 1:  # for its plainer error where the request id is known
            self._database["requests"].insert_one(answers[0], session=session)
        elif answers:
            self._database["requests"].insert_many(answers, session=session)

    def answer_of(self, request: Request, answer: type[Response]) -> Response | None:
        """The answer given before under this request id, if there is one."""
        if not request.request_id:
            return None
        try:
            known = self._database["requests"].find_one({"_id": request.key})
        except PyMongoError as error:
            raise refusal_of(error) or error from error
        if known is None:
            return None
        if known["call"] != request.call or known["fingerprint"] != request.fingerprint:
            text = "request_id 已用于另一次请求，请换一个新的。"
            raise RequestIdReused(text, Violation("request_id", text))
        return answer.FromString(known["response"])


def without(message: Message, secret: Sequence[str]) -> Message:
    """The message, or a copy that does not have these fields; `a.b`: the field `b` inside `a`."""
    if not secret:
        return message
    copy = type(message)()
    copy.CopyFrom(message)
    for name in secret:
        outer, _, inner = name.rpartition(".")
        holds: Any = copy
        if outer in copy.DESCRIPTOR.fields_by_name:
            holds = getattr(copy, outer) if copy.HasField(outer) else None
        elif outer:
            continue
        if holds is not None and inner in holds.DESCRIPTOR.fields_by_name:
            holds.ClearField(inner)
    return copy


def _check_request_id(request: Request) -> None:
    if request.request_id and not _REQUEST_ID.fullmatch(request.request_id):
        text = "request_id 应为 1 至 128 个可见的 ASCII 字符。"
        raise RequestIdInvalid(text, Violation("request_id", text))


def _made(change: _Change, unit: Unit) -> Message | DomainError:
    """The response, or the refusal of a change that has written nothing.

    Raises:
        Stale: somebody was faster; the transaction may be of no use any more.
    """
    try:
        return change.work(unit)
    except Stale:
        raise
    except DomainError as refusal:
        if unit.told or unit.noted:
            raise
        return refusal


def _said(outcome: Message | Exception) -> Message:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
