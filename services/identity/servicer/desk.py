"""What all calls of identity stand on: accounts, passwords, tickets."""

from __future__ import annotations

import secrets as random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from zhengtong.identity.v1 import identity_service_pb2 as pb

from services.common.grpc_host import Department
from services.common.grpc_host.door import CALL
from services.common.paging import page_position
from services.identity import domain, messages, usecases
from services.identity.domain import Account, PasswordWrong
from services.identity.store import (
    MongoAccounts,
    MongoSessions,
    MongoTries,
    Secrets,
)
from services.identity.usecases import Signed

if TYPE_CHECKING:
    from services.common.transaction import Unit


OF_PERSONS = ("account.name", "account.identity_number", "account.phone")
"""What answers that are kept for repeated requests do not hold."""


class Desk:
    """What all calls of identity stand on: accounts, passwords, tickets."""

    def __init__(self, department: Department, secrets: Secrets, *, demo: bool = False) -> None:
        self._department = department
        self._demo = demo
        self._secrets = secrets
        self._tokens = secrets.tokens
        self._passwords = secrets.passwords

    def _accounts(self, unit: Unit) -> MongoAccounts:
        return MongoAccounts(unit, self._secrets.vault)

    def _open(self, request: Any, answer: type[Any], account: Account) -> Any:
        """Open an account with a first password; the answer that is kept does not have it."""
        domain.check_may_govern(CALL.get().caller, account)
        password = self._passwords.first()
        hashed = self._passwords.hash(password)

        def work(unit: Unit) -> Any:
            kept = self._accounts(unit).open(account, hashed)
            return answer(account=messages.account_message(kept), password=password)

        return self._department.change(request, answer, work, secret=("password", *OF_PERSONS))

    def _prove(self, password: str) -> Account:
        """The account that calls, whose password it is. Raises: PasswordWrong, TriesSlowed."""
        unit = self._department.reading()
        account = self._accounts(unit).get(unit.caller.principal)
        try:
            return self._check(account.login, password, "")
        except domain.SignInRefused:
            raise PasswordWrong from None

    def _check(self, login: str, password: str, address: str) -> Account:
        unit = self._department.reading()
        account = usecases.check_credentials(
            login,
            password,
            address,
            now=unit.now,
            accounts=self._accounts(unit),
            passwords=self._passwords,
            tries=MongoTries(self._department.database, unit.now),
        )
        domain.demo.check_usable(account, demo=self._demo)
        return account

    def _signed(self, unit: Unit, account: Account, address: str) -> Signed:
        shown = domain.mask_address(address)
        session_id = new_id("s")
        return usecases.begin(account, session_id, shown, now=unit.now, store=MongoSessions(unit))

    def _ticket(self, signed: Signed) -> pb.Ticket:
        now = self._department.clock()
        session = signed.session
        lasts = min(domain.sessions.ACCESS, session.expire_time - now)
        return pb.Ticket(
            access_token=self._tokens.access(signed, now),
            expires_in=int(max(lasts, timedelta()).total_seconds()),
            refresh_token=self._tokens.refresh(session.session_id, session.generation),
            expire_time=session.expire_time,
            account=messages.account_message(signed.account, own=True),
        )


def new_id(kind: str) -> str:
    """An id that nobody can guess: a (account), c (client), m (mandate), s (session)."""
    return f"{kind}{random.token_hex(12)}"


def place_after(question: str, token: str) -> str:
    """The id to go on from, of a page token; empty for the first page."""
    position = page_position(question, token)
    return str(position[0]) if position else ""
