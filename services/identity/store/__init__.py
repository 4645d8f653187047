"""Identity in MongoDB: the collections of one unit of work.

`documents` has their shapes, `records` how values become them, `secrets` what is hashed, sealed and
signed, `tries` what is kept whatever becomes of a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bson.int64 import Int64
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from services.common.errors import Stale
from services.common.identifiers import region_ancestors
from services.common.personal.vault import Place
from services.common.transaction import index_models
from services.identity import domain, messages
from services.identity.domain import Account, Mandate, Session
from services.identity.store import documents as docs
from services.identity.store import records
from services.identity.store.clients import MongoClients
from services.identity.store.kept import Kept
from services.identity.store.secrets import Secrets, client_key, key_hash
from services.identity.store.tries import MongoTries

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from bson import ObjectId
    from pymongo.cursor import Cursor
    from pymongo.database import Database

    from services.common.eventlog.outbox import Told
    from services.common.personal.vault import Vault
    from services.common.transaction import Unit

    Document = dict[str, Any]
    EndingPlace = tuple[datetime, ObjectId]

__all__ = [
    "MongoAccounts",
    "MongoClients",
    "MongoMandates",
    "MongoSessions",
    "MongoTries",
    "Secrets",
    "client_key",
    "ensure",
    "key_hash",
    "snapshot",
]

ENDINGS_KEPT: Final = 3600  # seconds; far longer than any token is believed
TRIES_KEPT: Final = int(domain.tries.FORGOTTEN.total_seconds())
ENDINGS_ORDER: Final = [("time", ASCENDING), ("_id", ASCENDING)]
MOST_OWN: Final = 50


def ensure(database: Database[Document]) -> None:
    """Make the collections' indexes."""
    for document in (
        docs.AccountDocument,
        docs.SessionDocument,
        docs.MandateDocument,
        docs.ClientDocument,
    ):
        collection = database[document._meta["collection"]]  # noqa: SLF001  (no public name)
        collection.create_indexes(index_models(document))
    database[docs.SESSIONS].create_indexes([_expires("expire_time", 0)])
    database[docs.TRIES].create_indexes([_expires("last", TRIES_KEPT)])
    told = IndexModel(ENDINGS_ORDER, name="told")
    database[docs.ENDINGS].create_indexes([_expires("time", ENDINGS_KEPT), told])


def _expires(field: str, seconds: int) -> IndexModel:
    return IndexModel([(field, ASCENDING)], name="kept", expireAfterSeconds=seconds)


def snapshot(database: Database[Document]) -> Iterator[Told]:
    """Nothing: what identity keeps is for nobody to copy."""
    del database
    return iter(())


class MongoAccounts(Kept):
    """The accounts of one unit."""

    collection = docs.ACCOUNTS
    document = docs.AccountDocument

    def __init__(self, unit: Unit, vault: Vault) -> None:
        super().__init__(unit)
        self._vault = vault

    def get(self, account_id: str) -> Account:
        return self._account(self._find({"_id": account_id}))

    def by_login(self, login: str) -> Account:
        return self._account(self._find({"login": login}))

    def find_person(self, identity_number: str) -> Account | None:
        matches = list(self._vault.matches(identity_number))
        found = self._find({"identity_match": {"$in": matches}})
        return self._account(found) if found else None

    def find_outside(self, issuer: str, subject: str) -> Account | None:
        found = self._find({"outside": records.outside(issuer, subject)})
        return self._account(found) if found else None

    def link_outside(self, account_id: str, issuer: str, subject: str) -> None:
        self._rows.update_one(
            {"_id": account_id},
            {"$addToSet": {"outside": records.outside(issuer, subject)}},
            session=self._unit.session,
        )
        self._unit.note(account_id)

    def password_of(self, account_id: str) -> str:
        found = self._rows.find_one(
            {"_id": account_id}, {"password": 1}, session=self._unit.session
        )
        return str(found.get("password", "")) if found else ""

    def open(self, account: Account, password: str) -> Account:
        if self._find({"login": account.login}):
            raise domain.LoginTaken
        if account.identity_number and self.find_person(account.identity_number):
            raise domain.PersonKnown
        document = self._document(account) | ({"password": password} if password else {})
        try:
            self._insert(document, messages.account_opened(account))
        except DuplicateKeyError:
            raise Stale("登录名或身份号码刚被注册，请重试。") from None
        return self.get(account.account_id)

    def save(self, account: Account, password: str | None = None) -> Account:
        known = self._find({"_id": account.account_id}) or {}
        kept = {name: known[name] for name in ("password", "outside") if name in known}
        if password is not None:
            kept["password"] = password
        if not kept.get("password"):
            kept.pop("password", None)
        document = kept | self._document(account)
        self._replace(document, messages.account_revised(account))
        return self.get(account.account_id)

    def page(self, *, region: str, after: str, size: int) -> list[Account]:
        return [self._account(one) for one in self._page({"regions": region}, after, size)]

    def _document(self, account: Account) -> Document:
        def sealed(field: str, text: str) -> Document:
            place = Place(docs.ACCOUNTS, field, account.account_id)
            return {field: self._vault.seal(text, place=place)} if text else {}

        number = account.identity_number
        region = account.region
        return {
            "_id": account.account_id,
            "version": Int64(account.version),
            "login": account.login,
            "roles": list(account.roles),
            "department": account.department,
            "region": region,
            "regions": [region, *region_ancestors(region)] if region else [],
            "institution": account.institution,
            "active": account.active,
            "password_expired": account.password_expired,
            **sealed("name", account.name),
            **sealed("identity_number", number),
            **sealed("phone", account.phone),
            **({"identity_match": self._vault.match(number)} if number else {}),
            **({"demo": True} if account.demo else {}),
        }

    def _account(self, document: Document | None) -> Account:
        if document is None:
            raise domain.AccountNotFound

        def opened(field: str) -> str:
            place = Place(docs.ACCOUNTS, field, document["_id"])
            return self._vault.open(document[field], place=place) if field in document else ""

        return Account(
            account_id=document["_id"],
            login=document["login"],
            name=opened("name"),
            roles=tuple(document["roles"]),
            department=document["department"],
            region=document["region"],
            institution=document["institution"],
            identity_number=opened("identity_number"),
            phone=opened("phone"),
            active=document["active"],
            password_expired=document["password_expired"],
            demo=document.get("demo", False),
            version=int(document["version"]),
            update_time=document["update_time"],
        )


