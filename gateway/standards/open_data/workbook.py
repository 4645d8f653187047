"""Items as a workbook: what people look for first, one row an item.

Rows go to a file at once and stay out of memory (XlsxWriter's constant_memory).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import xlsxwriter

from gateway.csv_export import safe_cell
from gateway.portal import labels
from gateway.portal.writing import limit, stamp
from gateway.standards.open_data.terms import MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import BinaryIO

    from zhengtong.catalogue.v1 import catalogue_pb2

    Column = Callable[[catalogue_pb2.Item], str]

MOST_LETTERS: Final = 100_000_000
"""Three bytes each: 300 MB, and while the file is finished twice that."""
LONGEST: Final = 32_000
"""Characters of a cell; a workbook takes 32,767."""
_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_SHEET: Final = "政务服务事项"
_YES_NO: Final = ("否", "是")


def _named(names: Mapping[str, str], codes: Iterable[str]) -> str:
    return "、".join(names.get(code, code) for code in codes)


def columns(region_name: Callable[[str], str]) -> dict[str, Column]:
    """What stands under each heading."""
    return {
        "事项编号": lambda item: item.item_id,
        "事项名称": lambda item: item.task_name,
        "事项类型": lambda item: _named(labels.TASK_TYPES, [item.task_type]),
        "基本编码": lambda item: item.catalog_code,
        "实施编码": lambda item: item.task_code,
        "地方实施编码": lambda item: item.local_task_code,
        "实施主体": lambda item: item.dept_name,
        "实施主体编码": lambda item: item.dept_code,
        "区划码": lambda item: item.region_code,
        "所在区划": lambda item: region_name(item.region_code),
        "行使层级": lambda item: labels.USE_LEVELS.get(item.use_level, item.use_level),
        "设定依据": lambda item: "；".join(
            f"{basis.law_name}{basis.article}" for basis in item.by_law
        ),
        "法定办结时限": lambda item: limit(
            item.anticipate_day, item.anticipate_type, item.anticipate_explain
        ),
        "承诺办结时限": lambda item: limit(
            item.promise_day, item.promise_type, item.promise_explain
        ),
        "办件类型": lambda item: labels.PROJECT_TYPES.get(item.project_type, ""),
        "服务对象": lambda item: _named(labels.SERVER_TYPES, item.server_type),
        "受理条件": lambda item: item.accept_condition,
        "申请材料": lambda item: "；".join(material.name for material in item.materials),
        "办理形式": lambda item: _named(labels.HANDLE_TYPES, item.handle_type),
        "网上办理": lambda item: _YES_NO[item.is_online],
        "网上办理地址": lambda item: item.online_handle_url,
        "办理地点": lambda item: item.transact_addr,
        "办理时间": lambda item: item.transact_time,
        "是否收费": lambda item: _YES_NO[item.is_fee],
        "审批结果": lambda item: item.result_name,
        "咨询方式": lambda item: item.link_way,
        "监督投诉方式": lambda item: item.supervise_way,
        "版本": lambda item: str(item.version),
        "更新时间": lambda item: stamp(item.update_time),
    }


def cell(text: str) -> str:
    """A cell's text: not run as a formula, and no longer than a cell may be."""
    told = safe_cell(text)
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}……"


class Workbook:
    """Writes one workbook; `close` leaves nothing of it behind.

    Args:
        most: rows of items, at most.
        letters: in all cells together, at most; temporary files may lie in memory.
    """

    def __init__(
        self,
        region_name: Callable[[str], str],
        most: int = MOST_ROWS,
        letters: int = MOST_LETTERS,
    ) -> None:
        self._columns = columns(region_name)
        self._most = most
        self._letters = letters
        self._folder = tempfile.TemporaryDirectory(prefix="zhengtong-items-")
        self._path = Path(self._folder.name) / "items.xlsx"
        options = {**_OPTIONS, "tmpdir": self._folder.name}
        self._book: Any = xlsxwriter.Workbook(self._path, options)
        self._sheet = self._book.add_worksheet(_SHEET)
        self._file: BinaryIO | None = None
        self._rows = 0
        self._sheet.freeze_panes(1, 2)
        bold = self._book.add_format({"bold": True})
        for place, name in enumerate(self._columns):
            self._sheet.write_string(0, place, name, bold)

    def add(self, items: Iterable[catalogue_pb2.Item]) -> bool:
        """Add a row for each item; False: no further row is taken, which the last one says."""
        for item in items:
            if self._rows == self._most or self._letters <= 0:
                told = f"文件已达到上限，只列出前 {self._rows} 项，其余事项请下载 items.jsonl。"
                self._sheet.write_string(self._rows + 1, 0, told)
                return False
            self._rows += 1
            for place, text in enumerate(self._columns.values()):
                if said := cell(text(item)):
                    self._letters -= len(said)
                    self._sheet.write_string(self._rows, place, said)
        return True

    def finish(self) -> int:
        """Write the file; gives its size."""
        self._book.close()
        self._file = self._path.open("rb")
        return self._path.stat().st_size

    def read(self, size: int) -> bytes:
        """The next bytes of the finished file; none at its end."""
        return self._file.read(size) if self._file else b""

    def close(self) -> None:
        """Remove all files, also of a workbook that was not finished."""
        if self._file:
            self._file.close()
        if not self._book.fileclosed:
            # What XlsxWriter itself would only close when it is collected.
            self._sheet._opt_close()  # noqa: SLF001
        self._folder.cleanup()
