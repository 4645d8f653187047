"""What a department's servicer is given, and what a department gives its host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from services.common import audit, review
from services.common.audit.looks import Looks
from services.common.errors import Stale
from services.common.grpc_host.door import CALL, Call
from services.common.review.messages import submission_message
from services.common.review.store import Submissions
from services.common.telemetry import current_traceparent
from services.common.transaction import Request, Unit, fingerprint
from services.common.transaction.changes import Changes, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import grpc
    from google.protobuf.message import Message
    from pymongo.database import Database
    from zhengtong.dossier.v1.dossier_service_pb2 import GetPartResponse

    from services.common.eventlog.outbox import Told
    from services.common.review import Submission

    Document = dict[str, Any]

Response = TypeVar("Response", bound="Message")

REPORT: Final = "report"
LARGE: Final = 64 * 1024
"""Bytes of a request beyond which no other waits for it: imports take long."""


def utc_now() -> datetime:
    """Now, aware; milliseconds, which is what the database keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Department:
    """One running department.

    Args:
        clock: now, aware.

    Attributes:
        calls: its own calls by full method name, so that a submission can be carried out.
    """

    def __init__(
        self, name: str, database: Database[Document], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.name = name
        self.database = database
        self.clock = clock
        self.calls: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        self._changes = Changes(database)
        self._looks = Looks(database)

    def reading(self) -> Unit:
        """A unit for calls that only read: majority reads, no transaction."""
        return Unit(self.database, None, self.clock(), CALL.get().caller)

    def change(  # noqa: PLR0913  (plain data)
        self,
        request: Message,
        answer: type[Response],
        work: Callable[[Unit], Response],
        *,
        alone: bool = False,
        secret: Sequence[str] = (),
        kept: Callable[[Response], Message] | None = None,
    ) -> Response:
        """Answer a call that changes something: once for each `request_id`, in one transaction.

        Rule P-25: what an officer would make public is tried and kept for a reviewer instead.

        Args:
            request: has `request_id`, and `version` where the caller may name one.
            answer: class of the response; has `submission` where the call makes something public.
            work: load, decide, save; may run several times.
            alone: it takes long, so nobody else's change waits for it.
            secret: fields of the request and of the answer that nothing of may be kept.
            kept: what may be kept of the request until it is reviewed, by the answer of its trial;
                unset: all of it.
        """
        call = CALL.get()
        if call.unit is not None:
            return work(call.unit)
        if review.waits(call.caller, publishes=call.publishes):
            return self._submit(request, answer, work, kept or (lambda _: request))
        return self._changes.make(
            self._asked(request, secret),
            answer,
            work,
            retry_stale=not _names_version(request),
            alone=alone or request.ByteSize() > LARGE,
            secret=secret,
        )

    def carry_out(self, unit: Unit, submission: Submission, request: bytes) -> None:
        """Do what a submission asks for, in the unit of its approval, with its author's rights.

        Raises:
            SubmissionOutdated, and whatever the call itself refuses.
        """
        unit.approved = (submission.author, submission.call)
        own = replace(unit, caller=submission.author)
        handler: Any = self.calls[submission.call]
        before = CALL.set(Call(submission.author, submission.call, publishes=True, unit=own))
        try:
            handler.unary_unary(handler.request_deserializer(request), None)
        except Stale as error:
            # Nobody was faster just now: what the author saw is gone, and trying again is no use.
            raise review.outdated() from error
        finally:
            CALL.reset(before)
        review.check_unchanged(submission, unit.told)

    def _submit(
        self,
        request: Message,
        answer: type[Response],
        work: Callable[[Unit], Response],
        kept: Callable[[Response], Message],
    ) -> Response:
        """Try a change, take it back, and keep what was asked for.

        What would make nothing public needs no reviewer: it is answered as it came out.
        """
        asked = self._asked(request)
        known = self._changes.answer_of(asked, answer)
        if known is not None:
            return known
        retry_stale = not _names_version(request)
        made, told = self._changes.tried(asked, work, retry_stale=retry_stale)
        if not told:
            return made
        content = kept(made).SerializeToString()
        submission = review.submit(asked.call, asked.caller, told, now=asked.now)

        def keep(unit: Unit) -> Response:
            Submissions(unit).keep(submission, content)
            unit.noted.append(submission.submission_id)
            return _waiting(answer(), made, submission)

        return self._changes.make(asked, answer, keep, retry_stale=False)

    def _asked(self, request: Message, secret: Sequence[str] = ()) -> Request:
        request_id = getattr(request, "request_id", "")
        call = CALL.get()
        return Request(
            caller=call.caller,
            call=call.method,
            request_id=request_id,
            fingerprint=fingerprint(without(request, secret)) if request_id else b"",
            now=self.clock(),
            traceparent=current_traceparent(),
        )

    def looked(self, subjects: Sequence[str]) -> None:
        """Record that this call answers with protected data of `subjects`.

        To be called before the answer is given: when it returns, the record is durable.

        Raises:
            PyMongoError: it may not be; the data must not leave.
        """
        call = CALL.get()
        row = audit.row(
            act="look",
            caller=call.caller,
            call=call.method,
            subjects=subjects,
            request_id="",
            traceparent=current_traceparent(),
            now=self.clock(),
        )
        self._looks.record(row)


def _names_version(request: Message) -> bool:
    return bool(getattr(request, "version", 0))


def _waiting(answer: Response, made: Message, submission: Submission) -> Response:
    """The answer that something waits for a reviewer, with the report of an import."""
    fields: Any = answer
    fields.submission.CopyFrom(submission_message(submission))
    if REPORT in answer.DESCRIPTOR.fields_by_name:
        fields.report.CopyFrom(getattr(made, REPORT))
    return answer


@dataclass(frozen=True, slots=True)
class Plan:
    """How a department is hosted; each servicer module has one, named PLAN.

    Args:
        service: full protobuf name of its own service.
        ensure: makes its collections and indexes.
        snapshot: every public aggregate as a fact of its complete state.
        attach: adds its servicer to a server.
        part: what it shows the public about the organisation of a 统一社会信用代码; None: it has
            nothing to tell about any.
    """

    service: str
    ensure: Callable[[Database[Document]], None]
    snapshot: Callable[[Database[Document]], Iterable[Told]]
    attach: Callable[[grpc.Server, Department], None]
    part: Callable[[Unit, str], GetPartResponse] | None = None
