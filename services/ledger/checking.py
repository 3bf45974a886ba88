"""The books recomputed from their rows: each question finds what must not be."""

from typing import Any

from app.core import db
from services.ledger.books import RAISED_BY

# Each question finds what must not be; its sentence says so of the row found.
QUESTIONS: dict[str, str] = {
    "transfer {id} ({leg} of {source_kind} {source_id}) goes from {debit} to {credit}": """
        SELECT t.id, t.leg, t.source_kind, t.source_id, d.kind AS debit, c.kind AS credit
        FROM transfers t JOIN accounts d ON d.id = t.debit_account_id JOIN accounts c ON c.id = t.credit_account_id
        WHERE (t.leg, t.source_kind, d.kind, c.kind) NOT IN (
            ('capture', 'pledge', 'wechat_clearing', 'campaign'), ('set_aside', 'campaign', 'campaign', 'refunds'),
            ('set_aside', 'refund', 'campaign', 'refunds'), ('returned', 'refund', 'refunds', 'campaign'),
            ('refunded', 'refund', 'refunds', 'wechat_clearing'), ('received', 'pledge', 'in_kind_givers', 'in_kind'),
            ('surplus', 'campaign', 'campaign', 'general'))""",
    "account {id} ({kind}) is below zero: {fen} fen": """
        SELECT * FROM (
            SELECT a.id, a.kind,
                coalesce((SELECT sum(amount_fen) FROM transfers WHERE credit_account_id = a.id), 0)
                - coalesce((SELECT sum(amount_fen) FROM transfers WHERE debit_account_id = a.id), 0) AS fen
            FROM accounts a
            WHERE kind NOT IN ('wechat_clearing', 'bank', 'cash', 'matching_receivable', 'in_kind_givers')) b
        WHERE fen < 0""",
    "pledge {id}: {captured} fen captured, {posted} fen in the ledger": """
        SELECT * FROM (
            SELECT p.id, coalesce((SELECT sum(captured_fen) FROM orders WHERE pledge_id = p.id), 0) AS captured,
                coalesce((SELECT sum(amount_fen) FROM transfers
                    WHERE source_kind = 'pledge' AND source_id = p.id AND leg = 'capture'), 0) AS posted
            FROM pledges p) b
        WHERE captured <> posted""",
    "transfer {id} captures for pledge {source_id}, which does not exist": """
        SELECT id, source_id FROM transfers t WHERE source_kind = 'pledge' AND leg = 'capture'
            AND NOT EXISTS (SELECT 1 FROM orders WHERE pledge_id = t.source_id AND captured_fen > 0)""",
    "pledge {id} is {state} but its order is not paid, or the other way round": """
        SELECT p.id, p.state FROM pledges p WHERE (p.state IN ('paid', 'refunding', 'refunded'))
            <> EXISTS (SELECT 1 FROM orders WHERE pledge_id = p.id AND state = 'paid')""",
    "pledge {id} is {state} but its order does not wait for a payment, or the other way round": """
        SELECT p.id, p.state FROM pledges p WHERE (p.state = 'awaiting_payment')
            <> EXISTS (SELECT 1 FROM orders WHERE pledge_id = p.id AND state IN ('created', 'prepaid'))""",
    "pledge {id}: {given} fen received in kind, {posted} fen in the ledger": """
        SELECT * FROM (
            SELECT coalesce(p.id, t.source_id) AS id, coalesce(p.amount_fen, 0) AS given,
                coalesce(t.amount_fen, 0) AS posted
            FROM (SELECT id, amount_fen FROM pledges WHERE kind = 'in_kind' AND state = 'received') p
            FULL JOIN (SELECT source_id, amount_fen FROM transfers WHERE leg = 'received') t ON t.source_id = p.id) b
        WHERE given <> posted""",
    "order {id}: {reserved} fen reserved for refunds, {asked} fen asked": """
        SELECT * FROM (
            SELECT o.id, o.refund_reserved_fen AS reserved,
                coalesce((SELECT sum(amount_fen) FROM refunds WHERE order_id = o.id AND state <> 'closed'), 0) AS asked
            FROM orders o) b
        WHERE reserved <> asked""",
    "refund {id} is {state}, but {posted} of {amount_fen} fen went back through the ledger": """
        SELECT * FROM (
            SELECT r.id, r.state, r.amount_fen, coalesce((SELECT sum(amount_fen) FROM transfers
                WHERE source_kind = 'refund' AND source_id = r.id AND leg = 'refunded'), 0) AS posted
            FROM refunds r) b
        WHERE posted <> CASE state WHEN 'succeeded' THEN amount_fen ELSE 0 END""",
    "the refunds account of community {community_id} holds {held} fen, {owed} fen are owed": """
        SELECT * FROM (
            SELECT a.community_id,
                coalesce((SELECT sum(amount_fen) FROM transfers WHERE credit_account_id = a.id), 0)
                - coalesce((SELECT sum(amount_fen) FROM transfers WHERE debit_account_id = a.id), 0) AS held,
                coalesce((SELECT sum(amount_fen) FROM refunds r WHERE r.community_id = a.community_id
                    AND r.state IN ('requested', 'processing', 'abnormal')), 0) AS owed
            FROM accounts a WHERE a.kind = 'refunds') b
        WHERE held <> owed""",
    "campaign {id} raised {raised_fen} fen by the ledger, {captured_fen} fen by its orders": f"""
        SELECT b.campaign_id AS id, b.raised_fen, b.captured_fen FROM (
            SELECT r.*, coalesce((SELECT sum(o.captured_fen - o.refund_reserved_fen) FROM orders o
                JOIN pledges p ON p.id = o.pledge_id WHERE p.campaign_id = r.campaign_id), 0) AS captured_fen
            FROM ({RAISED_BY} WHERE a.kind = 'campaign' GROUP BY a.campaign_id) r) b
        WHERE raised_fen <> captured_fen""",
    "campaign {id} is {state}, but {kept} fen were not set aside for refunds": """
        SELECT * FROM (
            SELECT c.id, c.state, (SELECT sum(o.captured_fen - o.refund_reserved_fen) FROM orders o
                JOIN pledges p ON p.id = o.pledge_id WHERE p.campaign_id = c.id
                AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = o.id AND r.state = 'closed')) AS kept
            FROM campaigns c WHERE c.state IN ('failed', 'cancelled')) b
        WHERE kept <> 0""",
    "pledge {id} is owed {captured_fen} fen: WeChat closed its refund and campaign {campaign_id} is {state}": """
        SELECT p.id, o.captured_fen, p.campaign_id, c.state
        FROM pledges p JOIN orders o ON o.pledge_id = p.id AND o.state = 'paid' JOIN campaigns c ON c.id = p.campaign_id
        WHERE p.state = 'paid' AND c.state <> 'open'
            AND EXISTS (SELECT 1 FROM refunds r WHERE r.order_id = o.id AND r.state = 'closed')""",
    "campaign {id} is {state} and has given {surplus} fen to the general fund": """
        SELECT c.id, c.state, t.amount_fen AS surplus FROM transfers t JOIN campaigns c ON c.id = t.source_id
        WHERE t.leg = 'surplus' AND c.state <> 'settled'""",
    "campaign {id} is settled, but holds {held} fen, of which {owed} fen are owed to givers": """
        SELECT * FROM (
            SELECT a.campaign_id AS id,
                coalesce((SELECT sum(amount_fen) FROM transfers WHERE credit_account_id = a.id), 0)
                - coalesce((SELECT sum(amount_fen) FROM transfers WHERE debit_account_id = a.id), 0) AS held,
                coalesce((SELECT sum(o.captured_fen) FROM orders o JOIN pledges p ON p.id = o.pledge_id
                    WHERE p.campaign_id = a.campaign_id AND p.state = 'paid' AND EXISTS (
                        SELECT 1 FROM refunds r WHERE r.order_id = o.id AND r.state = 'closed')), 0) AS owed
            FROM accounts a JOIN campaigns c ON c.id = a.campaign_id WHERE c.state = 'settled') b
        WHERE held <> owed""",
}


async def check_books() -> list[str]:
    """Recompute the books from their rows; a sentence for everything that is not as it must be, none when all is."""
    found: list[str] = []
    for sentence, question in QUESTIONS.items():
        rows: list[dict[str, Any]] = await db.rows(f"{question} LIMIT 100")
        found += [sentence.format(**row) for row in rows]
    return found
