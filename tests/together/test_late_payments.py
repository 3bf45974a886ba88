"""Orders that are paid when nobody expects it any more, and refunds that do not go as they should; with the sandbox."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from structlog.testing import capture_logs

from models.crowdfunding import PledgeState
from models.ledger import AccountKind
from models.payments import Order, OrderState, Refund, RefundState
from services import crowdfunding, ledger, payments
from services.ledger import Purse
from tests.raising import opened
from tests.together.conftest import Town, until
from tests.together.test_payments import asked, bought, is_

MoveClock = Callable[[timedelta], Awaitable[None]]


async def ordered(town: Town) -> Order:
    """An order of Lin's that nobody will notify us of."""
    campaign = await opened(town.people)
    await town.sandbox("faults", notify="never", event="TRANSACTION.*")
    made = await asked(town, "lin", campaign)
    return await Order.get(pledge_id=made["id"])


async def both_on(town: Town, move_clock: MoveClock, by: timedelta) -> None:
    await town.sandbox("clock", advance_s=by.total_seconds())
    await move_clock(by)


class RacingPay:
    """WeChat Pay, but the payer's money arrives between our query and our close."""

    def __init__(self, town: Town, out_trade_no: str) -> None:
        self._town, self._number = town, out_trade_no

    def __getattr__(self, name: str) -> Any:
        return getattr(self._town.pay, name)

    async def close(self, out_trade_no: str) -> bool:
        await self._town.sandbox(f"orders/{self._number}/pay")
        return await self._town.pay.close(out_trade_no)


async def test_a_payer_who_is_faster_than_our_close_has_paid(town: Town, move_clock: MoveClock) -> None:
    order = await ordered(town)
    await move_clock(timedelta(minutes=15))
    await payments.follow_orders(RacingPay(town, order.out_trade_no))  # type: ignore[arg-type]
    await is_(order.pledge_id, PledgeState.PAID)
    assert (await town.seen("orders"))[0]["state"] == "SUCCESS"


async def test_at_its_end_an_order_is_asked_about_closed_and_then_over(town: Town, move_clock: MoveClock) -> None:
    order = await ordered(town)
    await move_clock(timedelta(minutes=15))
    await payments.follow_orders(town.pay)
    paths = [(row["method"], row["path"]) for row in await town.seen("requests")][-2:]
    number = f"/v3/pay/transactions/out-trade-no/{order.out_trade_no}"
    assert paths == [("GET", number), ("POST", f"{number}/close")]
    await is_(order.pledge_id, PledgeState.EXPIRED)


async def test_money_that_comes_after_our_close_counts_while_the_campaign_is_open(
    town: Town, move_clock: MoveClock
) -> None:
    order = await ordered(town)
    await both_on(town, move_clock, timedelta(minutes=15))
    await payments.follow_orders(town.pay)
    await is_(order.pledge_id, PledgeState.EXPIRED)
    await town._control.delete("/_sandbox/faults")
    await town.sandbox(f"orders/{order.out_trade_no}/pay")
    await is_(order.pledge_id, PledgeState.PAID)
    assert await ledger.check_books() == []


async def test_money_that_comes_after_the_deadline_is_taken_in_and_sent_back(town: Town, move_clock: MoveClock) -> None:
    order = await ordered(town)
    await both_on(town, move_clock, timedelta(days=7))
    await payments.follow_orders(town.pay)
    await crowdfunding.end_due()
    await town._control.delete("/_sandbox/faults")
    await town.sandbox(f"orders/{order.out_trade_no}/pay")
    await is_(order.pledge_id, PledgeState.REFUNDING)
    await payments.follow_refunds(town.pay)
    await is_(order.pledge_id, PledgeState.REFUNDED)
    assert await ledger.balance(town.people.jy, Purse(AccountKind.WECHAT_CLEARING)) == 0
    [sent] = await town.seen("refunds", state="SUCCESS")
    assert sent["amount"] == 5_000


