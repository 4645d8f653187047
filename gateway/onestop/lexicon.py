"""The names that the index knows, in memory: what a typed text may stand for.

A name is a title, another name (日常用语) or a word of either. It may be asked for by letters
(gjj, gongjijin), inside a sentence (砍树要审批吗 says 砍树) or with a slip in it (社宝, 身份正);
an everyday name tells the official names behind it.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING

from rapidfuzz import process
from rapidfuzz.distance import OSA

from gateway.onestop import pinyin, tables
from gateway.onestop.names import MOST_DEAD, Names
from gateway.onestop.slips import Slips
from gateway.onestop.synonyms import Synonyms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    import tantivy

MOST_NAMES = 100_000
MOST_WORDS = 50_000
RENEW_AFTER = 60.0  # seconds
EDITS_AFTER = 1.0  # seconds; few rows, which cost little to read
_OTHER = 0.1  # more or less documents by that share, and by some: it is another index
_FEW = 100
_LONGEST = 8  # characters in a part that is looked at for slips
_SHORTEST_BY_SHAPE = 3  # of two characters one wrong is half: only the sound may tell
_MOST = 8
_LONGEST_TYPED = 30  # longer texts are not names with a slip in them
_LONGEST_SPOTTED = 16
_MOST_LOOKED_AT = 500  # names with one beginning
_FEWEST_LETTERS = 3  # two letters are the first letters of too much
_BY_NAME = 1_000_000  # a whole name before any word


class _Learnt:
    """Names and words by how they sound, how they are spelt and what is in them."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.by_sound: dict[str, list[str]] = defaultdict(list)
        self.by_letters: dict[str, list[str]] = defaultdict(list)
        self.by_pair: dict[str, list[str]] = defaultdict(list)

    def grown(self, names: Collection[str]) -> _Learnt:
        """With these names too; anew where most of it is of names that left."""
        worn = len(self.known) > 2 * len(names) + MOST_DEAD
        grown = _Learnt() if worn else self
        for name in set(names) - grown.known:
            grown.learn(name)
        return grown

    def learn(self, name: str) -> None:
        """Keep one name more."""
        self.known.add(name)
        read = pinyin.syllables(name)
        if len(name) <= _LONGEST_SPOTTED and not name.isascii():
            self.by_sound[" ".join(read)].append(name)
            self.by_letters["".join(read)].append(name)
            if len(read) >= _FEWEST_LETTERS:
                self.by_letters[pinyin.initials(read)].append(name)
        if _SHORTEST_BY_SHAPE <= len(name) <= _LONGEST:
            for character in set(name):
                self.by_pair[character].append(name)


