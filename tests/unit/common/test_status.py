"""A refusal as google.rpc.Status: code, reason, fields at fault, and when to come back."""

import pytest
from google.rpc import code_pb2, error_details_pb2

from services.common import errors
from services.common.errors import DomainError, Exhausted, Unavailable, Violation
from services.common.status import CODES, RETRY_SECONDS, internal, status_of


class ItemOdd(errors.Invalid):
    """A refusal of a department."""

    reason = "ITEM_ODD"


class ItemVeryOdd(ItemOdd):
    """One kind of it."""

    reason = "ITEM_VERY_ODD"


@pytest.mark.parametrize(
    ("family", "code"),
    [
        (errors.Invalid, "INVALID_ARGUMENT"),
        (errors.Unauthenticated, "UNAUTHENTICATED"),
        (errors.Denied, "PERMISSION_DENIED"),
        (errors.NotFound, "NOT_FOUND"),
        (errors.Refused, "FAILED_PRECONDITION"),
        (errors.Stale, "ABORTED"),
        (errors.Exhausted, "RESOURCE_EXHAUSTED"),
        (errors.Unavailable, "UNAVAILABLE"),
    ],
)
def test_each_family_has_its_code(family, code):
    assert code_pb2.Code.Name(status_of(family("不行。")).code) == code


def test_the_families_are_all_there_are():
    families = {
        k for k in vars(errors).values() if isinstance(k, type) and DomainError in k.__mro__
    }
    assert families - {DomainError} == set(CODES)


def test_a_refusal_of_a_department_has_the_code_of_its_family_and_a_reason_of_its_own():
    status = status_of(ItemVeryOdd("事项有误。", Violation("item.name", "请填写。")))
    assert status.code == code_pb2.INVALID_ARGUMENT
    assert status.message == "事项有误。"
    details = told(status)
    assert (details["ErrorInfo"].reason, details["ErrorInfo"].domain) == (
        "ITEM_VERY_ODD",
        "zhengtong",
    )
    violations = details["BadRequest"].field_violations
    assert [(v.field, v.description) for v in violations] == [("item.name", "请填写。")]


def test_without_a_field_at_fault_none_is_named():
    assert told(status_of(ItemOdd("事项有误。"))).keys() == {"ErrorInfo"}


@pytest.mark.parametrize("family", CODES)
def test_who_may_come_back_is_told_when(family):
    details = told(status_of(family("请稍后再试。")))
    assert ("RetryInfo" in details) == (family in {Exhausted, Unavailable})
    if "RetryInfo" in details:
        assert details["RetryInfo"].retry_delay.seconds == RETRY_SECONDS


def test_a_defect_says_nothing_of_what_went_on_inside():
    status = internal()
    assert status.code == code_pb2.INTERNAL
    assert told(status)["ErrorInfo"].reason == "INTERNAL"
    assert status.message == "系统内部错误，已记录，请稍后再试。"


def told(status):
    """The details of a status by the name of their kind."""
    found = {}
    for detail in status.details:
        for kind in ("ErrorInfo", "BadRequest", "RetryInfo"):
            message = getattr(error_details_pb2, kind)()
            if detail.Unpack(message):
                found[kind] = message
    return found


def test_what_repeats_somebodys_text_still_fits_into_a_header():
    long = "政" * 100_000
    error = ItemOdd(long, *(Violation(f"rows[{n}]", long[:300]) for n in range(500)))
    status = status_of(error)
    assert status.ByteSize() < 7_000
    assert status.message == "政" * 400 + "…"
    bad = error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(bad)
    assert [one.field for one in bad.field_violations] == [
        f"rows[{n}]" for n in range(len(bad.field_violations))
    ]
    assert len(bad.field_violations) > 2
