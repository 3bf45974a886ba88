"""Many verified neighbours at once, made by SQL, and how to ask them all at the same moment."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable

from app.core import db
from services.policies import Actor
from tests.people import People


async def neighbours(people: People, count: int) -> list[Actor]:
    """`count` new verified adults of 锦阳, all in 小林's household."""
    found = await db.rows(
        "WITH made AS (INSERT INTO residents (nickname, birth_year, suspended) "
        "SELECT '邻居' || n, 1980, false FROM generate_series(1, $1::int) n RETURNING id), "
        "home AS (INSERT INTO memberships (community_id, household_id, resident_id, capacity) "
        "SELECT $2, $3, id, 'family' FROM made) SELECT id FROM made",
        count,
        people.jy,
        people.lin.household_id,
    )
    return [
        Actor(id=line["id"], nickname="邻居", household_id=people.lin.household_id, community_id=people.jy)
        for line in found
    ]


async def outcomes(deeds: Iterable[Awaitable[object]]) -> Counter[str]:
    """Do all at once; how often each ended how: `ok`, or the name of the error."""
    ended = await asyncio.gather(*deeds, return_exceptions=True)
    return Counter(type(end).__name__ if isinstance(end, BaseException) else "ok" for end in ended)


async def outcomes_neck_and_neck(deeds: Iterable[Awaitable[object]], *, behind: str, at_once: int) -> Counter[str]:
    """The same, but the rows that `behind` locks are held until `at_once` deeds wait, so that none runs ahead."""
    ready = asyncio.Event()

    async def hold() -> None:
        async with db.tx():
            await db.execute(behind)
            ready.set()
            for _ in range(100):
                if await db.value("SELECT count(*) FROM pg_locks WHERE NOT granted") >= at_once:
                    return
                await asyncio.sleep(0.05)
            raise AssertionError("they never met")

    holder = asyncio.create_task(hold())
    await ready.wait()
    ended = await outcomes(deeds)
    await holder
    return ended
