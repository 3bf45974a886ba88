"""The books recomputed from their rows: each question finds what must not be."""

from decimal import Decimal
from typing import Any

from app.core import db
from services.ledger.books import RAISED_BY

# The last refund of an order `o`, and whether WeChat has closed it: then its giver is still owed.
LAST = "(SELECT r.{0} FROM refunds r WHERE r.order_id = o.id ORDER BY r.number DESC LIMIT 1)"
CLOSED = f"{LAST.format('state')} = 'closed'"
# The transfer by which a slip `s` moves what it says; setting aside comes before it.
MOVES = """leg = CASE s.kind WHEN 'gift' THEN 'capture' WHEN 'hand_back' THEN 'refunded' WHEN 'match' THEN 'matched'
    ELSE leg END AND (s.kind <> 'correction' OR corrects_id = s.transfer_id)"""

# Each question finds what must not be; its sentence says so of the row found.
QUESTIONS: dict[str, str] = {
    "transfer {id} ({leg} of {source_kind} {source_id}) goes from {debit} to {credit}": """
        SELECT t.id, t.leg, t.source_kind, t.source_id, d.kind AS debit, c.kind AS credit
        FROM transfers t JOIN accounts d ON d.id = t.debit_account_id JOIN accounts c ON c.id = t.credit_account_id
        WHERE (t.leg, t.source_kind, d.kind, c.kind) NOT IN (
            ('capture', 'pledge', 'wechat_clearing', 'campaign'), ('set_aside', 'campaign', 'campaign', 'refunds'),
            ('set_aside', 'refund', 'campaign', 'refunds'), ('returned', 'refund', 'refunds', 'campaign'),
            ('refunded', 'refund', 'refunds', 'wechat_clearing'), ('received', 'pledge', 'in_kind_givers', 'in_kind'),
            ('spent', 'expense', 'campaign', 'expenses'), ('spent', 'expense', 'general', 'expenses'),
            ('surplus', 'campaign', 'campaign', 'general'), ('surplus', 'campaign', 'campaign', 'campaign'),
            ('capture', 'slip', 'cash', 'campaign'), ('capture', 'slip', 'cash', 'general'),
            ('capture', 'slip', 'bank', 'campaign'), ('capture', 'slip', 'bank', 'general'),
            ('set_aside', 'slip', 'campaign', 'refunds'), ('set_aside', 'slip', 'general', 'refunds'),
            ('refunded', 'slip', 'refunds', 'cash'), ('refunded', 'slip', 'refunds', 'bank'),
            ('matched', 'slip', 'matching_receivable', 'campaign'),
            ('counter_capture', 'slip', 'campaign', 'cash'), ('counter_capture', 'slip', 'general', 'cash'),
            ('counter_capture', 'slip', 'campaign', 'bank'), ('counter_capture', 'slip', 'general', 'bank'),
            ('counter_matched', 'slip', 'campaign', 'matching_receivable'),
            ('counter_received', 'slip', 'in_kind', 'in_kind_givers'),
            ('counter_spent', 'slip', 'expenses', 'campaign'), ('counter_spent', 'slip', 'expenses', 'general'),
            ('returned', 'slip', 'refunds', 'campaign'))""",
    "transfer {id} ({leg}) undoes transfer {corrects_id}, but is not its mirror image": """
        SELECT t.id, t.leg, t.corrects_id FROM transfers t JOIN transfers o ON o.id = t.corrects_id
        WHERE (t.debit_account_id, t.credit_account_id, t.amount_fen, t.leg)
            <> (o.credit_account_id, o.debit_account_id, o.amount_fen, 'counter_' || o.leg)""",
    "slip {id} ({kind}) is {state}, but {posted} of {amount_fen} fen moved through the ledger": f"""
        SELECT * FROM (
            SELECT s.id, s.kind, s.state, s.amount_fen, coalesce((SELECT sum(amount_fen) FROM transfers
                WHERE source_kind = 'slip' AND source_id = s.id AND {MOVES}), 0) AS posted
            FROM slips s) b
        WHERE posted <> CASE WHEN state IN ('entered', 'declined') THEN 0 ELSE amount_fen END""",
    "transfer {id} moves money for slip {source_id}, which does not exist": """
        SELECT id, source_id FROM transfers t WHERE source_kind = 'slip'
            AND NOT EXISTS (SELECT 1 FROM slips WHERE id = t.source_id)""",
    "slip {id} ({kind}) is {state} without two different signatures": """
        SELECT id, kind, state FROM slips WHERE state NOT IN ('entered', 'declined')
            AND (decided_by_id IS NULL OR decided_by_id = entered_by_id)""",
    "slip {id} ({kind}) is {state}, but what it is about is {other}": """
        SELECT s.id, s.kind, s.state, g.state AS other FROM slips s JOIN slips g ON g.id = s.gift_id
        WHERE s.state = 'posted' AND g.state <> 'refunded'
        UNION ALL
        SELECT s.id, s.kind, s.state, o.state FROM slips s JOIN transfers t ON t.id = s.transfer_id
            JOIN slips o ON t.source_kind = 'slip' AND o.id = t.source_id
        WHERE s.state = 'posted' AND o.state <> 'corrected'""",
    "match {id} of {unit} was paid {paid} fen, its cap is {cap_fen} fen": """
        SELECT * FROM (
            SELECT m.id, m.unit, m.cap_fen, coalesce((SELECT sum(amount_fen) FROM slips
                WHERE match_id = m.id AND state = 'posted'), 0) AS paid
            FROM matches m) b
        WHERE paid > cap_fen""",
    "campaign {id} holds {held} fen, {reserved} fen are kept for givers until its use changes": """
        SELECT * FROM (
            SELECT u.campaign_id AS id,
                coalesce((SELECT sum(amount_fen) FROM transfers WHERE credit_account_id = a.id), 0)
                - coalesce((SELECT sum(amount_fen) FROM transfers WHERE debit_account_id = a.id), 0) AS held,
                u.amount_fen - coalesce((SELECT sum(amount_fen) FROM refunds
                    WHERE use_change_id = u.id AND state <> 'closed'), 0) AS reserved
            FROM use_changes u JOIN accounts a ON a.campaign_id = u.campaign_id WHERE u.state = 'announced') b
        WHERE held < reserved""",
    "refund {id} is {state} after {tries} tries": """
        SELECT id, state, tries FROM refunds WHERE state IN ('requested', 'processing', 'abnormal') AND tries > 100""",
    "pledge {id} is {state} with {under_way} refunds under way and {left_fen} fen left": """
        SELECT * FROM (
            SELECT p.id, p.state, o.captured_fen - o.refund_reserved_fen AS left_fen, (SELECT count(*) FROM refunds r
                WHERE r.order_id = o.id AND r.state IN ('requested', 'processing', 'abnormal')) AS under_way
            FROM pledges p JOIN orders o ON o.pledge_id = p.id AND o.state = 'paid') b
        WHERE (state, under_way, left_fen = 0)
            NOT IN (('paid', 0, false), ('refunding', 1, false), ('refunding', 1, true), ('refunded', 0, true))""",
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
            FULL JOIN (SELECT source_id, amount_fen FROM transfers o WHERE leg = 'received'
                AND NOT EXISTS (SELECT 1 FROM transfers c WHERE c.corrects_id = o.id)) t ON t.source_id = p.id) b
        WHERE given <> posted""",
    "sale item {id}: {taken} of {quantity} are taken, {held} by pledges": """
        SELECT * FROM (
            SELECT s.id, s.taken, s.quantity, coalesce((SELECT sum(p.quantity) FROM pledges p
                WHERE p.sale_item_id = s.id AND NOT p.late
                    AND p.state IN ('awaiting_payment', 'paid', 'refunding')), 0) AS held
            FROM sale_items s) b
        WHERE taken <> held OR taken > quantity""",
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
                    AND r.state IN ('requested', 'processing', 'abnormal')), 0)
                + coalesce((SELECT sum(amount_fen) FROM slips s WHERE s.community_id = a.community_id
                    AND s.kind = 'gift' AND s.state = 'refunding'), 0) AS owed
            FROM accounts a WHERE a.kind = 'refunds') b
        WHERE held <> owed""",
    "campaign {id} raised {raised_fen} fen by the ledger, {captured_fen} fen by its orders and slips": f"""
        SELECT b.campaign_id AS id, b.raised_fen, b.captured_fen FROM (
            SELECT r.*, coalesce((SELECT sum(o.captured_fen - o.refund_reserved_fen) FROM orders o
                JOIN pledges p ON p.id = o.pledge_id WHERE p.campaign_id = r.campaign_id), 0)
                + coalesce((SELECT sum(amount_fen) FROM slips WHERE campaign_id = r.campaign_id AND kind = 'gift'
                    AND state = 'posted'), 0) AS captured_fen
            FROM ({RAISED_BY} WHERE a.kind = 'campaign' GROUP BY a.campaign_id) r) b
        WHERE raised_fen <> captured_fen""",
    "campaign {id} is {state}, but {kept} fen were not set aside for refunds": f"""
        SELECT * FROM (
            SELECT c.id, c.state, coalesce((SELECT sum(o.captured_fen - o.refund_reserved_fen) FROM orders o
                JOIN pledges p ON p.id = o.pledge_id
                WHERE p.campaign_id = c.id AND p.state <> 'refunding' AND NOT coalesce({CLOSED}, false)), 0)
                + coalesce((SELECT sum(amount_fen) FROM slips WHERE campaign_id = c.id AND kind = 'gift'
                    AND state = 'posted'), 0) AS kept
            FROM campaigns c WHERE c.state IN ('failed', 'cancelled')) b
        WHERE kept <> 0""",
    "pledge {id} is owed {owed} fen: WeChat closed its refund and campaign {campaign_id} is {state}": f"""
        SELECT p.id, least({LAST.format("amount_fen")}, o.captured_fen - o.refund_reserved_fen) AS owed, p.campaign_id,
            c.state
        FROM pledges p JOIN orders o ON o.pledge_id = p.id AND o.state = 'paid' JOIN campaigns c ON c.id = p.campaign_id
        WHERE p.state = 'paid' AND c.state <> 'open' AND {CLOSED}""",
    "campaign {id} is {state} and has given {surplus} fen to the general fund": """
        SELECT c.id, c.state, t.amount_fen AS surplus FROM transfers t JOIN campaigns c ON c.id = t.source_id
        WHERE t.leg = 'surplus' AND c.state <> 'settled'""",
    "campaign {id} is settled, but holds {held} fen, of which {owed} fen are owed to givers": f"""
        SELECT * FROM (
            SELECT a.campaign_id AS id,
                coalesce((SELECT sum(amount_fen) FROM transfers WHERE credit_account_id = a.id), 0)
                - coalesce((SELECT sum(amount_fen) FROM transfers WHERE debit_account_id = a.id), 0) AS held,
                coalesce((SELECT sum(least({LAST.format("amount_fen")}, o.captured_fen - o.refund_reserved_fen))
                    FROM orders o JOIN pledges p ON p.id = o.pledge_id
                    WHERE p.campaign_id = a.campaign_id AND p.state = 'paid' AND {CLOSED}), 0) AS owed
            FROM accounts a JOIN campaigns c ON c.id = a.campaign_id WHERE c.state = 'settled') b
        WHERE held <> owed""",
}


def _whole(value: object) -> object:
    """A sum of fen as a number without an exponent: PostgreSQL adds bigints up to numeric."""
    return int(value) if isinstance(value, Decimal) else value


async def check_books() -> list[str]:
    """Recompute the books from their rows; a sentence for everything that is not as it must be, none when all is."""
    found: list[str] = []
    for sentence, question in QUESTIONS.items():
        rows: list[dict[str, Any]] = await db.rows(f"{question} LIMIT 100")
        found += [sentence.format(**{name: _whole(value) for name, value in row.items()}) for row in rows]
    return found
