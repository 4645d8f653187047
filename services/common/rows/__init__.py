"""Rows of files that people hand in: JSON, JSON Lines, CSV and workbooks, read as they come.

`workbooks` reads the cells of a workbook, `packages` judges what it is packed in, `refusals` says
what is refused.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from services.common.errors import Violation
from services.common.rows.refusals import (
    LARGEST_FILE,
    MOST_ROWS,
    ImportShapeUnknown,
    ImportTooLarge,
    ImportUnreadable,
    too_large,
    unreadable,
)
from services.common.rows.workbooks import is_workbook, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = [
    "LARGEST_FILE",
    "MOST_ROWS",
    "ImportShapeUnknown",
    "ImportTooLarge",
    "ImportUnreadable",
    "Note",
    "Rejection",
    "Report",
    "Row",
    "is_workbook",
    "parse",
    "read_rows",
    "shape_of",
    "stream_rows",
    "written",
]

READ_AT_ONCE = 1 << 20
LARGEST_ROW = 1 << 20
# What may stand before the rows: `[`, or an object with scalars and then a list of such a name.
_LIST_NAMES = "items|records|rows|data"
_LIST_START = re.compile(
    r'\s*(?:\{\s*(?:"(?:[^"\\]|\\.)*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[-\w.+]+)\s*,\s*)*'
    rf'"(?:{_LIST_NAMES})"\s*:\s*)?\['
)
_BETWEEN = re.compile(r"[\s,]*")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the file, from 1, and its values by name."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rejection:
    """One reason why one row was refused: its field and what to do, in Chinese."""

    row: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody should know of a row that was not refused, in Chinese."""

    row: int
    text: str


@dataclass(slots=True)
class Report:
    """What became of the rows of one import.

    Args:
        kept: how many of the unchanged say something else than what is kept, and left it alone.
    """

    shape: str
    read: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    kept: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def reject(self, row: Row, violations: Iterable[Violation]) -> None:
        """Put a row into the report with each of its reasons."""
        self.rejections.extend(Rejection(row.number, v.field, v.description) for v in violations)

    @property
    def rejected(self) -> int:
        """How many rows were refused."""
        return len({rejection.row for rejection in self.rejections})


def read_rows(content: bytes, first: int = 1) -> list[Row]:
    """The rows of one import call.

    Args:
        content: a whole file, of 4 MB and 5,000 rows at most.
        first: number of its first row in the caller's whole file.

    Raises:
        ImportUnreadable, ImportTooLarge.
    """
    if len(content) > LARGEST_FILE:
        raise too_large()
    rows: list[Row] = []
    for row in parse(io.BytesIO(content), first):
        if len(rows) == MOST_ROWS:
            raise too_large()
        rows.append(row)
    return rows


