"""What part of an answer is asked for, and the query that finds only that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.onestop import facets, ranking
from gateway.onestop.schema import SINGLES

if TYPE_CHECKING:
    from tantivy import Query

    from gateway.onestop.asked import Asked
    from gateway.onestop.question import Question

BODY: Final = "department"
"""The facet of a body, of whose families another member is shown."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What part of the answer is asked for.

    Args:
        region: only of this region, those in it, those above it and none; 12 digits, or empty.
        kind: only this group; empty: the first hits of each.
        size: hits in a group.
        offset: hits to leave out; only with `kind`.
        now: microseconds since 1970, for what has a period.
        filters: facets and the values that things have to have.
        family: all members of that family, whatever their region.
        narrower: regions to count things of, where the answer is of one group.
        every_member: of a family, also where nobody named a region and one stands for all.
    """

    region: str
    kind: str
    size: int
    offset: int
    now: int
    filters: tuple[tuple[str, str], ...] = ()
    family: str = ""
    narrower: tuple[str, ...] = ()
    every_member: bool = False

    @classmethod
    def of(cls, asked: Asked, now: int) -> Wanted:
        """What a query wants."""
        return cls(
            asked.region,
            asked.kind,
            asked.page_size,
            asked.offset,
            now,
            asked.filters,
            asked.family,
        )


def asked_for(found: Query, question: Question, wanted: Wanted, part: str = "") -> Query:
    """Of what was found only what is of the region and the group asked for.

    Args:
        part: that what was found is of; empty: of both.
    """
    place = narrowed_to(question, wanted)
    if not place and part != SINGLES and not wanted.every_member:
        place = [ranking.anywhere()]
    return ranking.first_before_later([found, *place, *narrowing(wanted)], question)


def narrowing(wanted: Wanted) -> list[Query]:
    """Only the group and what the filters leave."""
    filters = [ranking.with_facet(facets.word(*one)) for one in wanted.filters]
    return [*filters, ranking.of_kind(wanted.kind)] if wanted.kind else filters


def narrowed_to(question: Question, wanted: Wanted) -> list[Query]:
    """Nothing, or of each family one: what the region sees, or what a body has."""
    # A region in the text lies within the one asked for, where there are both.
    region = question.region.code if question.region else wanted.region
    if region:
        return [ranking.within(region)]
    body = dict(wanted.filters).get(BODY, "")
    return [ranking.of_body(body)] if body else []
