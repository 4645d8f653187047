"""Sessions: begun by a password or an outside provider, renewed, ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.common.errors import NotFound, Unauthenticated

ACCESS: Final = timedelta(minutes=5)
"""How long an access token is believed; an ended session's for the time of one poll only."""
IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=12)
MOST: Final = 50
"""How many sessions an account has at most."""
LEEWAY: Final = timedelta(seconds=20)
"""Two pages that are opened at once renew with the same token; the second is no replay."""


class SignInRefused(Unauthenticated):
    """Login and password do not belong together; which of them is wrong is not told."""

    reason = "SIGN_IN_REFUSED"

    def __init__(self) -> None:
        super().__init__("登录名或密码不正确，或账户已停用。")


class PasswordWrong(Unauthenticated):
    """The password until now was not right."""

    reason = "PASSWORD_WRONG"

    def __init__(self) -> None:
        super().__init__("原密码不正确。")


class SessionEnded(Unauthenticated):
    """The session is over, or its refresh token was used before."""

    reason = "SESSION_ENDED"

    def __init__(self) -> None:
        super().__init__("登录已失效，请重新登录。")


class SessionNotFound(NotFound):
    """The account has no such session."""

    reason = "SESSION_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("没有这个会话，可能已经结束。")


@dataclass(frozen=True, slots=True)
class Session:
    """A session of an account.

    Args:
        generation: of the latest refresh token, from 1.
        renew_time: when the latest was given.
        address: network address it began from, masked.
        on_behalf_of: 统一社会信用代码 of the enterprise that is acted for.
    """

    session_id: str
    account_id: str
    start_time: datetime
    renew_time: datetime
    address: str
    generation: int = 1
    on_behalf_of: str = ""

    @property
    def expire_time(self) -> datetime:
        """When it ends at the latest: unused for 30 minutes, or 12 hours old."""
        return min(self.start_time + LONGEST, self.renew_time + IDLE)


def renewed(
    session: Session, generation: int, *, on_behalf_of: str, now: datetime
) -> Session | None:
    """The session after its refresh token of this generation was used; None: it was replayed.

    Rule A-4: a refresh token is good for one renewal. The one before the latest still gets the
    latest within some seconds, because two requests may be under way at once.

    Raises:
        SessionEnded: it is over by the clock.
    """
    if now >= session.expire_time:
        raise SessionEnded
    if generation == session.generation:
        return replace(
            session, generation=generation + 1, renew_time=now, on_behalf_of=on_behalf_of
        )
    if generation == session.generation - 1 and now <= session.renew_time + LEEWAY:
        return session
    return None
