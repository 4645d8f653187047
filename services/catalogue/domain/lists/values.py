"""What a list is made of: entries, what is asked to change, and what an adjustment changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.catalogue.domain.item import LegalBasis
from services.common.errors import Invalid, NotFound, Refused


class ListAdjustmentInvalid(Invalid):
    """The adjustment cannot be decided as it is; each violation names a field."""

    reason = "LIST_ADJUSTMENT_INVALID"


class ListAdjustmentNotFound(NotFound):
    """No adjustment has this id."""

    reason = "LIST_ADJUSTMENT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("没有这个编号的清单调整，请核对。")


class ListEntryInForce(Refused):
    """What is to be added stands on the list already."""

    reason = "LIST_ENTRY_IN_FORCE"


class ListEntryNotInForce(Refused):
    """What is to be revised or removed does not stand on the list."""

    reason = "LIST_ENTRY_NOT_IN_FORCE"


class ListUnchanged(Refused):
    """A change would change nothing."""

    reason = "LIST_UNCHANGED"


class ListKind(StrEnum):
    """Which of the lists; the values stand in addresses."""

    POWER = "power"
    DUTY = "duty"
    NEGATIVE = "negative"


class EntryState(StrEnum):
    """Where an entry stands."""

    IN_FORCE = "in_force"
    REMOVED = "removed"


class Action(StrEnum):
    """What an adjustment does to an entry."""

    ADD = "add"
    REVISE = "revise"
    REMOVE = "remove"
    DELEGATE = "delegate"
    TAKE_OVER = "take_over"


LIST_NAMES: Final = {
    ListKind.POWER: "权力清单",
    ListKind.DUTY: "责任清单",
    ListKind.NEGATIVE: "负面清单",
}
ACTION_NAMES: Final = {
    Action.ADD: "增加",
    Action.REVISE: "修改",
    Action.REMOVE: "取消",
    Action.DELEGATE: "下放",
    Action.TAKE_OVER: "承接",
}
ADDING: Final = frozenset({Action.ADD, Action.TAKE_OVER})
REMOVING: Final = frozenset({Action.REMOVE, Action.DELEGATE})
BETWEEN: Final = frozenset({Action.DELEGATE, Action.TAKE_OVER})
"""What passes from one body to another."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the list of one body.

    Args:
        content: 职责, 责任事项 or 禁止、限制的事项.
        accountability: 追责情形.
        item_ids: of the items that carry it out.
    """

    kind: ListKind
    dept_code: str
    dept_name: str
    region_code: str
    entry_code: str
    name: str = ""
    task_type: str = ""
    content: str = ""
    accountability: str = ""
    by_law: tuple[LegalBasis, ...] = ()
    item_ids: tuple[str, ...] = ()

    @property
    def entry_id(self) -> str:
        """Rule I-14: one for each list, body and code."""
        return entry_id(self.kind, self.dept_code, self.entry_code)


@dataclass(frozen=True, slots=True)
class ListedEntry:
    """An entry as the catalogue keeps it.

    Args:
        version: rises by one with each adjustment, from 1.
        update_time: when it was adjusted last; None before it is kept.
    """

    entry: Entry
    version: int
    state: EntryState = EntryState.IN_FORCE
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change that is asked for.

    Args:
        entry: of what leaves the list only the code counts.
        seen: the version that the caller has seen; 0: the caller does not mind.
        other_dept_name: to which body it goes, or from which it comes.
    """

    action: Action
    entry: Entry
    seen: int = 0
    other_dept_code: str = ""
    other_dept_name: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An adjustment that is asked for: changes of one list of one body, why, and on what basis."""

    kind: ListKind
    dept_code: str
    dept_name: str
    region_code: str
    reason: str
    document_name: str
    document_number: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of an entry that is not what it was; values as JSON, empty where blank."""

    field: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class EntryDifference:
    """What an adjustment did to one entry, whose `version` it is since."""

    entry_code: str
    name: str
    action: Action
    version: int
    other_dept_code: str = ""
    other_dept_name: str = ""
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An adjustment that was made: the `number`th of its list, from 1."""

    adjustment_id: str
    number: int
    kind: ListKind
    dept_code: str
    dept_name: str
    region_code: str
    reason: str
    document_name: str
    document_number: str = ""
    differences: tuple[EntryDifference, ...] = ()
    adjust_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Fact: the list of a body was adjusted; with it, the entries as they are since."""

    adjustment: Adjustment
    entries: tuple[ListedEntry, ...]


def entry_id(kind: ListKind, dept_code: str, entry_code: str) -> str:
    """What an entry is kept under."""
    return f"{kind}/{dept_code}/{entry_code}"
