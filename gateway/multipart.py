"""Forms with one file (multipart/form-data), read as strictly as forms without."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING, Any, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from gateway.limits import header, read_body
from gateway.refusals import BodyBroken, MediaTypeRefused, RequestInvalid
from gateway.uploads import check_upload
from services.common.errors import Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope

    from gateway.limits import Limits

_KIND: Final = "multipart/form-data"
_LONGEST_BOUNDARY: Final = 70  # RFC 2046
_MOST_PARTS: Final = 20
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_NO_FILE: Final = "请选择文件。"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a form."""

    data: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class UploadForm:
    """What a form with a file holds.

    Args:
        file: the name of the file's field.
        fields: each other field's name, and the most characters it takes.
    """

    file: str
    fields: Mapping[str, int]

    async def read(
        self, scope: Scope, receive: Receive, limits: Limits
    ) -> tuple[dict[str, str], Upload]:
        """The fields by name, and the file.

        Raises:
            MediaTypeRefused: it is no form with a file.
            BodyTooLarge, BodyTooSlow, BodyBroken.
            RequestInvalid: a field is unknown, missing, doubled, too long or no text; each by name.
            UploadTypeRefused, FileNameRefused: the file is of no kind that departments read.
        """
        if header(scope, b"content-encoding") not in (b"", b"identity"):
            raise MediaTypeRefused("请求内容不得压缩（Content-Encoding）。")
        boundary = _boundary(header(scope, b"content-type").decode("latin-1"))
        return self.parse(await read_body(scope, receive, limits.upload_bytes, limits), boundary)

    def parse(self, body: bytes, boundary: str) -> tuple[dict[str, str], Upload]:
        """The fields and the file of a body. Raises: see `read`."""
        found: dict[str, str] = {}
        faults: list[Violation] = []
        upload, disposition = None, ""
        parts = _Parts(boundary)
        parts.take(body)
        for head, data in parts.found:
            name = head.get_param("name", "", "content-disposition")
            name = name if isinstance(name, str) else ""
            if name == self.file and upload is None:
                upload = Upload(data, head.get("content-type", ""))
                disposition = head.get("content-disposition", "")
            elif fault := self._fault(name, _text(data), found):
                faults.append(Violation(name if name in self.fields else "body", fault))
            else:
                found[name] = _text(data) or ""
        named = {fault.field for fault in faults}
        missing = [name for name in self.fields if name not in {*found, *named}]
        faults += [Violation(name, "请填写。") for name in missing]
        if faults:
            raise RequestInvalid("表单填写有误，请返回修改后重新提交。", *faults)
        if upload is None or not upload.data:
            raise RequestInvalid(_NO_FILE, Violation(self.file, _NO_FILE))
        check_upload(upload.media_type, disposition, upload.data)
        return found, upload

    def _fault(self, name: str, value: str | None, found: Mapping[str, str]) -> str:
        """What is wrong with a field; empty where nothing is."""
        if name not in self.fields:
            return "没有这个字段。"
        if name in found:
            return "只能出现一次。"
        if value is None or _CONTROL.search(value):
            return "应为 UTF-8 文本，不得含有控制字符。"
        if len(value) > self.fields[name]:
            return f"最多 {self.fields[name]} 个字。"
        return ""


def _boundary(content_type: str) -> str:
    """What stands between the parts. Raises: MediaTypeRefused."""
    head = Message()
    head["content-type"] = content_type
    boundary = head.get_param("boundary", "")
    good = isinstance(boundary, str) and 0 < len(boundary) <= _LONGEST_BOUNDARY
    if head.get_content_type() != _KIND or not good or not str(boundary).isascii():
        raise MediaTypeRefused(f"上传文件的表单应为 {_KIND}。")
    return str(boundary)


class _Parts:
    """Each part's head and content, as the parser comes to them. Raises: BodyBroken."""

    def __init__(self, boundary: str) -> None:
        self.found: list[tuple[Message, bytes]] = []
        self._ended = False
        self._head, self._content = Message(), bytearray()
        self._name, self._value = bytearray(), bytearray()
        told = ["part_begin", "header_field", "header_value", "header_end", "part_data"]
        told += ["part_end", "end"]
        callbacks: Any = {f"on_{name}": getattr(self, f"_{name}") for name in told}
        self._parser = MultipartParser(boundary, callbacks)

    def take(self, body: bytes) -> None:
        """Read a whole body."""
        try:
            self._parser.write(body)
            self._parser.finalize()
        except FormParserError:
            raise _broken() from None
        if not self._ended:
            raise _broken()

    def _part_begin(self) -> None:
        if len(self.found) == _MOST_PARTS:
            raise _broken()
        self._head, self._content = Message(), bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._head[self._name.decode("latin-1")] = self._value.decode("latin-1")
        self._name, self._value = bytearray(), bytearray()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def _part_end(self) -> None:
        self.found.append((self._head, bytes(self._content)))

    def _end(self) -> None:
        self._ended = True


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _broken() -> BodyBroken:
    return BodyBroken("表单内容不完整，请返回后重新提交。")
