"""The first hits of a search, looked at closely; read from the store only where they are shown.

A stored hit costs some 10 µs to read, a number beside the index a hundredth of that. So the kind
of a hit, and whether its title can say the question in one piece, are kept as numbers.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import orjson

from gateway.onestop import text
from gateway.onestop.ranking import PHRASE, PREFIX
from gateway.onestop.schema import kind_number, stored_bytes
from gateway.onestop.weights import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import tantivy
    from tantivy import DocAddress, Query

CLOSELY = 24  # how many of the first are looked at closely
NO_USES: Final[Mapping[int, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found.

    Args:
        stored: the hit as JSON, without its score.
    """

    stored: bytes
    score: float

    @property
    def card(self) -> dict[str, Any]:
        """What was stored, read."""
        return dict(orjson.loads(self.stored))

    def json(self) -> bytes:
        """As it stands in the answer."""
        return b'%s,"score":%.3f}' % (self.stored[:-1], self.score)


class Window:
    """The first hits of one search, as the clock shows them.

    Of one official name in several places the first is kept: without a 基本编码 in common the name
    tells that they are the same. Several bodies of one place stay apart.

    Args:
        limit: how many of the first.
        now: microseconds since 1970.
        uses: how much things are used, by number; among equals the more used comes first.

    Attributes:
        count: how many things the search found in all.
        hidden: how many of the first are not shown: overdue, or the same elsewhere.
        full: there may be more than the first.
        top: the score of the very first.
    """

    def __init__(
        self,
        searcher: tantivy.Searcher,
        query: Query,
        limit: int,
        now: int,
        uses: Mapping[int, int] = NO_USES,
    ) -> None:
        self._searcher = searcher
        found = searcher.search(query, limit, count=True, weight_by_field="weight")
        self.count: int = found.count  # type: ignore[attr-defined]
        first: list[tuple[float, DocAddress]] = found.hits  # made anew each time it is asked for
        shown = self._shown([address for _, address in first], now)
        self._close = sum(place < CLOSELY for place in shown)  # so many are looked at closely
        self._first = self._ordered([first[place] for place in shown], uses)
        self.top = self._first[0][0] if self._first else 0.0
        self._read: dict[int, bytes] = {}
        self.hidden = len(first) - len(self._first)
        self.full = len(first) == limit

    def _shown(self, addresses: list[DocAddress], now: int) -> list[int]:
        """Where in the list those stand that may be shown."""
        ends, names, places = (
            self._searcher.fast_field_values(field, addresses)
            for field in ("due", "title_number", "place_number")
        )
        kept: dict[Any, Any] = {}
        return [
            at
            for at, (end, name, place) in enumerate(zip(ends, names, places, strict=True))
            if (end is None or end > now) and (not name or kept.setdefault(name, place) == place)
        ]

    def best(self, exact: str, end: int, kind: str = "", *, start: int = 0) -> list[Hit]:
        """Some of the hits, best first; those whose title says the question are lifted.

        Args:
            exact: the question, letters and digits only.
            kind: hits of this group only; empty: all are of one.
        """
        places = self._places(kind)
        ranked = self._ranked(places[: self._close], exact, end)
        ranked += [(-self._first[place][0], place) for place in places[self._close : end]]
        return [Hit(self._stored(place), -score) for score, place in ranked[start:end]]

    def kinds(self) -> Counter[int]:
        """How many of the hits are of each kind, by its number."""
        return Counter(self._numbers("kind_number"))

    def _ordered(
        self, hits: Sequence[tuple[float, DocAddress]], uses: Mapping[int, int]
    ) -> list[tuple[float, DocAddress]]:
        """The hits, the close ones with what their use adds; equals by what never changes."""
        scores = [score for score, _ in hits]
        if uses:
            close = self._values("use_number", hits[: self._close])
            for at, number in enumerate(close):
                scores[at] *= 1.0 + WEIGHTS.use * uses.get(number, 0)
        # To read the numbers costs as much as to sort; where no two are equal nobody needs them.
        equal = len(set(scores)) < len(scores)
        numbers = self._values("number", hits) if equal else range(len(scores))
        keys = zip(scores, numbers, hits, strict=True)
        ordered = sorted(keys, key=lambda hit: (-hit[0], hit[1]))
        return [(score, address) for score, _, (_, address) in ordered]

    def _places(self, kind: str) -> Sequence[int]:
        """Where the hits of a kind stand among the first."""
        if not kind:
            return range(len(self._first))
        number = kind_number(kind)
        kinds = self._numbers("kind_number")
        return [place for place, one in enumerate(kinds) if one == number]

    def _ranked(self, places: Sequence[int], exact: str, wanted: int) -> list[tuple[float, int]]:
        """The best places with their scores, negative so that the best comes first.

        Where scores are equal the order of the index stays.
        """
        may_say = self._may_say(places, exact, wanted)
        best: list[tuple[float, int]] = []
        for place in places if may_say else places[:wanted]:
            score = self._first[place][0]
            highest = max(score, min(score, PREFIX) + PHRASE)  # of this one and all after it
            if len(best) >= wanted and -best[wanted - 1][0] >= highest:
                break
            if place in may_say and self._says_it_whole(place, exact):
                score += PHRASE
            insort(best, (-score, place))
        return best

    def _may_say(self, places: Sequence[int], exact: str, wanted: int) -> Collection[int]:
        """The places that would be lifted if their title said the question in one piece."""
        if len(places) >= wanted and self._first[places[wanted - 1]][0] >= PREFIX + PHRASE:
            return ()  # no lower one would get among those that are wanted
        low = [place for place in places if self._first[place][0] < PREFIX]
        if not low:
            return ()
        close = self._first[: max(low) + 1]
        said, pairs = self._values("title_pairs", close), text.pairs_as_bits(exact)
        return {place for place in low if said[place] & pairs == pairs}

    def _says_it_whole(self, place: int, exact: str) -> bool:
        title = orjson.loads(self._stored(place))["title"]
        return exact in title or (not title.isalnum() and exact in text.squeeze(text.fold(title)))

    def _stored(self, place: int) -> bytes:
        if place not in self._read:
            document = self._searcher.doc(self._first[place][1])
            self._read[place] = stored_bytes(document, "hit")
        return self._read[place]

    def _numbers(self, field: str) -> list[Any]:
        return self._values(field, self._first)

    def _values(self, field: str, hits: Iterable[tuple[float, DocAddress]]) -> list[Any]:
        return self._searcher.fast_field_values(field, [address for _, address in hits])
