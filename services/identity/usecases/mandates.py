"""Mandates: who may act for an enterprise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.common.access import check_region
from services.identity import domain
from services.identity.domain import Mandate, mandates

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from services.common.access import Caller
    from services.identity.usecases.ports import Accounts, Mandates, Sessions


def grant(  # noqa: PLR0913  (plain data)
    *,
    mandate_id: str,
    subject_code: str,
    agent_login: str,
    scopes: Sequence[str],
    expire_date: str,
    grantable: Collection[str],
    caller: Caller,
    now: datetime,
    accounts: Accounts,
    store: Mandates,
) -> Mandate:
    """A representative authorises an agent.

    Raises:
        OutOfReach, AccountNotFound, MandateInvalid.
    """
    own = store.of_account(caller.principal, subject_code)
    mandates.check_represents(caller, subject_code, own, now)
    agent = accounts.by_login(agent_login.lower())
    if domain.PERSON not in agent.roles:
        raise domain.AccountNotFound
    return store.grant(
        mandates.granted(
            mandate_id=mandate_id,
            subject_code=subject_code,
            agent=agent,
            scopes=scopes,
            expire_date=expire_date,
            grantable=grantable,
            caller=caller,
            now=now,
        )
    )


def appoint(  # noqa: PLR0913  (plain data)
    *,
    mandate_id: str,
    subject_code: str,
    account_id: str,
    caller: Caller,
    accounts: Accounts,
    store: Mandates,
) -> Mandate:
    """An administrator makes somebody the representative of an enterprise.

    Raises:
        AccountNotFound, MandateInvalid, OutOfReach.
    """
    account = accounts.get(account_id)
    if domain.PERSON not in account.roles:
        raise domain.AccountNotFound
    check_region(caller, domain.region_of(subject_code))
    return store.grant(
        mandates.appointed(
            mandate_id=mandate_id,
            subject_code=subject_code,
            account=account,
            by=caller.principal,
        )
    )


def end_mandate(  # noqa: PLR0913  (which, by whom, when)
    mandate_id: str,
    *,
    caller: Caller,
    seen: int,
    now: datetime,
    store: Mandates,
    open_sessions: Sessions,
) -> Mandate:
    """Take a mandate back; who acts under it is signed out.

    Raises:
        MandateNotFound, MandateAlreadyEnded, OutOfReach, Stale.
    """
    mandate = store.get(mandate_id)
    own = store.of_account(caller.principal, mandate.subject_code)
    changed = mandates.ended(mandate, caller, own, now)
    domain.check_version(mandate.version, seen)
    ended = store.end(changed)
    open_sessions.end_all(mandate.account_id)
    return ended


def list_mandates(  # noqa: PLR0913  (of whom, for whom, from where)
    *,
    subject_code: str,
    active: bool | None,
    caller: Caller,
    now: datetime,
    store: Mandates,
    after: str,
    size: int,
) -> list[Mandate]:
    """Mandates of an enterprise, for who represents it, sees them for it, or governs its region.

    Args:
        active: only those in force (or taken back); None: all.

    Raises:
        OutOfReach
    """
    if domain.ADMINISTRATOR in caller.roles:
        check_region(caller, domain.region_of(subject_code))
    else:
        own = store.of_account(caller.principal, subject_code)
        mandates.check_sees(caller, subject_code, own, now)
    return store.page(subject_code=subject_code, active=active, after=after, size=size)
