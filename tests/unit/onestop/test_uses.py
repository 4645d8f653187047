"""Openings of items' guides are counted and reported, bounded, and without who opened them."""

import pytest

from gateway.onestop import uses
from gateway.onestop.reporting import ONCE_IN
from gateway.onestop.uses import IN_REPORT, Uses
from gateway.refusals import DepartmentUnavailable
from services.catalogue.domain.uses import MOST_IN_REPORT
from services.common.access import Caller
from tests.unit.onestop.shelf import Clock


class Catalogue:
    """Remembers what it was told, once for each request id, and fails as it is told to."""

    def __init__(self):
        self.reports = {}
        self.errors = []

    def own(self):
        return Caller("gateway", "service")

    async def call(self, department, method, request, *, caller, timeout):  # noqa: ASYNC109
        assert (department, method) == ("catalogue", "ReportUses")
        assert caller == self.own()
        assert timeout > 0
        if self.errors:
            raise self.errors.pop(0)
        self.reports.setdefault(request.request_id, request)

    def told(self):
        return [(one.item_id, one.count) for report in self.reports.values() for one in report.uses]


@pytest.fixture
def catalogue():
    return Catalogue()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gathered(catalogue, clock):
    return Uses(catalogue, clock=clock)


async def reported(gathered):
    while await gathered._reporter.report(1.0):
        pass


@pytest.mark.rule("I-29")
async def test_the_same_asker_counts_once_an_hour_for_each_item(gathered, catalogue, clock):
    for item_id, asker in (("a", "x"), ("a", "y"), ("a", "x"), ("b", "x")):
        gathered.note(item_id, asker)
    await reported(gathered)
    assert catalogue.told() == [("a", 2), ("b", 1)]
    clock.now += ONCE_IN
    gathered.note("a", "x")
    await reported(gathered)
    assert catalogue.told() == [("a", 2), ("b", 1), ("a", 1)]


@pytest.mark.rule("I-29")
async def test_who_asked_is_forgotten_after_the_hour_and_cannot_be_read_before(gathered, clock):
    gathered.note("a", "203.0.113.7")
    assert "203.0.113.7" not in repr(gathered._askers._met) + repr(gathered)
    clock.now += ONCE_IN
    gathered.note("a", "203.0.113.8")
    assert len(gathered._askers._met) == 1


async def test_what_waits_is_bounded_and_what_is_dropped_is_a_number_in_the_log(
    gathered, catalogue, caplog, monkeypatch
):
    monkeypatch.setattr(uses, "MOST_ITEMS", 3)
    for number in range(5):
        gathered.note(f"item {number}", "x")
    gathered.note("item 0", "y")
    catalogue.errors = [DepartmentUnavailable("x")]
    await gathered.close()
    assert [one.getMessage() for one in caplog.records] == [
        "openings of items that were not reported: 6"
    ]
    assert catalogue.told() == []


async def test_a_report_holds_so_many_items_and_the_next_the_rest(gathered, catalogue):
    assert IN_REPORT == MOST_IN_REPORT
    for number in range(IN_REPORT + 5):
        gathered.note(f"item {number}", "x")
    await gathered.close()
    assert [len(one.uses) for one in catalogue.reports.values()] == [IN_REPORT, 5]


async def test_a_report_that_failed_is_tried_again_as_it_was(gathered, catalogue):
    catalogue.errors = [DepartmentUnavailable("x")]
    gathered.note("a", "x")
    assert not await gathered._reporter.report(1.0)
    gathered.note("a", "y")
    await reported(gathered)
    assert catalogue.told() == [("a", 1), ("a", 1)]
