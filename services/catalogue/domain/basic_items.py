"""The basic catalogue (基本目录): what is done at all, which bodies of each region carry out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from services.catalogue.domain import tables
from services.catalogue.domain.codes import NATIONAL, readers
from services.catalogue.domain.item import LegalBasis
from services.catalogue.domain.reading import BY_LAW
from services.common.errors import Invalid, NotFound, Refused, Violation
from services.common.fields import (
    FieldInvalid,
    code,
    codes,
    read_record,
    region,
    text,
    uscc,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.catalogue.domain.codes import CodeProfile
    from services.catalogue.domain.item import Item

NATIONWIDE: Final = "00"
"""Begins a 基本编码 of the whole country."""
REASON_LIMIT: Final = 500
SERVER_FIELDS: Final = frozenset({"version", "active", "update_time"})
_PROVINCE: Final = "0000000000"
_REASON: Final = text(REASON_LIMIT, lines=True)


class BasicItemInvalid(Invalid):
    """The record cannot be an item of the basic catalogue; each violation names a field."""

    reason = "BASIC_ITEM_INVALID"


class BasicItemNotFound(NotFound):
    """The basic catalogue has no item of this code."""

    reason = "BASIC_ITEM_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("基本目录中没有这个编码，请核对。")


class BasicItemAlreadyWithdrawn(Refused):
    """The item was taken back before."""

    reason = "BASIC_ITEM_ALREADY_WITHDRAWN"

    def __init__(self) -> None:
        super().__init__("基本目录中的这一项已经取消。")


@dataclass(frozen=True, slots=True)
class BasicItem:
    """An item of the basic catalogue (基本目录事项).

    Args:
        use_levels: 行使层级 that carry it out; none: any.
        dept_code: 主管部门.
        region_code: of the province whose catalogue it is in, 12 digits.
    """

    catalog_code: str = ""
    catalog_name: str = ""
    task_type: str = ""
    by_law: tuple[LegalBasis, ...] = ()
    use_levels: tuple[str, ...] = ()
    dept_code: str = ""
    dept_name: str = ""
    server_type: tuple[str, ...] = ()
    region_code: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class KeptBasic:
    """An item of the basic catalogue as it is kept.

    Args:
        active: it is in force; False: taken back.
    """

    basic: BasicItem
    version: int
    active: bool = True
    reason: str = ""
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class BasicChanged:
    """Fact: an item of the basic catalogue became public (`newly`), or was changed."""

    kept: KeptBasic
    newly: bool


@dataclass(frozen=True, slots=True)
class BasicWithdrawn:
    """Fact: an item of the basic catalogue was taken back."""

    kept: KeptBasic


READERS: Final = {
    "catalog_name": text(300),
    "task_type": code(tables.TASK_TYPES),
    "by_law": BY_LAW,
    "use_levels": codes(tables.USE_LEVELS),
    "dept_code": uscc(registry=True),
    "dept_name": text(200),
    "server_type": codes(tables.AUDIENCES),
    "region_code": region(),
    "remark": text(1000, lines=True),
}
REQUIRED: Final = (
    "catalog_code",
    "catalog_name",
    "task_type",
    "dept_code",
    "dept_name",
    "region_code",
)


def basic_item_of(values: Mapping[str, Any], profile: CodeProfile = NATIONAL) -> BasicItem:
    """The item of the basic catalogue in a record, as JSON or the message has it.

    Rule I-24: its 基本编码 agrees with its 事项类型 and with the province whose catalogue it is in.

    Raises:
        BasicItemInvalid: with each field at fault.
    """
    known = READERS | {"catalog_code": readers(profile)["catalog_code"]}
    given, wrong = read_record(values, known, required=REQUIRED, ignored=SERVER_FIELDS)
    basic = BasicItem(**given)
    wrong = wrong or _at_odds_with_code(basic, profile)
    if wrong:
        raise BasicItemInvalid("基本目录事项有误，请按提示更正。", *wrong)
    return basic


def _at_odds_with_code(basic: BasicItem, profile: CodeProfile) -> list[Violation]:
    wrong = []
    if not basic.region_code.endswith(_PROVINCE):
        wrong.append(Violation("region_code", "基本目录由省级编制，应为省级区划码"))
    if not profile.composed:
        return wrong
    place, kind = basic.catalog_code[:2], basic.catalog_code[2:4]
    if place not in (NATIONWIDE, basic.region_code[:2]):
        wrong.append(Violation("catalog_code", "前两位应为 00 或者所属省的区划码"))
    # Kinds beside the table (1A, 21 …) are local ones, of whatever type they say.
    if kind in tables.TASK_TYPES and kind != basic.task_type:
        wrong.append(Violation("task_type", f"与基本编码的第三、四位（{kind}）不一致"))
    return wrong


def publish_basic(kept: KeptBasic | None, basic: BasicItem) -> BasicChanged | None:
    """Publish an item of the basic catalogue; what is said already changes nothing: None."""
    if kept is None:
        return BasicChanged(KeptBasic(basic, version=1), newly=True)
    if kept.active and kept.basic == basic:
        return None
    return BasicChanged(KeptBasic(basic, version=kept.version + 1), newly=not kept.active)


def withdraw_basic(kept: KeptBasic, reason: str) -> BasicWithdrawn:
    """Take an item of the basic catalogue back; those that carry it out stay as they are.

    Raises:
        BasicItemInvalid: no reason, or one of more than 500 characters.
        BasicItemAlreadyWithdrawn
    """
    try:
        said = str(_REASON.read(reason))
    except FieldInvalid:
        said = ""
    if not said:
        wanted = f"请写明取消原因，不超过 {REASON_LIMIT} 个字，不含控制字符。"
        raise BasicItemInvalid(wanted, Violation("reason", wanted))
    if not kept.active:
        raise BasicItemAlreadyWithdrawn
    return BasicWithdrawn(replace(kept, version=kept.version + 1, active=False, reason=said))


def at_odds(item: Item, basic: BasicItem | None) -> list[Violation]:
    """What of an item is not as the basic catalogue has it; None: it has nothing of this code.

    Rule I-25: who carries it out has its 事项类型, and is of a level that carries it out.
    """
    if basic is None:
        return []
    wrong = []
    if item.task_type != basic.task_type:
        name = tables.TASK_TYPES[basic.task_type]
        told = f"基本目录中“{basic.catalog_name}”的事项类型是{name}，请更正类型或者基本编码"
        wrong.append(Violation("task_type", told))
    if item.use_level and basic.use_levels and item.use_level not in basic.use_levels:
        names = "、".join(tables.USE_LEVELS[one] for one in basic.use_levels)
        told = f"基本目录中“{basic.catalog_name}”的行使层级是{names}"
        wrong.append(Violation("use_level", told))
    return wrong
