"""DomainError to gRPC status: one table."""

from collections.abc import Sequence
from typing import Final

from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from services.common.errors import (
    Denied,
    DomainError,
    Exhausted,
    Invalid,
    NotFound,
    Refused,
    Stale,
    Unauthenticated,
    Unavailable,
    Violation,
)

DOMAIN: Final = "zhengtong"
RETRY_SECONDS: Final = 2

CODES: dict[type[DomainError], int] = {
    Invalid: code_pb2.INVALID_ARGUMENT,
    Unauthenticated: code_pb2.UNAUTHENTICATED,
    Denied: code_pb2.PERMISSION_DENIED,
    NotFound: code_pb2.NOT_FOUND,
    Refused: code_pb2.FAILED_PRECONDITION,
    Stale: code_pb2.ABORTED,
    Exhausted: code_pb2.RESOURCE_EXHAUSTED,
    Unavailable: code_pb2.UNAVAILABLE,
}
_WORTH_RETRYING = (Exhausted, Unavailable)
# A status travels in a header, of which gRPC takes 8 KB: what repeats somebody's text is cut.
LONGEST_TEXT: Final = 400  # characters
ROOM_FOR_VIOLATIONS: Final = 4500  # bytes


def status_of(error: DomainError) -> status_pb2.Status:
    """The google.rpc.Status of `error`: ErrorInfo, BadRequest and RetryInfo as AIP-193 has them."""
    family = next(kind for kind in type(error).__mro__ if kind in CODES)
    status = status_pb2.Status(code=CODES[family], message=_cut(str(error)))
    _add(status, error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN))
    if error.violations:
        _add(status, _violations(error.violations))
    if isinstance(error, _WORTH_RETRYING):
        wait = getattr(error, "retry_after", RETRY_SECONDS)
        delay = duration_pb2.Duration(seconds=wait)
        _add(status, error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def _violations(violations: Sequence[Violation]) -> error_details_pb2.BadRequest:
    """As many of the violations, from the first, as there is room for."""
    told = error_details_pb2.BadRequest()
    for one in violations:
        told.field_violations.add(field=_cut(one.field), description=_cut(one.description))
        if told.ByteSize() > ROOM_FOR_VIOLATIONS:
            del told.field_violations[-1]
            break
    return told


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def internal() -> status_pb2.Status:
    """The status of a defect: it says nothing of what went on inside."""
    status = status_pb2.Status(code=code_pb2.INTERNAL, message="系统内部错误，已记录，请稍后再试。")
    _add(status, error_details_pb2.ErrorInfo(reason="INTERNAL", domain=DOMAIN))
    return status


def _add(
    status: status_pb2.Status,
    detail: error_details_pb2.ErrorInfo
    | error_details_pb2.BadRequest
    | error_details_pb2.RetryInfo,
) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)
