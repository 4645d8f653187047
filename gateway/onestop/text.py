"""Chinese text as the index and the query see it; both must see it alike."""

import json
import re
import unicodedata
from binascii import crc32
from functools import lru_cache
from importlib.resources import files

import rjieba

_NOT_WORDS = re.compile(r"[^\w]|_")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_BLANKS = re.compile(r"\s+")
_CHARACTERS = json.loads(files("gateway.onestop.data").joinpath("traditional.json").read_bytes())
_SIMPLIFIED = str.maketrans(_CHARACTERS["from"], _CHARACTERS["to"])


def fold(text: str) -> str:
    """Full width to half width, traditional characters to simplified, upper case to lower.

    What cannot be seen is left out.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = _INVISIBLE.sub("", text).translate(_SIMPLIFIED)
    return _BLANKS.sub(" ", text.casefold()).strip()


def squeeze(folded: str) -> str:
    """Only letters and digits: names that differ in punctuation and blanks alone become one."""
    return _NOT_WORDS.sub("", folded)


def words(folded: str) -> list[str]:
    """The words in order; punctuation and blanks are not words."""
    return [*_cut(folded)]


# What else an expression is called is cut for every question that has it.
@lru_cache(maxsize=4096)
def _cut(folded: str) -> tuple[str, ...]:
    # Without the hidden Markov model: it invents words by context, so that the same characters
    # would be cut one way in a name and another way in a question.
    cut = rjieba.cut(_NOT_WORDS.sub(" ", folded), hmm=False)
    return tuple(word for word in cut if word != " ")


def searched_words(folded: str) -> list[str]:
    """The words and the shorter words inside them, as they go into the index."""
    cut = rjieba.cut_for_search(_NOT_WORDS.sub(" ", folded), hmm=False)
    return [word for word in cut if word != " "]


def is_letters(word: str) -> bool:
    """Whether a word may be 拼音 or first letters of syllables."""
    return len(word) > 1 and word.isascii() and word.isalpha()


def bigrams(squeezed: str) -> list[str]:
    """Each two characters side by side; a single character is its own."""
    if len(squeezed) < 2:
        return [squeezed] if squeezed else []
    return [squeezed[i : i + 2] for i in range(len(squeezed) - 1)]


def pairs_as_bits(squeezed: str) -> int:
    """A bit for each two characters side by side, 63 bits in all, so that some fall together.

    A text that holds another has all its bits; one that has them may yet not hold it.
    """
    bits = 0
    for at in range(len(squeezed) - 1):
        bits |= 1 << crc32(squeezed[at : at + 2].encode()) % 63
    return bits
