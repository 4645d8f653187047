"""Finding things in the index: totals by group, and the first hits of each group."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from tantivy import Order

from gateway.onestop import facets, ranking, roughly
from gateway.onestop.clock import Clock
from gateway.onestop.found import Facet, Group
from gateway.onestop.schema import FAMILIES, PARTS, family_of, kind_number, stored_bytes
from gateway.onestop.wanted import BODY, asked_for, narrowed_to, narrowing
from gateway.onestop.weights import WEIGHTS
from gateway.onestop.window import CLOSELY, NO_USES, Hit, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    import tantivy
    from tantivy import Query

    from gateway.onestop.names import Names
    from gateway.onestop.question import Question
    from gateway.onestop.wanted import Wanted

ITEM = "item"
# The groups in the order that searchers know (办事, 信用, 便民, 网站); others after them by name.
KNOWN_KINDS = (ITEM, "life_event", "credit", "utility", "adjustment", "website")
MOST_KINDS = 64
DEEPEST = 1000  # hits beyond that are not paged through
MOST_KNOWN = 4096  # words of which it is remembered whether anything says them
MOST_VALUES = 20  # of a facet, in an answer
_SAID_SOMEHOW = WEIGHTS.said * WEIGHTS.synonym  # the least score of what says all the words
PLENTY = CLOSELY  # items that say all the words: none that says fewer gets among the first
_COUNT_FACETS = {"facets": {"terms": {"field": "facet", "size": 1000}}}
_COUNT = {"kinds": {"terms": {"field": "kind", "size": MOST_KINDS}}}


class Search:
    """One look at one commit of the index.

    Args:
        generic: words that say what is done but not to what.
        names: that the index knows.
        uses: how much things are used, by number.

    Attributes:
        clock: what is overdue is neither found nor counted.
    """

    def __init__(
        self,
        searcher: tantivy.Searcher,
        generic: Collection[str],
        names: Names,
        uses: Mapping[int, int] = NO_USES,
    ) -> None:
        self.searcher = searcher
        self.clock = Clock(searcher)
        self._generic = generic
        self._names = names
        self._uses = uses
        self._known = known_by(searcher)
        self._places: dict[str, int] = {}  # of families that were shown
        self._places_until = 0
        self._lifting: tuple[Question, list[Query]] | None = None

    def reads(self, names: Names, uses: Mapping[int, int]) -> bool:
        """Whether these are the tables it looks into."""
        return self._names is names and self._uses is uses

    @cached_property
    def kinds(self) -> list[str]:
        """The groups there are, the largest first."""
        counted = self.searcher.terms_with_prefix("kind", "", limit=MOST_KINDS)
        return [kind for kind, _ in sorted(counted, key=itemgetter(1), reverse=True)]

    @cached_property
    def _kinds_of(self) -> dict[str, list[str]]:
        """The groups of which a part of the index has things."""
        known = {part: self.searcher.terms_with_prefix("part", f"{part}/") for part in PARTS}
        return {part: [one.partition("/")[2] for one, _ in kinds] for part, kinds in known.items()}

    def find(self, question: Question, wanted: Wanted) -> list[Group]:
        """What says the words; if nothing does, what says the question in one piece."""
        if wanted.family:
            return self.members(wanted)
        said = {part: ranking.by_words(question, self._known, part) for part in PARTS}
        if self._names.say_all(question.alternatives[0], PLENTY):
            groups = self._groups(said, question, wanted)
            if self._has_plenty(groups, said, question, wanted):
                return groups
        near = self.near(question)
        both = said | {FAMILIES: ranking.either(said[FAMILIES], near)}
        groups = self._groups(both, question, wanted)
        for group in groups:
            group.near = bool(near)
        if near and groups and self._best(groups, both, question, wanted) < _SAID_SOMEHOW:
            # What only says the rarest words goes with what says them all, never instead of it.
            groups = self._groups(said, question, wanted)
        if not groups and not narrowed_to(question, wanted):
            # What stands for a family may be called otherwise than a member of another region.
            groups = self._groups(said, question, replace(wanted, every_member=True))
        if not groups:
            whole = {part: ranking.in_one_piece(question, self._known, part) for part in PARTS}
            groups = self._groups(whole, question, wanted)
        return groups

    def _has_plenty(
        self,
        groups: Iterable[Group],
        said: Mapping[str, Query | None],
        question: Question,
        wanted: Wanted,
    ) -> bool:
        """Whether so many items say all the words that those which say fewer need not be sought.

        Of all groups and whatever is filtered, so that facets count what they narrow to.
        """
        if not (wanted.kind or wanted.filters):
            return any(group.kind == ITEM and group.total >= PLENTY for group in groups)
        items = replace(wanted, kind=ITEM, filters=())
        found = ranking.either(*said.values())
        return found is not None and self._count(self._shown(found, question, items)) >= PLENTY

    def _best(
        self,
        groups: Sequence[Group],
        found: Mapping[str, Query | None],
        question: Question,
        wanted: Wanted,
    ) -> float:
        """The score of the first of all that was found, whatever it is narrowed to."""
        query = ranking.either(*found.values())
        if query is None or not (wanted.kind or wanted.filters):
            return groups[0].best
        everything = replace(wanted, kind="", filters=())
        return self._window(self._shown(query, question, everything), question, wanted).top

    def said(self, question: Question) -> Query | None:
        """What finds things that say all the words; None: there are none."""
        return ranking.of_both(lambda part: ranking.by_words(question, self._known, part))

    def near(self, question: Question) -> Query | None:
        """What finds items that only say what matters in the question; None: there are none."""
        return ranking.near(question, self._names, self._generic)

    def use_class(self, thing: Query) -> int:
        """How much a thing is used, 1 to 6; 0: too little to tell, or it is not in the index."""
        found = self.searcher.search(thing, 1, count=False).hits
        numbers = self.searcher.fast_field_values("use_number", [place for _, place in found])
        return self._uses.get(int(numbers[0] or 0), 0) if numbers else 0

    def members(self, wanted: Wanted) -> list[Group]:
        """All items of a family, in order of their regions."""
        query = ranking.all_of([ranking.of_family(wanted.family), ranking.of_kind(wanted.kind)])
        end = wanted.offset + wanted.size
        found = self.searcher.search(
            self.clock.shown(query, wanted.now),
            end,
            count=True,
            order_by_field="place_number",
            order=Order.Asc,
        )
        addresses = [address for _, address in found.hits[wanted.offset :]]
        hits = [Hit(stored_bytes(self.searcher.doc(one), "hit"), 0.0) for one in addresses]
        total = found.count  # type: ignore[attr-defined]
        more = end < min(total, DEEPEST)
        return [Group(wanted.kind, total, hits, end if more else None)] if total else []

    def elsewhere(self, hit: Hit, now: int) -> int:
        """How many other regions have the same item."""
        key = family_of(hit.stored)
        if not key:
            return 0
        if self._places_until <= now:
            self._places, self._places_until = {}, self.clock.until(now)
        if key not in self._places:
            self._places[key] = self._count_places(ranking.of_family(key), now)
        return self._places[key] - 1

    def _count_places(self, found: Query, now: int) -> int:
        shown = self.clock.shown(found, now)
        addresses = [one for _, one in self.searcher.search(shown, DEEPEST, count=False).hits]
        return len(set(self.searcher.fast_field_values("place_number", addresses)))

    def _count(self, query: Query) -> int:
        return int(self.searcher.search(query, 1, count=True).count)  # type: ignore[attr-defined]

    def find_roughly(
        self, question: Question, wanted: Wanted, acts: Collection[str]
    ) -> list[Group]:
        """What says most of the words.

        Args:
            acts: words that say what is done, but not to what.
        """
        said = {part: roughly.by_most_words(question, self._known, part, acts) for part in PARTS}
        return self._groups(said, question, wanted)

    def finds(self, question: Question, wanted: Wanted) -> bool:
        """Whether `find` would find anything by words."""
        found = (ranking.by_words(question, self._known, part) for part in PARTS)
        return any(self.says(query, question, wanted) for query in found if query)

    def says_all(self, question: Question, wanted: Wanted) -> bool:
        """Whether anything says all the words, not only a name among them."""
        return self.finds(replace(question, spotted=()), wanted)

    def says(self, query: Query, question: Question, wanted: Wanted) -> bool:
        """Whether a query finds anything of the region and the group asked for."""
        places = [wanted]
        if not narrowed_to(question, wanted):  # what stands for its family mostly says it, too
            places.append(replace(wanted, every_member=True))
        queries = (self._shown(query, question, one) for one in places)
        return any(self.searcher.search(one, 1, count=False).hits for one in queries)

    def _groups(
        self, found: Mapping[str, Query | None], question: Question, wanted: Wanted
    ) -> list[Group]:
        """The groups of what the parts of the index have."""
        queries = {part: query for part, query in found.items() if query}
        if not queries:
            return []
        if wanted.kind:
            return self._page(ranking.any_of(list(queries.values())), question, wanted)
        return self._overview(queries, question, wanted)

    def _overview(
        self, found: Mapping[str, Query], question: Question, wanted: Wanted
    ) -> list[Group]:
        """The first hits of every group; of each part, one search where that finds enough."""
        groups: dict[str, Group] = {}
        best = 0.0
        for part, one in found.items():
            query = self._shown(one, question, wanted, part)
            window = self._window(query, question, wanted)
            best = max(best, window.top)
            totals = self._totals(part, query, window)
            for kind, total in totals.items():
                hits = window.best(question.exact, wanted.size, kind if len(totals) > 1 else "")
                if window.full and len(hits) < min(wanted.size, total):
                    only = ranking.all_of([query, ranking.of_kind(kind)])
                    hits = self._window(only, question, wanted).best(question.exact, wanted.size)
                groups[kind] = _joined(groups.get(kind), Group(kind, total, hits), wanted.size)
        shown = [group for group in groups.values() if group.hits]
        for group in shown:
            group.best = best
        return sorted(shown, key=lambda group: _place(group.kind))

    def _totals(self, part: str, query: Query, window: Window) -> dict[str, int]:
        """How many of each kind a search of a part found; counted only where it must be."""
        kinds = self._kinds_of[part]
        if len(kinds) == 1:
            total = window.count - window.hidden
            return {kinds[0]: total} if total else {}
        if window.full:
            # Only members of families are hidden, and those are of one kind.
            return self._totals_of(query)
        counted = window.kinds()
        return {kind: n for kind in kinds if (n := counted[kind_number(kind)])}

    def _totals_of(self, query: Query) -> dict[str, int]:
        buckets = self.searcher.aggregate(query, _COUNT)["kinds"]["buckets"]
        return {bucket["key"]: bucket["doc_count"] for bucket in buckets}

    def _page(self, found: Query, question: Question, wanted: Wanted) -> list[Group]:
        query, end = self._shown(found, question, wanted), wanted.offset + wanted.size
        # As deep for every page: what comes twice is left out, and all pages have to see it alike.
        window = self._window(query, question, wanted, DEEPEST)
        total = window.count - window.hidden
        if not total:
            return []
        hits = window.best(question.exact, end, start=wanted.offset)
        more = end < min(total, DEEPEST - window.hidden)
        counted = [*self._regions(found, wanted), *self._facets(query, found, question, wanted)]
        return [Group(wanted.kind, total, hits, end if more else None, counted, window.top)]

    def _regions(self, found: Query, wanted: Wanted) -> list[Facet]:
        """How many things each narrower region would show, those that it has itself."""
        values = []
        for region in wanted.narrower:
            query = ranking.all_of([found, ranking.in_region(region), *narrowing(wanted)])
            count = self._count(self.clock.shown(query, wanted.now))
            if count:
                values.append((region, count))
        return [Facet("region", values)] if values else []

    def _shown(self, found: Query, question: Question, wanted: Wanted, part: str = "") -> Query:
        """What was found and may be shown of what is asked for."""
        return self.clock.shown(asked_for(found, question, wanted, part), wanted.now)

    def _facets(
        self, query: Query, found: Query, question: Question, wanted: Wanted
    ) -> list[Facet]:
        """What is found by value, each counted as it would be found if it were chosen."""
        buckets = self.searcher.aggregate(query, _COUNT_FACETS)["facets"]["buckets"]
        counted: dict[str, list[tuple[str, int]]] = {name: [] for name in facets.NAMES}
        for bucket in buckets:
            name, value = facets.parted(bucket["key"])
            if name in counted and len(counted[name]) < MOST_VALUES:
                counted[name].append((value, bucket["doc_count"]))
        if not narrowed_to(question, wanted):
            # Of each family another member is shown where a body is chosen.
            bodies = [value for value, _ in counted[BODY]]
            counted[BODY] = [(one, self._of_body(one, found, question, wanted)) for one in bodies]
        return [Facet(name, values) for name, values in counted.items() if values]

    def _of_body(self, body: str, found: Query, question: Question, wanted: Wanted) -> int:
        chosen = replace(wanted, filters=(*wanted.filters, (BODY, body)))
        return self._count(self._shown(found, question, chosen))

    def _window(
        self, query: Query, question: Question, wanted: Wanted, limit: int = CLOSELY
    ) -> Window:
        """The first hits of a query, at least as many as are shown."""
        lifted = ranking.ranked(query, self._lifting_of(question))
        return Window(self.searcher, lifted, max(limit, wanted.size), wanted.now, self._uses)

    def _lifting_of(self, question: Question) -> list[Query]:
        """What lifts things; made once for the searches of one question."""
        lifting = self._lifting  # a preview may search meanwhile, in a thread of its own
        if lifting is None or lifting[0] is not question:
            lifting = self._lifting = question, ranking.lifting(question)
        return lifting[1]


def known_by(searcher: tantivy.Searcher) -> Callable[[str, str], int]:
    """How many things say a word in a field; looked up in the index it costs 7 µs a word."""
    return lru_cache(maxsize=MOST_KNOWN)(searcher.doc_freq)


def _joined(before: Group | None, group: Group, size: int) -> Group:
    """Two parts of one kind: some of its things are members of families, and some are not."""
    if before is None:
        return group
    hits = sorted([*before.hits, *group.hits], key=lambda hit: -hit.score)
    return Group(group.kind, before.total + group.total, hits[:size])


def _place(kind: str) -> tuple[int, str]:
    known = kind in KNOWN_KINDS
    return (KNOWN_KINDS.index(kind) if known else len(KNOWN_KINDS), kind)
