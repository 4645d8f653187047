"""What codes and states are called on pages."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.portal.labels import outage_tag

START = datetime(2026, 11, 25, 1, tzinfo=UTC)
OUTAGE = {
    "record": "outage",
    "start_time": "2026-11-25T01:00:00Z",
    "end_time": "2026-11-25T10:00:00Z",
}


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (timedelta(seconds=-1), "预告"),
        (timedelta(), "进行中，预计还有 9 小时"),
        (timedelta(minutes=10), "进行中，预计还有 8 小时 50 分钟"),
        (timedelta(hours=8, minutes=59, seconds=1), "进行中，预计还有 1 分钟"),
        (timedelta(hours=9), "预计已恢复"),
        (timedelta(days=3), "预计已恢复"),
    ],
)
def test_a_stop_of_supply_says_where_it_stands_by_the_clock(after, told):
    assert outage_tag(OUTAGE, int((START + after).timestamp() * 1_000_000)) == told


@pytest.mark.parametrize("facets", [{}, {"record": "institution"}, {"record": "outage"}])
def test_what_is_no_stop_says_nothing(facets):
    assert outage_tag(facets, 0) == ""
