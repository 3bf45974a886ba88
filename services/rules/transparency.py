"""What the transparency log is made of: entries in one spelling, and checkpoints (its heads) as texts to be signed."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.rules.canonical import canonical
from services.rules.notes import BadNote, from_base64

HASH_BYTES = 32


def entry(kind: str, id: int, community_id: int, facts: Mapping[str, Any]) -> bytes:
    """The bytes of a leaf: what happened (`transfer`, `resolution`, `disclosure`), to which row, with its facts.

    Nothing here can ever be forgotten: facts are ids, numbers, words of ours and hashes, never people or free text.
    """
    return canonical({"community_id": community_id, "facts": dict(facts), "id": id, "kind": kind})


@dataclass(frozen=True)
class Checkpoint:
    """A head of the log (c2sp.org/tlog-checkpoint): whose log, how many entries, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


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
    if len(root) != HASH_BYTES:
        raise BadNote("the root has 32 bytes")
    return Checkpoint(origin, int(size), root)
