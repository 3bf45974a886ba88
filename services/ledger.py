"""The books of each community's fund: what one account gives another receives. `post` is the only writer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import db
from app.core.pages import Listed, Page, cut
from models.base import Record
from models.ledger import AccountKind, Leg


@dataclass(frozen=True)
class Purse:
    """An account of a fund by what it is; `campaign_id` for a campaign's own."""

    kind: AccountKind
    campaign_id: int | None = None


@dataclass(frozen=True)
class TransferLine:
    """One line of the public ledger. It names pledges, never residents."""

    id: int
    debit: str
    debit_campaign_id: int | None
    credit: str
    credit_campaign_id: int | None
    amount_fen: int
    source_kind: str
    source_id: int
    leg: str
    pledge_id: int | None
    expense_id: int | None
    created_at: datetime


@dataclass(frozen=True)
class Fund:
    """What a community's fund holds, in fen; balance = what came in less what went out of each kind of account."""

    community_id: int
    balances: dict[AccountKind, int]
    received_fen: int
    refunded_fen: int
    spent_fen: int
    in_kind_fen: int


@dataclass(frozen=True)
class StatementLine:
    """One kind of account over a month, in fen."""

    kind: AccountKind
    opening_fen: int
    in_fen: int
    out_fen: int
    closing_fen: int


async def open_accounts(community_id: int, campaign_id: int) -> None:
    """Make the fund's accounts, where they are not there yet, and the campaign's own."""
    await db.execute(
        "INSERT INTO accounts (community_id, kind, campaign_id) "
        "SELECT $1, kind, CASE kind WHEN 'campaign' THEN $2::bigint END FROM unnest($3::text[]) AS kind "
        "ON CONFLICT (community_id, kind, coalesce(campaign_id, 0)) DO NOTHING",
        community_id,
        campaign_id,
        [kind.value for kind in AccountKind],
    )


PURSE = "SELECT id FROM accounts WHERE community_id = $1 AND kind = $2 AND coalesce(campaign_id, 0) = coalesce($3, 0)"
POST = f"""
INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, leg)
VALUES ($1, ({PURSE}), ({PURSE.replace("$3", "$5").replace("$2", "$4")}), $6, $7, $8, $9) RETURNING id
"""


async def post(community_id: int, *, debit: Purse, credit: Purse, amount_fen: int, cause: Record, leg: Leg) -> int:
    """Move money from the debit to the credit account, once per cause and leg; the transfer's id.

    Money coming from outside locks nothing; any other debit account stays locked until the transaction ends, so post
    late in it. The database refuses, and `tx()` raises: NotEnough when the debit account holds less, AlreadyExists
    when this leg of the cause was posted before.
    """
    posted: int = await db.value(
        POST,
        community_id,
        debit.kind.value,
        debit.campaign_id,
        credit.kind.value,
        credit.campaign_id,
        amount_fen,
        cause.noun(),
        cause.id,
        leg.value,
    )
    return posted


BALANCE = """
SELECT (SELECT coalesce(sum(amount_fen), 0) FROM transfers WHERE credit_account_id = $1)
    - (SELECT coalesce(sum(amount_fen), 0) FROM transfers WHERE debit_account_id = $1) AS fen
"""


async def balance(community_id: int, purse: Purse) -> int:
    """What an account holds, in fen."""
    account_id = await db.value(PURSE, community_id, purse.kind.value, purse.campaign_id)
    return int(await db.value(BALANCE, account_id))


# What a transfer `t` adds to what was raised: captured money less refunds. Goods and surplus are not raised.
RAISED = """
coalesce(sum(CASE WHEN t.leg IN ('capture', 'returned') THEN t.amount_fen
    WHEN t.leg = 'set_aside' THEN -t.amount_fen END), 0)::bigint
"""
RAISED_BY = f"""
SELECT a.campaign_id, {RAISED} AS raised_fen FROM accounts a LEFT JOIN LATERAL (
    SELECT leg, amount_fen FROM transfers WHERE credit_account_id = a.id
    UNION ALL SELECT leg, amount_fen FROM transfers WHERE debit_account_id = a.id
) t ON true
"""


async def raised(campaign_ids: list[int]) -> dict[int, int]:
    """What each campaign has raised, in fen: captured money less refunds."""
    found = await db.rows(f"{RAISED_BY} WHERE a.campaign_id = ANY ($1::bigint[]) GROUP BY a.campaign_id", campaign_ids)
    return {row["campaign_id"]: row["raised_fen"] for row in found}


