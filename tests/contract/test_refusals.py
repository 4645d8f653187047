"""Every way to say no, wherever it is declared, has a family, a code, a status and a reason."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from pathlib import Path

import pytest
from google.rpc import code_pb2, error_details_pb2

import gateway
import services
from gateway.openapi.comments import comments
from gateway.problems import TITLES, problem_of, status_of_kind
from services.common.errors import DomainError, Violation
from services.common.status import CODES, DOMAIN, status_of

# Their import makes sockets and threads cooperative, which the test process must not be.
COOPERATIVE = ("services.common.delivery.host", "services.common.delivery.consumer")
REFUSES = re.compile(r"Refuses: (.+)$")
REASON = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b|\bSTALE\b")


def modules():
    for package in (services, gateway):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name not in COOPERATIVE and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def refusals():
    """Each class below DomainError that the product declares; other tests declare some as well."""
    ours = {module.__name__ for module in modules()}
    waiting, found = [DomainError], []
    while waiting:
        kinds = waiting.pop().__subclasses__()
        found += [kind for kind in kinds if kind.__module__ in ours]
        waiting += kinds
    return sorted(set(found), key=lambda kind: (kind.__module__, kind.__name__))


REFUSALS = refusals()
every_refusal = pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)


def said(kind, *violations):
    """A refusal of this kind; what else its class wants to know is none of this test's affair."""
    error = kind.__new__(kind)
    error.allow, error.retry_after = "GET", 1
    DomainError.__init__(error, "请核对后重试。", *violations)
    return error


def test_all_of_them_are_found():
    assert len(REFUSALS) > 50
    assert set(CODES) <= set(REFUSALS)
    for name in COOPERATIVE:
        source = (Path(services.__file__).parents[1] / (name.replace(".", "/") + ".py")).read_text()
        assert "reason = " not in source


@every_refusal
def test_a_refusal_belongs_to_one_family_and_has_its_code(kind):
    families = [family for family in CODES if issubclass(kind, family)]
    assert len(families) == 1
    status = status_of(said(kind))
    assert status.code == CODES[families[0]]
    assert code_pb2.Code.Name(status.code) not in {"OK", "UNKNOWN", "INTERNAL"}


@every_refusal
def test_a_refusal_tells_its_reason_and_the_fields_at_fault_on_the_wire(kind):
    status = status_of(said(kind, Violation("field", "请改正。")))
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    assert (info.reason, info.domain) == (kind.reason, DOMAIN)
    assert [(v.field, v.description) for v in bad.field_violations] == [("field", "请改正。")]
    assert status.message == "请核对后重试。"


@every_refusal
def test_a_refusal_has_a_status_over_http_with_a_title(kind):
    problem = problem_of(said(kind))
    assert problem.status == status_of_kind(kind)
    assert 400 <= problem.status < 500 or problem.status in {503, 504}
    assert problem.status in TITLES
    assert problem.reason == kind.reason


@every_refusal
def test_a_refusal_says_what_it_means_and_names_its_own_reason(kind):
    assert kind.__doc__
    assert "reason" in vars(kind), "a reason that is inherited says nothing of its own"
    assert REASON.fullmatch(kind.reason) or kind in CODES


def test_no_reason_means_two_things():
    doubled = [reason for reason, n in Counter(kind.reason for kind in REFUSALS).items() if n > 1]
    assert doubled == []


def test_the_contracts_promise_no_reason_that_nobody_gives():
    known = {kind.reason for kind in REFUSALS}
    promised = {
        (name, reason)
        for name, comment in comments().items()
        for listed in REFUSES.findall(comment)
        for reason in REASON.findall(listed)
    }
    assert len(promised) > 30
    assert {one for one in promised if one[1] not in known} == set()
