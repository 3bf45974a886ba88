"""Over HTTP: a call for volunteers from the first word to the confirmed hours, and each refusal as a problem."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core import clock
from models.needs import NeedField, NeedState, ServiceClass
from services import needs, residents
from tests.passing import passed
from tests.people import People

As = Callable[[str], Awaitable[httpx.AsyncClient]]
MoveClock = Callable[[timedelta], Awaitable[None]]


async def call(people: People, after_hours: float = 0.5, **more: Any) -> dict[str, Any]:
    """What 马社工 asks for."""
    starts_at = await clock.now() + timedelta(hours=after_hours)
    shift = {
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=2)).isoformat(),
        "capacity": 1,
        "place_text": "社区活动室",
    }
    asked = {"community_id": people.jy, "kind": "service", "title": "陪老人逛公园", "body": "请穿防滑鞋"}
    return asked | {"shifts": [shift]} | more


async def test_from_the_call_to_the_confirmed_hours(as_: As, people: People, move_clock: MoveClock) -> None:
    ma, lin, mei = await as_("ma"), await as_("lin"), await as_("mei")
    made = await ma.post("/v1/activities", json=await call(people))
    assert made.status_code == 201, made.text
    shift_id = made.json()["shifts"][0]["id"]

    seat = await lin.post(f"/v1/shifts/{shift_id}/signup")
    assert (seat.status_code, seat.json()["state"], seat.json()["position"]) == (200, "confirmed", None)
    again = await lin.post(f"/v1/shifts/{shift_id}/signup")
    assert (again.status_code, again.json()) == (200, seat.json())
    waits = await mei.post(f"/v1/shifts/{shift_id}/signup")
    assert (waits.json()["state"], waits.json()["position"]) == ("waitlisted", 1)
    detail = (await mei.get(f"/v1/activities/{made.json()['id']}")).json()
    shift = detail["shifts"][0]
    assert (shift["taken"], shift["waitlisted"], shift["my_state"], shift["my_position"]) == (1, 1, "waitlisted", 1)
    coming = (await ma.get(f"/v1/shifts/{shift_id}/signups")).json()["items"]
    assert [(one["resident"]["nickname"], one["state"]) for one in coming] == [
        ("阿梅", "waitlisted"),
        ("小林", "confirmed"),
    ]

    code = (await ma.get(f"/v1/shifts/{shift_id}/checkin-code")).json()
    assert 1 <= code["expires_in"] <= 30
    came = await lin.post(f"/v1/shifts/{shift_id}/check-in", json={"token": code["token"]})
    assert came.status_code == 200, came.text
    await move_clock(timedelta(hours=1.5))
    left = await lin.post(f"/v1/shifts/{shift_id}/check-out")
    assert left.json()["checked_out_at"] is not None
    confirmed = await ma.post(f"/v1/shifts/{shift_id}/confirm-hours")
    assert confirmed.status_code == 200, confirmed.text
    assert [(one["resident"]["nickname"], one["minutes"]) for one in confirmed.json()["records"]] == [("小林", 60)]
    mine = (await lin.get("/v1/me/service-records")).json()["items"]
    assert [(one["title"], one["minutes"]) for one in mine] == [("陪老人逛公园", 60)]
    told = [line["kind"] for line in (await lin.get("/v1/me/inbox")).json()["items"]]
    assert told == ["hours.confirmed", "signup.confirmed"]


async def test_one_key_signs_up_once_and_deleting_twice_is_as_once(as_: As, people: People) -> None:
    ma, lin = await as_("ma"), await as_("lin")
    key = {"Idempotency-Key": "call"}
    asked = await call(people, after_hours=5)
    made = await ma.post("/v1/activities", json=asked, headers=key)
    assert (await ma.post("/v1/activities", json=asked, headers=key)).json() == made.json()
    url = f"/v1/shifts/{made.json()['shifts'][0]['id']}/signup"
    first = await lin.post(url, headers=key)
    assert (await lin.post(url, headers=key)).json() == first.json()
    assert [(await lin.delete(url)).status_code for _ in range(2)] == [204, 204]
    replayed = await lin.post(url, headers=key)
    assert (replayed.json()["id"], replayed.json()["state"]) == (first.json()["id"], "cancelled")


async def test_a_key_is_answered_again_although_the_witness_is_gone(as_: As, people: People) -> None:
    ma = await as_("ma")
    shift = (await ma.post("/v1/activities", json=await call(people))).json()["shifts"][0]
    for_wang = {"resident_id": people.wang.id, "consent": {"kind": "witness", "witness_id": people.mei.id}}
    asked: dict[str, Any] = {"json": {"on_behalf_of": for_wang}, "headers": {"Idempotency-Key": "for-wang"}}
    seat = await ma.post(f"/v1/shifts/{shift['id']}/signup", **asked)
    assert seat.status_code == 200, seat.text
    await residents.suspend(people.mei.id, suspended=True)
    again = await ma.post(f"/v1/shifts/{shift['id']}/signup", **asked)
    assert (again.status_code, again.json()) == (200, seat.json())


async def test_an_old_code_is_refused(as_: As, people: People, move_clock: MoveClock) -> None:
    ma, lin = await as_("ma"), await as_("lin")
    shift_id = (await ma.post("/v1/activities", json=await call(people))).json()["shifts"][0]["id"]
    await lin.post(f"/v1/shifts/{shift_id}/signup")
    code = (await ma.get(f"/v1/shifts/{shift_id}/checkin-code")).json()
    await move_clock(timedelta(seconds=90))
    refused = await lin.post(f"/v1/shifts/{shift_id}/check-in", json={"token": code["token"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "stale_code")
    entered = await ma.post(f"/v1/shifts/{shift_id}/check-in", json={"resident_id": people.lin.id})
    assert entered.json()["resident_id"] == people.lin.id


async def test_refusals_are_problems(as_: As, people: People) -> None:
    ma, lin = await as_("ma"), await as_("lin")
    under_way = await ma.post("/v1/activities", json=await call(people, after_hours=-1))
    started = under_way.json()["shifts"][0]["id"]
    soon = (await ma.post("/v1/activities", json=await call(people, after_hours=1.5))).json()["shifts"][0]["id"]
    beside = (await ma.post("/v1/activities", json=await call(people, after_hours=2))).json()["shifts"][0]["id"]
    await lin.post(f"/v1/shifts/{soon}/signup")

    async def refusal(who: str, method: str, url: str, **asked: Any) -> tuple[int, str]:
        answer = await (await as_(who)).request(method, url, **asked)
        return answer.status_code, answer.json()["code"]

    assert await refusal("lin", "POST", f"/v1/shifts/{started}/signup") == (409, "shift_started")
    assert await refusal("lin", "POST", f"/v1/shifts/{beside}/signup") == (409, "overlapping_shift")
    assert await refusal("lin", "DELETE", f"/v1/shifts/{soon}/signup") == (409, "cancel_closed")
    assert await refusal("guest", "POST", f"/v1/shifts/{soon}/signup") == (403, "not_verified")
    assert await refusal("wu", "POST", f"/v1/shifts/{soon}/signup") == (403, "forbidden")
    assert await refusal("lin", "GET", f"/v1/shifts/{soon}/checkin-code") == (403, "forbidden")
    assert await refusal("lin", "POST", f"/v1/shifts/{10**12}/signup") == (404, "not_found")
    assert await refusal("lin", "GET", f"/v1/activities/{10**12}") == (404, "not_found")
    assert await refusal("lin", "POST", f"/v1/shifts/{soon}/confirm-hours") == (403, "forbidden")
    token = {"json": {"token": "x"}}
    assert await refusal("mei", "POST", f"/v1/shifts/{soon}/check-in", **token) == (403, "not_signed_up")
    early = {"json": {"resident_id": people.lin.id}}
    assert await refusal("ma", "POST", f"/v1/shifts/{soon}/check-in", **early) == (409, "check_in_closed")
    assert await refusal("lin", "POST", f"/v1/shifts/{soon}/check-out", json={}) == (409, "not_checked_in")
    absent = {"json": {"entries": [{"resident_id": people.lin.id, "minutes": 30}]}}
    assert await refusal("ma", "POST", f"/v1/shifts/{soon}/confirm-hours", **absent) == (409, "not_checked_in")


@pytest.mark.parametrize(
    "wrong",
    [
        {"shifts": []},
        {"kind": "party"},
        {"title": ""},
        {"cancel_hours": -1},
        {"leader_id": "x"},
        {"points": 5},
        {"shifts": [{"capacity": 0, "place_text": "x"}]},
        {"shifts": [{"capacity": 3, "place_text": "x"}]},
        {"need_ids": [10**12]},
    ],
)
async def test_a_call_that_does_not_fit(as_: As, people: People, wrong: dict[str, Any]) -> None:
    ma = await as_("ma")
    assert (await ma.post("/v1/activities", json=await call(people) | wrong)).status_code == 422


async def test_a_task_needs_no_time(as_: As, people: People) -> None:
    ma, lin = await as_("ma"), await as_("lin")
    task = {"kind": "task", "shifts": [{"capacity": 1, "place_text": "楼下药店"}]}
    made = await ma.post("/v1/activities", json=await call(people) | task)
    assert made.json()["shifts"][0]["starts_at"] is None
    shift_id = made.json()["shifts"][0]["id"]
    assert (await lin.post(f"/v1/shifts/{shift_id}/signup")).json()["state"] == "confirmed"
    reported = await lin.post(f"/v1/shifts/{shift_id}/check-out", json={"minutes": 40, "note": "药已送到"})
    assert reported.json()["reported_minutes"] == 40
    confirmed = await ma.post(f"/v1/shifts/{shift_id}/confirm-hours", json={})
    assert [one["minutes"] for one in confirmed.json()["records"]] == [40]
    assert (await lin.get("/v1/me/service-records")).json()["items"][0]["starts_at"] is None


async def test_an_activity_answers_a_need(as_: As, people: People) -> None:
    need = await passed(
        await needs.submit(
            people.lin,
            community_id=people.jy,
            service_class=ServiceClass.CARE,
            field=NeedField.ELDERLY,
            title="老人没人陪",
            body="想出门走走",
        )
    )
    await needs.accept(people.chen, need.id)
    made = await (await as_("chen")).post("/v1/activities", json=await call(people, need_ids=[need.id]))
    assert made.json()["need_ids"] == [need.id]
    assert (await needs.find(people.lin, need.id)).state is NeedState.ROUTED


async def test_the_list_goes_on_where_it_stopped(as_: As, people: People) -> None:
    ma, wu = await as_("ma"), await as_("wu")
    ids = [(await ma.post("/v1/activities", json=await call(people, n + 1))).json()["id"] for n in range(3)]
    first = (await wu.get("/v1/activities", params={"community_id": people.jy, "limit": 2})).json()
    rest = (await wu.get("/v1/activities", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == ids[::-1]
    later = {"from": (await clock.now() + timedelta(hours=1.5)).isoformat()}
    assert [one["id"] for one in (await wu.get("/v1/activities", params=later)).json()["items"]] == ids[:0:-1]
    assert (await wu.get("/v1/activities", params={"from": "2026-12-01"})).status_code == 422
