"""The process that serves the application over HTTP/1.1: granian, inside our own event loop.

Why granian, and why embedded: docs/adr/0003-gateway-server.md.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
from typing import TYPE_CHECKING, Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

BACKLOG: Final = 1024
AT_ONCE: Final = 256  # requests in the application; more wait in the backlog
HEADER_MILLISECONDS: Final = 15_000
LARGEST_HEAD: Final = 1024 * 1024 + 64 * 1024
"""Bytes of request line and headers that a connection may hold before it is a request.

A head of a megabyte is read to its end: what is refused half-read is closed with a reset, and a
caller still sending may never see why. hyper itself answers addresses beyond LONGEST_ADDRESS.
With AT_ONCE connections, heads can take some 290 MB at most.
"""
LONGEST_ADDRESS: Final = 65_534  # bytes; hyper refuses longer ones with a bare 414
STOP_SECONDS: Final = 8

logger = logging.getLogger(__name__)


def serve(app: Callable[[], ASGIApp], host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first.

    Args:
        app: makes the application, inside the loop that will run it.

    Raises:
        SystemExit: the address is taken.
    """
    _refuse_taken(host, port)
    # uvloop is a dependency of the gateway alone; the rest of the package imports without it.
    import uvloop  # noqa: PLC0415

    uvloop.run(_serve(app, host, port))


async def _serve(app: Callable[[], ASGIApp], host: str, port: int) -> None:
    server = Server(
        app(),
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=AT_ONCE,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADER_MILLISECONDS, max_buffer_size=LARGEST_HEAD
        ),
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    serving = loop.create_task(server.serve())
    await _until_it_answers(host, port, serving)
    logger.info("ready gateway")
    stopping = loop.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.stop()
    ended, _ = await asyncio.wait({serving}, timeout=STOP_SECONDS)
    if not ended:
        # Leaving the loop cancels them; Refusals answers for them.
        logger.warning("requests under way are cut off")
    for task in ended:
        task.result()


async def _until_it_answers(host: str, port: int, serving: asyncio.Task[None]) -> None:
    """The server tells of its start before it accepts."""
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return


def _refuse_taken(host: str, port: int) -> None:
    """Say it when somebody listens there; granian itself would share the port with them."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "已被占用" if taken else f"无法使用（{os.strerror(error.errno or 0)}）"
        raise SystemExit(
            f"{host}:{port} {why}，请修改 ZHENGTONG_HTTP_HOST 或 ZHENGTONG_HTTP_PORT。"
        ) from None
