"""Files from outside: what they are by their bytes, whatever is said of them, and safe names."""

from __future__ import annotations

import re
import unicodedata
from email.message import Message
from typing import Final

from gateway.refusals import FileNameRefused, UploadTypeRefused

JSON: Final = "JSON"
JSON_LINES: Final = "JSON Lines"
CSV: Final = "CSV"
XLSX: Final = "Excel 工作簿（.xlsx）"
_IMAGE, _ARCHIVE, _PROGRAM = "图片", "压缩包", "可执行文件"
_MEDIA, _OFFICE, _BINARY = "音频或视频", "Office 文档", "二进制文件"
_ENCRYPTED: Final = "加密的 Office 文档"
READ: Final = frozenset({JSON, JSON_LINES, CSV, XLSX})
"""What the departments read (services/common/rows.py)."""

# By the first bytes; what begins like text is told apart in `_is_meant`.
_BEGINNINGS: Final = (
    (b"%PDF-", "PDF 文件"),
    (b"\x7fELF", _PROGRAM),
    (b"MZ", _PROGRAM),
    (b"#!", _PROGRAM),
    (b"\xfe\xed\xfa", _PROGRAM),
    (b"\xce\xfa\xed\xfe", _PROGRAM),
    (b"\xcf\xfa\xed\xfe", _PROGRAM),
    (b"\xca\xfe\xba\xbe", _PROGRAM),
    (b"\x00asm", _PROGRAM),
    (b"L\x00\x00\x00\x01\x14\x02\x00", _PROGRAM),
    (b"\x89PNG", _IMAGE),
    (b"\xff\xd8\xff", _IMAGE),
    (b"GIF87a", _IMAGE),
    (b"GIF89a", _IMAGE),
    (b"II*\x00", _IMAGE),
    (b"MM\x00*", _IMAGE),
    (b"BM", _IMAGE),
    (b"8BPS", _IMAGE),
    (b"\x00\x00\x01\x00", _IMAGE),
    (b"RIFF", _MEDIA),
    (b"OggS", _MEDIA),
    (b"ID3", _MEDIA),
    (b"fLaC", _MEDIA),
    (b"\x1aE\xdf\xa3", _MEDIA),
    (b"PK\x03\x04", _ARCHIVE),
    (b"PK\x05\x06", _ARCHIVE),
    (b"PK\x07\x08", _ARCHIVE),
    (b"\x1f\x8b", _ARCHIVE),
    (b"BZh", _ARCHIVE),
    (b"\xfd7zXZ\x00", _ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", _ARCHIVE),
    (b"Rar!\x1a\x07", _ARCHIVE),
    (b"\x28\xb5\x2f\xfd", _ARCHIVE),
    (b"\x04\x22\x4d\x18", _ARCHIVE),
    (b"MSCF\x00", _ARCHIVE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OFFICE),
    (b"{\\rtf", _OFFICE),
    (b"SQLite format 3\x00", _BINARY),
)
_LETTERS_ONLY: Final = frozenset({b"MZ", b"BM", b"BZh", b"ID3", b"RIFF", b"OggS", b"fLaC", b"8BPS"})
"""Beginnings that a column's name may have as well: they count where bytes of no text follow."""
_HEAD: Final = 64
_LOCKED: Final = "EncryptedPackage".encode("utf-16-le")
_UNLIKE_TEXT: Final = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_SPACE: Final = b" \t\r\n"
_LINES: Final = re.compile(rb"\{[^\n]*\}[ \t\r]*\n\s*\{")

_TABLES = frozenset({CSV})
_TREES = frozenset({JSON, JSON_LINES})
_BOOKS = frozenset({XLSX})
_DECLARED: Final = {
    "application/json": _TREES,
    "text/json": _TREES,
    "application/x-ndjson": _TREES,
    "application/ndjson": _TREES,
    "application/jsonl": _TREES,
    "application/x-jsonlines": _TREES,
    "text/csv": _TABLES,
    "text/x-csv": _TABLES,
    "application/csv": _TABLES,
    # What Windows says of a .csv file where Excel is installed.
    "application/vnd.ms-excel": _TABLES | _BOOKS,
    "text/plain": frozenset({JSON, JSON_LINES, CSV}),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _BOOKS,
    "application/zip": _BOOKS,
}
_SAYS_NOTHING: Final = frozenset(
    # The last is what curl says of any file.
    {"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"}
)

_LONGEST_NAME: Final = 255  # bytes, as file systems count
_NOT_IN_A_NAME: Final = frozenset('/\\:*?"<>|')
# Not those of private use, nor those this Unicode does not know yet: rare characters in names.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_RESERVED: Final = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])", re.IGNORECASE
)


