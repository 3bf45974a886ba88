"""`python -m bench verify`: how long `linli verify` takes on clean books of 100,000 transfers, question by question."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.table import Table

from app.core import db, embedded, migrations, signing
from app.core.embedded import APP, OWNER
from app.core.signing import Signer
from app.seed import seed_cast
from services import transparency, verification
from tests.people import People
from tests.raising import opened
from tests.together.books import backed

TRANSFERS, ROUNDS, MOST_S = 100_000, 3, 15.0


async def main(count: int = TRANSFERS) -> None:
    """Make the books, verify them several times, and print the best round with its slowest questions."""
    signing.use(Signer("localhost/log", Ed25519PrivateKey.generate()))
    with tempfile.TemporaryDirectory(prefix="linli-bench-", ignore_cleanup_errors=True) as folder:
        servers = await asyncio.to_thread(embedded.start, Path(folder) / "data")
        try:
            await asyncio.to_thread(migrations.migrate, servers.url(OWNER))
            await db.connect(servers.url(APP), pool_size=4)
            await seed_cast()
            await backed(await opened(await People.load()), count)
            while await transparency.sequence_pending():
                pass
            rounds = [await _measure() for _ in range(ROUNDS)]
            await db.disconnect()
        finally:
            await asyncio.to_thread(servers.stop)
    seconds, slowest = min(rounds)
    table = Table("slowest", "seconds")
    for took, what in slowest:
        table.add_row(what, f"{took:.2f}")
    all_s = " ".join(f"{took:.1f}" for took, _ in rounds)
    Console().print(table, f"verified {count} transfers in {seconds:.1f} s ({all_s}); it may take {MOST_S:.0f} s")


async def _measure() -> tuple[float, list[tuple[float, str]]]:
    """Seconds of one verification, and of its ten slowest statements (all runs of the same one together)."""
    took: dict[str, float] = {}
    rows = db.rows

    async def timed(sql: str, *values: Any) -> list[dict[str, Any]]:
        began = time.perf_counter()
        found = await rows(sql, *values)
        what = " ".join(sql.split())[:100]
        took[what] = took.get(what, 0) + time.perf_counter() - began
        return found

    db.rows = timed
    began = time.perf_counter()
    found = await verification.verify()
    seconds = time.perf_counter() - began
    db.rows = rows
    assert not found, found  # noqa: S101 - what was measured must be right
    return seconds, sorted(((s, what) for what, s in took.items()), reverse=True)[:10]


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
