"""Tables for spreadsheets: written line by line, with nothing in them that a spreadsheet would run.

A cell that begins with `=` is a formula to Excel, whoever wrote it, and a formula can start
programs and send what stands in other cells away.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Cell = str | int | float | None

# In full width as well: Excel in Chinese and Japanese reads those as the same.
_FORMULA: Final = re.compile(r"\s*[=+\-@\t\r\n＝＋－＠]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
_MARK: Final = "\ufeff"  # without it Excel does not take Chinese for UTF-8


def safe_cell(text: str) -> str:
    """A cell's text that a spreadsheet shows and does not run; a number stays one.

    The `'` before it is the spreadsheet's own sign for "this is text".
    """
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def csv_lines(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The lines of a table, each with its end, made as they are asked for.

    Args:
        names: of the columns.
    """
    line = io.StringIO(newline="")
    # Quotes around every text: a `;` in one begins no further cell anywhere.
    writer = csv.writer(line, quoting=csv.QUOTE_NONNUMERIC)
    line.write(_MARK)
    writer.writerow([_written(name) for name in names])
    yield _taken(line)
    for row in rows:
        writer.writerow([_written(cell) for cell in row])
        yield _taken(line)


def _written(cell: Cell) -> str | int | float:
    if cell is None:
        return ""
    return safe_cell(cell) if isinstance(cell, str) else cell


def _taken(line: io.StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text
