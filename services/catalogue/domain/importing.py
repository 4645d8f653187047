"""What an import does with items that are kept already, and what it tells of each row."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.catalogue.domain import Item, Kept, State


class Mode(StrEnum):
    """What becomes of a row whose item is kept (Rule I-12)."""

    OVERWRITE = "overwrite"
    KEEP = "keep"


class Outcome(StrEnum):
    """What an import would make of a row."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Previewed:
    """What an import would do to one row (Rule I-12).

    Args:
        fields: those of the item that would change.
        note: what else should be known, in Chinese.
    """

    row: int
    outcome: Outcome
    item_id: str = ""
    fields: tuple[str, ...] = ()
    note: str = ""


def left_alone(kept: Kept) -> str:
    """What is said of a row whose item was left alone although the row says something else."""
    if kept.state is State.WITHDRAWN:
        return "该事项已经取消，按“保留”的方式未作改动"
    if kept.state is State.SUSPENDED:
        return "该事项已经暂停，按“保留”的方式未作改动"
    return "已有该事项，按“保留”的方式未作改动"


def comes_back(kept: Kept) -> str:
    """What is said of a row that would put an item into use again; else nothing."""
    if kept.state is State.WITHDRAWN:
        return "该事项已经取消，导入后将重新公开"
    return "该事项已经暂停，导入后将恢复使用" if kept.state is State.SUSPENDED else ""


def waits(item: Item) -> str:
    """What is said of a row that changes an item on a later day (Rule I-23)."""
    return f"自 {item.plan_effective_date} 起按新的内容办理，此前按现行内容"
