"""Payments as WeChat tells of them: taken in once, never in another amount, and sent back when they come too late."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from app.core import db
from models.crowdfunding import Campaign, CampaignState, Pledge, PledgeKind, PledgeState
from models.events import Event, Notice
from models.ledger import AccountKind, Transfer
from models.payments import Order, OrderState, Refund, RefundState, RefundTooLarge
from services import crowdfunding, ledger, payments
from services.ledger import Purse
from tests.people import People
from tests.raising import money, notice, opened, paid, refund_notice

MoveClock = Callable[[timedelta], Awaitable[None]]


async def state(pledge: Pledge) -> PledgeState:
    return PledgeState((await Pledge.get(id=pledge.id)).state)


async def test_a_payment_reaches_the_campaign_and_its_giver_is_told(people: People) -> None:
    campaign = await opened(people)
    pledge = await money(people.lin, campaign)
    await payments.hear(await notice(pledge))
    assert await state(pledge) is PledgeState.PAID
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 5_000
    assert await Notice.exists(resident_id=people.lin.id, kind="pledge.paid", subject_id=pledge.id)


@pytest.mark.parametrize("again", [{}, {"notification_id": "EV-another"}])
async def test_the_same_payment_again_changes_nothing(people: People, again: dict[str, Any]) -> None:
    campaign = await opened(people)
    pledge = await money(people.lin, campaign)
    await payments.hear(await notice(pledge))
    await payments.hear(await notice(pledge, **again))
    assert await Transfer.filter(source_id=pledge.id, source_kind="pledge").count() == 1
    assert await ledger.check_books() == []


@pytest.mark.parametrize("wrong", [{"amount_fen": 4_999}, {"amount_fen": 5_001}, {"openid": "mei"}])
async def test_another_amount_or_payer_is_never_taken_in(people: People, wrong: dict[str, Any]) -> None:
    pledge = await money(people.lin, await opened(people))
    await payments.hear(await notice(pledge, **wrong))
    await payments.hear(await notice(pledge, notification_id="EV-again", **wrong))
    assert await state(pledge) is PledgeState.AWAITING_PAYMENT
    assert await Transfer.all().count() == 0
    assert await Event.filter(verb="pledge.payment_refused", subject_id=pledge.id).count() == 1


async def test_an_unknown_order_is_heard_and_forgotten(people: People) -> None:
    pledge = await money(people.lin, await opened(people))
    await payments.hear(await notice(pledge, out_trade_no="CF000000000000"))
    assert await state(pledge) is PledgeState.AWAITING_PAYMENT


async def expire(pledge: Pledge) -> None:
    await payments._expire((await Order.get(pledge_id=pledge.id)).id)


async def test_money_that_comes_late_counts_while_the_campaign_is_open(people: People) -> None:
    campaign = await opened(people)
    pledge = await money(people.lin, campaign)
    await expire(pledge)
    assert await state(pledge) is PledgeState.EXPIRED
    await payments.hear(await notice(pledge))
    assert await state(pledge) is PledgeState.PAID
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 5_000


async def test_money_that_comes_after_the_end_is_taken_in_and_sent_back(people: People) -> None:
    campaign = await opened(people)
    pledge = await money(people.lin, campaign)
    await crowdfunding.cancel(people.chen, campaign.id)
    await payments.hear(await notice(pledge))
    assert await state(pledge) is PledgeState.REFUNDING
    refund = await Refund.get()
    assert (refund.amount_fen, refund.state) == (5_000, RefundState.REQUESTED)
    assert await ledger.balance(people.jy, Purse(AccountKind.REFUNDS)) == 5_000
    await payments.hear(await refund_notice(refund))
    assert await state(pledge) is PledgeState.REFUNDED
    assert await ledger.balance(people.jy, Purse(AccountKind.WECHAT_CLEARING)) == 0
    assert await ledger.check_books() == []


async def test_a_line_adopted_by_another_meanwhile_is_not_adopted_twice(people: People) -> None:
    campaign = await opened(people)
    line = campaign.budget[0]

    async def adopt(who: Any) -> Pledge:
        return await crowdfunding.pledge(who, campaign.id, kind=PledgeKind.ADOPTION, budget_line_id=line.id)

    late = await adopt(people.lin)
    await expire(late)
    first = await adopt(people.mei)
    await payments.hear(await notice(first))
    await payments.hear(await notice(late))
    assert (await state(first), await state(late)) == (PledgeState.PAID, PledgeState.REFUNDING)
    assert await ledger.check_books() == []


async def refunding(people: People) -> tuple[Campaign, Pledge, Refund]:
    campaign = await opened(people)
    pledge = await paid(people.lin, campaign)
    await crowdfunding.take_back(people.lin, pledge.id)
    return campaign, pledge, await Refund.get()


@pytest.mark.parametrize("order", [["SUCCESS", "SUCCESS"], ["ABNORMAL", "SUCCESS"], ["SUCCESS", "CLOSED", "ABNORMAL"]])
async def test_a_refund_arrives_once_in_whatever_order_we_hear_of_it(people: People, order: list[str]) -> None:
    _, pledge, refund = await refunding(people)
    for said in order:
        await payments.hear(await refund_notice(refund, said))
    assert await state(pledge) is PledgeState.REFUNDED
    assert await Transfer.filter(leg="refunded").count() == 1
    assert await ledger.check_books() == []


async def test_a_refund_that_wechat_closes_goes_back_to_the_campaign(people: People) -> None:
    campaign, pledge, refund = await refunding(people)
    await payments.hear(await refund_notice(refund, "CLOSED"))
    assert await state(pledge) is PledgeState.PAID
    assert (await crowdfunding.find(people.lin, campaign.id)).raised_fen == 5_000
    assert await ledger.check_books() == []
    await crowdfunding.take_back(people.lin, pledge.id)
    assert [again.out_refund_no[-3:] for again in await Refund.all().order_by("id")] == ["-R1", "-R2"]


async def test_a_refund_of_another_sum_is_not_believed(people: People) -> None:
    _, pledge, refund = await refunding(people)
    await payments.hear(await refund_notice(refund, refund_fen=4_999))
    assert await state(pledge) is PledgeState.REFUNDING


async def test_the_database_never_reserves_more_than_was_captured(people: People) -> None:
    await paid(people.lin, await opened(people))
    with pytest.raises(RefundTooLarge):
        async with db.tx():
            await db.execute("UPDATE orders SET refund_reserved_fen = captured_fen + 1")


@pytest.mark.parametrize(
    ("table", "state_"), [("pledges", "awaiting_payment"), ("orders", "created"), ("refunds", "requested")]
)
async def test_money_never_walks_backwards(people: People, table: str, state_: str) -> None:
    _, _, refund = await refunding(people)
    await payments.hear(await refund_notice(refund))
    with pytest.raises(IntegrityError):
        async with db.tx():
            await db.execute(f"UPDATE {table} SET state = '{state_}'")


async def test_an_order_lives_fifteen_minutes_but_never_past_the_deadline(
    people: People, move_clock: MoveClock
) -> None:
    campaign = await opened(people)
    order = await Order.get(pledge_id=(await money(people.lin, campaign)).id)
    assert order.expires_at - order.created_at < timedelta(minutes=15, seconds=1)
    assert order.expires_at - order.created_at > timedelta(minutes=14, seconds=59)
    await move_clock(timedelta(days=7) - timedelta(minutes=5))
    order = await Order.get(pledge_id=(await money(people.mei, campaign)).id)
    assert order.expires_at == campaign.deadline
    assert order.out_trade_no.startswith("CF")
    assert len(order.out_trade_no) == 26


async def test_a_failed_campaign_owes_everyone_in_one_transfer(people: People, move_clock: MoveClock) -> None:
    campaign = await opened(people)
    given = [await paid(who, campaign, fen) for who, fen in ((people.lin, 100), (people.mei, 250), (people.wang, 1))]
    await move_clock(timedelta(days=7, seconds=1))
    await crowdfunding.end_due()
    assert (await Campaign.get(id=campaign.id)).state is CampaignState.FAILED
    assert {await state(pledge) for pledge in given} == {PledgeState.REFUNDING}
    [aside] = await Transfer.filter(leg="set_aside")
    assert (aside.amount_fen, aside.source_kind, aside.source_id) == (351, "campaign", campaign.id)
    assert sorted([refund.amount_fen for refund in await Refund.all()]) == [1, 100, 250]
    assert await ledger.check_books() == []
    owed = await db.value("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'send_refunds'")
    assert owed == 1
    assert (await Order.get(pledge_id=given[0].id)).state is OrderState.PAID
