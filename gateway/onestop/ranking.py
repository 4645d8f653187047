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
from gateway.onestop.schema import LONGEST_PREFIX, NOWHERE, SCHEMA
from services.common.identifiers import region_ancestors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import tantivy

    from gateway.onestop.question import Question

CODE, NAME, ALIAS, PREFIX, PHRASE = 2500.0, 2000.0, 1500.0, 1000.0, 500.0
_SYNONYM = 0.7
_BY_PINYIN = 0.3
_OWN_REGION, _INSIDE, _ANCESTOR, _NOWHERE = 150.0, 80.0, 60.0, 10.0
_MOST_READ = 32  # letters


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


def all_of(queries: Sequence[Query]) -> Query:
    """What every one of the queries finds."""
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def by_words(question: Question, searcher: tantivy.Searcher) -> Query:
    """Things whose card says all the words of one alternative, or that have the code typed."""
    typed, *others = question.alternatives
    pairs = [any_of([term("grams", pair) for pair in one]) for one in question.pairs]
    found = [all_of([*map(_word, typed), *pairs])]
    found += [
        Query.boost_query(all_of([_word(word) for word in words]), _SYNONYM)
        for words in others
        if all(searcher.doc_freq("text", word) for word in words)
    ]
    if question.type != "text":
        found += [scored(term("codes", code), 1.0) for code in _codes(question)]
    return any_of(found)


def in_one_piece(question: Question) -> Query | None:
    """Things with a name that says the question in one piece, however it is cut into words."""
    return _phrase("grams", text.bigrams(question.exact)) if len(question.exact) > 1 else None


def by_most_words(question: Question, searcher: tantivy.Searcher) -> Query | None:
    """Things whose card says most of the words, or of the shorter words inside them."""
    known = [
        word
        for word in dict.fromkeys(text.searched_words(" ".join(question.alternatives[0])))
        if len(word) > 1 and searcher.doc_freq("text", word)
    ]
    if not known:
        return None
    return Query.boolean_query(
        [(Occur.Should, term_weighed(word)) for word in known],
        minimum_number_should_match=max(1, -(-len(known) * 3 // 5)),
    )


def first(question: Question) -> list[Query]:
    """What lifts a thing above the others: its code, its name, another name, a beginning."""
    lifted = [scored(term("codes", code), CODE) for code in _codes(question)]
    for name in dict.fromkeys((question.exact, question.whole)):
        lifted += [scored(term("name", name), NAME), scored(term("alias", name), ALIAS)]
        if len(name) <= LONGEST_PREFIX:
            lifted.append(scored(term("starts", name), PREFIX))
    return lifted


@lru_cache(maxsize=512)
def within(region: str) -> Query:
    """Things of a region, of the regions in it, of those above it, and of none; the own first."""
    places = [
        scored(term("place", region), _OWN_REGION),
        scored(term("region", region), _INSIDE),
        scored(term("place", NOWHERE), _NOWHERE),
    ]
    for steps, above in enumerate(region_ancestors(region)):
        places.append(scored(term("place", above), _ANCESTOR / (steps + 1)))
    return any_of(places)


@lru_cache(maxsize=64)
def of_kind(kind: str) -> Query:
    """Things of one group."""
    return scored(term("kind", kind), 0.0)


def ranked(found: Query, lifted: Iterable[Query]) -> Query:
    """What was found, those first that are lifted."""
    return Query.boolean_query([(Occur.Must, found), *((Occur.Should, query) for query in lifted)])


def term_weighed(word: str) -> Query:
    """Things that say the word; the rarer the word and the oftener it is said, the better."""
    return Query.term_query(SCHEMA, "text", word, "freq")


def _word(word: str) -> Query:
    if not (word.isascii() and word.isalpha() and len(word) > 1):
        return term_weighed(word)
    read = _read_as_pinyin(word)
    return any_of([term_weighed(word), *(Query.boost_query(one, _BY_PINYIN) for one in read)])


def _read_as_pinyin(letters: str) -> list[Query]:
    """Letters as whole syllables (`gongjijin`) and as first letters of syllables (`gjj`)."""
    if len(letters) > _MOST_READ:
        return []
    syllables = [_phrase("syllables", read) for read in pinyin.readings(letters)]
    return [*syllables, _phrase("initials", text.bigrams(letters))]


def _phrase(field: str, words: list[str]) -> Query:
    if len(words) == 1:
        return Query.term_query(SCHEMA, field, words[0], "basic")
    return Query.phrase_query(SCHEMA, field, [*words])


def _codes(question: Question) -> tuple[str, ...]:
    if question.type == "text":
        return ()
    return tuple(dict.fromkeys((question.exact, question.whole)))
