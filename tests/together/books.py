"""A campaign with very many backers, made by SQL, as if each had pledged, and paid where that is wanted."""

from app.core import db
from models.crowdfunding import Campaign

PLEDGED = """
WITH p AS (
    INSERT INTO pledges (community_id, campaign_id, giver_id, kind, state, amount_fen, anonymous, moderation, late)
    SELECT c.community_id, c.id, r.id, 'money', 'awaiting_payment', 100 + n, true, 'passed', false
    FROM campaigns c, residents r, generate_series(1, $2::int) n WHERE c.id = $1 AND r.openid = 'lin'
    RETURNING id, community_id, amount_fen
)
INSERT INTO orders (community_id, pledge_id, out_trade_no, amount_fen, openid, description, state, expires_at,
    captured_fen, refund_reserved_fen, queries)
SELECT community_id, id, 'CF' || id, amount_fen, 'lin', '照明', 'created', clock_now() + interval '1 day', 0, 0, 0
FROM p
RETURNING pledge_id
"""
PAID_ORDERS = """
UPDATE orders SET state = 'paid', captured_fen = amount_fen, transaction_id = '42' || id, paid_at = clock_now(),
    next_query_at = NULL WHERE state = 'created'
"""
PAID_PLEDGES = "UPDATE pledges SET state = 'paid' WHERE state = 'awaiting_payment'"
CAPTURED = """
INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, leg)
SELECT p.community_id, d.id, c.id, p.amount_fen, 'pledge', p.id, 'capture' FROM pledges p
JOIN accounts d ON d.community_id = p.community_id AND d.kind = 'wechat_clearing'
JOIN accounts c ON c.campaign_id = p.campaign_id
WHERE p.campaign_id = $1
"""


MADE = """
INSERT INTO events (verb, actor_id, subject_kind, subject_id, community_id, facts)
SELECT 'pledge.made', giver_id, 'pledge', id, community_id,
    jsonb_build_object('state', 'awaiting_payment', 'kind', kind, 'amount_fen', amount_fen)
FROM pledges WHERE id = ANY ($1::bigint[])
"""
PAID_EVENTS = """
INSERT INTO events (verb, subject_kind, subject_id, community_id, facts)
SELECT 'pledge.paid', 'pledge', id, community_id,
    jsonb_build_object('from', 'awaiting_payment', 'state', 'paid', 'amount_fen', amount_fen)
FROM pledges WHERE campaign_id = $1
"""


async def pledged(campaign: Campaign, count: int) -> list[int]:
    """So many pledges of money with orders that wait, of 1.01 yuan and a fen more each; their ids."""
    async with db.tx(limit_s=120):
        made = [row["pledge_id"] for row in await db.rows(PLEDGED, campaign.id, count)]
        await db.execute(MADE, made)
        return made


async def backed(campaign: Campaign, count: int) -> None:
    """So many backers of a campaign that had none, paid and in the books."""
    await pledged(campaign, count)
    async with db.tx(limit_s=120):
        for statement in (PAID_ORDERS, PAID_PLEDGES):
            await db.execute(statement)
        for statement in (CAPTURED, PAID_EVENTS):
            await db.execute(statement, campaign.id)
