"""What the size of the index costs: a million documents against ten thousand, over HTTP.

The gateway's own process answers `/api/v1/query` and `/api/v1/suggest` at 100 requests a second,
each counted from when it was meant to go out. The index of a million holds 800,000 service items,
members of families of up to 146 regions, and 200,000 companies; that of ten thousand the same in
small. Its making takes most of the time; ZHENGTONG_BENCH_INDEX names a folder in which it is kept.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson

from infra.local.ports import PortClaims
from tests.bench import onestop, onestop_index, open_load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.open_load import Answer

KEPT = "ZHENGTONG_BENCH_INDEX"
SIZES = {"10k": (8_000, 2_000), "1m": (800_000, 200_000)}
RATE = 100.0  # requests a second
SECONDS = 8.0  # in a round
BARE_SECONDS = 5.0
_MEGABYTE = 1_000_000


def run(rounds: int) -> list[dict[str, Any]]:
    """Latencies at both sizes, their ratio, the ratio to a bare search, memory and disk."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kept = Path(os.environ[KEPT]) if os.environ.get(KEPT) else root
        claims = stack.enter_context(PortClaims())
        found: dict[str, dict[str, float]] = {}
        pairs: list[tuple[float, float]] = []
        for size, (items, companies) in SIZES.items():
            index = _made(kept / f"index-{size}", items, companies)
            with ExitStack() as one:
                (root / size).mkdir()
                (root / size / "index").symlink_to(index)
                one.enter_context(onestop.told(index))
                gateway = one.enter_context(onestop.gateway(root / size, claims.claim()))
                found[size] = _measured(gateway.port, root / size, rounds)
                if size == "1m":
                    bare = one.enter_context(onestop.bare(root / size, claims.claim()))
                    pairs = onestop.rounds_of(
                        root / size,
                        {gateway.port: onestop.GATEWAY, bare.port: onestop.BARE},
                        rounds,
                    )
                    found[size] |= {"memory": _memory(gateway.pid), "disk": _disk(index)}
    return _rows(found, pairs)


def _made(folder: Path, items: int, companies: int) -> Path:
    """The index of that size; made where it is not kept."""
    whole = folder / "whole"
    if not whole.exists():
        folder.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        onestop_index.fill(folder, items, companies)
        whole.write_text(f"{time.monotonic() - begun:.0f} s\n")
    return folder


def _measured(port: int, root: Path, rounds: int) -> dict[str, float]:
    """Median over the rounds of the percentiles of queries and of suggestions."""
    asked = onestop_index.queries()
    onestop.warm(f"http://127.0.0.1:{port}{onestop.GATEWAY}", asked)
    # A beginning of every length that somebody passes through while typing.
    begun = [text[:size] for text in asked[:200] for size in range(1, len(text) + 1)]
    mixes = {
        "query": [("query", f"/api/v1/query?q={quote(q)}") for q in asked],
        "suggest": [("suggest", f"/api/v1/suggest?q={quote(q)}") for q in begun if q.strip()],
    }
    told: dict[str, list[float]] = {}
    for name, mix in mixes.items():
        file = root / f"{name}.json"
        file.write_bytes(orjson.dumps(mix))
        open_load.drive(port, file, RATE, 2.0)
        for _ in range(rounds):
            answers = open_load.drive(port, file, RATE, SECONDS)
            for share, value in _percentiles(answers).items():
                told.setdefault(f"{name}_{share}", []).append(value)
    return {name: statistics.median(values) for name, values in told.items()}


def _percentiles(answers: Sequence[Answer]) -> dict[str, float]:
    failed = [one for one in answers if one.status != 200]
    if failed:
        raise AssertionError(f"{len(failed)} of {len(answers)} were not answered: {failed[0]}")
    took = sorted(one.milliseconds for one in answers)
    return {"p50": took[len(took) // 2], "p99": took[int(len(took) * 0.99)]}


def _memory(pid: int) -> float:
    """Megabytes of a process as proportional shares, what it has mapped of the index included."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kilobytes = next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(kilobytes) * 1024 / _MEGABYTE


def _disk(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / _MEGABYTE


def _rows(
    found: dict[str, dict[str, float]], pairs: list[tuple[float, float]]
) -> list[dict[str, Any]]:
    small, large = found["10k"], found["1m"]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    rows = [
        _row(f"{name}_1m_{share}_ms", large[f"{name}_{share}"], small[f"{name}_{share}"])
        for name in ("query", "suggest")
        for share in ("p50", "p99")
    ]
    growth = large["query_p99"] / small["query_p99"]
    return [
        *rows,
        {"name": "query_1m_vs_10k_p99", "figure": round(growth, 2), "unit": "times"}
        | {"baseline": None, "ratio": None},
        {"name": "query_vs_bare_tantivy", "figure": round(ours, 1), "unit": "answers/s"}
        | {"baseline": round(theirs, 1), "ratio": round(ratio, 3)},
        _row("gateway_1m_pss", large["memory"], None, "MB"),
        _row("index_1m_disk", large["disk"], None, "MB"),
    ]


def _row(name: str, figure: float, baseline: float | None, unit: str = "ms") -> dict[str, Any]:
    row = {"name": name, "figure": round(figure, 2), "unit": unit, "baseline": None, "ratio": None}
    if baseline is not None:
        row |= {"baseline": round(baseline, 2), "ratio": round(figure / baseline, 2)}
    return row
