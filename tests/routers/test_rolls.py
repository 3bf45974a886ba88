"""Over HTTP: representatives, owners, rolls, objections, thresholds, assisted and paper ballots."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx

from app.core import clock
from models.deliberations import Ballot, Elector, Roll, Rule
from models.events import Event
from tests.people import People
from tests.voting import discussed, dwellers, flats, voting

As = Callable[[str], Awaitable[httpx.AsyncClient]]


def sheet(*rows: tuple[str, str]) -> dict[str, Any]:
    text = "\n".join(["code,choice", *(f"{code},{choice}" for code, choice in rows)])
    return {"file": ("票.csv", text.encode(), "text/csv")}


async def test_representatives_are_recorded_and_ended(as_: As, people: People) -> None:
    chen, lin = await as_("chen"), await as_("lin")
    homes = [*await flats(people, 19), people.mei.household_id]
    asked = {"community_id": people.jy, "name": "第一居民小组", "household_ids": homes}
    made = await chen.post("/v1/constituencies", json=asked, headers={"Idempotency-Key": "c"})
    assert made.status_code == 201, made.text
    assert (await chen.post("/v1/constituencies", json=asked, headers={"Idempotency-Key": "c"})).json() == made.json()
    path = f"/v1/constituencies/{made.json()['id']}"
    small = await chen.put(path, json={"name": "x", "household_ids": homes[:19]})
    assert (small.status_code, small.json()["code"]) == (422, "constituency_size")
    today = (await clock.now()).astimezone(clock.SHANGHAI).date()
    term = {"resident_id": people.mei.id, "from_on": str(today), "until_on": str(today + timedelta(days=99))}
    without = await chen.post(f"{path}/representatives", json=term)
    assert without.status_code == 422
    recorded = await chen.post(f"{path}/representatives", json=term | {"minutes": "会议记录"})
    assert recorded.status_code == 201, recorded.text
    again = await chen.post(f"{path}/representatives", json=term | {"minutes": "会议记录"})
    assert (again.status_code, again.json()["code"]) == (409, "terms_overlap")
    assert (await lin.get(path)).json()["representative"]["resident_id"] == people.mei.id
    listed = (await lin.get(f"/v1/constituencies?community_id={people.jy}")).json()
    assert [one["households"] for one in listed["items"]] == [20]
    end = f"/v1/representatives/{recorded.json()['id']}/end"
    assert (await lin.post(end, json={"reason": "x"})).status_code == 403
    ended = await chen.post(end, json={"reason": "本人辞去"})
    assert (ended.status_code, ended.json()["until_on"]) == (200, str(today))
    assert (await lin.get(path)).json()["representative"] is None
    assert (await lin.get("/v1/constituencies/999999")).status_code == 404


async def test_owners_are_recorded_by_share(as_: As, people: People) -> None:
    chen, lin = await as_("chen"), await as_("lin")
    path = f"/v1/households/{(await flats(people, 1, 800_000))[0]}/owners"
    half = {"share_numerator": 1, "share_denominator": 2}
    both = {"owners": [{"resident_id": people.lin.id} | half, {"resident_id": people.mei.id, "votes": True} | half]}
    put = await chen.put(path, json=both)
    assert put.status_code == 200, put.text
    assert (put.json()["area_cm2"], put.json()["owners"][1]["votes"]) == (800_000, True)
    assert (await lin.get(path)).json() == put.json()
    assert (await lin.put(path, json=both)).status_code == 404
    assert (await (await as_("ma")).put(path, json=both)).status_code == 403
    assert (await (await as_("wang")).get(path)).status_code == 404
    for wrong in ({"share_numerator": 3, "share_denominator": 2}, {"share_numerator": 0}):
        assert (await chen.put(path, json={"owners": [{"resident_id": 1} | wrong]})).status_code == 422


async def test_thresholds_are_public_and_only_go_upwards(as_: As, anonymous: httpx.AsyncClient, people: People) -> None:
    chen = await as_("chen")
    path = f"/v1/places/{people.jy}/voting-rules"
    statute = {one["rule"]: one for one in (await anonymous.get(path)).json()["rules"]}
    assert statute["owners_major"]["majority"] == {"numerator": 3, "denominator": 4, "more_than": False}
    assert (statute["owners_major"]["by_area"], statute["consultation"]["quorum"]) == (True, None)
    more = {"rule": "residents_meeting", "quorum": {"numerator": 2, "denominator": 3, "more_than": False}}
    put = await chen.put(path, json={"rules": [more]})
    assert put.status_code == 200, put.text
    assert {one["rule"]: one for one in put.json()["rules"]}["residents_meeting"]["quorum"] == more["quorum"]
    less = more | {"quorum": {"numerator": 1, "denominator": 3, "more_than": True}}
    refused = await chen.put(path, json={"rules": [less]})
    assert (refused.status_code, refused.json()["code"]) == (422, "below_the_law")
    assert (await chen.put(path, json={"rules": [{"rule": "owners_major", "recognised": True}]})).status_code == 403
    english = (await anonymous.get(path, headers={"Accept-Language": "en"})).json()["rules"][0]
    assert "Organic Law" in english["article"]


async def test_a_roll_is_objected_to_settled_and_frozen(as_: As, anonymous: httpx.AsyncClient, people: People) -> None:
    lin, mei, chen = await as_("lin"), await as_("mei"), await as_("chen")
    path = f"/v1/deliberations/{(await discussed(people)).id}"
    before = (await lin.get(f"{path}/roll")).json()
    assert (before["frozen"], before["size"], before["hash"]) == (False, 8, None)
    made = await lin.post(f"{path}/objections", json={"reason": "王伯已搬走", "resident_id": people.wang.id})
    assert (made.status_code, made.json()["state"], made.json()["moderation"]) == (201, "open", "passed"), made.text
    waits = await chen.post(f"{path}/open-voting")
    assert (waits.status_code, waits.json()["code"]) == (409, "objections_open")
    objection = f"/v1/objections/{made.json()['id']}"
    assert (await mei.get(objection)).status_code == 404
    assert (await mei.get(f"{path}/objections")).json()["items"] == []
    assert (await lin.post(f"{objection}/strike", json={"reason": "x"})).status_code == 403
    struck = await chen.post(f"{objection}/strike", json={"reason": "已核实"})
    assert (struck.status_code, struck.json()["state"], struck.json()["answer"]) == (200, "struck", "已核实"), (
        struck.text
    )
    for verb in ("dismiss", "correct"):
        late = await chen.post(f"{objection}/{verb}", json={"reason": "x"})
        assert (late.status_code, late.json()["code"]) == (409, "invalid_state")
    assert (await lin.get(objection)).json()["answer"] == "已核实"
    opened = (await chen.post(f"{path}/open-voting")).json()
    assert opened["roll_size"] == 7
    own = (await mei.get(f"{path}/roll/me")).json()
    lines = (await anonymous.get(f"{path}/roll/lines")).text.split("\n")
    assert (own["on_roll"], lines[own["number"] - 1]) == (True, own["line"])
    assert not (await (await as_("wang")).get(f"{path}/roll/me")).json()["on_roll"]
    frozen = await lin.post(f"{path}/objections", json={"reason": "名册不对"})
    assert (frozen.status_code, frozen.json()["code"]) == (409, "roll_frozen")


async def test_a_ballot_is_entered_for_another_and_objected_to(as_: As, people: People) -> None:
    he, mei = await as_("he"), await as_("mei")
    path = f"/v1/deliberations/{(await voting(people)).id}"
    asked = {
        "on_behalf_of": {"resident_id": people.mei.id, "consent": {"kind": "witness", "witness_id": people.wang.id}},
        "ballot": {"choice": "yes"},
    }
    key = {"Idempotency-Key": "for-mei"}
    entered = await he.post(f"{path}/ballots/assisted", json=asked, headers=key)
    assert (entered.status_code, len(entered.json()["receipt"])) == (201, 64), entered.text
    assert (await he.post(f"{path}/ballots/assisted", json=asked, headers=key)).json() == entered.json()
    assert (await mei.get(path)).json()["my_ballot"]["receipt"] == entered.json()["receipt"]
    objected = await mei.post(f"{path}/objections", json={"reason": "不是我的意思"})
    assert (objected.status_code, objected.json()["state"], objected.json()["channel"]) == (
        201,
        "invalidated",
        "assisted",
    )
    for_mei = {"reason": "她不同意", "on_behalf_of": asked["on_behalf_of"]}
    assert (await (await as_("ma")).post(f"{path}/objections", json=for_mei)).json()["code"] == "roll_frozen"  # gone
    assert (await mei.get(path)).json()["my_ballot"] is None
    assert (await he.post(f"{path}/ballots/assisted", json=asked, headers=key)).json() == entered.json()
    assert (await mei.put(f"{path}/ballot", json={"choice": "no"})).status_code == 200
    assert (await he.post(f"{path}/ballots/assisted", json=asked, headers=key)).json() == entered.json()
    refused = await he.post(f"{path}/ballots/assisted", json=asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_voted")
    unwitnessed = asked | {"on_behalf_of": {"resident_id": people.mei.id, "consent": {"kind": "witness"}}}
    assert (await he.post(f"{path}/ballots/assisted", json=unwitnessed)).status_code == 422
    assert (await mei.post(f"{path}/ballots/assisted", json=asked)).status_code == 403


async def test_paper_is_printed_typed_twice_and_reported(as_: As, people: People) -> None:
    he, ma, lin = await as_("he"), await as_("ma"), await as_("lin")
    ids = await dwellers(people, await flats(people, 2))
    vote = await voting(people)
    path = f"/v1/deliberations/{vote.id}"
    printed = await he.get(f"{path}/ballot-sheets.pdf?first=2&count=3")
    assert (printed.status_code, printed.headers["content-type"]) == (200, "application/pdf")
    assert (await lin.get(f"{path}/ballot-sheets.pdf")).status_code == 403
    code = {e.resident_id: e.code for e in await Elector.filter(deliberation_id=vote.id)}
    good, other = code[ids[0]], code[ids[1]]
    key = {"Idempotency-Key": "first"}
    first = await he.post(f"{path}/ballots/import", files=sheet((good, "yes"), (other, "yes")), headers=key)
    assert (first.status_code, first.json()["state"], first.json()["report"]) == (201, "waiting", None), first.text
    again = await he.post(f"{path}/ballots/import", files=sheet((good, "yes"), (other, "yes")), headers=key)
    assert again.json() == first.json()
    same = await he.post(f"{path}/ballots/import", files=sheet((good, "yes")))
    assert (same.status_code, same.json()["code"]) == (409, "same_person")
    second = await ma.post(f"{path}/ballots/import", files=sheet((good, "yes"), (other, "no"), ("=1+1", "yes")))
    assert second.status_code == 201, second.text
    report = {line["code"]: line["outcome"] for line in second.json()["report"]}
    assert report == {good: "entered", other: "differs", "=1+1": "only_second"}
    assert await Ballot.filter(deliberation_id=vote.id).count() == 1
    batch = f"/v1/paper-batches/{second.json()['id']}"
    table = (await ma.get(f"{batch}/report.csv")).text
    assert "'=1+1" in table
    assert (await ma.get(batch)).json() == second.json()
    assert (await lin.get(batch)).status_code == 404
    assert len((await ma.get(f"{path}/paper-batches")).json()["items"]) == 2
    assert (await ma.post(f"{batch}/withdraw")).status_code == 409
    bad = await ma.post(f"{path}/ballots/import", files={"file": ("x.csv", b"hello", "text/csv")})
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_sheet")
    large = await ma.post(f"{path}/ballots/import", files={"file": ("x.csv", b"a" * 600_000, "text/csv")})
    assert (large.status_code, large.json()["code"]) == (413, "content_too_large")
    assert await Event.filter(verb="deliberation.paper_entered", subject_id=vote.id).count() == 1


async def test_a_result_says_what_was_asked_for(as_: As, anonymous: httpx.AsyncClient, people: People) -> None:
    chen = await as_("chen")
    flat = (await flats(people, 1, 800_000))[0]
    await chen.put(f"/v1/households/{flat}/owners", json={"owners": [{"resident_id": people.lin.id}]})
    vote = await voting(people, roll=Roll.OWNERS, rule=Rule.OWNERS_ORDINARY)
    path = f"/v1/deliberations/{vote.id}"
    await (await as_("lin")).put(f"{path}/ballot", json={"choice": "yes"})
    await chen.post(f"{path}/close")
    result = (await anonymous.get(f"{path}/result")).json()
    assert result["area"] == {"roll_cm2": 800_000, "voted_cm2": 800_000}
    assert (result["passed"], result["tally"][0]["area_cm2"]) == (True, 800_000)
    assert result["rule"]["quorum"] == {"numerator": 2, "denominator": 3, "more_than": False}
    assert (result["rule"]["article"], result["rule"]["recognised"]) == ("《民法典》第二百七十八条", False)
    resolution = (await anonymous.get(f"/v1/resolutions/{result['resolution_id']}")).json()
    assert (resolution["binding"], resolution["passed"]) == (False, True)
    assert resolution["counts"]["voted_area_cm2"] == 800_000
