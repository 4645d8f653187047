"""How a request becomes a proposal: field by field, then the rules that join fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.catalogue.domain import tables
from services.catalogue.domain.lists.values import (
    ACTION_NAMES,
    BETWEEN,
    LIST_NAMES,
    REMOVING,
    Action,
    Change,
    Entry,
    ListAdjustmentInvalid,
    ListKind,
    Proposal,
)
from services.catalogue.domain.reading import LOCAL_CODE, READERS
from services.common.errors import Violation
from services.common.fields import (
    Reader,
    code,
    matching,
    read_record,
    region,
    text,
    texts,
    uscc,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_CHANGES: Final = 200

_HEAD: Final[Mapping[str, Reader]] = {
    "kind": code({kind.value: name for kind, name in LIST_NAMES.items()}),
    "dept_code": uscc(registry=True),
    "dept_name": text(200),
    "region_code": region(),
    "reason": text(1000, lines=True),
    "document_name": text(300),
    "document_number": text(100),
}
_CHANGE: Final[Mapping[str, Reader]] = {
    "action": code({action.value: name for action, name in ACTION_NAMES.items()}),
    "version": whole(0, 10**12),
    "other_dept_code": uscc(registry=True),
    "other_dept_name": text(200),
}
_ENTRY: Final[Mapping[str, Reader]] = {
    "entry_code": matching(LOCAL_CODE, 64, "字母、数字和连字符组成的编码"),
    "name": text(300),
    "task_type": code(tables.TASK_TYPES, width=2),
    "content": text(5000, lines=True),
    "accountability": text(5000, lines=True),
    "by_law": READERS["by_law"],
    "item_ids": texts(64, 100),
}
_OF_THE_LIST: Final = frozenset(
    {"kind", "dept_code", "dept_name", "region_code", "state", "version", "update_time"}
)


def proposal_of(values: Mapping[str, Any]) -> Proposal:
    """The adjustment in a record as the message has it.

    Rule I-15: it says why, and names the document that it rests on.

    Raises:
        ListAdjustmentInvalid: with each field at fault.
    """
    told = {name: value for name, value in values.items() if name != "changes"}
    required = _HEAD.keys() - {"document_number"}
    head, wrong = read_record(
        told, _HEAD, required=sorted(required), ignored=("request_id", "adjustment_id")
    )
    parts = values.get("changes") or []
    if not 0 < len(parts) <= MOST_CHANGES:
        wrong.append(Violation("changes", f"应有 1 至 {MOST_CHANGES} 项调整内容"))
        parts = []
    read = [_change_of(part, f"changes[{index}]", wrong) for index, part in enumerate(parts)]
    if not wrong:
        kind = ListKind(head["kind"])
        head |= {"kind": kind}
        place = {name: head[name] for name in ("kind", "dept_code", "dept_name", "region_code")}
        changes = tuple(Change(**(one | {"entry": Entry(**place, **one["entry"])})) for one in read)
        proposal = Proposal(**head, changes=changes)
        wrong = [*_doubles(proposal), *_contents(proposal), *_others(proposal)]
    if wrong:
        raise ListAdjustmentInvalid("清单调整有误，请按提示更正。", *wrong)
    return proposal


def _change_of(part: Any, where: str, wrong: list[Violation]) -> dict[str, Any]:
    told = {name: value for name, value in part.items() if name != "entry"}
    change, faults = read_record(told, _CHANGE, required=("action",))
    wrong += [Violation(f"{where}.{one.field}", one.description) for one in faults]
    entry, faults = read_record(
        part.get("entry") or {}, _ENTRY, required=("entry_code",), ignored=_OF_THE_LIST
    )
    wrong += [Violation(f"{where}.entry.{one.field}", one.description) for one in faults]
    seen = change.pop("version", 0)
    action = Action(change.pop("action")) if "action" in change else None
    return {**change, "action": action, "seen": seen, "entry": entry}


def _doubles(proposal: Proposal) -> list[Violation]:
    """Rule I-16: an adjustment touches an entry once."""
    codes: set[str] = set()
    wrong = []
    for index, change in enumerate(proposal.changes):
        if change.entry.entry_code in codes:
            field = f"changes[{index}].entry.entry_code"
            wrong.append(Violation(field, "同一条目在一次调整中只能出现一次"))
        codes.add(change.entry.entry_code)
    return wrong


def _contents(proposal: Proposal) -> list[Violation]:
    """Rule I-14: what comes onto a list has its name; a power also its kind and legal basis."""
    wrong = []
    for index, change in enumerate(proposal.changes):
        entry, where = change.entry, f"changes[{index}].entry"
        if change.action in REMOVING:
            continue
        if not entry.name:
            wrong.append(Violation(f"{where}.name", "不能为空"))
        if entry.kind is not ListKind.POWER:
            if entry.task_type:
                wrong.append(Violation(f"{where}.task_type", "只有权力清单的条目填写事项类型"))
            continue
        if not entry.task_type:
            wrong.append(Violation(f"{where}.task_type", "权力清单的条目须填写事项类型"))
        if not entry.by_law:
            wrong.append(Violation(f"{where}.by_law", "权力清单的条目须写明设定依据"))
    return wrong


def _others(proposal: Proposal) -> list[Violation]:
    """Rule I-17: 下放 and 承接 name the other body, nothing else does."""
    wrong = []
    for index, change in enumerate(proposal.changes):
        where = f"changes[{index}]"
        if change.action not in BETWEEN:
            if change.other_dept_code or change.other_dept_name:
                said = "只有下放和承接填写对方单位"
                wrong.append(Violation(f"{where}.other_dept_name", said))
        elif not change.other_dept_name:
            wrong.append(Violation(f"{where}.other_dept_name", "下放和承接须写明对方单位"))
        elif change.other_dept_code == proposal.dept_code:
            wrong.append(Violation(f"{where}.other_dept_code", "对方单位不能是本单位"))
    return wrong
