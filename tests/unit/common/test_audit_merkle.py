"""The tree of RFC 6962: its published vectors, and a naive tree as its definition has it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.audit import merkle, tiles
from services.common.audit.merkle import (
    EMPTY,
    Growing,
    consistency_ranges,
    continues,
    includes,
    inclusion_ranges,
    leaf_hash,
    node_hash,
)
from services.common.audit.tiles import TileMissing, grown, hashes_over, root_of

# certificate-transparency, merkle_tree_test: eight leaves, the roots of their trees and proofs.
LEAVES = (
    *("", "00", "10", "2021", "3031", "40414243", "5051525354555657"),
    "606162636465666768696a6b6c6d6e6f",
)
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
LEAF_2 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
LEAVES_3_4 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
LEAVES_5_TO_8 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
LEAF_5 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
LEAVES_7_8 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
LEAVES_5_6 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
# (index from 0, size): path
INCLUSION = {
    (0, 1): (),
    (0, 8): (LEAF_2, LEAVES_3_4, LEAVES_5_TO_8),
    (5, 8): (LEAF_5, LEAVES_7_8, ROOTS[3]),
    (2, 3): (ROOTS[1],),
    (1, 5): (ROOTS[0], LEAVES_3_4, LEAF_5),
}
# (old size, size): path
CONSISTENCY = {
    (1, 1): (),
    (1, 8): (LEAF_2, LEAVES_3_4, LEAVES_5_TO_8),
    (6, 8): (LEAVES_5_6, LEAVES_7_8, ROOTS[3]),
    (2, 5): (LEAVES_3_4, LEAF_5),
}

sizes = st.integers(1, 1200)


def leaves_of(size):
    return [leaf_hash(str(number).encode()) for number in range(size)]


def published():
    return [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]


def kept(leaves, batch=1000):
    """The tiles of a tree that has grown by batches."""
    known = {}
    for first in range(0, len(leaves), batch):
        edge = {tile: known[tile] for tile in tiles.edge_of(first)}
        known |= grown(first, edge, leaves[first : first + batch])
    return known


def naive_root(leaves):
    """MTH of RFC 6962, section 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = naive_split(len(leaves))
    return node_hash(naive_root(leaves[:k]), naive_root(leaves[k:]))


def naive_path(index, leaves):
    """PATH of section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = naive_split(len(leaves))
    if index < k:
        return [*naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


def naive_proof(old, leaves, *, whole=True):
    """SUBPROOF of section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = naive_split(len(leaves))
    if old <= k:
        return [*naive_proof(old, leaves[:k], whole=whole), naive_root(leaves[k:])]
    return [*naive_proof(old - k, leaves[k:], whole=False), naive_root(leaves[:k])]


def naive_split(size):
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def in_hex(hashes):
    return tuple(one.hex() for one in hashes)


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots_are_ours(size):
    leaves = published()[:size]
    expected = bytes.fromhex(ROOTS[size - 1]) if size else EMPTY
    growing = Growing()
    for leaf in leaves:
        growing.add(leaf)
    assert root_of(size, kept(leaves, batch=3)) == growing.root() == expected


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_published_inclusion_proofs_are_ours_and_verify(index, size):
    path = hashes_over(inclusion_ranges(index, size), kept(published()))
    assert in_hex(path) == INCLUSION[index, size]
    root = bytes.fromhex(ROOTS[size - 1])
    assert includes(index, size, published()[index], path, root)


@pytest.mark.parametrize(("old", "size"), CONSISTENCY)
def test_the_published_consistency_proofs_are_ours_and_verify(old, size):
    path = hashes_over(consistency_ranges(old, size), kept(published()))
    assert in_hex(path) == CONSISTENCY[old, size]
    assert continues(old, bytes.fromhex(ROOTS[old - 1]), size, bytes.fromhex(ROOTS[size - 1]), path)


def test_the_empty_tree_has_the_published_root():
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(sizes, st.integers(1, 700), st.data())
def test_a_tree_grown_in_batches_is_the_tree_by_definition(size, batch, data):
    leaves = leaves_of(size)
    known = kept(leaves, batch)
    part = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, size - 1))
    assert root_of(part, known) == naive_root(leaves[:part])
    assert hashes_over(inclusion_ranges(index, size), known) == naive_path(index, leaves)
    assert hashes_over(consistency_ranges(part, size), known) == naive_proof(part, leaves)


@given(sizes, st.data())
def test_every_proof_verifies_and_proves_nothing_else(size, data):
    leaves = leaves_of(size)
    known = kept(leaves)
    root = root_of(size, known)
    index = data.draw(st.integers(0, size - 1))
    path = hashes_over(inclusion_ranges(index, size), known)
    assert includes(index, size, leaves[index], path, root)
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index or size == 1))
    if size > 1:
        assert not includes(index, size, leaves[other], path, root)
        assert not includes(other, size, leaves[index], path, root)
    old = data.draw(st.integers(1, size))
    proof = hashes_over(consistency_ranges(old, size), known)
    assert continues(old, root_of(old, known), size, root, proof)
    if old < size:
        assert not continues(old, leaf_hash(b"another"), size, root, proof)


@given(st.integers(2, 300), st.data())
def test_a_proof_with_any_bit_changed_left_out_or_added_proves_nothing(size, data):
    leaves = leaves_of(size)
    known = kept(leaves)
    root = root_of(size, known)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size - 1))
    path = hashes_over(inclusion_ranges(index, size), known)
    proof = hashes_over(consistency_ranges(old, size), known)
    for changed in spoilt(path, data):
        assert not includes(index, size, leaves[index], changed, root)
    for changed in spoilt(proof, data):
        assert not continues(old, root_of(old, known), size, root, changed)


def spoilt(path, data):
    place = data.draw(st.integers(0, len(path) - 1))
    bit = data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(path[place], "big") ^ (1 << bit)).to_bytes(32, "big")
    yield [*path[:place], flipped, *path[place + 1 :]]
    yield path[:place] + path[place + 1 :]
    yield [*path, leaf_hash(b"one more")]
    yield []


def test_any_tree_continues_the_empty_one_and_itself():
    known = kept(leaves_of(5))
    root = root_of(5, known)
    assert continues(0, EMPTY, 5, root, [])
    assert not continues(0, root, 5, root, [])
    assert continues(5, root, 5, root, [])
    assert not continues(5, EMPTY, 5, root, [])
    assert not continues(6, root, 5, root, [])


def test_a_proof_in_a_large_tree_reads_a_handful_of_tiles():
    size = 10_000_019
    for index in (0, 4_999_999, size - 1):
        assert len(tiles.tiles_of(inclusion_ranges(index, size))) <= 6
    assert len(tiles.tiles_of(consistency_ranges(7_654_321, size))) <= 6


def test_a_tile_that_is_not_full_enough_is_no_ground_for_a_proof():
    known = kept(leaves_of(300))
    short = known | {(0, 1): known[0, 1][:-32]}
    with pytest.raises(TileMissing):
        root_of(300, short)
    with pytest.raises(TileMissing):
        grown(300, {(0, 1): short[0, 1]} | {(1, 0): known[1, 0]}, leaves_of(1))
    with pytest.raises(TileMissing):
        hashes_over([(0, 3)], {})


def test_a_leaf_never_passes_for_a_node():
    left, right = leaves_of(2)
    assert leaf_hash(left + right) != node_hash(left, right)
    assert {len(left), len(right)} == {merkle.HASH_BYTES}
