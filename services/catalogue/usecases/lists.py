"""Lists of powers, duties and prohibitions: adjust them, and what they need of a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from services.catalogue.domain import lists
from services.catalogue.usecases.reach import check_reach

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from services.catalogue.domain.lists import (
        Adjusted,
        Adjustment,
        ListedEntry,
        ListKind,
        Proposal,
    )
    from services.common.access import Caller


class ListStore(Protocol):
    """What the lists need to be remembered."""

    def entries(
        self, kind: ListKind, dept_code: str, codes: Collection[str]
    ) -> Mapping[str, ListedEntry]:
        """The entries of one list of one body by their codes; a code that is new is absent."""

    def adjusted(self, kind: ListKind, dept_code: str) -> int:
        """How many times one list of one body was adjusted."""

    def adjust(self, adjusted: Adjusted) -> Adjustment:
        """Write the entries and the adjustment, and tell the fact. Raises: Stale."""

    def adjustment(self, adjustment_id: str) -> Adjustment:
        """One adjustment with all it changed. Raises: ListAdjustmentNotFound."""

    def entry_page(
        self, *, kind: str, dept_code: str, region_code: str, after: str, size: int
    ) -> list[ListedEntry]:
        """Entries in force, in order of id, beginning after `after`."""

    def adjustment_page(
        self, *, kind: str, dept_code: str, region_code: str, before: str, size: int
    ) -> list[Adjustment]:
        """Adjustments newest first, without the fields that changed, of a lower `order_of`."""


def adjust(proposal: Proposal, *, caller: Caller, store: ListStore) -> Adjustment:
    """Adjust the list of a body, all changes together.

    Rule P-23: who adjusts answers for the body and region, also for those that the entries are
    kept with.

    Raises:
        OutOfReach, ListEntryInForce, ListEntryNotInForce, ListUnchanged, ListAdjustmentInvalid,
        Stale.
    """
    check_reach(caller, proposal.dept_code, proposal.region_code)
    codes = [change.entry.entry_code for change in proposal.changes]
    kept = store.entries(proposal.kind, proposal.dept_code, codes)
    for region_code in sorted({known.entry.region_code for known in kept.values()}):
        check_reach(caller, proposal.dept_code, region_code)
    number = store.adjusted(proposal.kind, proposal.dept_code) + 1
    return store.adjust(lists.adjust(proposal, kept, number=number))
