"""Needs over HTTP: the contract's fields and codes, one effect per key, and few round trips."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.core import db
from tests.people import People

As = Callable[[str], Awaitable[httpx.AsyncClient]]


def asked(people: People, **more: Any) -> dict[str, Any]:
    return {
        "community_id": people.jy,
        "service_class": "technology",
        "field": "property",
        "title": "楼道灯坏了",
        "body": "三层的灯坏了一周",
    } | more


async def submitted(as_: As, people: People) -> int:
    answer = await (await as_("lin")).post("/v1/needs", json=asked(people))
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def test_a_need_walks_its_road(as_: As, people: People) -> None:
    lin, mei, chen = await as_("lin"), await as_("mei"), await as_("chen")
    made = await lin.post("/v1/needs", json=asked(people))
    need = made.json()
    assert need.pop("due_at").endswith("T00:00:00+08:00")
    assert need | {"id": 0, "created_at": ""} == {
        "id": 0,
        "community_id": people.jy,
        "state": "submitted",
        "moderation": "passed",
        "service_class": "technology",
        "field": "property",
        "title": "楼道灯坏了",
        "body": "三层的灯坏了一周",
        "route": None,
        "level": "grid",
        "urgency": "normal",
        "overdue": False,
        "merged_into_id": None,
        "priority": {
            "score": 0,
            "because": [
                {"what": "endorsements", "points": 0},
                {"what": "urgency", "points": 0},
                {"what": "days", "points": 0},
            ],
        },
        "endorsements": 0,
        "endorsed_by_me": False,
        "author": {"id": people.lin.id, "nickname": "小林"},
        "assisted": False,
        "photos": [],
        "created_at": "",
    }
    assert need["created_at"].endswith("+08:00")
    path = f"/v1/needs/{need['id']}"
    endorsed = await mei.put(f"{path}/endorsement")
    assert (endorsed.status_code, endorsed.json()) == (200, {"endorsements": 1, "endorsed_by_me": True})
    for client, verb, body, state in (
        (chen, "accept", None, "accepted"),
        (chen, "route", {"route": "official"}, "routed"),
        (chen, "answer", {"body": "三天内更换"}, "in_progress"),
        (chen, "done", None, "done"),
        (mei, "rate", {"score": 4, "comment": "还行"}, "rated"),
        (lin, "reopen", {"reason": "又坏了"}, "accepted"),
    ):
        answer = await client.post(f"{path}/{verb}", json=body)
        assert (answer.status_code, answer.json().get("state")) == (200, state), answer.text
    seen = (await mei.get(path)).json()
    assert seen["endorsed_by_me"] is True
    assert [answer["body"] for answer in seen["answers"]] == ["三天内更换"]
    assert seen["timeline"][-1]["reason"] == "又坏了"
    assert seen["links"] == []
    listed = (await mei.get("/v1/needs", params={"community_id": people.jy, "q": "楼道", "sort": "support"})).json()
    assert [found["id"] for found in listed["items"]] == [need["id"]]
    similar = (await mei.get("/v1/needs/similar", params={"community_id": people.jy, "title": "楼道灯不亮"})).json()
    assert [found["id"] for found in similar["items"]] == [need["id"]]
    assert (await mei.delete(f"{path}/endorsement")).json() == {"endorsements": 0, "endorsed_by_me": False}


async def test_refusals_have_their_codes(as_: As, people: People) -> None:
    need_id = await submitted(as_, people)
    for who, verb, path, body, expected in (
        ("guest", "POST", "/v1/needs", asked(people), (403, "not_verified")),
        ("wu", "POST", "/v1/needs", asked(people), (403, "forbidden")),
        ("lin", "POST", "/v1/needs", asked(people, photo_ids=[3]), (422, "unknown_photo")),
        ("lin", "POST", "/v1/needs", asked(people, title="字" * 61), (422, "invalid")),
        ("lin", "POST", "/v1/needs", asked(people, mood="sad"), (422, "invalid")),
        ("mei", "POST", f"/v1/needs/{need_id}/accept", None, (403, "forbidden")),
        ("chen", "POST", f"/v1/needs/{need_id}/done", None, (409, "invalid_state")),
        ("chen", "POST", f"/v1/needs/{need_id}/decline", {}, (422, "invalid")),
        ("chen", "POST", f"/v1/needs/{need_id}/rate", {"score": 6}, (422, "invalid")),
        ("chen", "POST", "/v1/needs/999999999/accept", None, (404, "not_found")),
        ("lin", "PUT", f"/v1/needs/{need_id}/endorsement", None, (403, "forbidden")),
        ("lin", "GET", "/v1/needs?q=%00", None, (422, "invalid")),
        ("lin", "GET", "/v1/needs?state=lost", None, (422, "invalid")),
        ("lin", "GET", "/v1/needs/similar", None, (422, "invalid")),
    ):
        answer = await (await as_(who)).request(verb, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == expected, answer.text
    wrong = await (await as_("chen")).post(f"/v1/needs/{need_id}/done")
    assert wrong.json()["state"] == "submitted"


async def test_the_same_key_accepts_once_and_answers_the_same(as_: As, people: People) -> None:
    need_id = await submitted(as_, people)
    chen = await as_("chen")
    key = {"Idempotency-Key": "accept-1"}
    first = await chen.post(f"/v1/needs/{need_id}/accept", headers=key)
    again = await chen.post(f"/v1/needs/{need_id}/accept", headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert (await chen.post(f"/v1/needs/{need_id}/accept")).status_code == 409


async def test_neighbours_talk(as_: As, people: People) -> None:
    need_id = await submitted(as_, people)
    mei = await as_("mei")
    said = await mei.post(f"/v1/needs/{need_id}/comments", json={"body": "我家门口也坏了"})
    assert said.status_code == 201, said.text
    assert said.json()["author"] == {"id": people.mei.id, "nickname": "阿梅"}
    answer = await mei.post(f"/v1/needs/{need_id}/comments", json={"body": "好", "parent_id": said.json()["id"]})
    assert answer.json()["parent_id"] == said.json()["id"]
    listed = await (await as_("guest")).get(f"/v1/needs/{need_id}/comments")
    assert [comment["id"] for comment in listed.json()["items"]] == [answer.json()["id"], said.json()["id"]]


async def test_a_helper_writes_for_somebody(as_: As, people: People) -> None:
    helped = {"resident_id": people.wang.id, "consent": {"kind": "witness", "witness_id": people.mei.id}}
    made = await (await as_("ma")).post("/v1/needs", json=asked(people, on_behalf_of=helped))
    assert made.status_code == 201, made.text
    assert (made.json()["author"]["id"], made.json()["assisted"]) == (people.wang.id, True)


@pytest.mark.parametrize(("path", "most"), [("/v1/needs?community_id={jy}", 1), ("/v1/needs/{need}", 3)])
async def test_reading_takes_few_round_trips(
    as_: As, people: People, monkeypatch: pytest.MonkeyPatch, path: str, most: int
) -> None:
    need_id = await submitted(as_, people)
    for _ in range(3):
        await submitted(as_, people)
    lin = await as_("lin")
    await lin.get("/v1/me")
    asked_for: list[str] = []
    wrapper = type(db._client())
    read = wrapper.execute_query_dict

    async def counted(self: Any, query: str, values: Any = None) -> Any:
        asked_for.append(query)
        return await read(self, query, values)

    monkeypatch.setattr(wrapper, "execute_query_dict", counted)
    answer = await lin.get(path.format(jy=people.jy, need=need_id))
    assert answer.status_code == 200
    beside_the_actor = [query for query in asked_for if "token_hash" not in query]
    assert len(beside_the_actor) == most, beside_the_actor
