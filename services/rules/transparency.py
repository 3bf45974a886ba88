"""What the transparency log is made of: entries in one spelling, and checkpoints (its heads) as texts to be signed."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.rules.canonical import canonical


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
