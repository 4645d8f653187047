"""What is overdue is nowhere to be seen, also while the indexer is down."""

from dataclasses import replace

import pytest
import tantivy

from gateway.onestop import clock
from gateway.onestop.clock import Clock, next_due
from tests.unit.onestop.shelf import card, now

KUNMING, QUJING, YUXI = "530100000000", "530300000000", "530400000000"
MINUTE = 60_000_000
FOOD = card("食品经营许可", family="甲", facets=(("theme", "p100"),), aliases=("开饭店",))
NOTICE = card("食品经营许可公示", kind="list")


@pytest.fixture
def overdue(shelf):
    """Things of three regions and two notices, the last of each over; the indexer is down."""
    soon = now() + 60_000
    shelf.put(
        *(replace(FOOD, region_code=place) for place in (KUNMING, YUXI)),
        replace(FOOD, region_code=QUJING, visible_until=soon),
        NOTICE,
        replace(NOTICE, visible_until=soon),
    )
    while now() <= soon:
        pass
    return shelf


@pytest.mark.rule("P-10")
async def test_a_family_is_listed_without_it(overdue):
    asked = {"kind": "item", "family": "catalogue/甲"}
    (group,) = (await overdue.ask("食品经营许可", **asked))["groups"]
    assert [hit["region"] for hit in group["hits"]] == [KUNMING, YUXI]
    assert group["total"] == 2


async def test_other_regions_are_counted_without_it(overdue):
    (group, *_) = (await overdue.ask("食品经营许可", region=KUNMING))["groups"]
    assert group["hits"][0]["elsewhere"] == 1


@pytest.mark.rule("P-10")
async def test_totals_facets_and_regions_are_counted_without_it(overdue):
    (group,) = (await overdue.ask("食品经营许可", kind="item", region="530000000000"))["groups"]
    facets = {one["name"]: one["values"] for one in group["facets"]}
    assert {one["value"] for one in facets["region"]} == {KUNMING, YUXI}
    totals = {g["kind"]: g["total"] for g in (await overdue.ask("食品经营许可"))["groups"]}
    assert totals["list"] == 1
    (group,) = (await overdue.ask("食品经营许可", kind="list"))["groups"]
    assert group["total"] == len(group["hits"]) == 1


@pytest.mark.rule("P-10")
async def test_what_only_it_is_called_is_not_suggested(shelf):
    soon = now() + 60_000
    shelf.put(replace(FOOD, visible_until=soon), card("食品经营备案", family="乙"))
    while now() <= soon:
        pass
    told = (await shelf.onestop.suggest("食品经营")).decode()
    assert ("食品经营备案" in told, "食品经营许可" in told) == (True, False)


def test_nothing_is_added_to_a_query_where_nothing_is_overdue(shelf):
    due = now() + MINUTE // 2
    shelf.put(NOTICE, replace(NOTICE, visible_until=due))
    searcher, everything = shelf.onestop._reader.searcher(), tantivy.Query.all_query()
    time = Clock(searcher)
    assert time.shown(everything, due - 1) is everything
    assert time.until(due - 1) == due
    assert time.shown(everything, due) is not everything
    assert time.until(due) == due + MINUTE
    # A clock that was set back sees again what is not over yet.
    assert time.shown(everything, due - 1) is everything


def test_the_index_is_looked_at_once_a_minute(shelf, monkeypatch):
    shelf.put(NOTICE)
    looks = []
    monkeypatch.setattr(clock, "next_due", lambda *a: looks.append(a) or next_due(*a))
    time, at = Clock(shelf.onestop._reader.searcher()), now()
    for later in range(0, 3 * MINUTE, MINUTE // 4):
        time.until(at + later)
    assert len(looks) == 3
