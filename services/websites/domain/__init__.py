"""The rules of the websites. Plain values in, plain values and facts out.

`address` tells which texts mean one address, `site` what a website is, `mapping` where an old
address leads, `publication` how things made public are counted, and this face what can be done:
publish, remove.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from services.common.errors import NotFound, Refused, Stale, Violation
from services.websites.domain.address import AddressInvalid, host_of, normal_form
from services.websites.domain.mapping import (
    Mapping,
    MappingInvalid,
    MappingKind,
    field_in,
    mapping_id,
    mapping_of,
    mapping_of_row,
)
from services.websites.domain.publication import (
    MAPPING,
    OWN,
    SITE,
    DateInvalid,
    Publication,
    Question,
    check_dates,
    legal_day,
)
from services.websites.domain.site import (
    STATE_NAMES,
    Site,
    SiteInvalid,
    SiteState,
    site_of,
    site_of_row,
)

__all__ = [
    "MAPPING",
    "OWN",
    "SHAPES",
    "SITE",
    "STATE_NAMES",
    "AddressInvalid",
    "Changed",
    "DateInvalid",
    "Listed",
    "Mapping",
    "MappingAlreadyWithdrawn",
    "MappingInvalid",
    "MappingKind",
    "MappingNotFound",
    "Publication",
    "Question",
    "Removed",
    "Site",
    "SiteInvalid",
    "SiteNotFound",
    "SiteState",
    "Thing",
    "check_dates",
    "check_version",
    "field_in",
    "host_of",
    "legal_day",
    "mapping_id",
    "mapping_of",
    "mapping_of_row",
    "normal_form",
    "publish",
    "remove",
    "site_of",
    "site_of_row",
]

# What tells each shape of rows that the importer takes; `redirects` has redirectors' columns.
SHAPES: Final[dict[str, frozenset[str]]] = {
    "sites": frozenset({"site_id", "name"}),
    "mappings": frozenset({"old_url"}),
    "redirects": frozenset({"Old Url"}),
}
REASON_LIMIT = 500

Thing = Site | Mapping
T = TypeVar("T", Site, Mapping)


class SiteNotFound(NotFound):
    """No site has this id."""

    reason = "SITE_NOT_FOUND"


class MappingNotFound(NotFound):
    """No mapping has this id, or none stands for this address."""

    reason = "MAPPING_NOT_FOUND"


class MappingAlreadyWithdrawn(Refused):
    """The mapping was taken back before."""

    reason = "MAPPING_ALREADY_WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """A site or mapping as the department keeps it.

    Args:
        version: rises by one with each change, from 1.
        active: False: a mapping that was taken back. Sites stay, whatever their state.
        update_time: when it was changed last; None before it is kept.
    """

    thing: T
    version: int
    active: bool = True
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """Fact: something became public (`newly`), or was changed and stays public."""

    listed: Listed[T]
    newly: bool


@dataclass(frozen=True, slots=True)
class Removed:
    """Fact: a mapping was taken back."""

    listed: Listed[Mapping]
    reason: str


def publish(known: Listed[T] | None, thing: T) -> Changed[T] | None:
    """Publish a site or mapping: a new one, a changed one, or one taken back before.

    What is said already changes nothing and tells nothing: None.
    """
    if known is None:
        return Changed(Listed(thing, version=1), newly=True)
    if known.active and known.thing.statement == thing.statement:
        return None
    return Changed(Listed(thing, version=known.version + 1), newly=not known.active)


def remove(known: Listed[Mapping], reason: str) -> Removed:
    """Take a mapping back: its old address leads nowhere any more.

    Rule W-8 (docs/rules.md; 云办发〔2016〕34号 三(三)): the public is told why.

    Raises:
        MappingInvalid: no reason, or one of more than 500 characters.
        MappingAlreadyWithdrawn
    """
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_LIMIT:
        text = f"请写明撤回原因，不超过 {REASON_LIMIT} 个字。"
        raise MappingInvalid(text, Violation("reason", text))
    if not known.active:
        raise MappingAlreadyWithdrawn(f"网址映射 {known.thing.mapping_id} 已经撤回。")
    return Removed(Listed(known.thing, version=known.version + 1, active=False), reason)


def check_version(version: int, seen: int) -> None:
    """Hold the version the caller has seen against the one there is; 0: the caller does not mind.

    Raises:
        Stale
    """
    if seen and seen != version:
        raise Stale("该记录已被他人修改，请重新读取后再提交。")
