"""Payments as WeChat tells of them: taken in once, never in another amount, and sent back when they come too late."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from app.core import db
from app.core.errors import Forbidden, Invalid, InvalidState, NotFound, Unavailable
from app.gateways import wechat_pay
from app.gateways.errors import PayError, PayUnknown
from models.crowdfunding import Campaign, CampaignState, Pledge, PledgeKind, PledgeState
from models.events import Event, Notice
from models.ledger import AccountKind, Transfer
from models.payments import Order, OrderState, Refund, RefundsOwed, RefundState, RefundTooLarge
from services import crowdfunding, events, ledger, payments
from services.ledger import Purse
from services.payments import captures, orders
from tests.people import People
from tests.raising import FakePay, money, notice, opened, paid, refund_notice

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


async def written_about(pledge: Pledge) -> list[dict[str, Any]]:
    """All that a capture writes, without ids, numbers and times."""
    found = [
        await db.rows("SELECT state, late FROM pledges WHERE id = $1", pledge.id),
        await db.rows(
            "SELECT state, captured_fen, next_query_at, paid_at IS NULL FROM orders WHERE pledge_id = $1", pledge.id
        ),
        await db.rows(
            "SELECT community_id, debit_account_id, credit_account_id, amount_fen, source_kind, leg FROM transfers "
            "WHERE source_kind = 'pledge' AND source_id = $1",
            pledge.id,
        ),
        await db.rows(
            "SELECT verb, actor_id, subject_kind, community_id, facts FROM events "
            "WHERE subject_kind = 'pledge' AND subject_id = $1 ORDER BY id",
            pledge.id,
        ),
        await db.rows(
            "SELECT n.resident_id, n.kind, n.params, d.template, d.state FROM notices n "
            "LEFT JOIN deliveries d ON d.notice_id = n.id WHERE n.subject_kind = 'pledge' AND n.subject_id = $1",
            pledge.id,
        ),
    ]
    return [line for lines in found for line in lines]


async def test_the_statement_for_the_usual_case_writes_what_the_long_way_writes(people: People) -> None:
    campaign = await opened(people)
    at_once, at_length = await money(people.lin, campaign, 5_005), await money(people.lin, campaign, 5_005)
    assert await captures._captured_at_once(await notice(at_once))
    await captures._hear(await notice(at_length))
    assert await written_about(at_once) == await written_about(at_length)
    assert len(await written_about(at_once)) == 6
    assert not events.OWED.get("pledge.paid"), "what it owes would be owed by both ways"
    assert not await captures._captured_at_once(await notice(at_once)), "once"
    assert await ledger.check_books() == []


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
    await orders._expire((await Order.get(pledge_id=pledge.id)).id)


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


async def test_a_campaign_that_was_called_off_asks_for_no_more_money(people: People) -> None:
    campaign, pay = await opened(people), FakePay()
    pledge = await money(people.lin, campaign)
    assert (await crowdfunding.with_payment(pay, pledge)).payment is not None
    await crowdfunding.cancel(people.chen, campaign.id)
    assert await payments.payment_for(pay, pledge.id) is None
    assert (await crowdfunding.look_at_pledge(people.lin, pay, pledge.id)).payment is None


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


async def late_and_closed(people: People, move_clock: MoveClock) -> tuple[Campaign, Pledge]:
    """A funded campaign of 1,000 yuan, and 50 that came too late and that WeChat would not send back."""
    campaign = await opened(people)
    await paid(people.mei, campaign, 100_000)
    late = await money(people.lin, campaign)
    await expire(late)
    await move_clock(timedelta(days=7))
    await crowdfunding.end_due()
    await payments.hear(await notice(late))
    await payments.hear(await refund_notice(await Refund.get(), "CLOSED"))
    assert await state(late) is PledgeState.PAID
    return campaign, late


async def test_late_money_whose_refund_was_closed_is_never_swept_into_the_general_fund(
    people: People, move_clock: MoveClock
) -> None:
    campaign, late = await late_and_closed(people, move_clock)
    assert [line for line in await ledger.check_books() if f"pledge {late.id} is owed 5000 fen" in line]
    await move_clock(timedelta(days=1))
    await crowdfunding.begin_due()
    await crowdfunding.accept(people.chen, campaign.id)
    with pytest.raises(RefundsOwed) as refused:
        await crowdfunding.settle(people.zhao, campaign.id)
    assert refused.value.extra == {"pledge_ids": [late.id]}
    await crowdfunding.take_back(people.zhao, late.id)
    assert await ledger.check_books() == []
    settled = await crowdfunding.settle(people.zhao, campaign.id)
    assert settled.state is CampaignState.SETTLED
    await payments.hear(await refund_notice(await Refund.get(state="requested")))
    assert await state(late) is PledgeState.REFUNDED
    assert await ledger.balance(people.jy, Purse(AccountKind.GENERAL)) == 100_000
    assert await ledger.check_books() == []


async def test_a_refund_closed_after_the_settlement_is_asked_for_again(people: People, move_clock: MoveClock) -> None:
    campaign, late = await late_and_closed(people, move_clock)
    await move_clock(timedelta(days=1))
    await crowdfunding.begin_due()
    await crowdfunding.accept(people.chen, campaign.id)
    await crowdfunding.take_back(people.chen, late.id)
    await crowdfunding.settle(people.zhao, campaign.id)
    await payments.hear(await refund_notice(await Refund.get(state="requested"), "CLOSED"))
    assert await ledger.balance(people.jy, Purse(AccountKind.CAMPAIGN, campaign.id)) == 5_000
    assert [line.split(":")[0] for line in await ledger.check_books()] == [f"pledge {late.id} is owed 5000 fen"]
    with pytest.raises(Invalid):
        await crowdfunding.take_back(people.chen, late.id, amount_fen=152)  # who would get the rest?
    await crowdfunding.take_back(people.chen, late.id, amount_fen=5_000)
    assert await ledger.check_books() == []


@pytest.mark.parametrize(
    ("who", "error"),
    [("lin", InvalidState), ("sun", NotFound), ("mei", NotFound), ("ma", Forbidden), ("chen", None), ("zhao", None)],
)
async def test_the_committee_asks_again_for_what_wechat_closed(
    people: People, move_clock: MoveClock, who: str, error: type[Exception] | None
) -> None:
    _, late = await late_and_closed(people, move_clock)
    if error:
        with pytest.raises(error):
            await crowdfunding.take_back(people[who], late.id)
    else:
        with pytest.raises(Invalid):
            await crowdfunding.take_back(people[who], late.id, amount_fen=779)  # the rest would be owed no more
        await crowdfunding.take_back(people[who], late.id)
        with pytest.raises(InvalidState):
            await crowdfunding.take_back(people[who], late.id)


async def test_an_order_paid_in_another_amount_still_runs_out(people: People, move_clock: MoveClock) -> None:
    campaign, pay = await opened(people), FakePay()
    line = campaign.budget[0]
    wrong = await crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.ADOPTION, budget_line_id=line.id)
    await pay.knows(wrong, amount_fen=1)
    await payments.hear(await notice(wrong, amount_fen=1))
    await move_clock(timedelta(minutes=16))
    await payments.follow_orders(pay)
    assert await state(wrong) is PledgeState.EXPIRED
    assert await Event.filter(verb="pledge.payment_refused", subject_id=wrong.id).count() == 1
    await crowdfunding.pledge(people.mei, campaign.id, kind=PledgeKind.ADOPTION, budget_line_id=line.id)
    assert await ledger.check_books() == []


@pytest.mark.parametrize(
    ("known", "becomes"), [("CLOSED", PledgeState.EXPIRED), ("NOTPAY", PledgeState.AWAITING_PAYMENT)]
)
async def test_an_order_over_that_wechat_does_not_close_ends_as_wechat_knows_it(
    people: People, move_clock: MoveClock, known: str, becomes: PledgeState
) -> None:
    pay, pledge = FakePay(), await money(people.lin, await opened(people))
    await pay.knows(pledge, known, transaction_id=None)
    await move_clock(timedelta(minutes=16))
    await payments.follow_orders(pay)
    assert await state(pledge) is becomes


class Dawdling(FakePay):
    """Lets a minute less a second pass over its first answer, while another worker asks too."""

    def __init__(self, move_clock: MoveClock) -> None:
        super().__init__()
        self.move_clock: MoveClock | None = move_clock

    async def query(self, out_trade_no: str) -> Any:
        await self._wait()
        return await super().query(out_trade_no)

    async def refund(self, *, out_refund_no: str, **more: Any) -> Any:
        await self._wait()
        return await super().refund(out_refund_no=out_refund_no, **more)

    async def _wait(self) -> None:
        if move := self.move_clock:
            self.move_clock = None
            await move(timedelta(seconds=59))
            await payments.follow_orders(self)
            await payments.follow_refunds(self)


async def test_while_one_worker_waits_for_an_answer_no_other_asks_the_same(
    people: People, move_clock: MoveClock
) -> None:
    campaign = await opened(people)
    for fen in (100, 101, 102):
        await crowdfunding.take_back(people.lin, (await paid(people.lin, campaign, fen)).id)
    slow = Dawdling(move_clock)
    await payments.follow_refunds(slow)
    asked = [number for _, number in slow.asked]
    assert len(asked) == len(set(asked)) == 3
    waiting = [await money(people.mei, campaign, fen) for fen in (100, 101, 102)]
    await move_clock(timedelta(seconds=6))
    slow = Dawdling(move_clock)
    await payments.follow_orders(slow)
    asked = [number for deed, number in slow.asked if deed == "query"]
    assert len(asked) == len(set(asked)) == len(waiting)


async def test_an_order_is_asked_about_less_and_less_often(people: People, move_clock: MoveClock) -> None:
    pay, _ = FakePay(), await money(people.lin, await opened(people))
    seen = []
    for second in range(0, 900, 5):
        if await payments.follow_orders(pay):
            seen.append(second)
        await move_clock(timedelta(seconds=5))
    assert seen == [5, 30, 60, 180, 300, 600]


async def test_a_worker_that_died_while_asking_loses_nothing(people: People, move_clock: MoveClock) -> None:
    pay, pledge = FakePay(), await money(people.lin, await opened(people))
    order = await Order.get(pledge_id=pledge.id)
    await move_clock(timedelta(seconds=6))
    pay.failing[order.out_trade_no] = RuntimeError("killed")
    with pytest.raises(ExceptionGroup):
        await payments.follow_orders(pay)
    pay.failing.clear()
    assert await payments.follow_orders(pay) == 0
    await move_clock(timedelta(seconds=61))
    assert await payments.follow_orders(pay) == 1


@pytest.mark.parametrize("error", [RuntimeError("poison"), PayUnknown("no answer")])
async def test_one_that_fails_does_not_keep_the_others_waiting(
    people: People, move_clock: MoveClock, error: Exception
) -> None:
    campaign, pay = await opened(people), FakePay()
    for fen in (100, 101, 102):
        await crowdfunding.take_back(people.lin, (await paid(people.lin, campaign, fen)).id)
        await money(people.mei, campaign, fen)
    await move_clock(timedelta(minutes=16))
    first = await Order.filter(state="created").order_by("next_query_at").first()
    refund = await Refund.all().order_by("next_try_at").first()
    pay.failing = {first.out_trade_no: error, refund.out_refund_no: error}
    for follow in (payments.follow_orders, payments.follow_refunds):
        if isinstance(error, RuntimeError):
            with pytest.raises(ExceptionGroup):
                await follow(pay)
        else:
            await follow(pay)
    assert await Order.filter(state=OrderState.CLOSED).count() == 2
    assert await Refund.filter(state=RefundState.PROCESSING).count() == 2


async def test_looking_again_and_again_asks_wechat_once_in_five_seconds(people: People, move_clock: MoveClock) -> None:
    pay, pledge = FakePay(), await money(people.lin, await opened(people))
    await crowdfunding.with_payment(pay, pledge)
    for _ in range(5):
        assert (await crowdfunding.look_at_pledge(people.lin, pay, pledge.id)).payment
    assert [deed for deed, _ in pay.asked] == ["prepay", "query"]
    await pay.knows(pledge)
    assert (await crowdfunding.look_at_pledge(people.lin, pay, pledge.id)).state is PledgeState.AWAITING_PAYMENT
    await move_clock(timedelta(seconds=5))
    assert (await crowdfunding.look_at_pledge(people.lin, pay, pledge.id)).state is PledgeState.PAID
    assert [deed for deed, _ in pay.asked] == ["prepay", "query", "query"]


async def test_whoever_looks_while_he_is_heard_to_have_paid_is_not_asked_to_pay(people: People) -> None:
    pledge = await money(people.lin, await opened(people))

    class PaidMeanwhile(FakePay):
        async def query(self, out_trade_no: str) -> wechat_pay.Order | None:
            await payments.hear(await notice(pledge))
            return await super().query(out_trade_no)

    pay = PaidMeanwhile()
    await crowdfunding.with_payment(pay, pledge)
    seen = await crowdfunding.look_at_pledge(people.lin, pay, pledge.id)
    assert (seen.state, seen.payment) == (PledgeState.PAID, None)


async def test_looking_repeats_a_lost_prepay_once_in_five_seconds(people: People, move_clock: MoveClock) -> None:
    pay, pledge = FakePay(), await money(people.lin, await opened(people))
    number = (await Order.get(pledge_id=pledge.id)).out_trade_no
    pay.failing[number] = PayUnknown("no answer")
    for _ in range(3):
        assert (await crowdfunding.look_at_pledge(people.lin, pay, pledge.id)).payment is None
    assert pay.asked == [("prepay", number)]
    pay.failing.clear()
    await move_clock(timedelta(seconds=5))
    assert (await crowdfunding.look_at_pledge(people.lin, pay, pledge.id)).payment


REFUSED = PayError(403, "NO_AUTH", "商户无权限", "R1")


async def test_an_order_that_wechat_refuses_for_good_is_said_to_be(people: People) -> None:
    pay, pledge = FakePay(), await money(people.lin, await opened(people))
    pay.failing[(await Order.get(pledge_id=pledge.id)).out_trade_no] = REFUSED
    for _ in range(2):
        with pytest.raises(Unavailable) as refusal:
            await crowdfunding.with_payment(pay, pledge)
        assert refusal.value.extra == {"retry_after": None}
    assert await state(pledge) is PledgeState.AWAITING_PAYMENT
    assert (await crowdfunding.look_at_pledge(people.lin, pay, pledge.id)).payment is None


async def heard() -> int:
    return int(await db.value("SELECT count(*) FROM wechat_inbox"))


async def test_what_does_not_fit_does_not_count_as_heard(people: People) -> None:
    campaign = await opened(people)
    pledge = await money(people.lin, campaign)
    await payments.hear(await notice(pledge, amount_fen=1))
    assert await heard() == 0
    await payments.hear(await notice(pledge))
    assert (await state(pledge), await heard()) == (PledgeState.PAID, 1)
    await payments.hear(await notice(pledge, notification_id="EV-nobodys", out_trade_no="CF000000000000"))
    assert await heard() == 2
    await crowdfunding.take_back(people.lin, pledge.id)
    refund = await Refund.get()
    await payments.hear(await refund_notice(refund, refund_fen=1))
    assert (await state(pledge), await heard()) == (PledgeState.REFUNDING, 2)
    await payments.hear(await refund_notice(refund))
    assert (await state(pledge), await heard()) == (PledgeState.REFUNDED, 3)


async def test_news_of_wechat_is_forgotten_after_thirty_days_and_counts_once_all_the_same(
    people: People, move_clock: Callable[[timedelta], Awaitable[None]]
) -> None:
    pledge = await money(people.lin, await opened(people))
    said = await notice(pledge)
    await payments.hear(said)
    held = await heard()
    await move_clock(timedelta(days=29))
    await payments.forget_old_news()
    assert await heard() == held
    await move_clock(timedelta(days=1, minutes=1))
    await payments.forget_old_news()
    assert await heard() == 0
    transfers = await db.value("SELECT count(*) FROM transfers")
    await payments.hear(said)
    assert await state(pledge) is PledgeState.PAID
    assert await db.value("SELECT count(*) FROM transfers") == transfers
