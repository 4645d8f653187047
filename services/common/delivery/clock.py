"""What a department does when a time has come: a method of its worker, called again and again.

Visible by the clock is what answers say; what others are told of a moment that passes is told here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from services.common.access import Caller
from services.common.telemetry import current_traceparent, tracer
from services.common.transaction import Request, StoreUnavailable, Unit, record, transact

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymongo.client_session import ClientSession

    from services.common.delivery.readers import Department

Method = TypeVar("Method", bound="Callable[..., bool]")

_EVERY = "zhengtong_every"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clocked:
    """A method of a department's worker that looks at the clock.

    Args:
        every: seconds between looks.
    """

    method: str
    every: float


def by_the_clock(*, every: float) -> Callable[[Method], Method]:
    """Call a method (self, store) each `every` seconds, in one transaction.

    It does a part of what is due and answers whether there may be more, which is done at once.
    Several processes may look at once: what one has done, the others find done.
    """

    def mark(method: Method) -> Method:
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


def look(department: Department, one: Clocked) -> None:
    """Do all that is due now, part by part; what fails is said, and due at the next look."""
    try:
        while transact(department.database, partial(_part, department, one)):
            pass
    except StoreUnavailable as error:
        logger.warning("%s: %s waits: %s", department.worker.name, one.method, error)
    except Exception:
        # Nothing was done of the part that failed, and a worker must not end by it.
        logger.exception("%s: %s failed", department.worker.name, one.method)


def _part(department: Department, one: Clocked, session: ClientSession) -> bool:
    unit = Unit(department.database, session, department.now())
    name = department.worker.name
    with tracer.start_as_current_span(f"{name}.{one.method}"):
        method: Callable[[Any], bool] = getattr(department.worker, one.method)
        more = method(type(department.worker).store(unit))
        record([(unit, _request(name, one, unit))])
    return more


def _request(department: str, one: Clocked, unit: Unit) -> Request:
    """What the audit row says: the department itself, because its time had come."""
    return Request(
        caller=Caller(department, "service", purpose="clock"),
        call=f"{department}.{one.method}",
        request_id="",
        fingerprint=b"",
        now=unit.now,
        traceparent=current_traceparent(),
    )
