"""Paying through WeChat: orders, captures and refunds. WeChat is only ever called between transactions."""

import secrets
from datetime import datetime, timedelta
from functools import partial

import structlog

from app.core import clock, db
from app.core.db import atomic
from app.gateways import wechat_pay
from app.gateways.errors import GatewayError, PayError, PayUnknown
from app.gateways.wechat_pay import Notification, PaymentNotice, RefundNotice, WechatPay
from models.crowdfunding import Campaign, CampaignState, Pledge, PledgeKind, PledgeState
from models.events import Event
from models.ledger import AccountKind, Leg
from models.payments import Order, OrderState, Refund, RefundState
from services import events, ledger, notifications
from services.due import one_by_one
from services.ledger import Purse
from services.policies import Actor

log = structlog.stdlib.get_logger("linli.payments")

ORDER_LIVES = timedelta(minutes=15)
FIRST_QUERY_AFTER = timedelta(seconds=5)
AT_ONCE = 50
UNPAID = (OrderState.CREATED, OrderState.PREPAID)
PAID_THERE = ("SUCCESS", "REFUND")
CLEARING, REFUNDS = Purse(AccountKind.WECHAT_CLEARING), Purse(AccountKind.REFUNDS)

# What a giver reads in WeChat beside his refund.
ASKED = "捐赠人申请退款"
CANCELLED = "项目已取消，全额退回"
FAILED = "项目未达到目标，全额退回"
TOO_LATE = "付款到账时项目已结束，全额退回"

# Ask again after so many seconds, the more often it was asked the later.
PATIENCE = "(ARRAY[5, 30, 60, 180, 300, 600, 1800])[least({tries}, 7)] * interval '1 second'"


def yuan(fen: int) -> str:
    """Money as residents read it: 1234 fen is 12.34."""
    return f"{fen // 100}.{fen % 100:02d}"


# --- paying -----------------------------------------------------------------------------------------------------


async def open_order(pledge: Pledge, *, openid: str, title: str, deadline: datetime) -> Order:
    """Make the order of a money pledge in the running transaction; it lives 15 minutes, never past the deadline."""
    now = await clock.now()
    expires_at = min(now + ORDER_LIVES, deadline)
    return await Order.create(
        community_id=pledge.community_id,
        pledge_id=pledge.id,
        out_trade_no=f"CF{now.astimezone(clock.SHANGHAI):%y%m%d%H%M%S}{secrets.token_hex(6)}",
        amount_fen=pledge.amount_fen,
        openid=openid,
        description=f"邻里众筹：{title}",
        expires_at=expires_at,
        next_query_at=min(now + FIRST_QUERY_AFTER, expires_at),
    )


async def payment_for(pay: WechatPay, pledge_id: int, *, looking: bool = False) -> dict[str, str] | None:
    """What the giver's telephone needs to pay now; None when there is nothing to pay or WeChat does not answer.

    Calls WeChat: prepay with the order's own parameters, as often as needed, since the same number with the same
    parameters is the same order. Whoever is only `looking` may do so as often as he likes: WeChat is asked once in 5 s,
    first whether it was paid in the meantime, and then it is captured.
    """
    order = await Order.get_or_none(pledge_id=pledge_id).select_related("pledge__campaign")
    if order is None or order.state not in UNPAID or order.expires_at <= await clock.now():
        return None
    if order.pledge.campaign.state is not CampaignState.OPEN:
        return None  # it was called off meanwhile; money that comes all the same is sent back
    if looking and not await db.value(LOOK, order.id):
        return pay.sign_for_client(order.prepay_id) if order.prepay_id else None
    try:
        if looking and order.state is OrderState.PREPAID and await _look(pay, order.out_trade_no) in PAID_THERE:
            return None
        if order.prepay_id is None:
            order.prepay_id = await _prepay(pay, order)
    except PayUnknown as error:
        log.warning("prepay outcome unknown", order=order.id, error=str(error))
        return None
    except PayError as error:
        log.error("prepay refused", order=order.id, code=error.code, request_id=error.request_id)
        return None
    return pay.sign_for_client(order.prepay_id)


LOOK = """
UPDATE orders SET looked_at = clock_now()
WHERE id = $1 AND (looked_at IS NULL OR looked_at <= clock_now() - interval '5 seconds') RETURNING id
"""


