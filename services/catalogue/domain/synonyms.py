"""Groups of synonyms (同义词组) of the one-stop query, as officers edit them.

What the platform brings along is a file at the gateway; a group of the same name takes its place.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from services.common.access import NATIONWIDE
from services.common.errors import Invalid, NotFound, Refused, Stale, Violation
from services.common.fields import read_record, text, texts
from services.common.identifiers import (
    RegionLevel,
    find_resident_ids,
    longest_number,
    region_level,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_GROUPS: Final = 2000
FEWEST_WORDS: Final = 2
MOST_WORDS: Final = 30
LONGEST_NAME: Final = 40
LONGEST_WORD: Final = 20
NOTE_LIMIT: Final = 200
LONG_NUMBER: Final = 6
"""Digits: telephones, cards and cases have as many; no word for a service has."""
SERVER_FIELDS: Final = frozenset({"version", "update_time"})
_RAW: Final = 200  # characters of a word before blanks are folded
_BLANKS: Final = re.compile(r"\s+")


class SynonymGroupInvalid(Invalid):
    """The record cannot be a group of synonyms; each violation names a field."""

    reason = "SYNONYM_GROUP_INVALID"


class SynonymGroupNotFound(NotFound):
    """No group of this name was edited."""

    reason = "SYNONYM_GROUP_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("没有修改过这个名称的同义词组，请核对组名。")


class SynonymGroupsFull(Refused):
    """There are as many edited groups as there may be."""

    reason = "SYNONYM_GROUPS_FULL"

    def __init__(self) -> None:
        said = f"已有 {MOST_GROUPS} 个修改过的同义词组，请先恢复或者合并不用的词组。"
        super().__init__(said, Violation("name", said))


@dataclass(frozen=True, slots=True)
class SynonymGroup:
    """Words that find each other (同义词组).

    Args:
        name: 组名, its id; of a group that the platform brings along, its first word.
        words: each finds what the others find; none: the group of this name is taken away.
        note: why it was edited.
    """

    name: str = ""
    words: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class KeptGroup:
    """A group of synonyms as the catalogue keeps it.

    Args:
        active: the edit counts; False: it was forgotten.
    """

    group: SynonymGroup
    version: int
    active: bool = True
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """Fact: a group was edited."""

    kept: KeptGroup


@dataclass(frozen=True, slots=True)
class GroupRemoved:
    """Fact: the edit of a group was forgotten."""

    kept: KeptGroup


READERS: Final = {
    "name": text(_RAW),
    "words": texts(_RAW, MOST_WORDS),
    "note": text(NOTE_LIMIT, lines=True),
}


def group_of(values: Mapping[str, Any]) -> SynonymGroup:
    """The group of synonyms in a record, as JSON or the message has it, its words folded.

    Rule I-31: a name, and no word or 2 to 30 different ones, none of which tells of a person.

    Raises:
        SynonymGroupInvalid: with each field at fault.
    """
    given, wrong = read_record(values, READERS, required=("name",), ignored=SERVER_FIELDS)
    read = SynonymGroup(**given)
    words = tuple(dict.fromkeys(map(fold, read.words)))
    group = replace(read, name=fold(read.name), words=words)
    wrong = wrong or [*_faults_of_name(group.name), *_faults_of_words(words), *_of_note(read.note)]
    if wrong:
        raise SynonymGroupInvalid("同义词组有误，请按提示更正。", *wrong)
    return group


def fold(typed: str) -> str:
    """A word as it is kept: width and case make no difference, nor do blanks around it."""
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", typed).casefold()).strip()


def _faults_of_name(name: str) -> Iterator[Violation]:
    if not name.isalnum():
        yield Violation("name", "组名只能由汉字、字母和数字组成，请删去其他符号")
    elif len(name) > LONGEST_NAME:
        yield Violation("name", f"组名不得超过 {LONGEST_NAME} 个字")
    elif _tells_of_a_person(name):
        yield Violation("name", "组名不得含有证件号码或者六位以上的数字")


def _faults_of_words(words: tuple[str, ...]) -> Iterator[Violation]:
    if words and len(words) < FEWEST_WORDS:
        told = f"至少填写 {FEWEST_WORDS} 个不同的词；要停用该词组，请全部删去"
        yield Violation("words", told)
    if any(map(_tells_of_a_person, words)):
        # Which one is not said: what is told may be kept in a log.
        yield Violation("words", "有词含有证件号码或者六位以上的数字，请删去")
        return
    for word in words:
        if len(word) > LONGEST_WORD:
            shown = f"{word[:LONGEST_WORD]}…"
            yield Violation("words", f"“{shown}”超过 {LONGEST_WORD} 个字，请改为简短的说法")
        elif not any(character.isalnum() for character in word):
            yield Violation("words", f"“{word}”里没有文字或数字，请删去")


def _of_note(note: str) -> Iterator[Violation]:
    if find_resident_ids(note):
        yield Violation("note", "请删去公民身份号码")


def _tells_of_a_person(typed: str) -> bool:
    return longest_number(typed) >= LONG_NUMBER or bool(find_resident_ids(typed))


def may_edit(kind: str, region: str) -> bool:
    """Rule I-32: a group counts in every region, so the province's leading body edits it."""
    if kind == "service" or region == NATIONWIDE:
        return True
    return region_level(region) is RegionLevel.PROVINCE


def save_group(kept: KeptGroup | None, group: SynonymGroup) -> GroupChanged | None:
    """Edit a group; what is said already changes nothing: None."""
    if kept and kept.active and kept.group == group:
        return None
    return GroupChanged(KeptGroup(group, version=kept.version + 1 if kept else 1))


def remove_group(kept: KeptGroup | None) -> GroupRemoved:
    """Forget the edit of a group. Raises: SynonymGroupNotFound."""
    if kept is None or not kept.active:
        raise SynonymGroupNotFound
    return GroupRemoved(replace(kept, version=kept.version + 1, active=False))


def check_version(kept: KeptGroup | None, seen: int) -> None:
    """Hold the version the caller has seen against the one there is; 0: the caller does not mind.

    Raises:
        Stale
    """
    if seen and seen != (kept.version if kept else 0):
        raise Stale("该同义词组已被他人修改，请重新读取后再提交。")
