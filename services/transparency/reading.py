"""What anyone may ask of the log: heads, proofs, and all of it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import db, signing
from app.core.errors import Invalid, NotFound
from app.core.pages import Listed, Page, cut
from models.transparency import LogKind, NotInLog
from services.rules import merkle, notes
from services.rules.merkle import Range
from services.transparency.tree import kept

EXPORT_MAX = 100_000
CHUNK = 1_000


@dataclass(frozen=True)
class Head:
    """A signed head: how many entries, the root over them (hex), and the note that says so with its signature."""

    size: int
    root: str
    note: str
    signed_at: datetime

    @property
    def key(self) -> str:
        """The log's published key, for whoever has it from nowhere better."""
        return str(notes.Key(signing.signer().name, signing.signer().public_key))


@dataclass(frozen=True)
class Inclusion:
    """That an entry is the leaf number `index` under the head of that size; hashes in hex."""

    index: int
    size: int
    entry: dict[str, Any]
    leaf_hash: str
    hashes: list[str]
    head: str


@dataclass(frozen=True)
class Consistency:
    """That the log of `size` entries begins with the one of `old`; hashes in hex."""

    old: int
    size: int
    hashes: list[str]


async def head(size: int | None = None) -> Head:
    """The newest head, or the one over so many entries. Raises NotFound."""
    found = await _heads("WHERE $1::bigint IS NULL OR size = $1", size, 1)
    if not found:
        raise NotFound("没有这样的日志头", "There is no such head")
    return found[0]


async def heads(*, page: Page) -> Listed[Head]:
    """All heads, newest first."""
    after = page.after[0] if page.after else None
    found = await _heads("WHERE $1::bigint IS NULL OR size < $1", after, page.limit + 1)
    return cut(found, page, by=("size",))


async def _heads(where: str, value: int | None, limit: int) -> list[Head]:
    found = await db.rows(f"SELECT * FROM log_heads {where} ORDER BY size DESC LIMIT $2", value, limit)
    return [Head(**row | {"root": bytes(row["root"]).hex()}) for row in found]


async def proof(kind: LogKind, row_id: int) -> Inclusion:
    """That a row is in the log under its newest head. Raises NotInLog."""
    found = await db.row(
        "SELECT index, text, hash FROM log_entries WHERE kind = $1 AND row_id = $2", kind.value, row_id
    )
    if found is None:
        raise NotInLog
    newest = await head()
    return Inclusion(
        index=found["index"],
        size=newest.size,
        entry=json.loads(found["text"]),
        leaf_hash=bytes(found["hash"]).hex(),
        hashes=await _hashes(merkle.inclusion(found["index"], newest.size)),
        head=newest.note,
    )


async def consistency(old: int, size: int | None = None) -> Consistency:
    """That the log only grew from `old` entries to `size`, or to the newest head. Raises Invalid, NotFound."""
    newest = await head()
    size = newest.size if size is None else size
    if not 0 <= old <= size <= newest.size:
        raise Invalid("范围无效：0 ≤ from ≤ to ≤ 日志长度", "Ask for 0 ≤ from ≤ to ≤ the log's size")
    return Consistency(old, size, await _hashes(merkle.consistency(old, size)) if old else [])


async def export(begin: int, end: int | None = None) -> AsyncIterator[str]:
    """Entries from number `begin` up to before `end` or the newest head's, one a line, at most 100,000."""
    newest = await head()
    end = min(newest.size, begin + EXPORT_MAX, newest.size if end is None else end)
    return _lines(begin, end)


async def _lines(begin: int, end: int) -> AsyncIterator[str]:
    for start in range(begin, end, CHUNK):
        found = await db.rows(
            "SELECT text FROM log_entries WHERE index >= $1 AND index < $2 ORDER BY index",
            start,
            min(start + CHUNK, end),
        )
        yield "".join(f"{row['text']}\n" for row in found)


@dataclass(frozen=True)
class Figures:
    """For whoever watches: entries under a head, seconds since it was signed, seconds the oldest row waits."""

    entries: int
    head_age_s: float
    waiting_s: float


async def figures() -> Figures:
    """How the log does."""
    found = await db.row(
        """
        SELECT coalesce((SELECT max(size) FROM log_heads), 0) AS entries,
            coalesce(extract(epoch FROM clock_now() - (SELECT signed_at FROM log_heads ORDER BY size DESC LIMIT 1)), 0)
                AS head_age_s,
            coalesce(extract(epoch FROM clock_timestamp()
                - (SELECT written_at FROM log_pending ORDER BY id LIMIT 1)), 0) AS waiting_s
        """
    )
    assert found is not None  # noqa: S101 - one row, always
    return Figures(int(found["entries"]), float(found["head_age_s"]), float(found["waiting_s"]))


async def _hashes(ranges: list[Range]) -> list[str]:
    found = await kept(merkle.nodes(ranges))
    return [made.hex() for made in merkle.proof(ranges, found)]
