"""`python -m bench stats`: the figures of a district of 64 communities after 10,000 and after 100,000 needs."""

import asyncio
import statistics as maths
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.table import Table

from app.core import db, embedded, migrations, signing
from app.core.embedded import APP, OWNER
from app.core.signing import Signer
from app.scale import seed_district
from services import statistics
from services.statistics.facts import today

SIZES = {10_000: timedelta(days=365), 100_000: timedelta(days=3_650)}
"""So many needs, raised over so long: ten times the history at the same pace."""
ROUNDS = 15


async def main() -> None:
    """Make two districts in databases of their own, sum up their days, and compare how long the figures take."""
    signing.use(Signer("localhost/log", Ed25519PrivateKey.generate()))
    measured: dict[int, dict[str, float]] = {}
    for count, over in SIZES.items():
        with tempfile.TemporaryDirectory(prefix="linli-bench-", ignore_cleanup_errors=True) as folder:
            servers = await asyncio.to_thread(embedded.start, Path(folder) / "data")
            try:
                await asyncio.to_thread(migrations.migrate, servers.url(OWNER))
                await db.connect(servers.url(APP), pool_size=4)
                measured[count] = await _measure(count, over)
                await db.disconnect()
            finally:
                await asyncio.to_thread(servers.stop)
    small, large = measured.values()
    table = Table("ms (median)", *(f"{count:,} needs" for count in SIZES), "ratio")
    for name, took in small.items():
        table.add_row(name, f"{took:.1f}", f"{large[name]:.1f}", f"{large[name] / took:.2f}")
    Console().print(table)


async def _measure(count: int, over: timedelta) -> dict[str, float]:
    district = await seed_district(count, over=over)
    began = time.perf_counter()
    await statistics.fold_due()
    folding = (time.perf_counter() - began) * 1000
    await db.execute("ANALYZE figures, participations, figure_marks")
    street = (await statistics.children(district))[0].place_id
    community = (await statistics.children(street))[0].place_id
    day = await today()
    first, last = day - timedelta(days=300), day - timedelta(days=20)
    return {
        "folding it all, once": folding,
        "a district, of all time": await _median(lambda: statistics.figures(district)),
        "a district, 280 days": await _median(lambda: statistics.figures(district, from_on=first, until_on=last)),
        "its streets": await _median(lambda: statistics.children(district)),
        "a community, of all time": await _median(lambda: statistics.figures(community)),
    }


async def _median(ask: Callable[[], Awaitable[object]]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - began) * 1000)
    return maths.median(took)


if __name__ == "__main__":
    asyncio.run(main())