class Lexicon:
    """Names and words with how many things say them.

    Attributes:
        names: the official ones by what they say.
    """

    def __init__(self) -> None:
        self.names = Names()
        self._counts: dict[str, int] = {}
        self._titles: dict[str, tuple[str, ...]] = {}
        self._learnt = _Learnt()
        self._ordered: list[str] = []
        self._spelt: list[tuple[str, str]] = []

    def renew(self, names: Iterable[str], words: Iterable[tuple[str, int]]) -> None:
        """Take what the index knows now; only what is new costs more than a look.

        Args:
            names: each an everyday or official name, a tab and the official one.
            words: each with how many things say it.
        """
        titles: dict[str, list[str]] = defaultdict(list)
        called: dict[str, set[str]] = defaultdict(set)
        for pair in names:
            name, _, title = pair.partition("\t")
            titles[name].append(title)
            called[title].add(name)
        counts = dict(words)
        for name, official in titles.items():
            counts[name] = counts.get(name, 0) + len(official)
        self._learnt = self._learnt.grown(counts)
        self.names = self.names.grown(called)
        ordered, spelt = self._ordered, self._spelt
        if titles.keys() != self._titles.keys():
            ordered, spelt = sorted(titles), sorted(self._spellings(titles))
        # At once: queries go on meanwhile, in another thread. One that began before may still
        # meet names that have just left.
        self._counts, self._ordered, self._spelt, self._titles = (
            counts,
            ordered,
            spelt,
            {name: tuple(official) for name, official in titles.items()},
        )

    def _spellings(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        for name in names:
            read = pinyin.syllables(name)
            yield from ((spelt, name) for spelt in {"".join(read), pinyin.initials(read)})

    def titles(self, name: str) -> tuple[str, ...]:
        """The official names that are called so."""
        return self._titles.get(name, ())

    def knows(self, name: str) -> bool:
        """Whether anything in the index says it."""
        return name in self._counts

    def everyday(self) -> list[tuple[str, int]]:
        """Names that are nothing's official one (日常用语), with how many things say them."""
        named, counts = self._titles.items(), self._counts  # another thread may renew both
        return [(name, counts.get(name, 0)) for name, titles in named if name not in titles]

    def spotted(self, exact: str) -> list[str]:
        """The names in a text, the longest first, none within another."""
        found: list[tuple[int, int]] = []
        sizes = range(min(_LONGEST_SPOTTED, len(exact)), 1, -1)
        for size in sizes:
            for start in range(len(exact) - size + 1):
                end = start + size
                if exact[start:end] in self._titles and all(
                    end <= other or start >= to for other, to in found
                ):
                    found.append((start, end))
        return [exact[start:end] for start, end in found]

    def beginning(self, typed: str) -> list[str]:
        """The names that begin so, or whose 拼音 or first letters do; the shortest first."""
        if typed.isascii() and typed.isalpha():
            at = bisect_left(self._spelt, (typed, ""))
            near = islice(self._spelt, at, at + _MOST_LOOKED_AT)
            found = [name for spelt, name in near if spelt.startswith(typed)]
        else:
            at = bisect_left(self._ordered, typed)
            near_names = islice(self._ordered, at, at + _MOST_LOOKED_AT)
            found = [name for name in near_names if name.startswith(typed)]
        counts = self._counts
        return sorted(dict.fromkeys(found), key=lambda n: (len(n), -counts.get(n, 0), n))

    def read(self, letters: str) -> str | None:
        """The name that typed letters stand for, whole or word by word; None: nobody knows."""
        if known := self._likeliest(self._learnt.by_letters.get(letters, ())):
            return known
        for syllables in pinyin.readings(letters):
            if words := self._words_of(tuple(syllables)):
                return "".join(words)
        return None

    def _words_of(self, syllables: tuple[str, ...]) -> list[str]:
        """The fewest words that sound so; empty where some of it is no word."""
        best: dict[int, list[str]] = {0: []}
        for end in range(1, len(syllables) + 1):
            for start in range(max(0, end - _LONGEST), end):
                if start not in best or (end in best and len(best[end]) <= len(best[start]) + 1):
                    continue
                known = self._likeliest(
                    self._learnt.by_sound.get(" ".join(syllables[start:end]), ())
                )
                if known:
                    best[end] = [*best[start], known]
        return best.get(len(syllables), [])

    def _likeliest(self, names: Iterable[str]) -> str | None:
        known = [name for name in names if name in self._counts]
        return max(known, key=self._worth, default=None)

    def _worth(self, name: str) -> tuple[int, str]:
        return self._counts.get(name, 0) + _BY_NAME * (name in self._titles), name

    def corrections(self, exact: str) -> list[str]:
        """The text with one part put right, the likeliest first, at most eight."""
        found: dict[str, tuple[float, int]] = {}
        if len(exact) > _LONGEST_TYPED:
            return []
        slips = Slips(exact, self.knows, self.spotted(exact))
        for start, end in _parts(exact):
            part = exact[start:end]
            if part in self._counts:
                continue
            for word, likeness in self._alike(part):
                if not slips.may_be(start, part, word):
                    continue
                corrected = exact[:start] + word + exact[end:]
                rank = (likeness + len(part), self._worth(word)[0])
                found[corrected] = max(rank, found.get(corrected, rank))
        return sorted(found, key=lambda one: found[one], reverse=True)[:_MOST]

    def _alike(self, part: str) -> Iterator[tuple[str, float]]:
        sound = " ".join(pinyin.syllables(part))
        for word in self._learnt.by_sound.get(sound, ()):
            if word != part and len(word) == len(part) and word in self._counts:
                yield word, 2.0
        if len(part) < _SHORTEST_BY_SHAPE:
            return
        sharing = {
            word for character in set(part) for word in self._learnt.by_pair.get(character, ())
        }
        near = process.extract(part, sharing, scorer=OSA.distance, score_cutoff=1, limit=None)
        for word, distance, _ in near:
            if distance == 1 and word in self._counts:
                yield word, 1.0 if len(word) == len(part) else -1.5


class Lexicographer:
    """Keeps the lexicon and the tables as the index is, looking again after a while.

    Attributes:
        synonyms: the table with what officers edited; a changed one is another object.
        uses: how much things are used, by number.
    """

    def __init__(self) -> None:
        self.lexicon = Lexicon()
        self.synonyms = Synonyms()
        self.uses: Mapping[int, int] = {}
        self._generation = -1
        self._documents = 0
        self._made_at = 0.0
        self._edits_generation = -1
        self._edits_read_at = 0.0

    @property
    def ready(self) -> bool:
        """Whether the names of an index were ever read."""
        return self._generation >= 0

    def stale(self, generation: int, documents: int) -> bool:
        """Whether anything should be read anew.

        An editor waits for edits, nobody for a name; but in an index that is being filled the
        names of a minute ago are those of hardly anything.

        Args:
            documents: how many the index has.
        """
        since = time.monotonic() - self._edits_read_at
        moved = generation != self._edits_generation and since > EDITS_AFTER
        return moved or self._names_stale(generation, documents)

    def _names_stale(self, generation: int, documents: int) -> bool:
        if self._generation < 0:
            return True
        other = abs(documents - self._documents) > max(_FEW, _OTHER * self._documents)
        wait = EDITS_AFTER if other else RENEW_AFTER
        return generation != self._generation and time.monotonic() - self._made_at > wait

    def renew(self, searcher: tantivy.Searcher, generation: int) -> None:
        """Read what is stale; the first time takes a good part of a second."""
        edited = tables.synonym_groups(searcher)
        changed = edited != self.synonyms.edited
        if changed:
            self.synonyms = Synonyms(edited)
        if changed or self._names_stale(generation, searcher.num_docs):
            self._read_names(searcher, generation)
        self._edits_generation = generation
        self._edits_read_at = time.monotonic()

    def _read_names(self, searcher: tantivy.Searcher, generation: int) -> None:
        names = searcher.terms_with_prefix("called", "", limit=MOST_NAMES)
        words = searcher.terms_with_prefix("lexicon", "", limit=MOST_WORDS)
        typed = [(word, 1) for word in self.synonyms.expressions()]  # which people type as well
        self.lexicon.renew(
            [pair for pair, _ in names],
            [*typed, *(one for one in words if not one[0].isascii())],
        )
        self.uses = tables.uses(searcher)
        self._generation = generation
        self._documents = searcher.num_docs
        self._made_at = time.monotonic()


def _parts(exact: str) -> tuple[tuple[int, int], ...]:
    """Each run of two to eight characters, longer ones first."""
    return tuple(
        (start, start + size)
        for size in range(min(_LONGEST, len(exact)), 1, -1)
        for start in range(len(exact) - size + 1)
        if not exact[start : start + size].isascii()
    )
