"""What a department's servicer is given, and what a department gives its host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from services.common import transaction
from services.common.grpc_host.door import CALL
from services.common.telemetry import current_traceparent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import grpc
    from google.protobuf.message import Message
    from pymongo.database import Database

    from services.common.eventlog.outbox import Told
    from services.common.transaction import Unit

    Document = dict[str, Any]

Response = TypeVar("Response", bound="Message")


def utc_now() -> datetime:
    """Now, aware; milliseconds, which is what the database keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@dataclass(frozen=True, slots=True)
class Department:
    """One running department.

    Args:
        clock: now, aware.
    """

    name: str
    database: Database[Document]
    clock: Callable[[], datetime] = utc_now

    def reading(self) -> Unit:
        """A unit for calls that only read: majority reads, no transaction."""
        return transaction.Unit(self.database, None, self.clock())

    def change(
        self,
        request: Message,
        answer: type[Response],
        work: Callable[[Unit], Response],
    ) -> Response:
        """Answer a call that changes something: once for each `request_id`, in one transaction.

        Args:
            request: has `request_id`, and `version` where the caller may name one.
            answer: class of the response.
            work: load, decide, save; may run several times.
        """
        fields: Any = request
        call = CALL.get()
        asked = transaction.Request(
            caller=call.caller,
            call=call.method,
            request_id=fields.request_id,
            fingerprint=transaction.fingerprint(request) if fields.request_id else b"",
            now=self.clock(),
            traceparent=current_traceparent(),
        )
        named_version = bool(getattr(request, "version", 0))
        return transaction.change(self.database, asked, answer, work, retry_stale=not named_version)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a department is hosted; each servicer module has one, named PLAN.

    Args:
        service: full protobuf name of its own service.
        ensure: makes its collections and indexes.
        snapshot: every public aggregate as a fact of its complete state.
        attach: adds its servicer to a server.
    """

    service: str
    ensure: Callable[[Database[Document]], None]
    snapshot: Callable[[Database[Document]], Iterable[Told]]
    attach: Callable[[grpc.Server, Department], None]
