"""The process that serves the application over HTTP/1.1: uvicorn, with connections of our own.

Why uvicorn: docs/adr/0003-gateway-server.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
from typing import TYPE_CHECKING, Any, Final, cast

import uvicorn

from gateway.connection import Connection
from gateway.tls import Listener

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp

BACKLOG: Final = 1024
IDLE_SECONDS: Final = 75  # between an answer and the next request
STOP_SECONDS: Final = 8

logger = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to us: it would end by one, not with code 0.

    Args:
        tls: how TLS is spoken; None: plain HTTP.
    """

    def __init__(self, config: uvicorn.Config, tls: ssl.SSLContext | None) -> None:
        super().__init__(config)
        self._tls = tls

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._tls is None:
            await super().startup(sockets)
        else:
            await super().startup([])
            listeners = [Listener(one, self._tls, self._connection) for one in sockets or ()]
            self.servers.extend(cast("list[asyncio.Server]", listeners))
        logger.info("ready gateway")

    def _connection(self) -> Connection:
        return Connection(self.config, self.server_state, self.lifespan.state)


def serve(
    app: Callable[[], ASGIApp], host: str, port: int, tls: ssl.SSLContext | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first.

    Args:
        app: makes the application, inside the loop that will run it.
        tls: how TLS is spoken; None: plain HTTP.

    Raises:
        SystemExit: the address is taken.
    """
    listening = _listening(host, port)
    # uvloop is a dependency of the gateway alone; the rest of the package imports without it.
    import uvloop  # noqa: PLC0415

    uvloop.run(_serve(app, listening, tls))


async def _serve(
    app: Callable[[], ASGIApp], listening: socket.socket, tls: ssl.SSLContext | None
) -> None:
    options: dict[str, Any] = {
        "http": Connection,
        "ws": "none",
        "interface": "asgi3",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "backlog": BACKLOG,
        "timeout_keep_alive": IDLE_SECONDS,
        # After that they are cancelled; Refusals answers for them.
        "timeout_graceful_shutdown": STOP_SECONDS,
    }
    await _Server(uvicorn.Config(app(), **options), tls).serve([listening])


def _listening(host: str, port: int) -> socket.socket:
    """A socket bound to the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "已被占用" if taken else f"无法使用（{os.strerror(error.errno or 0)}）"
        raise SystemExit(
            f"{host}:{port} {why}，请修改 ZHENGTONG_HTTP_HOST 或 ZHENGTONG_HTTP_PORT。"
        ) from None
