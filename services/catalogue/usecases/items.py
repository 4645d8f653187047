"""Items: publish, suspend, resume, withdraw, and what they were."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.catalogue import domain
from services.catalogue.domain import quality
from services.catalogue.domain.basic_items import at_odds
from services.catalogue.domain.listing import Asked
from services.catalogue.usecases.reach import check_reach

if TYPE_CHECKING:
    from datetime import datetime

    from services.catalogue.domain import Item, Listed
    from services.catalogue.usecases.ports import Marks, Store
    from services.common.access import Caller

MOST_MOVES: Final = 20
"""Bodies that took an item over one after the other."""
IN_A_DOSSIER: Final = 20
MOST_AT_ONCE: Final = 50
"""Revisions that take effect in one transaction."""


def get(item_id: str, *, now: datetime, store: Store, version: int = 0) -> Listed:
    """One item, in use or not, once its 计划生效日期 has come (Rule I-6).

    Args:
        version: Rule I-8: each version that was published stays readable; 0: the newest, which is
            found under a code that the item has left as well (Rule I-9).

    Raises:
        ItemNotFound, ItemVersionNotFound.
    """
    listed = store.get(item_id)
    if version and version != listed.version:
        listed = store.version(item_id, version)
    elif not version:
        listed = _of_now(_followed(listed, store), now)
    if not _has_begun(listed, now):
        raise domain.ItemNotFound
    return listed


def _of_now(listed: Listed, now: datetime) -> Listed:
    """What is in force by the clock, also before the worker has told of it (Rule I-23)."""
    if listed.plan.item is None or domain.begins_after(listed.plan.item, now):
        return listed
    return replace(domain.take_effect(listed).listed, update_time=listed.update_time)


def _followed(listed: Listed, store: Store) -> Listed:
    """The item under the code it has now."""
    for _ in range(MOST_MOVES):
        if not listed.moved_to:
            break
        listed = store.get(listed.moved_to)
    return listed


def list_versions(
    item_id: str, *, before: int, size: int, now: datetime, store: Store
) -> list[tuple[Listed, Listed | None]]:
    """Versions of an item, newest first, each with the one before it.

    Rule I-8: each version that was published stays readable, once its 计划生效日期 has come.

    Args:
        before: only earlier ones; 0: from the newest.

    Raises:
        ItemNotFound
    """
    newest = store.get(item_id)
    earlier = store.versions(item_id, before=before or newest.version, size=size + 1)
    found = [newest, *earlier] if not before else earlier
    pairs = zip(found, [*found[1:], None], strict=True)
    return [pair for pair in pairs if _has_begun(pair[0], now)][:size]


def _has_begun(listed: Listed, now: datetime) -> bool:
    start, _ = listed.item.visibility()
    return start is None or start <= now


def part_of(subject_code: str, *, store: Store) -> tuple[list[Listed], int]:
    """Rule P-30: what a dossier says of a body: items that it implements, and how many."""
    if not subject_code:
        return [], 0
    found, _ = store.page(Asked(dept_code=subject_code), after="", size=IN_A_DOSSIER)
    return found, store.count_of_body(subject_code)


def publish(item: Item, *, seen: int, caller: Caller, store: Store) -> Listed:
    """Publish one item; what begins later than an item that is in use waits (Rule I-23).

    Rule P-23: who publishes answers for the item as it is to be, and as it is kept: nobody takes
    over another department's item under its number.

    Raises:
        OutOfReach, Stale.
        ItemInvalid: a quality rule that blocks (Q-12 …) is not kept, or it is not as the basic
            catalogue has it (Rule I-25).
    """
    if blocked := quality.check(item).blocking:
        raise domain.ItemInvalid("事项不符合质量规则，请按提示更正后再发布。", *blocked)
    _check_basic(item, store)
    kept = store.kept([item]).get(item.item_id)
    check_reach(caller, item.dept_code, item.region_code)
    if kept:
        check_reach(caller, kept.department, kept.region)
    domain.check_version(kept.version if kept else 0, seen)
    changed = domain.publish(kept, item, store.now)
    if isinstance(changed, domain.Changed):
        return store.save(changed)
    if changed is not None:
        store.schedule([changed])
    return store.get(item.item_id)


def unschedule(item_id: str, *, seen: int, caller: Caller, store: Store) -> Listed:
    """Drop the revision of an item that waits for its day.

    Raises: ItemNotFound, OutOfReach (Rule P-23), ItemNotScheduled, Stale.
    """
    store.schedule([domain.unschedule(_own(item_id, seen, caller, store))])
    return store.get(item_id)


def bring_into_force(*, store: Store, most: int = MOST_AT_ONCE) -> bool:
    """Let revisions whose day has come take effect; whether there may be more."""
    found = store.due(size=most)
    for known in found:
        store.save(domain.take_effect(known))
    return len(found) == most


def withdraw(item_id: str, reason: str, *, seen: int, caller: Caller, store: Store) -> Listed:
    """Take one item back.

    Raises: ItemNotFound, OutOfReach (Rule P-23), ItemInvalid, ItemAlreadyWithdrawn, Stale.
    """
    known = _own(item_id, seen, caller, store)
    return store.save(domain.withdraw(known, reason))


def check(item: Item, *, store: Store) -> quality.Quality:
    """What the quality rules say of an item that is not published yet.

    Raises:
        ItemInvalid: it is not as the basic catalogue has it (Rule I-25).
    """
    _check_basic(item, store)
    return quality.check(item)


def _check_basic(item: Item, store: Store) -> None:
    basics = store.basics([item.catalog_code] if item.catalog_code else [])
    if wrong := at_odds(item, basics.get(item.catalog_code)):
        raise domain.ItemInvalid("事项与基本目录不一致，请按提示更正。", *wrong)


def list_quality(
    *, region_code: str, after: str, size: int, store: Store, dept_code: str = ""
) -> list[tuple[str, Marks]]:
    """What the quality rules say of the public items of each body, in order of `Item.body`.

    Args:
        region_code: only items of this region and the regions below it; empty: all.
        dept_code: this body alone; empty: each.
    """
    if dept_code:
        bodies = [dept_code] if dept_code > after else []
    else:
        bodies = store.bodies(region_code=region_code, after=after, size=size)
    marks = store.marks(bodies, region_code=region_code)
    return [(body, marks[body]) for body in bodies if body in marks]


def suspend(item_id: str, reason: str, *, seen: int, caller: Caller, store: Store) -> Listed:
    """Suspend one item.

    Raises:
        ItemNotFound, OutOfReach (Rule P-23), ItemInvalid, ItemAlreadySuspended,
        ItemAlreadyWithdrawn, Stale.
    """
    known = _own(item_id, seen, caller, store)
    return store.save(domain.suspend(known, reason))


def resume(item_id: str, *, seen: int, caller: Caller, store: Store) -> Listed:
    """Put one item into use again.

    Raises:
        ItemNotFound, OutOfReach (Rule P-23), ItemNotSuspended, Stale.
    """
    known = _own(item_id, seen, caller, store)
    return store.save(domain.resume(known))


def _own(item_id: str, seen: int, caller: Caller, store: Store) -> Listed:
    known = store.get(item_id)
    check_reach(caller, known.item.dept_code, known.item.region_code)
    domain.check_version(known.version, seen)
    return known
