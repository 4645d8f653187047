"""The three lists of a body (权力清单, 责任清单, 负面清单) and their adjustments (动态调整).

`values` holds what they are made of, `proposals` how a request is read, and this face decides.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from services.catalogue.domain.differences import differences
from services.catalogue.domain.lists.proposals import MOST_CHANGES, proposal_of
from services.catalogue.domain.lists.values import (
    ACTION_NAMES,
    ADDING,
    LIST_NAMES,
    REMOVING,
    Action,
    Adjusted,
    Adjustment,
    Change,
    Entry,
    EntryDifference,
    EntryState,
    FieldChange,
    ListAdjustmentInvalid,
    ListAdjustmentNotFound,
    ListedEntry,
    ListEntryInForce,
    ListEntryNotInForce,
    ListKind,
    ListUnchanged,
    Proposal,
    entry_id,
)
from services.common.errors import Stale, Violation
from services.common.fields import plain_part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = [
    "ACTION_NAMES",
    "LIST_NAMES",
    "MOST_BYTES",
    "MOST_CHANGES",
    "Action",
    "Adjusted",
    "Adjustment",
    "Change",
    "Entry",
    "EntryDifference",
    "EntryState",
    "FieldChange",
    "ListAdjustmentInvalid",
    "ListAdjustmentNotFound",
    "ListEntryInForce",
    "ListEntryNotInForce",
    "ListKind",
    "ListUnchanged",
    "ListedEntry",
    "Proposal",
    "adjust",
    "adjustment_id",
    "entry_id",
    "order_of",
    "proposal_of",
    "timed",
]
MOST_BYTES: Final = 1_000_000
"""What the fields before and after may take together: an adjustment is told as one fact."""


def adjustment_id(kind: ListKind, dept_code: str, number: int) -> str:
    """What an adjustment is known by: a reviewer approves exactly the one that was submitted."""
    return f"{kind.value}-{dept_code}-{number}"


def order_of(adjustment: Adjustment) -> str:
    """Adjustments in the order of this are in order of time; no two have the same."""
    moment = adjustment.adjust_time
    milliseconds = int(moment.timestamp() * 1000) if moment else 0
    return f"{milliseconds:015d}/{adjustment.kind}/{adjustment.dept_code}/{adjustment.number:09d}"


def adjust(proposal: Proposal, kept: Mapping[str, ListedEntry], *, number: int) -> Adjusted:
    """Decide all changes of an adjustment together.

    Rule I-16: all take effect or none does, and each changes something.

    Args:
        kept: the entries there are by code; a code that is new is absent.
        number: which adjustment of this list of this body it is, from 1.

    Raises:
        ListEntryInForce, ListEntryNotInForce, ListUnchanged, Stale.
        ListAdjustmentInvalid: it changes more than one fact can tell.
    """
    decided = [_decide(change, kept.get(change.entry.entry_code)) for change in proposal.changes]
    adjustment = Adjustment(
        adjustment_id=adjustment_id(proposal.kind, proposal.dept_code, number),
        number=number,
        kind=proposal.kind,
        dept_code=proposal.dept_code,
        dept_name=proposal.dept_name,
        region_code=proposal.region_code,
        reason=proposal.reason,
        document_name=proposal.document_name,
        document_number=proposal.document_number,
        differences=tuple(difference for _, difference in decided),
    )
    _check_size(adjustment)
    return Adjusted(adjustment, tuple(entry for entry, _ in decided))


def _decide(change: Change, kept: ListedEntry | None) -> tuple[ListedEntry, EntryDifference]:
    _check_may(change, kept)
    version = (kept.version if kept else 0) + 1
    if kept and change.action in REMOVING:
        after = ListedEntry(kept.entry, version, EntryState.REMOVED)
        fields = _field_changes(kept.entry, _blank(kept.entry))
    elif kept and change.action is Action.REVISE:
        after = ListedEntry(change.entry, version)
        fields = _field_changes(kept.entry, change.entry)
        if not fields:
            raise ListUnchanged(f"条目 {change.entry.entry_code} 的内容没有变化，请从调整中删去。")
    else:
        after = ListedEntry(change.entry, version)
        fields = _field_changes(_blank(change.entry), change.entry)
    return after, EntryDifference(
        entry_code=after.entry.entry_code,
        name=after.entry.name,
        action=change.action,
        version=version,
        other_dept_code=change.other_dept_code,
        other_dept_name=change.other_dept_name,
        fields=fields,
    )


def _check_may(change: Change, kept: ListedEntry | None) -> None:
    said = change.entry.entry_code
    if change.seen and change.seen != (kept.version if kept else 0):
        raise Stale(f"条目 {said} 已被他人调整，请重新读取后再提交。")
    in_force = kept is not None and kept.state is EntryState.IN_FORCE
    if change.action in ADDING and in_force:
        raise ListEntryInForce(f"条目 {said} 已在清单中，请改为修改或者换一个编码。")
    if change.action not in ADDING and not in_force:
        raise ListEntryNotInForce(f"条目 {said} 不在清单中，请核对编码。")


def _blank(entry: Entry) -> Entry:
    """The place of an entry without what it says: what comes and goes is told whole."""
    return Entry(
        kind=entry.kind,
        dept_code=entry.dept_code,
        dept_name=entry.dept_name,
        region_code=entry.region_code,
        entry_code=entry.entry_code,
    )


def _field_changes(before: Entry, after: Entry) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(one.field, _json(one.before), _json(one.after))
        for one in differences(before, after)
    )


def _json(value: Any) -> str:
    """A field's value as protobuf JSON; empty where it is blank."""
    if not value:
        return ""
    return json.dumps(plain_part(value), ensure_ascii=False, separators=(",", ":"))


def _check_size(adjustment: Adjustment) -> None:
    told = sum(
        len(part.encode())
        for difference in adjustment.differences
        for field in difference.fields
        for part in (field.before, field.after)
    )
    if told > MOST_BYTES:
        wanted = "一次调整的内容过多，请分成几次提交"
        raise ListAdjustmentInvalid(f"{wanted}。", Violation("changes", wanted))


def timed(adjusted: Adjusted, now: datetime) -> Adjusted:
    """The same, made at `now`."""
    return Adjusted(
        replace(adjusted.adjustment, adjust_time=now),
        tuple(replace(one, update_time=now) for one in adjusted.entries),
    )
