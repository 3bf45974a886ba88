"""Spending over HTTP: from a receipt to what everybody sees, refusals as problems, rules and relatives."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from models.media import Purpose
from tests.people import People
from tests.spending import MoveClock, approved, funded, picture

As = Callable[[str], Awaitable[httpx.AsyncClient]]


async def body(people: People, line_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "budget_line_id": line_id,
        "amount_fen": 24_000,
        "payee": "光明五金店",
        "purpose": "感应灯三盏",
        "receipt_ids": [await picture(people.ma)],
    } | changes


async def test_from_a_receipt_to_what_everybody_sees(
    as_: As, anonymous: httpx.AsyncClient, people: People, move_clock: MoveClock
) -> None:
    campaign = await funded(people, move_clock)
    ma, chen, zhao, sun, lin = [await as_(who) for who in ("ma", "chen", "zhao", "sun", "lin")]
    where = f"/v1/campaigns/{campaign.id}/expenses"
    asked = await body(people, campaign.budget[0].id)
    key = {"Idempotency-Key": "lamps"}
    for _ in range(2):
        answer = await ma.post(where, json=asked, headers=key)
        assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["state"], made["moderation"]) == ("requested", "passed")
    assert (made["missing"], made["requester"]["id"]) == (["two_people", "committee"], people.ma.id)
    expense = f"/v1/expenses/{made['id']}"
    for client in (anonymous, lin):
        assert (await client.get(expense)).status_code == 404
    refused = await ma.post(f"{expense}/approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_independent")
    assert (await lin.post(f"{expense}/approve")).status_code == 404
    copy = await picture(people.chen, Purpose.PHOTO)
    once = await chen.post(f"{expense}/approve", json={"receipt_ids": [copy]})
    assert (once.json()["state"], once.json()["missing"]) == ("requested", ["two_people"])
    refused = await zhao.post(f"{expense}/pay", json={"reference": "1"})
    assert (refused.status_code, refused.json()["state"]) == (409, "requested")
    assert (await sun.post(f"{expense}/approve", json={})).json()["state"] == "approved"
    assert (await zhao.post(f"{expense}/pay", json={"reference": ""})).status_code == 422
    done = await zhao.post(f"{expense}/pay", json={"reference": "网银 0017"})
    assert (done.status_code, done.json()["state"], done.json()["reference"]) == (200, "paid", "网银 0017")

    for client in (anonymous, lin):
        seen = (await client.get(expense)).json()
        assert (seen["state"], seen["payee"], seen["requester"], seen["reference"]) == (
            "paid",
            "光明五金店",
            None,
            None,
        )
        assert [approval["role"] for approval in seen["approvals"]] == ["committee", "supervisor"]
        assert [receipt["id"] for receipt in seen["receipts"]] == [copy], "the original stays evidence"
        assert [line["verb"] for line in seen["timeline"]][-1] == "expense.paid"
        for people_s in ("小马", people.chen.nickname, people.sun.nickname):
            assert people_s not in str(seen)
    for path in (where, f"/v1/communities/{people.jy}/fund/expenses"):
        assert [one["id"] for one in (await anonymous.get(path)).json()["items"]] == [made["id"]]
        assert (await anonymous.get(f"{path}?state=rejected")).json()["items"] == []
    [line] = (await anonymous.get(f"/v1/communities/{people.jy}/fund/transfers?limit=1")).json()["items"]
    assert (line["expense_id"], line["pledge_id"], line["leg"]) == (made["id"], None, "spent")
    shown = (await lin.get(f"/v1/campaigns/{campaign.id}")).json()
    assert (shown["spent_fen"], [one["spent_fen"] for one in shown["budget"]]) == (24_000, [24_000, 0])
    refused = await chen.post(f"{expense}/reject", json={"reason": "晚了"})
    assert (refused.status_code, refused.json()["state"]) == (409, "paid")
    assert (await lin.post(f"{expense}/approve")).json()["code"] == "no_approver"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"receipt_ids": []}, 422, "invalid"),
        ({"receipt_ids": [10**15]}, 422, "unknown_photo"),
        ({"amount_fen": 0}, 422, "invalid"),
        ({"amount_fen": 1.5}, 422, "invalid"),
        ({"amount_fen": 60_001}, 409, "over_budget"),
        ({"budget_line_id": 10**15}, 422, "invalid"),
        ({"payee": ""}, 422, "invalid"),
        ({"payee_resident_id": 10**15}, 422, "invalid"),
        ({"purpose": "志愿者报酬"}, 422, "never_paid"),
        ({"category": "x"}, 422, "invalid"),
    ],
)
async def test_what_does_not_fit_is_a_problem(
    as_: As, people: People, move_clock: MoveClock, changes: dict[str, Any], status: int, code: str
) -> None:
    campaign = await funded(people, move_clock)
    asked = await body(people, campaign.budget[0].id, **changes)
    answer = await (await as_("ma")).post(f"/v1/campaigns/{campaign.id}/expenses", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_strangers_learn_nothing_of_a_campaign_by_its_expenses(
    as_: As, anonymous: httpx.AsyncClient, people: People, move_clock: MoveClock
) -> None:
    campaign = await funded(people, move_clock)
    asked = await body(people, campaign.budget[0].id)
    for client in (anonymous, await as_("wu"), await as_("guest")):
        assert (await client.get(f"/v1/campaigns/{campaign.id}/expenses")).status_code == 404
        answer = await client.post(f"/v1/campaigns/{campaign.id}/expenses", json=asked)
        assert answer.status_code == (401 if client is anonymous else 404)
    assert (await anonymous.get("/v1/campaigns/999999/expenses")).status_code == 404
    assert (await (await as_("lin")).get(f"/v1/campaigns/{campaign.id}/expenses")).json()["items"] == []
    bad = {"Authorization": "Bearer nonsense"}
    assert (await anonymous.get(f"/v1/communities/{people.jy}/fund/expenses", headers=bad)).status_code == 200


@pytest.mark.parametrize("said", [{}, {"json": {}}])
async def test_it_is_paid_without_a_word(as_: As, people: People, move_clock: MoveClock, said: dict[str, Any]) -> None:
    expense = await approved(people, await funded(people, move_clock))
    done = await (await as_("zhao")).post(f"/v1/expenses/{expense.id}/pay", **said)
    assert (done.status_code, done.json()["state"], done.json()["reference"]) == (200, "paid", None)


async def test_approvals_that_no_longer_count_are_named(as_: As, people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    ma, chen, zhao, sun = [await as_(who) for who in ("ma", "chen", "zhao", "sun")]
    asked = await body(people, campaign.budget[0].id)
    made = (await ma.post(f"/v1/campaigns/{campaign.id}/expenses", json=asked)).json()
    expense = f"/v1/expenses/{made['id']}"
    await chen.post(f"{expense}/approve")
    await zhao.post(f"{expense}/approve")
    put = await sun.put(f"/v1/residents/{people.ma.id}/relatives/{people.chen.id}", json={"kinship": "spouse"})
    assert put.json()["relatives"] == [{"resident_id": people.chen.id, "kinship": "spouse"}]
    refused = await zhao.post(f"{expense}/pay", json={"reference": "1"})
    assert (refused.status_code, refused.json()["code"]) == (409, "approvals_missing")
    assert refused.json()["missing"] == ["two_people"]
    twice = await chen.post(f"{expense}/approve")
    assert (twice.status_code, twice.json()["code"]) == (403, "not_independent")
    assert (await ma.post(f"{expense}/withdraw")).json()["state"] == "withdrawn"


async def test_the_rules_of_spending_are_public_and_set_by_two_or_an_officer(
    as_: As, anonymous: httpx.AsyncClient, people: People
) -> None:
    where = f"/v1/communities/{people.jy}/fund/rules"
    said = {"supervisor_above_fen": 50_000, "never_paid": ["烟酒"]}
    chen, sun, lin, qian = [await as_(who) for who in ("chen", "sun", "lin", "qian")]
    shown = (await anonymous.get(where)).json()
    assert (shown["supervisor_above_fen"], shown["in_force_at"]) == (100_000, None)
    assert "慈善法第一百二十四条" in [one["article"] for one in shown["never_paid_by_law"]]
    assert (await lin.put(where, json=said)).status_code == 403
    assert (await chen.put(where, json=said)).json()["proposal"]["role"] == "committee"
    assert (await sun.put(where, json=said)).json()["supervisor_above_fen"] == 50_000
    assert (await anonymous.get(where)).json()["never_paid"] == ["烟酒"]
    by_officer = await qian.put(where, json={"supervisor_above_fen": 0})
    assert (by_officer.json()["supervisor_above_fen"], by_officer.json()["never_paid"]) == (0, [])
    for wrong in ({"supervisor_above_fen": -1}, {"supervisor_above_fen": 1, "never_paid": [""]}, {}):
        assert (await qian.put(where, json=wrong)).status_code == 422


async def test_the_register_of_relatives_is_private(as_: As, people: People) -> None:
    lin, mei, chen, qian, wang = [await as_(who) for who in ("lin", "mei", "chen", "qian", "wang")]
    one = f"/v1/residents/{people.lin.id}/relatives"
    pair = f"{one}/{people.mei.id}"
    for _ in range(2):
        assert (await lin.put(pair, json={"kinship": "child"})).status_code == 200
    seen = (await mei.get(f"/v1/residents/{people.mei.id}/relatives")).json()
    assert seen["relatives"] == [{"resident_id": people.lin.id, "kinship": "parent"}]
    assert (await chen.get(one)).json()["relatives"] == [{"resident_id": people.mei.id, "kinship": "child"}]
    for client in (mei, wang, await as_("wu"), await as_("deng")):
        assert (await client.get(one)).status_code == 404
    reason = {"reason": "登记有误"}
    assert (await lin.request("DELETE", pair, json=reason)).status_code == 403
    assert (await qian.request("DELETE", pair)).status_code == 422, "it takes a reason"
    for _ in range(2):
        assert (await qian.request("DELETE", pair, json=reason)).json()["relatives"] == []
    assert (await lin.put(pair, json={"kinship": "boss"})).status_code == 422
    assert (await lin.put(f"{one}/{people.lin.id}", json={"kinship": "other"})).status_code == 404


async def test_a_list_goes_on_page_by_page(as_: As, people: People, move_clock: MoveClock) -> None:
    campaign = await funded(people, move_clock)
    ma = await as_("ma")
    where = f"/v1/campaigns/{campaign.id}/expenses"
    ids = []
    for fen in (1, 2, 3):
        asked = await body(people, campaign.budget[0].id, amount_fen=fen)
        ids.append((await ma.post(where, json=asked)).json()["id"])
    first = (await ma.get(f"{where}?limit=2")).json()
    rest = (await ma.get(f"{where}?limit=2&cursor={first['next_cursor']}")).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == ids[::-1]
    await move_clock(timedelta(days=1))
    assert (await ma.get(f"{where}?state=approved")).json()["items"] == []
