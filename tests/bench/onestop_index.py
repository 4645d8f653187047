"""Indexes of items and companies, made by the indexer's writer, and what is searched there."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import islice, product
from operator import itemgetter
from typing import TYPE_CHECKING

from gateway.indexer.writer import IndexWriter
from gateway.onestop import directory, pinyin, text
from gateway.onestop.cards import Card, Change, read_card
from infra.sample.enterprises import enterprises
from infra.sample.items import items
from infra.sample.places import regions
from services.catalogue.domain import item_of
from services.catalogue.messages import card

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ITEMS = 200_000
BATCH = 5000  # documents in a commit
DEPARTMENT = "catalogue"
AS_OF = "2026-11-22T00:00:00.000Z"
# 办理情形 and 办理对象: what the same item is divided into, so that names × regions are enough.
CASES = (
    *("", "（新办）", "（变更）", "（延续）", "（注销）", "（补办）", "（换发）"),
    *("（个人）", "（单位）", "（代办）", "（复审）", "（年度报告）", "（告知承诺）"),
)
WHOSE = ("", "（内资）", "（外资）", "（港澳台）", "（乡镇）", "（园区）", "（自贸区）")


def fill(root: Path, count: int = ITEMS, companies: int = 0) -> None:
    """Make an index and put it into use; some minutes of one processor for a million.

    Args:
        count: service items, each a member of a family of up to 146 regions.
        companies: credit subjects, each with a name of its own.
    """
    made = directory.create(root)
    directory.switch(root, made)
    writer = IndexWriter(made)
    _fill(writer, DEPARTMENT, _cards(count))
    if companies:
        _fill(writer, "credit", map(_company, enterprises(companies, 5)))
    written = sum(writer.subjects_by_source().values())
    if written != count + companies:
        raise AssertionError(f"the sample has too few names: {written}")
    writer.close(merge=True)


def _fill(writer: IndexWriter, source: str, cards: Iterable[Card]) -> None:
    writer.begin_copy(source, "bench", 0)
    changes = (Change(str(number), 1, AS_OF, one) for number, one in enumerate(cards))
    while batch := list(islice(changes, BATCH)):
        writer.apply(source, batch)
        writer.commit(_now())
    writer.finish_copy(source)
    writer.commit(_now())


def _named() -> dict[str, Card]:
    """A card for each name of the sample's items."""
    named: dict[str, Card] = {}
    for row in items():
        if row["task_name"] not in named and (one := read_card(card(item_of(row)))):
            named[row["task_name"]] = one
    return named


def _cards(count: int) -> Iterator[Card]:
    """So many cards in the order of a snapshot, by code: those of a region stand together."""
    named = _named().values()
    places = sorted(regions().values(), key=itemgetter("code"))
    bodies = {one.title: _without_place(one.department) for one in named}
    sorts = list(product(WHOSE, CASES))[: -(-count // (len(places) * len(named)))]
    made = (
        replace(
            one,
            title=one.title + case + whose,
            region_code=place["code"],
            department=place["name"] + bodies[one.title],
            codes=(f"{place['code']}{one.codes[0][-12:]}{sort}",),
            family=f"{one.family}{sort}",
        )
        for place, one, (sort, (whose, case)) in product(places, named, list(enumerate(sorts)))
    )
    return islice(made, count)


def _without_place(body: str) -> str:
    """昆明市五华区市场监督管理局 is 市场监督管理局 of another place elsewhere."""
    for place in regions().values():
        body = body.removeprefix(place["name"])
    return body


def _company(row: dict[str, str]) -> Card:
    return Card(
        kind="credit",
        title=row["name"],
        summary=f"{row['subject_type']} · {row['status']} · {row['registration_authority']}",
        department="",
        region_code=row["region_code"],
        url=f"/credit/{row['subject_code']}",
        codes=(row["subject_code"],),
        facets=(("status", row["status"]), ("subject_type", row["subject_type"])),
    )


def queries() -> list[str]:
    """What people type: whole names, everyday names, beginnings, places before a name, pinyin.

    Each of them finds something; the order mixes the kinds.
    """
    of_cities = cities()
    places = [place["short_name"] for place in regions().values()]
    asked: list[str] = []
    for number, one in enumerate(_named().values()):
        called = one.aliases[0] if one.aliases else one.title
        *written, spelt = _without_a_place(number, one.title, called)
        asked += [
            *written,
            f"{of_cities[number % len(of_cities)]}{called}",
            f"{places[-1 - number % len(places)]} {one.title}",
            spelt,
        ]
    return list(dict.fromkeys(asked))


def queries_without_a_place() -> list[str]:
    """Those of them that say what and not where."""
    asked: list[str] = []
    for number, one in enumerate(_named().values()):
        asked += _without_a_place(number, one.title, one.aliases[0] if one.aliases else one.title)
    return list(dict.fromkeys(asked))


def _without_a_place(number: int, title: str, called: str) -> list[str]:
    read = pinyin.syllables(text.fold(called))
    spelt = "".join(read) if number % 2 else pinyin.initials(read)
    return [title, called, "".join(text.words(text.fold(title))[:2]), spelt]


def cities() -> list[str]:
    """The cities and prefectures, and the province, as people call them."""
    return [place["short_name"] for place in regions().values() if place["code"][4:] == "00000000"]


def _now() -> int:
    return time.time_ns() // 1000
