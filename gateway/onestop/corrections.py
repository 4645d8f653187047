"""What somebody may have meant who typed what nothing says: 社宝 for 社保, 身份正 for 身份证."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

from rapidfuzz.distance import OSA

from gateway.onestop import pinyin

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tantivy

MOST_WORDS = 20_000
RENEW_AFTER = 60.0  # seconds
_LONGEST = 8
_SHORTEST_BY_SHAPE = 3  # of two characters one wrong is half: only the sound may tell
_MOST = 8
_LONGEST_TYPED = 30  # longer texts are not names with a slip in them


class Lexicon:
    """The words of names in the index, by sound and by pairs of characters."""

    def __init__(self, counted: list[tuple[str, int]]) -> None:
        self._counts = dict(counted)
        self._by_sound: dict[str, list[str]] = defaultdict(list)
        self._by_pair: dict[str, list[str]] = defaultdict(list)
        for word in self._counts:
            self._by_sound[" ".join(pinyin.syllables(word))].append(word)
            if len(word) >= _SHORTEST_BY_SHAPE:
                for character in set(word):
                    self._by_pair[character].append(word)

    def corrections(self, exact: str) -> list[str]:
        """The text with one part put right, the likeliest first, at most eight."""
        found: dict[str, tuple[float, int]] = {}
        if len(exact) > _LONGEST_TYPED:
            return []
        for start, end in _parts(exact):
            part = exact[start:end]
            if part in self._counts:
                continue
            for word, likeness in self._alike(part):
                corrected = exact[:start] + word + exact[end:]
                rank = (likeness + len(part), self._counts[word])
                found[corrected] = max(rank, found.get(corrected, rank))
        return sorted(found, key=lambda one: found[one], reverse=True)[:_MOST]

    def _alike(self, part: str) -> Iterator[tuple[str, float]]:
        sound = " ".join(pinyin.syllables(part))
        for word in self._by_sound.get(sound, ()):
            if word != part and len(word) == len(part):
                yield word, 2.0
        if len(part) < _SHORTEST_BY_SHAPE:
            return
        for word in {word for character in set(part) for word in self._by_pair[character]}:
            if len(word) == len(part) and OSA.distance(part, word, score_cutoff=1) == 1:
                yield word, 1.0


class Corrector:
    """Keeps a lexicon, made anew from the index after a while."""

    def __init__(self) -> None:
        self._lexicon: Lexicon | None = None
        self._generation = -1
        self._made_at = 0.0

    def stale(self, generation: int) -> bool:
        """Whether the lexicon should be made anew."""
        if self._lexicon is None:
            return True
        return generation != self._generation and time.monotonic() - self._made_at > RENEW_AFTER

    def renew(self, searcher: tantivy.Searcher, generation: int) -> None:
        """Make the lexicon from the index; takes a good part of a second."""
        counted = searcher.terms_with_prefix("lexicon", "", limit=MOST_WORDS)
        self._lexicon = Lexicon([(word, count) for word, count in counted if not word.isascii()])
        self._generation = generation
        self._made_at = time.monotonic()

    def corrections(self, exact: str) -> list[str]:
        """What else may have been meant, the likeliest first."""
        return self._lexicon.corrections(exact) if self._lexicon else []


def _parts(exact: str) -> Iterator[tuple[int, int]]:
    """Each run of two to eight characters, longer ones first."""
    for size in range(min(_LONGEST, len(exact)), 1, -1):
        for start in range(len(exact) - size + 1):
            if not exact[start : start + size].isascii():
                yield start, start + size
