"""Gaps of the catalogue: count what people did not find, list it, say what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from services.catalogue.domain import gaps as domain
from services.catalogue.domain.gaps import MOST_NEW_A_DAY, GapNotFound
from services.catalogue.usecases.reach import check_reach
from services.common.access import NATIONWIDE
from services.common.errors import Stale

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from services.catalogue.domain.gaps import Asked, Gap, Span
    from services.catalogue.usecases.ports import Store
    from services.common.access import Caller


class Gaps(Protocol):
    """What gaps need to be remembered; one that has expired is not there."""

    def names(self, text: str, region_code: str) -> Sequence[str]:
        """The ids that a text may be kept under, by a key that only the platform has; newest first.

        Args:
            text: as `domain.likeness` has it.
        """

    def find(self, gap_ids: Collection[str]) -> Mapping[str, Gap]:
        """Those of these ids that are kept, listed or not."""

    def begun(self, day: str) -> int:
        """How many were begun on a day."""

    def save(self, gaps: Collection[Gap]) -> None:
        """Write what was counted."""

    def count_day(self, day: str, *, begun: int, others: int) -> None:
        """Add to what a day has begun, and to what is counted together."""

    def settle(self, gap: Gap) -> None:
        """Write what became of one. Raises: Stale."""

    def page(
        self,
        regions: Sequence[str],
        span: Span,
        *,
        after: tuple[int, str] | None,
        size: int,
        open_only: bool = False,
    ) -> list[Gap]:
        """Listed ones that were asked for in these months, most asked first, then by id.

        Args:
            regions: that they are in or below; empty text: those without one.
            after: count and id of the one before.
            open_only: without those of which somebody has said what became of them.
        """

    def others(self, span: Span) -> int:
        """How often what is counted together was asked for in these months."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of a report: texts kept each for itself, and counted together."""

    kept: int
    others: int


def report_gaps(reported: Sequence[Asked], *, now: datetime, gaps: Gaps) -> Counted:
    """Count what was asked for and not found (Rules I-26, I-27)."""
    names = [gaps.names(domain.likeness(one.text), one.region_code) for one in reported]
    known = dict(gaps.find({name for some in names for name in some}))
    today = domain.legal_day(now)
    room = MOST_NEW_A_DAY - gaps.begun(today)
    changed: dict[str, Gap] = {}
    begun = others = 0
    for one, some in zip(reported, names, strict=True):
        before = next((known[name] for name in some if name in known), None)
        if before is None:
            if begun >= room:
                others += one.count
                continue
            begun += 1
        gap = domain.count_in(before, some[0], one)
        known[gap.gap_id] = changed[gap.gap_id] = gap
    gaps.save(changed.values())
    gaps.count_day(today, begun=begun, others=others)
    return Counted(len(changed), others)


def list_gaps(  # noqa: PLR0913  (what, where, when, by whom)
    region_code: str,
    span: Span,
    *,
    after: tuple[int, str] | None,
    size: int,
    caller: Caller,
    gaps: Gaps,
    open_only: bool = False,
) -> list[Gap]:
    """What people of a region did not find, most asked first; all, or what is still open.

    Rule I-28: a leading body sees what is asked in its region and below, and without a region.

    Raises:
        GapInvalid, OutOfReach.
    """
    domain.check_region(region_code)
    check_reach(caller, "", region_code)
    if region_code:
        regions: tuple[str, ...] = (region_code,)
    elif caller.kind == "service" or caller.region == NATIONWIDE:
        regions = (NATIONWIDE,)
    else:
        regions = (caller.region, "")
    return gaps.page(regions, span, after=after, size=size, open_only=open_only)


def settle_gap(  # noqa: PLR0913  (what, of what, by whom, when)
    gap_id: str,
    outcome: int,
    item_id: str,
    note: str,
    *,
    seen: int,
    now: datetime,
    caller: Caller,
    gaps: Gaps,
    store: Store,
) -> Gap:
    """Say what became of a gap (Rule I-28).

    Raises:
        GapNotFound, OutOfReach, GapInvalid, ItemNotFound, Stale.
    """
    kept = gaps.find([gap_id]).get(gap_id)
    if kept is None or not kept.listed:
        raise GapNotFound
    check_reach(caller, "", kept.region_code)
    if seen and seen != kept.version:
        raise Stale("该缺口的处理结果已被他人修改，请重新读取后再提交。")
    settled = domain.settle(kept, outcome, item_id, note, now=now)
    if settled.item_id:
        store.get(settled.item_id)
    gaps.settle(settled)
    return settled
