"""What has left the public's sight (公示期满) and is still in the index: the clock leaves it out.

The indexer takes such things out when they fall due. Until it has, or while it is down, they are
neither found nor counted all the same.
"""

from __future__ import annotations

import tantivy
from tantivy import Occur, Query

from gateway.onestop.schema import SCHEMA

_AHEAD = 60_000_000  # microseconds; a look at the words of one minute takes no time


class Clock:
    """Of one commit of the index what is overdue at a time; mostly nothing."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self._searcher = searcher
        self._looked: tuple[int, int, Query | None] = (0, 0, None)

    def until(self, now: int) -> int:
        """When something is overdue that is not at `now`, or in a minute if nothing is before.

        Args, returns: microseconds since 1970.
        """
        return self._at(now)[1]

    def shown(self, found: Query, now: int) -> Query:
        """What was found, without what is overdue.

        Args:
            now: microseconds since 1970.
        """
        overdue = self._at(now)[2]
        if overdue is None:
            return found
        return Query.boolean_query([(Occur.Must, found), (Occur.MustNot, overdue)])

    def _at(self, now: int) -> tuple[int, int, Query | None]:
        """From when until when holds what was seen, and what is overdue then."""
        begins, ends, _ = looked = self._looked  # another thread may look as well
        if not begins <= now < ends:
            overdue = _due(0, now)
            late = self._searcher.search(overdue, 1, count=False).hits
            looked = self._looked = now, next_due(self._searcher, now), overdue if late else None
        return looked


def next_due(searcher: tantivy.Searcher, now: int) -> int:
    """When the next of all things leaves the public's sight, or in a minute if none does before.

    Args, returns: microseconds since 1970.
    """
    soon = _due(now + 1, now + _AHEAD)
    found = searcher.search(soon, 1, count=False, order_by_field="due", order=tantivy.Order.Asc)
    return int(found.hits[0][0]) if found.hits else now + _AHEAD


def _due(first: int, last: int) -> Query:
    """What falls due from the first moment to the last."""
    return Query.range_query(
        SCHEMA,
        "due",
        tantivy.FieldType.Integer,
        lower_bound=first,
        upper_bound=last,
        use_inverted_index=True,
    )
