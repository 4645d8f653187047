"""Who somebody is to the platform, and what they may do: default deny.

A role says what somebody is there for (the proto of each call names those that hold its
permission); department, region and institution say over what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.common.errors import Denied
from services.common.identifiers import is_within

if TYPE_CHECKING:
    from collections.abc import Collection

KINDS = ("anonymous", "account", "client", "service")
OPEN = "open"
SIGNED_IN = "signed_in"
INTERNAL = "internal"
CLIENT = "client"
PUBLICATION_REVIEWER = "publication_reviewer"
GRANTED = {"cli": frozenset({"audit.record.read"})}
"""What principals of the platform may beyond internal calls."""
_NOT_OF = {CLIENT}
"""Roles that no account has, whatever its token says."""
NATIONWIDE = "000000000000"
"""The region of somebody who answers for all of them."""


class PermissionMissing(Denied):
    """The caller is known and lacks the permission that the call declares."""

    reason = "PERMISSION_MISSING"


class OutOfReach(Denied):
    """The caller has the permission, but not over this department, region or institution."""

    reason = "OUT_OF_REACH"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a call is made by and for.

    Args:
        principal: account or client id, or the name of one of the platform's own principals.
        kind: anonymous | account | client | service.
        roles: names of zhengtong.access.v1.Role in lower case, without the prefix.
        department: 统一社会信用代码 of the department that an officer or client belongs to.
        region: 12 digits; officers and clients answer for it and what is below it.
        institution: 统一社会信用代码 of the public institution that somebody speaks for.
        leads: answers for every department of the region (牵头部门, 汇聚平台).
        rights: permissions of a client.
        on_behalf_of: 统一社会信用代码 of the enterprise whose affair it is.
        scopes: permissions that the enterprise gave, with `on_behalf_of`.
        purpose: why protected data are asked for.
        session: id of the session of an account.
        address: network address that asks, for the calls that are told it.
    """

    principal: str
    kind: str
    roles: tuple[str, ...] = ()
    department: str = ""
    region: str = ""
    institution: str = ""
    leads: bool = False
    rights: tuple[str, ...] = ()
    on_behalf_of: str = ""
    scopes: tuple[str, ...] = ()
    purpose: str = ""
    session: str = ""
    address: str = ""


ANONYMOUS = Caller("anonymous", "anonymous")


def authorise(caller: Caller, permission: str, roles: Collection[str] = ()) -> None:
    """Let the call pass, or not.

    Args:
        permission: what the call declares; empty where its proto forgot to.
        roles: those that hold it.

    Raises:
        PermissionMissing: the caller does not hold `permission`.
    """
    if caller.kind not in KINDS or not _holds(caller, permission, roles):
        raise PermissionMissing("您没有办理此操作的权限。")


def _holds(caller: Caller, permission: str, roles: Collection[str]) -> bool:
    if permission == OPEN:
        return True
    if permission == SIGNED_IN:
        return caller.kind in ("account", "client")
    if caller.kind == "service":
        return _is_internal_for(caller, permission) or permission in GRANTED.get(
            caller.principal, ()
        )
    if caller.kind == "client":
        return CLIENT in roles and permission in caller.rights
    given = not caller.on_behalf_of or permission in caller.scopes
    return given and caller.kind == "account" and not {*roles}.isdisjoint({*caller.roles} - _NOT_OF)


def _is_internal_for(caller: Caller, permission: str) -> bool:
    """`internal.read_log` is for all principals of the platform, `internal.cli.operate` for one."""
    first, *others = permission.split(".")
    if first != INTERNAL:
        return False
    return len(others) == 1 or (len(others) == 2 and others[0] == caller.principal)


def check_reach(caller: Caller, *, department: str = "", region: str = "", lead: str = "") -> None:
    """Rule P-23: an officer or client acts for its own department, in its own region and below.

    Args:
        department: of what is to be changed; empty where only a lead may touch it.
        region: of what is to be changed, 12 digits; empty where it has none.
        lead: the role that answers for every department of its region.

    Raises:
        OutOfReach
    """
    if caller.kind == "service":
        return
    leads = caller.leads or (lead != "" and lead in caller.roles)
    if not leads and not (department and department == caller.department):
        raise OutOfReach("您只能办理本部门的事务。")
    check_region(caller, region)


def check_region(caller: Caller, region: str) -> None:
    """Rule P-23: in the caller's own region and below; what has no region is everybody's.

    Raises:
        OutOfReach
    """
    if caller.kind == "service" or not region:
        return
    if caller.region == NATIONWIDE:
        return
    if not caller.region or not is_within(region, caller.region):
        raise OutOfReach("您只能办理本地区及其下级地区的事务。")


def check_institution(caller: Caller, institution: str, *, region: str = "") -> None:
    """Rule P-24: a user of a public institution speaks for that institution only.

    Raises:
        OutOfReach
    """
    if caller.kind == "client" and caller.leads:
        check_region(caller, region)
    elif caller.kind != "service" and not (institution and institution == caller.institution):
        raise OutOfReach("您只能办理本单位的事务。")
