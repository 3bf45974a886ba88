"""What everybody may read of the books: balances, the public ledger, a month's statement. All follow from transfers."""

from dataclasses import dataclass
from datetime import datetime

from app.core import db
from app.core.pages import Listed, Page, cut
from models.ledger import AccountKind, Leg


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
    corrects_id: int | None
    corrected_by_id: int | None
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
    matched_fen: int


@dataclass(frozen=True)
class StatementLine:
    """One kind of account over a month, in fen."""

    kind: AccountKind
    opening_fen: int
    in_fen: int
    out_fen: int
    closing_fen: int


# One pass over the two covering indexes: what each kind of account received and gave, by leg.
MOVED = """
SELECT a.kind, m.leg, coalesce(sum(m.came), 0)::bigint AS came, coalesce(sum(m.went), 0)::bigint AS went
FROM accounts a LEFT JOIN LATERAL (
    SELECT leg, sum(amount_fen) AS came, 0 AS went FROM transfers WHERE credit_account_id = a.id GROUP BY leg
    UNION ALL
    SELECT leg, 0, sum(amount_fen) FROM transfers WHERE debit_account_id = a.id GROUP BY leg
) m ON true
WHERE a.community_id = $1 GROUP BY a.kind, m.leg
"""


async def fund(community_id: int) -> Fund:
    """The balances and totals of a community's fund; public."""
    balances, legs = dict.fromkeys(AccountKind, 0), dict.fromkeys(Leg, 0)
    for line in await db.rows(MOVED, community_id):
        balances[AccountKind(line["kind"])] += line["came"] - line["went"]
        if line["leg"] is not None:
            legs[Leg(line["leg"])] += line["came"]
    return Fund(
        community_id=community_id,
        balances=balances,
        received_fen=legs[Leg.CAPTURE] - legs[Leg.COUNTER_CAPTURE],
        refunded_fen=legs[Leg.REFUNDED],
        spent_fen=balances[AccountKind.EXPENSES],
        in_kind_fen=balances[AccountKind.IN_KIND],
        matched_fen=legs[Leg.MATCHED] - legs[Leg.COUNTER_MATCHED],
    )


TRANSFERS = """
SELECT t.id, d.kind AS debit, d.campaign_id AS debit_campaign_id, c.kind AS credit, c.campaign_id AS credit_campaign_id,
    t.amount_fen, t.source_kind, t.source_id, t.leg, t.corrects_id, x.id AS corrected_by_id,
    CASE t.source_kind WHEN 'pledge' THEN t.source_id WHEN 'refund' THEN o.pledge_id END AS pledge_id,
    CASE t.source_kind WHEN 'expense' THEN t.source_id END AS expense_id, t.created_at
FROM transfers t JOIN accounts d ON d.id = t.debit_account_id JOIN accounts c ON c.id = t.credit_account_id
LEFT JOIN refunds r ON t.source_kind = 'refund' AND r.id = t.source_id LEFT JOIN orders o ON o.id = r.order_id
LEFT JOIN transfers x ON x.corrects_id = t.id
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
