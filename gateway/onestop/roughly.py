"""Where nothing says all the words: what says most of them, and not only what is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tantivy import Occur, Query

from gateway.onestop import ranking

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.onestop.question import Question
    from gateway.onestop.ranking import Known

    Ways = tuple[tuple[str, ...], ...]

_MOST_OF = 0.6  # of a text has to be said where not all of it is


def by_most_words(
    question: Question, known: Known, part: str, acts: Collection[str]
) -> Query | None:
    """Things whose card says most of the question, or most of what matters in it.

    Args:
        acts: words that say what is done (登记, 注销) but not to what: what says nothing else of
            the question is none of its answers, unless there is nothing else in it.
    """
    segments = question.segments or tuple(((word,),) for word in question.alternatives[0])
    mattering = [one for one in segments if any(word not in acts for word in one[0])]
    if not mattering and not _names_a_stranger(question, known, part):
        mattering = [*segments]
    said = {ways: found for ways in segments if (found := _sayable(ways, known, part))}
    needed = [said[one] for one in mattering if one in said]
    if not needed or not any(
        sum(_size(one) for one in of if one in said) >= _MOST_OF * sum(map(_size, of))
        for of in (segments, mattering)
    ):
        return None
    most = Query.boolean_query(
        [(Occur.Should, _in_some_way(ways, part)) for ways in needed],
        minimum_number_should_match=max(1, -(-len(needed) * 3 // 5)),
    )
    also = [(Occur.Should, _in_some_way(found, part)) for found in said.values()]
    return Query.boolean_query([(Occur.Must, most), *also])


def _names_a_stranger(question: Question, known: Known, part: str) -> bool:
    """Whether two characters that are no word, and that no name says, tell what is meant: 采砂."""
    said = {character for word in question.alternatives[0] for character in word}
    pairs = (pair for one in question.pairs for pair in one if said.isdisjoint(pair))
    return any(not known(f"{part}_grams", pair) for pair in pairs)


def _sayable(ways: Ways, known: Known, part: str) -> Ways:
    """The ways in which things of a part can say something."""
    field = f"{part}_text"
    return tuple(way for way in ways if all(len(w) > 1 and known(field, w) for w in way))


def _in_some_way(ways: Ways, part: str) -> Query:
    return ranking.any_of(
        [ranking.all_of([ranking.term_weighed(word, part) for word in way]) for way in ways]
    )


def _size(ways: Ways) -> int:
    """Characters of what was typed."""
    return sum(map(len, ways[0]))
