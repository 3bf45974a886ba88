"""Leaving while one logs in, moves in and leaves again at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from app.core import db
from app.core.embedded import OWNER
from app.core.errors import DomainError
from models.needs import NeedField, ServiceClass
from models.residents import HasLeft, Role
from models.volunteering import Skill
from services import needs, residents, volunteering
from services.once import once
from services.privacy import leave
from tests.passing import passed
from tests.people import People

pytestmark = pytest.mark.usefixtures("committed")
LIVE_OF_THE_LEFT = """
SELECT (SELECT count(*) FROM sessions s JOIN residents r ON r.id = s.resident_id WHERE r.left_at IS NOT NULL)
    + (SELECT count(*) FROM memberships m JOIN residents r ON r.id = m.resident_id
        WHERE r.left_at IS NOT NULL AND m.until_at IS NULL)
    + (SELECT count(*) FROM role_grants g JOIN residents r ON r.id = g.resident_id
        WHERE r.left_at IS NOT NULL AND g.until_at IS NULL)
"""

WORDS_OF_THE_LEFT = """
SELECT (SELECT count(*) FROM needs n JOIN residents r ON r.id = n.author_id WHERE r.left_at IS NOT NULL
        AND n.title NOT LIKE '%已注销%')
    + (SELECT count(*) FROM comments c JOIN residents r ON r.id = c.author_id WHERE r.left_at IS NOT NULL
        AND c.body NOT LIKE '%已注销%')
    + (SELECT count(*) FROM volunteers v JOIN residents r ON r.id = v.resident_id WHERE r.left_at IS NOT NULL
        AND v.skills <> '[]')
    + (SELECT count(*) FROM idempotency_keys k JOIN residents r ON r.id = k.resident_id WHERE r.left_at IS NOT NULL)
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


RAISED: dict[str, Any] = {"service_class": ServiceClass.CARE, "field": NeedField.SAFETY, "body": "太暗"}


async def test_nothing_is_written_by_whoever_leaves_meanwhile() -> None:
    people = await People.load()
    about = await needs.submit(people.chen, community_id=people.jy, title="坡道", **RAISED)
    await passed(about)

    async def again_and_again(deed: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(HasLeft):
            while True:
                await deed()
                await asyncio.sleep(0.004)

    for person in (people.lin, people.mei):
        deeds: list[Callable[[], Awaitable[object]]] = [
            partial(needs.submit, person, community_id=people.jy, title="灯", **RAISED),
            partial(needs.comment, person, about.id, body="同意"),
            partial(needs.endorse, person, about.id),
            partial(volunteering.set_skills, person, [Skill.FIRST_AID]),
            partial(once, person, "key", b"asked", partial(needs.find, person, about.id), partial(needs.find, person)),
        ]
        writing = [asyncio.create_task(again_and_again(deed)) for deed in deeds]
        await asyncio.sleep(0.05)
        await leave(person, erase_texts=True)
        async with asyncio.timeout(5):
            await asyncio.gather(*writing)
        assert await db.value(WORDS_OF_THE_LEFT) == 0


async def test_whoever_left_writes_nothing_and_without_the_triggers_he_would() -> None:
    people = await People.load()
    await leave(people.lin, erase_texts=True)
    raise_it = partial(needs.submit, people.lin, community_id=people.jy, title="灯", **RAISED)
    with pytest.raises(HasLeft):
        await raise_it()
    async with db.tx():
        await db.execute(f"SET LOCAL ROLE {OWNER}")
        await db.execute("DROP TRIGGER needs_not_of_who_left ON needs")
    with pytest.raises(HasLeft):  # all that is told of is refused once more
        await raise_it()
    async with db.tx():
        await db.execute(f"SET LOCAL ROLE {OWNER}")
        await db.execute("DROP TRIGGER events_not_of_who_left ON events")
    await raise_it()
    assert await db.value(WORDS_OF_THE_LEFT) == 1


async def test_without_the_trigger_somebody_who_left_gets_a_role() -> None:
    people = await People.load()
    await leave(people.lin)
    async with db.tx():
        await db.execute(f"SET LOCAL ROLE {OWNER}")
        await db.execute("DROP TRIGGER role_grants_not_of_who_left ON role_grants")
    await residents.grant_role(people.chen, people.jy, resident_id=people.lin.id, role=Role.SOCIAL_WORKER)
    assert await db.value(LIVE_OF_THE_LEFT) == 1
