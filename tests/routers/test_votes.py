"""Over HTTP: every kind of ballot, secret votes, archives, who voted what; and nothing that tells a secret."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.core import clock
from tests.people import People
from tests.recount import verified

As = Callable[[str], Awaitable[httpx.AsyncClient]]
EVERYBODY = ("lin", "mei", "wang", "chen", "zhao", "sun", "he", "ma")


async def opened(as_: As, people: People, ballot: dict[str, Any], options: list[dict[str, Any]]) -> dict[str, Any]:
    """A consultation that runs."""
    now = (await clock.now()).astimezone(clock.SHANGHAI)
    asked = {
        "community_id": people.jy,
        "form": "open",
        "title": "小区的钱怎么花",
        "body": "请大家来选。",
        "ballot": ballot,
        "options": options,
        "roll": "residents",
        "rule": "consultation",
        "discussion_until": (now + timedelta(days=7)).isoformat(),
        "voting_until": (now + timedelta(days=14)).isoformat(),
    }
    lin, chen = await as_("lin"), await as_("chen")
    made = await lin.post("/v1/deliberations", json=asked)
    assert made.status_code == 201, made.text
    path = f"/v1/deliberations/{made.json()['id']}"
    await chen.post(f"{path}/open-discussion")
    answer = await chen.post(f"{path}/open-voting")
    assert answer.json()["state"] == "voting", answer.text
    return dict(answer.json())


async def test_a_budget_travels_from_its_costs_to_what_is_paid_for(
    as_: As, anonymous: httpx.AsyncClient, people: People, tmp_path: Path
) -> None:
    options = [
        {"title": "路灯", "cost_fen": 30000},
        {"title": "花坛", "cost_fen": 50000},
        {"title": "长椅", "cost_fen": 60000},
    ]
    vote = await opened(as_, people, {"kind": "budget", "budget_fen": 100000, "count": "equal_shares"}, options)
    assert vote["ballot"] == {
        "kind": "budget",
        "secret": False,
        "max_choices": None,
        "max_score": None,
        "budget_fen": 100000,
        "count": "equal_shares",
    }
    assert [option["cost_fen"] for option in vote["options"]] == [30000, 50000, 60000]
    ids, path = [option["id"] for option in vote["options"]], f"/v1/deliberations/{vote['id']}"
    for who, named in (("lin", ids[:1]), ("mei", ids[1:]), ("wang", ids[2:])):
        assert (await (await as_(who)).put(f"{path}/ballot", json={"option_ids": named})).status_code == 200
    early = await anonymous.get(f"{path}/archive")
    assert (early.status_code, early.json()["code"]) == (409, "invalid_state")
    assert (await (await as_("chen")).post(f"{path}/close")).json()["state"] == "decided"
    result = (await anonymous.get(f"{path}/result")).json()
    assert [(line["votes"], line["cost_fen"], line["selected"]) for line in result["tally"]] == [
        (1, 30000, True),
        (1, 50000, False),
        (2, 60000, True),
    ]
    assert "不承诺" in result["promise"]
    archive = await anonymous.get(f"{path}/archive")
    assert archive.headers["content-type"] == "application/json"
    assert "All holds." in verified(archive.text, tmp_path)
    again = await anonymous.get(f"{path}/archive", headers={"If-None-Match": archive.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("kind", "ballot"),
    [
        ("score", lambda ids: {"scores": {str(ids[0]): 10, str(ids[1]): 0}}),
        ("ranked", lambda ids: {"ranking": [ids[1], ids[0]]}),
    ],
)
async def test_scores_and_rankings_are_read_back(as_: As, people: People, kind: str, ballot: Any) -> None:
    vote = await opened(as_, people, {"kind": kind}, [{"title": "红"}, {"title": "黄"}])
    sent, path = ballot([option["id"] for option in vote["options"]]), f"/v1/deliberations/{vote['id']}"
    mei = await as_("mei")
    cast = await mei.put(f"{path}/ballot", json=sent)
    assert cast.status_code == 200, cast.text
    seen = (await mei.get(path)).json()
    assert seen["my_ballot"] == {"choice": sent, "receipt": cast.json()["receipt"]}
    assert seen["has_voted"] is True


async def test_a_secret_vote_from_the_nonce_to_the_archive(
    as_: As, anonymous: httpx.AsyncClient, people: People, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    vote = await opened(as_, people, {"kind": "yes_no", "secret": True}, [])
    path = f"/v1/deliberations/{vote['id']}"
    lin = await as_("lin")
    for without in ({"choice": "yes"}, {"choice": "yes", "nonce": "short"}):
        assert (await lin.put(f"{path}/ballot", json=without)).status_code == 422
    nonces = {who: hashlib.sha256(who.encode()).hexdigest()[:32] for who in EVERYBODY[:6]}
    answers = {}
    for who, nonce in nonces.items():
        answers[who] = await (await as_(who)).put(f"{path}/ballot", json={"choice": "yes", "nonce": nonce})
        assert answers[who].status_code == 200, answers[who].text
    mine = f'{vote["id"]}\n{{"choice":"yes"}}\n{nonces["lin"]}'
    assert answers["lin"].json() == {"receipt": hashlib.sha256(mine.encode()).hexdigest()}
    twice = await lin.put(f"{path}/ballot", json={"choice": "no", "nonce": "00" * 16})
    assert (twice.status_code, twice.json()["code"]) == (409, "already_voted")
    seen = (await lin.get(path)).json()
    assert (seen["my_ballot"], seen["has_voted"]) == (None, True)
    chen = await as_("chen")
    refused = await chen.get(f"{path}/ballots")
    assert (refused.status_code, refused.json()["code"]) == (409, "secret_vote")
    await chen.post(f"{path}/close")
    archive = await anonymous.get(f"{path}/archive")
    verified(archive.text, tmp_path, "--choice", '{"choice":"yes"}', "--nonce", nonces["mei"])

    # What everybody can read of it, and what was logged meanwhile, names no receipt but in the archive.
    readable = [
        (await client.get(f"{path}{part}")).text
        for client in (lin, chen, await as_("root"))
        for part in ("", "/result", "/comments", "/roll", "/roll/lines")
    ]
    readable.append((await lin.get("/v1/me/export")).text)
    readable.append(capfd.readouterr().out)
    for who, answer in answers.items():
        assert not [text for text in readable if nonces[who] in text or answer.json()["receipt"] in text]


async def test_the_committee_reads_who_voted_what_page_by_page(as_: As, people: People) -> None:
    vote = await opened(as_, people, {"kind": "yes_no"}, [])
    path = f"/v1/deliberations/{vote['id']}"
    for who in ("lin", "mei", "wang"):
        await (await as_(who)).put(f"{path}/ballot", json={"choice": "yes"})
    chen = await as_("chen")
    assert (await chen.get(f"{path}/ballots")).json()["code"] == "invalid_state"
    await chen.post(f"{path}/close")
    first = (await chen.get(f"{path}/ballots?limit=2")).json()
    assert [line["voter"]["nickname"] for line in first["items"]] == ["王伯", "阿梅"]
    assert {"number", "channel", "choice", "receipt", "cast_at", "id", "voter"} == set(first["items"][0])
    rest = (await chen.get(f"{path}/ballots?limit=2&cursor={first['next_cursor']}")).json()
    assert [line["voter"]["nickname"] for line in rest["items"]] == ["小林"]
    assert (await (await as_("lin")).get(f"{path}/ballots")).status_code == 403
    assert (await chen.get("/v1/deliberations/999999/ballots")).status_code == 404


async def test_a_few_secret_ballots_are_withheld(as_: As, anonymous: httpx.AsyncClient, people: People) -> None:
    vote = await opened(as_, people, {"kind": "yes_no", "secret": True}, [])
    path = f"/v1/deliberations/{vote['id']}"
    for number, who in enumerate(EVERYBODY[:4]):
        await (await as_(who)).put(f"{path}/ballot", json={"choice": "yes", "nonce": f"{number:032}"})
    await (await as_("chen")).post(f"{path}/close")
    result = (await anonymous.get(f"{path}/result")).json()
    assert (result["tally"], result["turnout"]["voted"]) == ([], 4)
    archive = json.loads((await anonymous.get(f"{path}/archive")).text)
    assert (archive["withheld"], archive["ballots"], archive["tally"]) == (True, [], None)
    resolution = (await anonymous.get(f"/v1/resolutions/{result['resolution_id']}")).json()
    assert resolution["counts"]["tally"] == []


@pytest.mark.parametrize(
    ("ballot", "says"),
    [
        ({"choice": "maybe"}, "只能是 'yes', 'no' 或 'abstain'"),
        ({}, "请在 choice、option_id、option_ids、scores、ranking 中填写且只填写一项"),
        ({"choice": "yes", "option_id": 1}, "请在 choice、option_id、option_ids、scores、ranking 中填写且只填写一项"),
    ],
)
async def test_what_is_wrong_with_a_ballot_is_said_in_chinese(as_: As, ballot: Any, says: str) -> None:
    refused = await (await as_("lin")).put("/v1/deliberations/1/ballot", json=ballot)
    assert refused.status_code == 422
    assert [error["message"] for error in refused.json()["errors"]] == [says]
