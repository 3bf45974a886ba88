"""What somebody outside does with what the house publishes: finds his line on a roll, reads heads, checks proofs."""

import hashlib
import re
from collections.abc import Sequence

from services.rules.merkle import EMPTY_ROOT, node_hash
from services.rules.notes import BadNote, from_base64
from services.rules.transparency import Checkpoint


def roll_line(number: int, kind: str, elector_id: int, area_cm2: int, salt: bytes) -> str:
    """An elector's line: SHA-256 (hex) over number (from 1), kind, id, area and salt (hex), one a line.

    The salt is the elector's own, random, of 16 bytes and more: with it he finds himself, without it nobody does.
    """
    return hashlib.sha256(f"{number}\n{kind}\n{elector_id}\n{area_cm2}\n{salt.hex()}".encode()).hexdigest()


def checkpoint(text: str) -> Checkpoint:
    """Read a note's text as a checkpoint; extension lines, which the log does not write, are passed over.

    Raises BadNote.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise BadNote("a checkpoint is an origin, a size and a root, a line each")
    origin, size, encoded = lines[:3]
    if not re.fullmatch("0|[1-9][0-9]{0,18}", size):
        raise BadNote("the size is a whole number without leading zeroes")
    root = from_base64(encoded)
    if len(root) != 32:
        raise BadNote("the root has 32 bytes")
    return Checkpoint(origin, int(size), root)


def is_included(leaf: bytes, index: int, size: int, hashes: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from the leaf's hash to the root (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, made = index, size - 1, leaf
    for other in hashes:
        if last == 0:
            return False
        if at % 2 or at == last:
            made = node_hash(other, made)
            at, last = _up(at, last)
        else:
            made = node_hash(made, other)
        at, last = at // 2, last // 2
    return last == 0 and made == root


def is_consistent(old: int, old_root: bytes, size: int, root: bytes, hashes: Sequence[bytes]) -> bool:
    """Whether the proof shows that the old tree is the beginning of the new one (2.1.4.2); the empty one always is."""
    if old == size or old == 0:
        return not hashes and old_root == (root if old == size else EMPTY_ROOT)
    if not 0 < old < size or not hashes:
        return False
    path = [old_root, *hashes] if old & (old - 1) == 0 else list(hashes)
    at, last = old - 1, size - 1
    while at % 2:
        at, last = at // 2, last // 2
    made_old = made = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if at % 2 or at == last:
            made_old, made = node_hash(other, made_old), node_hash(other, made)
            at, last = _up(at, last)
        else:
            made = node_hash(made, other)
        at, last = at // 2, last // 2
    return last == 0 and made_old == old_root and made == root


def _up(at: int, last: int) -> tuple[int, int]:
    """At the tree's right edge climb the levels that have no sibling."""
    while at and not at % 2:
        at, last = at // 2, last // 2
    return at, last
