"""The rest of a wish over HTTP: attested, contacts and their log, disputes, units, help; and few round trips."""

from typing import Any

import pytest

from app.core import db
from tests.people import People
from tests.routers.test_wishes import As, opened


def helped(people: People, who: str) -> dict[str, Any]:
    return {"resident_id": people[who].id, "consent": {"kind": "signature"}}


async def test_a_wish_for_somebody_in_difficulty(as_: As, people: People) -> None:
    ma, chen, lin = await as_("ma"), await as_("chen"), await as_("lin")
    asked = {"community_id": people.jy, "kind": "goods", "title": "想要一台收音机", "body": "想听戏"}
    made = await ma.post("/v1/wishes", json=asked | {"on_behalf_of": helped(people, "wang"), "photo_of_person": True})
    assert (made.status_code, made.json()["code"]) == (422, "photo_consent_missing")
    made = await ma.post("/v1/wishes", json=asked | {"on_behalf_of": helped(people, "wang")})
    assert (made.status_code, made.json()["attested"]) == (201, False), made.text
    path = f"/v1/wishes/{made.json()['id']}"
    assert (await ma.post(f"{path}/attest", json={"ground": "独居"})).status_code == 403
    attested = await chen.post(f"{path}/attest", json={"ground": "独居老人"})
    assert (attested.status_code, attested.json()["attested"]) == (200, True), attested.text
    again = await chen.post(f"{path}/approve", json={"ground": "独居老人"})
    assert (again.status_code, again.json()["code"]) == (409, "already_attested")
    assert (await chen.post(f"{path}/approve")).json()["state"] == "open"
    assert (await chen.get(path)).json()["ground"] == "独居老人"
    assert "独居" not in (await lin.get(path)).text

    said = {"consent": "on_claim", "phone": True, "address": True, "words": "晚上在家"}
    assert (await ma.put(f"{path}/contact", json=said)).status_code == 403
    put = await ma.put(f"{path}/contact", json=said | {"on_behalf_of": helped(people, "wang")})
    assert (put.status_code, put.json()["words"]) == (200, "晚上在家"), put.text
    assert (await lin.get(f"{path}/contact")).status_code == 403
    await lin.post(f"{path}/claim")
    told = await lin.get(f"{path}/contact")
    assert (told.status_code, told.json()["name"], told.json()["phone"]) == (200, "王伯", None), told.text
    assert "王伯" not in (await lin.get(path)).text
    [line] = (await ma.get(f"{path}/disclosures")).json()["items"]
    assert (line["reader"]["nickname"], line["fields"]) == ("小林", ["name", "address", "words"])
    assert (await lin.get(f"{path}/disclosures")).status_code == 403
    assert (await ma.delete(f"{path}/contact")).status_code == 204
    gone = await lin.get(f"{path}/contact")
    assert (gone.status_code, gone.json()["code"]) == (403, "contact_not_shared")


@pytest.mark.parametrize("body", [None, {}])
async def test_a_dispute_needs_no_words(as_: As, people: People, body: dict[str, str] | None) -> None:
    wish = await opened(as_, people)
    path = f"/v1/wishes/{wish['id']}"
    lin, wang = await as_("lin"), await as_("wang")
    await lin.post(f"{path}/claim")
    await lin.post(f"{path}/fulfil", json={"note": "已送到"})
    disputed = await wang.post(f"{path}/dispute", json=body) if body is not None else await wang.post(f"{path}/dispute")
    assert (disputed.status_code, disputed.json()["state"]) == (200, "disputed"), disputed.text


async def test_a_dispute_is_heard_and_settled(as_: As, people: People) -> None:
    wish = await opened(as_, people)
    path = f"/v1/wishes/{wish['id']}"
    lin, wang, chen, mei = [await as_(who) for who in ("lin", "wang", "chen", "mei")]
    await lin.post(f"{path}/claim")
    asked = await lin.post(f"{path}/ask-extension", json={"days": 3, "reason": "缺货"})
    assert asked.status_code == 200, asked.text
    again = await lin.post(f"{path}/ask-extension", json={"days": 3, "reason": "缺货"})
    assert (again.status_code, again.json()["code"]) == (409, "extension_asked")
    claim_id = (await wang.get(path)).json()["claims"][0]["id"]
    assert (await wang.post(f"{path}/extend", json={"claim_id": claim_id})).status_code == 200
    await lin.post(f"{path}/fulfil", json={"note": "已送到"})
    assert (await wang.post(f"{path}/dispute", json={"reason": "没有收到"})).json()["state"] == "disputed"
    upheld = {"outcome": "upheld", "reason": "确实没有"}
    unheard = await chen.post(f"{path}/resolve", json=upheld)
    assert (unheard.status_code, unheard.json()["code"]) == (409, "not_heard")
    assert (await mei.post(f"{path}/statement", json={"body": "我看见了"})).status_code == 403
    assert (await lin.post(f"{path}/statement", json={"body": "放在门口了"})).status_code == 200
    assert (await chen.post(f"{path}/resolve", json=upheld)).json()["state"] == "closed"
    seen = (await wang.get(path)).json()
    assert (seen["outcome"], seen["statements"][0]["body"], seen["claims"][0]["upheld"]) == (
        "upheld",
        "放在门口了",
        True,
    )
    assert "upheld" not in (await mei.get(path)).text
    assert (await lin.get("/v1/me")).json()["claiming_paused_until"] is None


