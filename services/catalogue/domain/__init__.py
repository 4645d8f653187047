"""The rules of the catalogue. Plain values in, plain values and facts out.

`item` holds what an item is, `tables` the code tables, `reading` how a record becomes an item, and
`differences` what a change changed, and this face what can be done with one: publish, suspend,
resume, withdraw, let a revision take effect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.catalogue.domain.codes import NATIONAL, CodeProfile
from services.catalogue.domain.differences import Difference, differences
from services.catalogue.domain.item import (
    Fee,
    HandlingItem,
    HandlingStep,
    Intermediary,
    Item,
    LegalBasis,
    Material,
    Question,
    Remedy,
)
from services.catalogue.domain.reading import (
    SHAPES,
    ItemInvalid,
    item_of,
    item_of_row,
)
from services.catalogue.domain.scheduling import (
    NOTHING_PLANNED,
    ItemNotScheduled,
    Plan,
    Scheduled,
    begins_after,
)
from services.catalogue.domain.succession import (
    Body,
    BodyInvalid,
    ItemMoved,
    body_of,
    taken_over,
)
from services.common.errors import NotFound, Refused, Stale, Violation
from services.common.fields import FieldInvalid, text

__all__ = [
    "NATIONAL",
    "NOTHING_PLANNED",
    "SHAPES",
    "Body",
    "BodyInvalid",
    "Changed",
    "CodeProfile",
    "Difference",
    "Fact",
    "Fee",
    "HandlingItem",
    "HandlingStep",
    "Intermediary",
    "Item",
    "ItemAlreadySuspended",
    "ItemAlreadyWithdrawn",
    "ItemInvalid",
    "ItemMoved",
    "ItemNotFound",
    "ItemNotScheduled",
    "ItemNotSuspended",
    "ItemVersionNotFound",
    "Kept",
    "LegalBasis",
    "Listed",
    "Material",
    "Plan",
    "Question",
    "Remedy",
    "Resumed",
    "Scheduled",
    "State",
    "Suspended",
    "Withdrawn",
    "begins_after",
    "body_of",
    "check_version",
    "differences",
    "item_of",
    "item_of_row",
    "move",
    "publish",
    "resume",
    "suspend",
    "take_effect",
    "unschedule",
    "withdraw",
]

REASON_LIMIT = 500
_REASON = text(REASON_LIMIT, lines=True)


class ItemNotFound(NotFound):
    """No item has this id."""

    reason = "ITEM_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("没有这个编号的事项，请核对。")


class ItemVersionNotFound(NotFound):
    """The item never had this version."""

    reason = "ITEM_VERSION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("该事项没有这个版本，请核对。")


class ItemAlreadyWithdrawn(Refused):
    """The item was taken back before."""

    reason = "ITEM_ALREADY_WITHDRAWN"


class ItemAlreadySuspended(Refused):
    """The item was suspended before."""

    reason = "ITEM_ALREADY_SUSPENDED"


class ItemNotSuspended(Refused):
    """The item is not suspended."""

    reason = "ITEM_NOT_SUSPENDED"


class State(StrEnum):
    """Where an item stands (事项状态); the values are the codes of the national exchange."""

    PUBLISHED = "1"  # 在用
    SUSPENDED = "2"  # 暂停
    WITHDRAWN = "3"  # 取消


@dataclass(frozen=True, slots=True)
class Listed:
    """An item as the catalogue keeps it.

    Args:
        version: rises by one with each change, from 1.
        reason: why it was suspended or taken back; empty while it is in use.
        moved_to: id that it goes on under, where another body took it over.
        update_time: when it was changed last; None before it is kept.
        plan: what takes its place later.
    """

    item: Item
    version: int
    state: State = State.PUBLISHED
    reason: str = ""
    moved_to: str = ""
    update_time: datetime | None = None
    plan: Plan = NOTHING_PLANNED


@dataclass(frozen=True, slots=True)
class Kept:
    """What the catalogue has under an item's id.

    Args:
        same: it says already what is to be published.
        department: 统一社会信用代码 of the body whose item it is.
        region: where it is exercised, 12 digits.
        moved_to: id that it goes on under, where another body took it over.
        in_effect: its 计划生效日期 has come, and its 计划取消日期 has not.
        plan: what takes its place later.
    """

    version: int
    state: State
    same: bool
    department: str = ""
    region: str = ""
    moved_to: str = ""
    in_effect: bool = False
    plan: Plan = NOTHING_PLANNED


@dataclass(frozen=True, slots=True)
class Changed:
    """Fact: an item became public (`newly`), or was changed and stays public."""

    listed: Listed
    newly: bool


@dataclass(frozen=True, slots=True)
class Suspended:
    """Fact: for a while nobody can apply for an item."""

    listed: Listed


@dataclass(frozen=True, slots=True)
class Resumed:
    """Fact: a suspended item is in use again."""

    listed: Listed


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Fact: an item was taken back."""

    listed: Listed


Fact = Changed | Suspended | Resumed | Withdrawn


