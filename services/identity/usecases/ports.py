"""What the use cases need: the collections, slow hashes, and who signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from services.identity.domain import Account, Client, Mandate, Session

if TYPE_CHECKING:
    from collections.abc import Collection

    from services.identity.domain import Tries


class Accounts(Protocol):
    """The accounts. What is kept of a person is sealed; passwords are hashes."""

    def get(self, account_id: str) -> Account:
        """Raises: AccountNotFound."""

    def by_login(self, login: str) -> Account:
        """Raises: AccountNotFound."""

    def find_person(self, identity_number: str) -> Account | None:
        """The account of the person with this 公民身份号码."""

    def find_outside(self, issuer: str, subject: str) -> Account | None:
        """The account that an outside provider means."""

    def link_outside(self, account_id: str, issuer: str, subject: str) -> None:
        """Remember whom an outside provider means."""

    def password_of(self, account_id: str) -> str:
        """The hash; empty where the account has none."""

    def open(self, account: Account, password: str) -> Account:
        """Keep a new account with the hash of its password. Raises: LoginTaken, PersonKnown."""

    def save(self, account: Account, password: str | None = None) -> Account:
        """Keep a changed one; `password` is a new hash, empty for none. Raises: Stale."""

    def page(self, *, region: str, after: str, size: int) -> list[Account]:
        """Accounts bound to a region or below, in order of id."""


class Sessions(Protocol):
    """The sessions that have not ended."""

    def begin(self, session: Session) -> None:
        """Keep a new one."""

    def find(self, session_id: str) -> Session | None:
        """The session, unless it has ended."""

    def renew(self, session: Session, generation: int) -> None:
        """Keep a renewed one; `generation` is what it was. Raises: Stale."""

    def of_account(self, account_id: str, size: int) -> list[Session]:
        """The latest first."""

    def end(self, ids: Collection[str]) -> None:
        """End them, and tell who believes their tokens."""

    def end_oldest(self, account_id: str, *, but: int) -> None:
        """End those of an account but its latest."""

    def end_all(self, account_id: str, *, but: str = "") -> None:
        """End those of an account."""


class Mandates(Protocol):
    """The mandates."""

    def get(self, mandate_id: str) -> Mandate:
        """Raises: MandateNotFound."""

    def of_account(self, account_id: str, subject_code: str = "") -> list[Mandate]:
        """Those that hold now, at most 50, of one enterprise or of all."""

    def grant(self, mandate: Mandate) -> Mandate:
        """Keep a new one."""

    def end(self, mandate: Mandate) -> Mandate:
        """Keep one that has ended. Raises: Stale."""

    def page(
        self, *, subject_code: str, active: bool | None, after: str, size: int
    ) -> list[Mandate]:
        """Those of an enterprise, in order of id; `active` None: in any state."""


class Clients(Protocol):
    """The machine clients."""

    def get(self, client_id: str) -> Client:
        """Raises: ClientNotFound."""

    def by_key(self, key: str) -> Client | None:
        """The client in use whose key it is."""

    def by_certificate(self, certificate: str) -> Client | None:
        """The client in use that may show it."""

    def register(self, client: Client, key: str) -> Client:
        """Keep a new one with the hash of its key."""

    def save(self, client: Client, key: str | None = None) -> Client:
        """Keep a changed one; `key` is the hash of a new key. Raises: Stale."""

    def page(self, *, region: str, after: str, size: int) -> list[Client]:
        """Clients of a region or below, in order of id."""


class TriesLog(Protocol):
    """Failed tries, kept whatever becomes of the call."""

    def of_login(self, login: str) -> Tries:
        """Those for a login."""

    def of_address(self, address: str) -> Tries:
        """Those from an address."""

    def begin(self, login: str, seen: Tries) -> bool:
        """Count a try as failed until it is known; False: another one is under way."""

    def failed_from(self, address: str) -> None:
        """Count a failure, or a registration, for an address."""

    def forget(self, login: str) -> None:
        """The right password came."""


class Passwords(Protocol):
    """Slow hashes."""

    def fits(self, hashed: str, password: str) -> bool:
        """Whether it is the password; as slow where `hashed` is empty."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A session, whose it is, and what for."""

    session: Session
    account: Account
    mandate: Mandate | None = None
