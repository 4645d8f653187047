"""The rules of utilities. Plain values in, plain values and facts out.

`institution` and `outage` hold what the two kinds of things are, `tables` the code tables,
`reading` how a record becomes a thing, and this face what can be done with one: complete a notice,
publish (or announce), withdraw.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from services.common.errors import Invalid, NotFound, Refused, Stale, Violation
from services.utilities.domain.institution import Institution, Office
from services.utilities.domain.outage import LONGEST, Outage, place_of
from services.utilities.domain.reading import (
    SHAPES,
    InstitutionInvalid,
    OutageInvalid,
    institution_of,
    institution_of_row,
    outage_of,
    outage_of_row,
)
from services.utilities.domain.tables import OutageKind, Sector

__all__ = [
    "LONGEST",
    "SHAPES",
    "Changed",
    "Institution",
    "InstitutionAlreadyWithdrawn",
    "InstitutionInvalid",
    "InstitutionNotFound",
    "Kept",
    "Listed",
    "Office",
    "Outage",
    "OutageAlreadyWithdrawn",
    "OutageInvalid",
    "OutageKind",
    "OutageNotFound",
    "Sector",
    "SectorUnknown",
    "Withdrawn",
    "check_version",
    "complete",
    "institution_of",
    "institution_of_row",
    "outage_of",
    "outage_of_row",
    "place_of",
    "publish",
    "withdraw",
]

REASON_LIMIT = 500

T = TypeVar("T", bound=Institution | Outage)


class InstitutionNotFound(NotFound):
    """No institution has this 统一社会信用代码."""

    reason = "INSTITUTION_NOT_FOUND"


class OutageNotFound(NotFound):
    """No notice has this number, or none whose 发布时间 has come."""

    reason = "OUTAGE_NOT_FOUND"


class InstitutionAlreadyWithdrawn(Refused):
    """The institution was taken back before."""

    reason = "INSTITUTION_ALREADY_WITHDRAWN"


class OutageAlreadyWithdrawn(Refused):
    """The notice was taken back before."""

    reason = "OUTAGE_ALREADY_WITHDRAWN"


class SectorUnknown(Invalid):
    """A list was asked for a sector that does not exist."""

    reason = "SECTOR_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """An institution or a notice as the department keeps it.

    Args:
        version: rises by one with each change, from 1.
        public: False: taken back.
        update_time: when it was changed last; None before it is kept.
    """

    thing: T
    version: int
    public: bool = True
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What the department has under an id.

    Args:
        same: it says already what is to be published.
        institution_id: whose it is.
        regions: where, 12 digits each.
    """

    version: int
    public: bool
    same: bool
    institution_id: str = ""
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """Fact: a thing became public (`newly`), or was changed and stays public."""

    listed: Listed[T]
    newly: bool


@dataclass(frozen=True, slots=True)
class Withdrawn(Generic[T]):
    """Fact: a thing was taken back."""

    listed: Listed[T]
    reason: str


def complete(
    outage: Outage, *, known_name: str, published: datetime | None, now: datetime
) -> Outage:
    """Fill what a notice leaves open: who stops the supply, and since when it is public.

    Rule U-5: the name is that of the known institution; the 发布时间 that of the public notice it
    revises, or now. A notice that came too late (Rule U-4) is no reason to refuse it.

    Args:
        known_name: of the institution with the notice's 统一社会信用代码; empty: none is known.
        published: 发布时间 of the notice with this number that is public; None: none is.

    Raises:
        OutageInvalid: nobody is named, or the notice would never be shown.
    """
    publish_time = outage.publish_time or published or now.replace(microsecond=0)
    filled = replace(
        outage,
        institution_name=outage.institution_name or known_name,
        publish_time=publish_time,
    )
    wrong: list[Violation] = []
    if not filled.institution_name:
        wrong.append(Violation("institution_name", "平台上没有这个单位，请填写单位名称"))
    if publish_time >= filled.visible_until:
        wrong.append(Violation("publish_time", "停供早已结束，请填写当时的发布时间"))
    if wrong:
        raise OutageInvalid("停供公告有误，请按提示更正。", *wrong)
    return filled


def publish(kept: Kept | None, thing: T) -> Changed[T] | None:
    """Publish an institution or announce a notice: new, changed, or taken back before.

    What is said already changes nothing and tells nothing: None.
    """
    if kept is None:
        return Changed(Listed(thing, version=1), newly=True)
    if kept.public and kept.same:
        return None
    return Changed(Listed(thing, version=kept.version + 1), newly=not kept.public)


def withdraw(known: Listed[T], reason: str) -> Withdrawn[T]:
    """Take an institution or a notice back.

    Rule U-6 (云办发〔2016〕34号 三(四)): the public is told why.

    Raises:
        InstitutionInvalid, OutageInvalid: no reason, or one of more than 500 characters.
        InstitutionAlreadyWithdrawn, OutageAlreadyWithdrawn
    """
    institution = isinstance(known.thing, Institution)
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_LIMIT:
        text = f"请写明撤回原因，不超过 {REASON_LIMIT} 个字。"
        invalid = InstitutionInvalid if institution else OutageInvalid
        raise invalid(text, Violation("reason", text))
    if not known.public:
        if institution:
            raise InstitutionAlreadyWithdrawn(f"单位 {known.thing.subject} 已经撤回。")
        raise OutageAlreadyWithdrawn(f"公告 {known.thing.subject} 已经撤回。")
    return Withdrawn(Listed(known.thing, version=known.version + 1, public=False), reason)


def check_version(version: int, seen: int) -> None:
    """Hold the version the caller has seen against the one there is; 0: the caller does not mind.

    Raises:
        Stale
    """
    if seen and seen != version:
        raise Stale("该内容已被他人修改，请重新读取后再提交。")
