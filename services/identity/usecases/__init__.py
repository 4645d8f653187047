"""What identity does: load, decide, save. No transport, no database.

`ports` says what that needs, `systems` is about departmental systems.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.identity import domain
from services.identity.domain import Account, Mandate, Session, sessions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.common.access import Caller
from services.identity.usecases.mandates import appoint, end_mandate, grant, list_mandates
from services.identity.usecases.ports import (
    Accounts,
    Clients,
    Mandates,
    Passwords,
    Sessions,
    Signed,
    TriesLog,
)
from services.identity.usecases.systems import (
    end_client,
    register_client,
    replace_key,
    resolve,
    revise_client,
)

__all__ = [
    "Accounts",
    "Clients",
    "Mandates",
    "Passwords",
    "Sessions",
    "Signed",
    "TriesLog",
    "appoint",
    "begin",
    "check_address",
    "check_credentials",
    "end_client",
    "end_mandate",
    "end_own",
    "govern",
    "grant",
    "list_mandates",
    "register_client",
    "renew",
    "replace_key",
    "resolve",
    "revise",
    "revise_client",
    "set_password",
    "sign_in_outside",
]


def check_credentials(  # noqa: PLR0913  (who, with what, from where, against what)
    login: str,
    password: str,
    address: str,
    *,
    now: datetime,
    accounts: Accounts,
    passwords: Passwords,
    tries: TriesLog,
) -> Account:
    """Whose login and password they are.

    Rule A-3: who guesses is slowed, per account and per address. An unknown login takes as long as
    a wrong password and is told the same. Nobody's address is nothing to count by.

    Raises:
        SignInRefused, TriesSlowed
    """
    folded = login.lower()[:100]
    seen = tries.of_login(folded)
    domain.tries.check(seen, domain.tries.FREE_OF_ACCOUNT, now=now)
    check_address(address, now=now, tries=tries)
    if not tries.begin(folded, seen):
        raise domain.TriesSlowed(domain.tries.ONE_TRY)
    try:
        account = accounts.by_login(folded)
        hashed = accounts.password_of(account.account_id) if account.active else ""
    except domain.AccountNotFound:
        account, hashed = None, ""
    if not passwords.fits(hashed, password) or account is None:
        if address:
            tries.failed_from(address)
        raise domain.SignInRefused
    tries.forget(folded)
    return account


def check_address(address: str, *, now: datetime, tries: TriesLog) -> None:
    """Rule A-3: an address that failed too often waits. Raises: TriesSlowed."""
    if address:
        left = domain.tries.faded(tries.of_address(address), now=now)
        domain.tries.check(left, domain.tries.FREE_OF_ADDRESS, now=now)


def begin(
    account: Account, session_id: str, address: str, *, now: datetime, store: Sessions
) -> Signed:
    """Begin a session of an account that has shown who it is.

    Rule A-4: of an account's sessions the latest go on, the oldest end.
    """
    store.end_oldest(account.account_id, but=sessions.MOST - 1)
    session = Session(session_id, account.account_id, now, now, address)
    store.begin(session)
    return Signed(session, account)


def sign_in_outside(  # noqa: PLR0913  (what a provider says of a person)
    *,
    issuer: str,
    subject: str,
    name: str,
    identity_number: str,
    phone: str,
    account_id: str,
    now: datetime,
    accounts: Accounts,
    store: Sessions,
) -> Account:
    """The account of somebody whom an outside provider vouches for, opened at the first time.

    A provider that knows the 公民身份号码 finds the account the person has already.

    Raises:
        SignInRefused: the account is out of use, or the provider does not say who it is.
        AccountInvalid: what the provider says is no name, number or phone.
    """
    known = accounts.find_outside(issuer, subject)
    if known is None and identity_number:
        known = accounts.find_person(identity_number)
        if known is None:
            person = domain.registered(
                account_id=account_id,
                login=account_id,
                name=name,
                identity_number=identity_number,
                phone=phone,
                now=now,
            )
            known = accounts.open(person, "")
        elif known.active and accounts.password_of(known.account_id):
            known = _given_to_its_person(known, name, phone, accounts, store)
        accounts.link_outside(known.account_id, issuer, subject)
    if known is None or not known.active:
        raise domain.SignInRefused
    return known


def _given_to_its_person(
    account: Account, name: str, phone: str, accounts: Accounts, store: Sessions
) -> Account:
    """Rule A-1: whoever registered it keeps no way in; mandates stay: they are the person's.

    Raises:
        AccountInvalid, Stale.
    """
    proven = domain.proven(account, name=name, phone=phone)
    store.end_all(account.account_id)
    return accounts.save(proven, "")


def renew(  # noqa: PLR0913  (a token, for whom, and three collections)
    session_id: str,
    generation: int,
    on_behalf_of: str,
    *,
    now: datetime,
    accounts: Accounts,
    store: Sessions,
    held: Mandates,
) -> Signed | None:
    """The session after one of its refresh tokens was used; None: replayed, and ended by it.

    Raises:
        SessionEnded, OutOfReach, Stale.
    """
    session = store.find(session_id)
    if session is None:
        raise domain.SessionEnded
    account = accounts.get(session.account_id)
    after = sessions.renewed(session, generation, on_behalf_of=on_behalf_of, now=now)
    if after is None or not account.active:
        store.end([session_id])
        return None
    mandate = _mandate_for(on_behalf_of, account.account_id, held, now)
    if after.generation != session.generation:
        store.renew(after, session.generation)
    return Signed(after, account, mandate)


def _mandate_for(
    subject_code: str, account_id: str, held: Mandates, now: datetime
) -> Mandate | None:
    if not subject_code:
        return None
    fit = [one for one in held.of_account(account_id, subject_code) if one.holds(now)]
    if not fit:
        raise domain.OutOfReach(f"您没有代表 {subject_code[:18]} 办事的有效授权。")
    return max(fit, key=lambda one: one.representative)


def end_own(session_id: str, *, caller: Caller, store: Sessions) -> None:
    """End a session of one's own. Raises: SessionNotFound."""
    session = store.find(session_id)
    if session is None or session.account_id != caller.principal:
        raise domain.SessionNotFound
    store.end([session_id])


