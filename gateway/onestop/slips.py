"""Which corrections of a typed text are likely: people mistype what sounds or looks alike (错别字).

A correction never takes away a word that the index knows (护照丢了 is no slip of 驾照丢了), nor
one that it would cut in two (成都身份证 is none of 成补身份证). Where the text is short or the
character part of a word, what is put there has to sound nearly alike: 明天天气 is no slip of
明天然气 and 排水证 none of 排污证, but 导流证 may be one of 导游证.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rapidfuzz.distance import OSA

from gateway.onestop import pinyin, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Span = tuple[int, int]

_SHORT = 3  # characters in which one that is wrong is a third
_NEARLY = 1  # letters that differ
# 拼音 as it sounds: y and w stand for i and u, and u after j, q, x is ü.
_SOUNDS = (("yu", "v"), ("you", "iu"), ("wei", "ui"), ("wen", "un"), ("yi", "i"), ("wu", "u"))


class Slips:
    """What may be put right in one text.

    Args:
        exact: letters and digits of the text.
        known: whether the index knows a word.
        named: names in the text that the index knows.
    """

    def __init__(self, exact: str, known: Callable[[str], bool], named: Iterable[str]) -> None:
        self._exact = exact
        self._words = [span for span in _spans(exact) if span[1] - span[0] > 1]
        stay = [exact[start:end] for start, end in self._words if known(exact[start:end])]
        self._stay = dict.fromkeys([*stay, *named])

    def may_be(self, start: int, part: str, meant: str) -> bool:
        """Whether the part of the text that begins there may have been meant otherwise."""
        end = start + len(part)
        corrected = f"{self._exact[:start]}{meant}{self._exact[end:]}"
        same = len(part) > 2 and pinyin.syllables(part) == pinyin.syllables(meant)
        stay = self._cut(start, end)
        # What sounds all the same may hide a shorter word that is known: 公基金 is 公积金.
        stay += [word for word in self._stay if not (same and word in part)]
        if any(word not in corrected for word in stay):
            return False
        wrong = [at for at, pair in enumerate(zip(part, meant, strict=False)) if pair[0] != pair[1]]
        if len(part) != len(meant) or len(wrong) != 1:
            return True  # one more, one fewer, or two that changed places
        (at,) = wrong
        if len(part) > _SHORT and not self._is_in_a_word(start + at):
            return True
        return _sounds_alike(part[at], meant[at])

    def _cut(self, start: int, end: int) -> list[str]:
        """The words of the text in which a part of it begins or ends."""
        cut = [word for word in self._words if any(word[0] < at < word[1] for at in (start, end))]
        return [self._exact[begins:ends] for begins, ends in cut]

    def _is_in_a_word(self, at: int) -> bool:
        return any(begins <= at < ends for begins, ends in self._words)


def _spans(exact: str) -> list[Span]:
    spans, at = [], 0
    for word in text.words(exact):
        spans.append((at, at + len(word)))
        at += len(word)
    return spans


def _sounds_alike(one: str, other: str) -> bool:
    first, second = (_sound(character) for character in (one, other))
    return OSA.distance(first, second, score_cutoff=_NEARLY) <= _NEARLY


@lru_cache(maxsize=4096)
def _sound(character: str) -> str:
    read = "".join(pinyin.syllables(character))
    if read[:1] in ("j", "q", "x") and read[1:2] == "u":
        return f"{read[0]}v{read[2:]}"
    for written, sounds in _SOUNDS:
        if read.startswith(written):
            return sounds + read[len(written) :]
    return read.replace("y", "i", 1).replace("w", "u", 1) if read[:1] in ("y", "w") else read
