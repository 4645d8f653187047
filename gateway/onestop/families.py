"""Which of the same items of many regions (基本编码) is shown to whom.

Of a family one member leads in each region: the region's own; else, of those inside it, the one of
the highest level. In a region without any the lead of the nearest region above serves. All this is
written into the index as words, so that a query is narrowed to one member of each family before
anything is counted:

scope    the regions in which it leads; `=` before the region that is its own; `*` where nobody
         named a region; `@` and a number for the lead among those of one body
covered  the regions inside its own in which another member leads; `=` before those that have
         an item of their own
"""

from __future__ import annotations

from binascii import crc32
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from services.common.identifiers import region_ancestors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ANYWHERE = "*"
NOWHERE = "none"  # stands for the region of what belongs to no region
_REGION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Member:
    """One item of a family.

    Args:
        number: of its document, unique in the index.
        place: 12-digit region code, or empty.
        body: number of the body that answers for it.
    """

    number: int
    place: str
    body: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a member leads, and which regions inside its own are led by others."""

    scopes: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The same for the same standing."""
        return document_number(f"{self.scopes}{self.covered}")


def member(identity: str, place: str, body: str) -> Member:
    """The member that a document is."""
    return Member(document_number(identity), place, body_number(body))


def document_number(identity: str) -> int:
    """A document's id as a number of 63 bits."""
    return int.from_bytes(blake2b(identity.encode(), digest_size=8).digest()) >> 1


def body_number(body: str) -> int:
    """A body's name as a number."""
    return crc32(body.encode())


def place_number(place: str) -> int:
    """A region as a number; 0 for none."""
    return int(place) if place.isdecimal() else 0


def place_of(number: int) -> str:
    """The region of such a number."""
    return str(number).zfill(_REGION_DIGITS) if number else ""


def own_scope(place: str) -> str:
    """The word for leading in one's own region."""
    return f"={place or NOWHERE}"


def body_scope(body: int) -> str:
    """The word for leading among the items of a body."""
    return f"@{body:x}"


def alone(one: Member) -> Standing:
    """The standing of what belongs to no family: it leads wherever it is of use."""
    chain = _chain(one.place)
    return Standing(tuple(sorted((*chain, own_scope(one.place), ANYWHERE, body_scope(one.body)))))


def until_settled(one: Member) -> Standing:
    """What can be said before the other members are known: its own region and its own body.

    Of most members that stays so, and what stays need not be written again.
    """
    return Standing(
        tuple(sorted((own_scope(one.place), one.place or NOWHERE, body_scope(one.body))))
    )


def standings(members: Iterable[Member]) -> dict[int, Standing]:
    """Where each member of a family leads, by its number; the same for the same members."""
    ordered = sorted(members, key=lambda one: (_depth(one.place), one.place, one.number))
    leads: dict[str, Member] = {}
    for one in ordered:
        for scope in (*_chain(one.place), ANYWHERE, body_scope(one.body)):
            leads.setdefault(scope, one)
    led: dict[int, list[str]] = {one.number: [] for one in ordered}
    for scope, one in leads.items():
        led[one.number].append(scope)
        if scope == (one.place or NOWHERE):
            led[one.number].append(own_scope(one.place))
    covered = _covered((scope for scope in leads if scope.isdecimal()), {m.place for m in ordered})
    return {
        one.number: Standing(
            tuple(sorted(led[one.number])),
            covered.get(one.place, ()) if own_scope(one.place) in led[one.number] else (),
        )
        for one in ordered
    }


def _covered(places: Iterable[str], owned: Collection[str]) -> dict[str, tuple[str, ...]]:
    """By region the regions inside it, and those of them that have an item of their own."""
    inside: dict[str, list[str]] = defaultdict(list)
    for place in places:
        for above in (*_chain(place)[1:], ""):
            inside[above] += [place, own_scope(place)] if place in owned else [place]
    return {place: tuple(sorted(those)) for place, those in inside.items()}


@lru_cache(maxsize=4096)
def _chain(place: str) -> tuple[str, ...]:
    return (place, *region_ancestors(place)) if place else (NOWHERE,)


def _depth(place: str) -> int:
    return len(_chain(place)) if place else 0
