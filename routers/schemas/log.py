"""The transparency log, as it is published."""

from typing import Any

from routers.schemas.base import Moment, Shape, examples

ROOT = "9f3a0c1d5b7e42688d0e6f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e"
NOTE = (
    "linli.example.org/log\n1729\nnzoMHVt+QmiNDm8aKzxNXm9wgZKjtMXW5/gJGis8TV4=\n\n"
    "— linli.example.org/log Gis8TQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
)
HEAD: dict[str, Any] = {
    "size": 1729,
    "root": ROOT,
    "signed_at": "2026-11-23T10:00:00+08:00",
    "note": NOTE,
    "key": "linli.example.org/log+1a2b3c4d+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
}


class HeadOut(Shape):
    """A signed head: `note` is the text to keep (c2sp.org/tlog-checkpoint), the rest says the same in fields."""

    model_config = examples(HEAD)

    size: int
    root: str
    signed_at: Moment
    note: str
    key: str


class InclusionOut(Shape):
    """A proof that `entry` is leaf number `index` of the log under `head`; hashes in hex, leaf to root."""

    model_config = examples(
        {
            "index": 17,
            "size": 1729,
            "entry": {"kind": "transfer", "id": 12, "community_id": 3, "facts": {"amount_fen": 5000}},
            "leaf_hash": ROOT,
            "hashes": [ROOT],
            "head": NOTE,
        }
    )

    index: int
    size: int
    entry: dict[str, Any]
    leaf_hash: str
    hashes: list[str]
    head: str


class ConsistencyOut(Shape):
    """A proof that the log of `size` entries begins with the one of `old`; hashes in hex."""

    model_config = examples({"old": 17, "size": 1729, "hashes": [ROOT]})

    old: int
    size: int
    hashes: list[str]
