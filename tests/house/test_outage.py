"""A bad day of the servers below: a clear 503, never a 500, and no waiting for ever."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from tortoise.context import TortoiseContext

from app.core import db
from app.core.embedded import free_port
from app.core.redis import open_redis

pytestmark = pytest.mark.no_database


@pytest.fixture
async def nowhere() -> AsyncIterator[None]:
    """A database that nobody answers for."""
    async with TortoiseContext() as context:
        await context.init(config=db.connection_config(f"postgresql://a@127.0.0.1:{free_port()}/b", pool_size=2))
        yield


async def test_without_its_database_it_is_not_ready_and_says_when_to_ask_again(
    nowhere: None, anonymous: httpx.AsyncClient
) -> None:
    started = time.monotonic()
    answer = await anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert time.monotonic() - started < 5
    refused = await anonymous.get("/v1/me", headers={"Authorization": "Bearer x"})
    assert refused.status_code == 503


async def test_without_redis_work_goes_on(app: FastAPI, committed: str, anonymous: httpx.AsyncClient) -> None:
    app.state.redis = open_redis(f"redis://127.0.0.1:{free_port()}")
    answer = await anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["redis"]) == (200, "unavailable")
    assert (await anonymous.get("/v1/places")).status_code == 200