def publish(kept: Kept | None, item: Item, now: datetime) -> Changed | Scheduled | None:
    """Publish an item: a new one, a changed one, or one suspended or taken back before.

    What is said already changes nothing and tells nothing: None.

    Rule I-23: a revision that begins later leaves an item in use as it is until its day; of two
    that wait, the one that was published last.

    Raises:
        ItemMoved: Rule I-9: nobody brings back an item under a code that it has left.
    """
    if kept is None:
        return Changed(Listed(item, version=1), newly=True)
    if kept.moved_to:
        raise ItemMoved(kept.moved_to)
    if kept.state is State.PUBLISHED and kept.same:
        return None
    if kept.in_effect and kept.state is not State.WITHDRAWN and begins_after(item, now):
        if kept.plan.item == item:
            return None
        return Scheduled(item.item_id, kept.version, kept.plan.changed(item))
    newly = kept.state is State.WITHDRAWN
    return Changed(Listed(item, version=kept.version + 1, plan=kept.plan), newly=newly)


def take_effect(known: Listed) -> Changed | Suspended:
    """Let the revision that waits take the item's place; a suspended item stays suspended."""
    assert known.plan.item is not None  # only those that wait are asked for
    plan = known.plan.changed(None)
    after = Listed(known.plan.item, known.version + 1, known.state, known.reason, plan=plan)
    return Suspended(after) if known.state is State.SUSPENDED else Changed(after, newly=False)


def unschedule(known: Listed) -> Scheduled:
    """Drop the revision that waits for its day. Raises: ItemNotScheduled."""
    if known.plan.item is None:
        raise ItemNotScheduled(f"事项 {known.item.item_id} 没有预定的修订。")
    return Scheduled(known.item.item_id, known.version, known.plan.changed(None))


def suspend(known: Listed, reason: str) -> Suspended:
    """Suspend an item (暂停): it stays readable, and nobody can apply until it is resumed.

    Rule I-7: the public is told why.

    Raises:
        ItemInvalid: no reason, or one of more than 500 characters.
        ItemAlreadySuspended, ItemAlreadyWithdrawn
    """
    said = _reason(reason, "暂停")
    _check_not_withdrawn(known)
    if known.state is State.SUSPENDED:
        raise ItemAlreadySuspended(f"事项 {known.item.item_id} 已经暂停。")
    return Suspended(_after(known, State.SUSPENDED, said))


def resume(known: Listed) -> Resumed:
    """Put a suspended item into use again. Raises: ItemNotSuspended."""
    if known.state is not State.SUSPENDED:
        raise ItemNotSuspended(f"事项 {known.item.item_id} 没有暂停，无需恢复。")
    return Resumed(_after(known, State.PUBLISHED))


def withdraw(known: Listed, reason: str) -> Withdrawn:
    """Take an item back (取消): nobody can apply any more.

    Rule I-5 (docs/rules.md; 云办发〔2016〕34号 三(三)): the public is told why.

    Raises:
        ItemInvalid: no reason, or one of more than 500 characters.
        ItemAlreadyWithdrawn
    """
    said = _reason(reason, "取消")
    _check_not_withdrawn(known)
    return Withdrawn(_after(known, State.WITHDRAWN, said))


def move(
    known: Listed, body: Body, reason: str, profile: CodeProfile = NATIONAL
) -> tuple[Withdrawn | None, Changed | Suspended]:
    """Let another body take an item over: what becomes of the old id, if it changes, and the new.

    Rule I-9: the old code leads to the new one from now on; a suspended item stays suspended.

    Raises:
        ItemInvalid: no reason, or one of more than 500 characters.
    """
    said = _reason(reason, "承接")
    item = taken_over(known.item, body, profile)
    same = item.item_id == known.item.item_id
    after = Listed(
        item,
        known.version + 1 if same else 1,
        known.state,
        known.reason,
        plan=replace(
            known.plan, item=known.plan.item and taken_over(known.plan.item, body, profile)
        ),
    )
    going_on = Suspended(after) if known.state is State.SUSPENDED else Changed(after, newly=False)
    if same:
        return None, going_on
    left = replace(_after(known, State.WITHDRAWN, said), moved_to=item.item_id)
    return Withdrawn(left), going_on


def _after(known: Listed, state: State, reason: str = "") -> Listed:
    plan = known.plan.changed(None) if state is State.WITHDRAWN else known.plan
    return Listed(known.item, known.version + 1, state, reason, plan=plan)


def _check_not_withdrawn(known: Listed) -> None:
    if known.state is State.WITHDRAWN:
        raise ItemAlreadyWithdrawn(f"事项 {known.item.item_id} 已经取消。")


def _reason(reason: str, done: str) -> str:
    try:
        said = str(_REASON.read(reason))
    except FieldInvalid:
        said = ""
    if not said:
        wanted = f"请写明{done}原因，不超过 {REASON_LIMIT} 个字，不含控制字符。"
        raise ItemInvalid(wanted, Violation("reason", wanted))
    return said


def check_version(version: int, seen: int) -> None:
    """Hold the version the caller has seen against the one there is; 0: the caller does not mind.

    Raises:
        Stale
    """
    if seen and seen != version:
        raise Stale("该事项已被他人修改，请重新读取后再提交。")
