"""What a search found, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.onestop.question import Question
    from gateway.onestop.regions import Region
    from gateway.onestop.window import Hit


@dataclass(slots=True)
class Group:
    """The hits of one kind.

    Args:
        next_offset: where the next page begins; None: there is none.
        best: the score of the first of all that was found.
        near: what only says the rarest words was sought as well.
    """

    kind: str
    total: int
    hits: list[Hit]
    next_offset: int | None = None
    facets: list[Facet] = field(default_factory=list)
    best: float = 0.0
    near: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """What a group may be narrowed by.

    Args:
        values: each with how many things have it, the most first.
    """

    name: str
    values: list[tuple[str, int]]


@dataclass(slots=True)
class Found:
    """What a search found.

    Args:
        question: the one that was answered; another may stand for what was typed.
        corrected: how it is written, where what was typed found nothing.
        suggestions: what else may have been meant.
        without: the region that was asked for and has none of it; what was found is elsewhere.
        partly: what was found says only most of what was asked for.
    """

    question: Question
    groups: list[Group] = field(default_factory=list)
    corrected: str | None = None
    suggestions: list[str] = field(default_factory=list)
    without: Region | None = None
    partly: bool = False

    @property
    def note(self) -> str | None:
        """What is to be said of what was found, so that nobody takes it for something else."""
        if self.without:
            return f"{self.without.name}没有查到相关内容，以下是其他地区的。"
        partly = self.partly and self.groups
        return "没有完全符合的内容，以下是说到其中一部分的。" if partly else None
