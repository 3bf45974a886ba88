"""`python -m bench capture`: captures on one campaign, and the same flow written with both accounts locked.

What a notification of WeChat's does here is one statement that appends a transfer and locks nothing shared. The usual
way is a transaction of several statements that locks the two accounts it moves money between. Both write the same
rows; they run in turn on the same embedded PostgreSQL, several rounds, and only the ratios of neighbours in a round say
anything: the load of a shared machine changes between rounds. In between stands that transaction without the locks, to
tell what is owed to which.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.table import Table

from app.contest import consult
from app.core import db, embedded, migrations, signing
from app.core.embedded import APP, OWNER
from app.core.signing import Signer
from app.gateways.wechat_pay import PaymentNotice
from app.seed import JY, seed_cast, who
from models.places import Place
from services import ledger, payments
from services.ledger import Purse
from services.payments import captures

PROCESSES, CONNECTIONS, ROUNDS, PAYMENTS = 2, 16, 7, 2_000
WARMING = 400  # of each process: every connection has prepared what it asks before the clock starts
SMALLEST_RATIO = 4.0
FREE, STEPWISE, LOCKED = "one statement, nothing locked", "several statements, nothing locked", "both accounts locked"

RAISING = """
INSERT INTO campaigns (community_id, author_id, legal_path, kind, title, body, goal_fen, minimum_fen, deadline,
    resolution_id, state, moderation)
SELECT community_id, $2, 'community', 'keep_what_is_raised', '照明', '换灯', 1000000, 1000000,
    clock_now() + interval '7 days', id, 'draft', 'passed' FROM resolutions WHERE id = $1 RETURNING id, community_id
"""
SUBMIT = "UPDATE campaigns SET state = 'in_review', submitted_by_id = author_id"
OPEN = """
UPDATE campaigns SET state = 'open', published_by_id = (SELECT id FROM residents WHERE openid = 'zhao')
"""
PLEDGED = """
WITH p AS (
    INSERT INTO pledges (community_id, campaign_id, giver_id, kind, state, amount_fen, anonymous, moderation, late)
    SELECT c.community_id, c.id, r.id, 'money', 'awaiting_payment', 100, true, 'passed', false
    FROM campaigns c, residents r, generate_series(1, $1::int) WHERE r.openid = 'lin' RETURNING id, community_id
)
INSERT INTO orders (community_id, pledge_id, out_trade_no, amount_fen, openid, description, state, expires_at,
    captured_fen, refund_reserved_fen, queries)
SELECT community_id, id, 'CF' || id, 100, 'lin', '照明', 'created', clock_now() + interval '1 hour', 0, 0, 0 FROM p
RETURNING pledge_id
"""
LOCK_BOTH = """
SELECT id FROM accounts WHERE community_id = $1 AND (kind = $2 OR campaign_id = $3) ORDER BY id FOR UPDATE
"""


async def main() -> None:
    """Build a database, measure both ways in turn, and print the medians."""
    signing.use(Signer("localhost/log", Ed25519PrivateKey.generate()))
    with tempfile.TemporaryDirectory(prefix="linli-bench-") as folder:
        servers = await asyncio.to_thread(embedded.start, Path(folder) / "data")
        try:
            url = servers.url(APP)
            await asyncio.to_thread(migrations.migrate, servers.url(OWNER))
            await db.connect(url)
            await seed_cast()
            await _raise()
            rates: dict[str, list[float]] = {FREE: [], STEPWISE: [], LOCKED: []}
            for _ in range(ROUNDS):
                for way in rates:
                    rates[way].append(await _measure(url, way))
            found = await ledger.check_books()
            await db.disconnect()
        finally:
            await asyncio.to_thread(servers.stop)
    assert not found, found  # noqa: S101 - what was measured must be right
    ratios = [free / locked for free, locked in zip(rates[FREE], rates[LOCKED], strict=True)]
    table = Table("capture", "per second (median)", "rounds")
    for way, measured in rates.items():
        table.add_row(way, f"{median(measured):.0f}", " ".join(f"{rate:.0f}" for rate in measured))
    all_ratios = " ".join(f"{ratio:.1f}" for ratio in ratios)
    Console().print(table, f"ratio {median(ratios):.2f} ({all_ratios}; to reach: {SMALLEST_RATIO})")


async def _raise() -> None:
    """Open a campaign with an account, without anybody's story."""
    async with db.tx():
        chen, place = await who("chen"), await Place.get(name=JY)
        made = await db.row(RAISING, await consult(chen, place), chen.id)
        assert made is not None  # noqa: S101
        await db.execute(SUBMIT)
        await db.execute(OPEN)
        await ledger.open_accounts(made["community_id"], made["id"])


async def _measure(url: str, way: str) -> float:
    """Captures a second, over several processes that begin together."""
    async with db.tx(limit_s=60):
        pledged = [row["pledge_id"] for row in await db.rows(PLEDGED, PAYMENTS + PROCESSES * WARMING)]
    workers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.capture", way, url, *map(str, pledged[number::PROCESSES])),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]
    for worker in workers:
        assert worker.stdout is not None  # noqa: S101
        assert await worker.stdout.readline() == b"ready\n"  # noqa: S101
    began = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None  # noqa: S101
        worker.stdin.write(b"go\n")
    for worker in workers:
        assert worker.stdout is not None  # noqa: S101
        assert await worker.stdout.readline() == b"done\n"  # noqa: S101
    took = time.perf_counter() - began
    for worker in workers:
        await worker.wait()
    return PAYMENTS / took


async def work(way: str, url: str, pledge_ids: list[int]) -> None:
    """Hear of payments, many at once, once the word is given."""
    await db.connect(url, pool_size=CONNECTIONS)
    hear = payments.hear if way == FREE else captures._hear

    async def keep_hearing(waiting: Iterator[int]) -> None:
        for pledge_id in waiting:
            await hear(_notice(pledge_id))

    async def hear_all(pledge_ids: list[int]) -> None:
        waiting = iter(pledge_ids)
        await asyncio.gather(*(keep_hearing(waiting) for _ in range(CONNECTIONS)))

    async with _way(way):
        await hear_all(pledge_ids[:WARMING])
        print("ready", flush=True)  # noqa: T201 - to the process that measures
        await asyncio.to_thread(sys.stdin.readline)
        await hear_all(pledge_ids[WARMING:])
        print("done", flush=True)  # noqa: T201
    await db.disconnect()


@asynccontextmanager
async def _way(way: str) -> AsyncIterator[None]:
    """Let `ledger.post` lock both accounts first, if that is the way to be measured."""
    original = ledger.post

    async def locking(community_id: int, *, debit: Purse, credit: Purse, **said: Any) -> int:
        await db.rows(LOCK_BOTH, community_id, debit.kind.value, credit.campaign_id)
        return await original(community_id, debit=debit, credit=credit, **said)

    if way == LOCKED:
        ledger.post = locking
    yield
    ledger.post = original


def _notice(pledge_id: int) -> PaymentNotice:
    return PaymentNotice(
        notification_id=f"EV-{pledge_id}",
        transaction_id=f"42{pledge_id:018}",
        out_trade_no=f"CF{pledge_id}",
        openid="lin",
        amount_fen=100,
        success_at=datetime.now(UTC),
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(work(sys.argv[1], sys.argv[2], [int(argument) for argument in sys.argv[3:]]))
    else:
        asyncio.run(main())