BALANCES = """
SELECT a.kind, coalesce(sum(moved.fen), 0)::bigint AS fen FROM accounts a
LEFT JOIN LATERAL (
    SELECT sum(amount_fen) AS fen FROM transfers WHERE credit_account_id = a.id
    UNION ALL SELECT -sum(amount_fen) FROM transfers WHERE debit_account_id = a.id
) moved ON true
WHERE a.community_id = $1 GROUP BY a.kind
"""
TOTALS = """
SELECT leg, sum(amount_fen)::bigint AS fen FROM transfers WHERE community_id = $1 GROUP BY leg
"""


async def fund(community_id: int) -> Fund:
    """The balances and totals of a community's fund; public."""
    found = {row["kind"]: row["fen"] for row in await db.rows(BALANCES, community_id)}
    legs = {row["leg"]: row["fen"] for row in await db.rows(TOTALS, community_id)}
    balances = {kind: int(found.get(kind.value, 0)) for kind in AccountKind}
    return Fund(
        community_id=community_id,
        balances=balances,
        received_fen=legs.get(Leg.CAPTURE, 0),
        refunded_fen=legs.get(Leg.REFUNDED, 0),
        spent_fen=balances[AccountKind.EXPENSES],
        in_kind_fen=balances[AccountKind.IN_KIND],
    )


TRANSFERS = """
SELECT t.id, d.kind AS debit, d.campaign_id AS debit_campaign_id, c.kind AS credit, c.campaign_id AS credit_campaign_id,
    t.amount_fen, t.source_kind, t.source_id, t.leg,
    CASE t.source_kind WHEN 'pledge' THEN t.source_id WHEN 'refund' THEN o.pledge_id END AS pledge_id,
    CASE t.source_kind WHEN 'expense' THEN t.source_id END AS expense_id, t.created_at
FROM transfers t JOIN accounts d ON d.id = t.debit_account_id JOIN accounts c ON c.id = t.credit_account_id
LEFT JOIN refunds r ON t.source_kind = 'refund' AND r.id = t.source_id LEFT JOIN orders o ON o.id = r.order_id
WHERE t.community_id = $1 AND ($2::bigint IS NULL OR t.id < $2) ORDER BY t.id DESC LIMIT $3
"""


async def transfers(community_id: int, *, page: Page) -> Listed[TransferLine]:
    """The public ledger of a community, newest first."""
    after = page.after[0] if page.after else None
    found = await db.rows(TRANSFERS, community_id, after, page.limit + 1)
    return cut([TransferLine(**row) for row in found], page)


STATEMENT = """
SELECT a.kind,
    coalesce(sum(m.fen) FILTER (WHERE m.at < $2), 0)::bigint AS opening_fen,
    coalesce(sum(m.fen) FILTER (WHERE m.at >= $2 AND m.fen > 0), 0)::bigint AS in_fen,
    coalesce(-sum(m.fen) FILTER (WHERE m.at >= $2 AND m.fen < 0), 0)::bigint AS out_fen,
    coalesce(sum(m.fen), 0)::bigint AS closing_fen
FROM accounts a LEFT JOIN LATERAL (
    SELECT amount_fen AS fen, created_at AS at FROM transfers WHERE credit_account_id = a.id AND created_at < $3
    UNION ALL
    SELECT -amount_fen, created_at FROM transfers WHERE debit_account_id = a.id AND created_at < $3
) m ON true
WHERE a.community_id = $1 GROUP BY a.kind ORDER BY a.kind
"""


async def statement(community_id: int, *, begins_at: datetime, ends_at: datetime) -> list[StatementLine]:
    """Each kind of account over a period: what it held, what came in and went out, what it holds at the end."""
    found = await db.rows(STATEMENT, community_id, begins_at, ends_at)
    return [StatementLine(**row | {"kind": AccountKind(row["kind"])}) for row in found]


# Each question finds what must not be; its sentence says so of the row found.
QUESTIONS: dict[str, str] = {
    "transfer {id} ({leg} of {source_kind} {source_id}) goes from {debit} to {credit}": """
        SELECT t.id, t.leg, t.source_kind, t.source_id, d.kind AS debit, c.kind AS credit
        FROM transfers t JOIN accounts d ON d.id = t.debit_account_id JOIN accounts c ON c.id = t.credit_account_id
        WHERE (t.leg, t.source_kind, d.kind, c.kind) NOT IN (
            ('capture', 'pledge', 'wechat_clearing', 'campaign'), ('set_aside', 'campaign', 'campaign', 'refunds'),
            ('set_aside', 'refund', 'campaign', 'refunds'), ('returned', 'refund', 'refunds', 'campaign'),
            ('refunded', 'refund', 'refunds', 'wechat_clearing'), ('received', 'pledge', 'in_kind_givers', 'in_kind'),
            ('surplus', 'campaign', 'campaign', 'general'),
            ('spent', 'expense', 'campaign', 'expenses'), ('spent', 'expense', 'general', 'expenses'))""",
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
