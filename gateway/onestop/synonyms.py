"""Words that find each other, words nobody searches for, and words that tell what is meant."""

from __future__ import annotations

import json
from importlib.resources import files


class Synonyms:
    """The table of data/synonyms.json."""

    def __init__(self) -> None:
        table = json.loads(files("gateway.onestop.data").joinpath("synonyms.json").read_bytes())
        self._others: dict[str, list[str]] = {}
        for group in table["groups"]:
            for word in group:
                others = self._others.setdefault(word, [])
                others += [other for other in group if other != word and other not in others]
        self.beginnings = frozenset(word[0] for word in self._others)
        self._unsearched = frozenset(table["stopwords"])
        self._frames = sorted(table["frames"], key=len, reverse=True)
        self.generic = frozenset(table["generic"])
        self._kinds = {word: kind for kind, words in table["kinds"].items() for word in words}
        self._hints = {word: hint["text"] for hint in table["hints"] for word in hint["words"]}

    def unframed(self, folded: str) -> str:
        """A question without the words around it: 开饭店要办什么证 asks for 开饭店."""
        for frame in self._frames:
            rest = folded.replace(frame, " ")
            if rest != folded and rest.strip():
                return rest.strip()
        return folded

    def expressions(self) -> list[str]:
        """All words that have others."""
        return list(self._others)

    def others(self, word: str) -> list[str]:
        """What else the same thing is called."""
        return self._others.get(word, [])

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