async def _prepay(pay: WechatPay, order: Order) -> str:
    prepay_id = await pay.prepay(
        out_trade_no=order.out_trade_no,
        description=order.description,
        amount_fen=order.amount_fen,
        openid=order.openid,
        expires_at=order.expires_at,
    )
    await Order.filter(id=order.id, state__in=UNPAID).update(state=OrderState.PREPAID, prepay_id=prepay_id)
    return prepay_id


# --- hearing ----------------------------------------------------------------------------------------------------


@atomic()
async def hear(said: Notification) -> None:
    """Take in a notification that has been proved; the same one again, or one about nothing of ours, does nothing."""
    first = await db.value(
        "INSERT INTO wechat_inbox (provider, event_id) VALUES ('wechat_pay', $1) "
        "ON CONFLICT ON CONSTRAINT wechat_inbox_once DO NOTHING RETURNING id",
        said.notification_id,
    )
    if first is None:
        return
    if isinstance(said, PaymentNotice):
        await _capture(said)
    else:
        await _conclude_refund(said)


@atomic()
async def capture(paid: PaymentNotice | wechat_pay.Order) -> None:
    """Take in money that WeChat has received for an order.

    Once, however often and by whichever way we hear of it. Another amount or payer than the order's is never taken.
    Money for a campaign that is no longer open is taken in and sent back at once.
    """
    await _capture(paid)


# The campaign is held as it is (its closer waits, other captures do not), then the pledge and its order.
LOCK_ORDER = """
SELECT o.id, o.state, o.amount_fen, o.openid, o.pledge_id
FROM orders o JOIN pledges p ON p.id = o.pledge_id JOIN campaigns c ON c.id = p.campaign_id
WHERE o.out_trade_no = $1 FOR SHARE OF c FOR NO KEY UPDATE OF p, o
"""


async def _capture(paid: PaymentNotice | wechat_pay.Order) -> None:
    order = await db.row(LOCK_ORDER, paid.out_trade_no)
    if order is None:
        log.warning("paid, but no order of ours", out_trade_no=paid.out_trade_no)
        return
    if order["state"] == OrderState.PAID:
        return
    pledge = await Pledge.get(id=order["pledge_id"]).select_related("campaign")
    if (paid.amount_fen, paid.openid) != (order["amount_fen"], order["openid"]) or not paid.transaction_id:
        await _refuse_payment(paid, order["id"], pledge)
        return
    late = pledge.state is PledgeState.EXPIRED
    await db.execute(
        "UPDATE orders SET state = 'paid', transaction_id = $2, paid_at = $3, captured_fen = amount_fen, "
        "next_query_at = NULL WHERE id = $1",
        order["id"],
        paid.transaction_id,
        paid.success_at or await clock.now(),
    )
    await pledge.move_to(PledgeState.PAID, late=late)
    await ledger.post(
        pledge.community_id,
        debit=CLEARING,
        credit=Purse(AccountKind.CAMPAIGN, pledge.campaign_id),
        amount_fen=order["amount_fen"],
        cause=pledge,
        leg=Leg.CAPTURE,
    )
    await events.record(None, "pledge.paid", pledge, amount_fen=order["amount_fen"])
    await notifications.tell(
        [pledge.giver_id], "pledge.paid", pledge, title=pledge.campaign.title, yuan=yuan(order["amount_fen"])
    )
    if pledge.campaign.state is not CampaignState.OPEN or (late and pledge.kind is PledgeKind.ADOPTION):
        await give_back(None, pledge, TOO_LATE)


async def _refuse_payment(paid: PaymentNotice | wechat_pay.Order, order_id: int, pledge: Pledge) -> None:
    """Money that does not fit its order is left where it is for a human to look at; said once.

    The order goes on as if nothing had been paid, so in the end the clock closes it.
    """
    log.error("paid, but not what was ordered", order=order_id, amount_fen=paid.amount_fen)
    verb = "pledge.payment_refused"
    if not await Event.exists(subject_kind=pledge.noun(), subject_id=pledge.id, verb=verb):
        await events.record(None, verb, pledge, amount_fen=paid.amount_fen)


# --- giving back ------------------------------------------------------------------------------------------------


