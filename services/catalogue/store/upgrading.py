"""Items that an earlier release kept get what this one keeps beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymongo import UpdateOne

from services.catalogue.domain import Item, State
from services.catalogue.store import listing
from services.catalogue.store.documents import COLLECTION
from services.catalogue.store.item_rows import quality_of
from services.common import fields

if TYPE_CHECKING:
    from pymongo.database import Database

    Document = dict[str, Any]

AT_ONCE: Final = 500


def upgrade(database: Database[Document]) -> None:
    """Complete the items that stand on no shelf yet; nothing is left to do the second time.

    Whoever changes an item meanwhile writes it whole: that write stands.
    """
    items = database[COLLECTION]
    while old := list(items.find({"shelves": {"$exists": False}}).limit(AT_ONCE)):
        items.bulk_write([_completed(document) for document in old], ordered=False)


def _completed(document: Document) -> UpdateOne:
    item = fields.restore(Item, document["item"])
    state = State.PUBLISHED if document["public"] else State.WITHDRAWN
    beside = {
        "state": state.value,
        "reason": "",
        "moved_to": "",
        "body": item.body,
        "quality": quality_of(item),
        "shelves": listing.shelves(item) if document["public"] else [],
    }
    # What is there already stays: an item may lack but one of these.
    missing = {name: value for name, value in beside.items() if name not in document}
    return UpdateOne({"_id": document["_id"], "version": document["version"]}, {"$set": missing})