async def test_a_unit_claims_and_is_thanked_in_public(as_: As, people: People) -> None:
    mei, chen, wang, wu = [await as_(who) for who in ("mei", "chen", "wang", "wu")]
    unit = await mei.post("/v1/units", json={"community_id": people.jy, "kind": "party_branch", "name": "第二党支部"})
    assert (unit.status_code, unit.json()["state"]) == (201, "pending"), unit.text
    unit_id = unit.json()["id"]
    assert (await wu.get(f"/v1/units/{unit_id}")).status_code == 404
    assert (await chen.post(f"/v1/units/{unit_id}/confirm")).json()["state"] == "confirmed"
    listed = (await wu.get("/v1/units", params={"community_id": people.jy})).json()["items"]
    assert [(one["id"], one["contact"]["nickname"]) for one in listed] == [(unit_id, "阿梅")]
    path = f"/v1/wishes/{(await opened(as_, people))['id']}"
    refused = await (await as_("lin")).post(f"{path}/claim", json={"unit_id": unit_id})
    assert (refused.status_code, refused.json()["code"]) == (403, "unit_not_confirmed")
    assert (await mei.post(f"{path}/claim", json={"unit_id": unit_id})).json()["state"] == "claimed"
    await mei.post(f"{path}/fulfil", json={"note": "支部一起做的"})
    await wang.post(f"{path}/confirm", json={"thanks": "谢谢支部", "thanks_public": True})
    seen = (await wu.get(path)).json()
    assert ([one["name"] for one in seen["units"]], seen["thanks"]) == (["第二党支部"], "谢谢支部")
    assert (await wang.put(f"{path}/thanks", json={"public": False})).status_code == 200
    assert (await wu.get(path)).json()["thanks"] is None
    ended = await mei.post(f"/v1/units/{unit_id}/end", json={"reason": "换届"})
    assert ended.json()["state"] == "ended"


async def test_a_helper_claims_and_confirms_for_others(as_: As, people: People) -> None:
    path = f"/v1/wishes/{(await opened(as_, people))['id']}"
    ma, chen = await as_("ma"), await as_("chen")
    claimed = await ma.post(f"{path}/claim", json={"on_behalf_of": helped(people, "mei")})
    assert claimed.status_code == 200, claimed.text
    [claim] = (await (await as_("wang")).get(path)).json()["claims"]
    assert (claim["claimer"]["id"], claim["assistant_id"]) == (people.mei.id, people.ma.id)
    for_mei = {"note": "她织好了", "on_behalf_of": helped(people, "mei")}
    assert (await ma.post(f"{path}/fulfil", json=for_mei)).json()["state"] == "fulfilled"
    for_wang = {"thanks": "谢谢", "on_behalf_of": helped(people, "wang")}
    assert (await ma.post(f"{path}/confirm", json=for_wang)).status_code == 403
    assert (await chen.post(f"{path}/confirm", json=for_wang)).json()["state"] == "confirmed"


async def test_lists_are_narrowed(as_: As, people: People) -> None:
    near, far = [await opened(as_, people, needed_by=day) for day in ("2098-01-02", "2099-01-02")]
    lin = await as_("lin")
    await lin.post(f"/v1/wishes/{far['id']}/claim")
    for asked, ids in (
        ({"sort": "needed_by"}, [near["id"], far["id"]]),
        ({"claimed_by_me": True}, [far["id"]]),
        ({"needed_before": "2098-12-31"}, [near["id"]]),
        ({"kind": "service"}, []),
        ({"mine": True}, []),
    ):
        listed = await lin.get("/v1/wishes", params={"community_id": people.jy} | asked)  # type: ignore[operator]
        assert [one["id"] for one in listed.json()["items"]] == ids, asked
    first = (await lin.get("/v1/wishes", params={"sort": "needed_by", "limit": 1})).json()
    rest = await lin.get("/v1/wishes", params={"sort": "needed_by", "limit": 1, "cursor": first["next_cursor"]})
    assert [one["id"] for one in rest.json()["items"]] == [far["id"]]


@pytest.mark.parametrize(
    ("who", "verb", "path", "most"),
    [
        ("mei", "GET", "/v1/wishes?community_id={jy}", 1),
        ("mei", "GET", "/v1/wishes/{wish}", 3),
        ("wang", "GET", "/v1/wishes/{wish}", 5),
        ("lin", "POST", "/v1/wishes/{wish}/claim", 2),  # besides two INSERTs: the event and the notice
    ],
)
async def test_a_wish_takes_few_round_trips(
    as_: As, people: People, monkeypatch: pytest.MonkeyPatch, who: str, verb: str, path: str, most: int
) -> None:
    wish = await opened(as_, people)
    await opened(as_, people)
    client = await as_(who)
    await client.get("/v1/me")
    asked_for: list[str] = []
    wrapper = type(db._client())
    read = wrapper.execute_query_dict

    async def counted(self: Any, query: str, values: Any = None) -> Any:
        asked_for.append(query)
        return await read(self, query, values)

    monkeypatch.setattr(wrapper, "execute_query_dict", counted)
    answer = await client.request(verb, path.format(jy=people.jy, wish=wish["id"]))
    assert answer.status_code == 200, answer.text
    beside_the_actor = [query for query in asked_for if "token_hash" not in query]
    assert len(beside_the_actor) == most, beside_the_actor
