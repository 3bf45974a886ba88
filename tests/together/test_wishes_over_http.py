"""A rush for one wish over two processes: exactly as many win as it asks for, everybody else reads why not (C1)."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.core import db
from models.wishes import Wish, WishClaim, WishState
from tests.people import People
from tests.sandbox_process import SandboxProcess
from tests.together.crowd import neighbours
from tests.together.test_votes import ONE_USE, logged_in, two_processes, written
from tests.together.test_wishes import ALL_WISHES, live, opened, without

AT_ONCE, MEET, PATIENCE_S = 32, 4, 20
WON, LOST = (200, None), (409, "already_claimed")


@pytest.fixture
async def two(committed: str, settings: Any, sandbox: SandboxProcess, tmp_path: Path) -> AsyncIterator[list[str]]:
    with two_processes(committed, settings.redis_url, sandbox, tmp_path) as urls:
        yield urls


async def rush(
    urls: list[str], wish: Wish, tokens: list[str], *, meeting: bool = False
) -> Counter[tuple[int, str | None]]:
    """Everybody claims the wish at once; if they are to meet, its row is held until some of them wait for it."""
    doors = asyncio.Semaphore(AT_ONCE)

    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=ONE_USE) as client:

        async def claim(number: int) -> tuple[int, str | None]:
            async with doors:
                answer = await client.post(
                    f"{urls[number % 2]}/v1/wishes/{wish.id}/claim",
                    headers={"Authorization": f"Bearer {tokens[number]}"},
                )
            return answer.status_code, answer.json().get("code")

        async with db.tx():
            if meeting:
                await db.execute(ALL_WISHES)
            claims = [asyncio.create_task(claim(number)) for number in range(len(tokens))]
            ends_at = time.monotonic() + PATIENCE_S
            while meeting and await db.value("SELECT count(*) FROM pg_locks WHERE NOT granted") < MEET:
                assert time.monotonic() < ends_at, "they never met"
                await asyncio.sleep(0.02)
        return Counter(await asyncio.gather(*claims))


@pytest.mark.parametrize(
    ("claimers", "crowd"),
    [
        (5, 200),
        pytest.param(1, 1000, marks=pytest.mark.prove),
        pytest.param(5, 1000, marks=pytest.mark.prove),
    ],
)
async def test_over_two_processes_exactly_as_many_win_as_it_asks_for(
    two: list[str], people: People, tmp_path: Path, claimers: int, crowd: int
) -> None:
    tokens = await logged_in([one.id for one in await neighbours(people, crowd)])
    wish = await opened(people, claimers)
    assert await rush(two, wish, tokens) == {WON: claimers, LOST: crowd - claimers}
    slots = await WishClaim.filter(wish_id=wish.id).values_list("slot", flat=True)
    assert sorted(slots) == list(range(1, claimers + 1))
    assert (await Wish.get(id=wish.id)).state is WishState.CLAIMED
    told = await db.value("SELECT count(*) FROM events WHERE verb = 'wish.claimed' AND subject_id = $1", wish.id)
    assert told == claimers
    assert '"level": "error"' not in written(tmp_path)


@pytest.mark.prove
@pytest.mark.parametrize("claimers", [1, 5])
async def test_without_the_index_on_slots_more_would_win(two: list[str], people: People, claimers: int) -> None:
    await without("wish_claims_one_per_slot")
    tokens = await logged_in([one.id for one in await neighbours(people, 60)])
    wish = await opened(people, claimers)
    assert (await rush(two, wish, tokens, meeting=True))[WON] > claimers
    assert await live(wish_id=wish.id) > claimers
