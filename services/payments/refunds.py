"""Giving back: refunds are owed in the transaction that caused them, and sent, asked about and followed afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from app.core import db
from app.core.db import atomic
from app.gateways import wechat_pay
from app.gateways.errors import GatewayError, PayError
from app.gateways.wechat_pay import RefundNotice, WechatPay
from models.crowdfunding import Campaign, CampaignState, Pledge, PledgeState
from models.ledger import AccountKind, Leg
from models.payments import Refund, RefundState, TooManyRefunds
from services import events, ledger, notifications
from services.due import one_by_one
from services.ledger import Purse
from services.payments.terms import AT_ONCE, CLEARING, LEASE, REFUNDS
from services.policies import Actor
from services.rules.tables import yuan

log = structlog.stdlib.get_logger("linli.payments")

# What a giver reads in WeChat beside his refund.
ASKED = "捐赠人申请退款"
CANCELLED = "项目已取消，全额退回"
FAILED = "项目未达到目标，全额退回"
USE_CHANGED = "款项用途变更，捐赠人选择退回"
BY_COMMITTEE = "居委会退回"
REFUNDS_ALL = {CampaignState.CANCELLED: CANCELLED, CampaignState.FAILED: FAILED}

# WeChat gives one payment back in at most 50 refunds. Parts stop before, so that whatever ends a campaign fits in.
REFUNDS_MAX, CLOSED_AGAIN_MAX, PARTS_MAX = 50, 40, 10

UNFINISHED = (RefundState.REQUESTED, RefundState.PROCESSING, RefundState.ABNORMAL)

# Ask again after so many seconds, the more often it was asked the later.
PATIENCE = "(ARRAY[5, 30, 60, 180, 300, 600, 1800])[least({tries}, 7)] * interval '1 second'"


GIVE_BACK = """
WITH due AS (
    SELECT id, community_id, out_trade_no, coalesce($3, captured_fen - refund_reserved_fen) AS fen
    FROM orders WHERE pledge_id = $1 AND state = 'paid' FOR NO KEY UPDATE
), reserved AS (
    UPDATE orders o SET refund_reserved_fen = refund_reserved_fen + due.fen FROM due WHERE o.id = due.id
)
INSERT INTO refunds (community_id, order_id, number, out_refund_no, amount_fen, reason, state, tries, use_change_id)
SELECT community_id, id, n, coalesce($5, out_trade_no || '-R' || n), fen, $2, 'requested', 0, $4
FROM due, LATERAL (SELECT count(*) + 1 AS n FROM refunds WHERE order_id = due.id) AS number RETURNING id
"""


async def give_back(
    actor: Actor | None,
    pledge: Pledge,
    words: str,
    *,
    amount_fen: int | None = None,
    number_max: int = REFUNDS_MAX,
    use_change_id: int | None = None,
    reason: str | None = None,
    out_refund_no: str | None = None,
) -> Refund:
    """Owe a giver `amount_fen`, or all that is left of what he paid, in the running transaction.

    That transaction holds the campaign. Raises InvalidState unless the pledge is paid, RefundTooLarge, NotEnough,
    TooManyRefunds beyond `number_max` refunds of one payment.
    """
    await pledge.move_to(PledgeState.REFUNDING)
    refund_id = await db.value(GIVE_BACK, pledge.id, words, amount_fen, use_change_id, out_refund_no)
    assert refund_id is not None, "a paid pledge has a paid order"  # noqa: S101
    refund = await Refund.get(id=refund_id)
    if refund.number > number_max:
        raise TooManyRefunds
    await events.record(
        actor, "pledge.refunding", pledge, reason=reason, refund_id=refund.id, amount_fen=refund.amount_fen
    )
    await ledger.post(
        pledge.community_id,
        debit=Purse(AccountKind.CAMPAIGN, pledge.campaign_id),
        credit=REFUNDS,
        amount_fen=refund.amount_fen,
        cause=refund,
        leg=Leg.SET_ASIDE,
    )
    return refund


LEFT = """
SELECT o.captured_fen - o.refund_reserved_fen AS left_fen,
    (SELECT CASE WHEN state = 'closed' THEN amount_fen END FROM refunds WHERE order_id = o.id
        ORDER BY number DESC LIMIT 1) AS refused_fen
