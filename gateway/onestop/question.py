"""What somebody means by what they typed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.onestop import text
from services.common.identifiers import (
    has_uscc_exception,
    is_uscc_shape,
    is_within,
    normalise_code,
    task_code_of_case,
    uscc_problem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.onestop.lexicon import Lexicon
    from gateway.onestop.regions import Region, Regions
    from gateway.onestop.synonyms import Synonyms

_APART = re.compile(r"[^\w]+")
_LONGEST_NAME = 5  # words that a telling expression may be cut into
_LONGEST_REGION = 8  # and a region's name: 双江拉祜族佤族布朗族傣族自治县
# A code with words around it (查91530000…), and what was meant to be one but cannot be.
_SUBJECT_CODE = re.compile(r"(?<![0-9A-Z])[0-9A-Z]{2}[0-9]{6}[0-9A-Z]{10}(?![0-9A-Z])")
_ALMOST_A_CODE = re.compile(r"(?:9[1-3]|1[1-3]|5[1-4])[0-9A-Z]{15,17}")
_HOST = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:[:/].*)?")
_MOST_ALTERNATIVES = 6
# The place of the progress (办件进度), until cases can be asked about.
_CASE_HINT = "这是办件编号。办理进度请向受理窗口查询，或拨打 12345；下面是它所属的事项。"


@dataclass(frozen=True, slots=True)
class Question:
    """One question, taken apart.

    Args:
        typed: as it came, without blanks around it.
        left: letters and digits of what was typed, without a region.
        exact: letters and digits of what is searched for; letters may have been read as names.
        whole: the same of all that was typed; differs from `exact` where a region was taken out.
        alternatives: lists of words; a thing is found by all the words of one list. The first is
            what was typed, the others are synonyms.
        pairs: where a single character stood among the typed words, it and a neighbour: 开公司 is
            the word 公司 and the pair 开公. By itself a character says too little. Of each set one
            pair has to be there.
        segments: the words in order, each known expression with what else it is called; a thing is
            found as well where it says each segment in one way. Empty where nothing is known.
        region: the region named in the text, taken out of the words.
        subject_code: a 统一社会信用代码, written as registers write it.
        task_code: the 实施编码 of the item that a 办件编号 belongs to.
        hint: a sentence for whoever asked.
        kind: the group that the words point to.
        called: other names of what was asked for.
        spotted: names that the index knows inside the text, and the official names behind them.
        read_as: what typed letters were read as.
        everything: a region stands alone: all that it has is meant.
        host: the text is the address of a website.
    """

    typed: str
    left: str
    exact: str
    whole: str
    alternatives: tuple[tuple[str, ...], ...]
    pairs: tuple[tuple[str, ...], ...] = ()
    segments: tuple[tuple[tuple[str, ...], ...], ...] = ()
    region: Region | None = None
    subject_code: str | None = None
    task_code: str | None = None
    hint: str | None = None
    kind: str | None = None
    called: tuple[str, ...] = ()
    spotted: tuple[tuple[str, tuple[str, ...]], ...] = ()
    read_as: str | None = None
    everything: bool = False
    host: bool = False

    @property
    def type(self) -> str:
        """subject_code, case_number, code or text."""
        if self.host:
            return "code"
        if self.subject_code:
            return "subject_code"
        if self.task_code:
            return "case_number"
        return "code" if _looks_like_a_code(self.exact) else "text"


class Interpreter:
    """Takes questions apart, by the tables of regions and synonyms and the names in the index."""

    def __init__(self, regions: Regions, synonyms: Synonyms, lexicon: Lexicon) -> None:
        self._regions = regions
        self._synonyms = synonyms
        self._lexicon = lexicon

    def understand(self, typed: str, *, find_region: bool = True) -> Question:
        """The question in a text.

        Args:
            find_region: a region named in the text says where, and is no word to be found.
        """
        folded = text.fold(typed)
        code = normalise_code(typed)
        if subject := code if is_uscc_shape(code) else _subject_code_in(folded):
            return _about_a_subject(typed, folded, subject)
        if task_code := task_code_of_case(code):
            return _about_a_case(typed, folded, task_code)
        if host := _HOST.fullmatch(folded):
            return _about_a_site(typed, host[1])
        asked = self._synonyms.unframed(folded)
        parts = [text.words(part) for part in _APART.split(asked) if part]
        region, rest = self._region(parts) if find_region else (None, parts)
        words = [word for part in rest for word in part]
        alone = region is not None and not words
        words = words or [word for part in parts for word in part]
        left = "".join(words)
        read = self._read(words)
        if read and find_region and not region:
            region, (read,) = self._region([read])
            alone = region is not None and not read
        words = read or words
        spans = list(_spans(words))
        searched, pairs = _paired(words, self._synonyms.searched(words))
        known = list(self._known_expressions(words))
        alternatives, called = self._alternatives(words, searched, known)
        exact = "".join(words)
        return Question(
            typed=typed,
            left=left,
            exact=exact,
            whole=text.squeeze(folded),
            alternatives=alternatives,
            pairs=pairs,
            segments=self._segments(words, known),
            region=region,
            hint=self._synonyms.hint(spans) or _hint_of_a_code(code),
            kind=self._synonyms.kind(spans),
            called=called,
            spotted=tuple((name, self._lexicon.titles(name)) for name in self._spotted(exact)),
            read_as=exact if read else None,
            everything=alone,
        )

    def _read(self, words: list[str]) -> list[str]:
        """The words with letters read as 拼音 or first letters; empty where none could be."""
        if not any(map(text.is_letters, words)):
            return []
        known = self._lexicon.read("".join(words)) if all(map(text.is_letters, words)) else None
        if known:
            return text.words(known)
        instead: list[str] = []
        for word in words:
            named = self._lexicon.read(word) if text.is_letters(word) else None
            instead += text.words(named) if named else [word]
        return instead if instead != words else []

    def _spotted(self, exact: str) -> list[str]:
        return self._lexicon.spotted(exact)

    def _region(self, parts: list[list[str]]) -> tuple[Region | None, list[list[str]]]:
        """The region that the text names, and the words without it."""
        found: list[tuple[int, int, int, Region]] = []
        for number, part in enumerate(parts):
            at = 0
            while at < len(part):
                size, region = self._region_at(part, at)
                if region:
                    found.append((number, at, at + size, region))
                at += size
        if not found:
            return None, parts
        chosen = max((one[3] for one in found), key=lambda r: len(r.code.rstrip("0")))
        rest = [list(part) for part in parts]
        for number, start, end, region in reversed(found):
            if is_within(chosen.code, region.code):
                del rest[number][start:end]
        return chosen, rest

    def _region_at(self, part: list[str], at: int) -> tuple[int, Region | None]:
        # Letters may stand for something else that the index knows: fuyuan is 复员 as well.
        if (region := self._regions.spelt(part[at])) and not self._lexicon.read(part[at]):
            return 1, region
        if part[at][0] not in self._regions.beginnings:
            return 1, None
        for size in range(min(_LONGEST_REGION, len(part) - at), 0, -1):
            apart = size == len(part)
            region = self._regions.called("".join(part[at : at + size]), apart=apart)
            if region:
                return size, region
        return 1, None

    def _alternatives(
        self, words: list[str], searched: list[str], known: Sequence[tuple[int, int]]
    ) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
        alternatives = [tuple(dict.fromkeys(searched))]
        others = [other for start, end in known for other in self._others(words[start:end])]
        for other in dict.fromkeys(others):
            instead = text.words(other)
            if not any(map(_is_character, instead)):
                said = self._with(other, instead, words, known)
                alternatives.append(tuple(dict.fromkeys(said)))
        distinct = tuple(dict.fromkeys(alternatives))[:_MOST_ALTERNATIVES]
        return distinct, tuple("".join(words) for words in distinct[1:])

    def _segments(
        self, words: list[str], known: Sequence[tuple[int, int]]
    ) -> tuple[tuple[tuple[str, ...], ...], ...]:
        """The words in order, where some of them are also called otherwise."""
        segments: list[tuple[tuple[str, ...], ...]] = []
        at = 0
        for start, end in [*known, (len(words), len(words))]:
            rest = self._synonyms.searched(words[at:start], none_is_well=True)
            segments += [((word,),) for word in rest if not _is_character(word)]
            said = [words[start:end], *map(text.words, self._others(words[start:end]))]
            if start < end:
                segments.append(tuple(dict.fromkeys(map(tuple, said))))
            at = end
        return tuple(segments) if any(len(one) > 1 for one in segments) else ()

    def _with(
        self, other: str, instead: list[str], words: list[str], known: Sequence[tuple[int, int]]
    ) -> list[str]:
        """The words with one name for all that means the same: 房产证过户 is once 不动产登记."""
        said: list[str] = []
        at = 0
        for start, end in known:
            if other not in self._others(words[start:end]):
                continue
            said += self._synonyms.searched(words[at:start], none_is_well=True) + instead
            at = end
        return said + self._synonyms.searched(words[at:], none_is_well=True)

    def _others(self, words: list[str]) -> list[str]:
        return self._synonyms.others("".join(words))

    def _known_expressions(self, words: list[str]) -> Iterator[tuple[int, int]]:
        at = 0
        while at < len(words):
            size = 0
            if words[at][0] in self._synonyms.beginnings:
                sizes = range(min(_LONGEST_NAME, len(words) - at), 0, -1)
                size = next((n for n in sizes if self._others(words[at : at + n])), 0)
            if size:
                yield at, at + size
            at += size or 1


def _subject_code_in(folded: str) -> str:
    """The one 统一社会信用代码 that stands in a text; empty where there is none."""
    found = set(_SUBJECT_CODE.findall(folded.upper()))
    codes = [code for code in found if is_uscc_shape(code)]
    return codes[0] if len(codes) == 1 else ""


def _hint_of_a_code(code: str) -> str | None:
    """What is wrong with what was probably meant as a 统一社会信用代码."""
    problem = uscc_problem(code) if _ALMOST_A_CODE.fullmatch(code) else None
    return f"{problem}，请核对。" if problem else None


def _about_a_subject(typed: str, folded: str, code: str) -> Question:
    """A subject by its code; words around it are left out."""
    exact = text.fold(code)
    whole = text.squeeze(folded)
    question = Question(typed, exact, exact, exact, ((exact,),), kind="credit")
    problem = uscc_problem(code)
    if problem and not has_uscc_exception(code):
        return replace(question, hint=f"{problem}。", whole=whole)
    return replace(question, subject_code=code)


def _about_a_site(typed: str, host: str) -> Question:
    """A website by its address; what only has some of its parts is another site."""
    exact = text.squeeze(host)
    return Question(typed, exact, exact, exact, ((exact,),), kind="website", host=True)


def _about_a_case(typed: str, folded: str, task_code: str) -> Question:
    """A case by its number: nobody's progress is told here, but what it is about can be."""
    code = text.fold(task_code)
    return Question(
        typed=typed,
        left=text.squeeze(folded),
        exact=code,
        whole=code,
        alternatives=((code,),),
        task_code=task_code,
        hint=_CASE_HINT,
        kind="item",
    )


