"""Requests at a given rate, whether answers come or not, in a process of its own.

A latency is counted from the moment a request was meant to go out: one that had to wait, because
the server or this process was behind, has waited (no coordinated omission).
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import uvloop

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_CONNECTIONS = 400
LATEST_SECONDS = 20.0  # after the last request, for the answers that are still to come
_HEAD = re.compile(
    rb"HTTP/1\.1 (\d{3}) .*?\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Args:
        status: 0: none came, or the connection broke.
        reason: of a refusal.
    """

    kind: str
    status: int
    milliseconds: float
    reason: str = ""


def drive(port: int, mix: Path, rate: float, seconds: float) -> list[Answer]:
    """Ask a server on the loopback for some time.

    Args:
        mix: a JSON list of [kind, request target], asked for in turn.
        rate: requests a second.
    """
    command = [sys.executable, "-m", "tests.bench.open_load", *map(str, (port, mix, rate, seconds))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return [Answer(*row) for row in orjson.loads(done.stdout)]


class _Connection(asyncio.Protocol):
    """One kept-alive connection with at most one request under way."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._got = b""
        self._asked: tuple[str, float] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def ask(self, kind: str, request: bytes, meant: float) -> None:
        self._asked = (kind, meant)
        self._got = b""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found or self._asked is None:
            return
        read = _HEAD.match(head + b"\r\n")
        if read is None:
            self._transport.abort()
        elif len(body) == int(read[2]):
            self._end(int(read[1]), body)
            self._load.free(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._load.lost(self)
        self._end(0)

    def _end(self, status: int, body: bytes = b"") -> None:
        if self._asked is not None:
            kind, meant = self._asked
            self._asked = None
            reason = orjson.loads(body).get("reason", "") if status >= 400 else ""
            self._load.ended(kind, status, meant, reason)


class _Load:
    """Sends what is due over idle connections; what finds none waits its turn."""

    def __init__(self, port: int, mix: Sequence[tuple[str, bytes]], rate: float, total: int):
        self._port = port
        self._mix = mix
        self._rate = rate
        self._total = total
        self._idle: list[_Connection] = []
        self._open = 0
        self._waiting: list[int] = []
        self.answers: list[Any] = []
        self.done = asyncio.Event()

    async def run(self) -> None:
        await asyncio.gather(*(self._connect() for _ in range(16)))
        self._begun = time.perf_counter()
        sent = 0
        while sent < self._total:
            due = min(self._total, int((time.perf_counter() - self._begun) * self._rate) + 1)
            for number in range(sent, due):
                self._send(number)
            sent = due
            next_at = self._begun + sent / self._rate
            await asyncio.sleep(max(0.0, next_at - time.perf_counter()))
        try:
            async with asyncio.timeout(LATEST_SECONDS):
                await self.done.wait()
        except TimeoutError:
            lost = self._total - len(self.answers)
            sys.stderr.write(f"{lost} of {self._total} answers did not come\n")
            self.answers += [("lost", 0, LATEST_SECONDS * 1000, "")] * lost

    def _send(self, number: int) -> None:
        if self._idle:
            kind, request = self._mix[number % len(self._mix)]
            self._idle.pop().ask(kind, request, self._begun + number / self._rate)
            return
        self._waiting.append(number)
        if self._open < MOST_CONNECTIONS:
            self._opening = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        self._open += 1
        loop = asyncio.get_running_loop()
        _, one = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
        self.free(one)

    def free(self, one: _Connection) -> None:
        self._idle.append(one)
        if self._waiting:
            self._send(self._waiting.pop(0))

    def lost(self, one: _Connection) -> None:
        self._open -= 1
        if one in self._idle:
            self._idle.remove(one)

    def ended(self, kind: str, status: int, meant: float, reason: str) -> None:
        self.answers.append((kind, status, (time.perf_counter() - meant) * 1000, reason))
        if len(self.answers) == self._total:
            self.done.set()


async def _load(port: int, mix: Sequence[tuple[str, str]], rate: float, seconds: float) -> Any:
    head = f"HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n"
    requests = [(kind, f"GET {target} {head}".encode()) for kind, target in mix]
    load = _Load(port, requests, rate, int(rate * seconds))
    await load.run()
    return load.answers


def main(port: str, mix: str, rate: str, seconds: str) -> None:
    """Print the answers as JSON: [kind, status, milliseconds, reason] each."""
    asked = orjson.loads(Path(mix).read_bytes())
    answers = uvloop.run(_load(int(port), asked, float(rate), float(seconds)))
    sys.stdout.buffer.write(orjson.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
