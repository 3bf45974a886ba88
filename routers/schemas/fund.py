"""Shapes of a community's fund: balances, the public ledger, a month's statement. Money is in fen."""

from models.ledger import AccountKind, Leg
from routers.schemas.base import Moment, Shape, examples


class FundOut(Shape):
    """What a community's fund holds by kind of account, and its totals."""

    model_config = examples(
        {
            "community_id": 4,
            "balances": {
                "wechat_clearing": -45000,
                "bank": 0,
                "cash": 0,
                "matching_receivable": 0,
                "in_kind_givers": -12000,
                "general": 0,
                "campaign": 45000,
                "in_kind": 12000,
                "refunds": 0,
                "expenses": 0,
            },
            "received_fen": 50000,
            "refunded_fen": 5000,
            "spent_fen": 0,
            "in_kind_fen": 12000,
            "matched_fen": 0,
        }
    )

    community_id: int
    balances: dict[AccountKind, int]
    received_fen: int
    refunded_fen: int
    spent_fen: int
    in_kind_fen: int
    matched_fen: int


class TransferOut(Shape):
    """A line of the public ledger: money moved from the debit to the credit account.

    `corrects_id` is the transfer that it undoes, `corrected_by_id` the one that has undone it.
    """

    model_config = examples(
        {
            "id": 31,
            "debit": "wechat_clearing",
            "debit_campaign_id": None,
            "credit": "campaign",
            "credit_campaign_id": 8,
            "amount_fen": 5000,
            "source_kind": "pledge",
            "source_id": 21,
            "leg": "capture",
            "corrects_id": None,
            "corrected_by_id": None,
            "pledge_id": 21,
            "expense_id": None,
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    debit: AccountKind
    debit_campaign_id: int | None
    credit: AccountKind
    credit_campaign_id: int | None
    amount_fen: int
    source_kind: str
    source_id: int
    leg: Leg
    corrects_id: int | None
    corrected_by_id: int | None
    pledge_id: int | None
    expense_id: int | None
    created_at: Moment


class StatementLineOut(Shape):
    """One kind of account over a month."""

    kind: AccountKind
    opening_fen: int
    in_fen: int
    out_fen: int
    closing_fen: int


class CampaignLineOut(Shape):
    """A campaign's own account over a month."""

    campaign_id: int
    opening_fen: int
    in_fen: int
    out_fen: int
    closing_fen: int


class StatementOut(Shape):
    """The fund over a calendar month."""

    model_config = examples(
        {
            "community_id": 4,
            "month": "2026-11",
            "accounts": [
                {"kind": "campaign", "opening_fen": 0, "in_fen": 50000, "out_fen": 5000, "closing_fen": 45000}
            ],
            "campaigns": [{"campaign_id": 8, "opening_fen": 0, "in_fen": 50000, "out_fen": 5000, "closing_fen": 45000}],
        }
    )

    community_id: int
    month: str
    accounts: list[StatementLineOut]
    campaigns: list[CampaignLineOut]
