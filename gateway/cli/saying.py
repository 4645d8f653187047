"""How commands speak: to people in words and tables, to machines in JSON; and how they end."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

DIFFERS, WRONG_USE, NO_ANSWER, REFUSED = 1, 2, 3, 4

console = Console(stderr=True, highlight=False)
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出，供程序读取。")]


def give(value: Any) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def say(text: str) -> None:
    """Tell people something, on standard error."""
    console.print(text, markup=False, soft_wrap=True)


def complain(text: str) -> None:
    """Say what went wrong and what to do."""
    console.print(text, style="red", markup=False, soft_wrap=True)


def fail(text: str, code: int) -> NoReturn:
    """Say what went wrong and what to do, and end."""
    complain(text)
    raise typer.Exit(code)


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Show rows to people, on standard output."""
    shown = Table(*titles, box=None, pad_edge=False)
    for row in rows:
        shown.add_row(*row)
    Console(highlight=False, markup=False).print(shown)
