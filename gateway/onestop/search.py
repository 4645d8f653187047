"""Finding things in the index: totals by group, and the first hits of each group."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING

from gateway.onestop import ranking
from gateway.onestop.window import CLOSELY, Hit, Window

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import tantivy
    from tantivy import Query

    from gateway.onestop.question import Question

# The groups in the order that searchers know (办事, 信用, 便民, 网站); others after them by name.
KNOWN_KINDS = ("item", "life_event", "credit", "utility", "adjustment", "website")
MOST_KINDS = 64
DEEPEST = 1000  # hits beyond that are not paged through
_COUNT = {"kinds": {"terms": {"field": "kind", "size": MOST_KINDS}}}


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

    def __init__(self, searcher: tantivy.Searcher, generic: Collection[str]) -> None:
        self.searcher = searcher
        self._generic = generic

    @cached_property
    def kinds(self) -> list[str]:
        """The groups there are, the largest first."""
        counted = self.searcher.terms_with_prefix("kind", "", limit=MOST_KINDS)
        return [kind for kind, _ in sorted(counted, key=itemgetter(1), reverse=True)]

    def find(self, question: Question, wanted: Wanted) -> list[Group]:
        """What says the words; if nothing does, what says the question in one piece."""
        query = ranking.by_words(question, self.searcher)
        if self.says(query, question, wanted):
            query = ranking.any_of([query, *ranking.near(question, self.searcher, self._generic)])
        groups = self._groups(query, question, wanted)
        if not groups:
            groups = self._groups(ranking.in_one_piece(question), question, wanted)
        return groups

    def find_roughly(self, question: Question, wanted: Wanted) -> list[Group]:
        """What says most of the words."""
        query = ranking.by_most_words(question, self.searcher)
        return self._groups(query, question, wanted)

    def finds(self, question: Question, wanted: Wanted) -> bool:
        """Whether `find` would find anything by words."""
        return self.says(ranking.by_words(question, self.searcher), question, wanted)

    def says_all(self, question: Question, wanted: Wanted) -> bool:
        """Whether anything says all the words, not only a name among them."""
        query = ranking.by_words(replace(question, spotted=()), self.searcher)
        return self.says(query, question, wanted)

    def says(self, query: Query, question: Question, wanted: Wanted) -> bool:
        """Whether a query finds anything of the region and the group asked for."""
        return bool(self.searcher.search(asked_for(query, question, wanted), 1, count=False).hits)

    def _groups(self, found: Query | None, question: Question, wanted: Wanted) -> list[Group]:
        if found is None:
            return []
        query = asked_for(found, question, wanted)
        if wanted.kind:
            return self._page(query, question, wanted)
        return list(self._overview(query, question, wanted))

    def _overview(self, query: Query, question: Question, wanted: Wanted) -> Iterator[Group]:
        """The first hits of every group, in one search where the window holds enough of each."""
        window = self._window(query, question, wanted.now, CLOSELY)
        totals = self._totals(query, window.count)
        exact, size = question.exact, wanted.size
        for kind in sorted(totals, key=_place):
            hits = window.best(exact, size, kind if len(totals) > 1 else "")
            if window.full and len(hits) < min(size, totals[kind]):
                only = ranking.all_of([query, ranking.of_kind(kind)])
                hits = self._window(only, question, wanted.now, max(CLOSELY, size)).best(
                    exact, size
                )
            if hits:
                yield Group(kind, totals[kind], hits)

    def _totals(self, query: Query, count: int) -> dict[str, int]:
        """How many of each kind were found; of the largest, what remains of all."""
        if not count:
            return {}
        largest, *others = self.kinds
        rare = [ranking.term("kind", kind) for kind in others]
        totals = self._totals_of(ranking.all_of([ranking.any_of(rare), query])) if rare else {}
        remaining = count - sum(totals.values())
        return {largest: remaining, **totals} if remaining else totals

    def _totals_of(self, query: Query) -> dict[str, int]:
        buckets = self.searcher.aggregate(query, _COUNT)["kinds"]["buckets"]
        return {bucket["key"]: bucket["doc_count"] for bucket in buckets}

    def _page(self, query: Query, question: Question, wanted: Wanted) -> list[Group]:
        end = wanted.offset + wanted.size
        window = self._window(query, question, wanted.now, max(end, CLOSELY))
        if not window.count:
            return []
        hits = window.best(question.exact, end, start=wanted.offset)
        more = end < min(window.count, DEEPEST)
        total = window.count - window.hidden
        return [Group(wanted.kind, total, hits, next_offset=end if more else None)]

    def _window(self, query: Query, question: Question, now: int, limit: int) -> Window:
        return Window(self.searcher, ranking.ranked(query, ranking.first(question)), limit, now)


def asked_for(found: Query, question: Question, wanted: Wanted) -> Query:
    """Of what was found only what is of the region and the group asked for."""
    # A region in the text lies within the one asked for, where there are both.
    region = question.region.code if question.region else wanted.region
    filters = [ranking.within(region) if region else ranking.anywhere()]
    if wanted.kind:
        filters.append(ranking.of_kind(wanted.kind))
    return ranking.all_of([found, *filters])


def _place(kind: str) -> tuple[int, str]:
    known = kind in KNOWN_KINDS
    return (KNOWN_KINDS.index(kind) if known else len(KNOWN_KINDS), kind)
