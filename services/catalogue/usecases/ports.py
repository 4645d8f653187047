"""What the use cases of the catalogue need: kept by the real store, and by a fake one in tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from services.catalogue.domain import Changed, Fact, Item, Kept, Listed, Scheduled
    from services.catalogue.domain.basic_items import BasicItem
    from services.catalogue.domain.listing import Asked


@dataclass(frozen=True, slots=True)
class Marks:
    """What the quality rules say of the public items of one body.

    Args:
        score: the average, from 0 to 100.
        failing: how many items fail each rule, by its number.
        examples: ids of some of them, by the rule's number.
    """

    name: str
    items: int
    score: float
    failing: Mapping[str, int]
    examples: Mapping[str, Sequence[str]]


class Store(Protocol):
    """What a use case needs to remember things."""

    @property
    def now(self) -> datetime:
        """The moment of what is done."""

    def get(self, item_id: str) -> Listed:
        """The item. Raises: ItemNotFound."""

    def of_body(self, dept_code: str, *, after: str, size: int) -> list[Listed]:
        """Items of a body that are in use or suspended, in order of id, beginning after `after`."""

    def count_of_body(self, dept_code: str) -> int:
        """How many items of a body are public now."""

    def implementing(self, catalog_code: str, region_code: str) -> Listed | None:
        """The public item of a 基本编码 in a region, else in the nearest region above it."""

    def kept(self, items: Sequence[Item]) -> Mapping[str, Kept]:
        """What is kept under the ids of these items; an id that is new is absent."""

    def listed(self, item_ids: Sequence[str]) -> Mapping[str, Listed]:
        """The items that there are of these ids, by id."""

    def version(self, item_id: str, version: int) -> Listed:
        """The item as it was in an earlier version. Raises: ItemVersionNotFound."""

    def versions(self, item_id: str, *, before: int, size: int) -> list[Listed]:
        """Earlier versions than `before`, newest first."""

    def basics(self, codes: Collection[str]) -> Mapping[str, BasicItem]:
        """What the basic catalogue has in force of these 基本编码, by code."""

    def save(self, fact: Fact) -> Listed:
        """Write an item and tell its fact. Raises: Stale."""

    def save_all(self, facts: Sequence[Changed]) -> None:
        """Write many items and tell of all in bulk. Raises: Stale."""

    def schedule(self, revisions: Sequence[Scheduled]) -> None:
        """Keep what is planned for these items, and tell it. Raises: Stale."""

    def due(self, *, size: int) -> list[Listed]:
        """Items whose revision's day has come, the longest waiting first."""

    def bodies(self, *, region_code: str, after: str, size: int) -> list[str]:
        """Bodies that have public items, by `Item.body` in order, beginning after `after`."""

    def marks(self, bodies: Sequence[str], *, region_code: str) -> dict[str, Marks]:
        """What the quality rules say of the public items of each body."""

    def page(self, asked: Asked, *, after: str, size: int) -> tuple[list[Listed], str]:
        """Items that are public now, in order of id; and the id to go on after, blank at the end.

        It may be shorter than `size`, even empty, and yet go on.
        """
