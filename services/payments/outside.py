"""What was given back in the merchant's console, past the application, taken into the books as a refund of ours."""

import structlog

from app.core import db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from app.gateways import wechat_pay
from app.gateways.wechat_pay import WechatPay
from models.bills import BillDifference, DifferenceKind
from models.crowdfunding import Pledge, PledgeState
from models.payments import Refund, RefundState
from services.payments.reconciliation import settle_difference
from services.payments.refunds import BY_COMMITTEE, UNFINISHED, close_refund, conclude_refund, give_back, left_of

log = structlog.stdlib.get_logger("linli.payments")


async def book_refund(pay: WechatPay, difference_id: int, reason: str) -> Refund:
    """Take a refund that a bill names `refunded_outside` into the books, once WeChat says that it arrived.

    A refund of ours that fits no more beside it, which WeChat refuses for ever, is closed, and what its giver is still
    owed is asked for anew. Raises NotFound, Invalid before it has arrived, InvalidState while another refund of the
    same payment is under way, NotEnough when the campaign has spent the money.
    """
    found = await BillDifference.get_or_none(id=difference_id, kind=DifferenceKind.REFUNDED_OUTSIDE, settled_at=None)
    said = await pay.query_refund(found.number) if found else None
    if found is None or said is None:
        raise NotFound("没有这笔账外退款", "No such refund made outside")
    if said.status != "SUCCESS":
        raise Invalid("微信尚未退回这笔款项", f"WeChat says that this refund is {said.status}")
    return await _book(found, said, reason)


# What of a payment went back outside and is not in the books yet, as the bills that name it say.
OUTSIDE = """
SELECT sum(theirs_fen)::bigint FROM bill_differences
WHERE order_id = $1 AND source = $2 AND kind = 'refunded_outside' AND settled_at IS NULL
"""
LOCK = """
SELECT p.id FROM orders o JOIN pledges p ON p.id = o.pledge_id JOIN campaigns c ON c.id = p.campaign_id
WHERE o.id = $1 FOR SHARE OF c FOR NO KEY UPDATE OF p, o
"""


@atomic()
async def _book(found: BillDifference, said: wechat_pay.Refund, reason: str) -> Refund:
    pledge = await Pledge.get(id=await db.value(LOCK, found.order_id))
    outside_fen = await db.value(OUTSIDE, found.order_id, found.source.value)
    await settle_difference(found.id, reason)
    owed_fen = 0
    last = await Refund.filter(order_id=found.order_id).order_by("-number").first()
    left_fen, _ = await left_of(pledge.id)
    if last is not None and last.state in UNFINISHED:
        if last.state is not RefundState.REQUESTED or outside_fen <= left_fen:
            raise InvalidState(PledgeState.REFUNDING)
        await close_refund(last, pledge)
        owed_fen = last.amount_fen - outside_fen
    made = await give_back(None, pledge, BY_COMMITTEE, amount_fen=said.refund_fen, out_refund_no=said.out_refund_no)
    await conclude_refund(said)
    await pledge.refresh_from_db()
    if last is not None and owed_fen > 0 and pledge.state is PledgeState.PAID:
        await give_back(None, pledge, last.reason, amount_fen=owed_fen, use_change_id=last.use_change_id)
    log.info("refund made outside taken in", refund=made.id, difference=found.id)
    return made
