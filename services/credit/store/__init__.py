"""Credit in MongoDB: what its collections need, its snapshot, and the store of one unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.common.eventlog import outbox
from services.common.transaction import index_models
from services.credit import messages
from services.credit.domain import Changed
from services.credit.store.documents import COLLECTIONS, DOCUMENTS
from services.credit.store.records import MongoStore
from services.credit.store.rows import digest, listed_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymongo.database import Database

    from services.common.eventlog.outbox import Told

    Document = dict[str, Any]

__all__ = ["COLLECTIONS", "DOCUMENTS", "MongoStore", "digest", "ensure", "snapshot"]
SNAPSHOT_PAGE: Final = 500


def ensure(database: Database[Document]) -> None:
    """Make the collections' indexes."""
    for document in DOCUMENTS.values():
        if models := index_models(document):
            database[document._meta["collection"]].create_indexes(models)  # noqa: SLF001


def snapshot(database: Database[Document]) -> Iterator[Told]:
    """Every public record as the fact that it became public, subjects first."""
    for kind, name in COLLECTIONS.items():
        after = ""
        while True:
            found = database[name].find({"_id": {"$gt": after}, "public": True})
            page = list(found.sort("_id", 1).limit(SNAPSHOT_PAGE))
            for document in page:
                yield outbox.tell(
                    messages.fact_message(Changed(listed_of(kind, document), newly=True)),
                    subject=document["_id"],
                    version=document["version"],
                    tick=document["tick"],
                )
            if len(page) < SNAPSHOT_PAGE:
                break
            after = page[-1]["_id"]
