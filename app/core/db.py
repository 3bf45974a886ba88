"""The one way to the database: the pool, the transaction, plain SQL, and what the driver's errors mean."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from tortoise import Tortoise
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import DBConnectionError, IntegrityError

from app.core.errors import DomainError, Unavailable, by_constraint

P = ParamSpec("P")
R = TypeVar("R")

ALIAS = "default"
ACQUIRE_S = 3.0
TRIES = 4
MODELS = ["models"]

# A transaction that lost against another may simply be run again.
TRANSIENT = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
# The server cannot be reached, is going down, or took too long. What was asked may or may not have happened.
OUTAGE = (
    ConnectionError,
    FileNotFoundError,  # the socket of a server that was stopped
    TimeoutError,
    DBConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the driver's word when the line broke a moment before it was written to
    asyncpg.CannotConnectNowError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)


class _Pool(asyncpg.Pool):  # type: ignore[misc]
    def acquire(self, *, timeout: float | None = None) -> Any:
        """Wait at most 3 s for a free connection: asyncpg's own `timeout` bounds connecting only."""
        return super().acquire(timeout=timeout or ACQUIRE_S)


class Client(AsyncpgDBClient):
    """Tortoise's asyncpg client over a pool whose waiting is bounded."""

    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        return await _Pool(None, **{**POOL_DEFAULTS, **kwargs})


POOL_DEFAULTS: dict[str, Any] = {  # what asyncpg.create_pool would fill in
    "init_size": None,
    "max_queries": 50_000,
    "max_inactive_connection_lifetime": 300.0,
    "connect": None,
    "setup": None,
    "init": None,
    "record_class": asyncpg.Record,
}
client_class = Client  # Tortoise looks this name up in the engine's module


async def _leave_clean(connection: asyncpg.Connection) -> None:
    """Nothing here changes session state, so the only thing to undo is a transaction cut off half way."""
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


@dataclass(frozen=True)
class Limits:
    """How long a process lets the database keep it: for a lock, a statement, a transaction that does nothing."""

    lock_ms: int
    statement_ms: int
    idle_ms: int


PATIENT = Limits(10_000, 60_000, 60_000)
"""For the command line and workers; an API process has the short limits of its settings."""


def connection_config(url: str, *, pool_size: int, limits: Limits = PATIENT) -> dict[str, Any]:
    """Tortoise's configuration for a database URL."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return {
        "connections": {
            ALIAS: {
                "engine": "app.core.db",
                "credentials": {
                    "host": query.get("host", [parts.hostname or "localhost"])[0],
                    "port": parts.port or 5432,
                    "user": unquote(parts.username or ""),
                    "password": unquote(parts.password) if parts.password else None,
                    "database": parts.path.lstrip("/"),
                    "minsize": 1,
                    "maxsize": pool_size,
                    "timeout": ACQUIRE_S,
                    "reset": _leave_clean,
                    "server_settings": {
                        "application_name": "linli",
                        "timezone": "UTC",
                        "jit": "off",
                        "lock_timeout": str(limits.lock_ms),
                        "statement_timeout": str(limits.statement_ms),
                        "idle_in_transaction_session_timeout": str(limits.idle_ms),
                    },
                },
            }
        },
        "apps": {"models": {"models": MODELS, "default_connection": ALIAS}},
        "use_tz": True,
        "timezone": "UTC",
    }


async def connect(url: str, *, pool_size: int = 10, limits: Limits = PATIENT) -> None:
    """Open the pool for this process."""
    await Tortoise.init(config=connection_config(url, pool_size=pool_size, limits=limits), _enable_global_fallback=True)


async def disconnect() -> None:
    """Close the pool."""
    await Tortoise.close_connections()


def in_transaction() -> bool:
    """Whether the running task is inside `tx()`."""
    return isinstance(_client(), TransactionWrapper)


def driver_connection() -> asyncpg.Connection:
    """The running transaction's own connection, for what must join it (PgQueuer, COPY)."""
    client = _client()
    assert isinstance(client, TransactionWrapper), "only inside tx()"  # noqa: S101
    return client._connection


@asynccontextmanager
async def tx(*, limit_s: int | None = None) -> AsyncIterator[None]:
    """Run the block in one transaction, or in a savepoint of the running one.

    Safe against cancellation at any point: the connection always comes back, and a commit or rollback that has
    begun is finished before the cancellation goes on. `limit_s` widens the statement timeout for bulk work.
    Raises the DomainError that a violated constraint stands for.
    """
    with _known():
        async with _savepoint() if in_transaction() else _outermost():
            if limit_s is not None:
                await execute(f"SET LOCAL statement_timeout = {int(limit_s) * 1000}")
                await execute(f"SET LOCAL idle_in_transaction_session_timeout = {int(limit_s) * 1000}")
            yield


