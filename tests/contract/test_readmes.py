"""README.md and README.zh-CN.md say the same: sections, commands, names and links, in one order."""

from __future__ import annotations

import re
from itertools import pairwise, zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, CHINESE = "README.md", "README.zh-CN.md"
EACH_OTHER = {ENGLISH, CHINESE}
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) ", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)]+)\)")
NAMED = re.compile(r"`([^`\n]+)`")


@pytest.fixture(scope="module")
def texts():
    return [(ROOT / name).read_text(encoding="utf-8") for name in (ENGLISH, CHINESE)]


def sections(text):
    """The prose of each section without its code blocks, under the level of its heading."""
    prose = FENCED.sub("", text)
    begins = [*HEADING.finditer(prose), None]
    return [
        (len(one[1]), prose[one.start() : other.start() if other else None])
        for one, other in pairwise(begins)
    ]


def blocks(text):
    """The commands of each code block, without what a comment tells in a language."""
    return [
        (language, [line.split(" #")[0].rstrip() for line in block.splitlines()])
        for language, block in FENCED.findall(text)
    ]


def links(prose):
    """Where links lead, but for those from one file to the other."""
    return [address for address in LINK.findall(prose) if address not in EACH_OTHER]


def test_they_have_the_same_sections(texts):
    english, chinese = ([level for level, _ in sections(text)] for text in texts)
    assert english == chinese
    assert len(english) > 5


def test_they_have_the_same_commands(texts):
    english, chinese = map(blocks, texts)
    assert english == chinese
    assert len(english) > 3


def test_each_section_has_the_same_links_in_both(texts):
    for (_, english), (_, chinese) in zip_longest(*map(sections, texts)):
        assert links(english) == links(chinese), english.splitlines()[0]


def test_each_section_names_the_same_commands_files_and_addresses_in_both(texts):
    for (_, english), (_, chinese) in zip_longest(*map(sections, texts)):
        assert set(NAMED.findall(english)) == set(NAMED.findall(chinese)), english.splitlines()[0]


def test_what_they_link_to_is_there(texts):
    for address in {one for text in texts for one in LINK.findall(text)}:
        assert (ROOT / address).exists(), address
