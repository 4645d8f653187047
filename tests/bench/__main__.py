"""`python -m tests.bench [NAME …] [--rounds N]`: run the benches, print and write their figures.

Each runs in a process of its own. One that fails costs the others nothing but the exit code.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

BENCHES = (
    "grpc_stack",
    "relay",
    "events",
    "imports",
    "list_scale",
    "onestop",
    "onestop_scale",
    "access",
    "freshness",
    "rebuild",
    "resources",
    "slow_department",
)
FIGURES = Path(__file__).resolve().parents[2] / ".run" / "bench.json"
ROUNDS = 5
WIDTH = 110  # characters of the table: cut off at their end the names are all alike

progress = Console(stderr=True)


def _measure(name: str, rounds: int) -> list[dict[str, Any]] | None:
    """The figures of one bench; None where it failed, which it has said itself."""
    command = [sys.executable, "-m", "tests.bench.one", name, str(rounds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as bench:
        try:
            told, _ = bench.communicate()
        except SystemExit:
            bench.terminate()  # not killed: it has processes of its own to end
            raise
    return None if bench.returncode else orjson.loads(told)


def _measure_all(names: list[str], rounds: int) -> tuple[list[dict[str, Any]], list[str]]:
    """All figures, written after each bench; and the benches that failed."""
    figures: list[dict[str, Any]] = []
    failed: list[str] = []
    for name in names:
        begun = time.monotonic()
        progress.print(f"{name} …")
        rows = _measure(name, rounds)
        progress.print(
            f"{name}: {'failed after ' * (rows is None)}{time.monotonic() - begun:.0f} s"
        )
        failed += [name] * (rows is None)
        figures += rows or []
        FIGURES.parent.mkdir(exist_ok=True)
        FIGURES.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    return figures, failed


def _table(figures: list[dict[str, Any]]) -> Table:
    table = Table("", "figure", "unit", "baseline", "ratio", "note")
    for column in (1, 3, 4):
        table.columns[column].justify = "right"
    for row in figures:
        cells = (row.get(key) for key in ("name", "figure", "unit", "baseline", "ratio", "note"))
        table.add_row(*("–" if cell is None else f"{cell}" for cell in cells))
    return table


def main() -> int:
    """0 where every bench came to its end, else 1."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help="、".join(BENCHES))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in BENCHES]:
        parser.error(f"没有这一项：{'、'.join(unknown)}（有：{'、'.join(BENCHES)}）")
    figures, failed = _measure_all(asked.names or list(BENCHES), asked.rounds)
    Console(width=WIDTH).print(_table(figures))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
