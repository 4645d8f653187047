"""What a part of the index cannot say is not sought there, and nothing is lost by that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.onestop import ranking
from gateway.onestop.asked import Asked
from gateway.onestop.schema import FAMILIES, PARTS, SINGLES
from tests.unit.onestop.shelf import Shelf, card

WORDS = "护照签发 护照 签发 换发 出国 公司 开公司 登记 停水 停水公告 hz qianfa 证 开 火箭".split()


class Knowing:
    """A searcher to whom every word is known."""

    def __init__(self, searcher):
        self._searcher = searcher

    def __getattr__(self, name):
        return getattr(self._searcher, name)

    def doc_freq(self, _field, _word):
        return 1


@pytest.fixture(scope="module")
def onestop(tmp_path_factory):
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    shelf.put(
        card("普通护照签发", aliases=("护照签发", "出国证"), family="f1"),
        card("普通护照换发", aliases=("换护照",), family="f2"),
        card("公司登记", aliases=("开公司",), family="f3"),
        card("停水公告", kind="utility", aliases=("停水",)),
        card("护照签发", kind="utility"),
        card("昆明公司", kind="credit", summary="换发护照的公司"),
    )
    shelf.onestop._names.renew(shelf.onestop._reader.searcher(), 1)
    return shelf.onestop


def parts_found(onestop, typed, searcher):
    question = onestop._latest_finder().understand(typed)
    queries = {part: ranking.by_words(question, searcher, part) for part in PARTS}
    return {
        part: query and onestop._reader.searcher().search(query, 10).hits
        for part, query in queries.items()
    }


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4))
def test_a_part_that_is_passed_over_has_nothing_to_say(onestop, words):
    searcher = onestop._reader.searcher()
    typed = "".join(words)
    found = parts_found(onestop, typed, searcher)
    wholly = parts_found(onestop, typed, Knowing(searcher))
    assert {part: hits or [] for part, hits in found.items()} == wholly


@pytest.mark.parametrize(
    ("typed", "passed_over"),
    [
        ("普通签发", {SINGLES}),
        ("登记", {SINGLES}),
        ("停水公告", {FAMILIES}),
        ("护照换发", set()),
        ("火箭发射", {SINGLES, FAMILIES}),
    ],
)
def test_only_the_part_that_may_say_it_is_searched(onestop, typed, passed_over):
    found = parts_found(onestop, typed, onestop._reader.searcher())
    assert {part for part, hits in found.items() if hits is None} == passed_over


async def test_what_nothing_says_is_explained_as_well(shelf):
    shelf.tell()
    shelf.put(card("护照签发", family="f1"))
    answer, explained = await shelf.onestop.explain(Asked("火箭发射"))
    assert (answer.groups, explained) == ([], [])
