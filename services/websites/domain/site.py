"""What a government website is, and how a record becomes one."""

from __future__ import annotations

import re
from collections import abc
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from services.common import identifiers
from services.common.errors import Invalid, Violation
from services.common.fields import (
    FieldInvalid,
    Reader,
    code,
    read_record,
    region,
    text,
    texts,
    uscc,
)
from services.websites.domain.address import LIMIT, AddressInvalid, destination, host_name, host_of

MOST_HOSTS = 50


class SiteInvalid(Invalid):
    """The record cannot be a site; each violation names a field."""

    reason = "SITE_INVALID"


class SiteState(StrEnum):
    """Where a site stands; named as in the contract."""

    OPEN = "SITE_STATE_OPEN"
    SUSPENDED = "SITE_STATE_SUSPENDED"
    CLOSED = "SITE_STATE_CLOSED"

    @property
    def short(self) -> str:
        """As inventories have it: open, suspended, closed."""
        return self.value.removeprefix("SITE_STATE_").lower()


STATE_NAMES = {
    SiteState.OPEN: "开通",
    SiteState.SUSPENDED: "临时下线",
    SiteState.CLOSED: "已关停",
}


@dataclass(frozen=True, slots=True)
class Site:
    """A government website (政府网站).

    Args:
        hosts: domain names, the main one first, in lower case.
        region_code: 12 digits; empty for ministries and for sites without a 网站标识码.
        homepage: its home page; of a closed site, where its function moved.
        unit_code: 统一社会信用代码 of the unit, by which a dossier finds the site (Rule W-9).
    """

    site_id: str = ""
    name: str = ""
    hosts: tuple[str, ...] = ()
    unit: str = ""
    region_code: str = ""
    state: SiteState = SiteState.OPEN
    homepage: str = ""
    unit_code: str = ""

    @property
    def subject(self) -> str:
        """What its facts are about: its id."""
        return self.site_id

    @property
    def statement(self) -> Site:
        """What two records of one site are held against each other by: all of it."""
        return self


_NAME_OF_A_SITE = re.compile(r"(?!bm[0-9]+$)[a-z0-9_]*[a-z_][a-z0-9_]*")
_ID_LIMIT = 60


def _site_id() -> Reader:
    inner = text(_ID_LIMIT).read

    def read(value: Any) -> str:
        """Rule W-1: all digits, or `bm` and digits, can only be a 网站标识码, and a whole one."""
        found = str(inner(value))
        if not (identifiers.is_site_code(found) or _NAME_OF_A_SITE.fullmatch(found)):
            raise FieldInvalid(
                "应为 10 位网站标识码（如 5301000001、bm07000001），"
                "没有标识码的网站用小写字母、数字和下划线组成的名称"
            )
        return found

    return Reader(read, "")


def _hosts() -> Reader:
    inner = texts(300, MOST_HOSTS).read

    def read(value: Any) -> tuple[str, ...]:
        found = dict.fromkeys(_host(part) for part in inner(value))
        return tuple(found)

    return Reader(read, ())


def _host(value: str) -> str:
    found = host_name(value)
    if found is None:
        raise FieldInvalid("应为域名，如 www.yn.gov.cn，不带 http:// 和路径")
    return found


def _state() -> Reader:
    inner = code({state.value: name for state, name in STATE_NAMES.items()}).read

    def read(value: Any) -> SiteState:
        short = value.strip() if isinstance(value, str) else ""
        return SiteState(inner(f"SITE_STATE_{short.upper()}" if short.islower() else value))

    return Reader(read, SiteState.OPEN)


def _page() -> Reader:
    inner = text(LIMIT).read

    def read(value: Any) -> str:
        try:
            return destination(inner(value))
        except AddressInvalid as error:
            raise FieldInvalid(str(error)) from None

    return Reader(read, "")


READERS: dict[str, Reader] = {
    "site_id": _site_id(),
    "name": text(200),
    "hosts": _hosts(),
    "unit": text(200),
    "region_code": region(),
    "state": _state(),
    "homepage": _page(),
    "unit_code": uscc(registry=True),
}
REQUIRED = ("site_id", "name", "hosts", "unit", "state")
SERVER_FIELDS = frozenset({"version", "update_time"})
# An inventory names one domain, and a class (portal, department …) that nothing depends on.
_INVENTORY_DOMAIN = "domain"
_INVENTORY_PASSED = frozenset({"kind"})


def site_of(values: abc.Mapping[str, Any]) -> Site:
    """The site in a record, as the message has it.

    Raises:
        SiteInvalid: with each field at fault.
    """
    given, wrong = read_record(values, READERS, required=REQUIRED, ignored=SERVER_FIELDS)
    site = Site(**given)
    if not wrong:
        site = replace(site, region_code=site.region_code or _region_of(site.site_id))
        wrong = _successor(site)
    if wrong:
        raise SiteInvalid("网站信息有误，请按提示更正。", *wrong)
    return site


def site_of_row(values: Any) -> Site:
    """The site in one row of a file; an inventory's `domain` is its only host.

    Raises:
        SiteInvalid: with each field at fault, named as the row has it.
    """
    if not isinstance(values, abc.Mapping):
        raise SiteInvalid("不是一行完整的数据。", Violation("", "这一行不是一条完整的数据"))
    found = {name: value for name, value in values.items() if name not in _INVENTORY_PASSED}
    if _INVENTORY_DOMAIN not in values or "hosts" in values:
        return site_of(found)
    domain = found.pop(_INVENTORY_DOMAIN)
    try:
        return site_of(found | {"hosts": [domain]})
    except SiteInvalid as refusal:
        named = [
            replace(one, field=_INVENTORY_DOMAIN) if one.field == "hosts" else one
            for one in refusal.violations
        ]
        raise SiteInvalid(str(refusal), *named) from None


def _region_of(site_id: str) -> str:
    """Rule W-3: a local 网站标识码 begins with its region; said otherwise, what is said counts."""
    local = identifiers.is_site_code(site_id) and site_id.isdecimal()
    return (identifiers.region_code(site_id[:6]) or "") if local else ""


def _successor(site: Site) -> list[Violation]:
    """Rule W-4: who closes a site names where its function lives on, and that is another host."""
    if site.state is not SiteState.CLOSED:
        return []
    if not site.homepage:
        return [Violation("homepage", "已关停的网站须写明功能迁往的网址")]
    if host_of(site.homepage) in site.hosts:
        return [Violation("homepage", "已关停的网站须写明迁往的新网址，不能是本网站的域名")]
    return []
