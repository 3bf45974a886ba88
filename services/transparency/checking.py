"""The log's share of `linli verify`: everything is hashed again, and compared with the rows it is about.

Entries are read in chunks, so it needs little memory and holds no lock, whatever the size of the log; what is appended
meanwhile is left to the next time.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from app.core import db, signing
from models.transparency import LogKind
from services.rules import merkle, notes
from services.rules.merkle import Frontier
from services.rules.notes import BadNote, Key
from services.rules.transparency import Checkpoint
from services.transparency.entries import KINDS, entries
from services.transparency.sequencing import MERGE_DELAY_S
from services.transparency.tree import number

CHUNK = 5_000
MOST = 100

Row = Mapping[str, Any]


async def check_log() -> list[str]:
    """A sentence for everything that is not as it must be, at most 100; none when all is."""
    found = list[str]()
    for part in (_check_tree(), _check_presence(), _check_waiting()):
        async for sentence in part:
            found.append(sentence)
            if len(found) == MOST:
                return found
    return found


EXTENT = """
SELECT coalesce((SELECT max(size) FROM log_heads), 0) AS head,
    coalesce((SELECT max(index) + 1 FROM log_entries), 0) AS entries
"""
HEADS = "SELECT size, root, note FROM log_heads WHERE size >= $1 AND size < $2"
ENTRIES = "SELECT * FROM log_entries WHERE index >= $1 AND index < $2"
NODES = "SELECT number, hash FROM log_nodes WHERE number = ANY ($1::bigint[])"


async def _check_tree() -> AsyncIterator[str]:
    """No entry is missing, each gives its hash and says what its row says; nodes and heads are over them."""
    extent = await db.row(EXTENT)
    assert extent is not None  # noqa: S101 - one row, always
    if extent["head"] != extent["entries"]:
        yield f"the log has {extent['entries']} entries, its newest head is over {extent['head']}"
    frontier = Frontier()
    for begin in range(0, extent["entries"] + 1, CHUNK):
        end = min(begin + CHUNK, extent["entries"] + 1)
        found, signed = await db.rows(ENTRIES, begin, end), await db.rows(HEADS, begin, end)
        there, heads = {row["index"]: row for row in found}, {row["size"]: row for row in signed}
        for index in _doubled(row["index"] for row in found):
            yield f"two log entries have the number {index}"
        for size in _doubled(row["size"] for row in signed):
            yield f"two heads are over the first {size} log entries"
        nodes = dict[int, bytes]()
        for index in range(begin, end):
            if index in heads:
                for sentence in _check_head(heads[index], frontier.root):
                    yield sentence
            if index < extent["entries"]:
                if index not in there:
                    yield f"log entry {index} is missing"
                leaf = merkle.leaf_hash(there[index]["text"].encode()) if index in there else bytes(32)
                nodes |= {number(node): made for node, made in frontier.append(leaf)}
        for sentence in await _check_nodes(nodes, there):
            yield sentence
        for sentence in await _check_facts(list(there.values())):
            yield sentence


def _doubled(numbers: Iterable[int]) -> list[int]:
    return [number for number, times in Counter(numbers).items() if times > 1]


def _check_head(head: Row, root: bytes) -> Iterator[str]:
    if bytes(head["root"]) != root:
        yield f"the head over {head['size']} log entries does not have their root"
    signer = signing.signer()
    keys = [Key(signer.name, signer.public_key), *map(notes.key, signer.retired)]
    try:
        note = notes.parse(head["note"])
    except BadNote:
        yield f"the head over {head['size']} log entries is no signed note"
        return
    if note.text != Checkpoint(signer.name, head["size"], bytes(head["root"])).text:
        yield f"the head over {head['size']} log entries says something else in its note"
    signed = [signing.is_signed(note.text, by, key.public_key) for key in keys if (by := note.by(key)) is not None]
    if not any(signed):
        yield f"the head over {head['size']} log entries is not signed by our key"


async def _check_nodes(made: Mapping[int, bytes], there: Mapping[int, Row]) -> list[str]:
    kept = {index * 2: bytes(row["hash"]) for index, row in there.items()}
    above = [at for at in made if at % 2]
    kept |= {row["number"]: bytes(row["hash"]) for row in await db.rows(NODES, above)}
    return [
        f"log node {at} is not the hash of what is under it"
        for at, hashed in made.items()
        if kept.get(at) != hashed and (at % 2 or at // 2 in there)
    ]


async def _check_facts(there: Sequence[Row]) -> list[str]:
    found = list[str]()
    for kind in LogKind:
        logged = {row["row_id"]: row for row in there if row["kind"] == kind.value}
        said = await entries(kind, list(logged))
        for row_id, row in logged.items():
            if row_id not in said:
                found.append(f"log entry {row['index']} is about {kind.value} {row_id}, which does not exist")
            elif differs := said[row_id].differs(row["text"]):
                found.append(
                    f"{kind.value} {row_id} is not what log entry {row['index']} says of it: {', '.join(differs)}"
                )
    return found


async def _check_presence() -> AsyncIterator[str]:
    """Each row that is to be logged is in the log or waits for it."""
    for kind in LogKind:
        missing = f"""
            SELECT max(t.id) AS last, array_agg(t.id ORDER BY t.id) FILTER (WHERE e.index IS NULL AND p.id IS NULL)
                AS ids
            FROM (SELECT id FROM {KINDS[kind].table} WHERE id > $1 ORDER BY id LIMIT $2) t
            LEFT JOIN log_entries e ON e.kind = $3 AND e.row_id = t.id
            LEFT JOIN log_pending p ON p.kind = $3 AND p.row_id = t.id"""
        last = 0
        while last is not None:
            chunk = await db.row(missing, last, CHUNK, kind.value)
            assert chunk is not None  # noqa: S101 - one row, always
            for row_id in chunk["ids"] or ():
                yield f"{kind.value} {row_id} is not in the log"
            last = chunk["last"]


async def _check_waiting() -> AsyncIterator[str]:
    """The log keeps its merge delay."""
    late = await db.row(
        "SELECT kind, row_id, extract(epoch FROM clock_timestamp() - written_at)::bigint AS waits_s FROM log_pending "
        "WHERE written_at < clock_timestamp() - make_interval(secs => $1) ORDER BY id LIMIT 1",
        MERGE_DELAY_S,
    )
    if late is not None:
        yield f"{late['kind']} {late['row_id']} has waited {late['waits_s']} s for the log, longer than {MERGE_DELAY_S}"
