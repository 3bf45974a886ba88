"""Paying: an order of 15 minutes, what the giver's telephone needs, and asking WeChat what became of it.

WeChat is only ever called between transactions.
"""

import secrets
from datetime import datetime, timedelta
from functools import partial

import structlog

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Unavailable
from app.gateways.errors import GatewayError, PayError, PayUnknown
from app.gateways.wechat_pay import WechatPay
from models.base import Moderation
from models.crowdfunding import CampaignState, Pledge, PledgeState
from models.payments import Order, OrderState
from services import events, notifications
from services.due import one_by_one
from services.payments.captures import capture
from services.payments.terms import AT_ONCE, LEASE

log = structlog.stdlib.get_logger("linli.payments")

ORDER_LIVES = timedelta(minutes=15)
FIRST_QUERY_AFTER = timedelta(seconds=5)
REFUSED = (
    "认捐已记录，但微信支付没有受理这笔订单，暂时无法付款，请联系居委会",
    "The pledge is noted, but WeChat Pay refuses its order, so it cannot be paid; please ask the committee",
)
UNPAID = (OrderState.CREATED, OrderState.PREPAID)
PAID_THERE = ("SUCCESS", "REFUND")
# Asked so many seconds after the order was made, and once more when it is over.
ASKED_AT = "(ARRAY[5, 30, 60, 180, 300, 600, 1800])[least(queries + 1, 7)] * interval '1 second'"


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

    Raises Unavailable when WeChat refuses the order for good; whoever is only `looking` is told None again.

    Calls WeChat: prepay with the order's own parameters, as often as needed, since the same number with the same
    parameters is the same order. Whoever is only `looking` may do so as often as he likes: WeChat is asked once in 5 s,
    first whether it was paid in the meantime, and then it is captured.
    """
    order = await Order.get_or_none(pledge_id=pledge_id).select_related("pledge__campaign")
    if order is None or order.state not in UNPAID or order.expires_at <= await clock.now():
        return None
    campaign = order.pledge.campaign
    if campaign.state is not CampaignState.OPEN or campaign.moderation is not Moderation.PASSED:
        return None  # it was called off or hidden meanwhile; money for what is over is sent back when it comes
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
        if looking:
            return None
        raise Unavailable(*REFUSED, retry_after=None) from None
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
    ELSE least(greatest(created_at + {ASKED_AT}, clock_now() + interval '5 seconds'), expires_at) END
WHERE id = $1 AND state IN ('created', 'prepaid')
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
