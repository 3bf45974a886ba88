"""How many statements a request about votes costs: bounds, so that nobody adds one unseen."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from app.core import db
from services import deliberations
from tests.people import People
from tests.voting import discussed, voting

As = Callable[[str], Awaitable[httpx.AsyncClient]]
TRANSACTION = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


@asynccontextmanager
async def counted() -> AsyncIterator[list[str]]:
    """The statements sent meanwhile, but for beginnings and ends of transactions."""
    sent: list[str] = []

    def note(logged: Any) -> None:
        if not logged.query.lstrip().startswith(TRANSACTION):
            sent.append(logged.query)

    connection = db.driver_connection()
    connection.add_query_logger(note)
    try:
        yield sent
        await asyncio.sleep(0)  # the last is noted when its turn comes
    finally:
        connection.remove_query_logger(note)


@pytest.mark.parametrize("secret", [False, True])
async def test_a_ballot_is_who_asks_and_one_statement_more(people: People, as_: As, secret: bool) -> None:
    vote, mei = await voting(people, secret=secret), await as_("mei")
    async with counted() as sent:
        ballot = {"choice": "yes"} | ({"nonce": "00" * 16} if secret else {})
        answer = await mei.put(f"/v1/deliberations/{vote.id}/ballot", json=ballot)
    assert answer.status_code == 200
    assert len(sent) == 2, sent


async def test_reading_costs_the_same_however_much_there_is(people: People, as_: As) -> None:
    for _ in range(3):
        vote = await voting(people)
        for who in ("lin", "mei", "wang"):
            await deliberations.cast(people[who], vote.id, {"choice": "yes"})
    await discussed(people)
    closed = await deliberations.close(people.chen, vote.id)
    lin = await as_("lin")
    for path, most in {
        "": 4,  # who asks, the page, its options, its needs
        f"/{vote.id}": 6,  # and one's own part, the history
        f"/{vote.id}/roll": 5,
        f"/{closed.id}/result": 5,
        f"/{closed.id}/archive": 4,
    }.items():
        async with counted() as sent:
            assert (await lin.get(f"/v1/deliberations{path}")).status_code == 200
        assert len(sent) <= most, (path, sent)
