"""Accounts to try the platform with: one for each role, with passwords that everybody knows.

They exist where ZHENGTONG_DEMO=1 only. A login is `demo.<role>`, its password `Demo-<role>-2026`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.portal.labels import ROLES


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """What the sign-in page tells of one."""

    role: str
    title: str
    login: str
    password: str


def _account(role: str, title: str) -> DemoAccount:
    word = role.replace("_", "-")
    return DemoAccount(role, title, f"demo.{word}", f"Demo-{word}-2026")


ACCOUNTS: Final = tuple(_account(role, title) for role, title in ROLES.items())
