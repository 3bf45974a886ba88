"""Taking in: money that WeChat has received is captured once, however often and by whichever way we hear of it."""

import structlog

from app.core import clock, db
from app.core.db import atomic
from app.gateways import wechat_pay
from app.gateways.wechat_pay import Notification, PaymentNotice
from models.crowdfunding import CampaignState, Pledge, PledgeKind, PledgeState
from models.events import Event
from models.ledger import AccountKind, Leg
from models.payments import OrderState
from services import events, ledger, notifications
from services.ledger import Purse
from services.payments.refunds import conclude_refund, give_back
from services.payments.terms import CLEARING
from services.rules.tables import yuan

HEARD_KEPT_DAYS = 30

log = structlog.stdlib.get_logger("linli.payments")

# What a giver reads in WeChat beside his refund.
TOO_LATE = "付款到账时项目已结束，全额退回"


async def hear(said: Notification) -> None:
    """Take in a notification that has been proved; the same one again, or one about nothing of ours, does nothing.

    One that does not fit its order or refund is not counted as heard.
    """
    if not (isinstance(said, PaymentNotice) and await _captured_at_once(said)):
        await _hear(said)


# What almost always is so, in one round trip: an order that waits is paid in full, by whom it is for, and the campaign
# is open. It locks what LOCK_ORDER locks; anything else is left as it is, for `_hear`.
AT_ONCE = f"""
WITH held AS MATERIALIZED (
    SELECT o.id AS order_id, o.community_id, o.amount_fen, o.openid, o.state, p.id AS pledge_id, p.giver_id,
        p.state AS pledge_state, p.campaign_id, c.state AS campaign_state, c.title
    FROM orders o JOIN pledges p ON p.id = o.pledge_id JOIN campaigns c ON c.id = p.campaign_id
    WHERE o.out_trade_no = $1 FOR SHARE OF c FOR NO KEY UPDATE OF p, o
), heard AS (
    INSERT INTO wechat_inbox (provider, event_id)
    SELECT 'wechat_pay', $2 FROM held WHERE state IN ('created', 'prepaid') AND pledge_state = 'awaiting_payment'
        AND campaign_state = 'open' AND amount_fen = $3 AND openid = $4
    ON CONFLICT ON CONSTRAINT wechat_inbox_once DO NOTHING RETURNING id
), taken AS MATERIALIZED (
    SELECT * FROM held WHERE EXISTS (SELECT 1 FROM heard)
), ordered AS (
    UPDATE orders o SET state = 'paid', transaction_id = $5, paid_at = $6, captured_fen = o.amount_fen,
        next_query_at = NULL
    FROM taken t WHERE o.id = t.order_id
), pledged AS (
    UPDATE pledges p SET state = 'paid' FROM taken t WHERE p.id = t.pledge_id
), posted AS (
    {ledger.CAPTURE}
), recorded AS (
    INSERT INTO events (verb, subject_kind, subject_id, community_id, facts)
    SELECT 'pledge.paid', 'pledge', pledge_id, community_id,
        jsonb_build_object('from', pledge_state, 'state', 'paid', 'amount_fen', amount_fen) FROM taken
), told AS (
    INSERT INTO notices (resident_id, kind, subject_kind, subject_id, params)
    SELECT giver_id, 'pledge.paid', 'pledge', pledge_id,
        jsonb_build_object('title', title, 'yuan', amount_fen / 100 || '.' || lpad((amount_fen % 100)::text, 2, '0'))
    FROM taken RETURNING id, resident_id
), owed AS (
    INSERT INTO deliveries (resident_id, notice_id, template, state, due_at)
    SELECT told.resident_id, told.id, $7::text, 'waiting', clock_now() FROM told
    JOIN residents r ON r.id = told.resident_id AND r.openid IS NOT NULL WHERE $7::text IS NOT NULL
)
SELECT id FROM posted
"""


async def _captured_at_once(said: PaymentNotice) -> bool:
    if not said.transaction_id:
        return False
    try:
        posted = await db.value(
            AT_ONCE,
            said.out_trade_no,
            said.notification_id,
            said.amount_fen,
            said.openid,
            said.transaction_id,
            said.success_at,
            notifications.template_of("pledge.paid"),
        )
    except db.TRANSIENT:
        return False  # `_hear` tries again
    return posted is not None


@atomic()
async def _hear(said: Notification) -> None:
    if await db.value(HEARD, said.notification_id):
        return
    fits = await (_capture(said) if isinstance(said, PaymentNotice) else conclude_refund(said))
    if fits:
        await db.execute(KEEP_HEARD, said.notification_id)


HEARD = "SELECT 1 FROM wechat_inbox WHERE provider = 'wechat_pay' AND event_id = $1"
KEEP_HEARD = """
INSERT INTO wechat_inbox (provider, event_id) VALUES ('wechat_pay', $1)
ON CONFLICT ON CONSTRAINT wechat_inbox_once DO NOTHING
"""


async def forget_old_news() -> None:
    """Forget which notifications were heard 30 days ago, 10,000 at a time, at most a million.

    WeChat repeats one for a day; whoever repeats it later finds an order or refund that waits for nothing any more.
    """
    for _ in range(100):
        gone = await db.execute(
            "DELETE FROM wechat_inbox WHERE id IN (SELECT id FROM wechat_inbox ORDER BY id LIMIT 10000) "
            f"AND created_at < clock_now() - interval '{HEARD_KEPT_DAYS} days'"
        )
        if gone < 10_000:
            return


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


async def _capture(paid: PaymentNotice | wechat_pay.Order) -> bool:
    """As `capture`; False when it does not fit its order."""
    order = await db.row(LOCK_ORDER, paid.out_trade_no)
    if order is None:
        log.warning("paid, but no order of ours", out_trade_no=paid.out_trade_no)
        return True
    if order["state"] == OrderState.PAID:
        return True
    pledge = await Pledge.get(id=order["pledge_id"]).select_related("campaign")
    if (paid.amount_fen, paid.openid) != (order["amount_fen"], order["openid"]) or not paid.transaction_id:
        await _refuse_payment(paid, order["id"], pledge)
        return False
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
    if pledge.campaign.state is not CampaignState.OPEN or (late and _is_taken(pledge)):
        await give_back(None, pledge, TOO_LATE)
    return True


def _is_taken(pledge: Pledge) -> bool:
    """Whether somebody else may have what this was to pay for, now that its order has expired."""
    return pledge.kind is PledgeKind.ADOPTION or pledge.sale_item_id is not None


async def _refuse_payment(paid: PaymentNotice | wechat_pay.Order, order_id: int, pledge: Pledge) -> None:
    """Money that does not fit its order is left where it is for a human to look at; said once.

    The order goes on as if nothing had been paid, so in the end the clock closes it.
    """
    log.error("paid, but not what was ordered", order=order_id, amount_fen=paid.amount_fen)
    verb = "pledge.payment_refused"
    if not await Event.exists(subject_kind=pledge.noun(), subject_id=pledge.id, verb=verb):
        await events.record(None, verb, pledge, amount_fen=paid.amount_fen)
