"""Words that find each other, words nobody searches for, and words that tell what is meant."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gateway.onestop import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_NONE: Mapping[str, Sequence[str]] = MappingProxyType({})


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(
        files("gateway.onestop.data").joinpath("synonyms.json").read_bytes()
    )
    return table


@cache
def own_groups() -> Mapping[str, tuple[str, ...]]:
    """The groups that the platform brings along (原词组), each named by its first word."""
    return MappingProxyType({group[0]: tuple(group) for group in _table()["groups"]})


class Synonyms:
    """The table of data/synonyms.json with what officers edited; once made it stays as it is.

    Args:
        edited: groups by their names, in place of those the platform brings along under the same
            names; one without words takes that away.

    Attributes:
        groups: those that count, by name.
        generic: words that say little of what is meant, beside others.
        acts: those of them that say what is done, but not to what.
    """

    def __init__(self, edited: Mapping[str, Sequence[str]] = _NONE) -> None:
        table = _table()
        self.edited = edited
        self.groups = {name: words for name, words in {**own_groups(), **edited}.items() if words}
        self._others = _others(self.groups.values())
        self.beginnings = frozenset(word[0] for word in self._others)
        self._unsearched = frozenset(table["stopwords"])
        frames = sorted(table["frames"], key=len, reverse=True)
        self._frames = re.compile("|".join(map(re.escape, frames)))
        self.generic = frozenset(table["generic"])
        self.acts = frozenset(table["acts"])
        self._kinds = {word: kind for kind, words in table["kinds"].items() for word in words}
        self._hints = {word: hint["text"] for hint in table["hints"] for word in hint["words"]}

    def with_edit(self, name: str, words: Sequence[str]) -> Synonyms:
        """The table as it would be with one more edit."""
        return Synonyms({**self.edited, name: words})

    def unframed(self, folded: str) -> str:
        """A question without the words around it: 我想开饭店要办什么证 asks for 开饭店."""
        return self._frames.sub(" ", folded).strip() or folded

    def expressions(self) -> list[str]:
        """All words that have others."""
        return list(self._others)

    def others(self, word: str) -> list[str]:
        """What else the same thing is called."""
        return self._others.get(word, [])

    def knows(self, word: str) -> bool:
        """Whether a group has it."""
        return word in self._others

    def searched(self, words: list[str], *, none_is_well: bool = False) -> list[str]:
        """The words that are worth searching for; where there is none, all of them or none."""
        worth = [word for word in words if word not in self._unsearched]
        return worth if worth or none_is_well else words

    def kind(self, words: list[str]) -> str | None:
        """The group that the first telling word points to."""
        return next((self._kinds[word] for word in words if word in self._kinds), None)

    def hint(self, words: list[str]) -> str | None:
        """A sentence to show beside the answer."""
        return next((self._hints[word] for word in words if word in self._hints), None)


def _others(groups: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """What else each word is called, written as questions are: without marks and blanks."""
    found: dict[str, dict[str, None]] = {}
    for group in groups:
        words = dict.fromkeys(filter(None, (text.squeeze(text.fold(word)) for word in group)))
        for word in words:
            found.setdefault(word, {}).update(words)
    return {word: [one for one in others if one != word] for word, others in found.items()}
