"""Money beside WeChat over HTTP: shapes, refusals as problems, the same key twice."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx

from models.crowdfunding import CampaignKind
from services import crowdfunding
from tests.passing import passed
from tests.people import People
from tests.raising import evidence, opened, paid, resolution

As = Callable[[str], Awaitable[httpx.AsyncClient]]
MoveClock = Callable[[timedelta], Awaitable[None]]


async def test_a_gift_in_cash_is_entered_countersigned_corrected(as_: As, people: People) -> None:
    campaign = await opened(people)
    chen, zhao, lin, sun = [await as_(who) for who in ("chen", "zhao", "lin", "sun")]
    gifts = f"/v1/campaigns/{campaign.id}/offline-gifts"
    said = {"via": "cash", "amount_fen": 5_000, "note": "收据", "evidence_ids": [await evidence(people.chen)]}
    assert (await lin.post(gifts, json=said)).status_code == 403
    assert (await chen.post(gifts, json=said | {"evidence_ids": []})).status_code == 422
    once = {"Idempotency-Key": "gift"}
    made = await chen.post(gifts, json=said, headers=once)
    assert made.status_code == 201, made.text
    assert (await chen.post(gifts, json=said, headers=once)).json() == made.json()
    slip = f"/v1/slips/{made.json()['id']}"
    refused = await chen.post(f"{slip}/countersign")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_person")
    assert (await lin.get(slip)).status_code == 404
    assert (await zhao.post(f"{slip}/countersign")).json()["state"] == "posted"
    assert (await sun.get(slip)).json()["evidence_ids"] == said["evidence_ids"]
    listed = (await sun.get(f"/v1/communities/{people.jy}/fund/slips?state=posted")).json()["items"]
    assert [line["id"] for line in listed] == [made.json()["id"]]
    [line] = (await lin.get(f"/v1/communities/{people.jy}/fund/transfers")).json()["items"]
    assert (line["debit"], line["leg"], line["source_kind"], line["pledge_id"]) == ("cash", "capture", "slip", None)
    undo = await chen.post(f"/v1/transfers/{line['id']}/correct", json={"note": "录错"})
    assert (undo.status_code, undo.json()["transfer_id"]) == (201, line["id"])
    assert (await zhao.post(f"/v1/slips/{undo.json()['id']}/countersign")).status_code == 200
    newest = (await lin.get(f"/v1/communities/{people.jy}/fund/transfers")).json()["items"][0]
    assert (newest["leg"], newest["corrects_id"]) == ("counter_capture", line["id"])
    again = await chen.post(f"{slip}/hand-back", json={"note": "退", "evidence_ids": [await evidence(people.chen)]})
    assert (again.status_code, again.json()["code"]) == (409, "invalid_state")


async def test_gifts_to_the_fund_and_turning_down(as_: As, people: People) -> None:
    chen = await as_("chen")
    said = {"via": "bank", "amount_fen": 100, "note": "回单", "evidence_ids": [await evidence(people.chen)]}
    made = await chen.post(f"/v1/communities/{people.jy}/fund/offline-gifts", json=said)
    assert (made.status_code, made.json()["campaign_id"]) == (201, None)
    assert (await chen.post(f"/v1/slips/{made.json()['id']}/decline")).json()["state"] == "declined"


async def test_a_match_from_promise_to_payment(as_: As, people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people, kind=CampaignKind.KEEP_WHAT_IS_RAISED)
    chen, zhao, lin = [await as_(who) for who in ("chen", "zhao", "lin")]
    where = f"/v1/campaigns/{campaign.id}/matches"
    made = await chen.post(where, json={"unit": "锦阳物业", "adds_fen": 2, "cap_fen": 1_500})
    assert made.status_code == 201, made.text
    await passed(None)
    match = f"/v1/matches/{made.json()['id']}"
    assert (await lin.get(match)).status_code == 404
    assert (await zhao.post(f"{match}/countersign")).json()["state"] == "promised"
    assert (await zhao.post(f"{match}/decline")).status_code == 409
    await paid(people.lin, campaign, 500)
    [shown] = (await lin.get(where)).json()["items"]
    assert (shown["owed_fen"], shown["paid_fen"]) == (1_000, 0)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    said = {"amount_fen": 1_001, "note": "回单", "evidence_ids": [await evidence(people.chen)]}
    refused = await chen.post(f"{match}/payments", json=said)
    assert (refused.status_code, refused.json()["code"]) == (409, "more_than_owed")
    slip = (await chen.post(f"{match}/payments", json=said | {"amount_fen": 1_000})).json()
    assert (await zhao.post(f"/v1/slips/{slip['id']}/countersign")).status_code == 200
    assert (await lin.get(match)).json()["paid_fen"] == 1_000
    assert (await lin.get(f"/v1/communities/{people.jy}/fund")).json()["matched_fen"] == 1_000


async def test_a_deadline_put_off_a_use_changed_and_the_progress_of_refunds(
    as_: As, people: People, move_clock: MoveClock
) -> None:
    campaign = await opened(people, kind=CampaignKind.KEEP_WHAT_IS_RAISED)
    chen, lin = await as_("chen"), await as_("lin")
    given = await paid(people.lin, campaign, 10_000)
    where = f"/v1/campaigns/{campaign.id}"
    later = (campaign.deadline + timedelta(days=3)).isoformat()
    extended = await chen.post(f"{where}/extend", json={"deadline": later, "reason": "再募三天"})
    assert extended.status_code == 200, extended.text
    assert extended.json()["extended_from"] is not None
    part = await lin.post(f"/v1/pledges/{given.id}/refund", json={"amount_fen": 1_000})
    assert part.json()["state"] == "refunding"
    progress = (await lin.get(f"{where}/refunds")).json()
    assert progress["states"]["requested"] == {"refunds": 1, "amount_fen": 1_000}
    assert (progress["unfinished"], progress["by_hand"]["refunds"]) == (1, 0)
    await move_clock(timedelta(days=10))
    await crowdfunding.end_due()
    said = {
        "resolution_id": await resolution(people.jy, people.chen),
        "title": "坡道",
        "body": "改建坡道",
        "amount_fen": 3_000,
    }
    assert (await chen.post(f"{where}/use-changes", json=said | {"refund_days": 14})).status_code == 422
    announced = await chen.post(f"{where}/use-changes", json=said)
    assert (announced.status_code, announced.json()["state"]) == (201, "announced")
    await passed(None)
    [line] = (await lin.get(f"{where}/use-changes")).json()["items"]
    assert (line["amount_fen"], line["raised_fen"]) == (3_000, 9_000)
