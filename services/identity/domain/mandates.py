"""Mandates: who may act for an enterprise, in what, until when (企业授权)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from services.common import identifiers
from services.common.access import Caller, OutOfReach, check_region
from services.common.errors import Invalid, NotFound, Refused, Violation
from services.identity.domain.accounts import (
    ADMINISTRATOR,
    Account,
    end_of_day,
    legal_day,
    region_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

LONGEST: Final = timedelta(days=731)
MOST_SCOPES: Final = 50


class MandateInvalid(Invalid):
    """The mandate cannot be as asked; each violation names a field."""

    reason = "MANDATE_INVALID"


class MandateNotFound(NotFound):
    """No mandate has this id."""

    reason = "MANDATE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("没有这项授权，请核对。")


class MandateAlreadyEnded(Refused):
    """The mandate was taken back before."""

    reason = "MANDATE_ALREADY_ENDED"

    def __init__(self) -> None:
        super().__init__("这项授权已经收回。")


@dataclass(frozen=True, slots=True)
class Mandate:
    """What lets an account act for an enterprise.

    Args:
        representative: 法定代表人, who may do everything and authorise agents; else an agent.
        login: what the account signs in with.
        scopes: permissions that an agent may use.
        expire_date: last day of an agent; None for a representative.
        granted_by: account that gave it, or the provider that vouches for it.
    """

    mandate_id: str
    representative: bool
    subject_code: str
    account_id: str
    login: str
    granted_by: str
    scopes: tuple[str, ...] = ()
    expire_date: date | None = None
    active: bool = True
    version: int = 1
    update_time: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is in force: not taken back, and its last day is not over."""
        return self.active and (self.expire_date is None or now < end_of_day(self.expire_date))


def granted(  # noqa: PLR0913  (plain data)
    *,
    mandate_id: str,
    subject_code: str,
    agent: Account,
    scopes: Collection[str],
    expire_date: str,
    grantable: Collection[str],
    caller: Caller,
    now: datetime,
) -> Mandate:
    """Rule A-7: an agent acts within a scope and until a day, two years away at most.

    Args:
        grantable: permissions that a person holds at all.

    Raises:
        MandateInvalid: with every field at fault.
    """
    found = []
    if not scopes or len(scopes) > MOST_SCOPES or not set(scopes) <= set(grantable):
        found.append(Violation("scopes", "请指明授权办理的事务，且须是个人可以办理的。"))
    last = _day(expire_date)
    today = legal_day(now)
    if last is None or not today <= last <= today + LONGEST:
        found.append(Violation("expire_date", "请填写授权截止日期，自今日起不超过两年。"))
    if agent.account_id == caller.principal:
        found.append(Violation("agent_login", "不必授权给自己。"))
    if found:
        raise MandateInvalid("授权有误，请按 violations 逐项更正。", *found)
    return Mandate(
        mandate_id=mandate_id,
        representative=False,
        subject_code=subject_code,
        account_id=agent.account_id,
        login=agent.login,
        granted_by=caller.principal,
        scopes=tuple(sorted(set(scopes))),
        expire_date=last,
    )


def appointed(*, mandate_id: str, subject_code: str, account: Account, by: str) -> Mandate:
    """A representative of an enterprise.

    Raises:
        MandateInvalid: the code is none.
    """
    if problem := identifiers.uscc_problem(subject_code):
        raise MandateInvalid(problem, Violation("subject_code", problem))
    return Mandate(
        mandate_id,
        representative=True,
        subject_code=subject_code,
        account_id=account.account_id,
        login=account.login,
        granted_by=by,
    )


def check_represents(
    caller: Caller, subject_code: str, own: Iterable[Mandate], now: datetime
) -> None:
    """Rule A-7: only a representative speaks for the whole enterprise.

    Args:
        own: mandates of the caller.

    Raises:
        OutOfReach
    """
    if not any(
        one.representative and one.subject_code == subject_code and one.holds(now) for one in own
    ):
        raise OutOfReach(f"您不是 {subject_code[:18]} 的法定代表人，不能为其授权。")
    if caller.on_behalf_of and caller.on_behalf_of != subject_code:
        raise OutOfReach("您正代表另一企业办事，请先切换。")


def check_sees(caller: Caller, subject_code: str, own: Iterable[Mandate], now: datetime) -> None:
    """Rule A-7: the representative sees who acts for the enterprise, and an agent who may.

    What an agent may, the call of the permission has judged.

    Raises:
        OutOfReach
    """
    if not (caller.on_behalf_of and caller.on_behalf_of == subject_code):
        check_represents(caller, subject_code, own, now)


def ended(mandate: Mandate, caller: Caller, own: Iterable[Mandate], now: datetime) -> Mandate:
    """Rule A-7: its representative, its agent, or an administrator of the region takes it back.

    Raises:
        MandateAlreadyEnded, OutOfReach
    """
    if ADMINISTRATOR in caller.roles:
        check_region(caller, region_of(mandate.subject_code))
    elif mandate.account_id != caller.principal:
        check_represents(caller, mandate.subject_code, own, now)
    if not mandate.active:
        raise MandateAlreadyEnded
    return replace(mandate, active=False, version=mandate.version + 1)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
