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

from app.core.settings import Settings
from app.seed import CAST
from models.residents import Resident
from tests.everything import ROLES, Everything, build
from tests.house.canaries import COMMITTEE, FIELDS, MARK, NOT_WORDS, ROW, Canaries, fields_about_people
from tests.house.matrix import OBJECTS
from tests.house.test_who_may_what import _undone
from tests.people import People
from tests.spending import picture

LoggedIn = Callable[[str], Awaitable[httpx.AsyncClient]]

FEW = ("anonymous", "wu")
"""Who looks in each run; `make prove` lets everybody look at everything."""
YEARS_OF_OTHERS = {"he", "deng"} | COMMITTEE
"""Who confirms where somebody lives reads when he says he was born."""


async def test_each_personal_field_says_whose_eyes_it_is_for() -> None:
    said = {field for _, field, _ in FIELDS}
    assert {field for field in fields_about_people() - said if field.split(".")[1] not in NOT_WORDS} == set()
    assert said <= fields_about_people()


MORE = {
    "answered": {"need_id": "answered_need"},
    "thanked": {"wish_id": "confirm_wish"},
    "disputed": {"wish_id": "dispute_wish"},
    "paid": {"expense_id": "paid_expense"},
}


async def _more(town: Everything, people: People) -> None:
    """Rows for the fields that nothing in the town fills."""
    ids = town.ids
    town.clients["moved"].headers["Idempotency-Key"] = "moved-asks"
    claim = await town.make("moved", "claim_household", room="910")
    await town.make("chen", "decline_household_claim", {"claim_id": claim["id"]})
    del town.clients["moved"].headers["Idempotency-Key"]
    ids["answered_need"] = (await town.make("mei", "submit_need"))["id"]
    need = {"need_id": ids["answered_need"]}
    await town.make("chen", "accept_need", need)
    await town.make("chen", "answer_need", need)
    consent = {"kind": "witness", "witness_id": people.ma.id}
    helped = await town.make("he", "post_wish", on_behalf_of={"resident_id": ids["elder"], "consent": consent})
    await town.make("chen", "attest_wish", {"wish_id": helped["id"]})
    for ended in ("confirm_wish", "dispute_wish"):
        ids[ended] = (await town.make("lin", "post_wish"))["id"]
        wish = {"wish_id": ids[ended]}
        await town.make("chen", "approve_wish", wish)
        await town.make("mei", "claim_wish", wish)
        await town.make("mei", "fulfil_wish", wish)
        await town.make("lin", ended, wish)
    await town.make("mei", "state_wish_case", wish)
    await town.make("mei", "appeal_decision", {"check_id": ids["decided_check"]})
    await town.make("mei", "finish_follow_up")
    await town.make("chen", "review_decision", {"deliberation_id": ids["decided"]})
    await town.make("chen", "dismiss_objection")
    await town.make("chen", "answer_question")
    await town.make("mei", "refund_pledge")
    spent = await town.make("ma", "request_fund_expense", receipt_ids=[await picture(people.ma)])
    ids["paid_expense"] = spent["id"]
    town.bodies["approve_expense"] = None
    for who, step in (("chen", "approve_expense"), ("zhao", "approve_expense"), ("chen", "pay_expense")):
        await town.make(who, step, {"expense_id": spent["id"]})


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
    await _more(town, people)
    ids = {who: (await Resident.get(openid=who)).id for who in ROLES[1:]}
    canaries = await Canaries.plant(settings.keys, people.jy, ids)
    evidence = f"/v1/media/{town.ids['media_id']}/"
    capsys.readouterr()
    leaks: set[str] = set()
    read: set[tuple[str, str]] = set()
    years: dict[str, set[int]] = defaultdict(set)
    for who in roles:
        async for operation, said in _all_that_is_answered(town, who, people.jy):
            for mark in set(MARK.findall(said)):
                field, readers = canaries.whose(mark)
                read.add(FIELDS[int(mark) // ROW][1:])
                if who not in readers:
                    leaks.add(f"{who} reads {field} in {operation}")
            if evidence in said and who != "lin":
                leaks.add(f"{who} sees the evidence in {operation}")
            years[who] |= _years(said)
    logged = capsys.readouterr()
    logs = logged.out + logged.err
    assert "/v1/wishes" in logs
    leaks |= {f"{canaries.whose(mark)[0]} in the log" for mark in MARK.findall(logs)}
    in_examples = _years(json.dumps(app.openapi()))
    leaks |= {
        f"{who} reads when others were born: {found}"
        for who, found in years.items()
        if who not in YEARS_OF_OTHERS and not found <= {*in_examples, CAST[who].birth_year if who in CAST else 0}
    }
    assert not leaks, "\n".join(sorted(leaks))
    assert not canaries.empty, "no row has them"
    unread = {
        f"{field} {where}" for readers, field, where in FIELDS if readers & set(roles) and (field, where) not in read
    }
    assert not unread, "else the proof is empty"


def _years(said: str) -> set[int]:
    return {int(year) for year in re.findall(r'"birth_year":\s*(19\d\d)', said)}


async def _all_that_is_answered(town: Everything, who: str, community_id: int) -> AsyncIterator[tuple[str, str]]:
    """Every reading of everything by somebody, and every deed as the examples have it, undone again."""
    yield "openapi", (await town.clients[who].get("/openapi.json")).text
    for operation, (verb, path, _) in town.operations.items():
        names = set(re.findall(r"{(\w+)}", path))
        for thing in ({}, *OBJECTS.values(), *MORE.values()):
            ids = {name: town.ids[said] for name, said in thing.items()}
            if not set(thing) <= names:
                continue
            if verb != "GET":
                yield operation, _text(await _undone(town, who, operation, ids))
            else:
                yield operation, _text(await town.ask(who, operation, ids))
                if operation.startswith(("list_", "export_")):
                    yield operation, _text(await town.ask(who, operation, ids, community_id=community_id))
