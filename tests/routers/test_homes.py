"""Homes, guardians, accounts and help over HTTP: the way of each, and who is refused."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from fastapi import FastAPI

from app.core import clock
from models.volunteering import ActivityKind
from services import residents
from services.volunteering import ShiftPlan
from tests.homing import KEYS, joined, registered
from tests.people import People
from tests.services.test_helping import need_of
from tests.services.test_volunteering import one_shift, organised

Login = Callable[[str], Awaitable[httpx.AsyncClient]]


def on_behalf_of(person_id: int, witness_id: int) -> dict[str, Any]:
    return {"on_behalf_of": {"resident_id": person_id, "consent": {"kind": "witness", "witness_id": witness_id}}}


async def test_somebody_is_invited_represents_and_moves_out(as_: Login, people: People) -> None:
    lin, guest, chen = await as_("lin"), await as_("guest"), await as_("chen")
    home = f"/v1/households/{people.lin.household_id}"
    key = {"Idempotency-Key": "once"}
    made = await lin.post(f"{home}/invitations", json={"capacity": "family"}, headers=key)
    assert made.status_code == 201
    assert (await lin.post(f"{home}/invitations", json={"capacity": "family"}, headers=key)).json()["code"] is None
    code = made.json()["code"]
    wrong = await guest.post("/v1/invitations/ABCDEFGHJKMN/accept", json={"birth_year": 1995})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "invitation_unknown")
    assert (await guest.post(f"/v1/invitations/{code}/accept", json={"birth_year": 1995})).status_code == 200
    assert [one["state"] for one in (await lin.get(f"{home}/invitations")).json()["items"]] == ["used"]
    proposed = await lin.post(f"{home}/representative", json={"resident_id": people.guest.id, "reason": "我常出差"})
    assert proposed.status_code == 201
    assert (await guest.get(home)).json()["pending_change"]["needed"] == 2
    change = f"/v1/representative-changes/{proposed.json()['id']}"
    assert (await guest.post(f"{change}/confirm")).json()["state"] == "confirmed"
    assert (await chen.get(home)).json()["representative_id"] == people.guest.id
    assert len((await chen.get(f"{home}/history")).json()["members"]) == 2
    assert (await guest.post("/v1/me/household/leave")).status_code == 204
    assert (await guest.get(home)).status_code == 404
    assert (await guest.get("/v1/me")).json()["verified"] is False


async def test_codes_are_not_to_be_guessed(as_: Login, app: FastAPI) -> None:
    token = (await as_("guest")).headers["Authorization"]
    from_outside = httpx.ASGITransport(app=app, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(
        transport=from_outside, base_url="http://linli.test", headers={"Authorization": token}
    ) as guest:
        tries = [await guest.post("/v1/invitations/ABCDEFGHJKMN/accept", json={"birth_year": 1995}) for _ in range(11)]
    assert tries[-1].status_code == 429
    assert int(tries[-1].headers["Retry-After"]) > 0


async def test_a_proposal_is_declined_and_withdrawn_and_a_member_ended(as_: Login, people: People) -> None:
    guest = await joined(people)
    lin, member, chen = await as_("lin"), await as_("guest"), await as_("chen")
    home = f"/v1/households/{people.lin.household_id}"
    for verb, by, body in (("decline", lin, {"reason": "不必"}), ("withdraw", member, None)):
        made = (await member.post(f"{home}/representative", json={"resident_id": guest.id})).json()
        path = f"/v1/representative-changes/{made['id']}"
        assert (await chen.get(path)).json()["state"] == "pending"
        answered = await by.post(f"{path}/{verb}", json=body)
        assert answered.json()["state"] == ("declined" if verb == "decline" else "withdrawn")
    ended = await chen.post(f"{home}/members/{guest.id}/end", json={"reason": "已搬离"})
    assert [one["resident_id"] for one in ended.json()["members"]] == [people.lin.id]
    invitation = (await lin.post(f"{home}/invitations", json={"capacity": "tenant"})).json()
    assert (await lin.post(f"/v1/invitations/{invitation['id']}/revoke")).json()["state"] == "revoked"


async def test_staff_ask_who_lives_there_and_who_could_vote(as_: Login, people: People) -> None:
    chen = await as_("chen")
    listed = (await chen.get(f"/v1/places/{people.jy}/households", params={"limit": 3})).json()
    assert (len(listed["items"]), listed["next_cursor"] is None) == (3, False)
    today = (await clock.now()).astimezone(clock.SHANGHAI).date().isoformat()
    path, asked = f"/v1/places/{people.jy}/electorate", {"on": today, "roll": "residents", "limit": 5}
    first = (await chen.get(path, params=asked)).json()
    rest = (await chen.get(path, params=asked | {"cursor": first["next_cursor"]})).json()
    assert (first["size"], len(first["items"]), len(rest["items"])) == (8, 5, 3)
    assert (await (await as_("lin")).get(path, params=asked)).status_code == 403
    assert len((await (await as_("lin")).get(f"/v1/places/{people.jy}/roles")).json()["items"]) == 4


async def test_a_child_takes_part_once_a_guardian_consents(as_: Login, people: People) -> None:
    need = await need_of(people)
    child = await joined(people, "kid", birth_year=(await clock.now()).year - 9)
    kid, lin = await as_("kid"), await as_("lin")
    refused = await kid.put(f"/v1/needs/{need.id}/endorsement")
    assert (refused.status_code, refused.json()["code"]) == (403, "needs_guardian")
    made = await lin.post("/v1/guardianships", json={"child_id": child.id})
    assert made.status_code == 201
    assert (await kid.put(f"/v1/needs/{need.id}/endorsement")).status_code == 200
    assert len((await kid.get("/v1/guardianships")).json()["items"]) == 1
    assert (await lin.post(f"/v1/guardianships/{made.json()['id']}/withdraw")).json()["ended_at"]
    assert (await kid.put("/v1/me", json={"nickname": "宝"})).json()["code"] == "not_for_children"


async def test_help_is_given_in_body_and_query_and_objected_to(as_: Login, people: People) -> None:
    person, need, shift = await registered(people), await need_of(people), await one_shift(people, after=100)
    he, chen, lin = await as_("he"), await as_("chen"), await as_("lin")
    helping = on_behalf_of(person.id, people.mei.id)
    endorsement = f"/v1/needs/{need.id}/endorsement"
    assert (await he.put(endorsement, json=helping)).json() == {"endorsements": 1, "endorsed_by_me": True}
    asked = {"on_behalf_of": person.id, "consent_kind": "witness", "witness_id": people.mei.id}
    assert (await he.delete(endorsement, params={"on_behalf_of": person.id})).status_code == 422
    assert (await he.delete(endorsement, params=asked)).json()["endorsements"] == 0
    assert (await he.post(f"/v1/needs/{need.id}/comments", json={"body": "请快修"} | helping)).status_code == 201
    assert (await lin.put(endorsement, json=helping)).status_code == 404
    signed = await he.post(f"/v1/shifts/{shift}/signup", json=helping, headers={"Idempotency-Key": "a"})
    assert (signed.status_code, signed.json()["state"]) == (200, "confirmed")
    listed = (await he.get("/v1/me/assistances")).json()["items"]
    assert [one["verb"] for one in listed][1:] == ["comment.made", "need.unendorsed", "need.endorsed"]
    objection = f"/v1/assistances/{listed[0]['id']}/objection"
    assert (await he.post(objection)).status_code == 403
    assert (await chen.post(objection)).status_code == 422
    done = await chen.post(objection, json=helping | {"reason": "本人没有同意"})
    assert (done.status_code, done.json()["outcome"]) == (200, "undone")
    assert (await he.get(f"/v1/assistances/{listed[0]['id']}")).json()["objected_at"]
    assert (await chen.post(objection, json=helping)).json()["code"] == "objected_before"


async def test_a_new_account_becomes_the_person_on_record(as_: Login, people: People) -> None:
    person = await registered(people)
    chen, grandma = await as_("chen"), await as_("grandma")
    newcomer_id = (await grandma.get("/v1/me")).json()["id"]
    asked = await chen.post(f"/v1/residents/{person.id}/link", json={"resident_id": newcomer_id})
    assert asked.status_code == 201
    link = f"/v1/resident-links/{asked.json()['id']}"
    assert (await grandma.get(link)).json()["recorded_id"] == person.id
    assert (await grandma.post(f"{link}/confirm")).json()["state"] == "confirmed"
    assert (await grandma.get("/v1/me")).json()["id"] == person.id
    assert (await grandma.post(f"{link}/decline")).json()["code"] == "invalid_state"


async def test_a_number_moves_to_a_new_account(as_: Login, people: People, sandbox: Any) -> None:
    number = "13800000077"
    lin, again, chen = await as_("lin"), await as_("lin-again"), await as_("chen")

    async def code(openid: str) -> dict[str, str]:
        return {"code": (await sandbox.tell("phone-code", openid=openid, phone=number))["code"]}

    assert (await lin.post("/v1/auth/phone", json=await code("lin"))).status_code == 200
    assert (await again.post("/v1/auth/phone", json=await code("lin-again"))).json()["code"] == "phone_taken"
    asked = await again.post("/v1/me/phone-moves", json=await code("lin-again"))
    assert (asked.status_code, asked.json()["old_id"]) == (201, None)
    path = f"/v1/phone-moves/{asked.json()['id']}"
    assert (await chen.get("/v1/phone-moves", params={"community_id": people.jy})).json()["items"][0]["old_id"]
    assert (await lin.get(path)).status_code == 404
    assert (await chen.post(f"{path}/confirm")).json()["state"] == "confirmed"
    assert (await chen.post(f"{path}/decline", json={"reason": "x"})).status_code == 409
    assert (await again.get(path)).json()["state"] == "confirmed"
    assert (await again.post("/v1/auth/phone", json=await code("lin-again"))).status_code == 200
    masked = residents.phone_masked(await residents.find_resident(people.lin.id), KEYS)
    assert masked is None


async def test_a_role_is_renewed(as_: Login, people: People) -> None:
    chen = await as_("chen")
    asked = {"resident_id": people.mei.id, "role": "building_head", "until": "2027-06-01T00:00:00+08:00"}
    seven = (await chen.get(f"/v1/households/{people.lin.household_id}")).json()["building_id"]
    made = (await chen.post(f"/v1/places/{seven}/roles", json=asked)).json()
    path = f"/v1/places/{seven}/roles/{made['id']}/renew"
    renewed = await chen.post(path, json={"until": "2028-06-01T00:00:00+08:00"})
    assert renewed.json()["until_at"] == "2028-06-01T00:00:00+08:00"
    assert (await (await as_("lin")).post(path, json={"until": "2029-06-01T00:00:00+08:00"})).status_code == 403


async def test_a_building_head_has_her_hours_certified_and_hands_her_hours_on(as_: Login, people: People) -> None:
    person = await registered(people)
    made = await organised(people, ShiftPlan(1, "楼下药店"), kind=ActivityKind.TASK)
    task, he, ma = f"/v1/shifts/{made.shifts[0].id}", await as_("he"), await as_("ma")
    helping = on_behalf_of(person.id, people.mei.id)
    assert (await he.post(f"{task}/signup", json=helping)).status_code == 200
    reported = await he.post(f"{task}/report", json=helping | {"minutes": 60, "note": "药已送到"})
    assert (reported.status_code, reported.json()["reported_minutes"]) == (200, 60)
    assert (await he.post("/v1/me/certificates", json=helping)).json()["code"] == "no_hours"
    assert (await ma.post(f"{task}/confirm-hours")).status_code == 200
    for path, said in (
        ("/v1/me/certificates", {}),
        ("/v1/points/transfers", {"helper_id": people.lin.id, "minutes": 20}),
    ):
        key = {"Idempotency-Key": path[-9:]}
        first, again = [await he.post(path, json=helping | said, headers=key) for _ in range(2)]
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json()["id"] == again.json()["id"]
    assert (await he.get("/v1/me/certificates")).json()["items"] == []
    done = (await he.get("/v1/me/assistances")).json()["items"]
    assert [one["verb"] for one in done[:2]] == ["point_transfer.made", "certificate.issued"]
    skills = await he.put("/v1/me/skills", json=helping | {"skills": ["music"]})
    assert (skills.status_code, (await he.get("/v1/me/skills")).json()["skills"]) == (200, [])
