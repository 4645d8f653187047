"""Accounts to try the platform with, whose passwords everybody knows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.common.errors import Refused
from services.identity.domain.accounts import PERSON, Account, opened
from services.identity.domain.sessions import SignInRefused

if TYPE_CHECKING:
    from collections.abc import Sequence


class DemoOff(Refused):
    """Accounts that everybody knows the password of are not wanted here."""

    reason = "DEMO_OFF"

    def __init__(self) -> None:
        super().__init__("演示账户未启用（ZHENGTONG_DEMO）。")


def made(  # noqa: PLR0913  (plain data)
    *,
    account_id: str,
    login: str,
    name: str,
    roles: Sequence[str],
    department: str,
    region: str,
    institution: str,
) -> Account:
    """An account that everybody may use. A person of this kind has no 公民身份号码: it is nobody.

    Raises:
        AccountInvalid: with every field at fault.
    """
    if tuple(roles) == (PERSON,):
        return Account(account_id, login.lower(), name, (PERSON,), demo=True)
    account = opened(
        account_id=account_id,
        login=login,
        name=name,
        roles=roles,
        department=department,
        region=region,
        institution=institution,
    )
    return replace(account, demo=True, password_expired=False)


def usable(account: Account, *, demo: bool) -> bool:
    """Whether somebody may sign in with it.

    Args:
        demo: this is a platform to try things out on; elsewhere such accounts are good for nothing.
    """
    return demo or not account.demo


def check_usable(account: Account, *, demo: bool) -> None:
    """Raises: SignInRefused."""
    if not usable(account, demo=demo):
        raise SignInRefused