async def give_back(actor: Actor | None, pledge: Pledge, words: str, *, reason: str | None = None) -> Refund:
    """Owe a giver all he paid, in the running transaction that holds the campaign and the pledge.

    Raises InvalidState unless the pledge is paid.
    """
    await pledge.move_to(PledgeState.REFUNDING)
    made = await db.row(
        "WITH o AS (UPDATE orders SET refund_reserved_fen = captured_fen WHERE pledge_id = $1 AND state = 'paid' "
        "RETURNING id, community_id, out_trade_no, captured_fen) "
        "INSERT INTO refunds (community_id, order_id, number, out_refund_no, amount_fen, reason, state, tries) "
        "SELECT community_id, id, n, out_trade_no || '-R' || n, captured_fen, $2, 'requested', 0 FROM o, LATERAL "
        "(SELECT count(*) + 1 AS n FROM refunds WHERE order_id = o.id) AS number RETURNING id",
        pledge.id,
        words,
    )
    assert made is not None, "a paid pledge has a paid order"  # noqa: S101
    refund = await Refund.get(id=made["id"])
    await events.record(actor, "pledge.refunding", pledge, reason=reason, refund_id=refund.id)
    await ledger.post(
        pledge.community_id,
        debit=Purse(AccountKind.CAMPAIGN, pledge.campaign_id),
        credit=REFUNDS,
        amount_fen=refund.amount_fen,
        cause=refund,
        leg=Leg.SET_ASIDE,
    )
    return refund


OWED = """
SELECT p.id FROM pledges p JOIN orders o ON o.pledge_id = p.id JOIN refunds r ON r.order_id = o.id
WHERE p.campaign_id = $1 AND p.state = 'paid' AND r.state = 'closed' GROUP BY p.id ORDER BY p.id LIMIT 10
"""


async def still_owed(campaign_id: int) -> list[int]:
    """The first 10 pledges of a campaign whose refund WeChat has closed and nobody has asked for again."""
    return [row["id"] for row in await db.rows(OWED, campaign_id)]


async def was_refused(pledge_id: int) -> bool:
    """Whether WeChat has ever closed a refund of this pledge."""
    return await Refund.exists(order__pledge_id=pledge_id, state=RefundState.CLOSED)


GIVE_ALL_BACK = """
WITH due AS (
    SELECT o.id, o.community_id, o.out_trade_no, o.captured_fen, p.id AS pledge_id
    FROM pledges p JOIN orders o ON o.pledge_id = p.id AND o.state = 'paid'
    WHERE p.campaign_id = $1 AND p.state = 'paid' ORDER BY p.id FOR NO KEY UPDATE OF p, o
), reserved AS (
    UPDATE orders SET refund_reserved_fen = captured_fen WHERE id IN (SELECT id FROM due)
), moved AS (
    UPDATE pledges SET state = 'refunding' WHERE id IN (SELECT pledge_id FROM due)
), made AS (
    INSERT INTO refunds (community_id, order_id, number, out_refund_no, amount_fen, reason, state, tries)
    SELECT community_id, id, n, out_trade_no || '-R' || n, captured_fen, $2, 'requested', 0
    FROM due, LATERAL (SELECT count(*) + 1 AS n FROM refunds WHERE order_id = due.id) AS number
    RETURNING amount_fen
)
SELECT coalesce(sum(amount_fen), 0)::bigint FROM made
"""


async def give_all_back(campaign: Campaign, words: str) -> int:
    """Owe every giver of a campaign all he paid, in the transaction that ended it; the sum in fen.

    One transfer sets the whole sum aside; each refund is then bound by its own order.
    """
    owed: int = await db.value(GIVE_ALL_BACK, campaign.id, words)
    if owed:
        await ledger.post(
            campaign.community_id,
            debit=Purse(AccountKind.CAMPAIGN, campaign.id),
            credit=REFUNDS,
            amount_fen=owed,
            cause=campaign,
            leg=Leg.SET_ASIDE,
        )
    return owed


LOCK_REFUND = """
SELECT r.id, r.amount_fen, o.id AS order_id, o.pledge_id
FROM refunds r JOIN orders o ON o.id = r.order_id JOIN pledges p ON p.id = o.pledge_id
WHERE r.out_refund_no = $1 FOR NO KEY UPDATE OF p, o, r
"""
HEARD_AS = {
    "SUCCESS": RefundState.SUCCEEDED,
    "PROCESSING": RefundState.PROCESSING,
    "ABNORMAL": RefundState.ABNORMAL,
    "CLOSED": RefundState.CLOSED,
}


