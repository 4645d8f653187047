"""Keeps families in order as their members come and go: each document says where it leads."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import tantivy

from gateway.onestop.cards import State
from gateway.onestop.families import (
    Member,
    Standing,
    document_number,
    place_of,
    standings,
    until_settled,
)
from gateway.onestop.schema import (
    NUMBERS,
    SCHEMA,
    Stored,
    document_id,
    family_key,
    member_of,
    read_subject,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MOST_MEMBERS = 10_000  # of one family; a country has 3,000 counties


@dataclass(frozen=True, slots=True)
class Changed:
    """What the index has of a document (None: nothing), and what it shall have."""

    before: Stored | None
    after: Stored


@dataclass(frozen=True, slots=True)
class Placed:
    """A document to be written, and its standing; None: it stands alone."""

    stored: Stored
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class _Held:
    """A member that the index has."""

    member: Member
    copy: int
    standing: int
    address: tantivy.DocAddress


class Families:
    """The families of one commit of the index."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self._searcher = searcher

    def placed(self, changed: Iterable[Changed], now: int) -> Iterator[Placed]:
        """What is to be written where documents change: they, and who leads anew or no more.

        Args:
            now: microseconds since 1970.
        """
        touched: dict[str, dict[int, Stored]] = defaultdict(dict)
        for one in changed:
            after = one.after
            number = document_number(document_id(after.source, after.change.subject))
            keys = {_key(stored) for stored in (one.before, after) if stored}
            for key in keys - {""}:
                touched[key][number] = after
            if not _key(after):
                yield Placed(after, None)
        for key, stored in touched.items():
            yield from self._family(key, stored, now)

    def settled(self, source: str, copy: str) -> Iterator[Placed]:
        """What is to be written anew once a filling has all members."""
        number = document_number(copy)
        for key, _ in self._searcher.terms_with_prefix("family", f"{source}/"):
            held = [one for one in self._held(key) if one.copy == number]
            yield from self._moved(held, standings(one.member for one in held))

    def _family(self, key: str, changed: Mapping[int, Stored], now: int) -> Iterator[Placed]:
        held = self._held(key)
        others = [one for one in held if one.member.number not in changed]
        joined = {
            number: member_of(stored, stored.change.card)
            for number, stored in changed.items()
            if stored.change.card and _key(stored) == key and _shown(stored, now)
        }
        after = standings([*(one.member for one in others), *joined.values()])
        for number, stored in changed.items():
            if _key(stored) == key:
                yield Placed(stored, after.get(number))
        yield from self._moved(others, after)

    def _moved(self, held: Iterable[_Held], standing: Mapping[int, Standing]) -> Iterator[Placed]:
        for one in held:
            placed = standing[one.member.number]
            if placed.number != one.standing:
                yield Placed(read_subject(self._searcher.doc(one.address)), placed)

    def _held(self, key: str) -> list[_Held]:
        query = tantivy.Query.term_query(SCHEMA, "family", key, "basic")
        found = self._searcher.search(query, MOST_MEMBERS, count=False)
        addresses = [address for _, address in found.hits]
        columns = [self._searcher.fast_field_values(name, addresses) for name in NUMBERS]
        rows = zip(*columns, addresses, strict=True)
        return [
            _Held(Member(number, place_of(place), body), copy, standing, address)
            for number, place, body, copy, standing, address in rows
        ]


def _key(stored: Stored) -> str:
    card = stored.change.card
    return family_key(stored.source, card) if card else ""


def _shown(stored: Stored, now: int) -> bool:
    card = stored.change.card
    return card is not None and card.state(now)[0] is State.SHOWN


def provisional(stored: Stored) -> Placed:
    """A document of a filling that is still going on."""
    card = stored.change.card
    if card is None or not card.family:
        return Placed(stored, None)
    return Placed(stored, until_settled(member_of(stored, card)))
