"""What was not found is counted and reported, bounded, and without who asked."""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.onestop import gaps, reporting
from gateway.onestop.gaps import ASKER_KEPT, IN_REPORT, MOST_TEXTS, Gaps
from gateway.onestop.reporting import ONCE_IN, TRIES
from gateway.refusals import DepartmentFailed, DepartmentUnavailable
from services.catalogue.domain.gaps import LONG_NUMBER, LONGEST, MOST_IN_REPORT
from services.common.access import Caller
from services.common.errors import Invalid
from tests.unit.onestop.shelf import Clock

KUNMING = "530100000000"
NIGHT = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)  # 1:30 on the 24th in Asia/Shanghai


class Catalogue:
    """Remembers what it was told, once for each request id, and fails as it is told to."""

    def __init__(self):
        self.reports = {}
        self.callers = []
        self.errors = []
        self.calls = 0

    def own(self):
        return Caller("gateway", "service")

    async def call(self, department, method, request, *, caller, timeout):  # noqa: ASYNC109
        assert (department, method) == ("catalogue", "ReportGaps")
        self.calls += 1
        self.callers.append(caller)
        if self.errors:
            raise self.errors.pop(0)
        self.reports.setdefault(request.request_id, request)

    def told(self):
        return [
            (one.text, one.region_code, one.day, one.count, one.askers)
            for report in self.reports.values()
            for one in report.gaps
        ]


@pytest.fixture
def catalogue():
    return Catalogue()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gathered(catalogue, clock):
    return Gaps(catalogue, clock=clock, now=lambda: NIGHT)


async def reported(gathered):
    while await gathered._reporter.report(1.0):
        pass


async def test_askers_are_counted_by_text_region_and_day(gathered, catalogue):
    for asker in ("a", "b", "a"):
        gathered.note(" 宠物  火化", KUNMING, asker)
    gathered.note("宠物 火化", "", "a")
    await reported(gathered)
    assert catalogue.told() == [
        ("宠物 火化", KUNMING, "2026-11-24", 2, 2),
        ("宠物 火化", "", "2026-11-24", 1, 1),
    ]
    assert catalogue.callers == [Caller("gateway", "service")]


@pytest.mark.rule("I-27")
async def test_the_same_asker_counts_once_an_hour_and_is_a_new_one_after_a_week(
    gathered, catalogue, clock
):
    gathered.note("宠物火化", KUNMING, "a")
    clock.now += ONCE_IN - 1
    gathered.note("宠物火化", KUNMING, "a")
    clock.now += 1
    gathered.note("宠物火化", KUNMING, "a")
    await reported(gathered)
    assert [one[3:] for one in catalogue.told()] == [(2, 1)]
    clock.now += ASKER_KEPT
    gathered.note("宠物火化", KUNMING, "a")
    await reported(gathered)
    assert [one[3:] for one in catalogue.told()] == [(2, 1), (1, 1)]


@pytest.mark.rule("I-26")
@pytest.mark.parametrize(
    "text", ["110105 19491231 002X", "打13800138000", "长" * 41, "", "  ", "案号 123456"]
)
async def test_what_is_never_kept_does_not_even_wait(gathered, catalogue, text):
    gathered.note(text, KUNMING, "a")
    await reported(gathered)
    assert catalogue.calls == 0


def test_the_catalogue_has_the_same_bounds():
    assert (gaps.LONGEST, gaps.LONG_NUMBER, gaps.IN_REPORT) == (
        LONGEST,
        LONG_NUMBER,
        MOST_IN_REPORT,
    )


@given(st.text(), st.text(), st.text())
def test_noting_never_raises(text, region, asker):
    gaps_of_one = Gaps(Catalogue())
    gaps_of_one.note(text, region, asker)
    assert len(gaps_of_one._waiting) <= 1


def test_noting_never_raises_whatever_it_is_given(gathered, caplog):
    gathered.note(None, KUNMING, "a")
    gathered.note("\ud800 x", KUNMING, "\ud800")
    assert [one.getMessage() for one in caplog.records] == [
        "a gap could not be noted: AttributeError",
        "a gap could not be noted: UnicodeEncodeError",
    ]
    assert not gathered._waiting


