"""What becomes of a message whose handler failed: tried again later, or dead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pymongo.errors import PyMongoError

from services.common.delivery.parked import Why
from services.common.errors import (
    Denied,
    DomainError,
    Exhausted,
    Invalid,
    NotFound,
    Refused,
    Unauthenticated,
    Unavailable,
)
from services.common.transaction import StoreUnavailable, refusal_of

if TYPE_CHECKING:
    from datetime import datetime

UNEXPECTED = "UNEXPECTED"
UNREADABLE = "UNREADABLE"
CRASHED_WORKER = "CRASHED_WORKER"
UNAVAILABLE_DELAY = timedelta(seconds=15)
LONGEST_DETAIL = 2000  # characters


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a failure is tried again: half a second at first, then twice as long each time.

    Args:
        longest: no delay is longer.
        attempts: after so many it is dead.
    """

    longest: timedelta
    attempts: int

    def delay(self, attempt: int) -> timedelta:
        """How long to wait after this attempt, the first of which is 1."""
        doubled: int = 2 ** min(attempt - 1, 32)
        return min(timedelta(seconds=0.5) * doubled, self.longest)


# About two minutes: what is wrong by accident has passed by then, what is a defect has not.
BRIEF = Patience(longest=timedelta(minutes=1), attempts=9)
# About seven hours: facts of two departments arrive in any order, and one of them may be down.
LONG = Patience(longest=timedelta(minutes=5), attempts=92)

AT_ONCE = (Invalid, Unauthenticated, Denied, Refused)
WAITED_FOR = (NotFound, Exhausted)


def is_outage(error: Exception) -> bool:
    """Whether the database did not answer, so that the message is not to blame."""
    if isinstance(error, PyMongoError):
        return refusal_of(error) is not None
    return isinstance(error, StoreUnavailable)


def judge(error: Exception, attempts_before: int, now: datetime) -> Why:
    """Why and until when to put aside the message whose handler raised `error`."""
    reason = error.reason if isinstance(error, DomainError) else UNEXPECTED
    detail = str(error) if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
    detail = detail[:LONGEST_DETAIL]
    attempt = attempts_before + 1
    if isinstance(error, Unavailable) or is_outage(error):
        return Why(_outage_reason(error), detail, attempts_before, now + UNAVAILABLE_DELAY)
    if isinstance(error, AT_ONCE):
        return Why(reason, detail, attempt, None)
    patience = LONG if isinstance(error, WAITED_FOR) else BRIEF
    if attempt >= patience.attempts:
        return Why(reason, detail, attempt, None)
    return Why(reason, detail, attempt, now + patience.delay(attempt))


def _outage_reason(error: Exception) -> str:
    return error.reason if isinstance(error, Unavailable) else StoreUnavailable.reason
