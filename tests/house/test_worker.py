"""Jobs: none is lost to a failure, a dropped connection or a killed worker; none that failed for good vanishes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from app import worker
from app.core import db
from models.events import Event, Notice
from models.residents import Resident, RoleGrant
from services import events, jobs
from tests.people import People

TOOLS: Any = SimpleNamespace(wechat=None, pay=None)


async def until(true: Callable[[], Awaitable[bool]], *, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await true():
            await asyncio.sleep(0.05)


async def owe(people: People, *jobs_owed: str) -> int:
    async with db.tx():
        event = await events.record(None, "test.happened", await Resident.get(id=people.lin.id))
        await events.owe(jobs_owed, event.id)
    return event.id


async def working(url: str, stopping: asyncio.Event) -> None:
    await worker._until_lost(url, TOOLS, stopping)


@dataclass
class Trouble:
    """A job that notes its runs and fails the first `failures` times."""

    failures: int = 0
    runs: list[int] = field(default_factory=list)

    async def __call__(self, tools: Any, event: Event) -> None:
        self.runs.append(event.id)
        if len(self.runs) <= self.failures:
            raise RuntimeError("not yet")

    async def ran(self, times: int) -> bool:
        return len(self.runs) >= times


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> Trouble:
    made = Trouble()
    monkeypatch.setitem(jobs.JOBS, "trouble", made)
    return made


async def test_a_job_that_fails_twice_is_run_a_third_time(committed: str, people: People, trouble: Trouble) -> None:
    trouble.failures = 2
    event_id = await owe(people, "trouble")
    stopping = asyncio.Event()
    running = asyncio.ensure_future(working(committed, stopping))
    await until(lambda: trouble.ran(3))
    assert trouble.runs == [event_id] * 3
    await until(_queue_is_empty)
    stopping.set()
    await running


async def test_a_job_that_never_succeeds_is_held_and_can_be_queued_again(
    committed: str, people: People, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble.failures = 10**6
    monkeypatch.setattr(worker, "ATTEMPTS_MAX", 1)
    await owe(people, "trouble")
    stopping = asyncio.Event()
    running = asyncio.ensure_future(working(committed, stopping))

    async def held() -> bool:
        return bool(await db.value("SELECT count(*) FROM pgqueuer WHERE status = 'failed'"))

    await until(held)
    stopping.set()
    await running


async def test_a_terminated_backend_ends_the_run_so_that_the_worker_meets_the_database_again(
    committed: str, people: People, trouble: Trouble
) -> None:
    stopping = asyncio.Event()
    running = asyncio.ensure_future(working(committed, stopping))

    async def ended() -> bool:
        await db.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND query ILIKE '%pgqueuer%'"
        )
        return running.done()

    await until(ended)
    await asyncio.gather(running, return_exceptions=True)
    event_id = await owe(people, "trouble")
    again = asyncio.ensure_future(working(committed, stopping))
    await until(lambda: trouble.ran(1))
    assert trouble.runs == [event_id]
    stopping.set()
    await again


async def test_a_job_that_a_killed_worker_held_is_taken_over(committed: str, people: People, trouble: Trouble) -> None:
    event_id = await owe(people, "trouble")
    await db.execute(
        "UPDATE pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid(), "
        "heartbeat = now() - interval '5 minutes' WHERE entrypoint = 'trouble'"
    )
    stopping = asyncio.Event()
    running = asyncio.ensure_future(working(committed, stopping))
    await until(lambda: trouble.ran(1))
    assert trouble.runs == [event_id]
    stopping.set()
    await running


async def test_a_job_exists_exactly_when_its_fact_does(committed: str, people: People, trouble: Trouble) -> None:
    async def fail_after_owing() -> None:
        async with db.tx():
            event = await events.record(None, "test.happened", await Resident.get(id=people.lin.id))
            await events.owe(("trouble",), event.id)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_owing()
    assert await _queue_is_empty()


async def test_a_job_about_a_row_is_handed_its_id(committed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []

    async def note(tools: Any, row_id: int) -> None:
        rows.append(row_id)

    async def noted() -> bool:
        return rows == [7]

    monkeypatch.setitem(jobs.ROW_JOBS, "handle_push", note)
    async with db.tx():
        await events.owe_for("push", 7)
    stopping = asyncio.Event()
    running = asyncio.ensure_future(working(committed, stopping))
    await until(noted)
    stopping.set()
    await running


async def test_a_claimant_is_told_once_although_the_job_ran_twice(people: People) -> None:
    grant = await RoleGrant.filter(resident_id=people.he.id).first()
    assert grant is not None
    event = await events.record(None, "role.granted", grant)
    await jobs.tell_role_holder(TOOLS, event)
    await jobs.tell_role_holder(TOOLS, event)
    assert await Notice.filter(resident_id=people.he.id, kind="role.granted", subject_id=grant.id).count() == 1


async def _queue_is_empty() -> bool:
    return not await db.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'trouble'")
