"""Single values of a request, from JSON and from text; whatever is not exactly right is refused.

protobuf's own JSON reader is more forgiving than an edge should be: it takes numbers for enums,
strings for numbers, any control character, and drops enum names it does not know in places.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.contracts import TIMESTAMP, ContractUnclear

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import EnumDescriptor

# C0 but for tab and line ends, DEL, C1; and surrogates, which only a broken escape or broken
# UTF-8 can leave in a Python string.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,32}(\.[0-9]{1,32})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
    re.ASCII,
)
_EXACT = 2**53  # beyond it a JSON number written with a point is no exact integer

_KIND = FieldDescriptor
NARROW = frozenset(
    {
        _KIND.TYPE_INT32,
        _KIND.TYPE_SINT32,
        _KIND.TYPE_SFIXED32,
        _KIND.TYPE_UINT32,
        _KIND.TYPE_FIXED32,
    }
)
"""Integers that JSON numbers hold."""
WIDE = frozenset(
    {
        _KIND.TYPE_INT64,
        _KIND.TYPE_SINT64,
        _KIND.TYPE_SFIXED64,
        _KIND.TYPE_UINT64,
        _KIND.TYPE_FIXED64,
    }
)
"""Integers that JSON numbers do not hold exactly: written as strings."""
_UNSIGNED = frozenset(
    {_KIND.TYPE_UINT32, _KIND.TYPE_FIXED32, _KIND.TYPE_UINT64, _KIND.TYPE_FIXED64}
)


class Wrong(ValueError):
    """A value that its field does not take; the text says what it does take, in Chinese."""


def json_reader(field: FieldDescriptor) -> Callable[[Any], Any]:
    """What reads one value of `field` from a JSON tree.

    Raises:
        ContractUnclear: the field's type is not served over HTTP.
    """
    if field.type == _KIND.TYPE_STRING:
        return _json_string
    if field.type == _KIND.TYPE_BOOL:
        return _json_bool
    if field.type in NARROW | WIDE:
        return _json_integer(field.type)
    if field.type == _KIND.TYPE_DOUBLE:
        return _json_double
    if field.enum_type:
        return _enum(field.enum_type)
    if is_timestamp(field):
        return _timestamp
    raise ContractUnclear(f"{field.full_name}: this type is not served over HTTP")


def text_reader(field: FieldDescriptor) -> Callable[[str], Any]:
    """What reads one value of `field` from a path or a query.

    Raises:
        ContractUnclear: the field's type is not served over HTTP.
    """
    if field.type == _KIND.TYPE_STRING:
        return _text_string
    if field.type == _KIND.TYPE_BOOL:
        return _text_bool
    if field.type in NARROW | WIDE:
        return _text_integer(field.type)
    if field.type == _KIND.TYPE_DOUBLE:
        return _text_double
    return json_reader(field)


def is_timestamp(field: FieldDescriptor) -> bool:
    """Whether the field is written as one RFC 3339 string."""
    return bool(field.message_type and field.message_type.full_name == TIMESTAMP)


def _json_string(value: Any) -> str:
    if type(value) is not str:
        raise Wrong("应为字符串。")
    # isprintable is a quick yes for nearly all text; what it doubts is looked at closely.
    if not value.isprintable() and (found := _CONTROL.search(value)):
        raise Wrong(_about(found.group()))
    return value


def _text_string(value: str) -> str:
    if not value.isprintable() and (found := _CONTROL_IN_LINE.search(value)):
        raise Wrong(_about(found.group()))
    return value


def _about(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "含有无效的字符编码（不是 UTF-8，或孤立的代理项）。"
    return f"含有不允许的控制字符 U+{ord(character):04X}。"


def _json_bool(value: Any) -> bool:
    if type(value) is not bool:
        raise Wrong("应为 true 或 false。")
    return value


def _text_bool(value: str) -> bool:
    if value not in ("true", "false"):
        raise Wrong("应为 true 或 false。")
    return value == "true"


def _json_integer(kind: int) -> Callable[[Any], int]:
    """64-bit integers are read from strings too, for they are written as strings."""
    least, most = _range(kind)
    wide = kind in WIDE

    def read(value: Any) -> int:
        if (type(value) is float and value.is_integer() and abs(value) <= _EXACT) or (
            wide and type(value) is str and _INTEGER.fullmatch(value)
        ):
            value = int(value)
        if type(value) is not int:
            raise Wrong("应为整数。")
        return _within(value, least, most)

    return read


def _range(kind: int) -> tuple[int, int]:
    bits = 64 if kind in WIDE else 32
    return (0, 2**bits - 1) if kind in _UNSIGNED else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _text_integer(kind: int) -> Callable[[str], int]:
    least, most = _range(kind)

    def read(value: str) -> int:
        if not _INTEGER.fullmatch(value):
            raise Wrong("应为整数。")
        return _within(int(value), least, most)

    return read


def _within(value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise Wrong(f"超出范围，应在 {least} 到 {most} 之间。")
    return value


def _json_double(value: Any) -> float:
    if type(value) not in (int, float) or abs(value) >= 2**1023 or not math.isfinite(value):
        raise Wrong("应为有限的数。")
    return float(value)


def _text_double(value: str) -> float:
    if not _NUMBER.fullmatch(value):
        raise Wrong("应为有限的数。")
    return _json_double(float(value))


def _enum(enum: EnumDescriptor) -> Callable[[Any], int]:
    numbers = {name: value.number for name, value in enum.values_by_name.items()}
    text = "没有这个取值，可用：" + "、".join(numbers) + "。"

    def read(value: Any) -> int:
        number = numbers.get(value) if type(value) is str else None
        if number is None:
            raise Wrong(text)
        return number

    return read


def _timestamp(value: Any) -> Timestamp:
    text = "应为 RFC 3339 时间，例如 2025-01-02T03:04:05Z。"
    if type(value) is not str or not _RFC3339.fullmatch(value):
        raise Wrong(text)
    stamp = Timestamp()
    try:
        stamp.FromJsonString(value)
    except (ValueError, OverflowError):
        raise Wrong(text) from None
    return stamp
