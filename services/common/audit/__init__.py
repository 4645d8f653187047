"""Who changed what and who looked at what: a row each, and a Merkle tree over the rows.

A change's row is in its own transaction, that of a look is durable before its answer leaves
(`looks`). Hashing follows after (`sealing`): a row is inserted `unsealed`, and the relay process
makes it the next leaf of the department's tree (`merkle`, `tiles`), whose head it signs (`heads`).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from bson.int64 import Int64
from pymongo import ASCENDING, DESCENDING, IndexModel

from services.common.audit.merkle import EMPTY
from services.common.audit.records import LEAF, UNSEALED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Literal

    from pymongo.database import Database

    from services.common.access import Caller

ROWS: Final = "audit"
TREE: Final = "audit_tree"
HEADS: Final = "audit_heads"
TREE_ID: Final = "tree"
"""The one document of TREE that is no tile: how many leaves there are, and their root."""

_NEWEST = [("time", DESCENDING), ("_id", DESCENDING)]
INDEXES = [
    IndexModel(_NEWEST, name="by_time"),
    IndexModel([("subjects", ASCENDING), *_NEWEST], name="by_subject"),
    IndexModel([("principal", ASCENDING), *_NEWEST], name="by_principal"),
    IndexModel(
        [("approved_by", ASCENDING), *_NEWEST],
        name="by_reviewer",
        partialFilterExpression={"approved_by": {"$gt": ""}},
    ),
    # The sealer's question: what is not in the tree yet, oldest first.
    IndexModel(
        [("time", ASCENDING), ("_id", ASCENDING)],
        name=UNSEALED,
        partialFilterExpression={UNSEALED: True},
    ),
    IndexModel(
        [(LEAF, ASCENDING)],
        name=LEAF,
        unique=True,
        partialFilterExpression={LEAF: {"$gte": 0}},
    ),
]
# Not `kept`: that is the name of the index by which heads without an `expire_time` go.
HEAD_INDEXES = [IndexModel([("expire_time", ASCENDING)], name="expiry", expireAfterSeconds=0)]


def ensure(database: Database[dict[str, Any]]) -> None:
    """Make the collections and indexes; rows from before there was a tree are to be sealed."""
    database[ROWS].create_indexes(INDEXES)
    database[HEADS].create_indexes(HEAD_INDEXES)
    if database[TREE].find_one({"_id": TREE_ID}) is None:
        # Before the tree is there, for without it nothing is sealed.
        database[ROWS].update_many(
            {UNSEALED: {"$exists": False}, LEAF: {"$exists": False}}, {"$set": {UNSEALED: True}}
        )
        empty = {"size": Int64(0), "root": EMPTY}
        database[TREE].update_one({"_id": TREE_ID}, {"$setOnInsert": empty}, upsert=True)


def row(  # noqa: PLR0913  (plain data)
    *,
    caller: Caller,
    call: str,
    subjects: Sequence[str],
    request_id: str,
    traceparent: str,
    now: datetime,
    act: Literal["change", "look"] = "change",
    approved_by: str = "",
) -> dict[str, Any]:
    """The row of one change or look: who, for whom, why, which call, what, trace, reviewer."""
    return {
        "_id": uuid.uuid4().hex,
        "act": act,
        "time": now,
        "principal": caller.principal,
        "kind": caller.kind,
        "on_behalf_of": caller.on_behalf_of,
        "purpose": caller.purpose,
        "call": call,
        "subjects": list(subjects),
        "request_id": request_id,
        "traceparent": traceparent,
        "approved_by": approved_by,
        UNSEALED: True,
    }