def atomic(*, limit_s: int | None = None) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Make a use case one transaction. The outermost is run again (≤ 3 times) when it lost against another."""

    def wrap(func: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @wraps(func)
        async def run(*args: P.args, **kwargs: P.kwargs) -> R:
            return await run_atomic(lambda: func(*args, **kwargs), limit_s=limit_s)

        return run

    return wrap


async def run_atomic(work: Callable[[], Awaitable[R]], *, limit_s: int | None = None) -> R:
    """Run `work` in one transaction; see `atomic`. Raises Unavailable when it keeps losing."""

    async def once() -> R:
        async with tx(limit_s=limit_s):
            return await work()

    return await _again(once)


async def alone(sql: str, *values: Any) -> dict[str, Any] | None:
    """The first row of a statement that is a transaction by itself: as under `atomic`, with two round trips less."""
    if in_transaction():
        return await run_atomic(lambda: row(sql, *values))
    with _known():
        return await _again(lambda: row(sql, *values))


async def _again(work: Callable[[], Awaitable[R]]) -> R:
    tries = 1 if in_transaction() else TRIES
    for attempt in range(1, tries + 1):
        try:
            return await work()
        except TRANSIENT as exc:
            if tries == 1:
                raise
            if attempt == tries:
                raise Unavailable from exc
            await asyncio.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - jitter
    raise AssertionError("unreachable")


async def rows(sql: str, *values: Any) -> list[dict[str, Any]]:
    """All rows of a statement, in the running transaction if there is one."""
    return cast("list[dict[str, Any]]", await _client().execute_query_dict(sql, list(values)))


async def row(sql: str, *values: Any) -> dict[str, Any] | None:
    """The first row of a statement, or None."""
    found = await rows(sql, *values)
    return found[0] if found else None


async def value(sql: str, *values: Any) -> Any:
    """The first column of the first row of a statement, or None."""
    found = await row(sql, *values)
    return next(iter(found.values())) if found else None


async def execute(sql: str, *values: Any) -> int:
    """Run a statement; the number of rows it touched."""
    touched, _ = await _client().execute_query(sql, list(values))
    return int(touched)


@contextmanager
def _known() -> Iterator[None]:
    """Raise the DomainError that a violated constraint stands for."""
    try:
        yield
    except IntegrityError as exc:
        known = by_constraint(constraint_name(exc))
        if known is None:
            raise
        raise known from exc


async def advisory_lock(name: str) -> None:
    """Hold a named lock until the running transaction ends."""
    await execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)


def constraint_name(exc: BaseException) -> str | None:
    """The name of the constraint (or of the trigger's own CONSTRAINT) that refused."""
    cause = exc.args[0] if exc.args and isinstance(exc.args[0], asyncpg.PostgresError) else exc.__cause__
    return getattr(cause, "constraint_name", None) or getattr(exc, "constraint_name", None)


def meaning(exc: BaseException) -> DomainError | None:
    """What a raw driver error means to a client, or None when it is a defect of ours."""
    if isinstance(exc, OUTAGE + TRANSIENT):
        return Unavailable()
    if isinstance(exc, IntegrityError):
        return by_constraint(constraint_name(exc))
    return None


def _client() -> AsyncpgDBClient:
    return cast(AsyncpgDBClient, get_connections().get(ALIAS))


@asynccontextmanager
async def _outermost() -> AsyncIterator[None]:
    pool_client = _client()
    if pool_client._pool is None:
        async with pool_client._pool_init_lock:
            if pool_client._pool is None:
                await pool_client.create_connection(with_db=True)
    wrapper = TransactionWrapper(pool_client)
    pool: asyncpg.Pool = pool_client._pool
    wrapper._connection = await pool.acquire()
    try:
        async with _ended(wrapper):
            token = get_connections().set(ALIAS, wrapper)
            try:
                yield
            finally:
                get_connections().reset(token)
    finally:
        await _to_the_end(pool.release(wrapper._connection))


@asynccontextmanager
async def _savepoint() -> AsyncIterator[None]:
    async with _ended(TransactionWrapper(_client())):
        yield


@asynccontextmanager
async def _ended(wrapper: TransactionWrapper) -> AsyncIterator[None]:
    """Begin; commit after the block, roll back when it raised. Each of the three is finished once started."""
    begun = False

    async def begin() -> None:
        nonlocal begun
        await wrapper.begin()
        begun = True

    try:
        await _to_the_end(begin())
        yield
    except BaseException:
        if begun and not wrapper._connection.is_closed():
            await _to_the_end(wrapper.rollback())
        raise
    await _to_the_end(wrapper.commit())


async def _to_the_end(work: Coroutine[Any, Any, Any]) -> None:
    """Finish `work` although the task is being cancelled, then let the cancellation go on."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as exc:
            cancelled = exc
        except Exception:
            break  # task.result() below raises it
    if cancelled is not None:
        task.exception()
        raise cancelled
    task.result()
