"""Where the hashes of a tree are kept: tiles of 256, so that a proof reads a handful of them.

Tile (0, n) holds the hashes of leaves 256 n up to 256 (n + 1); tile (1, n) those of the tiles of
level 0, and so on. What lies between two levels is hashed anew when it is asked for: a tenth of a
millisecond, against one document for each node. Only complete subtrees are kept, so that no hash
is ever taken back; the last tile of a level grows until it is full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.common.audit.merkle import EMPTY, HASH_BYTES, complete, folded, node_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from services.common.audit.merkle import Node, Range

    Tile = tuple[int, int]

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
TILE_BYTES: Final = WIDTH * HASH_BYTES


class TileMissing(LookupError):
    """A tile is not kept, or not as full as the size of the tree says it should be."""


def tiles_of(ranges: Iterable[Range]) -> set[Tile]:
    """The tiles that the hashes over these ranges of leaves are made of."""
    return {_tile_of(node) for one in ranges for node in complete(*one)}


def edge_of(size: int) -> set[Tile]:
    """The tiles that are begun and not full in a tree of this size."""
    edge = set()
    level = 0
    while size:
        if size % WIDTH:
            edge.add((level, size // WIDTH))
        size //= WIDTH
        level += 1
    return edge


def hashes_over(ranges: Iterable[Range], tiles: Mapping[Tile, bytes]) -> list[bytes]:
    """The hash over each of these ranges of leaves.

    Raises:
        TileMissing: `tiles` lacks some of `tiles_of(ranges)`.
    """
    return [folded([_hash_of(node, tiles) for node in complete(*one)]) for one in ranges]


def root_of(size: int, tiles: Mapping[Tile, bytes]) -> bytes:
    """The root of the tree's first `size` leaves; raises TileMissing."""
    return hashes_over([(0, size)], tiles)[0] if size else EMPTY


def grown(size: int, edge: Mapping[Tile, bytes], leaves: Sequence[bytes]) -> dict[Tile, bytes]:
    """The tiles that change when these leaves are added to a tree of this size.

    Args:
        edge: the tiles `edge_of(size)`.

    Raises:
        TileMissing: `edge` lacks one, or one is not as full as it should be.
    """
    changed: dict[Tile, bytes] = {}
    level = 0
    while leaves:
        first, begun = divmod(size, WIDTH)
        kept = edge.get((level, first), b"") if begun else b""
        if len(kept) != begun * HASH_BYTES:
            raise TileMissing(f"tile {level}/{first} holds {len(kept)} bytes")
        row = kept + b"".join(leaves)
        parts = [row[at : at + TILE_BYTES] for at in range(0, len(row), TILE_BYTES)]
        changed |= {(level, first + place): part for place, part in enumerate(parts)}
        leaves = [_over(part) for part in parts if len(part) == TILE_BYTES]
        size = first
        level += 1
    return changed


def _tile_of(node: Node) -> Tile:
    level, index = node
    return level // HEIGHT, (index << level % HEIGHT) // WIDTH


def _hash_of(node: Node, tiles: Mapping[Tile, bytes]) -> bytes:
    level, index = node
    width = 1 << level % HEIGHT
    first = index * width % WIDTH
    tile = _tile_of(node)
    part = tiles.get(tile, b"")[first * HASH_BYTES : (first + width) * HASH_BYTES]
    if len(part) != width * HASH_BYTES:
        raise TileMissing(f"tile {tile[0]}/{tile[1]} lacks {first}..{first + width}")
    return _over(part)


def _over(row: bytes) -> bytes:
    """The hash of the complete subtree over a row of hashes side by side."""
    hashes = [row[at : at + HASH_BYTES] for at in range(0, len(row), HASH_BYTES)]
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [node_hash(left, right) for left, right in pairs]
    return hashes[0]
