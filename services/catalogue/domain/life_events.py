"""Life events (一件事): the items that one occasion needs, done together.

The authors say which items; what has to be brought and how long it takes is worked out from the
items as they are when somebody looks.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from services.catalogue.domain import tables
from services.catalogue.domain.item import Item, Material
from services.common.errors import Invalid, NotFound, Refused, Violation
from services.common.fields import (
    code,
    codes,
    matching,
    read_record,
    records,
    region,
    text,
    texts,
    uscc,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HELD_BY_GOVERNMENT: Final = "20"
NECESSARY: Final = "1"
MOST_STEPS: Final = 30
SERVER_FIELDS: Final = frozenset({"version", "active", "update_time"})
_IN_BRACKETS: Final = re.compile(r"[（(〔\[][^）)〕\]]*[）)〕\]]")
_COPIES: Final = re.compile("(原件及复印件|原件|复印件|扫描件|电子版|照片)$")
_MARKS: Final = re.compile(r"[\s、，。“”\"'《》·]")


class LifeEventInvalid(Invalid):
    """The record cannot be a life event; each violation names a field."""

    reason = "LIFE_EVENT_INVALID"


class LifeEventNotFound(NotFound):
    """No life event has this id."""

    reason = "LIFE_EVENT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("没有这个“一件事”，请核对。")


class LifeEventAlreadyWithdrawn(Refused):
    """The life event was taken back before."""

    reason = "LIFE_EVENT_ALREADY_WITHDRAWN"

    def __init__(self) -> None:
        super().__init__("这个“一件事”已经取消。")


@dataclass(frozen=True, slots=True)
class EventStep:
    """One item of a life event: a certain one, or that of the applicant's region.

    Args:
        item_id: of a certain item; empty: by its 基本编码.
        catalog_code: 基本编码 of the item, which each region implements.
        condition: who needs it; empty: everybody.
    """

    item_id: str = ""
    catalog_code: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """What one occasion needs (一件事).

    Args:
        region_code: where it is offered, 12 digits, and in the regions below.
        dept_code: the body that leads it (牵头部门).
        joint_day: joint 承诺办结时限; 0: worked out from the items.
    """

    event_id: str = ""
    title: str = ""
    alias: tuple[str, ...] = ()
    summary: str = ""
    server_type: tuple[str, ...] = ()
    region_code: str = ""
    dept_code: str = ""
    dept_name: str = ""
    joint_day: int = 0
    joint_type: str = ""
    steps: tuple[EventStep, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """A life event as the catalogue keeps it.

    Args:
        active: it is offered; False: taken back.
    """

    event: LifeEvent
    version: int
    active: bool = True
    reason: str = ""
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventChanged:
    """Fact: a life event became public (`newly`), or was changed and stays public."""

    kept: KeptEvent
    newly: bool


@dataclass(frozen=True, slots=True)
class EventWithdrawn:
    """Fact: a life event was taken back."""

    kept: KeptEvent


@dataclass(frozen=True, slots=True)
class MergedMaterial:
    """Something that is handed in once for all items that ask for it.

    Args:
        material: as the first item that asks for it has it, with the most copies any wants.
        items: ids of the items that ask for it.
        waived: why it need not be handed in; empty: it has to be.
    """

    material: Material
    items: tuple[str, ...]
    waived: str = ""


@dataclass(frozen=True, slots=True)
class Joint:
    """What somebody has to do and to wait for, over all items.

    Args:
        day: joint time limit in units of `unit`; 0: nobody promised one.
        visits: how often somebody comes at most.
        fee: something costs something.
    """

    materials: tuple[MergedMaterial, ...]
    day: int
    unit: str
    visits: int
    fee: bool


_STEP: Final = {
    "item_id": text(64),
    "catalog_code": matching(r"[0-9A-Z]{1,12}", 12, "基本编码"),
    "condition": text(500, lines=True),
}
READERS: Final = {
    "event_id": matching(r"[a-z0-9][a-z0-9-]{1,59}", 60, "小写字母、数字和连字符组成的编号"),
    "title": text(100),
    "alias": texts(100, 50),
    "summary": text(1000, lines=True),
    "server_type": codes(tables.AUDIENCES),
    "region_code": region(),
    "dept_code": uscc(registry=True),
    "dept_name": text(200),
    "joint_day": whole(0, 3650),
    "joint_type": code(tables.DAY_KINDS),
    "steps": records(EventStep, _STEP, count=MOST_STEPS, required=()),
}
REQUIRED: Final = ("event_id", "title", "region_code", "dept_code", "dept_name", "steps")


def event_of(values: Mapping[str, Any]) -> LifeEvent:
    """The life event in a record, as JSON or the message has it.

    Rule I-10: it has at least two items, each named by one code.

    Raises:
        LifeEventInvalid: with each field at fault.
    """
    given, wrong = read_record(values, READERS, required=REQUIRED, ignored=SERVER_FIELDS)
    event = LifeEvent(**given)
    if not wrong:
        wrong = _steps_at_fault(event)
    if wrong:
        raise LifeEventInvalid("“一件事”有误，请按提示更正。", *wrong)
    return replace(event, joint_type=event.joint_type or ("1" if event.joint_day else ""))


def _steps_at_fault(event: LifeEvent) -> list[Violation]:
    if len(event.steps) < 2:
        return [Violation("steps", "至少包含两个事项")]
    found = [
        Violation(f"steps[{place}]", "事项编号和基本编码应填写其中一个")
        for place, step in enumerate(event.steps)
        if bool(step.item_id) == bool(step.catalog_code)
    ]
    if len({(step.item_id, step.catalog_code) for step in event.steps}) < len(event.steps):
        found.append(Violation("steps", "同一事项不得重复列出"))
    return found


def publish_event(kept: KeptEvent | None, event: LifeEvent) -> EventChanged | None:
    """Publish a life event; what is said already changes nothing: None."""
    if kept is None:
        return EventChanged(KeptEvent(event, version=1), newly=True)
    if kept.active and kept.event == event:
        return None
    return EventChanged(KeptEvent(event, version=kept.version + 1), newly=not kept.active)


def withdraw_event(kept: KeptEvent, reason: str) -> EventWithdrawn:
    """Take a life event back.

    Raises:
        LifeEventInvalid: no reason, or one of more than 500 characters.
        LifeEventAlreadyWithdrawn
    """
    said = reason.strip()
    if not 0 < len(said) <= 500 or not said.isprintable():
        wanted = "请写明取消原因，不超过 500 个字，不含控制字符。"
        raise LifeEventInvalid(wanted, Violation("reason", wanted))
    if not kept.active:
        raise LifeEventAlreadyWithdrawn
    return EventWithdrawn(replace(kept, version=kept.version + 1, active=False, reason=said))


def joint_of(event: LifeEvent, items: Sequence[Item]) -> Joint:
    """What all items of an event ask for together.

    Rule I-10: each material is handed in once; what a body of government issues, or what another
    item of the event results in, need not be handed in.

    Args:
        items: those that are there, in the order of the event's steps.
    """
    day, unit = (event.joint_day, event.joint_type) if event.joint_day else _longest(items)
    return Joint(
        materials=_merged(items),
        day=day,
        unit=unit,
        visits=max((item.limit_scene_num for item in items), default=0),
        fee=any(item.is_fee for item in items),
    )


def _longest(items: Sequence[Item]) -> tuple[int, str]:
    """The longest promise, where all are counted alike; else nobody can say."""
    promised = [(item.promise_day, item.promise_type) for item in items if item.promise_day]
    units = {unit for _, unit in promised}
    if len(units) != 1 or any(not item.promise_day and item.project_type != "1" for item in items):
        return 0, ""
    return max(promised)


def _merged(items: Sequence[Item]) -> tuple[MergedMaterial, ...]:
    results = {material_key(one.result_name): one.task_name for one in items if one.result_name}
    found: dict[str, list[tuple[Item, Material]]] = {}
    for item in items:
        for material in item.materials:
            found.setdefault(material_key(material.name), []).append((item, material))
    return tuple(_one(key, asked, results) for key, asked in found.items())


def _one(
    key: str, asked: Sequence[tuple[Item, Material]], results: Mapping[str, str]
) -> MergedMaterial:
    first = asked[0][1]
    needed = any(material.is_need == NECESSARY for _, material in asked)
    material = replace(
        first,
        is_need=NECESSARY if needed else first.is_need,
        page_num=max(one.page_num for _, one in asked),
        copy_num=max(one.copy_num for _, one in asked),
    )
    items = tuple(dict.fromkeys(item.item_id for item, _ in asked))
    return MergedMaterial(material, items, _waived(key, asked, results))


def _waived(key: str, asked: Sequence[tuple[Item, Material]], results: Mapping[str, str]) -> str:
    if made_by := results.get(key):
        return f"由本次一并办理的“{made_by}”产生"
    if all(material.source_type == HELD_BY_GOVERNMENT for _, material in asked):
        return "政府部门核发，通过数据共享获取"
    return ""


def material_key(name: str) -> str:
    """A material's name, by which two items mean the same: no brackets, marks or kinds of copy."""
    plain = _IN_BRACKETS.sub("", unicodedata.normalize("NFKC", name))
    return _COPIES.sub("", _MARKS.sub("", plain)) or name
