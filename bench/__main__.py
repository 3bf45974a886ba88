"""`make bench`: the hot reads against a running `make run`, as ratios to a request that does nothing.

Timings on a shared machine are noisy; only ratios from one run say anything, and nothing is judged by them.
"""

import asyncio
import runpy
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import httpx
from rich.console import Console
from rich.table import Table

from app.core.settings import Settings

CONNECTIONS, SECONDS, ROUNDS = 16, 2.0, 3


async def rate(ask: Callable[[], Awaitable[httpx.Response]]) -> float:
    """Answered requests a second over all connections."""
    ends_at = time.perf_counter() + SECONDS
    answered = 0

    async def keep_asking() -> None:
        nonlocal answered
        while time.perf_counter() < ends_at:
            response = await ask()
            assert response.status_code < 400, response.text  # noqa: S101
            answered += 1

    await asyncio.gather(*(keep_asking() for _ in range(CONNECTIONS)))
    return answered / SECONDS


async def main() -> None:
    """Measure each read in turn, several rounds, and print the medians."""
    settings = Settings()
    sandbox = f"http://127.0.0.1:{settings.sandbox_port}/_sandbox"
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with httpx.AsyncClient(base_url=settings.base_url, limits=limits) as client:
        code = (await client.post(f"{sandbox}/login-code", json={"openid": "lin"})).json()["code"]
        login = (await client.post("/v1/auth/wechat", json={"code": code})).json()
        client.headers["Authorization"] = f"Bearer {login['token']}"
        scaled = (await client.get("/v1/places?kind=community&limit=1")).json()["items"][0]["id"]
        path = f"/v1/needs?community_id={scaled}"
        first = await client.get(path)
        assert first.json()["items"], "make some needs first: linli seed --scale 100000"  # noqa: S101
        detail = f"/v1/needs/{first.json()['items'][0]['id']}"
        known = {"If-None-Match": first.headers["etag"]}
        reads: dict[str, Callable[[], Awaitable[httpx.Response]]] = {
            "nothing (/healthz)": lambda: client.get("/healthz"),
            "who am I": lambda: client.get("/v1/me"),
            "20 newest needs": lambda: client.get(path),
            "20 newest needs, unchanged": lambda: client.get(path, headers=known),
            "one need": lambda: client.get(detail),
        }
        measured: dict[str, list[float]] = {name: [] for name in reads}
        for _ in range(ROUNDS):
            for name, ask in reads.items():
                measured[name].append(await rate(ask))
    nothing = statistics.median(measured["nothing (/healthz)"])
    table = Table("read", "per second", "÷ nothing")
    for name, rates in measured.items():
        table.add_row(name, f"{statistics.median(rates):.0f}", f"{statistics.median(rates) / nothing:.2f}")
    Console().print(table)


if len(sys.argv) > 1:
    runpy.run_module(f"bench.{sys.argv.pop(1)}", run_name="__main__")
else:
    asyncio.run(main())
