"""What is answered about a department's audit: its head, its records and leaves, and proofs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.common.audit import HEADS, ROWS, TREE, TREE_ID
from services.common.audit.heads import head_in
from services.common.audit.merkle import (
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
)
from services.common.audit.records import LEAF, UNSEALED, canonical
from services.common.audit.sealing import MOST_COUNTED, OLDEST_FIRST, Backlog, tile_id
from services.common.audit.tiles import hashes_over, tiles_of
from services.common.errors import Invalid, NotFound, Refused, Violation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pymongo.database import Database

    from services.common.audit.heads import Head
    from services.common.audit.merkle import Range

    Document = dict[str, Any]


class HeadNotFound(NotFound):
    """No head has been signed yet."""

    reason = "AUDIT_HEAD_NOT_FOUND"


class RecordNotFound(NotFound):
    """There is no record of this id."""

    reason = "AUDIT_RECORD_NOT_FOUND"


class RecordNotSealed(Refused):
    """The record is there and is not in the tree of that size."""

    reason = "AUDIT_RECORD_NOT_SEALED"


class TreeSizeInvalid(Invalid):
    """No tree of this size can be asked for."""

    reason = "AUDIT_TREE_SIZE_INVALID"


@dataclass(frozen=True, slots=True)
class Question:
    """Which records are asked for; what is empty or None asks for nothing.

    Args:
        principal: who did it, or who approved it.
    """

    subject: str = ""
    principal: str = ""
    since: datetime | None = None
    until: datetime | None = None


def newest_head(database: Database[Document]) -> Head:
    """The head of the largest tree that was signed; raises HeadNotFound."""
    found = database[HEADS].find_one(sort=[("_id", -1)])
    if found is None:
        raise HeadNotFound("还没有签发过审计树头，请稍后再试。")
    return head_in(found)


def backlog(database: Database[Document]) -> Backlog:
    """How many rows are not in the tree yet, and since when."""
    oldest = database[ROWS].find_one({UNSEALED: True}, {"time": 1}, sort=OLDEST_FIRST)
    if oldest is None:
        return Backlog(0, None)
    count = database[ROWS].count_documents({UNSEALED: True}, hint=UNSEALED, limit=MOST_COUNTED)
    return Backlog(count, oldest["time"])


def records(
    database: Database[Document],
    question: Question,
    *,
    limit: int,
    before: tuple[datetime, str] | None = None,
) -> list[Document]:
    """The rows that answer `question`, newest first.

    Args:
        before: time and id of the row after which they go on.
    """
    parts: list[Document] = []
    if question.subject:
        parts.append({"subjects": question.subject})
    if question.since:
        parts.append({"time": {"$gte": question.since}})
    if question.until:
        parts.append({"time": {"$lt": question.until}})
    if before:
        time, last = before
        # The first bounds the walk over the index, the second decides among rows of one time.
        parts.append({"time": {"$lte": time}})
        parts.append({"$or": [{"time": {"$lt": time}}, {"_id": {"$lt": last}}]})
    found = database[ROWS].find(_wanted(parts, question.principal))
    return list(found.sort([("time", -1), ("_id", -1)]).limit(limit))


def _wanted(parts: list[Document], principal: str) -> Document:
    """What fulfils all of `parts`, and was done or approved by `principal` where that is given."""
    if not principal:
        return {"$and": parts} if parts else {}
    # All that is asked for stands in each arm, so that each walks an index of its own in order.
    arms = ({name: principal} for name in ("principal", "approved_by"))
    return {"$or": [{"$and": [arm, *parts]} for arm in arms]}


def tree_size(database: Database[Document], wanted: int, field: str) -> int:
    """The size that is asked for; where that is 0, the size now.

    Raises:
        TreeSizeInvalid: negative, or larger than the tree is.
    """
    tree = database[TREE].find_one({"_id": TREE_ID})
    size = int(tree["size"]) if tree else 0
    if not 0 <= wanted <= size:
        text = f"审计树现有 {size} 条记录，应为 0 到 {size} 的整数。"
        raise TreeSizeInvalid(text, Violation(field, text))
    return wanted or size


def leaves(database: Database[Document], first: int, end: int) -> list[str]:
    """The records that are leaves from `first` up to `end`, as they are hashed."""
    wanted = {LEAF: {"$gte": first, "$lt": end}}
    return [canonical(row).decode() for row in database[ROWS].find(wanted).sort(LEAF, 1)]


def inclusion(
    database: Database[Document], record_id: str, size: int
) -> tuple[int, bytes, list[bytes]]:
    """Which leaf a record is, its hash as its row is now, and its path in the tree of `size`.

    Raises:
        RecordNotFound: there is no such record.
        RecordNotSealed: it is not in that tree.
    """
    row = database[ROWS].find_one({"_id": record_id})
    if row is None:
        raise RecordNotFound("没有这个编号的审计记录。")
    index = row.get(LEAF)
    if index is None or index >= size:
        raise RecordNotSealed("这条审计记录还不在这个大小的树里，请稍后再试。")
    path = _hashes(database, inclusion_ranges(int(index), size))
    return int(index), leaf_hash(canonical(row)), path


def consistency(database: Database[Document], old: int, size: int) -> list[bytes]:
    """The proof that the tree of `size` begins with the one of `old`.

    Raises:
        TreeSizeInvalid: `old` is the larger one.
    """
    if old > size:
        text = f"应不大于 {size}，即较新的树的大小。"
        raise TreeSizeInvalid(text, Violation("first_size", text))
    return _hashes(database, consistency_ranges(old, size))


def _hashes(database: Database[Document], ranges: Sequence[Range]) -> list[bytes]:
    ids = {tile_id(tile): tile for tile in tiles_of(ranges)}
    found = database[TREE].find({"_id": {"$in": list(ids)}})
    return hashes_over(ranges, {ids[one["_id"]]: bytes(one["hashes"]) for one in found})
