"""Finding things in the index: totals by group, and the first hits of each group."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from gateway.onestop import ranking, text
from gateway.onestop.schema import stored_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tantivy
    from tantivy import Query

    from gateway.onestop.question import Question

# The groups in the order that searchers know (办事, 信用, 便民, 网站); others after them by name.
KNOWN_KINDS = ("item", "credit", "utility", "website")
MOST_KINDS = 64
WINDOW = 24  # how many of the first are looked at closely
DEEPEST = 1000  # hits beyond that are not paged through
_COUNT = {"kinds": {"terms": {"field": "kind", "size": MOST_KINDS}}}


@dataclass(slots=True)
class Hit:
    """One thing found.

    Args:
        stored: the hit as JSON, without its score.
    """

    stored: bytes
    card: dict[str, Any]
    score: float

    def json(self) -> bytes:
        """As it stands in the answer."""
        return b'%s,"score":%.3f}' % (self.stored[:-1], self.score)


@dataclass(slots=True)
class Group:
    """The hits of one kind.

    Args:
        next_offset: where the next page begins; None: there is none.
    """

    kind: str
    total: int
    hits: list[Hit]
    next_offset: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What part of the answer is asked for.

    Args:
        region: only of this region, those in it, those above it and none; 12 digits, or empty.
        kind: only this group; empty: the first hits of each.
        size: hits in a group.
        offset: hits to leave out; only with `kind`.
        now: microseconds since 1970, for what has a period.
    """

    region: str
    kind: str
    size: int
    offset: int
    now: int


@dataclass(slots=True)
class Found:
    """What a search found.

    Args:
        question: the one that was answered; another may stand for what was typed.
        corrected: how it is written, where what was typed found nothing.
        suggestions: what else may have been meant.
    """

    question: Question
    groups: list[Group] = field(default_factory=list)
    corrected: str | None = None
    suggestions: list[str] = field(default_factory=list)


class Search:
    """One look at one commit of the index."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self._searcher = searcher

    def find(self, question: Question, wanted: Wanted) -> list[Group]:
        """What says the words; if nothing does, what says the question in one piece."""
        groups = self._groups(ranking.by_words(question, self._searcher), question, wanted)
        if not groups:
            groups = self._groups(ranking.in_one_piece(question), question, wanted)
        return groups

    def find_roughly(self, question: Question, wanted: Wanted) -> list[Group]:
        """What says most of the words."""
        query = ranking.by_most_words(question, self._searcher)
        return self._groups(query, question, wanted)

    def finds(self, question: Question, wanted: Wanted) -> bool:
        """Whether `find` would find anything by words."""
        query = _only(ranking.by_words(question, self._searcher), question, wanted)
        return bool(self._searcher.search(query, 1, count=False).hits)

    def _groups(self, found: Query | None, question: Question, wanted: Wanted) -> list[Group]:
        if found is None:
            return []
        query = _only(found, question, wanted)
        totals = self._totals(query)
        if not totals:
            return []
        if wanted.kind:
            return [self._page(query, question, wanted, totals[wanted.kind])]
        return list(self._overview(query, question, wanted, totals))

    def _totals(self, query: Query) -> dict[str, int]:
        buckets = self._searcher.aggregate(query, _COUNT)["kinds"]["buckets"]
        return {bucket["key"]: bucket["doc_count"] for bucket in buckets}

    def _overview(
        self, query: Query, question: Question, wanted: Wanted, totals: dict[str, int]
    ) -> Iterator[Group]:
        """The first hits of every group, in one search where the window holds enough of each."""
        window, hidden = self._hits(query, question, wanted.now, WINDOW)
        for kind in sorted(totals, key=_place):
            hits = [hit for hit in window if hit.card["kind"] == kind]
            if len(hits) < min(wanted.size, totals[kind]) and len(window) + hidden == WINDOW:
                only = ranking.all_of([query, ranking.of_kind(kind)])
                hits, _ = self._hits(only, question, wanted.now, max(WINDOW, wanted.size))
            if hits:
                yield Group(kind, totals[kind], hits[: wanted.size])

    def _page(self, query: Query, question: Question, wanted: Wanted, total: int) -> Group:
        end = wanted.offset + wanted.size
        hits, hidden = self._hits(query, question, wanted.now, max(end, WINDOW))
        more = end < min(total, DEEPEST)
        return Group(
            wanted.kind,
            total - hidden,
            hits[wanted.offset : end],
            next_offset=end if more else None,
        )

    def _hits(
        self, query: Query, question: Question, now: int, limit: int
    ) -> tuple[list[Hit], int]:
        """The best hits, best first, and how many of them the clock has hidden meanwhile."""
        query = ranking.ranked(query, ranking.first(question))
        found = self._searcher.search(query, limit, count=False, weight_by_field="weight").hits
        addresses = [address for _, address in found]
        ends = self._searcher.fast_field_values("due", addresses)
        hits: list[Hit] = []
        for (score, address), end in zip(found, ends, strict=True):
            if end is None or end > now:
                stored = stored_bytes(self._searcher.doc(address), "hit")
                hits.append(Hit(stored, orjson.loads(stored), score))
        for hit in hits[:WINDOW]:
            if hit.score < ranking.PREFIX and _says_it_whole(hit.card["title"], question.exact):
                hit.score += ranking.PHRASE
        # Sorting is stable: where scores are equal the order of the index stays.
        hits[:WINDOW] = sorted(hits[:WINDOW], key=lambda hit: -hit.score)
        return hits, len(found) - len(hits)


def _only(found: Query, question: Question, wanted: Wanted) -> Query:
    # A region in the text lies within the one asked for, where there are both.
    region = question.region.code if question.region else wanted.region
    filters = [ranking.within(region)] if region else []
    if wanted.kind:
        filters.append(ranking.of_kind(wanted.kind))
    return ranking.all_of([found, *filters])


def _says_it_whole(title: str, exact: str) -> bool:
    return exact in title or (not title.isalnum() and exact in text.squeeze(text.fold(title)))


def _place(kind: str) -> tuple[int, str]:
    known = kind in KNOWN_KINDS
    return (KNOWN_KINDS.index(kind) if known else len(KNOWN_KINDS), kind)
