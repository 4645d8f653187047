"""An index of 200,000 items, written by the indexer's own writer, and what is searched in it."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import islice, product
from typing import TYPE_CHECKING

from gateway.indexer.writer import IndexWriter
from gateway.onestop import directory, pinyin, text
from gateway.onestop.cards import Card, Change, read_card
from infra.sample.items import items
from infra.sample.places import regions
from services.catalogue.domain import item_of
from services.catalogue.messages import card

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ITEMS = 200_000
BATCH = 5000  # items in a commit
DEPARTMENT = "catalogue"
AS_OF = "2026-11-22T00:00:00.000Z"
# 办理情形: what the same item is divided into; with them names × regions are enough.
CASES = (
    *("", "（新办）", "（变更）", "（延续）", "（注销）", "（补办）", "（换发）"),
    *("（个人）", "（单位）", "（代办）", "（复审）", "（年度报告）", "（告知承诺）"),
)


def fill(root: Path) -> None:
    """Make the index and put it into use; a minute of one processor."""
    made = directory.create(root)
    directory.switch(root, made)
    writer = IndexWriter(made)
    writer.begin_copy(DEPARTMENT, "bench", 0)
    changes = (
        Change(str(number), 1, AS_OF, one) for number, one in enumerate(islice(_cards(), ITEMS))
    )
    while batch := list(islice(changes, BATCH)):
        writer.apply(DEPARTMENT, batch)
        writer.commit(_now())
    writer.finish_copy(DEPARTMENT)
    writer.commit(_now())
    if writer.subjects_by_source()[DEPARTMENT] != ITEMS:
        raise AssertionError("the sample has too few names for the index")
    writer.close(merge=True)


def _named() -> dict[str, Card]:
    """A card for each name of the sample's items."""
    named: dict[str, Card] = {}
    for row in items():
        if row["task_name"] not in named and (one := read_card(card(item_of(row)))):
            named[row["task_name"]] = one
    return named


def _cards() -> Iterator[Card]:
    places = list(regions().values())
    for case, place, one in product(CASES, places, _named().values()):
        yield replace(
            one,
            title=one.title + case,
            region_code=place["code"],
            codes=(f"{place['code']}{one.codes[0][-12:]}{CASES.index(case)}",),
        )


def queries() -> list[str]:
    """What people type: whole names, everyday names, beginnings, places before a name, pinyin.

    Each of them finds something; the order mixes the kinds.
    """
    cities = [
        place["short_name"] for place in regions().values() if place["code"][4:] == "00000000"
    ]
    places = [place["short_name"] for place in regions().values()]
    asked: list[str] = []
    for number, one in enumerate(_named().values()):
        called = one.aliases[0] if one.aliases else one.title
        read = pinyin.syllables(text.fold(called))
        asked += [
            one.title,
            called,
            "".join(text.words(text.fold(one.title))[:2]),
            f"{cities[number % len(cities)]}{called}",
            f"{places[-1 - number % len(places)]} {one.title}",
            "".join(read) if number % 2 else pinyin.initials(read),
        ]
    return list(dict.fromkeys(asked))


def _now() -> int:
    return time.time_ns() // 1000
