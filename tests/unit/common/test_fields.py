"""Reading values field by field."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import fields
from services.common.fields import FieldInvalid


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Part:
    name: str = ""
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    title: str = ""
    colour: Colour | None = None
    count: int = 0
    open: bool = False
    names: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    time: datetime | None = None


ALL_READERS = [
    fields.text(10),
    fields.text(10, lines=True),
    fields.matching("[a-z]+", 10, "字母"),
    fields.whole(0, 9),
    fields.number(0, 9),
    fields.amount(6),
    fields.flag(),
    fields.code({"1": "甲"}),
    fields.codes({"1": "甲", "2": "乙"}),
    fields.texts(10, 3),
    fields.day(),
    fields.moment(),
    fields.uscc(registry=False),
    fields.region(),
    fields.records(Part, {"name": fields.text(5)}, count=2, required=("name",)),
]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize("reader", ALL_READERS)
@given(value=JSON_VALUES)
def test_whatever_comes_is_read_or_refused_in_words(reader, value):
    said = []
    try:
        reader.read(value)
    except FieldInvalid as refused:
        said.append(str(refused))
    assert all(said)


@given(
    st.builds(
        Whole,
        title=st.text(),
        colour=st.none() | st.just(Colour.RED),
        count=st.integers(0, 9),
        open=st.booleans(),
        names=st.lists(st.text(min_size=1)).map(tuple),
        parts=st.lists(st.builds(Part, st.text(), st.none() | st.decimals(0, 9, places=6))).map(
            tuple
        ),
        time=st.none() | st.just(datetime(2026, 1, 1, tzinfo=UTC)),
    )
)
def test_plain_values_can_be_made_the_dataclass_again(whole):
    plain = fields.plain(whole)
    json.dumps(plain, default=str)
    assert fields.restore(Whole, plain) == whole


@pytest.mark.parametrize("typed", ["12.345678", 12.345678, "12.3456780"])
def test_an_amount_is_exact_to_six_decimals(typed):
    assert fields.amount(6).read(typed) == Decimal("12.345678")


@pytest.mark.parametrize(
    "typed",
    [
        *("1.2345678", "1.0000000000000000000000000000000001", "1e-9999999", "1e400"),
        *(-1, "NaN", "Infinity", True, "一万", "1,5", "1_000"),
    ],
)
def test_an_amount_that_is_none_is_refused(typed):
    with pytest.raises(FieldInvalid):
        fields.amount(6).read(typed)


@pytest.mark.parametrize("typed", ["2026-03-01", "2026/3/1", "20260301", "2026-03-01 00:00:00"])
def test_dates_are_understood_as_people_write_them(typed):
    assert fields.day().read(typed) == "2026-03-01"


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(FieldInvalid):
        fields.moment().read("2026-03-01T08:00:00")
    read = fields.moment().read("2026-03-01T08:00:00+08:00")
    assert read == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.rule("P-3")
def test_a_registry_code_of_the_lawful_exceptions_is_taken_from_registries_only():
    early = "91350203M0001QAY9B"
    assert fields.uscc(registry=True).read(early) == early
    with pytest.raises(FieldInvalid):
        fields.uscc(registry=False).read(early)


def test_a_name_of_a_stranger_is_shown_short_and_printable():
    _, wrong = fields.read_record({"坏\x00" * 50: 1}, {})
    assert len(wrong[0].field) < 600
    assert wrong[0].field.isprintable()


def test_line_breaks_stand_only_where_they_may():
    assert fields.text(9, lines=True).read("甲\n乙") == "甲\n乙"
    with pytest.raises(FieldInvalid):
        fields.text(9).read("甲\n乙")
