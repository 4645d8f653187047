"""Imports: publish the rows of a file, or say what that would do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.catalogue import domain
from services.catalogue.domain import NATIONAL, quality
from services.catalogue.domain.basic_items import at_odds
from services.catalogue.domain.importing import (
    Mode,
    Outcome,
    Previewed,
    comes_back,
    left_alone,
    waits,
)
from services.catalogue.usecases.reach import beyond
from services.common.errors import Violation
from services.common.rows import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.catalogue.domain import Changed, CodeProfile, Item, Kept, Listed, Scheduled
    from services.catalogue.usecases.ports import Store
    from services.common.access import Caller
    from services.common.rows import Report, Row


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an import does.

    Args:
        origins: for each good item by its id, the rows that say it.
        facts: for each item that becomes public or is changed, that.
        waiting: for each item that is to change on a later day, that (Rule I-23).
        left: for each item that is left alone, what is said of it.
    """

    origins: Mapping[str, list[Row]]
    kept: Mapping[str, Kept]
    facts: dict[str, Changed] = field(default_factory=dict)
    waiting: dict[str, Scheduled] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def later(self, item_id: str) -> Item | None:
        """What an item is to be on a later day."""
        scheduled = self.waiting.get(item_id)
        return scheduled.plan.item if scheduled else None


def import_items(  # noqa: PLR0913  (what, by whom, into what, and how)
    rows: Iterable[Row],
    report: Report,
    *,
    caller: Caller,
    store: Store,
    mode: Mode = Mode.OVERWRITE,
    profile: CodeProfile = NATIONAL,
) -> None:
    """Publish the good rows of an import and put each bad one into the report.

    Rule P-23: a row that is not the caller's to publish is a bad one.
    Rule I-12: in mode `KEEP` a row whose item is kept already changes nothing.
    """
    plan = _plan(rows, report, mode, caller, store, profile)
    store.save_all(list(plan.facts.values()))
    store.schedule(list(plan.waiting.values()))


def preview_import(  # noqa: PLR0913  (as import_items)
    rows: Iterable[Row],
    report: Report,
    *,
    mode: Mode,
    caller: Caller,
    store: Store,
    profile: CodeProfile = NATIONAL,
) -> list[Previewed]:
    """What an import would do to each row; nothing is kept (Rule I-12)."""
    rows = list(rows)
    plan = _plan(rows, report, mode, caller, store, profile)
    known = store.listed([*plan.facts, *plan.waiting])
    told: dict[int, Previewed] = {}
    for item_id, origins in plan.origins.items():
        first, *again = (row.number for row in origins)
        told[first] = _previewed(first, item_id, plan, known.get(item_id))
        for number in again:
            note = f"与第 {first} 行相同"
            told[number] = Previewed(number, Outcome.UNCHANGED, item_id, note=note)
    return [told.get(row.number) or Previewed(row.number, Outcome.REJECTED) for row in rows]


def _previewed(row: int, item_id: str, plan: _Plan, known: Listed | None) -> Previewed:
    if item_id in plan.left:
        return Previewed(row, Outcome.KEPT, item_id, note=plan.left[item_id])
    fact, later = plan.facts.get(item_id), plan.later(item_id)
    item = fact.listed.item if fact else later
    if item is None:
        return Previewed(row, Outcome.UNCHANGED, item_id)
    if known is None:
        return Previewed(row, Outcome.CREATED, item_id)
    fields = tuple(one.field for one in domain.differences(known.item, item))
    note = waits(later) if later else comes_back(plan.kept[item_id])
    return Previewed(row, Outcome.CHANGED, item_id, fields, note)


def _plan(  # noqa: PLR0913  (as import_items)
    rows: Iterable[Row],
    report: Report,
    mode: Mode,
    caller: Caller,
    store: Store,
    profile: CodeProfile,
) -> _Plan:
    """What the rows do, as the report tells it."""
    items, origins = _read(rows, report, caller, profile)
    _reject_at_odds(items, origins, report, store)
    kept = store.kept(list(items.values()))
    for item_id, held in kept.items():
        out = beyond(caller, held.department, held.region) or _moved(held)
        if out:
            del items[item_id]
            for row in origins.pop(item_id):
                report.reject(row, [out])
    plan = _Plan(origins, kept)
    for item_id, item in items.items():
        held_before = kept.get(item_id)
        changed = domain.publish(held_before, item, store.now)
        if changed is not None and held_before and mode is Mode.KEEP:
            plan.left[item_id] = left_alone(held_before)
        elif isinstance(changed, domain.Scheduled):
            plan.waiting[item_id] = changed
        elif changed is not None:
            plan.facts[item_id] = changed
    _tell(plan, report)
    return plan


def _reject_at_odds(
    items: dict[str, Item], origins: dict[str, list[Row]], report: Report, store: Store
) -> None:
    """Reject the rows that are not as the basic catalogue has them (Rule I-25)."""
    basics = store.basics({one.catalog_code for one in items.values() if one.catalog_code})
    for item_id, item in list(items.items()):
        if wrong := at_odds(item, basics.get(item.catalog_code)):
            del items[item_id]
            for row in origins.pop(item_id):
                report.reject(row, wrong)


def _moved(held: Kept) -> Violation | None:
    """What keeps a row from bringing back an item under a code that it has left."""
    if not held.moved_to:
        return None
    return Violation("task_code", str(domain.ItemMoved(held.moved_to)))


def _tell(plan: _Plan, report: Report) -> None:
    created = sum(fact.listed.version == 1 for fact in plan.facts.values())
    changed = len(plan.facts) + len(plan.waiting)
    report.created += created
    report.changed += changed - created
    report.unchanged += sum(map(len, plan.origins.values())) - changed
    for item_id in plan.waiting:
        if later := plan.later(item_id):
            report.notes += [Note(row.number, waits(later)) for row in plan.origins[item_id]]
    for item_id, said in plan.left.items():
        report.kept += len(plan.origins[item_id])
        report.notes += [Note(row.number, said) for row in plan.origins[item_id]]
    report.notes.sort(key=lambda note: note.row)
    report.rejections.sort(key=lambda rejection: rejection.row)


def _read(
    rows: Iterable[Row], report: Report, caller: Caller, profile: CodeProfile
) -> tuple[dict[str, Item], dict[str, list[Row]]]:
    """The items of the good rows, and the rows that say each.

    The same item said twice in one file is harmless, two different ones are not.
    """
    items: dict[str, Item] = {}
    origins: dict[str, list[Row]] = {}
    for row in rows:
        report.read += 1
        try:
            item = domain.item_of_row(row.values, report.shape, profile)
        except domain.ItemInvalid as refusal:
            report.reject(row, refusal.violations)
            continue
        if out := beyond(caller, item.dept_code, item.region_code):
            report.reject(row, [out])
        elif blocked := quality.check(item).blocking:
            report.reject(row, blocked)
        elif items.setdefault(item.item_id, item) == item:
            origins.setdefault(item.item_id, []).append(row)
        else:
            field = "task_code" if item.task_code else "local_task_code"
            report.reject(row, [Violation(field, "与本文件前面的一行编码相同而内容不同")])
    return items, origins
