"""The clock of aggregates that change in bulk: after every fact that tells of the change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.eventlog import outbox

sizes = st.lists(st.integers(1, 400_000), min_size=1, max_size=30)


@given(sizes)
def test_the_clock_of_the_aggregates_lies_after_all_facts_of_their_import(sizes):
    records = [(f"s{number}", b'"%s"' % (b"x" * size)) for number, size in enumerate(sizes)]
    told = outbox.tell_records("t.Imported", records, batch="b", tick=7)
    counts = len(records)  # at most one kind of thing for each record
    assert told[-1].tick + counts < outbox.last_tick(7, len(records))
    assert [one.tick for one in told] == list(range(7, 7 + len(told)))


def test_the_next_change_is_later_though_the_clock_was_set_back(monkeypatch):
    monkeypatch.setattr(outbox.time, "time_ns", lambda: 5_000)
    last = outbox.last_tick(outbox.next_tick(0), 3)
    assert outbox.next_tick(last) > last


@pytest.mark.parametrize("records", [1, 500, 5000])
def test_an_import_runs_ahead_of_the_clock_by_milliseconds_only(records):
    assert outbox.last_tick(0, records) <= 10_000  # microseconds
