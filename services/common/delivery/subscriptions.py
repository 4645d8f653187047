"""Who hears what: the decorators a worker's methods carry, and what they say together."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.message import Message

Method = TypeVar("Method", bound="Callable[..., None]")
Look = TypeVar("Look", bound="Callable[..., bool]")

RECORDS = "records"  # a fact about many aggregates has this list
REPLACED = "replaced"
"""Type of the message that says: the copy is whole now, what it has of an older epoch is gone."""
_MARKS = "zhengtong_subscriptions"
_FORGETS = "zhengtong_forgets"
_EVERY = "zhengtong_every"


class HandlerMalformed(TypeError):
    """A worker cannot be read: found when its module or its department is loaded."""


class BulkFactRefused(HandlerMalformed):
    """A fact about many aggregates is for copies; nothing may react to it."""


class Reading(StrEnum):
    """The two ways to read facts."""

    REACTS = "reacts"
    PROJECTS = "projects"


@dataclass(frozen=True, slots=True)
class Clocked:
    """A method of a department's worker that looks at the clock.

    Args:
        every: seconds between looks.
    """

    method: str
    every: float


@dataclass(frozen=True, slots=True)
class Mark:
    """What one decorator says about one method."""

    reading: Reading
    fact: type[Message]
    copy: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """One queue: the facts of one type, for one method of one department's worker.

    Args:
        forgets: the method that removes a subject from the copy; empty for what reacts.
    """

    department: str
    method: str
    reading: Reading
    fact: type[Message]
    copy: str
    forgets: str = ""

    @property
    def type(self) -> str:
        """Full protobuf name of the fact: the routing key."""
        return str(self.fact.DESCRIPTOR.full_name)

    @property
    def source(self) -> str:
        """The department that tells it."""
        return source_of(self.fact)

    @property
    def queue(self) -> str:
        """The name that nameko gives the queue of an event handler."""
        return f"evt-{self.source}-{self.type}--{self.department}.{self.method}"

    @property
    def bulk(self) -> bool:
        """Whether each fact tells of many aggregates."""
        return is_bulk(self.fact)


def by_the_clock(*, every: float) -> Callable[[Look], Look]:
    """Call a method (self, store) each `every` seconds, in one transaction.

    It does a part of what is due and answers whether there may be more, which is done at once.
    Several processes may look at once: what one has done, the others find done.
    """

    def mark(method: Look) -> Look:
        setattr(method, _EVERY, every)
        return method

    return mark


def clocked(worker: type[Any]) -> list[Clocked]:
    """The methods of a worker that look at the clock."""
    return [
        Clocked(name, getattr(method, _EVERY))
        for name, method in sorted(vars(worker).items())
        if hasattr(method, _EVERY)
    ]


def reacts(fact: type[Message]) -> Callable[[Method], Method]:
    """Let each fact of this type act once: effect and mark in the inbox are one transaction.

    Once is promised, order is not. May be repeated on one method for several facts.

    Raises:
        BulkFactRefused: the fact has a list `records`.
        HandlerMalformed: not a fact of a department, or not a method (self, event, store).
    """
    if is_bulk(fact):
        raise BulkFactRefused(f"{fact.DESCRIPTOR.full_name} is about many aggregates: project it")
    return _marking(Mark(Reading.REACTS, fact, ""))


def projects(fact: type[Message], *, copy: str = "") -> Callable[[Method], Method]:
    """Keep a copy by facts that carry the complete state: the latest version of a subject wins.

    Versions that are superseded may never be seen. A fact about many aggregates is handed over
    record by record: `event.subject` and `event.version` are the record's, `event.fact` is it.

    A new copy is filled from the source's snapshot: one of its facts has to be of the type that the
    snapshot tells the subjects by. What a restored source no longer has is handed to the method
    that `forgets`.

    Args:
        copy: which of the department's copies of that source the fact feeds. The facts that
            create, change and remove the same subjects name the same copy.

    Raises:
        HandlerMalformed: not a fact of a department, or not a method (self, event, store).
    """
    return _marking(Mark(Reading.PROJECTS, fact, copy))


def forgets(source: str, *, copy: str = "") -> Callable[[Method], Method]:
    """Remove `event.subject` from a copy: its source was restored and no longer has it.

    The event carries no fact: `event.fact` is None.

    Args:
        source: the department that the copy is of.
        copy: as in `projects`.
    """

    def decorate(method: Method) -> Method:
        _refuse_other_shapes(method)
        setattr(method, _FORGETS, [*getattr(method, _FORGETS, []), (source, copy)])
        return method

    return decorate


def _marking(mark: Mark) -> Callable[[Method], Method]:
    source_of(mark.fact)

    def decorate(method: Method) -> Method:
        _refuse_other_shapes(method)
        setattr(method, _MARKS, [*getattr(method, _MARKS, []), mark])
        return method

    return decorate


def _refuse_other_shapes(method: Callable[..., None]) -> None:
    parameters = inspect.signature(method).parameters
    if len(parameters) != 3:
        name = method.__qualname__
        raise HandlerMalformed(f"{name}: expected (self, event, store), got {parameters}")


def subscriptions(worker: type[Any]) -> list[Subscription]:
    """All that a worker class subscribes to, in order of the queues' names.

    Raises:
        HandlerMalformed: the class has no name, has handlers but no store, says a thing twice, or
            keeps a copy and has no method that forgets a subject of it.
    """
    name = getattr(worker, "name", None)
    if not isinstance(name, str) or not name:
        raise HandlerMalformed(f"{worker!r}: expected a class attribute `name`")
    forgetful = _forgetful(worker)
    found = [
        Subscription(
            name, method, mark.reading, mark.fact, mark.copy, _forgets(mark, method, forgetful)
        )
        for method, function in inspect.getmembers(worker, inspect.isfunction)
        for mark in getattr(function, _MARKS, ())
    ]
    if found and not callable(getattr(worker, "store", None)):
        raise HandlerMalformed(f"{name}: expected a class attribute `store`")
    _refuse_doubles(found)
    return sorted(found, key=lambda one: one.queue)


def _forgetful(worker: type[Any]) -> dict[tuple[str, str], str]:
    """The method that forgets, of each (source, copy)."""
    return {
        copy: method
        for method, function in inspect.getmembers(worker, inspect.isfunction)
        for copy in getattr(function, _FORGETS, ())
    }


def _forgets(mark: Mark, method: str, forgetful: Mapping[tuple[str, str], str]) -> str:
    if mark.reading is Reading.REACTS:
        return ""
    copy = (source_of(mark.fact), mark.copy)
    if copy not in forgetful:
        raise HandlerMalformed(f"{method}: no method @forgets{copy}")
    return forgetful[copy]


def _refuse_doubles(found: list[Subscription]) -> None:
    """Two readers of the same thing would take facts from each other."""
    seen: set[tuple[str, ...]] = set()
    for one in found:
        # The second projector of a copy would find its versions there already, and do nothing.
        other = one.copy if one.reading is Reading.PROJECTS else one.method
        key = (one.reading, one.type, other)
        if key in seen:
            raise HandlerMalformed(f"{one.department}.{one.method}: {one.type} is read already")
        seen.add(key)


def is_bulk(fact: type[Message]) -> bool:
    """Whether a fact is about many aggregates."""
    field = fact.DESCRIPTOR.fields_by_name.get(RECORDS)
    return field is not None and field.type == FieldDescriptor.TYPE_MESSAGE and field.is_repeated


def source_of(fact: type[Message]) -> str:
    """The department that tells a fact: `zhengtong.<source>.v1.<Fact>`.

    Raises:
        HandlerMalformed: the message lies elsewhere.
    """
    parts = fact.DESCRIPTOR.full_name.split(".")
    if len(parts) != 4 or parts[0] != "zhengtong":
        raise HandlerMalformed(f"{fact.DESCRIPTOR.full_name} is no fact of a department")
    return str(parts[1])
