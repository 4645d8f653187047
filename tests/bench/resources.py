"""What the whole platform needs on one machine, and what is left of it when a department stops.

The warm start is that of `make run` on a folder where the sample is loaded already: from the
command until every process is ready. Memory is the proportional share (PSS) of every process of
the run, MongoDB and RabbitMQ with all their children among them. Under load means 16 connections
that ask queries and, over gRPC, items and the credit of subjects.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import orjson

from infra.local import pids
from infra.local.stack import Stack
from tests.bench.http_load import drive
from tests.bench.onestop_index import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

LOAD_SECONDS = 8.0
MOST_STARTS = 3
ASKED = 150  # queries in a round
NO_LIMIT = {"ZHENGTONG_RATE_PER_SECOND": "0"}


def run(rounds: int) -> list[dict[str, Any]]:
    """Seconds of a warm start, megabytes at rest and under load, milliseconds without credit."""
    with tempfile.TemporaryDirectory() as folder:
        with Stack(Path(folder), sample=True, env=NO_LIMIT):
            pass  # loads the sample
        starts = [_start(Path(folder)) for _ in range(min(rounds, MOST_STARTS))]
        with Stack(Path(folder), sample=True, env=NO_LIMIT) as stack:
            at_rest, busy = _megabytes(stack), _under_load(stack)
            words, by_code = _without_credit(stack, rounds)
    return [
        _row("warm_start", statistics.median(starts), "s"),
        _row("pss_sample", at_rest, "MB"),
        _row("pss_under_load", busy, "MB"),
        _row("query_credit_stopped", words[1], "ms", words[0]),
        _row("code_query_credit_stopped", by_code[1], "ms", by_code[0]),
    ]


def _row(name: str, figure: float, unit: str, usual: float | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "figure": round(figure, 2),
        "unit": unit,
        "baseline": None if usual is None else round(usual, 2),
        "ratio": None if usual is None else round(figure / usual, 3),
    }


def _start(folder: Path) -> float:
    stack = Stack(folder, sample=True)
    begun = time.perf_counter()
    with stack:
        return time.perf_counter() - begun


def _megabytes(stack: Stack) -> float:
    """The proportional share of all processes of the run."""
    running = [one.pid for one in pids.marked(str(stack.plan.layout.root))]
    return sum(_pss(pid) for pid in {*running, stack.pid("supervisor")}) / 1024


def _pss(pid: int) -> int:
    """Kilobytes of one process; what it shares with others is divided among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except ProcessLookupError:
        return 0  # it has ended meanwhile
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _under_load(stack: Stack) -> float:
    """The most megabytes while many ask."""
    with httpx.Client(base_url=stack.base_url) as client:
        targets = [f"/api/v1/query?q={quote(typed)}" for typed in queries()]
        items = client.get("/api/v1/items", params={"page_size": 200}).json()["items"]
        targets += [f"/api/v1/items/{one['item_id']}" for one in items]
        targets += [f"/api/v1/credit/subjects/{code}" for code in codes(client)]
    asked = stack.run_dir / "targets.json"
    asked.write_bytes(orjson.dumps(targets))
    most = 0.0
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(drive, stack.plan.http_port, asked, LOAD_SECONDS)
        while not load.done():
            most = max(most, _megabytes(stack))
            time.sleep(0.2)
        load.result()
    return most


def _without_credit(stack: Stack, rounds: int) -> list[tuple[float, float]]:
    """Median milliseconds of a query by words and by a code: as usual, and with credit stopped."""
    usual: list[list[float]] = [[], []]
    stopped: list[list[float]] = [[], []]
    with httpx.Client(base_url=stack.base_url) as client:
        asked = [queries()[:ASKED], codes(client)[:ASKED]]
        for _ in range(rounds):
            for took in (usual, stopped):
                _have_credit(stack, client, running=took is usual)
                for place, typed in enumerate(asked):
                    took[place] += _milliseconds(client, typed)
        _have_credit(stack, client, running=True)
    return [
        (statistics.median(as_usual), statistics.median(without))
        for as_usual, without in zip(usual, stopped, strict=True)
    ]


def codes(client: httpx.Client) -> list[str]:
    """统一社会信用代码 that the department knows."""
    listed = client.get("/api/v1/credit/permits", params={"page_size": 200}).json()
    return sorted({one["subject_code"] for one in listed["permits"]})


def _have_credit(stack: Stack, client: httpx.Client, *, running: bool) -> None:
    """Start or stop the department, and wait until answers say so."""
    word = "start" if running else "stop"
    command = [sys.executable, "-m", "gateway.cli", word, "credit"]
    subprocess.run(command, env=stack.platform_env, check=True, capture_output=True)

    def told() -> bool:
        sources = client.get("/api/v1/query", params={"q": "公积金"}).json()["sources"]
        (status,) = (one["status"] for one in sources if one["department"] == "credit")
        return (status == "ok") is running

    stack.wait_until(told, "credit", 30.0)


def _milliseconds(client: httpx.Client, asked: Sequence[str]) -> list[float]:
    took = []
    for typed in asked:
        begun = time.perf_counter()
        client.get("/api/v1/query", params={"q": typed}).raise_for_status()
        took.append((time.perf_counter() - begun) * 1000)
    return took
