"""Questions as Tantivy queries: what is found, and what comes first.

A thing is found when its card says all the words of one of the question's alternatives. Among what
is found: an exact code, then the name itself, another name, a name that begins so, a name that
says it in one piece, then by words (BM25; words of the title count more), then by pinyin. Within
such a step the nearer region and the level that decides come first.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tantivy import Occur, Query

from gateway.onestop import pinyin, text
from gateway.onestop.families import ANYWHERE, body_number, body_scope, own_scope
from gateway.onestop.schema import (
    FAMILIES,
    FIRST,
    LATER,
    LONGEST_PREFIX,
    PARTS,
    SCHEMA,
    is_later,
)
from gateway.onestop.weights import WEIGHTS
from services.common.identifiers import region_ancestors

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from gateway.onestop.names import Names
    from gateway.onestop.question import Question

    Ways = dict[tuple[str, ...], int]
    Known = Callable[[str, str], int]  # by field and word, how many things say it

CODE, PREFIX, PHRASE = WEIGHTS.code, WEIGHTS.prefix, WEIGHTS.phrase
_MOST_TITLES = 3
_MOST_READ = 32  # letters
_SAID = Query.const_score_query(Query.all_query(), WEIGHTS.said)
_FIRST = Query.const_score_query(Query.all_query(), WEIGHTS.first)
_LATER = Query.const_score_query(Query.term_query(SCHEMA, "stage", LATER, "basic"), -WEIGHTS.first)


def term(field: str, value: str) -> Query:
    """Things with that word in a field."""
    return Query.term_query(SCHEMA, field, value, "basic")


def scored(query: Query, score: float) -> Query:
    """What a query finds, each with the same score."""
    return Query.const_score_query(query, score)


def any_of(queries: Sequence[Query]) -> Query:
    """What one of the queries finds."""
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])


def either(*queries: Query | None) -> Query | None:
    """What any of them finds; None: there are none."""
    found = [query for query in queries if query]
    return any_of(found) if found else None


def all_of(queries: Sequence[Query]) -> Query:
    """What every one of the queries finds."""
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def by_words(question: Question, known: Known, part: str) -> Query | None:
    """Things whose card says all the words of one alternative, or that have the code typed.

    Most questions are about members of families only: what a part cannot say is not sought there.

    Args:
        known: how many things say a word in a field.
        part: of the index, members of families or single things.

    Returns:
        None where nothing in that part can be meant.
    """
    if question.everything and question.region:
        return _all_there_is(question.region.code, part)
    return either(
        _as_typed(question, known, part),
        *_as_called(question, known, part),
        *_exactly(question, known, part),
    )


def _all_there_is(region: str, part: str) -> Query:
    """All that a region has itself."""
    return all_of([in_region(region), _in_part(part), _SAID])


def _as_typed(question: Question, known: Known, part: str) -> Query | None:
    """Things that say the words typed."""
    typed = question.alternatives[0]
    pairs = [[pair for pair in one if _is_in_a_name(pair, known, part)] for one in question.pairs]
    if not all(pairs) or not _can_say(typed, known, part):
        return None
    said = [any_of([term(f"{part}_grams", pair) for pair in one]) for one in pairs]
    return _all_said([*_words(typed, part), *said])


def _as_called(question: Question, known: Known, part: str) -> Iterator[Query]:
    """Things that say it in words that mean the same."""
    others = question.alternatives[1:]
    meant = _counted(words for words in others if _can_say(words, known, part))
    segments = [
        _counted(way for way in ways if _can_say(way, known, part)) for ways in question.segments
    ]
    one_way = _only_way(segments)
    if one_way and one_way in meant:
        meant[one_way] += 1  # the same said twice counts twice, but need not be sought twice
    elif segments and all(segments):
        yield Query.boost_query(_in_segments(segments, part), WEIGHTS.synonym)
    for words, times in meant.items():
        yield Query.boost_query(_all_said(_words(words, part)), WEIGHTS.synonym * times)


def _exactly(question: Question, known: Known, part: str) -> Iterator[Query]:
    """Things that a name in the text is called, or that have the code typed."""
    for name, _ in question.spotted:
        if _is_in_a_name(name, known, part):
            yield all_of([_called(name), _in_part(part)])
    if question.type != "text":
        for code in _codes(question):
            yield all_of([scored(term("codes", code), 1.0), _in_part(part)])


def _counted(ways: Iterable[tuple[str, ...]]) -> Ways:
    """Ways of saying something, each with how many say it so: the order does not matter."""
    counted: Ways = {}
    for words in ways:
        way = words if len(words) == 1 else tuple(sorted(words))
        counted[way] = counted.get(way, 0) + 1
    return counted


def _only_way(segments: Sequence[Ways]) -> tuple[str, ...] | None:
    """The words of all segments where each is said in one way, and no word twice."""
    if not segments or any([*ways.values()] != [1] for ways in segments):
        return None
    words = [word for ways in segments for way in ways for word in way]
    return tuple(sorted(words)) if len(set(words)) == len(words) else None


def of_both(query: Callable[[str], Query | None]) -> Query | None:
    """What a query of one part of the index finds in either; None: nothing can be found."""
    return either(*map(query, PARTS))


def _can_say(words: Iterable[str], known: Known, part: str) -> bool:
    """Whether things of a part say each word; letters may be 拼音 of what they say."""
    return all(text.is_letters(word) or known(f"{part}_text", word) for word in words)


def _is_in_a_name(piece: str, known: Known, part: str) -> bool:
    """Whether names of a part have each pair of characters; without, none of them says it."""
    return all(known(f"{part}_grams", pair) for pair in text.bigrams(piece))


def _all_said(words: Sequence[Query]) -> Query:
    return all_of([*words, _SAID])


def _in_segments(segments: Iterable[Ways], part: str) -> Query:
    """Things that say each segment in one of its ways."""
    said = [
        any_of([_times(all_of(_words(way, part)), times) for way, times in ways.items()])
        for ways in segments
    ]
    return _all_said(said)


def _times(query: Query, times: float) -> Query:
    return query if times == 1 else Query.boost_query(query, times)


def _called(name: str) -> Query:
    return scored(any_of([term("name", name), term("alias", name)]), WEIGHTS.said)


@lru_cache(maxsize=2)
def _in_part(part: str) -> Query:
    return scored(term("part", part), 0.0)


def near(question: Question, names: Names, generic: Collection[str]) -> Query | None:
    """Members of families whose name says what matters in the question or in what it calls.

    Args:
        generic: words that say what is done (登记, 核发) but not to what.
    """
    asked = ["".join(words) for words in question.alternatives]
    asked += [title for _, titles in question.spotted for title in titles[:_MOST_TITLES]]
    found = names.near(_what_matters(one, generic) for one in asked)
    if not found:
        return None
    named = [scored(term("name", title), score) for title, score in found]
    # Only members of families: of companies and notices each has a name of its own.
    return all_of([any_of(named), _in_part(FAMILIES)])


def _what_matters(asked: str, generic: Collection[str]) -> list[str]:
    return [w for w in dict.fromkeys(text.words(asked)) if len(w) > 1 and w not in generic]


def in_one_piece(question: Question, known: Known, part: str) -> Query | None:
    """Things with a name that says the question in one piece, however it is cut into words."""
    if len(question.exact) < 2 or not _is_in_a_name(question.exact, known, part):
        return None
    return _phrase(f"{part}_grams", text.bigrams(question.exact))


def lifting(question: Question) -> list[Query]:
    """What lifts a thing above the others: its code, its name, another name, a beginning."""
    return [query for _, query in _lifts(question)]


def first_before_later(found: Sequence[Query], question: Question) -> Query:
    """What all of the queries find, later steps behind first ones unless one is asked for.

    Everything gets what a first step is worth and later ones lose it again, as those are fewer. It
    stands by itself: a union with the lifts would read the postings of all later steps there are.
    """
    if _asks_for_later(question):
        return all_of(found)
    return Query.boolean_query(
        [*((Occur.Must, query) for query in (*found, _FIRST)), (Occur.Should, _LATER)]
    )


def _asks_for_later(question: Question) -> bool:
    return is_later(question.exact)


def lifts(question: Question) -> list[tuple[str, Query]]:
    """What lifts a thing, each with what it is called in explanations."""
    lifted = _lifts(question)
    if not _asks_for_later(question):
        lifted.append(("首次办理", scored(term("stage", FIRST), WEIGHTS.first)))
    return lifted


def _lifts(question: Question) -> list[tuple[str, Query]]:
    lifted = [("编码一致", scored(term("codes", code), CODE)) for code in _codes(question)]
    for name, _ in question.spotted:
        share = WEIGHTS.spotted * len(name) / len(question.exact)
        said = any_of([term("name", name), term("alias", name)])
        lifted.append((f"名称是文中的“{name}”", scored(said, share)))
    for name in dict.fromkeys((question.exact, question.whole)):
        lifted.append(("正式名称一致", scored(term("name", name), WEIGHTS.name)))
        lifted.append(("日常用语一致", scored(term("alias", name), WEIGHTS.alias)))
        if len(name) <= LONGEST_PREFIX:
            lifted.append(("名称以此开头", scored(term("starts", name), PREFIX)))
    return lifted


@lru_cache(maxsize=512)
def within(region: str) -> Query:
    """Things of use in a region, of each family one: the own, one inside it, one from above."""
    own = scored(term("scope", own_scope(region)), WEIGHTS.own_region - WEIGHTS.inside)
    inside = scored(term("scope", region), WEIGHTS.inside)  # its own too
    places = [Query.boolean_query([(Occur.Must, inside), (Occur.Should, own)])]
    nearer = [region]
    for steps, above in enumerate((*region_ancestors(region), "")):
        led = [(Occur.MustNot, term("covered", place)) for place in nearer]
        score = WEIGHTS.ancestor / (steps + 1) if above else WEIGHTS.nowhere
        theirs = scored(term("scope", own_scope(above)), score)
        places.append(Query.boolean_query([(Occur.Must, theirs), *led]))
        nearer.append(own_scope(above))
    return any_of(places)


def of_family(key: str) -> Query:
    """All members of a family."""
    return scored(term("family", key), 0.0)


def with_facet(found: str) -> Query:
    """Things with a facet's value."""
    return scored(term("facet", found), 0.0)


