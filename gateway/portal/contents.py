"""What a message holds, as lines of a page: each field by the Chinese name in its contract."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from gateway.contracts import HTTP_BODY, TIMESTAMP
from gateway.openapi.texts import chinese_name, only_server_writes
from gateway.portal import labels
from gateway.portal.writing import moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    """The rows of a file that somebody sent.

    Args:
        rows: as long as `names`, each with the number of its row first.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


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
    told: dict[str, Any] = json.loads(said)
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


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows may name different columns; each column stands where it came first."""
    names = tuple(dict.fromkeys(name for row in rows for name in row["values"]))
    cells = ((str(row["row"]), *(_cell(row["values"].get(name)) for name in names)) for row in rows)
    return Table(("行号", *names), tuple(cells))


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
