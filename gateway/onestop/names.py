"""The names in the index by what they say: which say what matters in a question.

Names are few where things are many, as the same item of each region has the same name. So what
says only some of the words is sought among the names, in memory, and the things by their names.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from heapq import nlargest
from itertools import islice
from math import log
from typing import TYPE_CHECKING

from gateway.onestop import text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

MOST_NEAR = 32  # names that come into a query
MOST_DEAD = 1000  # names that left, beyond as many as there are
_SATURATION = 2.2  # what a rare word counts at most, as in BM25
_BY_LENGTH = 0.3


class Names:
    """Official names with their other names, found by what stands in them."""

    def __init__(self) -> None:
        self._titles: list[str] = []
        self._texts: list[str] = []
        self._shares: list[float] = []  # the longer a text, the less a word is of it
        self._numbers: dict[str, int] = {}
        self._saying: dict[str, list[int]] = defaultdict(list)

    def grown(self, called: Mapping[str, Collection[str]]) -> Names:
        """With the names there are now; anew where most of it is of names that left.

        Args:
            called: by official name all that it is called, itself too.
        """
        worn = len(self._titles) > 2 * len(called) + MOST_DEAD
        grown = Names() if worn else self
        grown.renew(called)
        return grown

    def renew(self, called: Mapping[str, Collection[str]]) -> None:
        """Take them up; only what is new costs more than a look."""
        for title in self._numbers.keys() - called.keys():
            self._texts[self._numbers.pop(title)] = ""
        for title, names in called.items():
            said = "\n".join(sorted(names))
            number = self._numbers.get(title)
            if number is None or self._texts[number] != said:
                if number is not None:
                    self._texts[number] = ""
                self._add(title, said)

    def _add(self, title: str, said: str) -> None:
        number = self._numbers[title] = len(self._titles)
        self._titles.append(title)
        self._texts.append(said)
        self._shares.append(_SATURATION / (1 + _BY_LENGTH * log(len(said))))
        for pair in dict.fromkeys(text.bigrams(said)):
            self._saying[pair].append(number)

    def say(self, exact: str) -> bool:
        """Whether one of them says a text in one piece."""
        return len(exact) > 1 and any(exact in self._texts[number] for number in self._with(exact))

    def say_all(self, words: Iterable[str], enough: int) -> bool:
        """Whether so many of them say all the words, single characters aside."""
        said = [word for word in words if len(word) > 1]
        rarest = min((self._with_pair(word) for word in said), key=len, default=[])
        texts = (self._texts[number] for number in rarest)
        saying = (text for text in texts if all(word in text for word in said))
        return sum(1 for _ in islice(saying, enough)) == enough

    def near(self, asked: Iterable[Iterable[str]]) -> list[tuple[str, float]]:
        """The official names that say what matters in some of the texts, each with a score.

        Of one or two words the rarer one has to be said, of more of them three fifths.

        Args:
            asked: words of each text, those that matter.
        """
        best: dict[int, float] = defaultdict(float)
        for words, times in Counter(tuple(words) for words in asked).items():
            self._score(words, times, best)
        first = nlargest(MOST_NEAR, best.items(), key=lambda one: (one[1], -one[0]))
        return [(self._titles[number], score) for number, score in first]

    def _score(self, words: Iterable[str], times: int, best: dict[int, float]) -> None:
        """Add to each name what it says of a text that is asked so many times."""
        found = sorted(((word, self._with(word)) for word in words), key=lambda one: len(one[1]))
        known = [one for one in found if one[1]]
        if not known:
            return
        enough = -(-len(known) * 3 // 5) if len(known) > 2 else 1
        # Who says enough of the words says one of the rarest.
        rarest = known[: len(known) - enough + 1] if len(known) > 2 else known[:1]
        weights = [(word, times * log(1 + len(self._numbers) / len(some))) for word, some in known]
        texts, shares = self._texts, self._shares
        for number in dict.fromkeys(number for _, some in rarest for number in some):
            said, count, score = texts[number], 0, 0.0
            for word, weight in weights:
                if word in said:
                    count += 1
                    score += weight
            if count >= enough:
                best[number] += score * shares[number]

    def _with(self, word: str) -> list[int]:
        """Those that say a word, however they are cut; with some that said it once."""
        some = self._with_pair(word)
        return some if len(word) < 3 else [n for n in some if word in self._texts[n]]

    def _with_pair(self, word: str) -> list[int]:
        """Those that say the rarest two characters of a word; some of them not the word."""
        return min((self._saying.get(pair, []) for pair in text.bigrams(word)), key=len)
