"""Failed tries, written at once: what a refused call did is rolled back, these stay."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pymongo.errors import DuplicateKeyError

from services.identity.domain import Tries
from services.identity.domain.tries import FADES
from services.identity.store.documents import TRIES

if TYPE_CHECKING:
    from datetime import datetime

    from pymongo.database import Database

    Document = dict[str, Any]


class MongoTries:
    """Who failed how often, under hashes: the list of what people typed is nobody's business."""

    def __init__(self, database: Database[Document], now: datetime) -> None:
        self._rows = database[TRIES]
        self._now = now

    def of_login(self, login: str) -> Tries:
        return self._of(_key("login", login))

    def of_address(self, address: str) -> Tries:
        return self._of(_key("address", address))

    def begin(self, login: str, seen: Tries) -> bool:
        key = _key("login", login)
        if seen.last is None:
            try:
                self._rows.insert_one({"_id": key, "failures": 1, "last": self._now})
            except DuplicateKeyError:
                return False
            return True
        before = {"_id": key, "failures": seen.failures, "last": seen.last}
        count = {"$inc": {"failures": 1}, "$set": {"last": self._now}}
        return bool(self._rows.update_one(before, count).matched_count)

    def failed_from(self, address: str) -> None:
        since = {"$subtract": [self._now, {"$ifNull": ["$last", self._now]}]}
        faded = {"$floor": {"$divide": [since, FADES // timedelta(milliseconds=1)]}}
        left = {"$max": [0, {"$subtract": [{"$ifNull": ["$failures", 0]}, faded]}]}
        count = {"$set": {"failures": {"$toInt": {"$add": [left, 1]}}, "last": self._now}}
        self._rows.update_one({"_id": _key("address", address)}, [count], upsert=True)

    def forget(self, login: str) -> None:
        self._rows.delete_one({"_id": _key("login", login)})

    def _of(self, key: str) -> Tries:
        found = self._rows.find_one({"_id": key})
        return Tries(found["failures"], found["last"]) if found else Tries()


def _key(kind: str, what: str) -> str:
    return hashlib.sha256(f"{kind}\n{what}".encode("utf-8", "replace")).hexdigest()
