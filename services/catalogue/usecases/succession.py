"""A body takes over the items of another, or its own under a new name (承接)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from services.catalogue import domain
from services.catalogue.usecases.reach import check_reach

if TYPE_CHECKING:
    from services.catalogue.domain import Body, CodeProfile, Listed
    from services.catalogue.usecases.ports import Store
    from services.common.access import Caller

MOST_MOVED: Final = 200
PAGE: Final = 100


@dataclass(slots=True)
class Succession:
    """What became of the items.

    Args:
        moved: each id as it was and as it is now.
        conflicts: ids that stay, because the new id belongs to another item already.
        more: there are items left to move.
    """

    moved: list[tuple[str, str]] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    more: bool = False


def succeed(  # noqa: PLR0913  (from whom, to whom, why)
    from_dept_code: str,
    body: Body,
    reason: str,
    *,
    caller: Caller,
    store: Store,
    most: int = MOST_MOVED,
    profile: CodeProfile = domain.NATIONAL,
) -> Succession:
    """Let a body take over the items of another, `most` of them at once.

    Rule I-9: who asks answers for both bodies, in the region of each item.

    Raises:
        OutOfReach, ItemInvalid, Stale.
    """
    found, after = Succession(), ""
    while True:
        page = store.of_body(from_dept_code, after=after, size=PAGE)
        for known in page:
            if len(found.moved) == most:
                found.more = True
                return found
            _move(known, body, reason, caller, store, found, profile)
        if len(page) < PAGE:
            return found
        after = page[-1].item.item_id


def _move(  # noqa: PLR0913  (what, to whom, why, and what became of the others)
    known: Listed,
    body: Body,
    reason: str,
    caller: Caller,
    store: Store,
    found: Succession,
    profile: CodeProfile,
) -> None:
    for dept_code in (known.item.dept_code, body.code):
        check_reach(caller, dept_code, known.item.region_code)
    left, going_on = domain.move(known, body, reason, profile)
    item = going_on.listed.item
    if item == known.item:
        return
    if left is not None and store.kept([item]):
        found.conflicts.append(known.item.item_id)
        return
    if left is not None:
        store.save(left)
    store.save(going_on)
    found.moved.append((known.item.item_id, item.item_id))
