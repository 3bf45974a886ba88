"""The log while many write, several sequencers run, and one of them is killed."""

import asyncio
import itertools
import signal
import sys
import time
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from app.core import db
from models.transparency import LogEntry, LogHead, LogKind, LogPending
from services import transparency, verification
from services.rules import notes
from services.transparency import sequencing
from tests.people import People
from tests.proofs import checkpoint, is_consistent, is_included
from tests.raising import opened
from tests.together.books import backed

ACCOUNTS = """
INSERT INTO accounts (community_id, kind) SELECT p.id, k FROM places p, unnest('{wechat_clearing,general}'::text[]) k
WHERE p.name = '锦阳社区'
"""
MOVE = """
INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, leg)
SELECT d.community_id, d.id, c.id, n, 'pledge', n, 'capture'
FROM accounts d, accounts c, generate_series($1::bigint, $2::bigint) n
WHERE d.kind = 'wechat_clearing' AND c.kind = 'general' RETURNING id
"""


@pytest.fixture
async def town(committed: str) -> str:
    """A database that commits, with two accounts; its URL."""
    await db.execute(ACCOUNTS)
    return committed


async def move(first: int, last: int) -> list[int]:
    """Move money so many times, in one transaction."""
    return [row["id"] for row in await db.rows(MOVE, first, last)]


async def whole(count: int) -> None:
    """The log holds so many entries, each once, and everything about it is as it must be."""
    assert [entry.index for entry in await LogEntry.all().order_by("index").only("index")] == list(range(count))
    assert await transparency.check_log() == []


async def test_many_write_while_three_sequencers_run_and_readers_ask(town: str) -> None:
    asked, writing = 0, True

    async def write(writer: int) -> None:
        for turn in range(10):
            async with db.tx():
                first = writer * 1_000 + turn * 10 + 1
                await move(first, first + 4)
                await asyncio.sleep(0.01 * (writer % 3))

    async def sequence() -> None:
        while writing:
            await transparency.sequence_pending()

    async def ask() -> None:
        nonlocal asked
        seen = 0
        while writing:
            newest = await LogEntry.all().order_by("-index").first()
            if newest is not None:
                shown = await transparency.proof(newest.kind, newest.row_id)
                head = checkpoint(notes.parse(shown.head).text)
                leaf, hashes = bytes.fromhex(shown.leaf_hash), [bytes.fromhex(one) for one in shown.hashes]
                assert is_included(leaf, shown.index, head.size, hashes, head.root)
                assert head.size >= seen, "heads only grow"
                seen, asked = head.size, asked + 1
            await asyncio.sleep(0.01)

    others = [asyncio.ensure_future(work()) for work in (sequence, sequence, sequence, ask)]
    await asyncio.gather(*(write(writer) for writer in range(8)))
    writing = False
    await asyncio.gather(*others)
    await transparency.sequence_pending()
    await whole(8 * 10 * 5)
    assert asked > 3
    heads = await LogHead.all().order_by("size")
    assert len(heads) > 3
    for old, new in itertools.pairwise(heads):
        shown = await transparency.consistency(old.size, new.size)
        hashes = [bytes.fromhex(one) for one in shown.hashes]
        assert is_consistent(old.size, old.root, new.size, new.root, hashes)


async def test_what_commits_late_is_not_passed_over(town: str) -> None:
    written, later = asyncio.Event(), asyncio.Event()
    early = list[int]()

    async def slow() -> None:
        async with db.tx():
            early.extend(await move(1, 2))
            written.set()
            await later.wait()

    writing = asyncio.ensure_future(slow())
    await written.wait()
    quick = await move(3, 5)
    assert max(early) < min(quick)
    assert await transparency.sequence_pending() == 3
    assert await transparency.check_log() == [], "what is not committed is nobody's business"
    later.set()
    await writing
    assert await transparency.sequence_pending() == 2
    assert await LogEntry.all().order_by("index").values_list("row_id", flat=True) == [*quick, *early]
    await whole(5)


KILLED = """
import asyncio, os, signal, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from app.core import db, signing
from services import transparency, verification

class Deadly(signing.Signer):
    def sign(self, text):
        if "\\n2000\\n" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().sign(text)

async def main():
    signing.use(Deadly("localhost/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32)))))
    await db.connect(sys.argv[1])
    await transparency.sequence_pending()

asyncio.run(main())
"""


async def test_a_worker_killed_in_the_middle_of_a_batch_leaves_a_whole_log(town: str) -> None:
    await move(1, 2_500)
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, town)
    assert await killed.wait() == -signal.SIGKILL
    await whole(1_000)
    assert await LogPending.all().count() == 1_500
    assert await transparency.sequence_pending() == 1_500
    await whole(2_500)


async def test_ten_thousand_at_once_come_in_with_one_run(town: str) -> None:
    await move(1, 10_000)
    started = time.monotonic()
    assert await transparency.sequence_pending() == 10_000
    assert time.monotonic() - started < transparency.MERGE_DELAY_S
    await whole(10_000)


class TestWithoutTheLock:
    """Two sequencers that do not wait for each other and take different rows: the keys keep the log one."""

    @pytest.fixture(autouse=True)
    def lawless(self, town: str, monkeypatch: pytest.MonkeyPatch) -> None:
        async def no_lock(name: str) -> None:
            pass

        both = asyncio.Barrier(2)
        append = sequencing._append

        async def together(*args: Any) -> None:
            await both.wait()
            await append(*args)

        take = sequencing.TAKE.replace("LIMIT $1", "LIMIT $1 FOR UPDATE SKIP LOCKED")
        monkeypatch.setattr(sequencing, "TAKE", take)
        monkeypatch.setattr(sequencing, "BATCH", 5)
        monkeypatch.setattr(sequencing, "BATCHES", 1)
        monkeypatch.setattr(db, "advisory_lock", no_lock)
        monkeypatch.setattr(sequencing, "_append", together)

    async def two_at_once(self) -> list[int | BaseException]:
        await move(1, 10)
        return await asyncio.gather(*(transparency.sequence_pending() for _ in range(2)), return_exceptions=True)

    async def test_one_of_two_is_refused(self) -> None:
        done = await self.two_at_once()
        assert sorted(type(one).__name__ for one in done) == ["IntegrityError", "int"]
        assert any(isinstance(one, IntegrityError) for one in done)
        await whole(5)
        assert await LogPending.all().count() == 5

    async def test_without_the_keys_the_log_forks_and_verify_says_so(self) -> None:
        async with db.tx():
            await db.execute("SET LOCAL ROLE linli_owner")
            for table in ("log_entries", "log_nodes", "log_heads"):
                await db.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
        assert await self.two_at_once() == [5, 5]
        assert await LogEntry.all().count() == 10
        found = await transparency.check_log()
        assert "two log entries have the number 0" in found
        assert "two heads are over the first 5 log entries" in found


@pytest.mark.prove
async def test_everything_is_verified_within_fifteen_seconds_at_a_hundred_thousand_transfers(committed: str) -> None:
    people = await People.load()
    await backed(await opened(people), 100_000)
    while await transparency.sequence_pending():
        pass
    started = time.monotonic()
    assert await verification.verify() == []
    assert time.monotonic() - started < 15
    transfer_id = await db.value("SELECT row_id FROM log_entries WHERE index = 77777")
    started = time.monotonic()
    await transparency.proof(LogKind.TRANSFER, transfer_id)
    assert time.monotonic() - started < 0.5