def set_password(  # noqa: PLR0913  (which account, what of it, and two collections)
    account_id: str, hashed: str, *, keep: str, seen: int, accounts: Accounts, store: Sessions
) -> Account:
    """Set a password of one's own; every other session ends.

    Args:
        seen: version of the account that the password until now was right for.

    Raises:
        AccountNotFound, Stale.
    """
    account = accounts.get(account_id)
    domain.check_version(account.version, seen)
    changed = replace(account, password_expired=False, version=account.version + 1)
    store.end_all(account_id, but=keep)
    return accounts.save(changed, hashed)


def govern(  # noqa: PLR0913  (which account, what of it, and by whom)
    account_id: str,
    *,
    caller: Caller,
    seen: int,
    accounts: Accounts,
    store: Sessions,
    active: bool | None = None,
    password: str | None = None,
) -> Account:
    """An administrator disables or enables an account, or sets a first password.

    Raises:
        AccountNotFound, OutOfReach, Stale.
    """
    account = _governed(account_id, caller, seen, accounts)
    changed = replace(
        account,
        active=account.active if active is None else active,
        password_expired=account.password_expired or password is not None,
        version=account.version + 1,
    )
    store.end_all(account_id)
    return accounts.save(changed, password)


def revise(  # noqa: PLR0913  (plain data)
    account_id: str,
    *,
    roles: Sequence[str],
    department: str,
    region: str,
    institution: str,
    caller: Caller,
    seen: int,
    accounts: Accounts,
    store: Sessions,
) -> Account:
    """An administrator changes what an account is there for.

    Raises:
        AccountNotFound, AccountInvalid, OutOfReach, Stale.
    """
    account = _governed(account_id, caller, seen, accounts)
    changed = domain.revised(
        account, roles=roles, department=department, region=region, institution=institution
    )
    domain.check_may_govern(caller, changed)
    store.end_all(account_id)
    return accounts.save(changed)


def _governed(account_id: str, caller: Caller, seen: int, accounts: Accounts) -> Account:
    account = accounts.get(account_id)
    domain.check_may_govern(caller, account)
    domain.check_version(account.version, seen)
    return account
