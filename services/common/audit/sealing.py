"""The sealer: makes rows that are not in the tree its next leaves.

All of a batch is one transaction, guarded by the tree's size: of two sealers one loses and begins
anew, and a kill at any moment leaves the tree as it was before. Rows are never waited for: what is
committed later becomes a later leaf, whatever its time says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson.int64 import Int64
from pymongo import ReplaceOne, UpdateOne
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from services.common.audit import ROWS, TREE, TREE_ID
from services.common.audit.merkle import leaf_hash
from services.common.audit.records import LEAF, UNSEALED, canonical
from services.common.audit.tiles import edge_of, grown, root_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.asynchronous.database import AsyncDatabase

    from services.common.audit.tiles import Tile

    Document = dict[str, Any]

BATCH: Final = 1000
MOST_COUNTED: Final = 100_000
OLDEST_FIRST: Final = [("time", 1), ("_id", 1)]


class TreeRaced(Exception):
    """Another sealer has made the tree grow meanwhile; nothing was written."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Rows that are not in the tree yet.

    Args:
        count: 100,000 stands for more as well.
        oldest: the time of the oldest of them; None: there are none.
    """

    count: int
    oldest: datetime | None


def tile_id(tile: Tile) -> str:
    """What a tile's document is found by."""
    return f"{tile[0]}/{tile[1]}"


async def seal(database: AsyncDatabase[Document], most: int = BATCH) -> int:
    """Make the oldest rows outside the tree its next leaves, at most `most`; how many there were.

    Raises:
        TreeRaced: another sealer was faster.
    """
    if await database[ROWS].find_one({UNSEALED: True}, {"_id": 1}, hint=UNSEALED) is None:
        return 0

    async def work(session: AsyncClientSession) -> int:
        tree = await database[TREE].find_one({"_id": TREE_ID}, session=session)
        found = database[ROWS].find({UNSEALED: True}, hint=UNSEALED, session=session)
        rows = await found.sort(OLDEST_FIRST).limit(most).to_list()
        if tree is None or not rows:
            return 0
        await _grow(
            database, int(tree["size"]), [leaf_hash(canonical(row)) for row in rows], session
        )
        await _mark(database, int(tree["size"]), [row["_id"] for row in rows], session)
        return len(rows)

    async with database.client.start_session() as session:
        return await session.with_transaction(
            work,
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority", j=True),
        )


async def _grow(
    database: AsyncDatabase[Document],
    size: int,
    leaves: Sequence[bytes],
    session: AsyncClientSession,
) -> None:
    """Write the tiles that change, and the new size and root."""
    edge = await _tiles(database, edge_of(size), session)
    changed = grown(size, edge, leaves)
    new_size = size + len(leaves)
    root = root_of(new_size, edge | changed)
    moved = await database[TREE].update_one(
        {"_id": TREE_ID, "size": size},
        {"$set": {"size": Int64(new_size), "root": root}},
        session=session,
    )
    if not moved.matched_count:
        raise TreeRaced
    writes = [
        ReplaceOne({"_id": tile_id(tile)}, {"hashes": hashes}, upsert=True)
        for tile, hashes in changed.items()
    ]
    await database[TREE].bulk_write(writes, ordered=False, session=session)


async def _tiles(
    database: AsyncDatabase[Document], wanted: Iterable[Tile], session: AsyncClientSession
) -> dict[Tile, bytes]:
    ids = {tile_id(tile): tile for tile in wanted}
    found = database[TREE].find({"_id": {"$in": list(ids)}}, session=session)
    return {ids[tile["_id"]]: bytes(tile["hashes"]) async for tile in found}


async def _mark(
    database: AsyncDatabase[Document],
    first: int,
    ids: Sequence[str],
    session: AsyncClientSession,
) -> None:
    """Say on each row which leaf it is."""
    writes = [
        UpdateOne({"_id": one}, {"$set": {LEAF: Int64(first + place)}, "$unset": {UNSEALED: ""}})
        for place, one in enumerate(ids)
    ]
    await database[ROWS].bulk_write(writes, ordered=False, session=session)


async def backlog(database: AsyncDatabase[Document]) -> Backlog:
    """How many rows are not in the tree yet, and since when."""
    oldest = await database[ROWS].find_one({UNSEALED: True}, {"time": 1}, sort=OLDEST_FIRST)
    if oldest is None:
        return Backlog(0, None)
    count = await database[ROWS].count_documents(
        {UNSEALED: True}, hint=UNSEALED, limit=MOST_COUNTED
    )
    return Backlog(count, oldest["time"])
