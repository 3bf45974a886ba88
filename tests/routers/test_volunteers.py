"""Over HTTP: a volunteer's year, from his skills and his team to hours, certificate, calendar; and what it costs."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tortoise.backends.asyncpg.client import AsyncpgDBClient

from app.core import db
from tests.people import People
from tests.routers.test_volunteering import call

As = Callable[[str], Awaitable[httpx.AsyncClient]]
MoveClock = Callable[[timedelta], Awaitable[None]]


async def ok(answer: Awaitable[httpx.Response], status: int = 200) -> Any:
    given = await answer
    assert given.status_code == status, given.text
    return given.json() if given.content else None


async def refused(answer: Awaitable[httpx.Response]) -> tuple[int, str]:
    given = await answer
    return given.status_code, given.json()["code"]


async def test_a_volunteers_year(as_: As, anonymous: httpx.AsyncClient, people: People, move_clock: MoveClock) -> None:
    ma, lin, mei, chen = [await as_(who) for who in ("ma", "lin", "mei", "chen")]
    team = {"community_id": people.jy, "name": "银杏志愿队", "body": "每周六陪老人散步"}
    team_id = (await ok(lin.post("/v1/volunteer-teams", json=team), 201))["id"]
    await ok(mei.post(f"/v1/volunteer-teams/{team_id}/join"))
    waiting = (await ok(lin.get(f"/v1/volunteer-teams/{team_id}/members")))["items"][0]
    assert (waiting["nickname"], waiting["state"]) == ("阿梅", "asked")
    assert (await ok(lin.post(f"/v1/volunteer-team-members/{waiting['id']}/accept")))["members"] == 2
    assert await refused(lin.post(f"/v1/volunteer-teams/{team_id}/leave")) == (409, "hand_over_first")

    asked = await call(people, after_hours=5, team_id=team_id)
    asked["shifts"][0] |= {"skills": ["first_aid"], "minimum_age": 18}
    made = await ok(ma.post("/v1/activities", json=asked), 201)
    shift = made["shifts"][0]
    assert (made["team_id"], made["state"], shift["skills"], shift["minimum_age"]) == (
        team_id,
        "planned",
        ["first_aid"],
        18,
    )
    url = f"/v1/shifts/{shift['id']}"
    assert await refused(lin.post(f"{url}/signup")) == (403, "skills_missing")
    assert await ok(lin.put("/v1/me/skills", json={"skills": ["first_aid"]})) == {"skills": ["first_aid"]}
    assert (await ok(lin.post(f"{url}/signup")))["team_id"] == team_id
    changed = await ok(ma.put(url, json={"place_text": "银杏树下"}))
    assert (changed["shifts"][0]["place_text"], changed["moderation"]) == ("银杏树下", "passed")
    assert (await lin.put(url, json={"capacity": 5})).status_code == 403

    await move_clock(timedelta(hours=5))
    code = (await ok(ma.get(f"{url}/checkin-code")))["token"]
    await ok(lin.post(f"{url}/check-in", json={"token": code}))
    await move_clock(timedelta(hours=1, seconds=10))
    await ok(lin.post(f"{url}/check-out"))
    await ok(ma.post(f"{url}/confirm-hours"))
    record = (await ok(lin.get("/v1/me/service-records")))["items"][0]
    assert (record["minutes"], record["dispute"]) == (60, None)
    judged = f"/v1/service-records/{record['id']}"
    await ok(lin.post(f"{judged}/dispute", json={"reason": "我提前半小时到的"}))
    assert [one["id"] for one in (await ok(chen.get("/v1/service-records")))["items"]] == [record["id"]]
    ruling = {"minutes": 90, "reason": "签到记录如此"}
    assert await refused(ma.post(f"{judged}/resolve", json=ruling)) == (403, "not_independent")
    assert (await ok(chen.post(f"{judged}/resolve", json=ruling)))["minutes"] == 90
    seen = await ok(lin.get(judged))
    assert [line["reason"] for line in seen["timeline"]] == ["我提前半小时到的", "签到记录如此"]
    assert (await ok(lin.get(f"/v1/volunteer-teams/{team_id}")))["minutes"] == 90

    spent = await ok(lin.post("/v1/points/transfers", json={"helper_id": people.mei.id, "minutes": 30}), 201)
    assert (spent["other"], spent["spent"]) == ("阿梅", True)
    assert (await ok(lin.get("/v1/me/points")))["balance_minutes"] == 60
    too_much = {"helper_id": people.mei.id, "minutes": 61}
    assert await refused(lin.post("/v1/points/transfers", json=too_much)) == (409, "not_enough_hours")
    assert [one["minutes"] for one in (await ok(mei.get("/v1/points/transfers")))["items"]] == [30]

    assert (await ok(lin.post("/v1/me/certificates"), 201))["name_declared"]
    key = {"Idempotency-Key": "once"}
    named = {"name": "林小芳", "document_tail": "123X", "purpose": "study"}
    certificate = await ok(lin.post("/v1/me/certificates", json=named, headers=key), 201)
    assert await ok(lin.post("/v1/me/certificates", json=named, headers=key), 201) == certificate
    path = f"/v1/certificates/{certificate['code']}"
    address = certificate["image_url"].partition("/v1/")[2]
    assert (await anonymous.get(f"/v1/{address}")).content.startswith(b"\x89PNG")
    for forged in (f"{path}.png", f"{path}.png?token=AAAA", f"/v1/{address}".replace("token=", "token=B")):
        assert await refused(anonymous.get(forged)) == (404, "not_found")
    public = await ok(anonymous.get(path))
    assert (public["valid"], public["minutes"], public["name_masked"]) == (True, 90, "林**")
    page = await anonymous.get(f"{path}.html")
    assert page.headers["content-type"].startswith("text/html")
    assert "script" not in page.headers["content-security-policy"]
    for text in (page.text, str(public)):
        assert "林小芳" not in text
        assert "123X" not in text
    picture = await lin.get(f"{path}.png")
    assert picture.content.startswith(b"\x89PNG")
    assert (await chen.get(f"{path}.png")).status_code == (await mei.get(f"{path}.png")).status_code == 404
    assert (await lin.post(f"{path}/revoke", json={"reason": "错"})).status_code == 403
    await ok(chen.post(f"{path}/revoke", json={"reason": "时长有误"}))
    assert (await ok(anonymous.get(path)))["reason"] == "时长有误"
    assert "时长有误" in (await anonymous.get(f"{path}.html")).text
    assert await refused(anonymous.get("/v1/certificates/0000")) == (404, "not_found")


async def test_a_calendar_at_a_secret_address(as_: As, anonymous: httpx.AsyncClient, people: People) -> None:
    ma, lin = await as_("ma"), await as_("lin")
    made = await ok(ma.post("/v1/activities", json=await call(people, after_hours=5)), 201)
    await ok(lin.post(f"/v1/shifts/{made['shifts'][0]['id']}/signup"))
    address = (await ok(lin.put("/v1/me/calendar")))["url"]
    path = "/v1/me" + address.split("/v1/me")[1]
    read = await anonymous.get(path)
    assert read.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "SUMMARY:陪老人逛公园\r\n" in read.text
    assert (await anonymous.get(path, headers={"If-None-Match": read.headers["etag"]})).status_code == 304
    of_one = await lin.get(f"/v1/activities/{made['id']}.ics")
    assert of_one.text.count("BEGIN:VEVENT") == 1
    assert (await anonymous.get(f"/v1/activities/{made['id']}.ics")).status_code == 401
    await ok(lin.delete("/v1/me/calendar"), 204)
    assert await refused(anonymous.get(path)) == (404, "not_found")


async def test_a_task_is_reported_and_an_activity_called_off(as_: As, people: People) -> None:
    ma, lin = await as_("ma"), await as_("lin")
    task = {"kind": "task", "shifts": [{"capacity": 1, "place_text": "药店"}]}
    made = await ok(ma.post("/v1/activities", json=await call(people) | task), 201)
    url = f"/v1/shifts/{made['shifts'][0]['id']}"
    assert await refused(lin.post(f"{url}/report", json={"minutes": 40})) == (403, "not_signed_up")
    await ok(lin.post(f"{url}/signup"))
    done = await ok(lin.post(f"{url}/report", json={"minutes": 40, "note": "药已送到"}))
    assert (done["reported_minutes"], done["note"], done["moderation"]) == (40, "药已送到", "passed")
    other = await ok(ma.post("/v1/activities", json=await call(people, after_hours=5)), 201)
    shift = f"/v1/shifts/{other['shifts'][0]['id']}"
    await ok(lin.post(f"{shift}/signup"))
    assert await refused(ma.post(f"{shift}/no-show", json={"resident_id": people.lin.id})) == (409, "check_in_closed")
    off = await ok(ma.post(f"/v1/activities/{other['id']}/cancel", json={"reason": "下雨"}))
    assert (off["state"], off["shifts"][0]["state"]) == ("cancelled", "cancelled")
    assert await refused(lin.post(f"{shift}/signup")) == (409, "invalid_state")
    assert await refused(ma.post(f"{shift}/cancel", json={"reason": "下雨"})) == (409, "invalid_state")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/me/skills", {"skills": ["magic"]}),
        ("PUT", "/v1/me/skills", {"skills": ["driving", "driving"]}),
        ("POST", "/v1/points/transfers", {"helper_id": 1, "minutes": 0}),
        ("POST", "/v1/me/certificates", {"from": "2026-02-01", "until": "2026-01-01"}),
        ("POST", "/v1/me/certificates", {"document_tail": "12345"}),
        ("POST", "/v1/volunteer-teams", {"community_id": 1, "name": "", "body": "b"}),
        ("POST", "/v1/shifts/1/check-in", {"token": "x", "at": "2026-12-05T09:00:00+08:00"}),
        ("PUT", "/v1/shifts/1", {"capacity": None}),
        ("PUT", "/v1/shifts/1", {"minimum_age": 200}),
    ],
)
async def test_what_does_not_fit(as_: As, method: str, path: str, body: dict[str, Any]) -> None:
    assert (await (await as_("lin")).request(method, path, json=body)).status_code == 422


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to the database from here on, without savepoints."""
    sent: list[str] = []
    for name in ("execute_query", "execute_query_dict", "execute_insert"):
        real = getattr(AsyncpgDBClient, name)

        async def noted(self: Any, query: str, values: Any = None, real: Any = real) -> Any:
            sent.append(query)
            return await real(self, query, values)

        monkeypatch.setattr(type(db._client()), name, noted)
    return sent


async def test_a_list_of_twenty_and_a_sign_up_take_few_statements(
    as_: As, people: People, statements: list[str]
) -> None:
    ma, lin = await as_("ma"), await as_("lin")
    made = [await ok(ma.post("/v1/activities", json=await call(people, after_hours=5 + 3 * n)), 201) for n in range(4)]
    statements.clear()
    listed = await ok(lin.get("/v1/activities"))
    assert len(listed["items"]) == 4
    for_four = len(statements)
    statements.clear()
    await ok(lin.get("/v1/activities", params={"limit": 1}))
    assert len(statements) == for_four
    assert for_four <= 5  # who asks, the page, its shifts, needs and photos
    statements.clear()
    await ok(lin.post(f"/v1/shifts/{made[0]['shifts'][0]['id']}/signup"))
    assert len(statements) <= 5, statements  # who asks; the shift locked, the seat, the event, the notice
