"""What becomes of a message whose handler failed."""

from datetime import UTC, datetime, timedelta

import pytest
from pymongo.errors import (
    AutoReconnect,
    DuplicateKeyError,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
)

from services.common import errors
from services.common.delivery.failures import BRIEF, LONG, is_outage, judge
from services.common.transaction import StoreUnavailable

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
OUTAGES = [
    AutoReconnect("gone"),
    NetworkTimeout("slow"),
    NotPrimaryError("stepped down"),
    ServerSelectionTimeoutError("nobody"),
    WaitQueueTimeoutError("full"),
    StoreUnavailable("数据库暂时没有响应。"),
]


@pytest.mark.parametrize(
    "kind", [errors.Invalid, errors.Unauthenticated, errors.Denied, errors.Refused]
)
def test_what_could_never_succeed_is_dead_at_once(kind):
    why = judge(kind("不行"), 0, NOW)
    assert (why.reason, why.attempt, why.due) == (kind.reason, 1, None)


@pytest.mark.parametrize("kind", [errors.NotFound, errors.Exhausted])
def test_what_may_come_yet_is_waited_for_for_hours(kind):
    assert judge(kind("还没有"), LONG.attempts - 2, NOW).due is not None
    assert judge(kind("还没有"), LONG.attempts - 1, NOW).due is None
    assert sum((LONG.delay(n) for n in range(1, LONG.attempts)), timedelta()) > timedelta(hours=6)


@pytest.mark.parametrize("error", [errors.Stale("变了"), RuntimeError("?"), DuplicateKeyError("?")])
def test_what_may_be_an_accident_is_tried_for_minutes(error):
    assert judge(error, BRIEF.attempts - 2, NOW).due is not None
    assert judge(error, BRIEF.attempts - 1, NOW).due is None
    whole = sum((BRIEF.delay(n) for n in range(1, BRIEF.attempts)), timedelta())
    assert timedelta(minutes=1) < whole < timedelta(minutes=5)


def test_delays_begin_at_half_a_second_and_double():
    due = [judge(errors.Stale("变了"), before, NOW).due - NOW for before in range(4)]
    assert [wait.total_seconds() for wait in due] == [0.5, 1, 2, 4]


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
def test_an_outage_never_counts_as_an_attempt(error):
    assert is_outage(error)
    why = judge(error, 10_000, NOW)
    assert why.attempt == 10_000
    assert why.due > NOW


def test_something_else_that_is_unavailable_never_counts_either():
    why = judge(errors.Unavailable("外部系统没有响应"), 7, NOW)
    assert (why.reason, why.attempt) == ("UNAVAILABLE", 7)
    assert why.due > NOW


def test_a_defect_in_a_query_is_no_outage():
    assert not is_outage(OperationFailure("unknown operator", 2))
    assert not is_outage(KeyError("x"))


def test_an_unexpected_failure_tells_operators_what_it_was():
    why = judge(KeyError("region_code"), 0, NOW)
    assert (why.reason, why.detail) == ("UNEXPECTED", "KeyError: 'region_code'")
