"""Real servers for the whole run, one migrated template with the cast in it, and a transaction that never commits."""

import asyncio
import functools
import itertools
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from tortoise.context import TortoiseContext

from app.core import clock, db, embedded, migrations, signing
from app.core.embedded import APP, OWNER, Servers
from app.core.rates import Rates
from app.core.redis import open_redis
from app.core.settings import Settings
from app.core.signing import Signer
from app.gateways.darkroom import Darkroom
from app.gateways.outside import open_outside
from app.gateways.storage import open_storage
from app.seed import seed_cast
from services import residents
from tests import memory
from tests.applications import application
from tests.people import People
from tests.sandbox_process import SandboxProcess

TEMPLATE = "linli_template"
HASTE = ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")
"""No test takes the power away."""
_numbers = itertools.count(1)


LONGEST = ("stories", "house", "together")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long goes first where two processes share the tests, so that both end together."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.path.parent.name not in LONGEST)


class Undo(Exception):
    """Raised at the end of each test so that its transaction rolls back."""


@pytest.fixture(scope="session", autouse=True)
def signer() -> Signer:
    """The key of the tests' own log."""
    signing.use(Signer("localhost/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32)))))
    return signing.signer()


@pytest.fixture(scope="session", autouse=True)
def certificates() -> Iterator[None]:
    """Each client would read all authorities of the world again, for 20 ms; every test makes some."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", functools.cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """A PostgreSQL and a Valkey of this run's own."""
    with memory.folder("linli-test-") as folder:
        started = embedded.start(folder / "data")
        try:
            asyncio.run(_sql(started, *HASTE))
            yield started
        finally:
            started.stop()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxProcess]:
    """The WeChat sandbox, a process of its own."""
    with memory.folder("linli-sandbox-") as folder:
        process = SandboxProcess.start(folder)
        try:
            yield process
        finally:
            process.stop()


@pytest.fixture(scope="session")
async def template(servers: Servers) -> str:
    """The database every test's is cloned from: migrated by the function behind `linli migrate`, then the cast."""
    await _sql(servers, f"CREATE DATABASE {TEMPLATE} OWNER {OWNER}")
    await asyncio.to_thread(migrations.migrate, servers.url(OWNER, TEMPLATE))
    # In test databases only: a test may SET LOCAL ROLE to the owner, to move the clock or to reach a trigger.
    await _sql(servers, f"GRANT {OWNER} TO {APP} WITH INHERIT FALSE, SET TRUE")
    await db.connect(servers.url(APP, TEMPLATE))
    await seed_cast()
    await db.disconnect()
    _reset_tortoise()
    return TEMPLATE


@pytest.fixture(scope="session")
async def database(servers: Servers, template: str) -> AsyncIterator[str]:
    """This run's own clone, connected for all tests that roll back."""
    url = await _clone(servers, "linli_test")
    await db.connect(url, pool_size=4)
    yield url
    await db.disconnect()


@pytest.fixture(autouse=True)
async def rolled_back(request: pytest.FixtureRequest, database: str) -> AsyncIterator[None]:
    """Each test lives in a transaction that never commits; services get savepoints. `committed` tests opt out."""
    if "committed" in request.fixturenames or request.node.get_closest_marker("no_database"):
        yield
        return
    try:
        async with db.tx(limit_s=60):
            yield
            raise Undo
    except Undo:
        pass


@pytest.fixture
async def committed(servers: Servers, template: str) -> AsyncIterator[str]:
    """A fresh database that really commits, with 20 connections; dropped afterwards. Its URL."""
    name = f"linli_committed_{next(_numbers)}"
    url = await _clone(servers, name)
    async with TortoiseContext() as context:
        await context.init(config=db.connection_config(url, pool_size=20))
        yield url
    await _sql(servers, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
async def people(database: str) -> People:
    """The cast, as actors."""
    return await People.load()


@pytest.fixture
def move_clock() -> Callable[[timedelta], Awaitable[None]]:
    """Move `clock_now()` on by a while, in this test's transaction only."""

    async def move(by: timedelta) -> None:
        if db.in_transaction():
            await as_owner(lambda: clock.move(by))
        else:
            async with db.tx():
                await as_owner(lambda: clock.move(by))

    return move


async def as_owner(work: Callable[[], Awaitable[object]]) -> None:
    """Do something as the owner of the tables, inside the running transaction."""
    await db.execute(f"SET LOCAL ROLE {OWNER}")
    await work()
    await db.execute("RESET ROLE")


@pytest.fixture(scope="session")
def settings(servers: Servers, sandbox: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of an application whose outside world is the sandbox."""
    return Settings(
        _env_file=None,
        database_url=servers.url(APP, "linli_test"),
        redis_url=servers.redis_url,
        linli_data=tmp_path_factory.mktemp("linli"),
        media_store=f"file://{tmp_path_factory.mktemp('media')}",
        **{name.lower(): value for name, value in sandbox.config.items()},
    )


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The application with its outside world open; the database is the test's own transaction."""
    made = application(settings)
    made.state.redis = open_redis(settings.redis_url)
    made.state.rates = Rates(settings.redis_url)
    made.state.storage, made.state.darkroom = open_storage(settings), Darkroom()
    async with open_outside(settings, made.state.redis) as (made.state.wechat, made.state.wechat_pay):
        yield made
    await made.state.redis.aclose()


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    async with _client(app) as client:
        yield client


@pytest.fixture
async def as_(app: FastAPI, sandbox: SandboxProcess) -> AsyncIterator[Callable[[str], Awaitable[httpx.AsyncClient]]]:
    """`await as_("lin")` is a client logged in as 小林, whom WeChat has just seen."""
    clients: dict[str, httpx.AsyncClient] = {}

    async def logged_in(openid: str) -> httpx.AsyncClient:
        if openid not in clients:
            await sandbox.tell("active", openid=openid)
            token = (await residents.open_session(openid)).token
            clients[openid] = _client(app, token)
        return clients[openid]

    yield logged_in
    for client in clients.values():
        await client.aclose()


def _client(app: FastAPI, token: str | None = None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://linli.test", headers=headers)


async def _clone(servers: Servers, name: str) -> str:
    await _sql(servers, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy OWNER {OWNER}")
    return servers.url(APP, name)


async def _sql(servers: Servers, *statements: str) -> None:
    connection = await asyncpg.connect(servers.url("postgres", "postgres"))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _reset_tortoise() -> None:
    """Tortoise keeps one global context; the template's is done with."""
    from tortoise import context

    context._global_context = None
    context._current_context.set(None)
