"""Calls to the departments: one channel each, a deadline and a signed token on every call.

A guard stands before each department (gateway/breaker.py), so that a slow one costs the others
nothing. Streams pass it by: they are few, and their readers come again by themselves.
"""

from __future__ import annotations

import logging
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.descriptor_pool import Default as DefaultPool
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from gateway.breaker import CircuitOpen, Guard, Outcome, State, TooManyUnderWay, whole_seconds
from gateway.contracts import SERVICES
from gateway.refusals import (
    CallUnknown,
    DepartmentBusy,
    DepartmentFailed,
    DepartmentPaused,
    DepartmentSlow,
    DepartmentUnavailable,
)
from services.common.access import ANONYMOUS, Caller
from services.common.callers import Signer
from services.common.errors import DomainError, Violation
from services.common.status import CODES, DOMAIN
from services.common.telemetry import current_traceparent, meter

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor
    from google.protobuf.message import Message

    from services.common.settings import Settings

LARGEST_MESSAGE: Final = 8 * 1024 * 1024
CALL_SECONDS: Final = 10.0  # a department's transaction gives up after 8
FAMILIES: Final = {code: family for family, code in CODES.items()}
_OPTIONS: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ("grpc.enable_http_proxy", 0),  # departments are never behind the proxy of the environment
)
_DETAILS = "grpc-status-details-bin"
_FAILING: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
"""Not RESOURCE_EXHAUSTED: a question whose answer is too large would stop those of others."""
_UNGUARDED: Final = "grpc.health."  # has to tell the truth, whatever went before

_refused = meter.create_counter(
    "zhengtong.gateway.calls_refused", description="calls not made, by department and reason"
)
_paused = meter.create_gauge(
    "zhengtong.gateway.department_paused", description="1 while calls are not made, by patience"
)

logger = logging.getLogger(__name__)


class Clients:
    """Every department's calls; channels open at the first call, in the loop that makes it."""

    def __init__(self, settings: Settings, signer: Signer) -> None:
        self._signer = signer
        self._departments = {
            name: _Department(name, address, signer)
            for name, address in settings.grpc_addresses.items()
        }

    def own(self) -> Caller:
        """The gateway itself, for calls that are for it alone."""
        return self._signer.own()

    async def call(
        self,
        department: str,
        method: str,
        request: Message,
        *,
        caller: Caller = ANONYMOUS,
        timeout: float = CALL_SECONDS,  # noqa: ASYNC109  (travels with the call as its deadline)
    ) -> Any:
        """The answer of one call.

        Args:
            method: "GetItem" of the department's own service, or a full protobuf name such as
                "grpc.health.v1.Health.Check".

        Raises:
            DomainError: of the family, and with the reason, that the department refused with.
            DepartmentUnavailable: it cannot be reached, or is not asked: DepartmentPaused after
                several calls without an answer, DepartmentBusy with too many under way.
            DepartmentSlow: no answer within `timeout` seconds.
            CallUnknown: it does not serve the call.
            DepartmentFailed: a defect inside; nothing of it is for the caller.
        """
        known = self._department(department)
        call = known.unary(method)
        passage = _Passage(known, timeout, guarded=not method.startswith(_UNGUARDED))
        with passage:
            try:
                answer = await call(request, timeout=timeout, metadata=known.metadata(caller))
            except grpc.aio.AioRpcError as error:
                failed = error.code() in _FAILING
                passage.outcome = Outcome.FAILED if failed else Outcome.ANSWERED
                raise refusal_of(department, error) from None
            passage.outcome = Outcome.ANSWERED
            return answer

    def pausing(self, department: str) -> bool:
        """Whether some calls to a department are not made now, as it gave no answers."""
        return self._department(department).guard.pausing()

    def stream(
        self,
        department: str,
        method: str,
        request: Message,
        *,
        caller: Caller = ANONYMOUS,
        timeout: float | None = None,
    ) -> Any:
        """A server stream, to be read with `async for` and ended with `cancel()`.

        What goes wrong while reading is a grpc.aio.AioRpcError; `refusal_of` reads it.
        """
        known = self._department(department)
        return known.streaming(method)(request, timeout=timeout, metadata=known.metadata(caller))

    async def close(self) -> None:
        """Close every channel that was opened."""
        for department in self._departments.values():
            await department.close()

    def _department(self, name: str) -> _Department:
        if name not in self._departments:
            raise DepartmentUnavailable(f"部门 {name} 没有配置地址。")
        return self._departments[name]