@atomic()
async def conclude_refund(said: RefundNotice | wechat_pay.Refund) -> None:
    """Follow what WeChat says of a refund, once, however often it says so; what comes out of order changes nothing.

    Succeeded: the money leaves the fund. Closed: it returns to the campaign, and a human must look. Abnormal: it
    waits for a human.
    """
    await _conclude_refund(said)


async def _conclude_refund(said: RefundNotice | wechat_pay.Refund) -> None:
    found = await db.row(LOCK_REFUND, said.out_refund_no)
    if found is None:
        log.warning("refunded, but no refund of ours", out_refund_no=said.out_refund_no)
        return
    refund = await Refund.get(id=found["id"])
    heard = HEARD_AS[said.status]
    if heard not in refund.FLOW[refund.state]:
        return
    if said.refund_fen != refund.amount_fen:
        log.error("another sum was refunded than asked", refund=refund.id, refund_fen=said.refund_fen)
        return
    await refund.move_to(heard, refund_id=said.refund_id)
    pledge = await Pledge.get(id=found["pledge_id"]).select_related("campaign")
    if heard is RefundState.SUCCEEDED:
        await _went_back(refund, pledge)
    elif heard is RefundState.CLOSED:
        await _was_refused(refund, pledge)
    elif heard is RefundState.ABNORMAL:
        log.error("refund needs a human", refund=refund.id, state=heard.value)
        await events.record(None, "pledge.refund_abnormal", pledge, refund_id=refund.id)


async def _went_back(refund: Refund, pledge: Pledge) -> None:
    await pledge.move_to(PledgeState.REFUNDED)
    await events.record(None, "pledge.refunded", pledge, refund_id=refund.id, amount_fen=refund.amount_fen)
    await notifications.tell(
        [pledge.giver_id], "pledge.refunded", pledge, title=pledge.campaign.title, yuan=yuan(refund.amount_fen)
    )
    await ledger.post(  # last: every refund of the community waits for this account
        refund.community_id,
        debit=REFUNDS,
        credit=CLEARING,
        amount_fen=refund.amount_fen,
        cause=refund,
        leg=Leg.REFUNDED,
    )


async def _was_refused(refund: Refund, pledge: Pledge) -> None:
    log.error("refund needs a human", refund=refund.id, state=refund.state.value)
    await db.execute(
        "UPDATE orders SET refund_reserved_fen = refund_reserved_fen - $2 WHERE id = $1",
        refund.order_id,
        refund.amount_fen,
    )
    await pledge.move_to(PledgeState.PAID)
    await events.record(None, "pledge.refund_closed", pledge, refund_id=refund.id)
    await ledger.post(
        refund.community_id,
        debit=REFUNDS,
        credit=Purse(AccountKind.CAMPAIGN, pledge.campaign_id),
        amount_fen=refund.amount_fen,
        cause=refund,
        leg=Leg.RETURNED,
    )


# --- asking again -----------------------------------------------------------------------------------------------


# Whoever asks takes the row for as long as asking may take: three calls of 10 s, and then our own transaction. No other
# worker asks meanwhile, and a row whose worker died is asked about when the minute is over.
LEASE = "clock_now() + interval '60 seconds'"
ORDERS_DUE = f"""
SELECT id FROM orders WHERE state IN ('created', 'prepaid') AND next_query_at <= clock_now()
ORDER BY next_query_at LIMIT {AT_ONCE}
"""
TAKE_ORDER = f"""
UPDATE orders SET queries = least(queries + 1, 100), next_query_at = {LEASE}
WHERE id = $1 AND state IN ('created', 'prepaid') AND next_query_at <= clock_now()
RETURNING out_trade_no, expires_at <= clock_now() AS over
"""
ORDER_AGAIN = f"""
UPDATE orders SET next_query_at = CASE WHEN expires_at <= clock_now() THEN clock_now() + interval '30 seconds'
    ELSE least(clock_now() + {PATIENCE.format(tries="queries")}, expires_at) END
WHERE id = $1 AND state IN ('created', 'prepaid')
"""
REFUNDS_DUE = f"""
SELECT id FROM refunds WHERE state IN ('requested', 'processing', 'abnormal') AND next_try_at <= clock_now()
ORDER BY next_try_at LIMIT {AT_ONCE}
"""
TAKE_REFUND = f"""
UPDATE refunds SET tries = least(tries + 1, 10000), next_try_at = {LEASE}
WHERE id = $1 AND state IN ('requested', 'processing', 'abnormal') AND next_try_at <= clock_now() RETURNING id
"""
REFUND_AGAIN = f"""
UPDATE refunds SET next_try_at = clock_now() + {PATIENCE.format(tries="tries")}
WHERE id = $1 AND state IN ('requested', 'processing', 'abnormal')
"""