@pytest.mark.rule("I-26")
async def test_nobody_can_be_read_out_of_what_it_remembers(gathered):
    gathered.note("宠物火化", KUNMING, "203.0.113.7")
    assert "203.0.113.7" not in repr(gathered._askers._met) + repr(gathered._waiting)
    assert "宠物" not in repr(gathered)
    other = Gaps(Catalogue(), clock=gathered.clock)
    other.note("宠物火化", KUNMING, "203.0.113.7")
    assert other._askers._met.keys() != gathered._askers._met.keys()


async def test_what_is_remembered_is_bounded_and_what_is_dropped_is_a_number_in_the_log(
    gathered, caplog, monkeypatch
):
    monkeypatch.setattr(reporting, "MOST_ASKERS", 100)
    for number in range(MOST_TEXTS + 7):
        gathered.note(f"词{chr(0x4E00 + number)}", KUNMING, "a")
    assert len(gathered._waiting) == MOST_TEXTS
    assert len(gathered._askers._met) == 100
    gathered._reporter.tell_dropped()
    assert [one.getMessage() for one in caplog.records] == [
        "gaps of the catalogue that were not reported: 7"
    ]


async def test_a_report_holds_so_many_and_the_next_the_rest(gathered, catalogue):
    for number in range(IN_REPORT + 5):
        gathered.note(f"词{chr(0x4E00 + number)}", KUNMING, "a")
    await reported(gathered)
    assert [len(one.gaps) for one in catalogue.reports.values()] == [IN_REPORT, 5]


async def test_a_report_that_failed_is_tried_again_as_it_was(gathered, catalogue):
    catalogue.errors = [DepartmentUnavailable("x"), DepartmentFailed("x")]
    gathered.note("宠物火化", KUNMING, "a")
    assert not await gathered._reporter.report(1.0)
    gathered.note("放风筝", KUNMING, "a")
    assert not await gathered._reporter.report(1.0)
    await reported(gathered)
    assert [one[0] for one in catalogue.told()] == ["宠物火化", "放风筝"]


async def test_what_cannot_be_delivered_is_dropped_with_a_number_only(gathered, catalogue, caplog):
    caplog.set_level(logging.DEBUG)
    catalogue.errors = [DepartmentUnavailable("x")] * TRIES + [Invalid("宠物火化")]
    gathered.note("宠物火化", KUNMING, "a")
    for _ in range(TRIES):
        assert not await gathered._reporter.report(1.0)
    gathered._reporter.tell_dropped()
    gathered.note("放风筝", KUNMING, "a")
    await reported(gathered)
    gathered._reporter.tell_dropped()
    assert [one.getMessage() for one in caplog.records] == [
        "gaps of the catalogue that were not reported: 1"
    ] * 2
    assert catalogue.told() == []


async def test_it_reports_by_itself_through_defects_and_once_more_at_the_end(
    gathered, catalogue, caplog, monkeypatch
):
    monkeypatch.setattr(gaps, "REPORT_EVERY", 0.01)
    catalogue.errors = [RuntimeError("宠物火化")]
    gathered.note("宠物火化", KUNMING, "a")
    delivering = asyncio.create_task(gathered.deliver())
    async with asyncio.timeout(5):
        while not catalogue.reports:
            await asyncio.sleep(0.01)
    delivering.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await delivering
    assert "宠物火化" not in caplog.text
    gathered.note("放风筝", KUNMING, "a")
    await gathered.close()
    assert [one[0] for one in catalogue.told()] == ["宠物火化", "放风筝"]


async def test_the_end_waits_for_nobody(gathered, catalogue, caplog):
    catalogue.errors = [DepartmentUnavailable("x")]
    gathered.note("宠物火化", KUNMING, "a")
    await gathered.close()
    assert catalogue.calls == 1
    assert "not reported: 1" in caplog.text
