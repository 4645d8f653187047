"""Refusals as HTTP: one table, and application/problem+json (RFC 9457) with Chinese texts."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.limits import PROBES
from gateway.refusals import (
    BodyTooLarge,
    BodyTooSlow,
    DepartmentFailed,
    DepartmentSlow,
    GatewayStopping,
    HeadersTooLarge,
    HeadTooSlow,
    MediaTypeRefused,
    MethodRefused,
    RequestTooSlow,
    RouteUnknown,
    UploadTypeRefused,
    UrlTooLong,
)
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
from services.common.identifiers import redact_resident_ids
from services.common.status import RETRY_SECONDS
from services.common.telemetry import current_trace_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HTTP: dict[type[DomainError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Denied: 403,
    NotFound: 404,
    Refused: 409,
    Stale: 409,
    Exhausted: 429,
    Unavailable: 503,
    MethodRefused: 405,
    BodyTooSlow: 408,
    HeadTooSlow: 408,
    BodyTooLarge: 413,
    UrlTooLong: 414,
    MediaTypeRefused: 415,
    UploadTypeRefused: 415,
    HeadersTooLarge: 431,
    DepartmentSlow: 504,
    RequestTooSlow: 504,
}
"""A refusal's status is that of the nearest of its classes."""

TITLES = {
    400: "请求有误",
    401: "需要身份凭证",
    403: "没有权限",
    404: "没有找到",
    405: "请求方法不适用",
    408: "请求超时",
    409: "与当前状态冲突",
    413: "请求内容过大",
    414: "地址过长",
    415: "格式不受支持",
    429: "请求过于频繁",
    431: "请求头过大",
    500: "系统内部错误",
    503: "暂时无法提供服务",
    504: "处理超时",
}
MEDIA_TYPE = "application/problem+json"
INTERNAL = "INTERNAL"
_RETRYABLE = (429, 503, 504)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, as the caller is told."""

    status: int
    reason: str
    detail: str
    violations: tuple[Violation, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, scope: Scope) -> bytes:
        """The problem document for one request."""
        return orjson.dumps(
            {
                "type": f"/api/docs#{self.reason}",
                "title": TITLES.get(self.status, "请求未能完成"),
                "status": self.status,
                "detail": self.detail,
                "reason": self.reason,
                "violations": [
                    {"field": v.field, "description": v.description} for v in self.violations
                ],
                "trace_id": current_trace_id(),
                "instance": _shown(scope["raw_path"]),
            }
        )


def _shown(raw_path: bytes) -> str:
    """The path of a request as it may be told back: nobody's identity number in it."""
    return redact_resident_ids(quote(raw_path, safe="/:%-._~!$&'()*+,;=@"))


def problem_of(error: Exception) -> Problem:
    """What to tell of `error`; of a defect nothing but that it is one."""
    if isinstance(error, HTTPException):
        if error.status_code not in (404, 405):
            return Problem(error.status_code, f"HTTP_{error.status_code}", error.detail)
        error = _routing_refusal(error)
    if not isinstance(error, DomainError):
        return Problem(500, INTERNAL, "系统内部错误，已记录，请稍后再试。")
    status = status_of_kind(type(error))
    return Problem(status, error.reason, str(error), error.violations, _headers(error, status))


def status_of_kind(kind: type[DomainError]) -> int:
    """The HTTP status of a kind of refusal."""
    return next(HTTP[base] for base in kind.__mro__ if base in HTTP)


def _routing_refusal(error: HTTPException) -> DomainError:
    """What Starlette's router says in its own way."""
    if error.status_code == 404:
        return RouteUnknown()
    return MethodRefused((error.headers or {}).get("Allow", ""))


def _headers(error: DomainError, status: int) -> dict[str, str]:
    if isinstance(error, MethodRefused):
        return {"allow": error.allow}
    if status in _RETRYABLE:
        return {"retry-after": str(getattr(error, "retry_after", RETRY_SECONDS))}
    return {"www-authenticate": 'Bearer realm="zhengtong"'} if status == 401 else {}


def respond(error: Exception, scope: Scope) -> Response:
    """The answer to a machine whose request ended with `error`."""
    problem = problem_of(error)
    return Response(
        problem.body(scope), problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


class Arriving:
    """The body of a request as it comes, and whether it came to its end."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def __call__(self) -> Message:
        message = await self._receive()
        self._ended = message["type"] == "http.request" and not message.get("more_body", False)
        return message

    def is_left(self, scope: Scope) -> bool:
        """Whether there is a body that nobody has read to its end."""
        announced = (b"content-length", b"transfer-encoding")
        return not self._ended and any(
            name in announced and value != b"0" for name, value in scope["headers"]
        )


class Refusals:
    """Middleware: answers every exception of the application inside it.

    The server closes the connection of a request whose body was left. The answer says so, or a
    caller would send its next request into a connection that is about to end.

    Args:
        page: what a browser gets instead of JSON, from the request, the status and the detail.
    """

    def __init__(self, app: ASGIApp, page: Callable[[Request, int, str], Response]) -> None:
        self._app = app
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        arriving = Arriving(receive)

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, arriving, watched)
        except asyncio.CancelledError:
            # Nothing but the end of the process cancels a request.
            if not started:
                stopping = GatewayStopping("服务正在重启，请稍后再试。")
                await self._answer(stopping, scope)(scope, receive, send)
            raise
        except Exception as error:
            _log(error)
            if started:
                raise
            answer = self._answer(error, scope)
            if arriving.is_left(scope):
                answer.headers["connection"] = "close"
            await answer(scope, receive, send)

    def _answer(self, error: Exception, scope: Scope) -> Response:
        problem = problem_of(error)
        if problem.status == 405 and scope["method"] == "OPTIONS":
            return Response(status_code=204, headers=problem.headers)
        if for_machines(scope["path"]):
            return respond(error, scope)
        answer = self._page(Request(scope), problem.status, problem.detail)
        answer.headers.update(problem.headers)
        return answer


def for_machines(path: str) -> bool:
    """Whether errors at `path` are told as problem+json, not as a page."""
    return path.startswith(("/api/", "/open-data/")) or path in PROBES


def _log(error: Exception) -> None:
    if isinstance(error, DepartmentFailed):
        logger.error("a department failed: %s", error)
    elif not isinstance(error, DomainError | HTTPException):
        logger.error("a request failed", exc_info=error)