FROM orders o WHERE o.pledge_id = $1 AND o.state = 'paid'
"""


async def left_of(pledge_id: int) -> tuple[int, int | None]:
    """What a giver's payment still holds, and the sum of its last refund if WeChat has closed that; in fen."""
    found = await db.row(LEFT, pledge_id)
    return (found["left_fen"], found["refused_fen"]) if found else (0, None)


async def refunded(pledge_ids: Sequence[int]) -> dict[int, int]:
    """What of each pledge was given back or is on its way, in fen."""
    found = await db.rows(
        "SELECT pledge_id AS id, refund_reserved_fen AS fen FROM orders "
        "WHERE pledge_id = ANY ($1::bigint[]) AND captured_fen > 0",
        pledge_ids,
    )
    return dict.fromkeys(pledge_ids, 0) | {line["id"]: line["fen"] for line in found}


# The last refund of an order `o` was closed by WeChat, so its giver is still owed.
WAS_CLOSED = """
'closed' = (SELECT r.state FROM refunds r WHERE r.order_id = o.id ORDER BY r.number DESC LIMIT 1)
"""
OWED = f"""
SELECT p.id FROM pledges p JOIN orders o ON o.pledge_id = p.id AND o.state = 'paid'
WHERE p.campaign_id = $1 AND p.state = 'paid' AND {WAS_CLOSED} ORDER BY p.id LIMIT 10
"""


async def still_owed(campaign_id: int) -> list[int]:
    """The first 10 pledges of a campaign whose refund WeChat has closed and nobody has asked for again."""
    return [row["id"] for row in await db.rows(OWED, campaign_id)]


GIVE_ALL_BACK = """
WITH due AS (
    SELECT o.id, o.community_id, o.out_trade_no, o.captured_fen - o.refund_reserved_fen AS fen, p.id AS pledge_id
    FROM pledges p JOIN orders o ON o.pledge_id = p.id AND o.state = 'paid'
    WHERE p.campaign_id = $1 AND p.state = 'paid' ORDER BY p.id FOR NO KEY UPDATE OF p, o
), reserved AS (
    UPDATE orders SET refund_reserved_fen = captured_fen WHERE id IN (SELECT id FROM due)
), moved AS (
    UPDATE pledges SET state = 'refunding' WHERE id IN (SELECT pledge_id FROM due)
), made AS (
    INSERT INTO refunds (community_id, order_id, number, out_refund_no, amount_fen, reason, state, tries)
    SELECT community_id, id, n, out_trade_no || '-R' || n, fen, $2, 'requested', 0
    FROM due, LATERAL (SELECT count(*) + 1 AS n FROM refunds WHERE order_id = due.id) AS number
    RETURNING amount_fen
), by_hand AS (
    UPDATE slips SET state = 'refunding' WHERE campaign_id = $1 AND kind = 'gift' AND state = 'posted'
    RETURNING amount_fen
)
SELECT (SELECT coalesce(sum(amount_fen), 0) FROM made)::bigint
    + (SELECT coalesce(sum(amount_fen), 0) FROM by_hand)::bigint
"""


async def give_all_back(campaign: Campaign, words: str) -> int:
    """Owe every giver of a campaign all he paid, in the transaction that ended it; the sum in fen.

    One transfer sets the whole sum aside; each refund is then bound by its own order. What came in cash or by bank is
    handed back by the committee.
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


@dataclass(frozen=True)
class Tally:
    """So many refunds, and what they come to."""

    refunds: int
    amount_fen: int


@dataclass(frozen=True)
class Progress:
    """How far the refunds of a campaign are; `by_hand` are the gifts in cash or by bank still to be handed back."""

    campaign_id: int
    total: Tally
    unfinished: int
    states: dict[RefundState, Tally]
    by_hand: Tally


PROGRESS = """
SELECT r.state, count(*) AS refunds, sum(r.amount_fen)::bigint AS amount_fen
FROM pledges p JOIN orders o ON o.pledge_id = p.id JOIN refunds r ON r.order_id = o.id
WHERE p.campaign_id = $1 GROUP BY r.state
UNION ALL
SELECT 'by_hand', count(*), coalesce(sum(amount_fen), 0)::bigint FROM slips
WHERE campaign_id = $1 AND kind = 'gift' AND state = 'refunding'
"""


async def progress(campaign_id: int) -> Progress:
    """How many refunds of a campaign are in which state, and what they come to."""
    found = {row.pop("state"): Tally(**row) for row in await db.rows(PROGRESS, campaign_id)}
    states = {state: found.get(state.value, Tally(0, 0)) for state in RefundState}
    return Progress(
        campaign_id=campaign_id,
        total=Tally(sum(t.refunds for t in states.values()), sum(t.amount_fen for t in states.values())),
        unfinished=sum(states[state].refunds for state in UNFINISHED),
        states=states,
        by_hand=found["by_hand"],
    )


# The campaign is held too, so that its closer sees a pledge either under way or with what is left of it.
LOCK_REFUND = """
SELECT r.id, r.amount_fen, o.id AS order_id, o.pledge_id
FROM refunds r JOIN orders o ON o.id = r.order_id JOIN pledges p ON p.id = o.pledge_id
    JOIN campaigns c ON c.id = p.campaign_id
