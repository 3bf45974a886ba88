"""The fund over HTTP: shapes, refusals as problems, what strangers and the public see."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core import clock
from app.gateways.errors import PayError
from models.crowdfunding import Pledge, PledgeState
from models.payments import Refund
from services import crowdfunding, payments
from tests.passing import passed
from tests.people import People
from tests.raising import FakePay, money, opened, paid, refund_notice, resolution
from tests.sandbox_process import SandboxProcess

As = Callable[[str], Awaitable[httpx.AsyncClient]]


async def body(people: People, **changes: Any) -> dict[str, Any]:
    deadline = (await clock.now() + timedelta(days=7)).isoformat()
    return {
        "community_id": people.jy,
        "legal_path": "community",
        "kind": "all_or_nothing",
        "title": "7号楼楼道照明",
        "body": "更换六层楼道的感应灯",
        "goal_fen": 100_000,
        "deadline": deadline,
        "budget": [{"title": "灯具", "amount_fen": 60_000}, {"title": "安装", "amount_fen": 40_000}],
        "resolution_id": await resolution(people.jy, people.chen),
    } | changes


def logged_in(sandbox: SandboxProcess, openid: str) -> None:
    """WeChat knows only payers who have opened the mini-program."""
    httpx.post(f"{sandbox.url}/_sandbox/login-code", json={"openid": openid})


async def test_from_draft_to_a_pledge(as_: As, people: People, sandbox: SandboxProcess) -> None:
    logged_in(sandbox, "lin")
    ma, chen, zhao, lin = [await as_(who) for who in ("ma", "chen", "zhao", "lin")]
    made = await ma.post("/v1/campaigns", json=await body(people))
    assert made.status_code == 201, made.text
    assert made.json()["state"] == "draft"
    where = f"/v1/campaigns/{made.json()['id']}"
    assert (await lin.get(where)).status_code == 404
    assert (await chen.post(f"{where}/submit")).json()["state"] == "in_review"
    refused = await chen.post(f"{where}/publish")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_by_the_submitter")
    assert (await zhao.post(f"{where}/publish")).json()["state"] == "open"
    pledge = await lin.post(f"{where}/pledges", json={"kind": "money", "amount_fen": 5_000})
    assert pledge.status_code == 201, pledge.text
    assert pledge.json()["state"] == "awaiting_payment"
    assert set(pledge.json()["payment"]) == {"timeStamp", "nonceStr", "package", "signType", "paySign"}
    shown = (await lin.get(where)).json()
    assert (shown["raised_fen"], shown["backers"], shown["progress"]) == (0, 0, 0)
    assert [line["verb"] for line in shown["timeline"]][-1] == "campaign.published"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"legal_path": "charity"}, "invalid"),
        ({"budget": [{"title": "灯具", "amount_fen": 1}]}, "invalid"),
        ({"budget": []}, "invalid"),
        ({"goal_fen": 0}, "invalid"),
        ({"goal_fen": 10**13}, "invalid"),
        ({"goal_fen": 1000.5}, "invalid"),
        ({"deadline": "2020-01-01T00:00:00+08:00"}, "invalid"),
        ({"deadline": "2030-01-01T00:00:00"}, "invalid"),
        ({"resolution_id": 10**15}, "resolution_not_valid"),
        ({"need_ids": [10**15]}, "invalid"),
        ({"title": ""}, "invalid"),
        ({"pay_code": "x"}, "invalid"),
    ],
)
async def test_what_does_not_fit_is_a_problem(as_: As, people: People, changes: dict[str, Any], code: str) -> None:
    answer = await (await as_("chen")).post("/v1/campaigns", json=await body(people, **changes))
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_strangers_find_nothing_and_the_unverified_do_not_give(as_: As, people: People) -> None:
    campaign = await opened(people)
    team = await passed(await crowdfunding.found_team(people.lin, campaign.id, name="点灯队"))
    given = await paid(people.lin, campaign)
    for who in ("wu", "deng", "guest"):
        client = await as_(who)
        for path in ("", "/pledges", "/teams", "/comments"):
            assert (await client.get(f"/v1/campaigns/{campaign.id}{path}")).status_code == 404, (who, path)
        assert (await client.get(f"/v1/pledges/{given.id}")).status_code == 404
        assert (await client.post(f"/v1/teams/{team.id}/join")).status_code == 404
        refused = await client.post(f"/v1/campaigns/{campaign.id}/pledges", json={"kind": "money", "amount_fen": 1})
        assert refused.status_code == 404
        assert (await client.get("/v1/campaigns")).json()["items"] == []
    qian = await as_("qian")
    assert (await qian.get(f"/v1/campaigns/{campaign.id}")).status_code == 200
    refused = await qian.post(f"/v1/campaigns/{campaign.id}/pledges", json={"kind": "money", "amount_fen": 1})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_verified")


async def test_givers_are_neighbours_to_each_other(as_: As, people: People) -> None:
    campaign = await opened(people)
    await paid(people.lin, campaign)
    listed = (await (await as_("mei")).get(f"/v1/campaigns/{campaign.id}/pledges")).json()["items"]
    assert [(gift["giver"], gift["amount_fen"], gift["mine"]) for gift in listed] == [("一位邻居", 5_000, False)]
    own = (await (await as_("lin")).get(f"/v1/campaigns/{campaign.id}/pledges")).json()["items"]
    assert [(gift["giver"], gift["mine"]) for gift in own] == [("一位邻居", True)]
    for who in ("mei", "chen"):
        assert "小林" not in (await (await as_(who)).get(f"/v1/campaigns/{campaign.id}/pledges")).text


async def test_what_went_back_of_a_gift_is_shown(as_: As, people: People) -> None:
    campaign = await opened(people)
    given = await paid(people.lin, campaign)
    lin, mei = await as_("lin"), await as_("mei")
    back = (await lin.post(f"/v1/pledges/{given.id}/refund", json={"amount_fen": 2_000})).json()
    assert (back["state"], back["amount_fen"], back["refunded_fen"]) == ("refunding", 5_000, 2_000)
    await payments.hear(await refund_notice(await Refund.get()))
    own = (await lin.get(f"/v1/pledges/{given.id}")).json()
    [gift] = (await mei.get(f"/v1/campaigns/{campaign.id}/pledges")).json()["items"]
    for seen in (own, gift):
        assert (seen["state"], seen["amount_fen"], seen["refunded_fen"]) == ("paid", 5_000, 2_000)
    assert (await mei.get(f"/v1/campaigns/{campaign.id}")).json()["raised_fen"] == 3_000


async def test_the_fund_and_its_ledger_are_public(anonymous: httpx.AsyncClient, people: People) -> None:
    campaign = await opened(people)
    given = await paid(people.lin, campaign)
    fund = (await anonymous.get(f"/v1/communities/{people.jy}/fund")).json()
    assert (fund["received_fen"], fund["balances"]["campaign"], sum(fund["balances"].values())) == (5_000, 5_000, 0)
    answer = await anonymous.get(f"/v1/communities/{people.jy}/fund/transfers")
    [line] = answer.json()["items"]
    assert (line["debit"], line["credit"], line["pledge_id"]) == ("wechat_clearing", "campaign", given.id)
    assert "小林" not in answer.text
    month = (await clock.now()).astimezone(clock.SHANGHAI).strftime("%Y-%m")
    statement = (await anonymous.get(f"/v1/communities/{people.jy}/fund/statement?month={month}")).json()
    assert {one["kind"]: one["in_fen"] for one in statement["accounts"]}["campaign"] == 5_000
    for wrong in ("2026-13", "2026-1", "x"):
        answer = await anonymous.get(f"/v1/communities/{people.jy}/fund/statement?month={wrong}")
        assert answer.status_code == 422
    assert (await anonymous.get("/v1/communities/1/fund")).status_code == 404, "a district has no fund"
    assert (await anonymous.get(f"/v1/campaigns/{campaign.id}")).status_code == 401


async def test_a_list_goes_on_page_by_page(as_: As, people: People) -> None:
    ids = [(await opened(people)).id for _ in range(3)]
    lin = await as_("lin")
    first = (await lin.get("/v1/campaigns?limit=2")).json()
    rest = (await lin.get(f"/v1/campaigns?limit=2&cursor={first['next_cursor']}")).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None
    campaign = await crowdfunding.find(people.lin, ids[0])
    for name in ("一", "二", "三"):
        who = {"一": people.lin, "二": people.mei, "三": people.wang}[name]
        await passed(await crowdfunding.found_team(who, campaign.id, name=name))
    first = (await lin.get(f"/v1/campaigns/{campaign.id}/teams?limit=2")).json()
    rest = (await lin.get(f"/v1/campaigns/{campaign.id}/teams?limit=2&cursor={first['next_cursor']}")).json()
    assert [team["name"] for team in first["items"] + rest["items"]] == ["三", "二", "一"]


async def test_a_refund_asked_twice_with_a_key_is_one_refund(as_: As, people: People) -> None:
    campaign = await opened(people)
    given = await paid(people.lin, campaign)
    lin = await as_("lin")
    key = {"Idempotency-Key": "back"}
    for _ in range(2):
        answer = await lin.post(f"/v1/pledges/{given.id}/refund", json={"reason": "重复付款"}, headers=key)
        assert (answer.status_code, answer.json()["state"]) == (200, "refunding")
    answer = await lin.post(f"/v1/pledges/{given.id}/refund")
    assert (answer.status_code, answer.json()["code"], answer.json()["state"]) == (409, "invalid_state", "refunding")


async def test_goods_are_promised_received_and_time_withdrawn(as_: As, people: People) -> None:
    campaign = await opened(people)
    lin, ma = await as_("lin"), await as_("ma")
    where = f"/v1/campaigns/{campaign.id}/pledges"
    goods = (await lin.post(where, json={"kind": "in_kind", "item": "感应灯", "amount_fen": 12_000})).json()
    assert (goods["state"], goods["payment"]) == ("promised", None)
    assert (await lin.post(f"/v1/pledges/{goods['id']}/receive")).status_code == 403
    assert (await ma.post(f"/v1/pledges/{goods['id']}/receive")).json()["state"] == "received"
    hours = (await lin.post(where, json={"kind": "time", "hours": 3})).json()
    assert (await lin.post(f"/v1/pledges/{hours['id']}/withdraw")).json()["state"] == "withdrawn"
    for wrong in ({"kind": "money"}, {"kind": "time", "hours": 0}, {"kind": "points"}):
        assert (await lin.post(where, json=wrong)).status_code == 422
    assert (await lin.get(f"/v1/campaigns/{campaign.id}")).json()["in_kind_fen"] == 12_000


async def test_a_pledge_to_what_is_not_open_says_what_it_is(as_: As, people: People) -> None:
    campaign = await opened(people)
    chen, lin = await as_("chen"), await as_("lin")
    cancelled = await chen.post(f"/v1/campaigns/{campaign.id}/cancel", json={"reason": "物业已更换"})
    assert (cancelled.json()["state"], cancelled.status_code) == ("cancelled", 200)
    refused = await lin.post(f"/v1/campaigns/{campaign.id}/pledges", json={"kind": "money", "amount_fen": 1})
    assert (refused.status_code, refused.json()["state"]) == (409, "cancelled")
    shown = (await lin.get(f"/v1/campaigns/{campaign.id}")).json()
    assert shown["timeline"][-1]["reason"] == "物业已更换"


async def test_a_campaign_that_owes_a_giver_is_not_settled(
    as_: As, people: People, move_clock: Callable[[timedelta], Awaitable[None]]
) -> None:
    campaign = await opened(people)
    await paid(people.mei, campaign, 100_000)
    given = await paid(people.lin, campaign)
    await crowdfunding.take_back(people.lin, given.id)
    await payments.hear(await refund_notice(await Refund.get(), "CLOSED"))
    for days in (7, 1):
        await move_clock(timedelta(days=days))
        await crowdfunding.advance_due()
    chen, zhao, lin = await as_("chen"), await as_("zhao"), await as_("lin")
    await chen.post(f"/v1/campaigns/{campaign.id}/accept")
    refused = await zhao.post(f"/v1/campaigns/{campaign.id}/settle")
    assert (refused.status_code, refused.json()["code"]) == (409, "refunds_owed")
    assert refused.json()["pledge_ids"] == [given.id]
    assert (await lin.post(f"/v1/pledges/{given.id}/refund")).json()["code"] == "invalid_state"
    assert (await chen.post(f"/v1/pledges/{given.id}/refund")).json()["state"] == "refunding"
    settled = await zhao.post(f"/v1/campaigns/{campaign.id}/settle")
    assert settled.json()["state"] == "settled"


async def test_residents_talk_about_a_campaign(as_: As, people: People) -> None:
    campaign = await opened(people)
    lin = await as_("lin")
    said = await lin.post(f"/v1/campaigns/{campaign.id}/comments", json={"body": "灯的质保几年？"})
    assert said.status_code == 201
    heard = (await (await as_("mei")).get(f"/v1/campaigns/{campaign.id}/comments")).json()["items"]
    assert [one["body"] for one in heard] == ["灯的质保几年？"]
    refused = await (await as_("qian")).post(f"/v1/campaigns/{campaign.id}/comments", json={"body": "?"})
    assert refused.status_code == 403


async def test_a_list_of_campaigns_asks_a_fixed_number_of_questions(
    as_: As, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tortoise.backends.asyncpg.client import AsyncpgDBClient

    asked: list[str] = []
    original = AsyncpgDBClient.execute_query_dict

    async def counted(self: Any, query: str, values: Any = None) -> Any:
        asked.append(query)
        return await original(self, query, values)

    await money(people.lin, await opened(people))
    lin = await as_("lin")
    monkeypatch.setattr(AsyncpgDBClient, "execute_query_dict", counted)

    async def count() -> int:
        asked.clear()
        assert (await lin.get("/v1/campaigns")).status_code == 200
        return len(asked)

    one = await count()
    for _ in range(4):
        await opened(people)
    assert await count() == one


async def test_a_pledge_that_wechat_will_not_let_be_paid_says_so_under_its_key(
    app: FastAPI, as_: As, people: People
) -> None:
    class Refusing(FakePay):
        async def prepay(self, *, out_trade_no: str, **_: Any) -> str:
            raise PayError(403, "APPID_MCHID_NOT_MATCH", "不匹配", None)

    app.state.wechat_pay = Refusing()
    lin, campaign = await as_("lin"), await opened(people)
    asked = {"kind": "money", "amount_fen": 100}
    for _ in range(2):
        answer = await lin.post(
            f"/v1/campaigns/{campaign.id}/pledges", json=asked, headers={"Idempotency-Key": "refused-1"}
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "无法付款" in answer.json()["detail"]
        assert "retry-after" not in answer.headers
    pledge = await Pledge.get(campaign_id=campaign.id)
    assert pledge.state is PledgeState.AWAITING_PAYMENT
    assert (await lin.get(f"/v1/pledges/{pledge.id}")).json()["payment"] is None
