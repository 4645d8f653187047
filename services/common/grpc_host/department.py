"""What a department's servicer is given, and what a department gives its host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from services.common.grpc_host.door import CALL
from services.common.telemetry import current_traceparent
from services.common.transaction import Request, Unit, fingerprint
from services.common.transaction.changes import Changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import grpc
    from google.protobuf.message import Message
    from pymongo.database import Database

    from services.common.eventlog.outbox import Told

    Document = dict[str, Any]

Response = TypeVar("Response", bound="Message")

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
    """

    def __init__(
        self, name: str, database: Database[Document], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.name = name
        self.database = database
        self.clock = clock
        self._changes = Changes(database)

    def reading(self) -> Unit:
        """A unit for calls that only read: majority reads, no transaction."""
        return Unit(self.database, None, self.clock())

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
        asked = Request(
            caller=call.caller,
            call=call.method,
            request_id=fields.request_id,
            fingerprint=fingerprint(request) if fields.request_id else b"",
            now=self.clock(),
            traceparent=current_traceparent(),
        )
        named_version = bool(getattr(request, "version", 0))
        return self._changes.make(
            asked,
            answer,
            work,
            retry_stale=not named_version,
            alone=request.ByteSize() > LARGE,
        )


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
