"""The transaction: it ends whole, gives its connection back, and loses to nobody silently."""

import asyncio
import random
import time

import asyncpg
import pytest

from app.core import db
from app.core.errors import AlreadyExists, Unavailable
from models.places import Place
from models.residents import Resident
from services import residents


def in_use() -> int:
    pool = db._client()._pool
    return int(pool.get_size() - pool.get_idle_size())


@pytest.mark.parametrize("count", [3_000, pytest.param(12_000, marks=pytest.mark.prove)])
async def test_cancelled_transactions_give_their_connections_back(committed: str, count: int) -> None:
    async def one() -> None:
        async with db.tx():
            await db.rows("SELECT 1")
            async with db.tx():
                await db.rows("SELECT 2")

    async def cancelled() -> None:
        task = asyncio.ensure_future(one())
        await asyncio.sleep(random.uniform(0, 0.01))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for _ in range(count // 50):
        await asyncio.gather(*(cancelled() for _ in range(50)))
    started = time.monotonic()
    assert await db.value("SELECT 1") == 1
    assert time.monotonic() - started < 1
    assert in_use() == 0
    assert not await db.value(
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
    )


async def test_a_commit_that_has_begun_is_finished_before_the_cancellation(committed: str) -> None:
    async def enrol(openid: str) -> None:
        async with db.tx():
            await Resident.create(openid=openid, nickname="x")

    done, undone = 0, 0
    for number in range(200):
        task = asyncio.ensure_future(enrol(f"c{number}"))
        await asyncio.sleep(random.uniform(0, 0.004))
        task.cancel()
        try:
            await task
            finished = True
        except asyncio.CancelledError:
            finished = False
        exists = await Resident.exists(openid=f"c{number}")
        assert exists or not finished, "acknowledged and gone"
        done, undone = done + exists, undone + (not exists)
    assert done
    assert undone
    assert in_use() == 0


async def test_an_inner_failure_undoes_only_the_inner_part() -> None:
    async with db.tx():
        await residents.enrol("outer")
        with pytest.raises(RuntimeError):
            async with db.tx():
                await residents.enrol("inner")
                raise RuntimeError
    assert await Resident.exists(openid="outer")
    assert not await Resident.exists(openid="inner")


async def test_a_known_constraint_becomes_its_own_error() -> None:
    first = await Place.filter(kind="community").first()
    assert first is not None
    with pytest.raises(AlreadyExists):
        async with db.tx():
            await Place.create(parent_id=first.parent_id, kind="community", name=first.name, path="/x/", community_id=1)


async def test_a_transaction_that_lost_is_run_again_and_at_last_refused(committed: str) -> None:
    runs = 0

    async def lose(times: int) -> str:
        nonlocal runs
        runs += 1
        if runs <= times:
            await db.execute("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$")
        return "won"

    assert await db.run_atomic(lambda: lose(2)) == "won"
    assert runs == 3
    runs = 0
    with pytest.raises(Unavailable):
        await db.run_atomic(lambda: lose(99))
    assert runs == 4


@pytest.mark.no_database
async def test_limits_reach_the_server_as_text() -> None:
    config = db.connection_config("postgresql://a@/b?host=/tmp/x", pool_size=3, limits=db.Limits(2_000, 5_000, 10_000))
    given = config["connections"]["default"]["credentials"]["server_settings"]
    assert (given["lock_timeout"], given["statement_timeout"]) == ("2000", "5000")
    assert given["idle_in_transaction_session_timeout"] == "10000"


@pytest.mark.no_database
def test_a_line_that_broke_just_before_is_an_outage() -> None:
    """Seen when PostgreSQL was killed under load: the driver says so in a class that is none of its InterfaceErrors."""
    broke = asyncpg.InternalClientError('cannot switch to state 13; protocol is in the "failed" state')
    assert isinstance(db.meaning(broke), Unavailable)


async def test_waiting_for_a_connection_is_bounded(committed: str) -> None:
    held, release = asyncio.Semaphore(0), asyncio.Event()

    async def hold() -> None:
        async with db.tx():
            held.release()
            await release.wait()

    holders = [asyncio.ensure_future(hold()) for _ in range(20)]
    for _ in holders:
        await held.acquire()
    with pytest.raises(TimeoutError) as late:
        await db.value("SELECT 1")
    assert isinstance(db.meaning(late.value), Unavailable)
    release.set()
    await asyncio.gather(*holders)
    assert in_use() == 0
