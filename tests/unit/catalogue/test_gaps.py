"""What is kept of what people did not find, and what never is."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.domain import gaps
from services.catalogue.domain.gaps import (
    ASKERS,
    MONTHS,
    Asked,
    Gap,
    GapInvalid,
    Outcome,
    Span,
    count_in,
    count_of,
    fit,
    keepable,
    legal_day,
    settle,
    span_of,
)
from services.common.identifiers import longest_number
from tests.conftest import NOW
from tests.publications import KUNMING

TODAY = legal_day(NOW)
ID = "11010519491231002X"
SEPARATORS = st.sampled_from(["", " ", "-", "·", "\u3000", "－"])
DIGITS = st.sampled_from("0123456789０１２３４５６７８９零一二三四五六七八九")


def asked(text="宠物火化", *, day=TODAY, count=1, askers=1, region_code=KUNMING):
    return Asked(text, region_code, day, count, askers)


def counted(*reports):
    gap = None
    for one in reports:
        gap = count_in(gap, "g", one)
    return gap


@pytest.mark.rule("I-26")
@pytest.mark.parametrize(
    "text",
    [
        f"给 {ID} 办社保",
        "给110105 19491231 002X办",
        "打13800138000",
        "138-0013-8000找谁",
        "０８７１６３１６１２３４投诉",
        "案号2026123456",
        "我的电话一三八零零一三八零零零",
        "生于 1990-01-02 的人",
        "长" * 41,
        "",
        "   ",
        "12345",
        "换行\u0000",
    ],
)
def test_what_may_tell_of_a_person_is_never_kept(text):
    assert keepable(text) == ""


@pytest.mark.rule("I-26")
@given(st.text(max_size=9), st.lists(st.tuples(DIGITS, SEPARATORS), min_size=6, max_size=12))
def test_no_number_of_six_digits_is_kept_however_it_is_written(before, parts):
    assert keepable(before + "".join(map("".join, parts))) == ""


@pytest.mark.rule("I-26")
@given(st.text(max_size=60))
def test_whatever_is_kept_is_short_and_has_no_long_number(text):
    kept = keepable(text)
    assert len(kept) <= 40
    assert longest_number(kept) < 6
    assert kept == keepable(kept)


@pytest.mark.parametrize("text", ["宠物火化", "开 12345 热线", "3 岁以下托育", "A照换证"])
def test_what_services_are_called_is_kept(text):
    assert keepable(f"  {text} ") == text


@pytest.mark.rule("I-26")
@given(st.lists(st.integers(0, 4), max_size=9))
def test_the_text_is_kept_from_the_third_asker_on(askers):
    gap, total = None, 0
    for each in askers:
        gap = count_in(gap, "g", asked(count=5, askers=each))
        total += each
        assert gap.text == ("宠物火化" if total >= ASKERS else "")
        assert gap.askers == total


@pytest.mark.rule("I-27")
@given(st.lists(st.integers(0, 60), min_size=1, max_size=80))
def test_counts_are_kept_by_month_and_for_24_months(months):
    gap, by_month = None, {}
    for number in sorted(months):
        day = f"{2020 + number // 12}-{number % 12 + 1:02}-15"
        gap = count_in(gap, "g", asked(day=day))
        by_month[day[:7]] = by_month.get(day[:7], 0) + 1
    assert {one.month: one.count for one in gap.months} == dict(sorted(by_month.items())[-MONTHS:])
    assert len(gap.months) <= MONTHS


@pytest.mark.rule("I-27")
def test_what_few_asked_goes_after_90_days_and_the_rest_after_two_years():
    few, many = counted(asked()), counted(asked(count=3, askers=3))
    assert timedelta(days=89) < few.expire_time - NOW < timedelta(days=90)
    assert timedelta(days=730) < many.expire_time - NOW < timedelta(days=731)


def test_months_of_a_span_are_added_up():
    gap = counted(asked(day="2026-09-30", count=2), asked(day="2026-11-01", count=5))
    assert count_of(gap, Span()) == 7
    assert count_of(gap, span_of("2026-10-01", "")) == 5
    assert count_of(gap, span_of("", "2026-10-31")) == 2
    assert (gap.first_day, gap.last_day) == ("2026-09-30", "2026-11-01")


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("2026-13-01", "", "first_day"),
        ("", "20261101", "last_day"),
        ("2026-11-02", "2026-11-01", "last_day"),
    ],
)
def test_days_that_are_none_are_refused(first, last, field):
    with pytest.raises(GapInvalid) as refusal:
        span_of(first, last)
    assert [one.field for one in refusal.value.violations] == [field]


def test_a_report_of_other_days_or_of_nothing_is_not_kept():
    assert fit(asked(day="2026-11-19"), now=NOW) is None
    assert fit(asked(day="2026-11-25"), now=NOW) is None
    assert fit(asked(count=0), now=NOW) is None
    assert fit(asked(text=ID), now=NOW) is None
    assert fit(asked(day="2026-11-20"), now=NOW)
    assert fit(asked(region_code="x", askers=9), now=NOW) == asked(region_code="")
    assert fit(asked(region_code="000000000000", askers=-1), now=NOW).askers == 0


@pytest.mark.rule("I-28")
@pytest.mark.parametrize(
    ("outcome", "item_id", "note", "field"),
    [
        (0, "", "", "outcome"),
        (9, "", "", "outcome"),
        (1, "", "", "item_id"),
        (2, "x" * 65, "", "item_id"),
        (3, "", " ", "note"),
        (4, "", "x" * 201, "note"),
        (4, "", f"给 {ID}", "note"),
    ],
)
def test_what_became_of_a_gap_is_said_whole(outcome, item_id, note, field):
    with pytest.raises(GapInvalid) as refusal:
        settle(Gap("g", ""), outcome, item_id, note, now=NOW)
    assert [one.field for one in refusal.value.violations] == [field]


@pytest.mark.rule("I-28")
def test_what_became_of_a_gap_may_be_said_anew():
    gap = settle(counted(asked()), 3, "T-1", "市农业农村局，补充指引", now=NOW)
    assert (gap.outcome, gap.item_id, gap.version) == (Outcome.NOTICE_SENT, "", 1)
    again = settle(gap, 1, " T-1 ", "", now=NOW)
    assert (again.outcome, again.item_id, again.note, again.version) == (1, "T-1", "", 2)
    assert again.months == gap.months


def test_width_and_case_make_no_difference():
    assert gaps.likeness("ＥＴＣ办理") == gaps.likeness("etc办理")
