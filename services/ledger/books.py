"""Accounts and transfers between them. `post` is the only writer."""

from dataclasses import dataclass

from app.core import db
from models.base import Record
from models.ledger import AccountKind, Leg


@dataclass(frozen=True)
class Purse:
    """An account of a fund by what it is; `campaign_id` for a campaign's own."""

    kind: AccountKind
    campaign_id: int | None = None


async def open_accounts(community_id: int, campaign_id: int | None = None) -> None:
    """Make the fund's accounts, where they are not there yet, and the campaign's own."""
    await db.execute(
        "INSERT INTO accounts (community_id, kind, campaign_id) "
        "SELECT $1, kind, CASE kind WHEN 'campaign' THEN $2::bigint END FROM unnest($3::text[]) AS kind "
        "ON CONFLICT (community_id, kind, coalesce(campaign_id, 0)) DO NOTHING",
        community_id,
        campaign_id,
        [kind.value for kind in AccountKind if kind is not AccountKind.CAMPAIGN or campaign_id is not None],
    )


PURSE = "SELECT id FROM accounts WHERE community_id = $1 AND kind = $2 AND coalesce(campaign_id, 0) = coalesce($3, 0)"
POST = f"""
INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, leg,
    corrects_id)
VALUES ($1, ({PURSE}), ({PURSE.replace("$3", "$5").replace("$2", "$4")}), $6, $7, $8, $9, $10) RETURNING id
"""


async def post(
    community_id: int,
    *,
    debit: Purse,
    credit: Purse,
    amount_fen: int,
    cause: Record,
    leg: Leg,
    corrects_id: int | None = None,
) -> int:
    """Move money from the debit to the credit account, once per cause and leg; the transfer's id.

    Money coming from outside locks nothing; any other debit account stays locked until the transaction ends, so post
    late in it. A mistake is undone by the mirror image of the transfer that `corrects_id` names. The database refuses,
    and `tx()` raises: NotEnough when the debit account holds less, KeptForGivers when what is left must stay there,
    AlreadyExists when this leg of the cause was posted before.
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
        corrects_id,
    )
    return posted


# The same as `post`, for captures inside a larger statement: one transfer for each row of `taken` (community_id,
# campaign_id, pledge_id, amount_fen). Money in from outside: nothing is locked.
CAPTURE = """
INSERT INTO transfers (community_id, debit_account_id, credit_account_id, amount_fen, source_kind, source_id, leg)
SELECT t.community_id, d.id, c.id, t.amount_fen, 'pledge', t.pledge_id, 'capture' FROM taken t
JOIN accounts d ON (d.community_id, d.kind, coalesce(d.campaign_id, 0)) = (t.community_id, 'wechat_clearing', 0)
JOIN accounts c ON (c.community_id, c.kind, coalesce(c.campaign_id, 0)) = (t.community_id, 'campaign', t.campaign_id)
RETURNING id
"""


BALANCE = """
SELECT (SELECT coalesce(sum(amount_fen), 0) FROM transfers WHERE credit_account_id = $1)
    - (SELECT coalesce(sum(amount_fen), 0) FROM transfers WHERE debit_account_id = $1) AS fen
"""


async def balance(community_id: int, purse: Purse) -> int:
    """What an account holds, in fen."""
    account_id = await db.value(PURSE, community_id, purse.kind.value, purse.campaign_id)
    return int(await db.value(BALANCE, account_id))


# What a transfer `t` adds to what was raised: captured money less refunds. Goods, matches and surplus are not raised.
RAISED = """
coalesce(sum(CASE WHEN t.leg IN ('capture', 'returned') THEN t.amount_fen
    WHEN t.leg IN ('set_aside', 'counter_capture') THEN -t.amount_fen END), 0)::bigint
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