def _paired(words: list[str], worth: list[str]) -> tuple[list[str], tuple[tuple[str, ...], ...]]:
    """Words of several characters; and pairs for single ones, of each set one has to be there.

    Args:
        words: all of them in order, for the neighbours.
        worth: those that are searched for.
    """
    if len(words) < 2:
        return worth, ()
    pairs: list[tuple[str, ...]] = []
    for at, word in enumerate(words):
        if _is_character(word) and word in worth:
            before = words[at - 1] if at else ""
            after = words[at + 1] if at + 1 < len(words) else ""
            near = [side for side in (before, after) if _is_character(side)] or [before, after]
            both = ((before, before[-1:] + word), (after, word + after[:1]))
            pairs.append(tuple(pair for side, pair in both if side and side in near))
    return [word for word in worth if not _is_character(word)], tuple(dict.fromkeys(pairs))


def _is_character(word: str) -> bool:
    return len(word) == 1 and not word.isascii()


def _spans(words: list[str]) -> Iterator[str]:
    """Each run of up to three words, longer ones first: 门户 网站 tells more than 网站."""
    for size in (3, 2, 1):
        for at in range(len(words) - size + 1):
            yield "".join(words[at : at + size])


def _looks_like_a_code(exact: str) -> bool:
    return len(exact) >= 6 and exact.isascii() and any(c.isdigit() for c in exact)
