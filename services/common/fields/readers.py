"""Readers of single values: texts, numbers, codes, days, and records within records."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from services.common import identifiers
from services.common.errors import Violation

T = TypeVar("T")

_SEPARATORS = re.compile(r"[,，、;；|]")
_TRUE = {"1", "是", "true", "True", "TRUE", "y", "Y"}
_FALSE = {"0", "否", "false", "False", "FALSE", "n", "N"}
_LARGEST = 2**31 - 1
_AMOUNT = re.compile(
    r"(?=\.?[0-9])(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.(?P<decimals>[0-9]*))?", re.ASCII
)
_BLANKS = frozenset("\u3000\xa0\u2002\u2003")
_BREAKS = frozenset("\n\r\t")


class FieldInvalid(ValueError):
    """A value cannot be what its field holds; the text says what to do, in Chinese."""

    def __init__(self, text: str, path: str = "") -> None:
        super().__init__(text)
        self.path = path


@dataclass(frozen=True, slots=True)
class Reader:
    """How one field is read.

    Args:
        read: the value, not blank, to the domain's.
        absent: what a missing or blank value stands for.
    """

    read: Callable[[Any], Any]
    absent: Any


def read_record(
    values: Mapping[str, Any],
    readers: Mapping[str, Reader],
    *,
    required: Collection[str] = (),
    ignored: Collection[str] = (),
) -> tuple[dict[str, Any], list[Violation]]:
    """The fields of a record that were given, read; and what is wrong with it.

    Args:
        required: fields that may not be blank.
        ignored: names that may stand there and are passed over (what only the server writes).
    """
    given: dict[str, Any] = {}
    wrong: list[Violation] = []
    for name, value in values.items():
        reader = readers.get(name)
        if reader is None:
            if name not in ignored:
                wrong.append(Violation(shown(name), "没有这个字段，请删去或更正名称"))
            continue
        if value is None or (not value and isinstance(value, str | list)):
            continue
        try:
            given[name] = reader.read(value)
        except FieldInvalid as error:
            wrong.append(Violation(name + error.path, str(error)))
    faulty = {violation.field for violation in wrong}
    wrong += [
        Violation(name, "不能为空")
        for name in required
        if name not in faulty and given.get(name) in (None, "", ())
    ]
    return given, wrong


def shown(name: object) -> str:
    """A name that a stranger chose, fit to be shown: short and printable."""
    text = str(name)[:60]
    return text if text.isprintable() else ascii(text)


def text(limit: int, *, lines: bool = False) -> Reader:
    """A text of at most `limit` characters, trimmed; with line breaks only where `lines`."""

    def read(value: Any) -> str:
        if value.__class__ is str and len(value) <= limit and value.isprintable():
            return str.strip(value)  # nearly every value there is
        if not isinstance(value, str):
            if isinstance(value, bool) or not isinstance(value, int):
                raise FieldInvalid("应为文本")
            value = str(value)
        value = value.strip()
        if not value.isprintable() and not _clean(value, lines=lines):
            raise FieldInvalid("含有不可见的控制字符，请删去")
        if len(value) > limit:
            raise FieldInvalid(f"不得超过 {limit} 个字")
        return str(value)

    return Reader(read, "")


def _clean(value: str, *, lines: bool) -> bool:
    """Whether all that is unprintable are blanks, and line breaks only where they may be."""
    allowed = _BLANKS | _BREAKS if lines else _BLANKS
    return all(character.isprintable() or character in allowed for character in value)


def matching(pattern: str, limit: int, what: str) -> Reader:
    """A text that matches `pattern` whole; `what` says what is expected."""
    compiled = re.compile(pattern)
    inner = text(limit).read

    def read(value: Any) -> str:
        found = inner(value)
        if found and not compiled.fullmatch(found):
            raise FieldInvalid(f"应为{what}")
        return str(found)

    return Reader(read, "")


def whole(low: int = 0, high: int = _LARGEST) -> Reader:
    """A whole number from `low` to `high`."""

    def read(value: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,12}", value.strip()):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise FieldInvalid(f"应为 {low} 至 {high} 的整数")
        return value

    return Reader(read, 0)


def number(low: float, high: float) -> Reader:
    """A number from `low` to `high`."""

    def read(value: Any) -> float:
        try:
            found = float(value) if isinstance(value, str | int | float) else float("nan")
        except (ValueError, OverflowError):
            found = float("nan")
        if isinstance(value, bool) or not low <= found <= high:
            raise FieldInvalid(f"应为 {low} 至 {high} 的数")
        return found

    return Reader(read, 0.0)


def amount(places: int, *, limit: int = 10**12) -> Reader:
    """An amount as an exact decimal with at most `places` decimals, from 0, below `limit`.

    A comma stands between thousands only, so that 1,5 is never read as 15.
    """

    def read(value: Any) -> Decimal:
        # A float's shortest text is what its writer typed; its binary value never is.
        typed = format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)
        written = _AMOUNT.fullmatch(unicodedata.normalize("NFKC", typed).strip())
        if written is None:
            raise FieldInvalid("应为不小于 0 的数额")
        if len((written["decimals"] or "").rstrip("0")) > places:
            raise FieldInvalid(f"小数不得超过 {places} 位")
        found = Decimal(written[0].replace(",", ""))
        if found >= limit:
            raise FieldInvalid(f"应小于 {limit}")
        return found

    return Reader(read, None)


def flag() -> Reader:
    """Yes or no: true/false, 1/0, 是/否."""

    def read(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        found = str(value).strip() if isinstance(value, str | int) else ""
        if found not in _TRUE | _FALSE:
            raise FieldInvalid("应为“是”或“否”")
        return found in _TRUE

    return Reader(read, False)  # noqa: FBT003  (the absent value is data)


def code(table: Mapping[str, str], *, width: int = 1) -> Reader:
    """A code of `table` (code to name), or its name; digits are padded to `width`."""
    by_name = {name: key for key, name in table.items()}
    listing = "、".join(f"{key} {name}" for key, name in table.items())
    said = listing if len(listing) <= 160 else listing[:160] + "…"

    def read(value: Any) -> str:
        found = value
        if isinstance(value, int) and not isinstance(value, bool):
            found = str(value)
        if isinstance(found, str):
            found = found.strip()
            if found in table:
                return found
            if found in by_name:
                return by_name[found]
            if found.isdecimal() and found.zfill(width) in table:
                return found.zfill(width)
        raise FieldInvalid(f"应为代码表中的一项：{said}")

    return Reader(read, "")


def codes(table: Mapping[str, str], *, width: int = 1) -> Reader:
    """Several codes of `table`, each once, in the order given."""
    one = code(table, width=width).read
    return Reader(lambda value: _several(value, one, len(table)), ())


def texts(limit: int, count: int) -> Reader:
    """At most `count` texts, each once."""
    one = text(limit).read
    return Reader(lambda value: _several(value, one, count), ())


def _several(value: Any, one: Callable[[Any], Any], count: int) -> tuple[Any, ...]:
    parts = _list_in(value, split=True)
    found = tuple(dict.fromkeys(one(part) for part in parts if part not in (None, "")))
    if len(found) > count:
        raise FieldInvalid(f"不得超过 {count} 项")
    return found


def _list_in(value: Any, *, split: bool) -> Sequence[Any]:
    """A list as JSON has it, or as one cell of a CSV file holds it."""
    if isinstance(value, str):
        stripped = value.strip()
        if stripped.startswith("["):
            try:
                value = json.loads(stripped)
            except (ValueError, RecursionError):
                raise FieldInvalid("不是完整的 JSON 列表") from None
        elif split:
            return [part.strip() for part in _SEPARATORS.split(stripped)]
    if isinstance(value, list | tuple):
        return value
    if split and isinstance(value, int) and not isinstance(value, bool):
        return [value]
    raise FieldInvalid("应为列表")


def records(
    build: Callable[..., T], readers: Mapping[str, Reader], *, count: int, required: Collection[str]
) -> Reader:
    """At most `count` records of one kind, each made by `build`; in CSV as a JSON list."""

    def read(value: Any) -> tuple[T, ...]:
        parts = _list_in(value, split=False)
        if len(parts) > count:
            raise FieldInvalid(f"不得超过 {count} 项")
        return tuple(one(part, index) for index, part in enumerate(parts))

    def one(part: Any, index: int) -> T:
        if not isinstance(part, Mapping):
            raise FieldInvalid("应为对象", f"[{index}]")
        given, wrong = read_record(part, readers, required=required)
        if wrong:
            raise FieldInvalid(wrong[0].description, f"[{index}].{wrong[0].field}")
        return build(**given)

    return Reader(read, ())


def day() -> Reader:
    """A calendar date, as ISO 8601 or 2024/1/5 or 20240105; given as ISO 8601 text."""

    def read(value: Any) -> str:
        found = value.strip() if isinstance(value, str) else str(value)
        try:
            if "/" in found:
                year, month, number = (int(part) for part in found.split("/"))
                return date(year, month, number).isoformat()
            cut = found[:10] if found[10:11] in (" ", "T") else found
            return date.fromisoformat(cut).isoformat()
        except ValueError:
            raise FieldInvalid("应为日期，如 2024-01-05") from None

    return Reader(read, "")


def moment() -> Reader:
    """A moment with its zone, ISO 8601; given in UTC."""

    def read(value: Any) -> datetime:
        try:
            found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
            if isinstance(found, datetime) and found.tzinfo is not None:
                return found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise FieldInvalid("应为带时区的时间，如 2024-01-05T08:00:00+08:00")

    return Reader(read, None)


def uscc(*, registry: bool) -> Reader:
    """A 统一社会信用代码; from a registry also one of the lawful exceptions that fail a check."""

    def read(value: Any) -> str:
        found = identifiers.normalise_code(value) if isinstance(value, str) else ""
        problem = identifiers.uscc_problem(found)
        if problem and not (registry and identifiers.has_uscc_exception(found)):
            raise FieldInvalid(problem)
        return found

    return Reader(read, "")


def region() -> Reader:
    """A 行政区划代码, given as 12 digits."""

    def read(value: Any) -> str:
        found = value.strip() if isinstance(value, str) else str(value)
        known = identifiers.region_code(found)
        if known is None:
            raise FieldInvalid("应为 12 位区划代码，如 530100000000")
        return known

    return Reader(read, "")
