"""Nobody reads what is none of his business: unique strings in every personal field, and all that can be asked (G6)."""

import io
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI

from app.core import crypto, db
from app.core.settings import Settings
from app.seed import CAST
from models.residents import Resident
from services.residents.phones import keep_phone
from tests.everything import ROLES, Everything, build
from tests.house.matrix import OBJECTS
from tests.house.test_who_may_what import _undone
from tests.people import People

LoggedIn = Callable[[str], Awaitable[httpx.AsyncClient]]

COMMITTEE = {"chen", "zhao"}
STAFF = COMMITTEE | {"he", "ma"}
ABOVE = {"qian", "root"}

# What may be read by whom. Everybody else, and who has no token, finds it nowhere.
READERS: dict[str, set[str]] = {
    "openid": set(),
    "unionid": set(),
    "name": set(),
    "phone": set(),
    "wishers_name": {"lin"},
    "wishers_phone": {"lin"},
    "elders_name": STAFF,
    "elders_phone": STAFF,
    "room": {"lin"} | STAFF,
    "wish_in_review": {"lin"} | COMMITTEE,
    "hidden_need": {"lin"} | STAFF,
    "consent": {"lin"},
    "report": {"mei", "ma"} | COMMITTEE,
    "slip": {"sun"} | COMMITTEE | ABOVE,
    "message": set(ROLES) - {"anonymous", "guest", "moved", "wu", "deng", "far"},
    "evidence": {"lin"},
    "contact": {"lin"},
    "document": set(),
}
FEW = ("anonymous", "wu")
"""Who looks in each run; `make prove` lets everybody look at everything."""
YEARS_OF_OTHERS = {"he", "deng"} | COMMITTEE
"""Who confirms where somebody lives reads when he says he was born."""


async def _plant(town: Everything, people: People, settings: Settings) -> dict[str, str]:
    """Put the strings into the rows; each by its kind."""
    ids = town.ids
    for resident in await Resident.filter(openid__not_isnull=True):
        wisher = resident.id == people.lin.id
        await keep_phone(resident, f"{1366600 if wisher else 1377700}{resident.id:04}", settings.keys)
        said = "真名八八" if wisher else f"真名七七{resident.id}"
        name = crypto.seal(settings.keys, said, table="residents", column="name", row=resident.id)
        await Resident.filter(id=resident.id).update(name_sealed=name)
    elder = await Resident.get(id=ids["elder"])
    elder.name_sealed = crypto.seal(settings.keys, "真名老人", table="residents", column="name", row=elder.id)
    await elder.save(update_fields=["name_sealed"])
    await keep_phone(elder, "13788889999", settings.keys)
    await db.execute(
        "UPDATE residents SET unionid = 'unionCANARY' || id, openid = 'openidCANARY' || id WHERE openid <> ''"
    )
    await db.execute("UPDATE households SET room = '金丝雀室' || id WHERE id = $1", people.lin.household_id)
    await db.execute("UPDATE household_claims SET room = '金丝雀室' WHERE resident_id = $1", people.lin.id)
    await db.execute("UPDATE wishes SET title = '难处金丝雀', body = '难处金丝雀' WHERE id = $1", ids["wish_in_review"])
    await db.execute("UPDATE needs SET title = '隐藏金丝雀', body = '隐藏金丝雀' WHERE id = $1", ids["hidden_need"])
    await db.execute("UPDATE pledges SET message = '留言金丝雀' WHERE id = $1", ids["pledge_id"])
    return {
        "openid": "openidCANARY",
        "unionid": "unionCANARY",
        "name": "真名七七",
        "phone": "1377700",
        "wishers_name": "真名八八",
        "wishers_phone": "1366600",
        "elders_name": "真名老人",
        "elders_phone": "13788889999",
        "room": "金丝雀室",
        "wish_in_review": "难处金丝雀",
        "hidden_need": "隐藏金丝雀",
        "consent": "暖心社",
        "report": "举报金丝雀",
        "slip": "回执金丝雀",
        "message": "留言金丝雀",
        "contact": "晚上在家金丝雀",
        "document": "778X",
        "evidence": f"/v1/media/{ids['media_id']}/",
    }


def _text(answer: httpx.Response) -> str:
    """What an answer says, spreadsheets and archives unpacked, its headers too."""
    said = answer.text
    if answer.content.startswith(b"PK"):
        packed = zipfile.ZipFile(io.BytesIO(answer.content))
        said = " ".join(packed.read(name).decode(errors="replace") for name in packed.namelist())
    return f"{said} {answer.headers}"


@pytest.mark.parametrize("roles", [FEW, pytest.param(ROLES, marks=pytest.mark.prove)], ids=["some", "everybody"])
async def test_personal_data_is_found_only_by_those_it_is_for(
    app: FastAPI,
    as_: LoggedIn,
    anonymous: httpx.AsyncClient,
    people: People,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    roles: tuple[str, ...],
) -> None:
    town = await build(app, as_, anonymous, people)
    canaries = await _plant(town, people, settings)
    capsys.readouterr()
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    years: dict[str, set[int]] = defaultdict(set)
    for who in roles:
        async for where, said in _all_that_is_answered(town, who, people.jy):
            for kind, canary in canaries.items():
                if canary in said:
                    found[kind, who].add(where)
            years[who] |= _years(said)
    logged = capsys.readouterr()
    logs = logged.out + logged.err
    assert "/v1/wishes" in logs
    in_examples = _years(json.dumps(app.openapi()))
    leaks = [f"{kind} in the log" for kind, canary in canaries.items() if canary in logs]
    leaks += [f"{who} reads {kind} in {where}" for (kind, who), where in found.items() if who not in READERS[kind]]
    leaks += [
        f"{who} reads when others were born: {read}"
        for who, read in years.items()
        if who not in YEARS_OF_OTHERS and not read <= {*in_examples, CAST[who].birth_year if who in CAST else 0}
    ]
    assert not leaks, "\n".join(leaks)
    read = {kind for kind, _ in found}
    assert read == {kind for kind, readers in READERS.items() if readers & set(roles)}, "else the proof is empty"


def _years(said: str) -> set[int]:
    return {int(year) for year in re.findall(r'"birth_year":\s*(19\d\d)', said)}


async def _all_that_is_answered(town: Everything, who: str, community_id: int) -> AsyncIterator[tuple[str, str]]:
    """Every reading of everything by somebody, and every deed as the examples have it, undone again."""
    yield "openapi", (await town.clients[who].get("/openapi.json")).text
    for operation, (verb, path, _) in town.operations.items():
        names = set(re.findall(r"{(\w+)}", path))
        for thing in ({}, *OBJECTS.values()):
            ids = {name: town.ids[said] for name, said in thing.items()}
            if not set(thing) <= names:
                continue
            if verb != "GET":
                yield operation, _text(await _undone(town, who, operation, ids))
            elif operation != "export_me":  # what is there is his own; tests/routers/test_privacy.py
                yield operation, _text(await town.ask(who, operation, ids))
                if operation.startswith(("list_", "export_")):
                    yield operation, _text(await town.ask(who, operation, ids, community_id=community_id))
