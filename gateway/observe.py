"""What is seen of each request: a span, a duration, a log line; never a path, query or address.

Paths and queries can hold identity numbers of people, so that only the route is written down.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from gateway.limits import header
from gateway.safety import guarding
from services.common.telemetry import current_trace_id, meter, serving

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_GONE: Final = 499  # the caller went away before there was an answer
_duration = meter.create_histogram(
    "http.server.request.duration",
    unit="s",
    description="Time to answer, by route and status",
    explicit_bucket_boundaries_advisory=[
        *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
    ],
)

logger = logging.getLogger("gateway.access")


class Observed:
    """Middleware, the outermost: one span, one log line and one measurement a request.

    Args:
        by_tls: browsers reach the platform by TLS only.
    """

    def __init__(self, app: ASGIApp, *, by_tls: bool = False) -> None:
        self._app = app
        self._by_tls = by_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Servers need not give the raw path; all that matches paths here relies on it.
        if "raw_path" not in scope:
            scope["raw_path"] = quote(scope["path"], errors="replace").encode()
        began = time.perf_counter()
        traceparent = header(scope, b"traceparent").decode("latin-1")
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        with serving(method, traceparent) as span:
            answer = _Answer(scope, send, by_tls=self._by_tls)
            try:
                await self._app(scope, receive, answer)
            finally:
                route = route_of(scope)
                about = {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": answer.status,
                }
                if span.is_recording():
                    span.update_name(f"{method} {route}")
                    span.set_attributes(about)
                took = time.perf_counter() - began
                _duration.record(took, about)
                logger.info("%s %s %d %.1f ms", method, route, answer.status, took * 1000)


class _Answer:
    """Sends one answer, with the headers every answer has, and without a body for HEAD."""

    __slots__ = ("_bodiless", "_by_tls", "_scope", "_send", "status")

    def __init__(self, scope: Scope, send: Send, *, by_tls: bool) -> None:
        self._scope = scope
        self._send = send
        self._by_tls = by_tls
        self._bodiless = scope["method"] == "HEAD"
        self.status = _GONE

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = guarding(self._scope, message.get("headers", ()), by_tls=self._by_tls)
            if trace_id := current_trace_id():
                headers.append((b"trace-id", trace_id.encode()))
            message = {**message, "headers": headers}
        elif self._bodiless and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)


def route_of(scope: Scope) -> str:
    """The template that served the request; "-" where nothing did."""
    if name := scope.get("route_name"):
        return str(name)
    return str(getattr(scope.get("route"), "path", "-"))
