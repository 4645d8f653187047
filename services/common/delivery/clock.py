"""What a department does when a time has come: a method of its worker, called again and again.

Visible by the clock is what answers say; what others are told of a moment that passes is told here.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from services.common.access import Caller
from services.common.telemetry import current_traceparent
from services.common.transaction import Request, StoreUnavailable, Unit, record, transact

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymongo.client_session import ClientSession

    from services.common.delivery.readers import Department
    from services.common.delivery.subscriptions import Clocked

logger = logging.getLogger(__name__)


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
