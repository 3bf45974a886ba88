"""`python -m bench.hints`: the hint of a twin and the search among 100,000 needs, beside one need read by its id.

All over HTTP in turn, on an embedded PostgreSQL of its own; only ratios say anything. What is typed are the labelled
twins of the tests, whose other halves lie among the 100,000.
"""

import asyncio
import logging
import socket
import tempfile
import time
from pathlib import Path
from statistics import median

import httpx
import structlog
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.table import Table

from app.core import db, embedded, migrations, signing
from app.core.embedded import APP, OWNER
from app.core.settings import Settings
from app.core.signing import Signer
from app.main import create_app
from app.scale import seed_scale
from app.seed import seed_cast
from services import residents
from tests.rules.twins import KNOWN_TWINS, UNSEEN_TWINS

NEEDS, LARGEST_RATIO = 100_000, 20.0
TWINS = [*KNOWN_TWINS, *UNSEEN_TWINS]
KEPT = """
INSERT INTO needs (community_id, author_id, state, moderation, service_class, field, title, body, endorsements)
SELECT $1, (SELECT min(id) FROM residents), 'submitted', 'passed', 'care', 'other', title, '请帮忙', 0
FROM unnest($2::text[]) AS title RETURNING id
"""


async def main() -> None:
    """Seed, serve, measure, print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    signing.use(Signer("localhost/log", Ed25519PrivateKey.generate()))
    with tempfile.TemporaryDirectory(prefix="linli-bench-", ignore_cleanup_errors=True) as folder:
        servers = await asyncio.to_thread(embedded.start, Path(folder) / "data")
        try:
            await asyncio.to_thread(migrations.migrate, servers.url(OWNER))
            listening = socket.socket()
            listening.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            settings = Settings(
                _env_file=None,
                database_url=servers.url(APP),
                redis_url=servers.redis_url,
                media_store=f"file://{folder}/media",
            )
            await db.connect(settings.database_url)
            server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning", lifespan="off"))
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            await measure(url)
            server.should_exit = True
            await serving
            await db.disconnect()
        finally:
            await asyncio.to_thread(servers.stop)


async def measure(url: str) -> None:
    """Ask for each twin, search, and read by id, in turn; print the medians."""
    await seed_cast()
    began = time.perf_counter()
    community_id = await seed_scale(NEEDS)
    seeded_s = time.perf_counter() - began
    kept = [line["id"] for line in await db.rows(KEPT, community_id, [one for one, _ in TWINS])]
    token = (await residents.open_session("lin")).token
    took: dict[str, list[float]] = {}
    found = 0
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:

        async def ask(what: str, path: str, **params: str | int) -> list[int]:
            began = time.perf_counter()
            answer = await client.get(path, params=params)
            took.setdefault(what, []).append((time.perf_counter() - began) * 1000)
            assert answer.is_success, answer.text  # noqa: S101
            return [item["id"] for item in answer.json().get("items", [])]

        for _ in range(2):
            for need_id, (_, typed) in zip(kept, TWINS, strict=True):
                await ask("one need by its id", f"/v1/needs/{need_id}")
                hinted = await ask("a twin hinted at", "/v1/needs/similar", community_id=community_id, title=typed)
                found += need_id in hinted
                common: dict[str, str | int] = {"community_id": community_id, "title": "7号楼楼道灯坏了"}
                await ask("a hint all have", "/v1/needs/similar", **common)
                await ask("a rare word searched", "/v1/needs", community_id=community_id, q=typed[:4])
                await ask("a common word searched", "/v1/needs", community_id=community_id, q="楼道")
                await ask("the most pressing", "/v1/needs", community_id=community_id, sort="priority")
    by_id = median(took["one need by its id"])
    table = Table("read", "median ms", "÷ by id")
    for what, times in took.items():
        table.add_row(what, f"{median(times):.1f}", f"{median(times) / by_id:.1f}")
    Console().print(
        table,
        f"{found} of {2 * len(TWINS)} twins found among {NEEDS + len(TWINS)} needs (seeded in {seeded_s:.0f} s); "
        f"a hint may cost {LARGEST_RATIO:.0f} reads",
    )


asyncio.run(main())
