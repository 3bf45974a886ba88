"""WeChat's daily bills against the books of a town that committed, paid and was refunded over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from app.core import clock, db
from app.core.errors import InvalidState, NotFound
from app.gateways.wechat_pay import FundFlowBill, TradeBill
from models.bills import Bill, BillDifference, BillState
from models.crowdfunding import PledgeState
from models.payments import Order, Refund
from services import crowdfunding, payments, verification
from services.payments import reconciliation
from tests.conftest import as_owner
from tests.raising import opened, refund_notice
from tests.together.conftest import Town
from tests.together.test_payments import asked, bought, is_

MoveClock = Callable[[timedelta], Awaitable[None]]
Wait = Callable[[], Awaitable[date]]


@pytest.fixture
def until_tomorrow(town: Town, move_clock: MoveClock) -> Wait:
    """Let both clocks run until just after 10:30 of the next day of Shanghai; the day that was."""

    async def wait() -> date:
        now = (await clock.now()).astimezone(clock.SHANGHAI)
        then = datetime(now.year, now.month, now.day, 10, 30, 2, tzinfo=clock.SHANGHAI) + timedelta(days=1)
        await town.sandbox("clock", advance_s=(then - now).total_seconds())
        await move_clock(then - now)
        return now.date()

    return wait


async def business(town: Town) -> list[int]:
    """Two gifts of 50 and 2.50 yuan, and one of 1 yuan that was taken back."""
    campaign = await opened(town.people)
    ids = [await bought(town, openid, campaign, fen) for openid, fen in (("lin", 5_000), ("mei", 250), ("wang", 100))]
    await crowdfunding.take_back(town.people.wang, ids[2])
    await payments.follow_refunds(town.pay)
    await is_(ids[2], PledgeState.REFUNDED)
    return ids


async def found(kind: str | None = None) -> list[tuple[str, str, int, int]]:
    rows = await BillDifference.exclude(kind="fee").order_by("id")
    return [(row.source, row.kind, row.ours_fen, row.theirs_fen) for row in rows if kind in (None, row.kind)]


async def test_a_clean_day_fits_to_the_fen_and_its_fee_is_noted(town: Town, until_tomorrow: Wait) -> None:
    await business(town)
    day = await until_tomorrow()
    assert await payments.fetch_bills(town.pay) == 1
    bill = await Bill.get()
    assert (bill.bill_date, bill.state, bill.trade_rows, bill.fund_flow_rows) == (day, BillState.COMPARED, 4, 7)
    assert (bill.paid_fen, bill.refunded_fen, bill.fee_fen) == (5_350, 100, 32)
    assert len(bill.trade_sha1) == len(bill.fund_flow_sha1) == 40
    [fee] = await BillDifference.all()
    assert (fee.kind, fee.community_id, fee.theirs_fen) == ("fee", town.people.jy, 32)
    assert await verification.verify() == []


async def test_nothing_is_asked_for_before_half_past_ten(town: Town, until_tomorrow: Wait) -> None:
    await until_tomorrow()
    async with db.tx():
        await as_owner(lambda: clock.move(timedelta(minutes=-1)))
    await payments.fetch_bills(town.pay)
    today = (await clock.now()).astimezone(clock.SHANGHAI).date()
    assert [bill.bill_date for bill in await Bill.all()] == [today - timedelta(days=2)]


async def test_a_day_without_transactions_is_compared_too(town: Town, until_tomorrow: Wait) -> None:
    await until_tomorrow()
    assert await payments.fetch_bills(town.pay) == 1
    bill = await Bill.get()
    assert (bill.state, bill.trade_sha1, bill.trade_rows, bill.fund_flow_rows) == (BillState.COMPARED, None, 0, 0)
    assert await BillDifference.all().count() == 0


async def test_the_job_twice_and_four_times_at_once_compares_once(town: Town, until_tomorrow: Wait) -> None:
    await business(town)
    await until_tomorrow()
    await town.sandbox("faults", bill="row_missing")
    await asyncio.gather(*(payments.fetch_bills(town.pay) for _ in range(4)))
    assert await payments.fetch_bills(town.pay) == 0
    assert await Bill.all().count() == 1
    assert len(await found()) == 1
    requests = [row["path"] for row in await town.seen("requests")]
    assert requests.count("/v3/bill/tradebill") == 1


async def test_two_that_compare_the_same_day_write_it_once(town: Town, until_tomorrow: Wait) -> None:
    ids = await business(town)
    await until_tomorrow()
    await db.execute(
        "INSERT INTO bills (bill_date, state, trade_rows, fund_flow_rows, paid_fen, refunded_fen, fee_fen,"
        " tries) SELECT (clock_now() AT TIME ZONE 'Asia/Shanghai')::date - 1, 'awaited', 0, 0, 0, 0, 0, 0"
    )
    bill = await Bill.get()
    empty = (TradeBill([]), FundFlowBill([]))
    await asyncio.gather(*(reconciliation._compare_day(bill.id, *empty) for _ in range(4)))
    assert len(await found("missing_there")) == len(ids) + 1


async def test_a_bill_that_is_being_written_is_asked_for_again_in_half_an_hour(
    town: Town, until_tomorrow: Wait, move_clock: MoveClock
) -> None:
    await business(town)
    await until_tomorrow()
    await town.sandbox("faults", bill="creating", bill_kind="fundflowbill", count=1)
    await payments.fetch_bills(town.pay)
    assert (await Bill.get()).state is BillState.AWAITED
    await move_clock(timedelta(minutes=29))
    assert await payments.fetch_bills(town.pay) == 0
    await move_clock(timedelta(minutes=1))
    assert await payments.fetch_bills(town.pay) == 1
    assert (await Bill.get()).state is BillState.COMPARED
    assert await found() == []


async def test_a_bill_that_cannot_be_believed_is_asked_for_again_and_named_after_a_day(
    town: Town, until_tomorrow: Wait, move_clock: MoveClock
) -> None:
    await business(town)
    day = await until_tomorrow()
    await town.sandbox("faults", bill="hash_differs")
    await payments.fetch_bills(town.pay)
    assert (await Bill.get()).state is BillState.AWAITED
    await move_clock(timedelta(days=1, minutes=1))
    assert await payments.check_bills() == [f"the bills of {day} could not be had in 1 tries"]
    await town._control.delete("/_sandbox/faults")
    await payments.fetch_bills(town.pay)
    assert await payments.check_bills() == []


@pytest.mark.parametrize(
    ("trouble", "kind", "difference"),
    [
        ("row_missing", "tradebill", ("trade", "missing_there", 5_000, 0)),
        ("row_extra", "tradebill", ("trade", "unknown_order", 0, 5_000)),
        ("row_doubled", "tradebill", ("trade", "doubled", 5_000, 10_000)),
        ("amount_differs", "tradebill", ("trade", "wrong_amount", 5_000, 5_001)),
        ("row_missing", "fundflowbill", ("fund_flow", "missing_there", 5_000, 0)),
        ("row_extra", "fundflowbill", ("fund_flow", "unknown_order", 0, 5_000)),
        ("row_doubled", "fundflowbill", ("fund_flow", "doubled", 5_000, 10_000)),
        ("amount_differs", "fundflowbill", ("fund_flow", "wrong_amount", 5_000, 5_001)),
    ],
)
async def test_each_spoiled_row_is_one_difference(
    town: Town, until_tomorrow: Wait, trouble: str, kind: str, difference: tuple[str, str, int, int]
) -> None:
    await business(town)
    await until_tomorrow()
    await town.sandbox("faults", bill=trouble, bill_kind=kind)
    await payments.fetch_bills(town.pay)
    assert await found() == [difference]
    [said] = await verification.verify()
    assert difference[1] in said
    unknown = difference[1] == "unknown_order"
    row = await BillDifference.exclude(kind="fee").get()
    assert (row.community_id is None, row.order_id is None) == (unknown, unknown)


async def test_money_we_never_took_in_is_missing_here(town: Town, until_tomorrow: Wait) -> None:
    campaign = await opened(town.people)
    await asked(town, "lin", campaign)
    [order] = await town.seen("orders")
    await town.sandbox("faults", notify="never")
    await town.sandbox(f"orders/{order['out_trade_no']}/pay")
    await until_tomorrow()
    await payments.fetch_bills(town.pay)
    assert await found() == [("trade", "missing_here", 0, 5_000)]


async def test_a_refund_in_the_console_is_refunded_outside(town: Town, until_tomorrow: Wait) -> None:
    campaign = await opened(town.people)
    pledge_id = await bought(town, "lin", campaign)
    order = await Order.get(pledge_id=pledge_id)
    await town.sandbox("refunds", out_trade_no=order.out_trade_no, refund_fen=34)
    await until_tomorrow()
    await payments.fetch_bills(town.pay)
    assert await found() == [("trade", "refunded_outside", 0, 34)]
    row = await BillDifference.exclude(kind="fee").get()
    assert (row.order_id, row.community_id) == (order.id, town.people.jy)


@pytest.mark.parametrize("ends", ["open", "failed"])
async def test_a_refund_in_the_console_is_booked_and_the_rest_goes_back(
    town: Town, until_tomorrow: Wait, ends: str
) -> None:
    campaign = await opened(town.people)
    pledge_id = await bought(town, "lin", campaign)
    order = await Order.get(pledge_id=pledge_id)
    await town.sandbox("refunds", out_trade_no=order.out_trade_no, refund_fen=1_000)
    if ends == "open":
        await crowdfunding.take_back(town.people.lin, pledge_id)
    else:
        await crowdfunding.cancel(town.people.chen, campaign.id, reason="场地不再需要")
    await payments.follow_refunds(town.pay)
    [stuck] = await Refund.all()
    assert (stuck.state, stuck.tries) == ("requested", 1)
    await until_tomorrow()
    await payments.fetch_bills(town.pay)
    row = await BillDifference.exclude(kind="fee").get()
    await payments.book_refund(town.pay, row.id, "商户平台误操作")
    with pytest.raises(NotFound):
        await payments.book_refund(town.pay, row.id, "again")
    said = [(one.state, one.amount_fen) for one in await Refund.all().order_by("number")]
    assert said == [("closed", 5_000), ("succeeded", 1_000), ("requested", 4_000)]
    await payments.follow_refunds(town.pay)
    await is_(pledge_id, PledgeState.REFUNDED)
    assert await verification.verify() == []


async def test_two_refunds_in_the_console_are_weighed_together(town: Town, until_tomorrow: Wait) -> None:
    pledge_id = await bought(town, "lin", await opened(town.people))
    order = await Order.get(pledge_id=pledge_id)
    for _ in range(2):
        await town.sandbox("refunds", out_trade_no=order.out_trade_no, refund_fen=1_500)
    await crowdfunding.take_back(town.people.lin, pledge_id, amount_fen=3_000)  # of 5,000: WeChat has 2,000 left
    await payments.follow_refunds(town.pay)
    await until_tomorrow()
    await payments.fetch_bills(town.pay)
    for row in await BillDifference.exclude(kind="fee").order_by("id"):
        await payments.book_refund(town.pay, row.id, "商户平台误操作")
    said = [(one.state, one.amount_fen) for one in await Refund.all().order_by("number")]
    assert said == [("closed", 3_000), ("succeeded", 1_500), ("succeeded", 1_500)]
    assert await verification.verify() == []


async def test_what_wechat_closed_before_is_asked_again_by_people(town: Town, until_tomorrow: Wait) -> None:
    pledge_id = await bought(town, "lin", await opened(town.people))
    order = await Order.get(pledge_id=pledge_id)
    await crowdfunding.take_back(town.people.lin, pledge_id, amount_fen=3_000)
    await payments.hear(await refund_notice(await Refund.get(), "CLOSED"))
    await town.sandbox("refunds", out_trade_no=order.out_trade_no, refund_fen=1_500)
    await until_tomorrow()
    await payments.fetch_bills(town.pay)
    row = await BillDifference.exclude(kind="fee").get(kind="refunded_outside")
    await payments.book_refund(town.pay, row.id, "在商户平台退回")
    said = [(one.state, one.amount_fen) for one in await Refund.all().order_by("number")]
    assert said == [("closed", 3_000), ("succeeded", 1_500)]


async def test_what_fits_beside_a_refund_in_the_console_ends_first(town: Town, until_tomorrow: Wait) -> None:
    campaign = await opened(town.people)
    pledge_id = await bought(town, "lin", campaign)
    order = await Order.get(pledge_id=pledge_id)
    await town.sandbox("refunds", out_trade_no=order.out_trade_no, refund_fen=1_000)
    await until_tomorrow()
    await payments.fetch_bills(town.pay)
    await crowdfunding.take_back(town.people.lin, pledge_id, amount_fen=4_000)
    row = await BillDifference.exclude(kind="fee").get()
    with pytest.raises(InvalidState):
        await payments.book_refund(town.pay, row.id, "商户平台误操作")
    await payments.follow_refunds(town.pay)
    await is_(pledge_id, PledgeState.PAID)
    await payments.book_refund(town.pay, row.id, "商户平台误操作")
    await is_(pledge_id, PledgeState.REFUNDED)
    assert await verification.verify() == []


async def test_a_refund_that_wechat_never_made_is_missing_there(town: Town, until_tomorrow: Wait) -> None:
    await business(town)
    await Refund.all().update(accepted_at=await clock.now())
    await Order.filter(amount_fen=100).update(looked_at=None)
    day = await until_tomorrow()
    trade, flow = await town.pay.trade_bill(day), await town.pay.fund_flow_bill(day)
    refund = next(row for row in trade.rows if row.out_refund_no)

    class Forgetful:
        async def trade_bill(self, _: date) -> TradeBill:
            return TradeBill([row for row in trade.rows if row is not refund], trade.sha1)

        async def fund_flow_bill(self, _: date) -> FundFlowBill:
            return FundFlowBill([row for row in flow.rows if row.business_no != refund.refund_id], flow.sha1)

    await payments.fetch_bills(Forgetful())  # type: ignore[arg-type]
    assert await found() == [("trade", "missing_there", 100, 0)]


async def test_a_coupon_and_a_closed_refund_are_no_difference(town: Town, until_tomorrow: Wait) -> None:
    campaign = await opened(town.people)
    made = await asked(town, "lin", campaign)
    await town.sandbox("pay", openid="lin", payment=made["payment"], coupon_fen=1_000)
    await is_(made["id"], PledgeState.PAID)
    await town.sandbox("faults", refund="CLOSED")
    await crowdfunding.take_back(town.people.lin, made["id"])
    await payments.follow_refunds(town.pay)
    await is_(made["id"], PledgeState.PAID)
    await until_tomorrow()
    await payments.fetch_bills(town.pay)
    assert await found() == []


async def test_days_that_were_missed_are_fetched_up_to_three_months_back(
    town: Town, until_tomorrow: Wait, move_clock: MoveClock
) -> None:
    await until_tomorrow()
    await payments.fetch_bills(town.pay)
    for days in (3, 200):
        await town.sandbox("clock", advance_s=days * 86400)
        await move_clock(timedelta(days=days))
        while await payments.fetch_bills(town.pay):
            pass
    compared = await Bill.filter(state=BillState.COMPARED).order_by("bill_date")
    assert len(compared) == 1 + 3 + 89
    assert await Bill.filter(state=BillState.AWAITED).count() == 0


@pytest.mark.parametrize(
    ("who", "status"),
    [
        *[("lin", 403), ("guest", 403), ("ma", 403), ("he", 403), ("wu", 403), ("deng", 403)],
        *[("chen", 200), ("zhao", 200), ("sun", 200), ("qian", 200), ("root", 200)],
    ],
)
async def test_committee_supervisors_and_officers_see_the_bills(as_: Any, people: Any, who: str, status: int) -> None:
    answer = await (await as_(who)).get(f"/v1/communities/{people.jy}/fund/reconciliation")
    assert answer.status_code == status


async def test_a_difference_is_shown_to_its_community_only_and_settled_by_hand(
    town: Town, until_tomorrow: Wait
) -> None:
    ids = await business(town)
    await until_tomorrow()
    await town.sandbox("faults", bill="amount_differs")
    await payments.fetch_bills(town.pay)
    path = "/v1/communities/{}/fund/reconciliation"
    [day] = (await (await town.as_("sun")).get(path.format(town.people.jy))).json()["items"]
    assert (day["state"], day["differences_total"]) == ("compared", 2)
    wrong = next(line for line in day["differences"] if line["kind"] != "fee")
    assert (wrong["kind"], wrong["pledge_id"], wrong["theirs_fen"]) == ("wrong_amount", ids[0], 5_001)
    [elsewhere] = (await (await town.as_("deng")).get(path.format(town.people.yl))).json()["items"]
    assert (elsewhere["differences"], elsewhere["differences_total"]) == ([], 0)
    await payments.settle_difference(wrong["id"], "微信客服已确认")
    assert await payments.check_bills() == []
    with pytest.raises(NotFound):
        await payments.settle_difference(wrong["id"], "again")
    [day] = (await (await town.as_("sun")).get(path.format(town.people.jy))).json()["items"]
    assert [line["settled_reason"] for line in day["differences"] if line["kind"] != "fee"] == ["微信客服已确认"]


WRONGLY_BILLED = ("trade", "wrong_amount", 5_000, 5_001)


@pytest.mark.parametrize(
    ("moved", "less_fee", "more"),
    [
        (4_000, False, [("fund_flow", "wrong_amount", 5_000, 4_000)]),
        (5_001, False, []),
        (5_001, True, []),
        (5_000, True, []),
    ],
)
async def test_an_account_that_says_yet_another_sum_is_a_difference_of_its_own(
    town: Town, until_tomorrow: Wait, moved: int, less_fee: bool, more: list[tuple[str, str, int, int]]
) -> None:
    await business(town)
    day = await until_tomorrow()
    trade, flow = await town.pay.trade_bill(day), await town.pay.fund_flow_bill(day)
    spoiled = next(row for row in trade.rows if row.amount_fen == 5_000)
    moved -= spoiled.fee_fen if less_fee else 0

    class Confused:
        async def trade_bill(self, _: date) -> TradeBill:
            rows = [replace(row, amount_fen=5_001) if row is spoiled else row for row in trade.rows]
            return TradeBill(rows, trade.sha1)

        async def fund_flow_bill(self, _: date) -> FundFlowBill:
            number = spoiled.transaction_id
            rows = [replace(row, amount_fen=moved) if row.business_no == number else row for row in flow.rows]
            return FundFlowBill(rows, flow.sha1)

    await payments.fetch_bills(Confused())  # type: ignore[arg-type]
    assert await found() == [WRONGLY_BILLED, *more]
