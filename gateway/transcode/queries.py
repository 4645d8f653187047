"""Query parameters and path variables as the fields of a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from gateway.contracts import HTTP_BODY, ContractUnclear, message_in
from gateway.transcode.scalars import Wrong, text_reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.descriptor import Descriptor, FieldDescriptor

    from gateway.transcode.bodies import Faults

_MOST_PARAMETERS = 100


@dataclass(frozen=True, slots=True)
class Parameter:
    """One field that text can fill, by its path: `region_code`, `filter.kind`."""

    path: tuple[str, ...]
    field: FieldDescriptor
    read: Callable[[str], Any]


def parameters(message: Descriptor, inside: tuple[str, ...] = ()) -> Iterator[Parameter]:
    """Every field of `message` that a query could fill; lists of messages are not among them.

    Raises:
        ContractUnclear: a field is of a type that is not served, or the type contains itself.
    """
    if len(inside) > 8:
        raise ContractUnclear(f"{message.full_name} is too deep for a query")
    for field in message.fields:
        path = (*inside, field.name)
        inner = message_in(field)
        if inner is None:
            yield Parameter(path, field, text_reader(field))
        elif not field.is_repeated and inner.full_name != HTTP_BODY:
            yield from parameters(inner, path)


class Query:
    """Reads query strings into the fields that neither the path nor the body fills."""

    def __init__(self, known: list[Parameter]) -> None:
        self._known = {".".join(parameter.path): parameter for parameter in known}

    def read(self, query: bytes, fields: dict[str, Any], faults: Faults) -> None:
        """Put what `query` says into `fields`."""
        pairs = [pair for pair in query.split(b"&") if pair]
        if len(pairs) > _MOST_PARAMETERS:
            faults.add("query", f"参数过多，最多 {_MOST_PARAMETERS} 个。")
            return
        seen: set[str] = set()
        for pair in pairs:
            raw_name, _, raw_value = pair.partition(b"=")
            name = _text(raw_name)
            parameter = self._known.get(name)
            if parameter is None:
                faults.add(name, "没有这个参数。")
            elif name in seen and not parameter.field.is_repeated:
                faults.add(name, "只能出现一次。")
            else:
                seen.add(name)
                put(parameter, name, _text(raw_value), fields, faults)


def put(
    parameter: Parameter, name: str, value: str, fields: dict[str, Any], faults: Faults
) -> None:
    """Put the text `value` into `fields`, where the parameter's path says."""
    try:
        read = parameter.read(value)
    except Wrong as wrong:
        faults.add(name, str(wrong))
        return
    for part in parameter.path[:-1]:
        fields = fields.setdefault(part, {})
    if parameter.field.is_repeated:
        fields.setdefault(parameter.path[-1], []).append(read)
    else:
        fields[parameter.path[-1]] = read


def _text(raw: bytes) -> str:
    """Percent-decoded; broken UTF-8 stays visible as surrogates, which no reader takes."""
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    return unquote_to_bytes(raw).decode("utf-8", "surrogateescape")


def segment_text(raw: bytes) -> str:
    """One segment of a path, percent-decoded; broken UTF-8 as in a query."""
    return unquote_to_bytes(raw).decode("utf-8", "surrogateescape")
