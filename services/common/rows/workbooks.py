"""The rows of a workbook (.xlsx), its cells as the readers of fields take them."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from python_calamine import CalamineError, CalamineWorkbook

from services.common.rows.packages import sheet_in
from services.common.rows.refusals import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LARGEST_WORKBOOK: Final = 32 * 1024 * 1024
"""Of a file that is cut into calls; one call takes less."""
BEGINNINGS: Final = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
)
_EXACT: Final = 10**15
"""A spreadsheet keeps fifteen digits of a number: a longer one is not what somebody wrote."""
_ZONE: Final = timezone(timedelta(hours=8))  # a spreadsheet's clock is that of Asia/Shanghai
_FAILED: Final = "公式错误"


def is_workbook(beginning: bytes) -> bool:
    """Whether a file is a workbook, or something that is packed like one."""
    return beginning.startswith(BEGINNINGS)


def rows_of(file: BinaryIO) -> Iterator[tuple[int, Any]]:
    """The rows below the headings, blank ones left out; each with its number from 1, counted all.

    Raises:
        ImportUnreadable: it is no workbook, or none that is read.
    """
    content = file.read(LARGEST_WORKBOOK + 1)
    if len(content) > LARGEST_WORKBOOK:
        raise unreadable(f"工作簿超过 {LARGEST_WORKBOOK >> 20} MB，请分成几个文件。")
    sheet = sheet_in(content)
    table = _cells(sheet.content)
    for (row, column), said in sheet.errors.items():
        if row < len(table) and column < len(table[row]):
            # No field is such an object, so each reader refuses it and names its field.
            table[row][column] = {_FAILED: said}
    top = next((n for n, cells in enumerate(table) if not _is_blank(cells)), None)
    if top is None:
        raise unreadable(f"工作表“{sheet.name[:31]}”是空的，请填写后再导入。")
    names = _headings(table, top)
    below = [(n, cells) for n, cells in enumerate(table[top + 1 :], 1) if not _is_blank(cells)]
    if not below:
        raise unreadable(f"工作表“{sheet.name[:31]}”只有表头，没有一行数据。")
    for number, cells in below:
        yield number, {name: _value(cells[column]) for column, name in names.items()}


def _cells(content: bytes) -> list[list[Any]]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        table: list[list[Any]] = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, ValueError, OSError):
        pass
    except BaseException as error:
        # What its reader did not foresee comes as a panic, which is no Exception.
        if type(error).__module__ != "pyo3_runtime":
            raise
    else:
        return table
    raise unreadable("工作簿已损坏，请用 Excel 或 WPS 打开后另存为 .xlsx 再导入。")


def _headings(table: Sequence[Sequence[Any]], top: int) -> Mapping[int, str]:
    """The names of the columns by their places; a column with neither name nor cells is none."""
    found: dict[int, str] = {}
    for column, cell in enumerate(table[top]):
        name = str(_value(cell)).strip()
        if name:
            found[column] = name
        elif any(cells[column] not in ("", None) for cells in table[top + 1 :]):
            raise unreadable(f"第 {column + 1} 列有内容而没有列名，请在第一行写明。")
    if len(found) < 2 or len(set(found.values())) < len(found):
        raise unreadable("工作表第一行应为各列的名称，且不得重复。")
    return found


def _is_blank(cells: Sequence[Any]) -> bool:
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells)


def _value(cell: Any) -> Any:
    """A cell as JSON might have it."""
    if isinstance(cell, float):
        return _number(cell)
    if isinstance(cell, datetime):
        moment = cell if cell.tzinfo else cell.replace(tzinfo=_ZONE)
        return cell.date().isoformat() if cell.time() == time() else moment.isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time):
        return cell.isoformat("seconds" if cell.second else "minutes")
    if cell is None:
        return ""
    return str(cell) if isinstance(cell, timedelta) else cell


def _number(cell: float) -> int | float | str:
    """Every number is a float there; what has decimals is the text that the sheet shows."""
    if not cell.is_integer():
        return format(Decimal(format(cell, ".15g")), "f")
    return int(cell) if abs(cell) < _EXACT else cell
