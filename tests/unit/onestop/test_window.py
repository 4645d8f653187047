"""The first hits of a search: read late, ordered as if all had been read."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.onestop import ranking, text
from gateway.onestop.families import document_number
from gateway.onestop.lexicon import Lexicon
from gateway.onestop.question import Interpreter
from gateway.onestop.regions import Regions
from gateway.onestop.schema import SINGLES, stored_bytes
from gateway.onestop.synonyms import Synonyms
from gateway.onestop.wanted import Wanted, asked_for
from gateway.onestop.window import CLOSELY, Window
from tests.unit.onestop.shelf import Shelf, card, now

INTERPRETER = Interpreter(Regions(), Synonyms(), Lexicon())
TITLES = (
    "供水服务",
    "供水服务指南",
    "城市供水服务",
    "城市供水 服务",
    "服务供水",
    "农村供水的服务",
    "供水、服务",
)


class Counting:
    """A searcher that counts what is read from the store."""

    def __init__(self, searcher):
        self._searcher = searcher
        self.read = 0

    def __getattr__(self, name):
        return getattr(self._searcher, name)

    def doc(self, address):
        self.read += 1
        return self._searcher.doc(address)


@pytest.fixture
def searcher(shelf):
    return lambda: Counting(shelf.onestop._reader.searcher())


def window(searcher, typed, limit=CLOSELY):
    question = INTERPRETER.understand(typed)
    wanted = Wanted("", "", 3, 0, now())
    found = asked_for(ranking.by_words(question, searcher.doc_freq, SINGLES), question, wanted)
    query = ranking.ranked(found, ranking.lifting(question))
    return Window(searcher, query, limit, now()), query, question.exact


def eagerly(searcher, query, exact, limit):
    """The titles in order, made by reading every hit."""
    found = searcher.search(query, limit, weight_by_field="weight").hits
    hits = [
        (score, stored_bytes(searcher.doc(address), "hit").decode()) for score, address in found
    ]
    hits.sort(key=lambda hit: (-hit[0], document_number(json.loads(hit[1])["id"])))
    lifted = [
        (score + ranking.PHRASE if score < ranking.PREFIX and says(hit, exact) else score, hit)
        for score, hit in hits[:CLOSELY]
    ]
    return [*sorted(lifted, key=lambda one: -one[0]), *hits[CLOSELY:]]


def says(hit, exact):
    title = hit.split('"title":"')[1].split('"')[0]
    return exact in text.squeeze(text.fold(title))


@given(
    titles=st.lists(st.sampled_from(TITLES), min_size=1, max_size=40),
    end=st.integers(1, 40),
    start=st.integers(0, 20),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_hits_read_late_stand_as_if_all_had_been_read(tmp_path_factory, titles, end, start):
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    shelf.put(*[card(title) for title in titles])
    searcher = shelf.onestop._reader.searcher()
    looked, query, exact = window(searcher, "供水服务", limit=40)
    hits = looked.best(exact, end, start=start)
    expected = eagerly(searcher, query, exact, 40)[start:end]
    assert [(hit.score, hit.stored.decode()) for hit in hits] == expected


@pytest.mark.parametrize("title", ["供水服务", "城市供水服务", "供水的有关服务"])
def test_only_what_is_shown_is_read_from_the_store(shelf, searcher, title):
    shelf.put(*[card(title) for _ in range(30)])
    counting = searcher()
    looked, _, exact = window(counting, "供水服务")
    assert len(looked.best(exact, 3)) == 3
    assert counting.read == 3


@given(st.text(max_size=30), st.data())
def test_a_text_has_all_the_bits_of_any_part_of_it(whole, data):
    start = data.draw(st.integers(0, len(whole)))
    part = whole[start : data.draw(st.integers(start, len(whole)))]
    assert text.pairs_as_bits(part) & text.pairs_as_bits(whole) == text.pairs_as_bits(part)
    assert 0 <= text.pairs_as_bits(whole) < 2**63
