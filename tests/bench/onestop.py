"""What everything around the search costs: the one-stop query over HTTP, against the bare search.

Both are one process of the same server over the same index of 200,000 items, and search for the
same queries. The gateway reads and checks the request, understands the question, makes the query,
counts by group, looks at the first hits closely, says how each department stands, and traces,
measures and logs; the bare application (onestop_bare.py) does none of that.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import orjson

from gateway.indexer import standing
from gateway.indexer.standing import Standing
from gateway.onestop import directory
from infra.local.keys import make_pair
from infra.local.ports import LOOPBACK, PortClaims
from services.common.settings import DEPARTMENTS
from tests.bench import onestop_index
from tests.bench.http_load import drive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GATEWAY, BARE = "/api/v1/query", "/"
SECONDS = 4.0  # in a round, for each of the two
START_SECONDS = 30.0


def run(rounds: int) -> list[dict[str, Any]]:
    """Answers a second over HTTP, and their ratio to the bare search; median of the rounds."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        claims = stack.enter_context(PortClaims())
        onestop_index.fill(root / "index")
        stack.enter_context(told(root / "index"))
        ours_at = stack.enter_context(gateway(root, claims.claim()))
        bare_at = stack.enter_context(bare(root, claims.claim()))
        pairs = rounds_of(root, {ours_at.port: GATEWAY, bare_at.port: BARE}, rounds)
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return [
        {
            "name": "onestop_vs_bare_search",
            "figure": round(ours, 1),
            "unit": "answers/s",
            "baseline": round(theirs, 1),
            "ratio": round(statistics.median(one / other for one, other in pairs), 3),
        }
    ]


def rounds_of(root: Path, doors: dict[int, str], rounds: int) -> list[tuple[float, float]]:
    """Answers a second of each port in turn."""
    asked = onestop_index.queries()
    for port, path in doors.items():
        warm(f"http://{LOOPBACK}:{port}{path}", asked)
        (root / f"{port}.json").write_bytes(orjson.dumps([f"{path}?q={quote(q)}" for q in asked]))
    pairs = []
    for _ in range(rounds):
        ours, bare = (drive(port, root / f"{port}.json", SECONDS).per_second for port in doors)
        pairs.append((ours, bare))
    return pairs


def warm(address: str, asked: Sequence[str]) -> None:
    """Ask everything once; what finds nothing would measure nothing."""
    with httpx.Client() as client:
        for typed in asked:
            answer = client.get(address, params={"q": typed}).raise_for_status().json()
            found = answer["hits"] if "hits" in answer else answer["groups"]
            if not found or answer.get("intent", {}).get("corrected"):
                raise AssertionError(f"{address} does not find {typed}")


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs: where it listens, and which process it is."""

    port: int
    pid: int


@contextmanager
def gateway(root: Path, port: int) -> Iterator[Served]:
    """The gateway as it runs everywhere, but that one address may ask without limit."""
    keys = root / "keys"
    keys.mkdir(mode=0o700)
    for principal in ("gateway", "identity"):
        make_pair(keys, principal)
    settings = {
        "ZHENGTONG_HTTP_PORT": str(port),
        "ZHENGTONG_INDEX_DIR": str(root / "index"),
        "ZHENGTONG_KEYS_DIR": str(keys),
        "ZHENGTONG_GRPC_ADDRESSES": ",".join(f"{name}={LOOPBACK}:1" for name in DEPARTMENTS),
        "ZHENGTONG_RATE_PER_SECOND": "0",
    }
    with (
        (root / "gateway.log").open("wb") as log,
        server(["gateway.app"], settings, port, log) as served,
    ):
        yield served


@contextmanager
def bare(root: Path, port: int) -> Iterator[Served]:
    index = directory.current(root / "index")
    with server(["tests.bench.onestop_bare", str(index), str(port)], {}, port, None) as served:
        yield served


@contextmanager
def server(words: Sequence[str], settings: dict[str, str], port: int, log: Any) -> Iterator[Served]:
    """Serve with a module of Python until the caller is done."""
    command = [sys.executable, "-m", *words]
    # As the supervisor starts them.
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2", **settings}
    process = subprocess.Popen(command, env=environment, stderr=log)
    try:
        _wait(process, port)
        yield Served(port, process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"http://{LOOPBACK}:{port}/healthz?q=1")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{process.args} does not serve")


@contextmanager
def told(index: Path) -> Iterator[None]:
    """Say how the departments stand as often as the indexer does."""
    ended = threading.Event()

    def tell() -> None:
        signals = directory.Signals(index)
        while not ended.wait(0.25):
            now = time.time_ns() // 1000
            standing.write(index, signals, [Standing(name, as_of=now) for name in DEPARTMENTS], now)
        signals.close()

    telling = threading.Thread(target=tell)
    telling.start()
    try:
        yield
    finally:
        ended.set()
        telling.join()
