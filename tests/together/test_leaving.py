"""Leaving while one logs in, moves in and leaves again at the same time."""

import asyncio

import pytest

from app.core import db
from app.core.embedded import OWNER
from app.core.errors import DomainError
from models.residents import Role
from services import residents
from services.privacy import leave
from tests.people import People

pytestmark = pytest.mark.usefixtures("committed")
LIVE_OF_THE_LEFT = """
SELECT (SELECT count(*) FROM sessions s JOIN residents r ON r.id = s.resident_id WHERE r.left_at IS NOT NULL)
    + (SELECT count(*) FROM memberships m JOIN residents r ON r.id = m.resident_id
        WHERE r.left_at IS NOT NULL AND m.until_at IS NULL)
    + (SELECT count(*) FROM role_grants g JOIN residents r ON r.id = g.resident_id
        WHERE r.left_at IS NOT NULL AND g.until_at IS NULL)
"""


async def test_whoever_leaves_while_he_logs_in_is_gone_or_somebody_new() -> None:
    people = await People.load()
    for person in (people.lin, people.mei, people.wang):
        openid = person.openid or ""
        done = await asyncio.gather(
            leave(person),
            *(residents.open_session(openid) for _ in range(4)),
            leave(person),
            residents.grant_role(people.chen, people.jy, resident_id=person.id, role=Role.SOCIAL_WORKER),
            return_exceptions=True,
        )
        assert all(one is None or not isinstance(one, Exception) or isinstance(one, DomainError) for one in done), done
        assert await db.value("SELECT left_at IS NOT NULL FROM residents WHERE id = $1", person.id)
        assert (
            await db.value("SELECT count(*) FROM events WHERE verb = 'resident.left' AND actor_id = $1", person.id) == 1
        )
    assert await db.value(LIVE_OF_THE_LEFT) == 0


async def test_without_the_trigger_somebody_who_left_gets_a_role() -> None:
    people = await People.load()
    await leave(people.lin)
    async with db.tx():
        await db.execute(f"SET LOCAL ROLE {OWNER}")
        await db.execute("DROP TRIGGER role_grants_not_of_who_left ON role_grants")
    await residents.grant_role(people.chen, people.jy, resident_id=people.lin.id, role=Role.SOCIAL_WORKER)
    assert await db.value(LIVE_OF_THE_LEFT) == 1
