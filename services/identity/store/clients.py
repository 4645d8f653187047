"""Machine clients in MongoDB."""

from __future__ import annotations

from typing import Any

from pymongo.errors import DuplicateKeyError

from services.common.errors import Stale, Violation
from services.identity import domain, messages
from services.identity.domain import Client, clients
from services.identity.store import documents as docs
from services.identity.store import records
from services.identity.store.kept import Kept
from services.identity.store.secrets import key_hash


class MongoClients(Kept):
    """The clients of one unit."""

    collection = docs.CLIENTS
    document = docs.ClientDocument

    def get(self, client_id: str) -> Client:
        found = self._find({"_id": client_id})
        if found is None:
            raise domain.ClientNotFound
        return records.client_of(found)

    def by_key(self, key: str) -> Client | None:
        found = self._rows.find_one({"key": key_hash(key)}, session=self._unit.session)
        return records.client_of(found) if found and found["active"] else None

    def by_certificate(self, certificate: str) -> Client | None:
        found = self._rows.find_one({"certificates": certificate}, session=self._unit.session)
        return records.client_of(found) if found and found["active"] else None

    def register(self, client: Client, key: str) -> Client:
        document = records.client_document(client) | {"key": key}
        self._check_unique(client)
        self._once(lambda: self._insert(document, messages.client_registered(client)))
        return self.get(client.client_id)

    def save(self, client: Client, key: str | None = None) -> Client:
        known = self._find({"_id": client.client_id}) or {}
        document = records.client_document(client) | {"key": key or known.get("key", "")}
        self._check_unique(client)
        self._once(lambda: self._replace(document, messages.client_revised(client)))
        return self.get(client.client_id)

    def page(self, *, region: str, after: str, size: int) -> list[Client]:
        return [records.client_of(one) for one in self._page({"regions": region}, after, size)]

    def _check_unique(self, client: Client) -> None:
        shown = {"certificates": {"$in": list(client.certificates)}}
        for one in self._rows.find(shown, {"_id": 1}, session=self._unit.session):
            if one["_id"] != client.client_id:
                told = "其中一张证书已登记给另一部门系统。"
                raise clients.ClientInvalid(told, Violation("client.certificates", told))

    @staticmethod
    def _once(write: Any) -> None:
        """Write; what another writes at the same moment ends the whole transaction."""
        try:
            write()
        except DuplicateKeyError:
            raise Stale("证书刚被登记，请重试。") from None