def written(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A file that `read_rows` reads back as these rows: a table where all are texts, else JSON.

    Raises:
        ImportTooLarge: it would be longer than a call takes.
    """
    columns = list(rows[0]) if rows else []
    if len(columns) > 1 and _are_names(columns) and all(_is_line(row, columns) for row in rows):
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(columns)
        table.writerows(row.values() for row in rows)
        content = text.getvalue().encode()
    else:
        content = _json(rows)
    if len(content) > LARGEST_FILE:
        raise too_large()
    return content


def _are_names(columns: Sequence[str]) -> bool:
    """Whether texts can head the columns of a table, and be read back unchanged."""
    sound = all(name.isprintable() and name and name == name.strip() for name in columns)
    return sound and not columns[0].startswith(("[", "{"))


def _is_line(row: Mapping[str, Any], columns: Sequence[str]) -> bool:
    return list(row) == columns and all(
        isinstance(value, str) and value.isprintable() for value in row.values()
    )


def _json(rows: Sequence[Mapping[str, Any]]) -> bytes:
    try:
        return json.dumps(list(rows), ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate has no bytes of its own
        return json.dumps(list(rows)).encode()


def stream_rows(path: Path) -> Iterator[Row]:
    """The rows of a file of any size, read in pieces.

    Raises:
        ImportUnreadable: the file, or what comes next in it, cannot be read.
    """
    with path.open("rb") as file:
        yield from parse(file, 1)


def parse(file: BinaryIO, first: int) -> Generator[Row, None, None]:
    """The rows of an open file, in any of the formats; close it before the file.

    Blank rows of a workbook are left out but counted, so that numbers are those on the sheet.
    """
    beginning = file.read(8)
    file.seek(0)
    if is_workbook(beginning):
        for number, value in rows_of(file):
            yield Row(first - 1 + number, value)
        return
    encoding = _encoding(file)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    try:
        start = text.read(READ_AT_ONCE).removeprefix("\ufeff")
        if _LIST_START.match(start):
            values = _json_list(start, text)
        elif start.lstrip().startswith("{"):
            values = _json_lines(start, text)
        else:
            values = _csv(start, text)
        for number, value in enumerate(values, first):
            yield Row(number, value)
    except UnicodeDecodeError:
        raise unreadable("文件的字符编码既不是 UTF-8 也不是 GB 18030。") from None
    finally:
        text.detach()  # the file is its opener's to close


def _encoding(file: BinaryIO) -> str:
    """UTF-8 unless the first megabyte says otherwise; spreadsheets in China save GB 18030."""
    sample = file.read(READ_AT_ONCE)
    try:
        sample.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character cut in two at the end of the sample says nothing.
        if error.start < len(sample) - 4:
            return "gb18030"
    return "utf-8"


def _json_list(text: str, more: io.TextIOBase) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    start = _LIST_START.match(text)
    position = start.end() if start else 0
    while True:
        position = _skip(text, position)
        if text[position : position + 1] == "]":
            return
        try:
            value, end = decoder.raw_decode(text, position)
            # A number at the very end may go on in the next piece.
            if end == len(text) and (piece := more.read(READ_AT_ONCE)):
                text, position = text[position:] + piece, 0
                continue
        except (ValueError, RecursionError):
            piece = more.read(READ_AT_ONCE) if len(text) - position < LARGEST_ROW else ""
            if not piece:
                raise unreadable("JSON 格式有误，无法继续读取。") from None
            text, position = text[position:] + piece, 0
            continue
        yield value
        position = end
        if position > READ_AT_ONCE:
            text, position = text[position:], 0


def _skip(text: str, position: int) -> int:
    between = _BETWEEN.match(text, position)
    return between.end() if between else position


def _lines(start: str, more: io.TextIOBase) -> Iterator[str]:
    """The lines of the text, each with its end; a line longer than 1 MB is refused."""
    rest = start
    while True:
        *lines, rest = rest.split("\n")
        yield from (line + "\n" for line in lines)
        if len(rest) > LARGEST_ROW:
            raise unreadable("有一行超过 1 MB。")
        piece = more.read(READ_AT_ONCE)
        if not piece:
            if rest:
                yield rest
            return
        rest += piece


def _json_lines(start: str, more: io.TextIOBase) -> Iterator[Any]:
    for line in _lines(start, more):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            # One bad line is one bad row: whoever checks rows refuses what is no object.
            yield None


def _csv(start: str, more: io.TextIOBase) -> Iterator[Any]:
    reader = csv.reader(_lines(start, more), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if len(header) < 2 or len(set(header)) < len(header) or not all(header):
            raise unreadable("CSV 第一行应为各列的名称，且不得空缺或重复。")
        for cells in reader:
            if cells:
                yield dict(zip(header, cells, strict=True)) if len(cells) == len(header) else None
    except csv.Error:
        raise unreadable("CSV 格式有误，无法继续读取。") from None


def shape_of(rows: list[Row], named: str, shapes: Mapping[str, frozenset[str]]) -> str:
    """The shape of rows: as named, or the first one whose telling names one of the rows has.

    Args:
        shapes: for each shape, the names of values that tell it.

    Raises:
        ImportShapeUnknown.
    """
    if named:
        if named in shapes:
            return named
        text = f"没有名为 {named[:40]} 的格式，可用：{'、'.join(shapes)}。"
        raise ImportShapeUnknown(text, Violation("shape", text))
    for row in rows:
        if isinstance(row.values, Mapping):
            known = [shape for shape, names in shapes.items() if names <= row.values.keys()]
            if known:
                return known[0]
    text = f"看不出文件是哪种格式，请用 shape 指明：{'、'.join(shapes)}。"
    raise ImportShapeUnknown(text, Violation("shape", text))
