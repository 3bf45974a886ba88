"""The tree against the RFC's recursive definitions, the vectors of Certificate Transparency, and tampering."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules import merkle
from services.rules.merkle import Frontier, Node, leaf_hash, node_hash
from tests.proofs import is_consistent, is_included

pytestmark = pytest.mark.no_database

# The eight inputs and roots by which every implementation of RFC 6962 and 9162 is tried (certificate-transparency,
# merkletree tests).
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUDED = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
}
CONSISTENT = {
    (1, 1): [],
    (1, 8): INCLUDED[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
sizes = st.integers(1, 70)


def grown(entries: list[bytes]) -> tuple[Frontier, dict[Node, bytes]]:
    frontier, kept = Frontier(), dict[Node, bytes]()
    for entry in entries:
        for node, value in frontier.append(leaf_hash(entry)):
            assert node not in kept, "nothing that is kept ever changes"
            kept[node] = value
    return frontier, kept


def numbered(size: int) -> list[bytes]:
    return [str(number).encode() for number in range(size)]


# --- RFC 9162, 2.1, word for word -----------------------------------------------------------------------------------


def split(size: int) -> int:
    return max(2**power for power in range(size.bit_length()) if 2**power < size)


def mth(entries: list[bytes]) -> bytes:
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(m: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
    if m == len(entries):
        return [] if whole else [mth(entries)]
    k = split(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


# --- tests ----------------------------------------------------------------------------------------------------------


def test_the_well_known_vectors() -> None:
    entries = [bytes.fromhex(one) for one in INPUTS]
    frontier, kept = grown(entries)
    assert [merkle.root(size, kept).hex() for size in range(9)] == ROOTS
    assert frontier.root.hex() == ROOTS[8]
    for (index, size), hashes in INCLUDED.items():
        assert [one.hex() for one in merkle.proof(merkle.inclusion(index, size), kept)] == hashes
    for (old, size), hashes in CONSISTENT.items():
        assert [one.hex() for one in merkle.proof(merkle.consistency(old, size), kept)] == hashes


@given(st.lists(st.binary(max_size=3), max_size=40))
def test_roots_equal_the_recursive_definition_at_every_size(entries: list[bytes]) -> None:
    frontier, kept = grown(entries)
    assert frontier.root == mth(entries)
    for size in range(len(entries) + 1):
        assert merkle.root(size, kept) == Frontier.at(size, kept).root == mth(entries[:size])


@given(sizes, st.data())
def test_inclusion_equals_the_recursive_definition_and_holds(size: int, data: st.DataObject) -> None:
    index, entries = data.draw(st.integers(0, size - 1)), numbered(size)
    _, kept = grown(entries)
    hashes = merkle.proof(merkle.inclusion(index, size), kept)
    assert hashes == path(index, entries)
    assert is_included(leaf_hash(entries[index]), index, size, hashes, mth(entries))


@given(sizes, st.data())
def test_consistency_equals_the_recursive_definition_and_holds(size: int, data: st.DataObject) -> None:
    old, entries = data.draw(st.integers(1, size)), numbered(size)
    _, kept = grown(entries)
    hashes = merkle.proof(merkle.consistency(old, size), kept)
    assert hashes == subproof(old, entries, True)
    assert is_consistent(old, mth(entries[:old]), size, mth(entries), hashes)


@given(sizes, st.data())
def test_a_proof_of_anything_else_fails(size: int, data: st.DataObject) -> None:
    index, entries = data.draw(st.integers(0, size - 1)), numbered(size)
    _, kept = grown(entries)
    leaf, root, hashes = leaf_hash(entries[index]), mth(entries), merkle.proof(merkle.inclusion(index, size), kept)
    assert not is_included(leaf_hash(b"other"), index, size, hashes, root)
    assert not is_included(leaf, index, size, hashes, mth([*entries, b"more"]))
    assert not is_included(leaf, size, size, hashes, root)
    assert not is_included(leaf, -1, size, hashes, root)
    assert not is_included(leaf, index, size, [*hashes, root], root)
    other = data.draw(st.integers(0, size - 1))
    assert is_included(leaf, other, size, hashes, root) is (other == index)
    for number in range(len(hashes)):
        assert not is_included(leaf, index, size, hashes[:number] + hashes[number + 1 :], root)
        assert not is_included(leaf, index, size, [*hashes[:number], leaf, *hashes[number + 1 :]], root)


@given(st.integers(2, 70), st.data())
def test_a_tree_that_changed_its_past_is_found(size: int, data: st.DataObject) -> None:
    old, entries = data.draw(st.integers(1, size - 1)), numbered(size)
    changed = data.draw(st.integers(0, old - 1))
    other = [*entries[:changed], b"other", *entries[changed + 1 :]]
    _, kept = grown(other)
    hashes = merkle.proof(merkle.consistency(old, size), kept)
    old_root = mth(entries[:old])
    assert not is_consistent(old, old_root, size, mth(other), hashes)
    right = subproof(old, entries, True)
    assert not is_consistent(old, old_root, size, mth(entries), [*right, old_root])
    assert not is_consistent(old, old_root, size, mth(entries), right[:-1])
    assert not is_consistent(old, old_root, size, mth(entries), [])
    assert not is_consistent(size, mth(entries), old, old_root, right)


def test_sizes_that_need_no_proof() -> None:
    root = mth([b"a"])
    assert is_consistent(1, root, 1, root, [])
    assert not is_consistent(1, root, 1, root, [root])
    assert not is_consistent(1, root, 1, mth([b"b"]), [])
    assert is_consistent(0, merkle.EMPTY_ROOT, 1, root, [])
    assert not is_consistent(0, root, 1, root, [])


def test_leaves_and_nodes_cannot_be_taken_for_each_other() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert node_hash(left, right) != leaf_hash(left + right)


def test_what_is_kept_and_fetched_stays_small() -> None:
    """Below two nodes a leaf; a proof at ten million leaves fetches a few dozen."""
    _, kept = grown(numbered(1000))
    assert len(kept) < 2 * 1000
    size = 10_000_019
    for index in (0, size // 3, size - 1):
        assert len(merkle.nodes(merkle.inclusion(index, size))) < 50
        assert len(merkle.nodes(merkle.consistency(index + 1, size))) < 50
    assert len(merkle.subtrees((0, size))) <= 24
