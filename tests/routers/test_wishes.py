"""Wishes over HTTP: the contract's fields and codes, dignity, and one effect per key."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.people import People

As = Callable[[str], Awaitable[httpx.AsyncClient]]


async def opened(as_: As, people: People, **more: Any) -> dict[str, Any]:
    asked = {"community_id": people.jy, "kind": "goods", "title": "想要一台收音机", "body": "想听戏"} | more
    made = await (await as_("wang")).post("/v1/wishes", json=asked)
    assert made.status_code == 201, made.text
    assert made.json()["state"] == "in_review"
    approved = await (await as_("chen")).post(f"/v1/wishes/{made.json()['id']}/approve")
    assert approved.status_code == 200, approved.text
    shown: dict[str, Any] = approved.json()
    return shown


async def test_a_wish_comes_true(as_: As, people: People) -> None:
    wish = await opened(as_, people, value_fen=8000, needed_by="2099-12-31")
    lin, wang = await as_("lin"), await as_("wang")
    path = f"/v1/wishes/{wish['id']}"
    seen = (await lin.get(path)).json()
    assert seen | {"created_at": "", "timeline": []} == {
        "id": wish["id"],
        "community_id": people.jy,
        "state": "open",
        "moderation": "passed",
        "kind": "goods",
        "title": "想要一台收音机",
        "body": "想听戏",
        "value_fen": 8000,
        "needed_by": "2099-12-31",
        "claimers": 1,
        "free_slots": 1,
        "claimed_by_me": False,
        "author": {"id": None, "nickname": "王**"},
        "assisted": False,
        "attested": False,
        "photo_of_person": False,
        "photo_consent": False,
        "photos": [],
        "created_at": "",
        "units": [],
        "claims": [],
        "need_ids": [],
        "thanks": None,
        "thanks_moderation": "passed",
        "thanks_public": False,
        "ground": None,
        "contact_consent": None,
        "outcome": None,
        "statements": [],
        "timeline": [],
    }
    claimed = await lin.post(f"{path}/claim")
    assert (claimed.json()["state"], claimed.json()["claimed_by_me"]) == ("claimed", True), claimed.text
    assert (await lin.post(f"{path}/fulfil", json={"note": "已送到"})).json()["state"] == "fulfilled"
    assert (await wang.post(f"{path}/confirm", json={"thanks": "谢谢"})).json()["state"] == "confirmed"
    told = (await wang.get(path)).json()
    assert told["claims"][0]["claimer"] == {"id": people.lin.id, "nickname": "小林"}
    assert (told["claims"][0]["state"], told["thanks"]) == ("fulfilled", "谢谢")
    assert told["author"] == {"id": people.wang.id, "nickname": "王伯"}
    listed = (await lin.get("/v1/wishes", params={"community_id": people.jy, "state": "confirmed"})).json()
    assert [found["id"] for found in listed["items"]] == [wish["id"]]


async def test_refusals_have_their_codes(as_: As, people: People) -> None:
    wish = await opened(as_, people)
    path = f"/v1/wishes/{wish['id']}"
    hidden = await (await as_("wang")).post(
        "/v1/wishes", json={"community_id": people.jy, "kind": "goods", "title": "轮椅", "body": "借用"}
    )
    for who, act, body, expected in (
        ("guest", f"{path}/claim", None, (403, "not_verified")),
        ("wu", f"{path}/claim", None, (403, "forbidden")),
        ("wang", f"{path}/claim", None, (403, "own_wish")),
        ("lin", f"{path}/release", None, (403, "forbidden")),
        ("lin", f"{path}/approve", None, (403, "forbidden")),
        ("chen", f"{path}/approve", None, (409, "invalid_state")),
        ("lin", f"/v1/wishes/{hidden.json()['id']}/claim", None, (404, "not_found")),
        ("lin", f"{path}/claim", None, (200, None)),
        ("lin", f"{path}/claim", None, (409, "already_claimed")),
        ("mei", f"{path}/claim", None, (409, "already_claimed")),
        ("wang", f"{path}/withdraw", None, (409, "invalid_state")),
        ("wang", f"{path}/confirm", None, (409, "invalid_state")),
        ("lin", f"{path}/fulfil", {"note": "已送到", "photo_ids": [1]}, (422, "unknown_photo")),
        ("lin", f"{path}/fulfil", {"note": ""}, (422, "invalid")),
        ("mei", f"{path}/dispute", {"reason": "没有收到"}, (403, "forbidden")),
    ):
        answer = await (await as_(who)).post(act, json=body)
        assert (answer.status_code, answer.json().get("code")) == expected, (who, act, answer.text)
    asked = {"community_id": people.jy, "kind": "goods", "title": "灯", "body": "台灯"}
    for wrong in ({"claimers": 11}, {"value_fen": 0}, {"value_fen": 1.5}, {"needed_by": "2020-01-01"}):
        answer = await (await as_("wang")).post("/v1/wishes", json=asked | wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text


async def test_the_same_key_claims_once_and_answers_the_same(as_: As, people: People) -> None:
    wish = await opened(as_, people)
    lin = await as_("lin")
    key = {"Idempotency-Key": "claim-1"}
    first = await lin.post(f"/v1/wishes/{wish['id']}/claim", headers=key)
    again = await lin.post(f"/v1/wishes/{wish['id']}/claim", headers=key)
    assert first.status_code == 200, first.text
    assert first.json() == again.json()
