"""Why a hit stands where it does: what of the question its card says, and what that counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.onestop import ranking, text
from gateway.onestop.weights import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tantivy import Query

    from gateway.onestop.found import Group
    from gateway.onestop.question import Question
    from gateway.onestop.search import Search
    from gateway.onestop.window import Hit

SAID: Final = "说到全部词语"
"""The same for all that say the words; less for what only says others that mean the same."""
HOW_SAID: Final = "词语少见、几种说法都说到"
"""What tells those apart that say the words."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a card says, and the score that it brings."""

    says: str
    score: float


@dataclass(frozen=True, slots=True)
class Explained:
    """A hit with the parts of its score, the highest first.

    Args:
        rest: what remains of the score: the level that decides, how new it is.
    """

    card: dict[str, Any]
    score: float
    parts: list[Part]
    rest: float


def explained(
    groups: Collection[Group], question: Question, region: str, search: Search
) -> list[Explained]:
    """Each hit with what its score is made of.

    Args:
        region: 12 digits that the answer was narrowed to; empty: none.
        search: that found them.
    """
    near = search.near(question) if any(group.near for group in groups) else None
    labelled = list(_labelled(question, region, search, near))
    hits = (hit for group in groups for hit in group.hits)
    return [_explained(hit, question, labelled, search) for hit in hits]


def _labelled(
    question: Question, region: str, search: Search, near: Query | None
) -> Iterator[tuple[str, Query]]:
    yield from ranking.lifts(question)
    if said := search.said(question):
        yield SAID, said
    if near:
        yield "说到主要词语", near
    if region:
        yield "地区远近", ranking.within(region)


def _explained(
    hit: Hit, question: Question, labelled: list[tuple[str, Query]], search: Search
) -> Explained:
    this = ranking.scored(ranking.term("id", hit.card["id"]), 0.0)
    parts: dict[str, float] = {}
    for says, query in labelled:
        found = search.searcher.search(ranking.all_of([query, this]), 1, count=False).hits
        if found:
            parts[says] = max(found[0][0], parts.get(says, 0.0))
    if parts.get(SAID, 0.0) > WEIGHTS.said:
        parts |= {SAID: WEIGHTS.said, HOW_SAID: parts[SAID] - WEIGHTS.said}
    if question.exact in text.squeeze(text.fold(hit.card["title"])):
        parts.setdefault("名称含有全部文字", ranking.PHRASE if hit.score < ranking.PREFIX else 0.0)
    if used := search.use_class(this):
        parts["使用较多"] = _added(used, hit.score - parts.get("名称含有全部文字", 0.0))
    ordered = sorted(parts.items(), key=lambda part: -part[1])
    return Explained(
        card=hit.card,
        score=hit.score,
        parts=[Part(says, score) for says, score in ordered],
        rest=hit.score - sum(parts.values()),
    )


def _added(use_class: int, score: float) -> float:
    """What a class of use adds to a score, of the score with it."""
    return score - score / (1.0 + WEIGHTS.use * use_class)
