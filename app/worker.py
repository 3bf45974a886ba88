"""Runs the page of jobs: what events owe, and what the clock brings. Any number of workers may run."""

import asyncio
import json
import signal
from datetime import timedelta
from functools import partial

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.models import Job as QueuedJob
from pgqueuer.models import Schedule

from app.core import db, logs, signing
from app.core.redis import open_redis
from app.core.settings import Settings
from app.gateways.outside import open_outside
from app.gateways.storage import open_storage
from models.events import Event
from services.jobs import EVERY, JOBS, ROW_JOBS, Tools, Work
from services.media import links

ATTEMPTS_MAX = 12
BACK_OFF_S = (0.5, 1, 2, 4, 8)
DRAIN_S = 8

log = logs.get("linli.worker")


class JobFailed(Exception):
    """A job failed; the worker's own log line says why."""


async def work(settings: Settings, stopping: asyncio.Event) -> None:
    """Run jobs until `stopping`; a lost database is waited for and met again."""
    signing.use(signing.open_signer(settings))
    await db.connect(settings.database_url, pool_size=settings.db_pool_size)
    redis = open_redis(settings.redis_url)
    try:
        async with open_outside(settings, redis) as (wechat, pay):
            links.bind(links.Links(settings.base_url, settings.secret_key.get_secret_value()))
            tools = Tools(wechat, pay, open_storage(settings), settings.template_id, settings.keys)
            losses = 0
            while not stopping.is_set():
                started = asyncio.get_running_loop().time()
                try:
                    await _until_lost(settings.database_url, tools, stopping)
                except Exception as exc:
                    log.warning("worker_lost_the_database", error=type(exc).__name__)
                if asyncio.get_running_loop().time() - started > 60:
                    losses = 0
                await _pause(stopping, BACK_OFF_S[min(losses, len(BACK_OFF_S) - 1)])
                losses += 1
    finally:
        await redis.aclose()
        await db.disconnect()


async def _until_lost(url: str, tools: Tools, stopping: asyncio.Event) -> None:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        queue = make_queue(connection, tools)
        queue.shutdown.clear()
        running = asyncio.create_task(
            queue.run(
                dequeue_timeout=timedelta(seconds=2),
                batch_size=10,
                max_concurrent_tasks=20,
                shutdown_on_listener_failure=True,
            )
        )
        stopped = asyncio.create_task(stopping.wait())
        lost = asyncio.create_task(_closed(connection))
        await asyncio.wait({running, stopped, lost}, return_when=asyncio.FIRST_COMPLETED)
        queue.shutdown.set()
        try:
            await asyncio.wait_for(running, DRAIN_S)
        finally:
            for task in (running, stopped, lost):
                task.cancel()
    finally:
        connection.terminate()


async def _closed(connection: asyncpg.Connection) -> None:
    """Return when the connection is gone: a terminated backend does not end PgQueuer's own loops."""
    gone = asyncio.Event()
    connection.add_termination_listener(lambda _: gone.set())
    await gone.wait()


def make_queue(connection: asyncpg.Connection, tools: Tools) -> PgQueuer:
    """Every job and every periodic piece of work, registered on one connection."""
    queue = PgQueuer.from_asyncpg_connection(connection)
    for name in (*JOBS, *ROW_JOBS):
        queue.entrypoint(
            name,
            on_failure="hold",  # the default deletes a job that failed; held ones alarm and can be tried again
            executor_factory=partial(
                DatabaseRetryEntrypointExecutor,
                max_attempts=ATTEMPTS_MAX,
                initial_delay=timedelta(seconds=1),
                max_delay=timedelta(minutes=30),
            ),
        )(_entrypoint(name, tools))
    for name, (cron, work) in EVERY.items():
        queue.schedule(name, cron)(_scheduled(name, work, tools))
    return queue


def _entrypoint(name: str, tools: Tools):  # type: ignore[no-untyped-def]
    async def run(queued: QueuedJob) -> None:
        about = json.loads(queued.payload or b"{}")
        try:
            if name in JOBS:
                await JOBS[name](tools, await Event.get(id=about["event_id"]))
            else:
                await ROW_JOBS[name](tools, about["row_id"])
        except Exception as exc:
            log.warning("job_failed", job=name, **about, attempt=queued.attempts, **logs.about(exc))
            raise JobFailed(name) from None  # PgQueuer logs and keeps what it is given

    return run


def _scheduled(name: str, work: Work, tools: Tools):  # type: ignore[no-untyped-def]
    async def run(schedule: Schedule) -> None:
        try:
            await work(tools)
        except Exception as exc:  # one bad run must not end the others; the next one comes by the clock
            log.error("periodic_work_failed", work=name, **logs.about(exc))

    return run


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return


def main(settings: Settings) -> None:
    """Run one worker until SIGTERM or SIGINT."""
    logs.set_up(json=settings.production)

    async def run() -> None:
        stopping = asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, stopping.set)
        await work(settings, stopping)

    asyncio.run(run())
