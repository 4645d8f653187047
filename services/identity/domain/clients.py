"""Machine clients: departmental systems with a key and rights of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from services.common import identifiers
from services.common.access import NATIONWIDE, Caller, OutOfReach, check_region
from services.common.errors import Invalid, NotFound, Refused, Unauthenticated, Violation
from services.identity.domain.accounts import region_of

if TYPE_CHECKING:
    from collections.abc import Collection

MOST_RIGHTS: Final = 200
MOST_CERTIFICATES: Final = 10
FASTEST: Final = 10_000  # requests a second
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class ClientInvalid(Invalid):
    """The client cannot be as asked; each violation names a field."""

    reason = "CLIENT_INVALID"


class ClientNotFound(NotFound):
    """No client has this id."""

    reason = "CLIENT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("没有这个部门系统，请核对。")


class ClientAlreadyEnded(Refused):
    """The client was taken out of use before."""

    reason = "CLIENT_ALREADY_ENDED"

    def __init__(self) -> None:
        super().__init__("该部门系统已经停用。")


class KeyUnknown(Unauthenticated):
    """No client in use has this key or certificate."""

    reason = "KEY_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("接口密钥不正确，或已停用。")


@dataclass(frozen=True, slots=True)
class Client:
    """A departmental system.

    Args:
        department: 统一社会信用代码 of the department that answers for what it publishes.
        region: 12 digits, or 12 zeros for all regions.
        leads: speaks for every department of its region.
        rights: permissions that it may use.
        rate: requests a second; 0: the platform's usual number.
        certificates: SHA-256, hexadecimal.
    """

    client_id: str
    name: str
    department: str
    region: str
    rights: tuple[str, ...]
    leads: bool = False
    institution: str = ""
    rate: int = 0
    certificates: tuple[str, ...] = ()
    certificate_required: bool = False
    active: bool = True
    version: int = 1
    update_time: datetime | None = None


def checked(client: Client, grantable: Collection[str]) -> Client:
    """Rule A-8: a client belongs to a department, and has rights that a client can be given.

    Raises:
        ClientInvalid: with every field at fault.
    """
    found = []
    if not 1 <= len(client.name.strip()) <= 100:
        found.append(Violation("client.name", "请填写系统名称，不超过 100 个字。"))
    if identifiers.uscc_problem(client.department):
        found.append(Violation("client.dept_code", "请填写所属部门的统一社会信用代码。"))
    if client.region != NATIONWIDE and identifiers.region_level(client.region) is None:
        found.append(Violation("client.region_code", "请填写 12 位行政区划代码。"))
    if client.institution and identifiers.uscc_problem(client.institution):
        found.append(Violation("client.institution_id", "统一社会信用代码有误。"))
    unknown = sorted(set(client.rights) - set(grantable))
    if not client.rights or len(client.rights) > MOST_RIGHTS or unknown:
        said = f"不能授予：{'、'.join(unknown[:5])}。" if unknown else "请至少授予一项权限。"
        found.append(Violation("client.rights", said))
    if not 0 <= client.rate <= FASTEST:
        found.append(Violation("client.rate_per_second", f"应为 0 至 {FASTEST} 的整数。"))
    good = [one for one in client.certificates if _FINGERPRINT.fullmatch(one)]
    if len(good) != len(client.certificates) or len(good) > MOST_CERTIFICATES:
        found.append(Violation("client.certificates", "应为证书 SHA-256 的 64 位十六进制数。"))
    if client.certificate_required and not client.certificates:
        found.append(Violation("client.certificate_required", "请先登记证书。"))
    if found:
        raise ClientInvalid("部门系统信息有误，请按 violations 逐项更正。", *found)
    return replace(
        client,
        name=client.name.strip(),
        rights=tuple(sorted(set(client.rights))),
        certificates=tuple(dict.fromkeys(client.certificates)),
    )


def check_may_govern(caller: Caller, client: Client) -> None:
    """Rule A-6: administrators govern clients of their own region and below.

    So has the department, or the institution, to be registered there.

    Raises:
        OutOfReach
    """
    if client.region == NATIONWIDE and caller.kind != "service":
        raise OutOfReach("面向全国的部门系统只能在服务器上登记。")
    for region in (client.region, region_of(client.department), region_of(client.institution)):
        check_region(caller, region)