class MongoSessions:
    """The sessions of one unit."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._rows = unit.database[docs.SESSIONS]

    def begin(self, session: Session) -> None:
        # Who signs in at one moment, and who then ends all sessions, write the account both: of
        # two transactions that both only read it, neither would see what the other does.
        self._unit.database[docs.ACCOUNTS].update_one(
            {"_id": session.account_id},
            {"$set": {"latest_session": session.session_id}},
            session=self._unit.session,
        )
        self._rows.insert_one(records.session_document(session), session=self._unit.session)
        self._unit.note(session.account_id, session.session_id)

    def find(self, session_id: str) -> Session | None:
        found = self._rows.find_one({"_id": session_id}, session=self._unit.session)
        return records.session_of(found) if found else None

    def renew(self, session: Session, generation: int) -> None:
        before = {"_id": session.session_id, "generation": generation}
        document = records.session_document(session)
        done = self._rows.replace_one(before, document, session=self._unit.session)
        if not done.matched_count:
            raise Stale("登录刚被续期，请重试。")
        self._unit.note(session.account_id, session.session_id)

    def of_account(self, account_id: str, size: int) -> list[Session]:
        return [records.session_of(one) for one in self._latest(account_id).limit(size)]

    def _latest(self, account_id: str) -> Cursor[Document]:
        wanted = {"account": account_id, "expire_time": {"$gt": self._unit.now}}
        return self._rows.find(wanted, session=self._unit.session).sort("start_time", -1)

    def end(self, ids: Collection[str]) -> None:
        if not ids:
            return
        self._rows.delete_many({"_id": {"$in": list(ids)}}, session=self._unit.session)
        endings = [{"subject": one, "time": self._unit.now} for one in ids]
        endings_of = self._unit.database[docs.ENDINGS]
        endings_of.insert_many(endings, session=self._unit.session)
        self._unit.note(*ids)

    def end_oldest(self, account_id: str, *, but: int) -> None:
        self.end([one["_id"] for one in self._latest(account_id).skip(but)])

    def end_all(self, account_id: str, *, but: str = "") -> None:
        found = self._rows.find({"account": account_id}, {"_id": 1}, session=self._unit.session)
        self.end([one["_id"] for one in found if one["_id"] != but])


class MongoMandates(Kept):
    """The mandates of one unit."""

    collection = docs.MANDATES
    document = docs.MandateDocument

    def get(self, mandate_id: str) -> Mandate:
        found = self._find({"_id": mandate_id})
        if found is None:
            raise domain.MandateNotFound
        return records.mandate_of(found)

    def of_account(self, account_id: str, subject_code: str = "") -> list[Mandate]:
        today = domain.legal_day(self._unit.now).isoformat()
        wanted: Document = {
            "account": account_id,
            "active": True,
            "expire_date": {"$not": {"$gt": "", "$lt": today}},
        }
        if subject_code:
            wanted["subject_code"] = subject_code
        found = self._rows.find(wanted, session=self._unit.session).limit(MOST_OWN)
        return [records.mandate_of(one) for one in found]

    def grant(self, mandate: Mandate) -> Mandate:
        self._insert(records.mandate_document(mandate), messages.mandate_granted(mandate))
        return self.get(mandate.mandate_id)

    def end(self, mandate: Mandate) -> Mandate:
        self._replace(records.mandate_document(mandate), messages.mandate_ended(mandate))
        return self.get(mandate.mandate_id)

    def page(
        self, *, subject_code: str, active: bool | None, after: str, size: int
    ) -> list[Mandate]:
        wanted: Document = {"subject_code": subject_code}
        wanted |= {} if active is None else {"active": active}
        return [records.mandate_of(one) for one in self._page(wanted, after, size)]


def endings(
    database: Database[Document], after: datetime, size: int, place: EndingPlace | None = None
) -> tuple[list[str], EndingPlace | None]:
    """Sessions and clients that ended or changed from a moment on, and the place to go on after.

    An ending bears the time its call began and commits later: who asks goes back some seconds.

    Args:
        place: of the page before, if any.
    """
    wanted: Document = {"time": {"$gte": after}}
    if place:
        time, last = place
        wanted = {"$or": [{"time": time, "_id": {"$gt": last}}, {"time": {"$gt": time}}]}
    rows = database[docs.ENDINGS].find(wanted, {"subject": 1, "time": 1})
    found = list(rows.sort(ENDINGS_ORDER).limit(size + 1))
    last_row = found[size - 1] if len(found) > size else None
    more = (last_row["time"], last_row["_id"]) if last_row else None
    return [one["subject"] for one in found[:size]], more
