"""The sequencer: what waits gets the next numbers, and a head is signed over it."""

from typing import Any

from app.core import db, logs, signing
from app.core.db import atomic
from models.transparency import LogKind
from services.rules import merkle, notes
from services.rules.merkle import Frontier
from services.rules.notes import Key
from services.rules.transparency import Checkpoint
from services.transparency.entries import entries
from services.transparency.tree import kept, number

MERGE_DELAY_S = 60
"""Within so many seconds of its transaction a row is under a signed head; the sequencer runs every five."""
BATCH = 1_000
BATCHES = 20

log = logs.get("linli.log")


class LogBroken(Exception):
    """The tree is not the one under the newest head: nothing is added to it. `linli verify` says what is wrong."""


TAKE = """
DELETE FROM log_pending WHERE id IN (SELECT id FROM log_pending ORDER BY id LIMIT $1) RETURNING kind, row_id
"""
ADD_ENTRIES = """
INSERT INTO log_entries (index, kind, row_id, community_id, text, hash)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bytea[])
"""
ADD_NODES = "INSERT INTO log_nodes (number, hash) SELECT * FROM unnest($1::bigint[], $2::bytea[])"


async def sequence_pending() -> int:
    """Log what waits, a batch in each transaction, at most 20; how many entries were added.

    Raises LogBroken.
    """
    added = 0
    for _ in range(BATCHES):
        batch = await _sequence(BATCH)
        added += batch
        if batch < BATCH:
            break
    return added


@atomic()
async def _sequence(most: int) -> int:
    await db.advisory_lock("transparency log")
    taken = await db.rows(TAKE, most)
    newest = await db.row("SELECT size, root FROM log_heads ORDER BY size DESC LIMIT 1")
    if newest is None:
        newest = {"size": 0, "root": merkle.EMPTY_ROOT}
    elif not taken:
        return 0
    frontier = await _frontier(newest["size"], bytes(newest["root"]))
    await _append(frontier, taken)
    await _sign(frontier)
    return len(taken)


async def _frontier(size: int, root: bytes) -> Frontier:
    """The edge of the tree under the newest head."""
    found = await kept(merkle.subtrees((0, size)))
    if len(found) < len(merkle.subtrees((0, size))) or Frontier.at(size, found).root != root:
        raise LogBroken(f"the first {size} entries are not under the head of that size")
    return Frontier.at(size, found)


async def _append(frontier: Frontier, taken: list[dict[str, Any]]) -> None:
    """Add the rows in the order of their ids, kind by kind."""
    leaves, nodes = list[tuple[Any, ...]](), list[tuple[int, bytes]]()
    for kind in LogKind:
        wanted = [row["row_id"] for row in taken if row["kind"] == kind.value]
        said = await entries(kind, wanted)
        if len(said) < len(wanted):
            log.error("rows vanished before they were logged", kind=kind.value, ids=sorted(set(wanted) - set(said)))
        for row_id, one in sorted(said.items()):
            leaf = merkle.leaf_hash(one.text.encode())
            leaves.append((frontier.size, kind.value, row_id, one.community_id, one.text, leaf))
            nodes += [(number(node), made) for node, made in frontier.append(leaf)[1:]]
    for statement, rows in ((ADD_ENTRIES, leaves), (ADD_NODES, nodes)):
        if rows:
            await db.execute(statement, *map(list, zip(*rows, strict=True)))


async def _sign(frontier: Frontier) -> None:
    signer = signing.signer()
    text = Checkpoint(signer.name, frontier.size, frontier.root).text
    note = notes.sign(text, [(Key(signer.name, signer.public_key), signer.sign(text))])
    await db.execute(
        "INSERT INTO log_heads (size, root, note) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        frontier.size,
        frontier.root,
        str(note),
    )
