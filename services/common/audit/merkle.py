"""Merkle trees as RFC 6962 has them: hashes, what proofs consist of, and their verification.

Nothing here reads or keeps anything. A proof is first a list of ranges of leaves, each of which is
one or more complete subtrees; `tiles` knows where the hashes of those are kept.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    Range = tuple[int, int]
    Node = tuple[int, int]

HASH_BYTES: Final = 32
EMPTY: Final = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(record: bytes) -> bytes:
    """The hash of a leaf; its first byte keeps a leaf from ever passing for a node."""
    return hashlib.sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def complete(first: int, end: int) -> list[Node]:
    """The complete subtrees, as (level, index), that leaves from `first` up to `end` consist of.

    Args:
        first: the first leaf of a subtree, as every range of a proof begins with one.
    """
    found = []
    while first < end:
        level = (end - first).bit_length() - 1
        found.append((level, first >> level))
        first += 1 << level
    return found


def folded(hashes: Sequence[bytes]) -> bytes:
    """The hash over complete subtrees that stand side by side, the largest first."""
    result = hashes[-1]
    for one in reversed(hashes[:-1]):
        result = node_hash(one, result)
    return result


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """What the proof consists of that leaf `index` is in the tree of `size`, from below upwards."""
    first, end = 0, size
    path = []
    while end - first > 1:
        middle = first + _left_part(end - first)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    return path[::-1]


def consistency_ranges(old: int, size: int) -> list[Range]:
    """What the proof consists of that the tree of `size` begins with that of `old` leaves.

    Nothing where `old` is 0 or `size`: there is nothing to prove.
    """
    first, end = 0, size
    path = []
    while 0 < old < end:
        middle = first + _left_part(end - first)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    # The verifier knows the root of the old tree: it is left out where it is one whole subtree.
    return ([(first, end)] if first else []) + path[::-1]


def includes(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves that `leaf` is number `index` in the tree of this size and root."""
    if not 0 <= index < size:
        return False
    here, last, result = index, size - 1, leaf
    for one in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            result = node_hash(one, result)
            here, last = _up_to_a_right_child(here, last)
        else:
            result = node_hash(result, one)
        here, last = here >> 1, last >> 1
    return last == 0 and result == root


def continues(old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that the tree of this size and root begins with the old one."""
    if old in (0, size):
        return not path and (old_root == root if old == size else old_root == EMPTY)
    if not 0 < old < size or not path:
        return False
    if old & (old - 1) == 0:
        path = [old_root, *path]
    here, last = old - 1, size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    before = after = path[0]
    for one in path[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            before, after = node_hash(one, before), node_hash(one, after)
            here, last = _up_to_a_right_child(here, last)
        else:
            after = node_hash(after, one)
        here, last = here >> 1, last >> 1
    return last == 0 and before == old_root and after == root


class Growing:
    """The root of leaves that come one after the other, in memory that hardly grows with them."""

    def __init__(self) -> None:
        self.size = 0
        self._complete: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Take in the hash of the next leaf."""
        self._complete.append(leaf)
        self.size += 1
        size = self.size
        while size & 1 == 0:
            right = self._complete.pop()
            self._complete.append(node_hash(self._complete.pop(), right))
            size >>= 1

    def root(self) -> bytes:
        """The root of the leaves so far."""
        return folded(self._complete) if self._complete else EMPTY


def _left_part(size: int) -> int:
    """The largest power of two below `size`, which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _up_to_a_right_child(here: int, last: int) -> tuple[int, int]:
    while here and not here & 1:
        here, last = here >> 1, last >> 1
    return here, last
