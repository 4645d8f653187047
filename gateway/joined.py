"""A connection that sends the head of an answer together with what follows it at once.

uvicorn hands over head and body one after the other, and uvloop sends each at once: two calls of
the system and two packets for every answer, and whoever reads is woken twice.
"""

from __future__ import annotations

import asyncio
from typing import Any


class Joined(asyncio.Transport):
    """What a protocol writes to, before the true transport.

    Nothing is held longer than until the loop's next turn, so a stream's first part is not late.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._held = b""

    def write(self, data: Any) -> None:
        if self._held:
            self._send(self._held + data)
        elif data:
            self._held = bytes(data)
            self._loop.call_soon(self._send_held)

    def close(self) -> None:
        """Close once everything written has been sent."""
        self._send_held()
        self._transport.close()

    def abort(self) -> None:
        self._held = b""
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)

    def _send_held(self) -> None:
        if self._held:
            self._send(self._held)

    def _send(self, data: bytes) -> None:
        self._held = b""
        self._transport.write(data)
