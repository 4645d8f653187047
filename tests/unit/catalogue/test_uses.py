"""How much items are used: what is counted how long, and when a class changes."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages
from services.catalogue.domain.gaps import legal_day
from services.catalogue.domain.uses import (
    CLASSES,
    DAYS,
    MOST_IN_REPORT,
    Use,
    UseClassChanged,
    UseReportInvalid,
    class_on,
    count_in,
    day_after,
    openings,
)
from tests.conftest import NOW

TODAY = legal_day(NOW)
NEW = Use("F")
REPORTS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3000)), max_size=12)


def counted(*reports, use=NEW):
    """A use after reports of (days since today, openings), and the facts they told."""
    told = []
    for days, count in reports:
        use, fact = count_in(use, count, today=day_after(TODAY, days))
        told += [fact] if fact else []
    return use, [fact.use_class for fact in told]


@pytest.mark.rule("I-29")
@given(REPORTS)
def test_exactly_the_openings_of_the_last_30_days_count(reports):
    reports = sorted(reports)
    use, _ = counted(*reports)
    last = reports[-1][0] if reports else 0
    within = [count for days, count in reports if last - DAYS < days <= last]
    assert openings(use, day_after(TODAY, last)) == sum(within)
    assert len(use.days) <= DAYS
    assert all(one.count for one in use.days)


@pytest.mark.rule("I-30")
@pytest.mark.parametrize(
    ("count", "use_class"),
    [(0, 0), (3, 0), (4, 1), (15, 1), (16, 2), (64, 3), (256, 4), (4095, 5), (4096, 6)],
)
def test_a_class_takes_four_times_the_openings_of_the_one_before(count, use_class):
    use, told = counted((0, count))
    assert use.use_class == use_class
    assert told == ([use_class] if use_class else [])


@pytest.mark.rule("I-30")
def test_a_class_holds_until_its_openings_are_fewer_than_half():
    use, told = counted((0, 32), (20, 32))
    assert (use.use_class, told) == (3, [2, 3])
    held, told = counted((DAYS, 0), use=use)
    assert (held.use_class, openings(held, day_after(TODAY, DAYS)), told) == (3, 32, [])
    use, _ = counted((0, 33), (20, 31))
    fallen, told = counted((DAYS, 0), use=use)
    assert (fallen.use_class, told) == (2, [2])


@pytest.mark.rule("I-30")
@given(REPORTS)
def test_a_class_is_that_of_its_openings_or_holds_with_half_of_them(reports):
    use = NEW
    for days, count in sorted(reports):
        today = day_after(TODAY, days)
        before = use.use_class
        use, fact = count_in(use, count, today=today)
        number = openings(use, today)
        assert fact == (UseClassChanged("F", use.use_class) if use.use_class != before else None)
        if use.use_class < CLASSES:
            assert number < 4 ** (use.use_class + 1)
        if use.use_class:
            share = 1 if use.use_class > before else 2
            assert share * number >= 4**use.use_class


@pytest.mark.rule("I-30")
@given(REPORTS)
def test_the_day_a_class_falls_is_known_before(reports):
    use, _ = counted(*sorted(reports))
    last = use.days[-1].day if use.days else TODAY
    following = [day_after(last, days) for days in range(DAYS + 1)]
    falls = [day for day in following if class_on(use, day) < use.use_class]
    assert use.falls_on == (falls[0] if falls else "")
    assert bool(use.falls_on) == bool(use.use_class)


@pytest.mark.rule("I-29")
def test_what_nobody_opens_any_more_ends_with_its_last_day():
    use, _ = counted((0, 9), (3, 1))
    assert use.ends_on == day_after(TODAY, DAYS + 3)
    gone, told = counted((DAYS + 3, 0), use=use)
    assert (gone.days, gone.ends_on, gone.use_class, told) == ((), "", 0, [0])


def test_days_are_those_of_asia_shanghai():
    assert legal_day(NOW.replace(hour=17)) == (date.fromisoformat(TODAY) + timedelta(1)).isoformat()


def test_a_report_is_added_up_by_item_and_too_long_a_one_refused():
    uses = [
        {"item_id": "a", "count": 2},
        {"item_id": "b", "count": 0},
        {"item_id": "a", "count": 1},
    ]
    assert messages.opened_of(pb.ReportUsesRequest(uses=uses)) == {"a": 3}
    with pytest.raises(UseReportInvalid):
        messages.opened_of(pb.ReportUsesRequest(uses=uses[:1] * (MOST_IN_REPORT + 1)))


def test_a_class_is_told_as_a_row_and_none_as_a_removal():
    told = messages.use_fact(UseClassChanged("530131002001", 3))
    assert (told.card.kind, told.card.title, dict(told.card.facets)) == (
        ".use",
        "530131002001",
        {"use": "3"},
    )
    gone = messages.use_fact(UseClassChanged("530131002001", 0))
    assert (gone.HasField("card"), gone.removal.kind, gone.family) == (
        False,
        ".use",
        "530131002001",
    )
