"""Calls to the departments: one channel each, a deadline and a signed token on every call."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.descriptor_pool import Default as DefaultPool
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from gateway.contracts import SERVICES
from gateway.refusals import (
    CallUnknown,
    DepartmentFailed,
    DepartmentSlow,
    DepartmentUnavailable,
)
from services.common.access import ANONYMOUS, Caller
from services.common.callers import Signer
from services.common.errors import DomainError, Violation
from services.common.status import CODES, DOMAIN
from services.common.telemetry import current_traceparent

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
            DepartmentUnavailable: it cannot be reached.
            DepartmentSlow: no answer within `timeout` seconds.
            CallUnknown: it does not serve the call.
            DepartmentFailed: a defect inside; nothing of it is for the caller.
        """
        known = self._department(department)
        call = known.unary(method)
        try:
            return await call(request, timeout=timeout, metadata=known.metadata(caller))
        except grpc.aio.AioRpcError as error:
            raise refusal_of(department, error) from None

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
        self._name = name
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
        return SERVICES[self._name].methods_by_name[method]

    def metadata(self, caller: Caller) -> tuple[tuple[str, str], ...]:
        token = ("authorization", f"Bearer {self._signer.token(caller, self._name)}")
        traceparent = current_traceparent()
        return (token, ("traceparent", traceparent)) if traceparent else (token,)

    async def close(self) -> None:
        if self._calls:
            await self._channel.close()


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
