"""Amounts are 万元, exact to six decimals, from the cell of a file to the message and back."""

from decimal import Decimal

import orjson
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from zhengtong.credit.v1 import credit_events_pb2 as events_pb

from services.common import fields
from services.credit import messages
from services.credit.domain import Listed, Penalty, RecordInvalid, Subject, record_of, record_of_row
from tests.unit.credit.rows import penalty, row, subject

AMOUNTS = st.integers(0, 10**18 - 1).map(lambda micro: Decimal(micro).scaleb(-6))


@pytest.mark.rule("K-4")
@given(amount=AMOUNTS)
def test_an_amount_comes_through_rows_messages_facts_and_the_store_unchanged(amount):
    cells = row("penalties_2018", CF_NR_FK=f"{amount:f}", CF_NR_WFFF=f"{amount:,f}")
    read = record_of_row(cells, "penalties_2018")
    assert read.fine_amount == read.confiscated_amount == amount
    listed = Listed(read, version=1)
    assert messages.record_of(Penalty, messages.penalty_message(listed)) == read
    assert fields.restore(Penalty, fields.plain(read)) == read
    told = orjson.loads(messages.record_json(listed, fields.plain(read), "2026-11-23T02:00:00Z"))
    record = json_format.ParseDict(told, events_pb.CreditRecord())
    assert Decimal(record.penalty.fine_amount) == amount
    assert messages.record_of(Penalty, record.penalty) == read


@pytest.mark.rule("K-4")
@given(number=st.floats(0, 10**12 - 1))
def test_a_json_number_is_read_as_it_was_written_or_refused(number):
    assert read_or_refused(number) in (Decimal(repr(number)), ["fine_amount"])


@pytest.mark.rule("K-4")
@given(micro=st.integers(0, 10**15 - 1))
def test_a_json_number_of_fifteen_digits_is_never_refused(micro):
    assert read_or_refused(micro / 10**6) == Decimal(micro).scaleb(-6)


@pytest.mark.rule("K-4")
@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("0", "0"),
        ("0.000001", "0.000001"),
        (1e-06, "0.000001"),
        ("1.500000", "1.5"),
        ("1.50000000", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        (" 1,234,567.8 ", "1234567.8"),
        ("１２．５", "12.5"),
        (3, "3"),
        (12.5, "12.5"),
        ("999999999999.999999", "999999999999.999999"),
    ],
)
def test_an_amount_is_understood_as_people_write_it(typed, amount):
    read = record_of(Subject, subject(registered_capital=typed)).registered_capital
    assert (type(read), read) == (Decimal, Decimal(amount))


@pytest.mark.rule("K-4")
@pytest.mark.parametrize(
    "typed",
    [
        "1.2345678",
        1.2345678,
        0.1 + 0.2,
        1234567890.123456,
        "1.0000000000000000000000000000000001",
        "1e-9999999",
        "1e3",
        "1,5",
        "1,2345",
        "1_000",
        "-1",
        -1,
        "-0",
        "1000000000000",
        10**12,
        float("nan"),
        float("inf"),
        "NaN",
        "5万元",
        "五",
        ".",
        ",",
        True,
        [1],
        {"amount": 1},
    ],
)
def test_what_is_no_exact_amount_in_wan_is_refused(typed):
    assert read_or_refused(typed) == ["fine_amount"]


@pytest.mark.rule("K-4")
def test_a_fine_of_nothing_is_not_the_absence_of_one():
    none, nothing = (record_of(Penalty, penalty(fine_amount=said)) for said in ("", "0.000000"))
    assert (none.fine_amount, nothing.fine_amount) == (None, Decimal(0))
    assert messages.penalty_message(Listed(nothing, version=1)).fine_amount == "0"
    assert messages.penalty_message(Listed(none, version=1)).fine_amount == ""


@pytest.mark.rule("K-4")
def test_amounts_that_are_equal_are_the_same_record():
    written = [record_of(Penalty, penalty(fine_amount=said)) for said in ("1.5", "1.500000", 1.5)]
    assert len({repr(fields.plain(one)) for one in written}) == 1


def read_or_refused(fine):
    """The amount, or the fields that are refused."""
    try:
        return record_of(Penalty, penalty(fine_amount=fine)).fine_amount
    except RecordInvalid as refused:
        return [one.field for one in refused.violations]
