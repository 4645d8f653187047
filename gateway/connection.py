"""One caller's connection: uvicorn's, with bounds on what it holds and how long it takes.

uvicorn parses whatever came: headers of any size, as many requests behind one another as were read,
a head that never ends. Here a head is whole before it is parsed (gateway/heads.py), and what comes
behind a request waits, as bytes, until that one is answered.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.heads import KEPT, Head
from gateway.identity import CERTIFICATE
from gateway.joined import Joined
from gateway.limits import HEAD_SHORTENED
from gateway.problems import MEDIA_TYPE, problem_of
from gateway.refusals import GatewayBusy, HeadTooSlow, RequestInvalid
from gateway.safety import guarding_data
from gateway.tls import Shown, shown_by
from services.common.errors import Violation

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from gateway.problems import Problem
    from services.common.errors import DomainError

AT_ONCE: Final = 1024
"""Connections; who comes on top is told to try again later."""
HEAD_SECONDS: Final = 15.0
"""For a request line and headers to arrive, and for the first byte of a new connection."""

logger = logging.getLogger(__name__)


class Connection(HttpToolsProtocol):
    """Takes one request after the other; a request begins in `_take` and nowhere else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = Head()
        self._size = 0
        self._waiting = b""
        self._may_begin = False
        self._in_message = False
        self._timer: asyncio.TimerHandle | None = None
        self._shown: Shown | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = Joined(transport, self.loop)
        self._shown = shown_by(transport)
        if len(self.connections) > AT_ONCE:
            self._refuse(GatewayBusy("同时访问的人太多，请稍后再试。"))
        else:
            self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._waiting = b""
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self.transport.is_closing():
            return
        if self._in_message:
            super().data_received(data)
        elif self._is_answering() or self._waiting:
            self._waiting += data
            self.flow.pause_reading()
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        """Begin with the next request, when its head is whole."""
        if self._timer is None:
            self._start_timer()
        found = self._head.take(data)
        if found is None:
            return
        head, behind = found
        self._stop_timer()
        self._size, self._head = self._head.size, Head()
        self._may_begin = True
        super().data_received(head)
        self._may_begin = False
        if behind:
            self.data_received(behind)

    def on_message_begin(self) -> None:
        if not self._may_begin:
            raise ValueError("a request right behind the body of another")
        self._may_begin = False
        self._in_message = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        extensions: dict[str, Any] = {}
        if self._size > KEPT:
            extensions[HEAD_SHORTENED] = {}
        if self._shown and time.time() < self._shown.until:
            extensions[CERTIFICATE] = self._shown.fingerprint
        if extensions:
            self.scope["extensions"] = extensions
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_message = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self._in_message:
            self.transport.close()  # the rest of a body that nobody wants may never end
        super().on_response_complete()
        if self._waiting:
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        waiting, self._waiting = self._waiting, b""
        if waiting:
            self.data_received(waiting)

    def send_400_response(self, _msg: str) -> None:
        """Answer what cannot be parsed, and end the connection."""
        if self._is_answering() and not self.cycle.more_body:
            self.cycle.keep_alive = False  # what is wrong came behind the request
            return
        told = "不是有效的 HTTP 请求。"
        self._refuse(RequestInvalid(told, Violation("request", told)))

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing is wrong with a caller who would also speak something newer."""

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        if self._head.size:
            self._refuse(HeadTooSlow("请求没有在规定时间内传完。"))
        else:
            self.transport.close()

    def _refuse(self, error: DomainError) -> None:
        """Say it without the application, and end the connection."""
        if self._is_answering():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        problem = problem_of(error)
        if not (self._is_answering() and self.cycle.response_started):
            self.transport.write(_written(problem, self.server_state.default_headers))
        self.transport.close()
        logger.info("refused %d %s", problem.status, problem.reason)


def _written(problem: Problem, more: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The whole answer, as bytes."""
    body = problem.body({"raw_path": b""})
    headers = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "connection": "close",
        **problem.headers,
    }
    lines = [f"{name}: {value}\r\n".encode() for name, value in headers.items()]
    lines += [b"%s: %s\r\n" % field for field in (*guarding_data(), *more)]
    return b"".join([STATUS_LINE[problem.status], *lines, b"\r\n", body])
