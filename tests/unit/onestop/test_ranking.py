"""What a part of the index cannot say is not sought there, and nothing is lost by that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tantivy import Query

from gateway.onestop import ranking
from gateway.onestop.asked import Asked
from gateway.onestop.schema import FAMILIES, PARTS, SINGLES
from gateway.onestop.weights import WEIGHTS
from tests.unit.onestop.shelf import Shelf, card

WORDS = ["护照签发", "护照", "签发", "换发", "出国", "公司", "开公司", "注销公司", "登记", "停水"]
WORDS += ["停水公告", "个体户", "hz", "qianfa", "证", "开", "火箭"]


def plainly(question, part):
    """The query with every word in every order, said or not."""
    typed, *others = question.alternatives
    pairs = [
        ranking.any_of([ranking.term(f"{part}_grams", pair) for pair in one])
        for one in question.pairs
    ]
    found = [said_all([*ranking._words(typed, part), *pairs])]
    found += [meaning(said_all(ranking._words(words, part))) for words in others]
    if question.segments:
        ways = [
            ranking.any_of([ranking.all_of(ranking._words(way, part)) for way in one])
            for one in question.segments
        ]
        found.append(meaning(said_all(ways)))
    only = ranking.scored(ranking.term("part", part), 0.0)
    found += [ranking.all_of([ranking._called(name), only]) for name, _ in question.spotted]
    return ranking.any_of(found)


def said_all(queries):
    return ranking.all_of([*queries, ranking.scored(Query.all_query(), WEIGHTS.said)])


def meaning(query):
    return Query.boost_query(query, WEIGHTS.synonym)


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
        card("大理公司", kind="credit", summary="已注销"),
        card("李记个体工商户", kind="credit"),
    )
    shelf.onestop._names.renew(shelf.onestop._reader.searcher(), 1)
    return shelf.onestop


def parts_found(onestop, typed):
    searcher = onestop._reader.searcher()
    question = onestop._latest_finder().understand(typed)
    queries = {part: ranking.by_words(question, searcher.doc_freq, part) for part in PARTS}
    return {part: query and scores(searcher, query) for part, query in queries.items()}


def scores(searcher, query):
    """By document, whichever comes first."""
    found = searcher.search(query, 10).hits
    return {(at.segment_ord, at.doc): pytest.approx(score, rel=1e-5) for score, at in found}


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4))
def test_what_is_passed_over_has_nothing_to_say(onestop, words):
    typed = "".join(words)
    question = onestop._latest_finder().understand(typed)
    found = parts_found(onestop, typed)
    searcher = onestop._reader.searcher()
    wholly = {part: scores(searcher, plainly(question, part)) for part in PARTS}
    assert {part: hits or {} for part, hits in found.items()} == wholly


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
    found = parts_found(onestop, typed)
    assert {part for part, hits in found.items() if hits is None} == passed_over


async def test_what_nothing_says_is_explained_as_well(shelf):
    shelf.tell()
    shelf.put(card("护照签发", family="f1"))
    answer, explained = await shelf.onestop.explain(Asked("火箭发射"))
    assert (answer.groups, explained) == ([], [])


def said_in(query, word):
    return str(query).count(f'"{word}"')


def test_the_same_in_another_order_is_sought_once(onestop):
    question = onestop._latest_finder().understand("注销公司")
    orders = {words for words in question.alternatives if set(words) == {"注销", "公司"}}
    query = ranking.by_words(question, onestop._reader.searcher().doc_freq, SINGLES)
    assert len(orders) == 2
    assert said_in(query, "公司") < said_in(plainly(question, SINGLES), "公司")


async def test_what_comes_later_is_behind_unless_it_is_asked_for(shelf):
    shelf.tell()
    shelf.put(*(card(f"护照{step}", family=step) for step in ("签发", "换发")))
    first, later = await explained(shelf, "护照")
    assert (first.card["title"], later.card["title"]) == ("护照签发", "护照换发")
    assert first.score - later.score == pytest.approx(WEIGHTS.first, abs=0.1)
    assert parts(first).keys() - parts(later).keys() == {"首次办理"}
    asked_for = (await explained(shelf, "护照换发"))[0]
    assert asked_for.card["title"] == "护照换发"
    assert "首次办理" not in parts(asked_for)


async def explained(shelf, typed):
    return (await shelf.onestop.explain(Asked(typed)))[1]


def parts(one):
    return {part.says: part.score for part in one.parts}
