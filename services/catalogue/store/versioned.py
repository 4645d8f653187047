"""Documents whose version rises by one with each change: who is slower is stale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymongo.errors import DuplicateKeyError

from services.common.errors import Stale

if TYPE_CHECKING:
    from pymongo.collection import Collection

    from services.common.transaction import Unit

    Document = dict[str, Any]


def write(rows: Collection[Document], document: Document, unit: Unit, named: str) -> None:
    """Insert version 1, replace the version before a later one.

    Args:
        named: what it is, as a person reads it.

    Raises:
        Stale: somebody was faster.
    """
    if document["version"] == 1:
        try:
            rows.insert_one(document, session=unit.session)
        except DuplicateKeyError:
            raise Stale(f"{named}刚被他人发布，请重试。") from None
        return
    before = {"_id": document["_id"], "version": document["version"] - 1}
    if not rows.replace_one(before, document, session=unit.session).matched_count:
        raise Stale(f"{named}刚被他人修改，请重试。")
