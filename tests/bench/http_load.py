"""Many callers at once over kept-alive connections, in a process of its own.

It does little for each answer, so that on two cores the server is what is measured. An answer
other than 200 ends it: a server that refuses is quick.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import uvloop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONNECTIONS = 16
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Load:
    """How the server did.

    Args:
        answers: how many there were.
        per_second: answers a second.
        p50, p99: milliseconds within which half of the answers came, and 99 of 100.
    """

    answers: int
    per_second: float
    p50: float
    p99: float


def drive(
    port: int,
    targets: Path,
    seconds: float,
    connections: int = CONNECTIONS,
    *,
    token: str = "",
) -> Load:
    """Ask a server on the loopback for some time.

    Args:
        targets: a JSON list of request targets, asked for in turn.
        token: sent with each request, if there is one.
    """
    command = [sys.executable, "-m", "tests.bench.http_load"]
    arguments = [str(port), str(targets), str(seconds), str(connections)]
    done = subprocess.run(
        [*command, *arguments], check=True, input=token.encode(), stdout=subprocess.PIPE
    )
    return Load(**orjson.loads(done.stdout))


class _Caller(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last one is in."""

    def __init__(self, requests: Iterator[bytes], until: float, took: list[float]) -> None:
        self._requests = requests
        self._until = until
        self._took = took
        self._got = b""
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head + b"\r\n")
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            self._end(AssertionError(self._got.decode()))
        elif len(body) == int(length[1]):
            self._took.append(time.perf_counter() - self._asked)
            self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or ConnectionError("the server closed a connection"))

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        if self._asked >= self._until:
            self._end(None)
            return
        self._got = b""
        self._transport.write(next(self._requests))

    def _end(self, error: Exception | None) -> None:
        if self.ended.done():
            return
        if error:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)
        self._transport.close()


async def _load(
    port: int, targets: Sequence[str], seconds: float, connections: int, token: str
) -> Load:
    shown = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n{shown}\r\n"
    requests = cycle([f"GET {target} {head}".encode() for target in targets])
    loop = asyncio.get_running_loop()
    took: list[float] = []
    begun = time.perf_counter()
    callers = [_Caller(requests, begun + seconds, took) for _ in range(connections)]
    await asyncio.gather(
        *(loop.create_connection(lambda one=one: one, "127.0.0.1", port) for one in callers)
    )
    await asyncio.gather(*(caller.ended for caller in callers))
    whole = time.perf_counter() - begun
    took.sort()
    p50, p99 = (took[len(took) * part // 100] * 1000 for part in (50, 99))
    return Load(len(took), len(took) / whole, p50, p99)


def main(port: str, targets: str, seconds: str, connections: str) -> None:
    """Print the outcome as JSON."""
    asked = orjson.loads(Path(targets).read_bytes())
    token = sys.stdin.read()
    load = uvloop.run(_load(int(port), asked, float(seconds), int(connections), token))
    sys.stdout.buffer.write(orjson.dumps(load))


if __name__ == "__main__":
    main(*sys.argv[1:])
