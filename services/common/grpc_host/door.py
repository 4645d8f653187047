"""What every call passes on its way in: who calls, may they, in which trace; and refusals."""

from __future__ import annotations

import logging
import threading
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import pymongo
from google.protobuf.descriptor_pool import Default as DefaultPool
from grpc_status import rpc_status
from opentelemetry.trace import Status, StatusCode
from pymongo.errors import PyMongoError
from zhengtong.access.v1 import access_pb2

from services.common.access import Caller, authorise
from services.common.callers import Verifier
from services.common.errors import DomainError, Exhausted
from services.common.permissions import role_names
from services.common.status import internal, status_of
from services.common.telemetry import serving
from services.common.transaction import refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import ThreadPoolExecutor

    from services.common.transaction import Unit

LONGEST_CALL = 30.0  # seconds, also for a caller who named no deadline
PUBLIC_SERVICES = ("/grpc.health.v1.Health/", "/grpc.reflection.v1alpha.ServerReflection/")

logger = logging.getLogger(__name__)


class TooManyStreams(Exhausted):
    """Every place for a stream is taken."""

    reason = "TOO_MANY_STREAMS"


@dataclass(frozen=True, slots=True)
class Needed:
    """What the proto of a call says of who may make it, and whether it makes something public."""

    permission: str
    roles: frozenset[str]
    publishes: bool


@dataclass(frozen=True, slots=True)
class Call:
    """The call that a thread answers.

    Args:
        unit: of the approval that carries it out; None: somebody makes it.
    """

    caller: Caller
    method: str
    publishes: bool = False
    unit: Unit | None = None


CALL: ContextVar[Call] = ContextVar("call")


class Door(grpc.ServerInterceptor):
    """Verifies, authorises, traces and translates refusals, for one department.

    Args:
        streams: the pool of server streams, so that they never take a place of the calls.
        stream_limit: how many streams may run at once.
    """

    def __init__(self, verifier: Verifier, streams: ThreadPoolExecutor, stream_limit: int) -> None:
        self._verifier = verifier
        self._streams = streams
        self._places = threading.BoundedSemaphore(stream_limit)
        self._known: dict[str, Any] = {}

    def intercept_service(self, continuation: Callable[..., Any], details: Any) -> Any:
        handler = self._known.get(details.method)
        if handler is None:
            inner = continuation(details)
            if inner is None or details.method.startswith(PUBLIC_SERVICES):
                return inner
            handler = self._guard(details.method, inner)
            self._known[details.method] = handler
        return handler

    def _guard(self, method: str, inner: Any) -> Any:
        name = method.lstrip("/").replace("/", ".")
        needed = needed_of(name)
        if inner.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(
                self._unary(name, needed, inner.unary_unary),
                inner.request_deserializer,
                inner.response_serializer,
            )
        return grpc.unary_stream_rpc_method_handler(
            self._stream(name, needed, inner.unary_stream),
            inner.request_deserializer,
            inner.response_serializer,
        )

    def _unary(self, name: str, needed: Needed, behaviour: Callable[..., Any]) -> Any:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            metadata = dict(context.invocation_metadata())
            with serving(name, metadata.get("traceparent", "")) as span:
                try:
                    self._enter(name, needed, metadata)
                    seconds = min(context.time_remaining() or LONGEST_CALL, LONGEST_CALL)
                    with pymongo.timeout(seconds):
                        return behaviour(request, context)
                except Exception as error:  # noqa: BLE001  (every failure gets its status)
                    status = _status(name, error)
                    span.set_status(Status(StatusCode.ERROR, status.message))
            context.abort_with_status(rpc_status.to_status(status))
            return None

        return call

    def _stream(self, name: str, needed: Needed, behaviour: Callable[..., Any]) -> Any:
        def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            metadata = dict(context.invocation_metadata())
            if not self._places.acquire(blocking=False):
                refusal = TooManyStreams("同时读取的连接过多，请稍后再试。")
                context.abort_with_status(rpc_status.to_status(status_of(refusal)))
            try:
                self._enter(name, needed, metadata)
                yield from behaviour(request, context)
            except Exception as error:  # noqa: BLE001  (every failure gets its status)
                status = _status(name, error)
            else:
                return
            finally:
                self._places.release()
            context.abort_with_status(rpc_status.to_status(status))

        # grpc runs a behaviour with this attribute on that pool instead of the server's own.
        call.experimental_thread_pool = self._streams  # type: ignore[attr-defined]
        return call

    def _enter(self, name: str, needed: Needed, metadata: dict[str, Any]) -> None:
        token = str(metadata.get("authorization", "")).removeprefix("Bearer ")
        caller = self._verifier.verify(token)
        authorise(caller, needed.permission, needed.roles)
        CALL.set(Call(caller, name, needed.publishes))


def needed_of(method: str) -> Needed:
    """What a call declares in its proto; an empty permission (default deny) where it does not."""
    options: Any = DefaultPool().FindMethodByName(method).GetOptions()
    given = options.Extensions
    return Needed(
        permission=str(given[access_pb2.permission]),
        roles=role_names(given[access_pb2.roles]),
        publishes=bool(given[access_pb2.publishes]),
    )


def _status(name: str, error: Exception) -> Any:
    if isinstance(error, PyMongoError):
        error = refusal_of(error) or error
    if isinstance(error, DomainError):
        return status_of(error)
    logger.error("%s failed", name, exc_info=error)
    return internal()
