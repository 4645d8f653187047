"""What the catalogue does: load, decide, save. No transport, no database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from services.catalogue import domain
from services.common.errors import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from services.catalogue.domain import Changed, Item, Kept, Listed, Withdrawn
    from services.common.rows import Report, Row


class Store(Protocol):
    """What a use case needs to remember things."""

    def get(self, item_id: str) -> Listed:
        """The item. Raises: ItemNotFound."""

    def kept(self, items: Sequence[Item]) -> Mapping[str, Kept]:
        """What is kept under the ids of these items; an id that is new is absent."""

    def save(self, fact: Changed | Withdrawn) -> Listed:
        """Write an item and tell its fact. Raises: Stale."""

    def save_all(self, facts: Sequence[Changed]) -> None:
        """Write many items and tell of all in bulk. Raises: Stale."""

    def page(
        self, *, region_code: str, dept_code: str, task_type: str, after: str, size: int
    ) -> list[Listed]:
        """Items that are public now, in order of id, beginning after `after`."""


def get(item_id: str, *, now: datetime, store: Store) -> Listed:
    """One item, public or withdrawn, once its 计划生效日期 has come (Rule I-6).

    Raises: ItemNotFound.
    """
    listed = store.get(item_id)
    start, _ = listed.item.visibility()
    if start and now < start:
        raise domain.ItemNotFound
    return listed


def publish(item: Item, *, seen: int, store: Store) -> Listed:
    """Publish one item. Raises: Stale."""
    kept = store.kept([item]).get(item.item_id)
    domain.check_version(kept.version if kept else 0, seen)
    changed = domain.publish(kept, item)
    return store.get(item.item_id) if changed is None else store.save(changed)


def withdraw(item_id: str, reason: str, *, seen: int, store: Store) -> Listed:
    """Take one item back. Raises: ItemNotFound, ItemInvalid, ItemAlreadyWithdrawn, Stale."""
    known = store.get(item_id)
    domain.check_version(known.version, seen)
    return store.save(domain.withdraw(known, reason))


def import_items(rows: Iterable[Row], report: Report, *, store: Store) -> None:
    """Publish the good rows of an import and put each bad one into the report."""
    items: dict[str, Item] = {}
    for row in rows:
        report.read += 1
        try:
            item = domain.item_of_row(row.values, report.shape)
        except domain.ItemInvalid as refusal:
            report.reject(row, refusal.violations)
            continue
        first = items.setdefault(item.item_id, item)
        if first is not item:
            _repeated(row, first, item, report)
    kept = store.kept(list(items.values()))
    facts = [
        changed
        for item in items.values()
        if (changed := domain.publish(kept.get(item.item_id), item)) is not None
    ]
    created = sum(fact.listed.version == 1 for fact in facts)
    report.created += created
    report.changed += len(facts) - created
    report.unchanged += len(items) - len(facts)
    store.save_all(facts)


def _repeated(row: Row, first: Item, item: Item, report: Report) -> None:
    """The same item twice in one file: said twice is harmless, two different ones are not."""
    if first == item:
        report.unchanged += 1
    else:
        field = "task_code" if item.task_code else "local_task_code"
        report.reject(row, [Violation(field, "与本文件前面的一行编码相同而内容不同")])
