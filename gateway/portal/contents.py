"""What a message holds, as lines of a page: each field by the Chinese name in its contract."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from gateway.contracts import HTTP_BODY, TIMESTAMP
from gateway.openapi.texts import chinese_name, only_server_writes
from gateway.portal import labels
from gateway.portal.writing import moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "task_type": labels.TASK_TYPES,
    "use_level": labels.USE_LEVELS,
    "server_type": labels.SERVER_TYPES,
    "project_type": labels.PROJECT_TYPES,
    "power_source": labels.POWER_SOURCES,
    "special_procedure": labels.SPECIAL_PROCEDURES,
    "handle_type": labels.HANDLE_TYPES,
    "handle_area": labels.HANDLE_AREAS,
    "online_depth": labels.ONLINE_DEPTHS,
    "anticipate_type": labels.TIME_UNITS,
    "promise_type": labels.TIME_UNITS,
    "validity": labels.VALIDITIES,
}
"""What a code means, by the name of the field that holds it."""
_OF_CALLS: Final = frozenset({"version", "request_id"})
MOST_COLUMNS: Final = 100
"""No shape has as many; a file that names more would make a page that nobody can open."""
_OTHERS: Final = "其他内容"
_UNREADABLE: Final = "（无法识别的一行）"
_YES, _NO = "是", "否"


@dataclass(frozen=True, slots=True)
class Line:
    """One field: its name, and what it says or what it is made of.

    Args:
        parts: one for each message that the field holds.
    """

    name: str
    text: str = ""
    parts: tuple[tuple[Line, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file that somebody sent, as they came: some may be no rows at all.

    Args:
        columns: the first `MOST_COLUMNS` names; what has another name stands in the last cell.
        rows: each with its number (`row`) and what it says by name (`values`).
        folded: there is such a last cell.
    """

    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    folded: bool

    @property
    def names(self) -> list[str]:
        """What stands above the cells."""
        return ["行号", *self.columns, *([_OTHERS] if self.folded else [])]

    def cells(self, at_most: int | None = None) -> Iterator[list[str]]:
        """The cells of the first rows, made as they are asked for."""
        for row in self.rows[:at_most]:
            values = row["values"]
            named = values if isinstance(values, dict) else {}
            line = [str(row["row"]), *(_cell(named.get(name)) for name in self.columns)]
            yield [*line, self._others(values)] if self.folded else line

    def _others(self, values: Any) -> str:
        if not isinstance(values, dict):
            return _UNREADABLE if values is None else _cell(values)
        others = {name: value for name, value in values.items() if name not in self.columns}
        return _cell(others) if others else ""


@dataclass(frozen=True, slots=True)
class Content:
    """What a request would do, for a person to read.

    Args:
        text: a file of which only its text can be shown.
    """

    lines: tuple[Line, ...] = ()
    table: Table | None = None
    text: str = ""


def content_of(method: MethodDescriptor, said: str) -> Content:
    """A request that `zhengtong.review.v1` tells as JSON.

    Args:
        said: the JSON; empty where it is no longer kept.
    """
    if not said:
        return Content()
    told: dict[str, Any] = orjson.loads(said)
    rows, text = told.pop("rows", None), told.pop("text", "")
    table = _table(rows) if rows is not None else None
    return Content(_top(method.input_type, told), table, text)


def _top(request: Descriptor, told: Mapping[str, Any]) -> tuple[Line, ...]:
    """The thing that a request is about, without the request around it."""
    lines: list[Line] = []
    for name, value in told.items():
        field = request.fields_by_name.get(name)
        if field is None or name in _OF_CALLS or not _is_shown(field):
            continue
        if isinstance(value, dict) and field.message_type is not None:
            lines += _lines(field.message_type, value)
        else:
            lines.append(_line(field, value))
    return tuple(lines)


def line_of(message: Descriptor, name: str, said: str) -> Line | None:
    """One field of a message by its JSON; None: it is blank, or no field that is shown.

    Args:
        said: the value as protobuf JSON; empty where it is blank.
    """
    field = message.fields_by_name.get(name)
    return _line(field, orjson.loads(said)) if field is not None and said else None


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows may name different columns; each column stands where it came first."""
    said = [row["values"] for row in rows]
    names = dict.fromkeys(name for values in said if isinstance(values, dict) for name in values)
    odd = any(not isinstance(values, dict) for values in said)
    return Table(tuple(names)[:MOST_COLUMNS], rows, odd or len(names) > MOST_COLUMNS)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return _YES if value else _NO
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _lines(message: Descriptor, told: Mapping[str, Any]) -> tuple[Line, ...]:
    fields = (message.fields_by_name.get(name) for name in told)
    return tuple(
        _line(field, told[field.name]) for field in fields if field is not None and _is_shown(field)
    )


def _is_shown(field: FieldDescriptor) -> bool:
    message = field.message_type
    return not only_server_writes(field.full_name) and (
        message is None or message.full_name != HTTP_BODY
    )


def _line(field: FieldDescriptor, value: Any) -> Line:
    name = chinese_name(field.full_name) or field.name
    values = value if isinstance(value, list) else [value]
    message = field.message_type
    if message is not None and message.full_name != TIMESTAMP:
        return Line(name, parts=tuple(_lines(message, one) for one in values))
    return Line(name, "、".join(_text(field, one) for one in values))


def _text(field: FieldDescriptor, value: Any) -> str:
    if field.message_type is not None:
        return moment(datetime.fromisoformat(value))
    if field.enum_type is not None:
        return chinese_name(f"{field.enum_type.full_name}.{value}") or str(value)
    if isinstance(value, bool):
        return _YES if value else _NO
    known = CODES.get(field.name, {}).get(str(value))
    return f"{value} {known}" if known else str(value)
