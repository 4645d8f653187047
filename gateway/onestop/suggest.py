"""What somebody may be about to type (联想): names of items, and things whose name begins so."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import orjson

from gateway.onestop import ranking
from gateway.onestop.schema import LONGEST_PREFIX
from gateway.onestop.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tantivy

    from gateway.onestop.lexicon import Lexicon
    from gateway.onestop.question import Question
    from gateway.onestop.search import Search

MOST = 10
_NAMES = 8  # the rest are things
_SHORTEST = 1


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One line under the box.

    Args:
        text: what is asked if it is chosen.
        kind: name for a name, else the group of the thing that it is.
    """

    text: str
    kind: str


def suggestions(question: Question, lexicon: Lexicon, search: Search, now: int) -> list[Suggestion]:
    """At most ten lines for a beginning; a region in it stays before what is suggested.

    Args:
        now: microseconds since 1970.
    """
    begun = question.left
    before = f"{question.region.name} " if question.region else ""
    known = (name for name in _names(question, lexicon) if _is_said(name, lexicon, search, now))
    names = list(islice(known, _NAMES))
    lines = [Suggestion(f"{before}{name}", "name") for name in names]
    # What stands like a region may be the beginning of a name: 昆明春城供电有限公司.
    for typed in dict.fromkeys((begun, question.whole)):
        lines += _things(typed, question, search.searcher, now)
    distinct = {line.text: line for line in reversed(lines)}
    return [line for line in lines if distinct[line.text] is line][:MOST]


def _names(question: Question, lexicon: Lexicon) -> Iterator[str]:
    """Names that begin so; else those that begin as one in the text does, or that a slip hides."""
    begun = question.left
    if found := lexicon.beginning(begun):
        yield from found
    elif question.spotted:
        for name, _ in question.spotted:
            yield from lexicon.beginning(name)
    elif read := lexicon.read(begun) if begun.isascii() else None:
        yield from lexicon.beginning(read) or [read]
    elif question.read_as:
        for word in question.alternatives[0]:
            yield from lexicon.beginning(word) if len(word) > 1 else ()
    else:
        for meant in lexicon.corrections(begun):
            yield from lexicon.beginning(meant) or [meant] * lexicon.knows(meant)


def _is_said(name: str, lexicon: Lexicon, search: Search, now: int) -> bool:
    """Whether anything is called so now.

    The lexicon is read once a minute, and the index itself goes on knowing the words of what has
    left until it merges: an item that was suspended or cancelled would be suggested meanwhile.
    """
    titles = lexicon.titles(name)
    called = (ranking.term("called", f"{name}\t{title}") for title in titles)
    return not titles or any(
        search.searcher.search(search.clock.shown(one, now), 1, count=False).hits for one in called
    )


def _things(
    begun: str, question: Question, searcher: tantivy.Searcher, now: int
) -> Iterator[Suggestion]:
    """Things of other groups whose name begins so: companies, institutions, sites."""
    if not _SHORTEST < len(begun) <= LONGEST_PREFIX:
        return
    begins_so = ranking.but_of_kind(ranking.term("starts", begun), "item")
    # Mostly nothing but items begins so; what is of use in a region costs many times that look.
    if not searcher.search(begins_so, 1, count=False).hits:
        return
    region = question.region.code if question.region else ""
    scope = ranking.within(region) if region else ranking.anywhere()
    query = ranking.all_of([begins_so, scope])
    window = Window(searcher, query, MOST - _NAMES, now)
    for hit in window.best(begun, MOST - _NAMES):
        card = hit.card
        yield Suggestion(card["title"], card["kind"])


def written(typed: str, lines: list[Suggestion]) -> bytes:
    """The answer of the API."""
    return orjson.dumps(
        {"query": typed, "suggestions": [{"text": one.text, "kind": one.kind} for one in lines]}
    )