async def follow_orders(pay: WechatPay) -> int:
    """Ask WeChat about unpaid orders whose turn it is: capture what was paid, close what is over; how many."""
    due = [int(row["id"]) for row in await db.rows(ORDERS_DUE)]
    await one_by_one(due, partial(_follow_order, pay))
    return len(due)


async def _follow_order(pay: WechatPay, order_id: int) -> None:
    taken = await db.row(TAKE_ORDER, order_id)
    if taken is None:
        return
    try:
        await _ask_order(pay, order_id, **taken)
    except GatewayError as error:
        log.warning("order outcome unknown", order=order_id, error=str(error))
    await db.execute(ORDER_AGAIN, order_id)


async def _ask_order(pay: WechatPay, order_id: int, *, out_trade_no: str, over: bool) -> None:
    state = await _look(pay, out_trade_no)
    if not over:
        return
    if state not in PAID_THERE and not await pay.close(out_trade_no):
        state = await _look(pay, out_trade_no)  # it was paid or closed in between, or nobody knows
        if state not in (*PAID_THERE, "CLOSED", None):
            return
    await _expire(order_id)


async def _look(pay: WechatPay, out_trade_no: str) -> str | None:
    """The state in which WeChat knows the order, None if it does not; what was paid is captured."""
    found = await pay.query(out_trade_no)
    if found is not None and found.state in PAID_THERE:
        await capture(found)
    return found.state if found is not None else None


@atomic()
async def _expire(order_id: int) -> None:
    """Close an order that is over; nothing happens to one that was paid."""
    order = await Order.get(id=order_id)
    pledge = await Pledge.filter(id=order.pledge_id).select_for_update(no_key=True).get()
    if await Order.filter(id=order_id, state__in=UNPAID).update(state=OrderState.CLOSED, next_query_at=None):
        await pledge.fetch_related("campaign")
        await pledge.move_to(PledgeState.EXPIRED)
        await events.record(None, "pledge.expired", pledge)
        await notifications.tell([pledge.giver_id], "pledge.expired", pledge, title=pledge.campaign.title)


async def follow_refunds(pay: WechatPay) -> int:
    """Send refunds that are owed, and ask about those under way; how many.

    An unknown outcome and a merchant account that holds too little are tried again under the same number.
    """
    due = [int(row["id"]) for row in await db.rows(REFUNDS_DUE)]
    await one_by_one(due, partial(_follow_refund, pay))
    return len(due)


async def _follow_refund(pay: WechatPay, refund_id: int) -> None:
    if await db.value(TAKE_REFUND, refund_id) is None:
        return
    refund = await Refund.get(id=refund_id).select_related("order")
    try:
        await conclude_refund(await _ask_refund(pay, refund))
    except PayError as error:
        log.error("refund refused", refund=refund.id, code=error.code, request_id=error.request_id)
    except GatewayError as error:
        log.warning("refund outcome unknown", refund=refund.id, error=str(error))
    await db.execute(REFUND_AGAIN, refund_id)


async def _ask_refund(pay: WechatPay, refund: Refund) -> wechat_pay.Refund:
    if refund.state is not RefundState.REQUESTED:
        known = await pay.query_refund(refund.out_refund_no)
        if known is not None:
            return known
    return await pay.refund(
        out_trade_no=refund.order.out_trade_no,
        out_refund_no=refund.out_refund_no,
        refund_fen=refund.amount_fen,
        total_fen=refund.order.amount_fen,
        reason=refund.reason,
    )
