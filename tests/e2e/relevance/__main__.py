"""`python -m tests.e2e.relevance`: ask the judged queries, print figures and write a report.

The report is .run/relevance.html.

`--floor` notes what was reached as the floor of the tests; `--sample-alone` leaves the real items
out, as the tests do where their file is not at hand.
"""

import argparse
import json
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.e2e.relevance import asking, report

FLOOR = Path(__file__).parent / "floor.json"
PAGE = asking.ROOT / ".run" / "relevance.html"
SLACK = 0.01  # an item that is renamed or comes anew may cost so much


def main() -> None:
    """Ask and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.relevance", description=__doc__)
    parser.add_argument("--floor", action="store_true")
    parser.add_argument("--sample-alone", action="store_true")
    options = parser.parse_args()
    real = asking.REAL.exists() and not options.sample_alone
    with tempfile.TemporaryDirectory() as folder, asking.town(Path(folder), real=real) as town:
        served = asking.served(town, real=real)
    for title, half in (("调优用的一半", False), ("留出的一半", True)):
        Console().print(_table(title, report.by_class(s for s in served if s.judged.aside is half)))
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(report.page(served))
    if options.floor:
        _lower(report.by_class(served), "with_real_items" if real else "sample_alone")


def _table(title: str, told: dict[str, dict[str, float]]) -> Table:
    table = Table("", *report.COLUMNS.values(), title=title)
    for kind, row in told.items():
        table.add_row(kind, *(f"{row[c]:.3f}" if c in row else "" for c in report.COLUMNS))
    return table


def _lower(told: dict[str, dict[str, float]], name: str) -> None:
    floor = json.loads(FLOOR.read_text())
    floor[name] = {
        kind: {
            figure: round(value + SLACK if figure == "zero" else value - SLACK, 3)
            for figure, value in row.items()
        }
        for kind, row in told.items()
    }
    FLOOR.write_text(json.dumps(floor, indent=1) + "\n")


if __name__ == "__main__":
    main()