@lru_cache(maxsize=512)
def in_region(region: str) -> Query:
    """Things that a region has itself, of each family one."""
    return scored(term("scope", region), 0.0)


@lru_cache(maxsize=4)
def anywhere() -> Query:
    """Of each family one, where nobody named a region."""
    return scored(term("scope", ANYWHERE), 0.0)


@lru_cache(maxsize=512)
def of_body(body: str) -> Query:
    """What a body answers for, of each family one."""
    return scored(term("scope", body_scope(body_number(body))), 0.0)


@lru_cache(maxsize=64)
def of_kind(kind: str) -> Query:
    """Things of one group."""
    return scored(term("kind", kind), 0.0)


def but_of_kind(found: Query, kind: str) -> Query:
    """What was found, without the things of one group."""
    return Query.boolean_query([(Occur.Must, found), (Occur.MustNot, term("kind", kind))])


def ranked(found: Query, lifted: Iterable[Query]) -> Query:
    """What was found, those first that are lifted."""
    return Query.boolean_query([(Occur.Must, found), *((Occur.Should, query) for query in lifted)])


def term_weighed(word: str, part: str) -> Query:
    """Things that say the word; the rarer the word and the oftener it is said, the better."""
    return Query.term_query(SCHEMA, f"{part}_text", word, "freq")


def _words(words: Iterable[str], part: str) -> list[Query]:
    return [_word(word, part) for word in words]


def _word(word: str, part: str) -> Query:
    if not text.is_letters(word):
        return term_weighed(word, part)
    read = [Query.boost_query(one, WEIGHTS.pinyin) for one in _read_as_pinyin(word, part)]
    return any_of([term_weighed(word, part), *read])


def _read_as_pinyin(letters: str, part: str) -> list[Query]:
    """Letters as whole syllables (`gongjijin`) and as first letters of syllables (`gjj`)."""
    if len(letters) > _MOST_READ:
        return []
    syllables = [_phrase(f"{part}_syllables", read) for read in pinyin.readings(letters)]
    return [*syllables, _phrase(f"{part}_initials", text.bigrams(letters))]


def _phrase(field: str, words: list[str]) -> Query:
    if len(words) == 1:
        return Query.term_query(SCHEMA, field, words[0], "basic")
    return Query.phrase_query(SCHEMA, field, [*words])


def _codes(question: Question) -> tuple[str, ...]:
    if question.type == "text":
        return ()
    return tuple(dict.fromkeys((question.exact, question.whole)))
