"""What editors of synonyms are shown: what an edit changes, and names that no group has yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from gateway.onestop.asked import Asked
from gateway.onestop.ranking import all_of, of_kind, term
from gateway.onestop.schema import stored_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import tantivy

    from gateway.onestop.finding import Finder
    from gateway.onestop.lexicon import Lexicon
    from gateway.onestop.search import Search
    from gateway.onestop.synonyms import Synonyms

MOST_WORDS = 30
FIRST = 5
MOST_UNGROUPED = 50
LONGEST_WORD = 20
"""Characters; longer names do not go into a group."""
_MOST_WEIGHED = 1000
_MOST_CALLED_SO = 50


@dataclass(slots=True)
class Place:
    """Where a thing stands among the first; 0: it does not.

    Args:
        card: the hit as the answer has it.
    """

    card: dict[str, Any]
    before: int = 0
    after: int = 0

    @property
    def moves(self) -> bool:
        """Whether it comes, goes or stands elsewhere."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Effect:
    """What an edit does to the answer to one word.

    Args:
        before: how many things are found.
        places: the first ones as edited, and then those that no longer are.
    """

    word: str
    before: int
    after: int
    places: list[Place] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether the answer looks different at all."""
        return self.before != self.after or any(place.moves for place in self.places)


@dataclass(frozen=True, slots=True)
class Ungrouped:
    """An everyday name of an item that no group has.

    Args:
        title: the item's official name.
    """

    name: str
    title: str


def effects(
    words: Iterable[str], before: Finder, after: Finder, search: Search, now: int
) -> list[Effect]:
    """The words, each asked twice of the same index.

    Args:
        words: as edited and as before; of both together at most twice what a group may have.
        now: microseconds since 1970.
    """
    return [_effect(word, before, after, search, now) for word in islice(words, 2 * MOST_WORDS)]


def _effect(word: str, before: Finder, after: Finder, search: Search, now: int) -> Effect:
    as_it_is, as_edited = _found(word, before, search, now), _found(word, after, search, now)
    places: dict[str, Place] = {}
    for number, card in enumerate(as_edited[1], 1):
        places.setdefault(card["id"], Place(card)).after = number
    for number, card in enumerate(as_it_is[1], 1):
        places.setdefault(card["id"], Place(card)).before = number
    return Effect(word, as_it_is[0], as_edited[0], list(places.values()))


def _found(word: str, finder: Finder, search: Search, now: int) -> tuple[int, list[dict[str, Any]]]:
    """How many things are found, and the first in the order in which people see them."""
    asked = Asked(word, page_size=FIRST)
    found = finder.find(search, finder.question_of(asked), asked, now)
    hits = [hit for group in found.groups for hit in group.hits]
    return sum(group.total for group in found.groups), [hit.card for hit in hits[:FIRST]]


def ungrouped(
    lexicon: Lexicon, synonyms: Synonyms, searcher: tantivy.Searcher, uses: Mapping[int, int]
) -> list[Ungrouped]:
    """At most 50 everyday names of items that no group has, of the most used items first.

    Args:
        uses: how much things are used, by number.
    """
    said = [
        (-count, name)
        for name, count in lexicon.everyday()
        if len(name) <= LONGEST_WORD and not synonyms.knows(name)
    ]
    likely = [name for _, name in sorted(said)[:_MOST_WEIGHED]]
    weighed = [one for name in likely if (one := _weighed(name, searcher, uses))]
    return [one for _, one in sorted(weighed, key=itemgetter(0))[:MOST_UNGROUPED]]


def _weighed(
    name: str, searcher: tantivy.Searcher, uses: Mapping[int, int]
) -> tuple[tuple[int, int, str], Ungrouped] | None:
    """A name and its place among others: by use, then by how many items are called so.

    None: no item is, or its official name is too long for a group.
    """
    query = all_of([term("alias", name), of_kind("item")])
    addresses = [one for _, one in searcher.search(query, _MOST_CALLED_SO, count=False).hits]
    if not addresses:
        return None
    title = orjson.loads(stored_bytes(searcher.doc(addresses[0]), "hit"))["title"]
    if len(title) > LONGEST_WORD:
        return None
    numbers = searcher.fast_field_values("use_number", addresses) if uses else []
    use = sum(uses.get(int(number or 0), 0) for number in numbers)
    return (-use, -len(addresses), name), Ungrouped(name, title)
