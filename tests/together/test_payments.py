"""Money with everybody at once: real notifications over HTTP, lost answers, late money, and everyone refunded."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core import db
from app.core.errors import Conflict
from models.crowdfunding import Campaign, CampaignKind, CampaignState, Pledge, PledgeState
from models.ledger import AccountKind, NotEnough, Transfer
from models.payments import Order, Refund, RefundsOwed
from services import crowdfunding, ledger, payments
from services.ledger import Purse
from services.payments import orders
from tests.conftest import as_owner
from tests.people import People
from tests.raising import FakePay, money, notice, opened, paid, refund_notice
from tests.together.conftest import Town, until

MoveClock = Callable[[timedelta], Awaitable[None]]

JSAPI, REFUNDS = "/v3/pay/transactions/jsapi", "/v3/refund/domestic/refunds"


async def asked(town: Town, openid: str, campaign: Campaign, fen: int = 5_000, key: str = "") -> dict[str, Any]:
    """Somebody pledges over HTTP."""
    client = await town.as_(openid)
    headers = {"Idempotency-Key": key} if key else {}
    said = {"kind": "money", "amount_fen": fen}
    answer = await client.post(f"/v1/campaigns/{campaign.id}/pledges", json=said, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def is_(pledge_id: int, state: PledgeState) -> None:
    async def look() -> bool:
        return bool(await Pledge.exists(id=pledge_id, state=state))

    await until(look)


async def bought(town: Town, openid: str, campaign: Campaign, fen: int = 5_000) -> int:
    """Somebody pledges and pays with his telephone, and we have heard of it."""
    made = await asked(town, openid, campaign, fen)
    await town.sandbox("pay", openid=openid, payment=made["payment"])
    await is_(made["id"], PledgeState.PAID)
    return int(made["id"])


async def test_each_notification_delivered_five_times_at_once_moves_money_once(town: Town) -> None:
    campaign = await opened(town.people)
    ids = [await bought(town, openid, campaign, fen) for openid, fen in (("lin", 100), ("mei", 250), ("wang", 33))]
    heard = await town.seen("notifications")
    assert len(heard) == 3
    attempts = await asyncio.gather(*(town.sandbox(f"notifications/{one['id']}/duplicate", times=5) for one in heard))
    assert {attempt["status"] for several in attempts for attempt in several} == {204}
    captured = Counter(transfer.source_id for transfer in await Transfer.filter(leg="capture"))
    assert captured == dict.fromkeys(ids, 1)
    assert (await crowdfunding.find(town.people.lin, campaign.id)).raised_fen == 383
    assert await ledger.check_books() == []


async def test_the_first_delivery_may_come_five_times_at_once(town: Town) -> None:
    campaign = await opened(town.people)
    await town.sandbox("faults", notify="never")
    made = await asked(town, "lin", campaign)
    await town.sandbox("pay", openid="lin", payment=made["payment"])
    [one] = await town.seen("notifications")
    assert {a["status"] for a in await town.sandbox(f"notifications/{one['id']}/duplicate", times=5)} == {204}
    assert await Transfer.filter(leg="capture").count() == 1
    assert await db.value("SELECT count(*) FROM wechat_inbox") == 1
    assert await db.value("SELECT count(*) FROM events WHERE verb = 'pledge.paid'") == 1
    assert await ledger.check_books() == []


@pytest.mark.parametrize("unique", [True, False])
async def test_notification_query_and_duplicates_at_once_capture_once(committed: str, unique: bool) -> None:
    people = await People.load()
    campaign = await opened(people)
    pledge = await money(people.lin, campaign)
    if not unique:  # the lock on the order's row holds by itself too
        async with db.tx():
            await as_owner(lambda: db.execute("ALTER TABLE transfers DROP CONSTRAINT transfers_once"))
    said = [await notice(pledge, notification_id=f"EV-{number % 4}") for number in range(12)]
    await asyncio.gather(*(payments.hear(one) for one in said), *(payments.capture(one) for one in said[:4]))
    assert await Transfer.filter(leg="capture").count() == 1


async def drop_uniques() -> None:
    await db.execute("ALTER TABLE wechat_inbox DROP CONSTRAINT wechat_inbox_once")
    await db.execute("ALTER TABLE transfers DROP CONSTRAINT transfers_once")


POST_TWICE = """
INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, leg)
SELECT community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, leg
FROM transfers WHERE leg = 'capture' LIMIT 1
"""
HEAR_TWICE = "INSERT INTO wechat_inbox (provider, event_id) VALUES ('wechat_pay', 'EV-twice')"


async def test_without_the_unique_constraints_the_same_cause_could_move_money_twice(committed: str) -> None:
    people = await People.load()
    await paid(people.lin, await opened(people))

    async def many(sql: str) -> int:
        done = await asyncio.gather(*(db.value(f"{sql} RETURNING id") for _ in range(5)), return_exceptions=True)
        return sum(isinstance(result, int) for result in done)

    assert await many(POST_TWICE) == 0
    assert await many(HEAR_TWICE) == 1
    async with db.tx():
        await as_owner(drop_uniques)
    assert await many(POST_TWICE) == 5
    assert await many(HEAR_TWICE) == 5
    assert [line for line in await ledger.check_books() if "captured" in line]


async def test_two_debits_at_once_never_overdraw(committed: str) -> None:
    people = await People.load()
    campaign = await opened(people)
    await paid(people.lin, campaign, 1_000)
    raw = (
        "INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, "
        "leg) SELECT $1, d.id, c.id, 300, 'test', $3, 'set_aside' FROM accounts d, accounts c "
        "WHERE d.campaign_id = $2 AND c.community_id = $1 AND c.kind = 'general'"
    )

    async def spend(number: int) -> None:
        async with db.tx():
            await db.execute(raw, people.jy, campaign.id, number)

    done = await asyncio.gather(*(spend(number) for number in range(10)), return_exceptions=True)
    assert sum(isinstance(result, NotEnough) for result in done) == 7
    assert await ledger.balance(people.jy, Purse(AccountKind.CAMPAIGN, campaign.id)) == 100
    async with db.tx():
        await as_owner(lambda: db.execute("DROP TRIGGER transfers_no_overdraft ON transfers"))
    await asyncio.gather(*(spend(number) for number in range(10, 15)))
    assert await ledger.balance(people.jy, Purse(AccountKind.CAMPAIGN, campaign.id)) == -1_400, "nothing else stops it"


async def test_the_same_key_makes_one_pledge_and_one_order_also_at_once(town: Town) -> None:
    campaign = await opened(town.people)
    answers = await asyncio.gather(*(asked(town, "lin", campaign, key="once") for _ in range(5)))
    assert len({answer["id"] for answer in answers}) == 1
    assert all(answer["payment"] for answer in answers)
    assert (await Pledge.all().count(), await Order.all().count()) == (1, 1)
    assert len(await town.seen("orders")) == 1
    await town.sandbox("pay", openid="lin", payment=answers[3]["payment"])
    await is_(answers[0]["id"], PledgeState.PAID)
    again = await asked(town, "lin", campaign, key="once")
    assert (again["state"], again["payment"]) == ("paid", None)


@pytest.mark.parametrize("effect", ["before", "after"])
async def test_a_lost_prepay_answer_leaves_the_pledge_waiting_and_a_repetition_pays(town: Town, effect: str) -> None:
    campaign = await opened(town.people)
    await town.sandbox("faults", path=JSAPI, status=500, body={"code": "SYSTEM_ERROR"}, effect=effect, count=1)
    first = await asked(town, "lin", campaign, key="lost")
    assert (first["state"], first["payment"]) == ("awaiting_payment", None)
    again = await asked(town, "lin", campaign, key="lost")
    assert again["id"] == first["id"]
    [order] = await town.seen("orders")
    assert order["total"] == 5_000
    shown = (await (await town.as_("lin")).get(f"/v1/pledges/{first['id']}")).json()
    await town.sandbox("pay", openid="lin", payment=shown["payment"])
    await is_(first["id"], PledgeState.PAID)


async def test_a_payment_nobody_told_us_of_is_found_when_the_giver_looks(town: Town) -> None:
    campaign = await opened(town.people)
    await town.sandbox("faults", notify="never")
    made = await asked(town, "lin", campaign)
    await town.sandbox("pay", openid="lin", payment=made["payment"])
    shown = (await (await town.as_("lin")).get(f"/v1/pledges/{made['id']}")).json()
    assert (shown["state"], shown["payment"]) == ("paid", None)
    other = await (await town.as_("mei")).get(f"/v1/pledges/{made['id']}")
    assert other.status_code == 404


async def test_a_payment_nobody_told_us_of_is_found_by_asking(town: Town, move_clock: MoveClock) -> None:
    campaign = await opened(town.people)
    await town.sandbox("faults", notify="never")
    made = await asked(town, "lin", campaign)
    await town.sandbox("pay", openid="lin", payment=made["payment"])
    assert await payments.follow_orders(town.pay) == 0, "its turn has not come"
    await move_clock(timedelta(seconds=5))
    assert await payments.follow_orders(town.pay) == 1
    assert (await Pledge.get(id=made["id"])).state is PledgeState.PAID


async def test_an_unpaid_order_is_closed_after_fifteen_minutes(town: Town, move_clock: MoveClock) -> None:
    campaign = await opened(town.people)
    made = await asked(town, "lin", campaign)
    await move_clock(timedelta(minutes=15))
    await asyncio.gather(*(payments.follow_orders(town.pay) for _ in range(3)))
    assert (await Pledge.get(id=made["id"])).state is PledgeState.EXPIRED
    [order] = await town.seen("orders")
    assert order["state"] == "CLOSED"
    shown = (await (await town.as_("lin")).get(f"/v1/pledges/{made['id']}")).json()
    assert (shown["state"], shown["payment"]) == ("expired", None)


async def test_paying_and_closing_race_and_no_money_is_lost(town: Town, move_clock: MoveClock) -> None:
    campaign = await opened(town.people)
    await town.sandbox("faults", notify="never")
    made = await asked(town, "lin", campaign)
    await town.sandbox("pay", openid="lin", payment=made["payment"])
    await move_clock(timedelta(minutes=16))
    await payments.follow_orders(town.pay)
    assert (await Pledge.get(id=made["id"])).state is PledgeState.PAID
    assert await ledger.check_books() == []


async def test_a_failed_campaign_refunds_everyone_through_wechat(town: Town, move_clock: MoveClock) -> None:
    campaign = await opened(town.people)
    ids = [await bought(town, openid, campaign, fen) for openid, fen in (("lin", 100), ("mei", 250))]
    await town.sandbox("faults", notify="never", count=1)
    late = await asked(town, "wang", campaign, 33)
    await town.sandbox("pay", openid="wang", payment=late["payment"])  # we do not hear of it in time
    await move_clock(timedelta(days=7, hours=1))
    await asyncio.gather(crowdfunding.end_due(), crowdfunding.end_due())
    assert (await Campaign.get(id=campaign.id)).state is CampaignState.FAILED
    assert await Transfer.filter(leg="set_aside").count() == 1
    await payments.follow_orders(town.pay)  # now we do
    assert (await Pledge.get(id=late["id"])).state is PledgeState.REFUNDING

    async def all_back() -> bool:
        await payments.follow_refunds(town.pay)
        return await Pledge.filter(state=PledgeState.REFUNDED).count() == 3

    await until(all_back)
    sent = await town.seen("refunds", state="SUCCESS")
    assert sorted(refund["amount"] for refund in sent) == [33, 100, 250]
    balances = (await ledger.fund(town.people.jy)).balances
    assert set(balances.values()) == {0}
    assert await ledger.check_books() == []
    assert {row.id for row in await Pledge.filter(state=PledgeState.REFUNDED)} == {*ids, late["id"]}


@pytest.mark.parametrize("effect", ["before", "after"])
async def test_a_lost_refund_answer_is_asked_again_under_the_same_number(
    town: Town, move_clock: MoveClock, effect: str
) -> None:
    campaign = await opened(town.people)
    pledge_id = await bought(town, "lin", campaign)
    await town.sandbox("faults", path=REFUNDS, status=500, body={"code": "SYSTEM_ERROR"}, effect=effect, count=1)
    answer = await (await town.as_("lin")).post(f"/v1/pledges/{pledge_id}/refund")
    assert (answer.status_code, answer.json()["state"]) == (200, "refunding")
    await payments.follow_refunds(town.pay)
    await move_clock(timedelta(seconds=6))
    await payments.follow_refunds(town.pay)
    await is_(pledge_id, PledgeState.REFUNDED)
    assert len(await town.seen("refunds")) == 1
    assert await ledger.check_books() == []


async def test_a_merchant_account_that_holds_too_little_keeps_the_refund_waiting(
    town: Town, move_clock: MoveClock
) -> None:
    campaign = await opened(town.people)
    pledge_id = await bought(town, "lin", campaign)
    refusal = {"code": "NOT_ENOUGH", "message": "余额不足"}
    await town.sandbox("faults", path=REFUNDS, status=403, body=refusal, count=1)
    await crowdfunding.take_back(town.people.lin, pledge_id)
    await payments.follow_refunds(town.pay)
    assert (await Refund.get()).state == "requested"
    await move_clock(timedelta(seconds=6))
    await payments.follow_refunds(town.pay)
    await is_(pledge_id, PledgeState.REFUNDED)


async def test_pledging_and_the_end_race_and_nothing_is_left_behind(committed: str) -> None:
    people = await People.load()
    campaign = await opened(people, kind=CampaignKind.ALL_OR_NOTHING)
    givers = [people.lin, people.mei, people.wang, people.chen, people.zhao, people.he, people.ma, people.sun]
    waiting = [await money(giver, campaign, 100) for giver in givers]
    said = [await notice(pledge) for pledge in waiting]

    async def more(giver: Any) -> None:
        with suppress(Conflict):
            await money(giver, campaign)

    await asyncio.gather(
        *(payments.hear(one) for one in said[:4]),
        crowdfunding.cancel(people.chen, campaign.id),
        *(payments.hear(one) for one in said[4:]),
        *(more(giver) for giver in givers),
    )
    assert {pledge.state for pledge in await Pledge.filter(amount_fen=100)} == {PledgeState.REFUNDING}
    assert sum(refund.amount_fen for refund in await Refund.all()) == 800
    assert await ledger.balance(people.jy, Purse(AccountKind.REFUNDS)) == 800
    assert await ledger.check_books() == []


@pytest.mark.parametrize("table", ["pledges", "orders", "accounts", "campaigns"])
async def test_credits_never_wait_for_a_debit_through_their_foreign_keys(committed: str, table: str) -> None:
    people = await People.load()
    campaign = await opened(people)
    await crowdfunding.take_back(people.lin, (await paid(people.lin, campaign)).id)
    over = await money(people.mei, campaign)
    holding, done = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with db.tx():
            await orders._expire((await Order.get(pledge_id=over.id)).id)
            await payments.hear(await refund_notice(await Refund.get()))
            holding.set()
            await done.wait()

    holder = asyncio.create_task(hold())
    await holding.wait()
    try:
        async with db.tx():
            assert await db.rows(f"SELECT id FROM {table} FOR KEY SHARE NOWAIT")
    finally:
        done.set()
        await holder


async def test_looking_at_once_asks_wechat_once(committed: str) -> None:
    people, pay = await People.load(), FakePay()
    pledge = await money(people.lin, await opened(people))
    await crowdfunding.with_payment(pay, pledge)
    await asyncio.gather(*(crowdfunding.look_at_pledge(people.lin, pay, pledge.id) for _ in range(8)))
    assert [deed for deed, _ in pay.asked] == ["prepay", "query"]


async def test_four_workers_at_once_ask_about_each_row_once(committed: str) -> None:
    people, pay = await People.load(), FakePay()
    campaign = await opened(people)
    for fen in range(1, 9):
        await crowdfunding.take_back(people.lin, (await paid(people.lin, campaign, fen)).id)
    await asyncio.gather(*(payments.follow_refunds(pay) for _ in range(4)))
    assert sorted(Counter(pay.asked).values()) == [1] * 8


async def test_settling_and_a_closing_refund_race_and_owed_money_is_never_swept(
    committed: str, move_clock: MoveClock
) -> None:
    people = await People.load()
    campaign = await opened(people)
    await paid(people.mei, campaign, 100_000)
    back = [await paid(people.lin, campaign, 10) for _ in range(4)]
    for pledge in back:
        await crowdfunding.take_back(people.lin, pledge.id)
    for days in (7, 1):
        await move_clock(timedelta(days=days))
        await crowdfunding.advance_due()
    await crowdfunding.accept(people.chen, campaign.id)
    closings = [await refund_notice(refund, "CLOSED") for refund in await Refund.all()]

    async def settle() -> None:
        with suppress(RefundsOwed):
            await crowdfunding.settle(people.zhao, campaign.id)

    await asyncio.gather(
        *(payments.hear(one) for one in closings[:2]), settle(), *(payments.hear(one) for one in closings[2:])
    )
    assert await ledger.balance(people.jy, Purse(AccountKind.GENERAL)) in (0, 100_000)
    assert [line for line in await ledger.check_books() if "is owed" not in line] == []


async def test_a_forged_notification_is_refused_in_the_words_wechat_expects(town: Town) -> None:
    async with httpx.AsyncClient(base_url=town.url, trust_env=False) as stranger:
        answer = await stranger.post("/v1/wechat/pay/notify", json={"id": "EV-1"})
        assert (answer.status_code, answer.json()["code"]) == (400, "FAIL")
        assert answer.json()["message"] == "通知未通过验证", "and not why"
        large = await stranger.post("/v1/wechat/pay/notify", content=b"x" * 70_000)
        assert large.status_code == 400
    assert await db.value("SELECT count(*) FROM wechat_inbox") == 0