def check_upload(content_type: str, disposition: str, data: bytes) -> None:
    """Let a file pass that is of a kind the departments read, and of the kind it is said to be.

    Args:
        content_type: as declared; empty where nothing was.
        disposition: the Content-Disposition header; its file name is of no use here, but a name
            that leads elsewhere says enough of the file.

    Raises:
        UploadTypeRefused, FileNameRefused.
    """
    kind = kind_of(data)
    if kind == _ENCRYPTED:
        raise UploadTypeRefused("Office 文档已加密，请取消打开密码后再导入。")
    if kind not in READ:
        raise UploadTypeRefused(f"文件是{kind}，只接受 JSON、JSON Lines、CSV 或 .xlsx 工作簿。")
    declared = content_type.partition(";")[0].strip().lower()
    if data and declared not in _SAYS_NOTHING and kind not in _DECLARED.get(declared, ()):
        raise UploadTypeRefused(f"文件内容是 {kind}，与请求头 Content-Type 所说的不符。")
    if name := _name_in(disposition):
        safe_name(name)


def kind_of(data: bytes) -> str:
    """What a file is: one of the kinds above, or in Chinese what else."""
    if kind := _unlike_text(data):
        if kind == _OFFICE and _LOCKED in data:
            return _ENCRYPTED
        return XLSX if kind == _ARCHIVE and _is_workbook(data) else kind
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip(_SPACE)
    if text.startswith(b"<"):
        return "网页或 XML"
    if text.startswith(b"["):
        return JSON
    if text.startswith(b"{"):
        return JSON_LINES if _LINES.match(text) else JSON
    return CSV


def _unlike_text(data: bytes) -> str:
    """What a file is that is no text; empty where it is text."""
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning) and _is_meant(beginning, data):
            return kind
    if data[257:262] == b"ustar":
        return _ARCHIVE
    if data[4:8] == b"ftyp":
        return _MEDIA
    # UTF-16 with its mark is text, if none that is read: the department says so.
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return _BINARY if b"\x00" in data[:4] and not marked else ""


def _is_meant(beginning: bytes, data: bytes) -> bool:
    return beginning not in _LETTERS_ONLY or _UNLIKE_TEXT.search(data[:_HEAD]) is not None


def _is_workbook(data: bytes) -> bool:
    """Whether a zip names the parts that every workbook has; nothing is unpacked for it."""
    return b"[Content_Types].xml" in data and b"xl/workbook.xml" in data


def safe_name(name: str) -> str:
    """A file's name from outside, fit to be written anywhere; refused rather than mended.

    Raises:
        FileNameRefused: it has parts of a path, characters that nobody sees, a meaning of its own
            to an operating system, or no or too many characters.
    """
    name = unicodedata.normalize("NFC", name)
    if not name or name != name.strip(" .") or _NOT_IN_A_NAME & set(name):
        raise FileNameRefused(
            '文件名不得为空，不得以点或空格开头结尾，不得含有 / \\ : * ? " < > |。'
        )
    # Control characters, invisible ones (they turn the direction of reading), and halves of pairs.
    if any(unicodedata.category(one) in _UNSEEN for one in name):
        raise FileNameRefused("文件名不得含有控制字符或不可见字符。")
    if _RESERVED.fullmatch(name.partition(".")[0].rstrip()):
        raise FileNameRefused("文件名是操作系统保留的名称，请更换。")
    if len(name.encode()) > _LONGEST_NAME:
        raise FileNameRefused(f"文件名过长，最多 {_LONGEST_NAME} 字节。")
    return name


def _name_in(disposition: str) -> str:
    """The file name in a Content-Disposition header; empty where there is none."""
    if not disposition:
        return ""
    message = Message()
    message["Content-Disposition"] = re.sub(r"[\r\n]", " ", disposition)
    try:
        name: str = message.get_filename("")
    except ValueError:  # a charset or a number of a part that Python does not read
        raise FileNameRefused("文件名无法识别，请更换。") from None
    try:
        return name.encode("latin-1").decode()  # browsers write UTF-8 as it is
    except UnicodeError:
        return name
