"""Merging, handing up, due dates, urgency and calendars over HTTP."""

from collections.abc import Awaitable, Callable

import httpx

from services import needs
from tests.passing import passed
from tests.people import People
from tests.services.test_needs import written

As = Callable[[str], Awaitable[httpx.AsyncClient]]


async def test_a_need_goes_its_ways(as_: As, people: People) -> None:
    chen, qian, lin = await as_("chen"), await as_("qian"), await as_("lin")
    into, twin = await written(people, "wang"), await written(people)
    merged = await chen.post(f"/v1/needs/{twin.id}/merge", json={"into_id": into.id, "reason": "同一件事"})
    assert (merged.status_code, merged.json()["state"], merged.json()["merged_into_id"]) == (200, "merged", into.id)
    again = await chen.post(f"/v1/needs/{twin.id}/merge", json={"into_id": into.id})
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "invalid_state", "merged")
    assert (await chen.post(f"/v1/needs/{into.id}/escalate")).json()["code"] == "invalid_state"
    await needs.accept(people.chen, into.id)
    up = await chen.post(f"/v1/needs/{into.id}/escalate", json={"reason": "需要街道协调"})
    assert (up.status_code, up.json()["state"], up.json()["route"], up.json()["level"]) == (
        200,
        "routed",
        "escalation",
        "street",
    )
    assert (await chen.post(f"/v1/needs/{into.id}/return", json={"reason": "不办了"})).status_code == 403
    back = await qian.post(f"/v1/needs/{into.id}/return", json={"reason": "属于社区职责"})
    assert (back.status_code, back.json()["state"], back.json()["level"]) == (200, "accepted", "grid")
    seen = (await lin.get(f"/v1/needs/{into.id}")).json()
    assert seen["merged_from"] == [twin.id]
    assert [(hop["level"], hop["ended"], hop["late"]) for hop in seen["hops"]] == [("street", "returned", False)]
    urgent = await chen.put(f"/v1/needs/{into.id}/urgency", json={"urgency": "high"})
    assert urgent.json()["priority"]["because"][1] == {"what": "urgency", "points": 20}
    listed = await lin.get("/v1/needs", params={"sort": "priority", "urgency": "high", "overdue": "false"})
    assert into.id in [need["id"] for need in listed.json()["items"]]


async def test_due_dates_and_days_off_are_set_and_read(as_: As, anonymous: httpx.AsyncClient, people: People) -> None:
    chen, qian, lin = await as_("chen"), await as_("qian"), await as_("lin")
    path = f"/v1/places/{people.jy}"
    standard = {"answer_days": 3, "decision_days": 15, "escalation_days": 5}
    assert (await anonymous.get(f"{path}/need-rules")).json() == standard
    changed = standard | {"answer_days": 2}
    assert (await chen.put(f"{path}/need-rules", json=changed)).json() == changed
    assert (await anonymous.get(f"{path}/need-rules")).json() == changed
    assert (await lin.put(f"{path}/need-rules", json=changed)).status_code == 403
    assert (await chen.put(f"{path}/need-rules", json=standard | {"answer_days": 0})).status_code == 422
    days = {"days_off": ["2026-10-02", "2026-10-01"], "working_days": ["2026-10-10"]}
    assert (await qian.put(f"{path}/calendar", json=days)).json()["days_off"] == ["2026-10-01", "2026-10-02"]
    assert (await anonymous.get(f"{path}/calendar")).json()["working_days"] == ["2026-10-10"]
    assert (await chen.put(f"{path}/calendar", json=days)).status_code == 403
    both = {"days_off": ["2026-10-01"], "working_days": ["2026-10-01"]}
    assert (await qian.put(f"{path}/calendar", json=both)).status_code == 422


async def test_a_wish_made_from_a_need_is_linked_without_telling_whose_it_is(as_: As, people: People) -> None:
    need = await written(people)
    await needs.accept(people.chen, need.id)
    lin, chen, mei = await as_("lin"), await as_("chen"), await as_("mei")
    asked = {"community_id": people.jy, "kind": "goods", "title": "声控灯", "body": "三只", "need_ids": [need.id]}
    wish = (await chen.post("/v1/wishes", json=asked)).json()
    await passed(None)
    assert (await lin.get(f"/v1/needs/{need.id}")).json()["state"] == "routed"
    assert (await chen.post(f"/v1/wishes/{wish['id']}/approve")).status_code in (200, 403)
    for client, linked in ((lin, True), (chen, True), (mei, False)):
        seen = (await client.get(f"/v1/needs/{need.id}")).json()
        assert (seen["links"] == [{"kind": "wish", "id": wish["id"]}]) is linked
        assert ("subject_id" in seen["timeline"][-1]["facts"]) is linked
    assert (await chen.get(f"/v1/wishes/{wish['id']}")).json()["need_ids"] == [need.id]
