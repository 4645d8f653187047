"""A JSON body as the fields of a message; every fault is told with the path of its field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway.contracts import ContractUnclear, message_in
from gateway.transcode.scalars import Wrong, json_reader
from services.common.errors import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from google.protobuf.descriptor import Descriptor, FieldDescriptor

BODY = "body"
"""What a fault of the body as a whole is told about."""

_SHOWN = 80  # characters of a name the caller made up that are said back to them


class Faults:
    """What is wrong with one request, as far as people want to read it."""

    __slots__ = ("violations",)
    most = 20

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def add(self, field: str, description: str) -> None:
        """Note a fault; what comes after the twentieth is not kept."""
        if len(self.violations) < self.most:
            self.violations.append(Violation(shown(field), description))


def shown(name: str) -> str:
    """A name that came from outside, fit to be written into an answer."""
    return name[:_SHOWN].encode("utf-8", "backslashreplace").decode()


class NameTwice(ValueError):
    """An object has two members of one name; which one counts would be anybody's guess."""


def parse(raw: bytes, faults: Faults) -> Any:
    """The JSON tree of a body; an empty body is an empty object.

    Broken UTF-8 and lone surrogates come through as surrogates, so that the field that holds them
    can be named; no reader of strings takes them.
    """
    try:
        text = raw.decode("utf-8", "surrogateescape")
        return json.loads(text, object_pairs_hook=_once) if raw else {}
    except NameTwice as twice:
        faults.add(str(twice), "同一个对象里出现了两次。")
    except json.JSONDecodeError as broken:
        faults.add(BODY, f"不是有效的 JSON：第 {broken.lineno} 行第 {broken.colno} 列有误。")
    except RecursionError:
        faults.add(BODY, "嵌套过深。")
    except ValueError:
        # json's only other ValueError: an integer of more digits than Python converts.
        faults.add(BODY, "含有过长的数字。")
    return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        raise NameTwice(next(name for name in names if names.count(name) > 1))
    return members


class Shape:
    """Reads objects of one message type into keyword arguments of its class.

    Args:
        bound: fields that the path gives; in a body they are refused, even with the same value.

    Raises:
        ContractUnclear: a field is of a type that is not served, or the type contains itself.
    """

    def __init__(
        self,
        message: Descriptor,
        *,
        bound: Collection[str] = (),
        inside: tuple[str, ...] = (),
    ) -> None:
        if message.full_name in inside:
            raise ContractUnclear(f"{message.full_name} contains itself")
        self._scalars: dict[str, Callable[[Any], Any]] = {}
        self._lists: dict[str, Callable[[Any], Any]] = {}
        self._messages: dict[str, Shape] = {}
        self._many: dict[str, Shape] = {}
        self._bound = bound
        self._hints = {field.json_name: field.name for field in message.fields}
        self._choices = [[f.name for f in one.fields] for one in message.oneofs]
        for field in message.fields:
            if field.name not in bound:
                self._learn(field, (*inside, message.full_name))

    def _learn(self, field: FieldDescriptor, inside: tuple[str, ...]) -> None:
        if message := message_in(field):
            shapes = self._many if field.is_repeated else self._messages
            shapes[field.name] = Shape(message, inside=inside)
        else:
            readers = self._lists if field.is_repeated else self._scalars
            readers[field.name] = json_reader(field)

    def read(self, tree: Any, at: str, faults: Faults) -> dict[str, Any]:
        """The fields in `tree`; `at` is the path up to here, ending in a dot unless empty."""
        if type(tree) is not dict:
            faults.add(at[:-1] or BODY, "应为对象。")
            return {}
        fields: dict[str, Any] = {}
        scalars = self._scalars
        for name, value in tree.items():
            reader = scalars.get(name)
            if reader is None:
                self._read_more(name, value, at, fields, faults)
                continue
            try:
                fields[name] = reader(value)
            except Wrong as wrong:
                faults.add(f"{at}{name}", str(wrong))
        for names in self._choices:
            if len(given := [name for name in names if name in fields]) > 1:
                faults.add(f"{at}{given[1]}", f"不能与 {given[0]} 同时出现。")
        return fields

    def _read_more(
        self, name: str, value: Any, at: str, fields: dict[str, Any], faults: Faults
    ) -> None:
        here = f"{at}{name}"
        if name in self._messages:
            fields[name] = self._messages[name].read(value, f"{here}.", faults)
        elif name not in self._many and name not in self._lists:
            faults.add(here, self._unknown(name))
        elif type(value) is not list:
            faults.add(here, "应为数组。")
        elif name in self._many:
            shape = self._many[name]
            fields[name] = [
                shape.read(one, f"{here}[{index}].", faults) for index, one in enumerate(value)
            ]
        else:
            fields[name] = _read_list(self._lists[name], value, here, faults)

    def _unknown(self, name: str) -> str:
        if name in self._bound:
            return "此字段由地址给出，请不要写在请求内容里。"
        known = self._hints.get(name)
        return f"没有这个字段，是否指 {known}？" if known else "没有这个字段。"


def _read_list(
    reader: Callable[[Any], Any], values: list[Any], at: str, faults: Faults
) -> list[Any]:
    read = []
    for index, value in enumerate(values):
        try:
            read.append(reader(value))
        except Wrong as wrong:
            faults.add(f"{at}[{index}]", str(wrong))
    return read
