"""Who may do what to what, for every operation of the contract (matrix.py), and who is let in at all (G5)."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core import db
from app.main import ROUTERS
from routers import deps
from tests.conftest import Undo
from tests.everything import ROLES, Everything, build
from tests.house.matrix import MATRIX, OBJECTS
from tests.house.test_openapi import OPERATIONS
from tests.people import People

LoggedIn = Callable[[str], Awaitable[httpx.AsyncClient]]
ROWS = [
    (operation, thing, signs)
    for signs, thing, *operations in (line.split() for line in MATRIX.strip().splitlines())
    for operation in operations
]
SIGNS = {401: "!", 403: "x", 404: "-"}
PUBLIC = {operation for operation, _, signs in ROWS if signs[0] != "!"}
FEW = ("anonymous", "wu", "mei")
"""Who is tried in each run, with the plain things; `make prove` tries everybody with all."""
MISSING = 999_999_999
OTHERS_WORDS = ("purpose", "size", "kind", "scene")
"""What stands in a path and is no id."""
HANGS_ON = {"extend_wish_claim", "get_wish_contact"}
"""What is not there hangs on a wish that one does see: the answer says which of the two is missing."""


@pytest.fixture
async def town(app: FastAPI, as_: LoggedIn, anonymous: httpx.AsyncClient, people: People) -> Everything:
    """One thing of every kind."""
    return await build(app, as_, anonymous, people)


def test_every_operation_has_a_row() -> None:
    known = {operation["operationId"] for _, operation in OPERATIONS}
    assert {row[0] for row in ROWS} == known, "write its row into tests/house/matrix.py"
    assert all(len(row[2]) == len(ROLES) for row in ROWS)
    assert len({row[:2] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("roles", [FEW, pytest.param(ROLES, marks=pytest.mark.prove)], ids=["some", "everybody"])
async def test_who_may_what(town: Everything, roles: tuple[str, ...]) -> None:
    wrong = []
    for operation, thing, expected in ROWS:
        if thing != "*" and roles == FEW:
            continue
        ids = {name: town.ids[said] for name, said in OBJECTS.get(thing, {}).items()}
        found = {who: await _sign(town, who, operation, ids) for who in roles}
        said = {who: expected[ROLES.index(who)] for who in roles}
        wrong += [
            f"{operation} {thing} {who}: {found[who]} is no {said[who]}" for who in roles if found[who] != said[who]
        ]
    assert not wrong, "\n".join(wrong)


async def _sign(town: Everything, who: str, operation: str, ids: dict[str, Any]) -> str:
    """How somebody is answered; one for whom a thing is not there learns nothing by asking for it."""
    answer = await _undone(town, who, operation, ids)
    assert answer.status_code < 500, (operation, who, answer.text)
    path = town.operations[operation][1]
    named = [name for name in re.findall(r"{(\w+)}", path) if name not in OTHERS_WORDS]
    if answer.status_code == 404 and named and operation not in HANGS_ON:
        missing = await _undone(town, who, operation, ids | {named[-1]: MISSING})
        assert _unsigned(answer) == _unsigned(missing), (operation, who)
    return SIGNS.get(answer.status_code, "o")


async def _undone(town: Everything, who: str, operation: str, ids: dict[str, Any]) -> httpx.Response:
    try:
        async with db.tx():
            answer = await town.ask(who, operation, ids)
            raise Undo
    except Undo:
        return answer


def _unsigned(answer: httpx.Response) -> Any:
    return answer.json() | {"request_id": ""}


async def test_who_is_suspended_reads_and_leaves_and_an_expired_token_opens_nothing(town: Everything) -> None:
    holders = {route.name for router in ROUTERS for route in router.routes if _only_holds(route)}
    assert holders == {"log_out", "delete_me"}
    await db.execute("UPDATE residents SET suspended = true WHERE openid IN ('lin', 'chen')")
    closed = [operation for operation in town.operations if operation not in PUBLIC]
    for operation in closed:
        if town.operations[operation][0] != "GET" and operation not in holders:
            for who in ("lin", "chen"):
                assert (await town.ask(who, operation)).status_code == 403, (operation, who)
    staff = await town.ask("chen", "list_moderation_queue", community_id=town.ids["community_id"])
    assert staff.status_code == 403, "his roles rest with him"
    assert (await town.ask("lin", "get_me")).status_code == 200
    await db.execute("UPDATE sessions SET expires_at = created_at")
    for operation in closed:
        for who in ("lin", "root"):
            assert (await town.ask(who, operation)).status_code == 401, (operation, who)


def _only_holds(route: Any) -> bool:
    """Whether an operation asks who is calling, but not whether he may act."""
    calls = [part.call for part in getattr(getattr(route, "dependant", None), "dependencies", [])]
    return deps.holder in calls and deps.current_actor not in calls
