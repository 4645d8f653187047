"""What a workbook (.xlsx) is packed in: judged by its bytes before anything reads its cells.

A workbook is a zip of XML. A few bytes of one can unpack to gigabytes, name a cell a million rows
away, or say one long text ten thousand times: all of that is counted here, and the one sheet that
is asked for is packed anew, so that its reader sees what was judged and nothing else.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from xml.parsers import expat

from services.common.rows.refusals import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SHEET: Final = "事项"
"""The sheet that is read where a workbook has one of this name; else its first."""
LARGEST_UNPACKED: Final = 64 * 1024 * 1024
MOST_PARTS: Final = 2000
MOST_CELLS: Final = 2_000_000
"""Of the rectangle that the cells span: the reader makes room for all of it."""
MOST_ELEMENTS: Final = 1_200_000
"""Of one part; five thousand rows of a hundred cells have fewer."""
_LONG: Final = re.compile(rb"<[^<]{262144}")
"""A text or a tag that no spreadsheet program writes: its cells hold 32,767 characters."""
MOST_TEXT: Final = 64 * 1024 * 1024
_OLD: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_CELL: Final = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_MACROS: Final = ("vbaproject.bin", "/macrosheets/")
_WORKBOOK, _RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_ON: Final = frozenset({"1", "true"})
_SPREADSHEET: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006/relationships"


# What is raised of bytes that are no zip of XML, by zipfile and what it unpacks with.
_BROKEN: Final = (
    zipfile.BadZipFile,
    expat.ExpatError,
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,  # a password, or a way of packing that nobody unpacks
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(slots=True)
class Sheet:
    """One sheet of a workbook, judged and packed anew.

    Args:
        errors: cells whose formula failed, by row and column from 0, and how.
    """

    name: str
    content: bytes
    errors: Mapping[tuple[int, int], str]


@dataclass(slots=True)
class _Contents:
    """What workbook.xml says: its sheets by name, visible ones first, and how it counts days."""

    sheets: list[tuple[str, str]] = field(default_factory=list)
    hidden: list[tuple[str, str]] = field(default_factory=list)
    since_1904: bool = False

    def start(self, name: str, given: dict[str, str]) -> None:
        if name == "workbookPr":
            self.since_1904 = given.get("date1904") in _ON
        if name == "sheet":
            link = next((v for k, v in given.items() if k.endswith(":id")), "")
            among = self.sheets if given.get("state", "visible") == "visible" else self.hidden
            among.append((given.get("name", ""), link))


@dataclass(slots=True)
class _Texts:
    """How long each shared text is."""

    lengths: list[int] = field(default_factory=list)
    _inside: bool = False

    def start(self, name: str, _: dict[str, str]) -> None:
        if name == "si":
            self.lengths.append(0)
        self._inside = name == "t" and bool(self.lengths)

    def end(self, name: str) -> None:
        self._inside = self._inside and name != "t"

    def said(self, text: str) -> None:
        if self._inside:
            self.lengths[-1] += len(text)


@dataclass(slots=True)
class _Cells:
    """Where the cells of a sheet stand, which shared texts they say, and which formulas failed."""

    rows: int = 0
    columns: int = 0
    shared: Counter[int] = field(default_factory=Counter)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    _row: int = 0
    _column: int = 0
    _kind: str = ""
    _value: list[str] | None = None

    def start(self, name: str, given: dict[str, str]) -> None:
        if name == "c":
            self._cell(given)
        elif name == "row":
            number = given.get("r", "")
            self._row = int(number) if number.isdecimal() and len(number) < 8 else self._row + 1
            self._column = 0
        elif name == "v":
            self._value = []
        if name in ("v", "is", "f"):
            self.rows, self.columns = max(self.rows, self._row), max(self.columns, self._column)
            if self.rows * self.columns > MOST_CELLS:
                raise unreadable(
                    f"工作表的单元格过多（超过 {MOST_CELLS} 个），请删去多余的行和列。"
                )

    def _cell(self, given: dict[str, str]) -> None:
        self._kind = given.get("t", "")
        self._column += 1
        if "r" in given:
            place = _CELL.fullmatch(given["r"])
            if place is None:
                raise zipfile.BadZipFile
            self._row, self._column = int(place[2]), _column_of(place[1])

    def end(self, name: str) -> None:
        if name != "v" or self._value is None:
            return
        text, self._value = "".join(self._value), None
        if self._kind == "s" and text.strip().isdecimal():
            self.shared[int(text)] += 1
        if self._kind == "e":
            self.errors[self._row - 1, self._column - 1] = text[:20]

    def said(self, text: str) -> None:
        if self._value is not None:
            self._value.append(text)


def sheet_in(content: bytes) -> Sheet:
    """The sheet of a workbook that holds the rows.

    Raises:
        ImportUnreadable: it is none, is encrypted, has macros, or unpacks to more than is read.
    """
    if content.startswith(_OLD):
        if _ENCRYPTED in content:
            raise unreadable("工作簿已加密，请取消打开密码后再导入。")
        raise unreadable("旧格式的 .xls 不能导入，请另存为 .xlsx 或 CSV。")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return _sheet(_Parts(package))
    except _BROKEN:
        raise unreadable("工作簿已损坏，请用 Excel 或 WPS 打开后另存为 .xlsx 再导入。") from None


class _Parts:
    """The parts of a package, each unpacked when it is asked for."""

    def __init__(self, package: zipfile.ZipFile) -> None:
        known = package.infolist()
        names = [one.filename.lower() for one in known]
        if any(macro in name for name in names for macro in _MACROS):
            raise unreadable("工作簿含有宏，不能导入，请另存为不含宏的 .xlsx。")
        if any(one.flag_bits & 1 for one in known):
            raise unreadable("工作簿已加密，请取消打开密码后再导入。")
        if len(known) > MOST_PARTS or sum(one.file_size for one in known) > LARGEST_UNPACKED:
            raise unreadable(
                f"工作簿解压后超过 {LARGEST_UNPACKED >> 20} MB，不予读取；"
                "请删去图片和多余的内容，或分成几个文件。"
            )
        if len(set(names)) < len(names):
            raise zipfile.BadZipFile
        self._package = package
        self._names = frozenset(one.filename for one in known)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def __getitem__(self, name: str) -> bytes:
        """Raises: KeyError, BadZipFile where it is longer than its package says."""
        return self._package.read(name)


def _sheet(parts: _Parts) -> Sheet:
    if _WORKBOOK not in parts:
        raise unreadable("文件不是 Excel 工作簿（.xlsx）。")
    book, links = _Contents(), _links(parts)
    _walk(parts[_WORKBOOK], book.start)
    worksheets = {link: target for link, (kind, target) in links.items() if kind == "worksheet"}
    found = [
        (name, worksheets[link]) for name, link in book.sheets + book.hidden if link in worksheets
    ]
    if not found:
        raise unreadable("工作簿里没有工作表。")
    name, part = next((one for one in found if one[0].strip() == SHEET), found[0])
    kept = {"worksheets/sheet1.xml": parts[part]}
    for kind in ("styles", "sharedStrings"):
        target = next((target for known, target in links.values() if known == kind), "")
        if target in parts:
            kept[f"{kind}.xml"] = parts[target]
    return Sheet(name, _packed(kept, since_1904=book.since_1904), _judged(kept))


def _links(parts: _Parts) -> dict[str, tuple[str, str]]:
    """The other parts of the workbook: what each is, and its name in the package."""
    found: dict[str, tuple[str, str]] = {}

    def start(name: str, given: dict[str, str]) -> None:
        if name == "Relationship":
            target = posixpath.normpath(posixpath.join("/xl", given.get("Target", "")))
            kind = given.get("Type", "").rpartition("/")[2]
            found[given.get("Id", "")] = (kind, target.lstrip("/"))

    if _RELATIONS in parts:
        _walk(parts[_RELATIONS], start)
    return found


def _judged(kept: Mapping[str, bytes]) -> Mapping[tuple[int, int], str]:
    """The cells whose formula failed; refuses what would take too much room."""
    cells, texts = _Cells(), _Texts()
    _walk(kept["worksheets/sheet1.xml"], cells.start, cells.end, cells.said)
    if shared := kept.get("sharedStrings.xml"):
        _walk(shared, texts.start, texts.end, texts.said)
    if styles := kept.get("styles.xml"):
        _walk(styles, lambda _, __: None)
    known = len(texts.lengths)
    said = sum(n * texts.lengths[one] for one, n in cells.shared.items() if one < known)
    if said > MOST_TEXT:
        raise unreadable(f"工作表的文字超过 {MOST_TEXT >> 20} MB，不予读取，请分成几个文件。")
    return cells.errors


def _packed(kept: Mapping[str, bytes], *, since_1904: bool) -> bytes:
    """A workbook of one sheet, with nothing in it that was not judged."""
    kinds = {
        "worksheets/sheet1.xml": "worksheet",
        "styles.xml": "styles",
        "sharedStrings.xml": "sharedStrings",
    }
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_LINKS}/{kinds[name]}" Target="{name}"/>'
        for n, name in enumerate(kept, 1)
    )
    days = '<workbookPr date1904="1"/>' if since_1904 else ""
    book = (
        f'<workbook xmlns="{_SPREADSHEET}" xmlns:r="{_LINKS}">{days}'
        '<sheets><sheet name="rows" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    top = f'<Relationship Id="rId1" Type="{_LINKS}/officeDocument" Target="{_WORKBOOK}"/>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as package:
        package.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}">{top}</Relationships>')
        package.writestr(_WORKBOOK, book)
        package.writestr(_RELATIONS, f'<Relationships xmlns="{_PACKAGE}">{links}</Relationships>')
        for name, content in kept.items():
            package.writestr(f"xl/{name}", content)
    return file.getvalue()


def _walk(
    content: bytes,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    said: Callable[[str], None] | None = None,
) -> None:
    """Go through XML by the local names of its elements; a document type of its own is refused."""

    def declared(*_: Any) -> None:
        raise unreadable("工作簿的内容有误（含有 DOCTYPE），不予读取。")

    left = MOST_ELEMENTS

    def begun(name: str, given: dict[str, str]) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise unreadable("工作表的内容过多，请删去多余的行和列，或分成几个文件。")
        start(name.rpartition(":")[2] if ":" in name else name, given)

    if _LONG.search(content):
        raise unreadable("工作簿里有一处内容超过 256 KB，不予读取。")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = declared
    parser.StartElementHandler = begun
    if end:
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    if said:
        parser.CharacterDataHandler = said
    parser.Parse(content, True)  # noqa: FBT003  (whether it is all)


def _column_of(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number
