"""Shapes of WeChat Pay's daily bills against the fund. Money is in fen."""

from datetime import date

from models.bills import BillSource, BillState, DifferenceKind
from routers.schemas.base import Moment, Shape, examples


class DifferenceOut(Shape):
    """A payment or refund on which a bill of WeChat Pay and our books do not agree; of kind `fee`: what WeChat kept.

    `number` is the merchant's number of the payment or refund.
    """

    id: int
    source: BillSource
    kind: DifferenceKind
    number: str
    pledge_id: int | None
    ours_fen: int
    theirs_fen: int
    settled_at: Moment | None
    settled_reason: str | None


class DayOfBillsOut(Shape):
    """A day's bills: the community's first 100 differences, and how many there are."""

    model_config = examples(
        {
            "id": 12,
            "bill_date": "2026-11-22",
            "state": "compared",
            "compared_at": "2026-11-23T10:30:00+08:00",
            "differences_total": 1,
            "differences": [
                {
                    "id": 3,
                    "source": "trade",
                    "kind": "wrong_amount",
                    "number": "CF261122101500a1b2c3d4e5f6",
                    "pledge_id": 21,
                    "ours_fen": 5000,
                    "theirs_fen": 5001,
                    "settled_at": None,
                    "settled_reason": None,
                }
            ],
        }
    )

    id: int
    bill_date: date
    state: BillState
    compared_at: Moment | None
    differences_total: int
    differences: list[DifferenceOut]