async def test_a_refund_told_before_the_payment_that_the_query_found(town: Town, move_clock: MoveClock) -> None:
    campaign = await opened(town.people)
    await town.sandbox("faults", notify="late", event="TRANSACTION.*", late_s=3600)
    made = await asked(town, "lin", campaign)
    await town.sandbox("pay", openid="lin", payment=made["payment"])
    await move_clock(timedelta(seconds=5))
    await payments.follow_orders(town.pay)
    await is_(made["id"], PledgeState.PAID)
    await crowdfunding.take_back(town.people.lin, made["id"])
    await payments.follow_refunds(town.pay)
    await is_(made["id"], PledgeState.REFUNDED)
    await town.sandbox("clock", advance_s=3600)

    async def told() -> bool:
        return all(row["delivered"] for row in await town.seen("notifications"))

    await until(told)
    await is_(made["id"], PledgeState.REFUNDED)
    assert await ledger.check_books() == []


async def refunding(town: Town) -> Refund:
    pledge_id = await bought(town, "lin", await opened(town.people))
    await crowdfunding.take_back(town.people.lin, pledge_id)
    return await Refund.get()


async def test_a_merchant_account_that_is_empty_waits_alarms_and_then_pays(town: Town, move_clock: MoveClock) -> None:
    refund = await refunding(town)
    await town.sandbox("merchant-balance", fen=10)
    with capture_logs() as logs:
        await payments.follow_refunds(town.pay)
    [alarm] = [line for line in logs if line["log_level"] == "error"]
    assert (alarm["event"], alarm["code"], alarm["refund"]) == ("refund refused", "NOT_ENOUGH", refund.id)
    assert (await Refund.get()).state is RefundState.REQUESTED
    assert await payments.follow_refunds(town.pay) == 0, "not at once again"
    await town.sandbox("merchant-balance", fen=5_000)
    await move_clock(timedelta(seconds=6))
    await payments.follow_refunds(town.pay)
    await is_((await Order.get()).pledge_id, PledgeState.REFUNDED)
    assert (await Refund.get()).out_refund_no == refund.out_refund_no


async def test_a_refund_whose_answer_is_forged_is_asked_about_under_its_number(
    town: Town, move_clock: MoveClock
) -> None:
    await refunding(town)
    await town.sandbox("faults", notify="never", event="REFUND.*")
    await town.sandbox("faults", path="/v3/refund/domestic/refunds", reply="forged", count=1)
    await payments.follow_refunds(town.pay)
    assert (await Refund.get()).state is RefundState.REQUESTED, "an answer that proves nothing changes nothing"

    async def arrived() -> bool:
        await move_clock(timedelta(seconds=31))
        await payments.follow_refunds(town.pay)
        return await Refund.exists(state=RefundState.SUCCEEDED)

    await until(arrived)
    assert len(await town.seen("refunds")) == 1


async def test_an_abnormal_refund_waits_for_a_human_and_then_arrives(town: Town, move_clock: MoveClock) -> None:
    await town.sandbox("faults", refund="ABNORMAL")
    await refunding(town)
    await payments.follow_refunds(town.pay)

    async def abnormal() -> bool:
        return await Refund.exists(state=RefundState.ABNORMAL)

    await until(abnormal)
    assert await ledger.balance(town.people.jy, Purse(AccountKind.REFUNDS)) == 5_000
    assert (await Order.get()).state is OrderState.PAID
    assert await ledger.check_books() == []


async def test_a_refund_that_wechat_closes_returns_to_the_campaign_and_is_asked_for_again(town: Town) -> None:
    await town.sandbox("faults", refund="CLOSED", count=1)
    refund = await refunding(town)
    pledge_id = (await Order.get()).pledge_id
    await payments.follow_refunds(town.pay)
    await is_(pledge_id, PledgeState.PAID)
    await crowdfunding.take_back(town.people.lin, pledge_id)
    await payments.follow_refunds(town.pay)
    await is_(pledge_id, PledgeState.REFUNDED)
    assert {row.out_refund_no[-3:] for row in await Refund.all()} == {"-R1", "-R2"}
    assert refund.out_refund_no.endswith("-R1")
    assert await ledger.check_books() == []
