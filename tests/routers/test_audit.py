"""The audit trail: for those who watch over a community, with names masked and secret votes left out."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from app.core import clock, db
from models.deliberations import Deliberation
from services import events
from tests.people import People

As = Callable[[str], Awaitable[httpx.AsyncClient]]
WHO = [
    ("chen", 200),
    ("zhao", 200),
    ("sun", 200),
    ("he", 403),
    ("ma", 403),
    ("lin", 403),
    ("guest", 403),
    ("deng", 403),
]


async def declined(as_: As, people: People) -> int:
    need = {"community_id": people.jy, "service_class": "care", "field": "safety", "title": "灯", "body": "灯坏了"}
    need_id = (await (await as_("lin")).post("/v1/needs", json=need)).json()["id"]
    answer = await (await as_("chen")).post(f"/v1/needs/{need_id}/decline", json={"reason": "不归我们管"})
    assert answer.status_code == 200
    return int(need_id)


@pytest.mark.parametrize(("who", "status"), WHO)
async def test_who_reads_it(as_: As, people: People, who: str, status: int) -> None:
    role = (await (await as_(who)).get("/v1/me")).json()["roles"]
    answer = await (await as_(who)).get(f"/v1/places/{people.jy}/audit")
    assert answer.status_code == status, role


async def test_who_did_what_when_and_why(as_: As, people: People) -> None:
    need_id = await declined(as_, people)
    chen = await as_("chen")
    path = f"/v1/places/{people.jy}/audit"
    found = (await chen.get(path, params={"subject": f"need:{need_id}"})).json()["items"]
    assert [one["verb"] for one in found] == ["need.declined", "need.submitted"]
    line = found[0]
    assert (line["actor_id"], line["before"], line["after"]) == (people.chen.id, "submitted", "declined")
    assert (line["reason"], line["on_behalf_of"]) == ("不归我们管", None)
    assert "小林" not in str(found)
    by_lin = (await chen.get(path, params={"actor_id": people.lin.id})).json()["items"]
    assert {one["actor_id"] for one in by_lin} == {people.lin.id}
    of_verb = (await chen.get(path, params={"verb": "need.declined"})).json()["items"]
    assert [one["subject"] for one in of_verb] == [f"need:{need_id}"]
    later = (await clock.now()).replace(year=2099).isoformat()
    assert (await chen.get(path, params={"from": later})).json()["items"] == []
    assert len((await chen.get(path, params={"to": later})).json()["items"]) >= 2
    page = (await chen.get(path, params={"limit": 1})).json()
    rest = (await chen.get(path, params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert rest["items"][0]["id"] < page["items"][0]["id"]


async def test_a_reason_that_has_not_passed_is_not_in_it(as_: As, people: People) -> None:
    need_id = await declined(as_, people)
    await db.execute("UPDATE reasons SET moderation = 'queued'")
    path = f"/v1/places/{people.jy}/audit"
    found = (await (await as_("sun")).get(path, params={"subject": f"need:{need_id}"})).json()["items"]
    assert [one["reason"] for one in found] == [None, None]


async def test_what_it_is_asked_for_badly(as_: As, people: People) -> None:
    chen = await as_("chen")
    path = f"/v1/places/{people.jy}/audit"
    for asked in ({"subject": "need"}, {"verb": "%"}, {"from": "yesterday"}, {"actor_id": "0"}, {"limit": "101"}):
        assert (await chen.get(path, params=asked)).status_code == 422, asked
    assert (await chen.get("/v1/places/999999/audit")).status_code == 404
    assert (await chen.get(f"/v1/places/{people.yl}/audit")).status_code == 403


async def test_a_secret_vote_leaves_no_trace(as_: As, people: People) -> None:
    now = await clock.now()
    asked = {
        "community_id": people.jy,
        "form": "open",
        "title": "门",
        "body": "什么颜色",
        "ballot": {"kind": "yes_no", "secret": True},
        "roll": "residents",
        "rule": "consultation",
        "discussion_until": (now + timedelta(days=7)).isoformat(),
        "voting_until": (now + timedelta(days=14)).isoformat(),
    }
    made = await (await as_("chen")).post("/v1/deliberations", json=asked)
    assert made.status_code == 201, made.text
    vote = await Deliberation.get(id=made.json()["id"])
    await events.record(people.chen, "deliberation.ballot_entered", vote, on_behalf_of_id=people.lin.id)
    found = (await (await as_("chen")).get(f"/v1/places/{people.jy}/audit")).json()["items"]
    assert "deliberation.ballot_entered" not in [one["verb"] for one in found]
