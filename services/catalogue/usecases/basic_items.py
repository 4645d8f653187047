"""The basic catalogue: publish, withdraw, get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from services.catalogue.domain import basic_items
from services.catalogue.usecases.reach import check_reach
from services.common.errors import Stale

if TYPE_CHECKING:
    from services.catalogue.domain.basic_items import (
        BasicChanged,
        BasicItem,
        BasicWithdrawn,
        KeptBasic,
    )
    from services.common.access import Caller


class Basics(Protocol):
    """What use cases of the basic catalogue need to remember things."""

    def find(self, catalog_code: str) -> KeptBasic | None:
        """The item of this 基本编码, in force or taken back."""

    def save(self, fact: BasicChanged | BasicWithdrawn) -> KeptBasic:
        """Write it and tell its fact. Raises: Stale."""

    def page(self, *, task_type: str, after: str, size: int) -> list[KeptBasic]:
        """Those in force, in order of 基本编码, beginning after `after`."""


def publish_basic(basic: BasicItem, *, seen: int, caller: Caller, basics: Basics) -> KeptBasic:
    """Publish an item of the basic catalogue. Raises: OutOfReach (Rule P-23), Stale."""
    kept = basics.find(basic.catalog_code)
    check_reach(caller, basic.dept_code, basic.region_code)
    if kept:
        check_reach(caller, kept.basic.dept_code, kept.basic.region_code)
    _check_version(kept.version if kept else 0, seen)
    changed = basic_items.publish_basic(kept, basic)
    if changed is None:
        assert kept is not None  # only what is kept can be said already
        return kept
    return basics.save(changed)


def withdraw_basic(
    catalog_code: str, reason: str, *, seen: int, caller: Caller, basics: Basics
) -> KeptBasic:
    """Take an item of the basic catalogue back.

    Raises:
        BasicItemNotFound, OutOfReach (Rule P-23), BasicItemInvalid, BasicItemAlreadyWithdrawn,
        Stale.
    """
    kept = basics.find(catalog_code)
    if kept is None:
        raise basic_items.BasicItemNotFound
    check_reach(caller, kept.basic.dept_code, kept.basic.region_code)
    _check_version(kept.version, seen)
    return basics.save(basic_items.withdraw_basic(kept, reason))


def get_basic(catalog_code: str, *, basics: Basics) -> KeptBasic:
    """One item of the basic catalogue. Raises: BasicItemNotFound, also once it was taken back."""
    kept = basics.find(catalog_code)
    if kept is None or not kept.active:
        raise basic_items.BasicItemNotFound
    return kept


def _check_version(version: int, seen: int) -> None:
    if seen and seen != version:
        raise Stale("该基本目录事项已被他人修改，请重新读取后再提交。")
