"""Accounts: who somebody is, and what for."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from services.common import identifiers
from services.common.access import NATIONWIDE, Caller, OutOfReach, check_region
from services.common.errors import Invalid, NotFound, Refused, Stale, Violation

if TYPE_CHECKING:
    from collections.abc import Sequence

PERSON: Final = "person"
INSTITUTION_USER: Final = "institution_user"
ADMINISTRATOR: Final = "administrator"
AUDITOR: Final = "auditor"
OFFICER_ROLES: Final = frozenset(
    {
        "item_editor",
        "list_publisher",
        "case_handler",
        "approver",
        "credit_officer",
        "website_editor",
        "supervisor",
        "publication_reviewer",
        AUDITOR,
        ADMINISTRATOR,
    }
)
ROLES: Final = OFFICER_ROLES | {PERSON, INSTITUTION_USER}
SHORTEST_PASSWORD: Final = 10
SHORTEST_LOGIN: Final = 4
LONGEST_PASSWORD: Final = 200
LEGAL_ZONE: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
_LOGIN = re.compile(r"[A-Za-z0-9._@-]{4,64}")
_PHONE = re.compile(r"1[3-9][0-9]{9}")
_NETWORK = re.compile(r"[0-9a-f]{16}")
_NAME = re.compile(r"[^\W\d_]+(?:[·•. ][^\W\d_]+)*")
# What people choose first; anything with one of these in it is guessed within minutes.
_COMMON = (
    *("password", "passw0rd", "qwerty", "qwer1234", "1qaz2wsx", "asdfgh", "zxcvbn", "iloveyou"),
    *("123456", "654321", "111111", "000000", "123123", "112233", "88888888", "66666666"),
    *("admin", "administrator", "zhengtong", "woaini", "abc123", "a1b2c3", "5201314", "letmein"),
)
_OWN_DEPARTMENT = "工作人员账户须填写所属部门的统一社会信用代码。"
_OWN_UNIT = "单位用户须填写本单位的统一社会信用代码。"
_WHOLE_PLATFORM = "审计员查看全平台的记录，须属于省级。"


class AccountInvalid(Invalid):
    """The account cannot be as asked; each violation names a field."""

    reason = "ACCOUNT_INVALID"


class AccountNotFound(NotFound):
    """No account has this id or login."""

    reason = "ACCOUNT_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("没有这个账户，请核对。")


class LoginTaken(Refused):
    """Another account has this login."""

    reason = "LOGIN_TAKEN"

    def __init__(self) -> None:
        told = "该登录名已被使用，请换一个。"
        super().__init__(told, Violation("login", told))


class PersonKnown(Refused):
    """The person has an account."""

    reason = "PERSON_KNOWN"

    def __init__(self) -> None:
        told = "该公民身份号码已注册账户，请直接登录；如非本人注册，请拨打 12345。"
        super().__init__(told, Violation("identity_number", told))


@dataclass(frozen=True, slots=True)
class Account:
    """An account as identity keeps it, without what is secret.

    Args:
        login: in lower case.
        roles: names of zhengtong.access.v1.Role in lower case, in order.
        region: 12 digits.
        identity_number: empty where the person gave none (officers are known by their department).
        password_expired: somebody else set the password.
        demo: everybody knows the password (domain/demo.py).
        version: rises by one with each change, from 1.
    """

    account_id: str
    login: str
    name: str
    roles: tuple[str, ...]
    department: str = ""
    region: str = ""
    institution: str = ""
    identity_number: str = ""
    phone: str = ""
    active: bool = True
    password_expired: bool = False
    version: int = 1
    update_time: datetime | None = None
    demo: bool = False


def registered(  # noqa: PLR0913  (plain data)
    *, account_id: str, login: str, name: str, identity_number: str, phone: str, now: datetime
) -> Account:
    """The account that a person makes for themselves.

    Rule A-1 (网络安全法 24): the person is known by name and 公民身份号码.

    Raises:
        AccountInvalid: with every field at fault.
    """
    number = identifiers.normalise_code(identity_number)
    found = [*_login_problems(login), *_name_problems(name), *_phone_problems(phone)]
    if problem := identifiers.resident_id_problem(number, legal_day(now)):
        found.append(Violation("identity_number", problem))
    _refuse(found)
    return Account(
        account_id=account_id,
        login=login.lower(),
        name=_name(name),
        roles=(PERSON,),
        identity_number=number,
        phone=phone,
    )


def proven(account: Account, *, name: str, phone: str) -> Account:
    """A person's account after somebody who knows the person has said whose it is.

    Raises:
        AccountInvalid: with every field at fault.
    """
    _refuse([*_name_problems(name), *_phone_problems(phone)])
    return replace(
        account,
        name=_name(name),
        phone=phone,
        password_expired=False,  # there is none to change any more
        version=account.version + 1,
    )


def opened(  # noqa: PLR0913  (plain data)
    *,
    account_id: str,
    login: str,
    name: str,
    roles: Sequence[str],
    department: str,
    region: str,
    institution: str,
) -> Account:
    """The account that an administrator opens for an officer, or a user of an institution.

    Raises:
        AccountInvalid: with every field at fault.
    """
    account = Account(
        account_id=account_id,
        login=login.lower(),
        name=_name(name),
        roles=tuple(sorted(set(roles))),
        department=department,
        region=region,
        institution=institution,
        password_expired=True,
    )
    _refuse([*_login_problems(login), *_name_problems(name), *_binding_problems(account)])
    return account


def revised(
    account: Account, *, roles: Sequence[str], department: str, region: str, institution: str
) -> Account:
    """The account with other roles or another binding.

    Raises:
        AccountInvalid: with every field at fault.
    """
    changed = replace(
        account,
        roles=tuple(sorted(set(roles))),
        department=department,
        region=region,
        institution=institution,
        version=account.version + 1,
    )
    found = _binding_problems(changed)
    if PERSON in account.roles and PERSON not in changed.roles:
        found.append(Violation("roles", "个人账户归本人所有，请为其另开工作人员账户。"))
    _refuse(found)
    return changed


def check_may_govern(caller: Caller, account: Account) -> None:
    """Rule A-6: administrators govern accounts of their own region and below, never their own.

    So has the department, or the institution, to be registered there: who belongs to a department
    acts for it wherever it decides.

    Persons have no region: only an administrator of a whole province governs them.

    Raises:
        OutOfReach
    """
    if caller.kind == "service":
        return
    if caller.principal == account.account_id:
        raise OutOfReach("不能变更自己的账户权限，请由其他管理员办理。")
    if not account.region and not _answers_for_a_province(caller):
        raise OutOfReach("个人账户由省级管理员管理。")
    for region in (account.region, region_of(account.department), region_of(account.institution)):
        check_region(caller, region)


def _answers_for_a_province(caller: Caller) -> bool:
    level = identifiers.region_level(caller.region)
    return caller.region == NATIONWIDE or level == identifiers.RegionLevel.PROVINCE


def check_may_see(caller: Caller, account: Account) -> None:
    """Rule A-6: administrators see accounts of their own region and below.

    Raises:
        OutOfReach
    """
    if caller.principal != account.account_id:
        check_may_govern(caller, account)


def check_password(password: str, account: Account, field: str = "password") -> None:
    """Rule A-2 (GB/T 22239-2019, 8.1.4.1): long, and not what everybody tries first.

    Raises:
        AccountInvalid
    """
    folded = unicodedata.normalize("NFKC", password).lower()
    local = account.login.partition("@")[0]
    told = ""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        told = f"密码应为 {SHORTEST_PASSWORD} 至 {LONGEST_PASSWORD} 个字符。"
    elif len(set(folded)) < 5:
        told = "密码中不同的字符太少，请换一个。"
    elif any(common in folded for common in _COMMON):
        told = "密码中含有常被猜中的部分，请换一个。"
    elif len(local) >= SHORTEST_LOGIN and local in folded:
        told = "密码中不得含有登录名，请换一个。"
    elif account.identity_number and account.identity_number[-8:].lower() in folded:
        told = "密码中不得含有身份号码，请换一个。"
    if told:
        raise AccountInvalid(told, Violation(field, told))


def check_is_another(password: str, before: str) -> None:
    """Rule A-2: who changes a password takes another one, above all one that somebody else gave.

    Raises:
        AccountInvalid
    """
    if password == before:
        told = "新密码不得与原密码相同。"
        raise AccountInvalid(told, Violation("new_password", told))


def check_version(version: int, seen: int) -> None:
    """Hold the version the caller has seen against the one there is; 0: it does not mind.

    Raises:
        Stale
    """
    if seen and seen != version:
        raise Stale("内容已被他人修改，请重新读取后再提交。")


def mask_address(address: str) -> str:
    """A network address, enough of it to recognise one's own: `192.0.2.*`, `2001:0db8:0001:*`.

    Args:
        address: of IPv4, or 16 hexadecimal digits: the /64 network of an IPv6 one.
    """
    if _NETWORK.fullmatch(address):
        return ":".join([address[:4], address[4:8], address[8:12], "*"])
    first = address.split(".")[:3]
    return ".".join([*first, "*"]) if len(first) == 3 else ""


def region_of(subject_code: str) -> str:
    """The region that registered an enterprise, 12 digits; empty where its code says none."""
    return identifiers.region_of_uscc(subject_code) or ""


def legal_day(now: datetime) -> date:
    """The day it is in Asia/Shanghai."""
    return now.astimezone(LEGAL_ZONE).date()


def end_of_day(day: date) -> datetime:
    """The moment a day of Asia/Shanghai is over, in UTC."""
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), LEGAL_ZONE)
    return midnight.astimezone(UTC)


def _binding_problems(account: Account) -> list[Violation]:
    """Rule A-5: officers have a department and a region, users of institutions an institution."""
    roles = set(account.roles)
    officer, user = bool(roles & OFFICER_ROLES), INSTITUTION_USER in roles
    level = identifiers.region_level(account.region)
    province = identifiers.RegionLevel.PROVINCE
    checks = (
        (officer and identifiers.uscc_problem(account.department), "dept_code", _OWN_DEPARTMENT),
        (officer and level is None, "region_code", "工作人员账户须填写 12 位行政区划代码。"),
        (
            account.region and not officer and level is None,
            "region_code",
            "请填写 12 位行政区划代码，或留空。",
        ),
        (AUDITOR in roles and level != province, "region_code", _WHOLE_PLATFORM),
        (user and identifiers.uscc_problem(account.institution), "institution_id", _OWN_UNIT),
        (account.department and not officer, "dept_code", "只有工作人员账户属于部门。"),
        (account.institution and not user, "institution_id", "只有单位用户属于公共企事业单位。"),
    )
    return [*_role_problems(account), *(Violation(at, told) for bad, at, told in checks if bad)]


def _role_problems(account: Account) -> list[Violation]:
    """Rule A-5: who governs accounts, who audits and who decides are three people (三员分立)."""
    roles = set(account.roles)
    checks = (
        (not roles or not roles <= ROLES, "请至少指定一个角色，且不得含有未知的角色。"),
        (PERSON in roles and not account.identity_number, "个人账户须由本人实名注册。"),
        (
            roles & OFFICER_ROLES and roles & {PERSON, INSTITUTION_USER},
            "工作人员的个人事务请使用个人账户。",
        ),
        (
            roles >= {PERSON, INSTITUTION_USER},
            "本人的账户不得兼作单位用户，请为单位事务另开账户。",
        ),
        (
            roles & {ADMINISTRATOR, AUDITOR} and len(roles) > 1,
            "系统管理员、审计员不得兼任其他角色。",
        ),
    )
    return [Violation("roles", told) for bad, told in checks if bad]


def _login_problems(login: str) -> list[Violation]:
    if not _LOGIN.fullmatch(login):
        return [Violation("login", "登录名应为 4 至 64 个字母、数字或 . _ - @。")]
    if identifiers.find_resident_ids(login) or _PHONE.fullmatch(login):
        return [Violation("login", "请不要用身份号码或手机号作登录名。")]
    return []


def _name(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip()


def _name_problems(name: str) -> list[Violation]:
    if len(name) > 50 or not _NAME.fullmatch(_name(name)):
        return [Violation("name", "请填写证件上的姓名，不超过 50 个字。")]
    return []


def _phone_problems(phone: str) -> list[Violation]:
    return [Violation("phone", "请填写 11 位手机号，或留空。")] * bool(
        phone and not _PHONE.fullmatch(phone)
    )


def _refuse(found: Sequence[Violation]) -> None:
    if found:
        raise AccountInvalid("账户信息有误，请按 violations 逐项更正。", *found)
