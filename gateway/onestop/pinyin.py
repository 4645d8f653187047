"""汉语拼音 of Chinese text, and what somebody may have meant by typed letters."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from importlib.resources import files

# Its dictionary of phrases costs 40 MB; data/pinyin.json holds the words of it that are read
# otherwise than their characters one by one, and rjieba cuts the text into words.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")

from pypinyin import lazy_pinyin

from gateway.onestop.text import words

_DATA = json.loads(files("gateway.onestop.data").joinpath("pinyin.json").read_bytes())
_PHRASES: dict[str, str] = _DATA["phrases"]
_SYLLABLES = frozenset(_DATA["syllables"].split())
_LONGEST = 6
_LONGEST_TYPED = 48
_READINGS = 3


@lru_cache(maxsize=8192)
def _of_word(word: str) -> tuple[str, ...]:
    read: list[str] = []
    at = 0
    while at < len(word):
        size = next((n for n in (4, 3, 2) if word[at : at + n] in _PHRASES), 1)
        part = word[at : at + size]
        read += _PHRASES[part].split() if size > 1 else lazy_pinyin(part)
        at += size
    return tuple(s for s in read if s.isascii() and s.isalpha())


def syllables(folded: str) -> list[str]:
    """The reading of each character, without tones; letters stay, other signs are left out."""
    return [syllable for word in words(folded) for syllable in _of_word(word)]


def initials(read: list[str]) -> str:
    """The first letter of each syllable: 企业设立登记 is `qysldj`."""
    return "".join(syllable[0] for syllable in read)


def readings(letters: str) -> list[list[str]]:
    """The ways to read typed letters as syllables, at most three; `xian` is 先 or 西安."""
    found: list[list[str]] = []
    if len(letters) <= _LONGEST_TYPED:
        _extend(letters, [], found, set())
    return found


def _extend(letters: str, before: list[str], found: list[list[str]], dead: set[int]) -> None:
    at = sum(map(len, before))
    if at == len(letters):
        found.append(before)
        return
    known = len(found)
    for length in range(min(_LONGEST, len(letters) - at), 0, -1):
        if len(found) >= _READINGS:
            return
        # A place from which no reading goes on is tried once only, whatever led to it.
        if letters[at : at + length] in _SYLLABLES and at + length not in dead:
            _extend(letters, [*before, letters[at : at + length]], found, dead)
    if len(found) == known:
        dead.add(at)