WHERE r.out_refund_no = $1 FOR SHARE OF c FOR NO KEY UPDATE OF p, o, r
"""
# The bill of the day on which WeChat took a refund on will name it; a notification does not say when that was.
ACCEPTED = """
UPDATE refunds SET accepted_at = coalesce($2, accepted_at, clock_now())
WHERE id = $1 AND accepted_at IS DISTINCT FROM coalesce($2, accepted_at, clock_now())
"""
HEARD_AS = {
    "SUCCESS": RefundState.SUCCEEDED,
    "PROCESSING": RefundState.PROCESSING,
    "ABNORMAL": RefundState.ABNORMAL,
    "CLOSED": RefundState.CLOSED,
}


@atomic()
async def conclude_refund(said: RefundNotice | wechat_pay.Refund) -> bool:
    """Follow what WeChat says of a refund, once, however often it says so; what comes out of order changes nothing.

    Succeeded: the money leaves the fund. Closed: it returns to the campaign, and a human must look. Abnormal: it
    waits for a human. False when it is about another sum than was asked for.
    """
    found = await db.row(LOCK_REFUND, said.out_refund_no)
    if found is None:
        log.warning("refunded, but no refund of ours", out_refund_no=said.out_refund_no)
        return True
    accepted_at = said.accepted_at if isinstance(said, wechat_pay.Refund) else None
    await db.execute(ACCEPTED, found["id"], accepted_at)
    refund = await Refund.get(id=found["id"])
    heard = HEARD_AS[said.status]
    if heard not in refund.FLOW[refund.state]:
        return True
    if said.refund_fen != refund.amount_fen:
        log.error("another sum was refunded than asked", refund=refund.id, refund_fen=said.refund_fen)
        return False
    pledge = await Pledge.get(id=found["pledge_id"]).select_related("campaign")
    if heard is RefundState.CLOSED:
        await close_refund(refund, pledge, refund_id=said.refund_id)
        return True
    await refund.move_to(heard, refund_id=said.refund_id)
    if heard is RefundState.SUCCEEDED:
        await _went_back(refund, pledge)
    elif heard is RefundState.ABNORMAL:
        log.error("refund needs a human", refund=refund.id, state=heard.value)
        await events.record(None, "pledge.refund_abnormal", pledge, refund_id=refund.id)
    return True


async def _went_back(refund: Refund, pledge: Pledge) -> None:
    left_fen, _ = await left_of(pledge.id)
    await pledge.move_to(PledgeState.PAID if left_fen else PledgeState.REFUNDED)
    await events.record(None, "pledge.refunded", pledge, refund_id=refund.id, amount_fen=refund.amount_fen)
    await notifications.tell(
        [pledge.giver_id], "pledge.refunded", pledge, title=pledge.campaign.title, yuan=yuan(refund.amount_fen)
    )
    over = REFUNDS_ALL.get(pledge.campaign.state)
    if left_fen and over:  # a part was under way when all that was left became owed
        await give_back(None, pledge, over)
    await ledger.post(  # last: every refund of the community waits for this account
        refund.community_id,
        debit=REFUNDS,
        credit=CLEARING,
        amount_fen=refund.amount_fen,
        cause=refund,
        leg=Leg.REFUNDED,
    )


async def close_refund(refund: Refund, pledge: Pledge, **columns: str) -> None:
    """Give a refund up that WeChat does not make: the money returns to its campaign, in the running transaction."""
    await refund.move_to(RefundState.CLOSED, **columns)
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
