"""Records as plain values, as the database keeps them, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from itertools import compress
from operator import attrgetter
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def plain(value: Any) -> dict[str, Any]:
    """A dataclass as plain values, without what is blank: the JSON form of its message.

    Decimals become texts and enums their values; moments stay as they are.
    """
    names, values_of, amounts = _shape(value.__class__)
    values = values_of(value)
    # Most fields of most things are blank: they are passed over before any is looked at.
    told = [part or part.__class__ is Decimal for part in values] if amounts else values
    return {
        name: part if part.__class__ in _AS_THEY_ARE else plain_part(part)
        for name, part in compress(zip(names, values, strict=True), told)
    }


_AS_THEY_ARE = frozenset({str, int, bool, float, datetime})


def plain_part(part: Any) -> Any:
    """The value of one field, as `plain` gives it."""
    if isinstance(part, tuple):
        return [plain(one) if dataclasses.is_dataclass(one) else one for one in part]
    if isinstance(part, Enum):
        return part.value
    return format(part, "f") if isinstance(part, Decimal) else part


@cache
def _shape(kind: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], bool]:
    """The names of a dataclass, what reads all their values at once, and whether any is Decimal."""
    names = tuple(field.name for field in dataclasses.fields(kind))
    hints = get_type_hints(kind).values()
    amounts = any(Decimal in (hint, *get_args(hint)) for hint in hints)
    if len(names) == 1:
        return names, lambda value: (getattr(value, names[0]),), amounts
    return names, attrgetter(*names), amounts


def restore(kind: type[T], values: Mapping[str, Any]) -> T:
    """The dataclass that `plain` made these values of; names it does not have are passed over."""
    return kind(
        **{
            name: form(values[name]) if form else values[name]
            for name, form in _forms(kind).items()
            if name in values
        }
    )


_FORMS: dict[type, dict[str, Callable[[Any], Any] | None]] = {}


def _forms(kind: type) -> dict[str, Callable[[Any], Any] | None]:
    """For each field of a dataclass, how its value is made of a plain one; None: as it is."""
    known = _FORMS.get(kind)
    if known is None:
        hints = get_type_hints(kind)
        known = {field.name: _form(hints[field.name]) for field in dataclasses.fields(kind)}
        _FORMS[kind] = known
    return known


def _form(hint: Any) -> Callable[[Any], Any] | None:
    options = [option for option in get_args(hint) if option is not type(None)]
    if get_origin(hint) is tuple:
        part = options[0]
        if isinstance(part, type) and dataclasses.is_dataclass(part):
            return lambda values: tuple(restore(part, value) for value in values)
        return tuple
    if get_origin(hint) in (Union, UnionType):
        return _form(options[0])
    if isinstance(hint, type) and issubclass(hint, Enum | Decimal):
        return hint
    return None
