"""What is asked again is answered from memory, and never other than it would be found anew."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zhengtong.credit.v1 import credit_pb2
from zhengtong.credit.v1.credit_service_pb2 import GetCreditResponse

from gateway.onestop import engine
from gateway.onestop.clock import next_due
from gateway.onestop.finding import Finder
from gateway.onestop.remembered import MOST
from tests.unit.onestop.shelf import Shelf, card, now

MINUTE = 60_000_000
CODE = "91530100MA6K00014D"
WORDS = ("停水", "护照")


@pytest.fixture
def searched(monkeypatch):
    """The texts that were searched for, in order."""
    texts = []
    find = Finder.find

    def noted(finder, search, question, asked, at):
        texts.append(asked.text)
        return find(finder, search, question, asked, at)

    monkeypatch.setattr(Finder, "find", noted)
    return texts


class Moment:
    """The time that the gateway goes by."""

    def __init__(self, monkeypatch):
        self.now = now()
        monkeypatch.setattr(engine, "_now", lambda: self.now)


async def test_the_same_query_is_searched_for_once_until_the_index_moves(shelf, searched):
    shelf.tell()
    shelf.put(card("护照签发"))
    first, again = [await shelf.ask("护照") for _ in range(2)]
    assert searched == ["护照"]
    assert [again[name] for name in ("intent", "groups")] == [
        first[name] for name in ("intent", "groups")
    ]
    assert again["groups"][0]["hits"]
    shelf.put(card("护照换发"))
    assert sorted(await shelf.titles("护照")) == ["护照换发", "护照签发"]
    assert searched == ["护照", "护照"]


async def test_another_question_is_another_query(shelf, searched):
    shelf.put(card("护照签发", region_code="530100000000"), card("护照签发公告", kind="utility"))
    for given_ in ({}, {"region": "530100000000"}, {"kind": "item"}, {"page_size": 1}):
        await shelf.ask("护照", **given_)
    assert len(searched) == 4


async def test_what_falls_due_is_not_remembered_beyond_its_moment(shelf, searched, monkeypatch):
    moment = Moment(monkeypatch)
    due = moment.now + 2 * MINUTE
    shelf.put(card("临时停水公告", visible_until=due), card("停水公告"))
    shelf.tell(at=moment.now)
    for at, titles in (
        (due - 1, {"临时停水公告", "停水公告"}),
        (due - 1, {"临时停水公告", "停水公告"}),
        (due, {"停水公告"}),
        (due, {"停水公告"}),
    ):
        moment.now = at
        shelf.tell(at=at)
        assert set(await shelf.titles("停水公告")) == titles
    assert len(searched) == 2


async def test_names_read_anew_are_gone_by_though_the_index_stands_still(shelf, searched):
    shelf.put(card("护照签发"))
    await shelf.ask("护照")
    names = shelf.onestop._names
    names._made_at = names._edits_read_at = float("-inf")
    names._generation = -1
    await shelf.ask("护照")
    assert len(searched) == 2


async def test_of_many_queries_those_asked_last_are_remembered(shelf, searched):
    shelf.put(card("护照签发"))
    often, once, *others = (f"护照{number}" for number in range(MOST + 1))
    for text in (often, once, *others[:-1], often, others[-1]):
        await shelf.ask(text)
    searched.clear()
    await shelf.ask(often)
    assert searched == []
    await shelf.ask(once)
    assert searched == [once]
    assert len(shelf.onestop._memory._known) == MOST


async def test_what_is_live_is_asked_for_each_time(tmp_path):
    class Credit:
        asked = 0

        async def call(self, *_, **__):
            self.asked += 1
            name = f"云南示例{self.asked}有限公司"
            return GetCreditResponse(
                subject=credit_pb2.Subject(subject_code=CODE, name=name, status=1, version=1)
            )

    shelf = Shelf(tmp_path, Credit())
    assert [await shelf.titles(CODE) for _ in range(2)] == [
        ["云南示例1有限公司"],
        ["云南示例2有限公司"],
    ]


def test_the_next_that_falls_due_is_looked_for_a_minute_ahead(shelf):
    at = now()
    for due in (at, at + MINUTE + 1, at + 2 * MINUTE):
        shelf.put(card("停水公告", visible_until=due))
    searcher = shelf.onestop._latest().searcher
    assert next_due(searcher, at) == at + MINUTE
    assert next_due(searcher, at + 1) == at + MINUTE + 1
    assert next_due(searcher, at + MINUTE + 1) == at + 2 * MINUTE


STEPS = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(WORDS)),
    st.tuples(st.just("put"), st.sampled_from(WORDS), st.none() | st.integers(1, 3)),
    st.tuples(st.just("wait"), st.integers(1, 3)),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, min_size=4, max_size=12))
async def test_what_is_remembered_is_what_would_be_found(steps):
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        moment = Moment(patch)
        shelf = Shelf(Path(folder))
        shelf.put(card("停水公告"), card("护照签发"))
        for step in steps:
            if step[0] == "put":
                due = step[2] and moment.now + step[2] * 1_000_000
                shelf.put(card(step[1], visible_until=due))
            elif step[0] == "wait":
                moment.now += step[1] * 1_000_000
            else:
                shelf.tell(at=moment.now)
                told = await shelf.ask(step[1])
                kept, shelf.onestop._memory = shelf.onestop._memory, None
                assert (await shelf.ask(step[1]))["groups"] == told["groups"]
                shelf.onestop._memory = kept