class _Department:
    """The channel to one department and the calls made over it so far."""

    def __init__(self, name: str, address: str, signer: Signer) -> None:
        self.name = name
        self.guard = Guard()
        self._address = address
        self._signer = signer
        self._calls: dict[str, Any] = {}

    @cached_property
    def _channel(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(self._address, options=_OPTIONS)

    def unary(self, method: str) -> Any:
        return self._calls.get(method) or self._prepare(method, "unary_unary")

    def streaming(self, method: str) -> Any:
        return self._calls.get(method) or self._prepare(method, "unary_stream")

    def _prepare(self, method: str, kind: str) -> Any:
        found = self._find(method)
        self._calls[method] = getattr(self._channel, kind)(
            f"/{found.containing_service.full_name}/{found.name}",
            request_serializer=GetMessageClass(found.input_type).SerializeToString,
            response_deserializer=GetMessageClass(found.output_type).FromString,
        )
        return self._calls[method]

    def _find(self, method: str) -> MethodDescriptor:
        if "." in method:
            return DefaultPool().FindMethodByName(method)
        return SERVICES[self.name].methods_by_name[method]

    def metadata(self, caller: Caller) -> tuple[tuple[str, str], ...]:
        token = ("authorization", f"Bearer {self._signer.token(caller, self.name)}")
        traceparent = current_traceparent()
        return (token, ("traceparent", traceparent)) if traceparent else (token,)

    async def close(self) -> None:
        if self._calls:
            await self._channel.close()


class _Passage:
    """One call on its way past a department's guard.

    Args:
        guarded: False: it goes in any case, and nothing is learnt from it.
    """

    __slots__ = ("_department", "_guarded", "_ticket", "_timeout", "outcome")

    def __init__(self, department: _Department, timeout: float, *, guarded: bool) -> None:
        self._department = department
        self._timeout = timeout
        self._guarded = guarded
        self.outcome = Outcome.UNKNOWN

    def __enter__(self) -> None:
        """Raises: DepartmentPaused, DepartmentBusy."""
        if not self._guarded:
            return
        name = self._department.name
        try:
            self._ticket = self._department.guard.enter(self._timeout, time.monotonic())
        except CircuitOpen as refused:
            _refused.add(1, {"department": name, "reason": DepartmentPaused.reason})
            raise DepartmentPaused(name, whole_seconds(refused.wait)) from None
        except TooManyUnderWay:
            _refused.add(1, {"department": name, "reason": DepartmentBusy.reason})
            raise DepartmentBusy(name) from None

    def __exit__(self, *_: object) -> None:
        if not self._guarded:
            return
        guard, name = self._department.guard, self._department.name
        circuit = guard.circuit(self._timeout)
        before = circuit.state
        guard.leave(self._timeout, self._ticket, self.outcome, time.monotonic())
        if circuit.state is not before:
            patience = "hurried" if circuit is guard.hurried else "patient"
            closed = circuit.state is State.CLOSED
            _paused.set(0 if closed else 1, {"department": name, "patience": patience})
            level = logging.INFO if closed else logging.WARNING
            logger.log(level, "calls to %s (%s): %s", name, patience, circuit.state.value)


def refusal_of(department: str, error: grpc.aio.AioRpcError) -> Exception:
    """What a failed call means: the department's own refusal, or what became of the department."""
    refusal = _own_refusal(error)
    if refusal is not None:
        return refusal
    code = error.code()
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DepartmentSlow(f"部门 {department} 未能及时答复，请稍后再试。")
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
        return DepartmentUnavailable(f"部门 {department} 暂时无法提供服务，请稍后再试。")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return CallUnknown(f"{department}: {code.name}")
    return DepartmentFailed(f"{department}: {code.name}")


def _own_refusal(error: grpc.aio.AioRpcError) -> DomainError | None:
    """The DomainError that a department's rules raised; None: it came from somewhere else."""
    raw = dict(error.trailing_metadata() or ()).get(_DETAILS)
    if not isinstance(raw, bytes):
        return None
    status = status_pb2.Status.FromString(raw)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    wait = error_details_pb2.RetryInfo()
    for detail in status.details:
        # Unpack leaves the message as it is when the detail is of another type.
        detail.Unpack(info)
        detail.Unpack(bad)
        detail.Unpack(wait)
    family = FAMILIES.get(status.code)
    if family is None or info.domain != DOMAIN:
        return None
    refusal = family(
        status.message, *(Violation(v.field, v.description) for v in bad.field_violations)
    )
    # Which class the department raised is not known here; its reason is what is contract.
    vars(refusal)["reason"] = info.reason
    if wait.retry_delay.seconds:
        vars(refusal)["retry_after"] = wait.retry_delay.seconds
    return refusal
