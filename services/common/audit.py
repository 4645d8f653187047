"""Who changed what: a row in the transaction of each change."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from pymongo import ASCENDING, DESCENDING, IndexModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.common.callers import Caller

INDEXES = [
    IndexModel([("time", DESCENDING)], name="time"),
    IndexModel([("subjects", ASCENDING), ("time", DESCENDING)], name="subjects"),
]


def row(  # noqa: PLR0913  (plain data)
    *,
    caller: Caller,
    call: str,
    subjects: Sequence[str],
    request_id: str,
    traceparent: str,
    now: datetime,
) -> dict[str, Any]:
    """The audit row of one change: who, on whose behalf, why, which call, what, and its trace."""
    return {
        "_id": uuid.uuid4().hex,
        "time": now,
        "principal": caller.principal,
        "kind": caller.kind,
        "on_behalf_of": caller.on_behalf_of,
        "purpose": caller.purpose,
        "call": call,
        "subjects": list(subjects),
        "request_id": request_id,
        "traceparent": traceparent,
    }
