"""The rules of the catalogue. Plain values in, plain values and facts out.

`item` holds what an item is, `tables` the code tables, `reading` how a record becomes an item, and
this face what can be done with one: publish, withdraw.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.catalogue.domain.item import Fee, HandlingStep, Item, LegalBasis, Material, Question
from services.catalogue.domain.reading import (
    SHAPES,
    ItemInvalid,
    item_of,
    item_of_row,
)
from services.common.errors import NotFound, Refused, Stale, Violation
from services.common.fields import FieldInvalid, text

__all__ = [
    "SHAPES",
    "Changed",
    "Fee",
    "HandlingStep",
    "Item",
    "ItemAlreadyWithdrawn",
    "ItemInvalid",
    "ItemNotFound",
    "Kept",
    "LegalBasis",
    "Listed",
    "Material",
    "Question",
    "Withdrawn",
    "check_version",
    "item_of",
    "item_of_row",
    "publish",
    "withdraw",
]

REASON_LIMIT = 500
_REASON = text(REASON_LIMIT, lines=True)


class ItemNotFound(NotFound):
    """No item has this id."""

    reason = "ITEM_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("没有这个编号的事项，请核对。")


class ItemAlreadyWithdrawn(Refused):
    """The item was taken back before."""

    reason = "ITEM_ALREADY_WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Listed:
    """An item as the catalogue keeps it.

    Args:
        version: rises by one with each change, from 1.
        public: in use (在用); False: taken back (取消).
        update_time: when it was changed last; None before it is kept.
    """

    item: Item
    version: int
    public: bool = True
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What the catalogue has under an item's id.

    Args:
        same: it says already what is to be published.
        department: 统一社会信用代码 of the body whose item it is.
        region: where it is exercised, 12 digits.
    """

    version: int
    public: bool
    same: bool
    department: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """Fact: an item became public (`newly`), or was changed and stays public."""

    listed: Listed
    newly: bool


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Fact: an item was taken back."""

    listed: Listed
    reason: str


def publish(kept: Kept | None, item: Item) -> Changed | None:
    """Publish an item: a new one, a changed one, or one taken back before.

    What is said already changes nothing and tells nothing: None.
    """
    if kept is None:
        return Changed(Listed(item, version=1), newly=True)
    if kept.public and kept.same:
        return None
    return Changed(Listed(item, version=kept.version + 1), newly=not kept.public)


def withdraw(known: Listed, reason: str) -> Withdrawn:
    """Take an item back (取消): nobody can apply any more.

    Rule I-5 (docs/rules.md; 云办发〔2016〕34号 三(三)): the public is told why.

    Raises:
        ItemInvalid: no reason, or one of more than 500 characters.
        ItemAlreadyWithdrawn
    """
    said = _reason(reason)
    if not known.public:
        raise ItemAlreadyWithdrawn(f"事项 {known.item.item_id} 已经取消。")
    return Withdrawn(Listed(known.item, version=known.version + 1, public=False), said)


def _reason(reason: str) -> str:
    try:
        said = str(_REASON.read(reason))
    except FieldInvalid:
        said = ""
    if not said:
        wanted = f"请写明取消原因，不超过 {REASON_LIMIT} 个字，不含控制字符。"
        raise ItemInvalid(wanted, Violation("reason", wanted))
    return said


def check_version(version: int, seen: int) -> None:
    """Hold the version the caller has seen against the one there is; 0: the caller does not mind.

    Raises:
        Stale
    """
    if seen and seen != version:
        raise Stale("该事项已被他人修改，请重新读取后再提交。")
