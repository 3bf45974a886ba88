"""Over HTTP: a question travels to its resolution, and each refusal carries its word."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx

from app.core import clock
from models.events import Event
from tests.people import People

As = Callable[[str], Awaitable[httpx.AsyncClient]]


async def asked(people: People, **other: Any) -> dict[str, Any]:
    now = (await clock.now()).astimezone(clock.SHANGHAI)
    return {
        "community_id": people.jy,
        "form": "dialogue",
        "title": "在 7 号楼前装一盏路灯",
        "body": "晚上看不清台阶。",
        "ballot": {"kind": "approval", "secret": False, "max_choices": 2},
        "options": [{"title": "路灯"}, {"title": "感应灯"}, {"title": "不装"}],
        "roll": "residents",
        "rule": "consultation",
        "discussion_until": (now + timedelta(days=7)).isoformat(),
        "voting_until": (now + timedelta(days=14)).isoformat(),
    } | other


async def test_a_question_travels_to_its_resolution(as_: As, anonymous: httpx.AsyncClient, people: People) -> None:
    lin, chen = await as_("lin"), await as_("chen")
    created = await lin.post("/v1/deliberations", json=await asked(people))
    assert created.status_code == 201, created.text
    made = created.json()
    assert (made["state"], made["moderation"], made["need_ids"]) == ("proposed", "passed", [])
    assert made["ballot"] == {
        "kind": "approval",
        "secret": False,
        "max_choices": 2,
        "max_score": None,
        "budget_fen": None,
        "count": None,
    }
    assert [option["title"] for option in made["options"]] == ["路灯", "感应灯", "不装"]
    path = f"/v1/deliberations/{made['id']}"

    early = await lin.put(f"{path}/ballot", json={"option_ids": [made["options"][0]["id"]]})
    assert (early.status_code, early.json()["code"], early.json()["state"]) == (409, "invalid_state", "proposed")
    assert (await chen.post(f"{path}/open-discussion")).json()["state"] == "discussion"
    comment = await lin.post(f"{path}/comments", json={"body": "支持"})
    assert comment.status_code == 201, comment.text
    answer = await chen.post(f"{path}/comments", json={"body": "谢谢", "parent_id": comment.json()["id"]})
    assert answer.status_code == 201
    assert [one["body"] for one in (await lin.get(f"{path}/comments")).json()["items"]] == ["谢谢", "支持"]

    opened = (await chen.post(f"{path}/open-voting")).json()
    assert (opened["state"], opened["roll_size"], len(opened["roll_hash"])) == ("voting", 8, 64)
    hidden = await anonymous.get(f"{path}/result")
    assert (hidden.status_code, hidden.json()["code"], hidden.json()["state"]) == (409, "invalid_state", "voting")
    ids = [option["id"] for option in made["options"]]
    cast = await lin.put(f"{path}/ballot", json={"option_ids": ids[:2]})
    assert cast.status_code == 200, cast.text
    mine = (await lin.get(path)).json()
    assert mine["my_ballot"] == {"choice": {"option_ids": ids[:2]}, "receipt": cast.json()["receipt"]}
    assert [line["verb"] for line in mine["timeline"]][-1] == "deliberation.voting_opened"
    bad = await lin.put(f"{path}/ballot", json={"option_ids": ids})
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_choice")
    outside = await (await as_("wu")).put(f"{path}/ballot", json={"option_ids": ids[:1]})
    assert (outside.status_code, outside.json()["code"]) == (403, "forbidden")
    guest = await (await as_("guest")).put(f"{path}/ballot", json={"option_ids": ids[:1]})
    assert (guest.status_code, guest.json()["code"]) == (403, "not_verified")

    assert (await chen.post(f"{path}/close")).json()["state"] == "decided"
    late = await lin.put(f"{path}/ballot", json={"option_ids": ids[:1]})
    assert (late.status_code, late.json()["code"]) == (409, "vote_closed")
    result = (await anonymous.get(f"{path}/result")).json()
    assert (result["state"], result["passed"], result["turnout"]) == ("decided", None, {"roll": 8, "voted": 1})
    assert [(line["option_id"], line["votes"], line["share"]) for line in result["tally"]] == [
        (ids[0], 1, "1/1"),
        (ids[1], 1, "1/1"),
        (ids[2], 0, "0/1"),
    ]
    assert "名册共 8 人" in result["explanation"]
    english = await anonymous.get(f"{path}/result", headers={"Accept-Language": "en"})
    assert "8 residents on the roll" in english.json()["explanation"]
    resolution = await anonymous.get(f"/v1/resolutions/{result['resolution_id']}")
    assert resolution.status_code == 200, resolution.text
    assert resolution.json()["counts"]["tally"] == result["tally"]
    assert (resolution.json()["binding"], resolution.json()["roll_hash"]) == (False, opened["roll_hash"])
    in_english = await anonymous.get(f"/v1/resolutions/{result['resolution_id']}", headers={"Accept-Language": "en"})
    assert "consultation" in in_english.json()["explanation"]


async def test_a_step_sent_twice_with_its_key_happens_once(as_: As, people: People) -> None:
    lin, chen = await as_("lin"), await as_("chen")
    body, key = await asked(people), {"Idempotency-Key": "once"}
    first = await lin.post("/v1/deliberations", json=body, headers=key)
    assert (await lin.post("/v1/deliberations", json=body, headers=key)).json() == first.json()
    path = f"/v1/deliberations/{first.json()['id']}"
    for step in ("open-discussion", "open-voting", "close"):
        keyed = {"Idempotency-Key": step}
        once = await chen.post(f"{path}/{step}", headers=keyed)
        assert once.status_code == 200, once.text
        assert (await chen.post(f"{path}/{step}", headers=keyed)).json() == once.json()
        again = await chen.post(f"{path}/{step}")
        assert (again.status_code, again.json()["code"]) == (409, "invalid_state")
    assert await Event.filter(verb="deliberation.decided", subject_id=first.json()["id"]).count() == 1


async def test_the_list_is_filtered_by_phase_and_read_page_by_page(as_: As, people: People) -> None:
    lin = await as_("lin")
    for _ in range(3):
        await lin.post("/v1/deliberations", json=await asked(people))
    where = f"/v1/deliberations?community_id={people.jy}&phase=proposed&limit=2"
    first = (await lin.get(where)).json()
    rest = (await lin.get(f"{where}&cursor={first['next_cursor']}")).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)
    assert (await lin.get(f"/v1/deliberations?community_id={people.jy}&phase=voting")).json()["items"] == []
    assert (await lin.get("/v1/deliberations?phase=asleep")).status_code == 422


async def test_what_does_not_fit_is_refused_in_the_readers_language(as_: As, people: People) -> None:
    lin = await as_("lin")
    for other, says in (
        ({"ballot": {"kind": "ranked", "max_choices": 2}}, "max_choices"),
        ({"ballot": {"kind": "budget", "count": "greedy"}}, "budget_fen"),
        ({"ballot": {"kind": "budget", "budget_fen": 100}}, "what it costs"),
        ({"ballot": {"kind": "score"}, "roll": "owners", "rule": "owners_major"}, "weigh area"),
        ({"rule": "owners_major"}, "not for such a roll"),
        ({"voting_until": "2020-01-01T00:00:00+08:00"}, "90 days"),
        ({"need_ids": [10**6]}, "cited need"),
        ({"options": [{"title": "一", "cost_fen": 5}, {"title": "二"}]}, "not valid"),
    ):
        refused = await lin.post(
            "/v1/deliberations", json=await asked(people, **other), headers={"Accept-Language": "en"}
        )
        assert (refused.status_code, says in refused.json()["detail"]) == (422, True), refused.text
    for ballot in (
        {},
        {"choice": "yes", "option_id": 1},
        {"choice": "perhaps"},
        {"option_ids": []},
        {"ranking": []},
        {"scores": {}},
        {"scores": {"1": 11}},
        {"scores": {"x": 1}},
        {"nonce": "00" * 16},
        {"choice": "yes", "nonce": "00" * 15},
    ):
        assert (await lin.put("/v1/deliberations/1/ballot", json=ballot)).status_code == 422


async def test_what_is_not_there_is_not_found(as_: As, anonymous: httpx.AsyncClient) -> None:
    chen = await as_("chen")
    for answer in (
        await chen.get("/v1/deliberations/999999"),
        await chen.post("/v1/deliberations/999999/open-voting"),
        await chen.put("/v1/deliberations/999999/ballot", json={"choice": "yes"}),
        await anonymous.get("/v1/deliberations/999999/result"),
        await anonymous.get("/v1/resolutions/999999"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await anonymous.get("/v1/deliberations")).status_code == 401


async def test_a_withdrawal_may_say_why(as_: As, people: People) -> None:
    lin = await as_("lin")
    for body in (..., None, {}, {"reason": "已经解决"}):
        made = (await lin.post("/v1/deliberations", json=await asked(people))).json()
        gone = await lin.post(f"/v1/deliberations/{made['id']}/withdraw", **({} if body is ... else {"json": body}))
        assert (gone.status_code, gone.json()["state"]) == (200, "withdrawn")
        last = (await lin.get(f"/v1/deliberations/{made['id']}")).json()["timeline"][-1]
        assert last["reason"] == (body.get("reason") if isinstance(body, dict) else None)
