"""Forms that pages send: read strictly, each field once, with nothing in it that was not asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from gateway.limits import header, read_body
from gateway.refusals import MediaTypeRefused, RequestInvalid
from services.common.errors import Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope

    from gateway.limits import Limits

FORM_BYTES: Final = 16 * 1024
_MEDIA_TYPE: Final = b"application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 50
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_TELLABLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """What a form holds.

    Args:
        fields: each field's name, and the most characters it takes.
        optional: those that may be absent, as boxes that nobody ticked are.
    """

    fields: Mapping[str, int]
    optional: frozenset[str] = field(default=frozenset())

    async def read(self, scope: Scope, receive: Receive, limits: Limits) -> dict[str, str]:
        """The fields of the request's body by name; an absent one is not among them.

        Raises:
            MediaTypeRefused: it is no form, or one that is not in UTF-8.
            BodyTooLarge, BodyTooSlow, BodyBroken.
            RequestInvalid: a field is unknown, missing, doubled, too long or no text; each by name.
        """
        if header(scope, b"content-encoding") not in (b"", b"identity"):
            raise MediaTypeRefused("请求内容不得压缩（Content-Encoding）。")
        kind, _, more = header(scope, b"content-type").lower().partition(b";")
        charset = more.replace(b" ", b"").replace(b'"', b"")
        if kind.strip() != _MEDIA_TYPE or charset not in (b"", b"charset=utf-8"):
            raise MediaTypeRefused("表单应为 application/x-www-form-urlencoded（UTF-8）。")
        return self.parse(await read_body(scope, receive, FORM_BYTES, limits))

    def parse(self, body: bytes) -> dict[str, str]:
        """The fields of a body.

        Raises:
            RequestInvalid: see `read`.
        """
        pairs = [pair for pair in body.split(b"&") if pair]
        if len(pairs) > _MOST_FIELDS:
            raise _wrong(Violation("body", f"表单的字段过多，最多 {_MOST_FIELDS} 个。"))
        found: dict[str, str] = {}
        faults: list[Violation] = []
        for pair in pairs:
            raw_name, _, raw_value = pair.partition(b"=")
            name = _text(raw_name) or ""
            if fault := self._fault(name, _text(raw_value), found):
                faults.append(Violation(name if _TELLABLE.fullmatch(name) else "body", fault))
            else:
                found[name] = _text(raw_value) or ""
        named = {fault.field for fault in faults}
        missing = [name for name in self.fields if name not in {*found, *named, *self.optional}]
        faults += [Violation(name, "请填写。") for name in missing]
        if faults:
            raise _wrong(*faults)
        return found

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


def _text(raw: bytes) -> str | None:
    """Percent-decoded; None where it is not UTF-8."""
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        return None


def _wrong(*faults: Violation) -> RequestInvalid:
    return RequestInvalid("表单填写有误，请返回修改后重新提交。", *faults)
