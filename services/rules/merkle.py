"""The Merkle tree of RFC 9162, section 2.1 (SHA-256): roots, inclusion and consistency proofs.

To append to millions of leaves and to prove anything about them, keep the hash of every complete subtree under its
`Node`; leaves are those of level 0. `Frontier.append` names the new ones (fewer than two a leaf in all), and nothing
kept ever changes. A root or a proof at any size, past sizes included, is made from a few dozen of them: `nodes` says
which, so that one query fetches them.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Node = tuple[int, int]
"""Level and index of a complete subtree, over the leaves from index · 2^level up to before (index + 1) · 2^level."""
Range = tuple[int, int]
"""Leaves from the first number up to, not including, the second."""
EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees as one."""
    return hashlib.sha256(b"\x01" + left + right).digest()


# --- growing ------------------------------------------------------------------------------------------------------


@dataclass
class Frontier:
    """The right edge of a tree: all that appending needs. `peaks` are its complete subtrees from left to right."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    @classmethod
    def at(cls, size: int, kept: Mapping[Node, bytes]) -> "Frontier":
        """The edge of a tree of that size, from what is kept."""
        return cls(size, [kept[node] for node in subtrees((0, size))])

    @property
    def root(self) -> bytes:
        """The root over all leaves so far."""
        return _join(self.peaks) if self.peaks else EMPTY_ROOT

    def append(self, leaf: bytes) -> list[tuple[Node, bytes]]:
        """Add a leaf by its hash; returns the subtrees it completed, itself first, to be kept."""
        completed = [((0, self.size), leaf)]
        level, index = 0, self.size
        while index % 2:
            leaf = node_hash(self.peaks.pop(), leaf)
            level, index = level + 1, index // 2
            completed.append(((level, index), leaf))
        self.peaks.append(leaf)
        self.size += 1
        return completed


def root(size: int, kept: Mapping[Node, bytes]) -> bytes:
    """The root of the tree when it had that size."""
    return Frontier.at(size, kept).root


# --- proving ------------------------------------------------------------------------------------------------------


def inclusion(index: int, size: int) -> list[Range]:
    """Of which leaves the hashes prove that leaf `index` is in a tree of that size, in the proof's order (2.1.3.1)."""
    assert 0 <= index < size
    begin, end, path = 0, size, list[Range]()
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return path[::-1]


def consistency(old: int, size: int) -> list[Range]:
    """Of which leaves the hashes prove that the tree only grew from `old` to `size`, in the proof's order (2.1.4.1)."""
    assert 0 < old <= size
    begin, end, path = 0, size, list[Range]()
    while old < end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return [*([(begin, end)] if begin else []), *path[::-1]]


def subtrees(leaves: Range) -> list[Node]:
    """The complete subtrees that make up a range of a root or proof, from left to right."""
    at, end = leaves
    found = list[Node]()
    for level in reversed(range((end - at).bit_length())):
        if at + (1 << level) <= end:
            found.append((level, at >> level))
            at += 1 << level
    return found


def nodes(ranges: Iterable[Range]) -> list[Node]:
    """Everything that must be fetched to make a proof."""
    return [node for leaves in ranges for node in subtrees(leaves)]


def proof(ranges: Iterable[Range], kept: Mapping[Node, bytes]) -> list[bytes]:
    """The hashes of a proof, from what is kept."""
    return [_join([kept[node] for node in subtrees(leaves)]) for leaves in ranges]


def _split(size: int) -> int:
    """The largest power of two smaller than the size."""
    return 1 << (size - 1).bit_length() - 1


def _join(hashes: Sequence[bytes]) -> bytes:
    *left, made = hashes
    for other in reversed(left):
        made = node_hash(other, made)
    return made
