"""What was found stays found for who asks the same, until index, tables or clock move.

Many people type the same few words. What is live (a subject's credit, how the sources stand) is
asked each time all the same, and what nobody found is noted each time.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.onestop.asked import Asked
    from gateway.onestop.finding import Finder
    from gateway.onestop.found import Found
    from gateway.onestop.question import Question
    from gateway.onestop.search import Search

MOST = 256
"""Queries remembered; with 50 hits each they take some 10 MB."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What one query found.

    Args:
        question: as understood; `found.question` is the one that was answered.
        elsewhere: how many other regions have what was found, by hit as stored.
    """

    question: Question
    found: Found
    elsewhere: dict[bytes, int]


class Memory:
    """The queries asked last; of those beyond `MOST` the one not asked for longest goes.

    Attributes:
        of: what the queries were answered by; by anything else they have to be asked again. Names
            read anew make another search, as what is used is read with them.
    """

    def __init__(self, finder: Finder, search: Search) -> None:
        self.of = finder, search
        self._finder = finder
        self._search = search
        self._known: OrderedDict[Asked, Remembered] = OrderedDict()
        self._until = 0

    def find(self, asked: Asked, now: int) -> Remembered:
        """What a query finds.

        Args:
            now: microseconds since 1970; what falls due by then is not remembered.
        """
        if now >= self._until:
            self._known.clear()
            self._until = self._search.clock.until(now)
        known = self._known.get(asked)
        if known is None:
            known = self._known[asked] = self._find(asked, now)
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(asked)
        return known

    def _find(self, asked: Asked, now: int) -> Remembered:
        question = self._finder.question_of(asked)
        found = self._finder.find(self._search, question, asked, now)
        hits = [hit for group in found.groups for hit in group.hits if not asked.family]
        elsewhere = {hit.stored: self._search.elsewhere(hit, now) for hit in hits}
        return Remembered(question, found, elsewhere)
