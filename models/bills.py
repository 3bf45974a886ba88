"""WeChat Pay's daily bills, and where they differ from our books."""

from enum import StrEnum

from tortoise import fields

from models.base import NOW, RESTRICT, Record
from models.payments import Order


class BillState(StrEnum):
    AWAITED = "awaited"
    COMPARED = "compared"


class BillSource(StrEnum):
    TRADE = "trade"
    FUND_FLOW = "fund_flow"


class DifferenceKind(StrEnum):
    """What is wrong with a payment or a refund; `fee` is what WeChat kept of a community's money, and not wrong."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    DOUBLED = "doubled"
    WRONG_AMOUNT = "wrong_amount"
    UNKNOWN_ORDER = "unknown_order"
    REFUNDED_OUTSIDE = "refunded_outside"
    FEE = "fee"


class Bill(Record):
    """Both bills of a day of Shanghai, trade and fund flow, and what they came to. No hash: nothing happened there."""

    bill_date = fields.DateField()
    state = fields.CharEnumField(BillState, max_length=16, default=BillState.AWAITED)
    trade_sha1 = fields.CharField(40, null=True)
    fund_flow_sha1 = fields.CharField(40, null=True)
    trade_rows = fields.IntField(default=0)
    fund_flow_rows = fields.IntField(default=0)
    paid_fen = fields.BigIntField(default=0)
    refunded_fen = fields.BigIntField(default=0)
    fee_fen = fields.BigIntField(default=0)
    tries = fields.SmallIntField(default=0)
    next_try_at = fields.DatetimeField(db_default=NOW)
    compared_at = fields.DatetimeField(null=True)

    class Meta:
        table = "bills"


class BillDifference(Record):
    """One payment or refund on which a bill and our books do not agree, to the fen; stays until a human settles it.

    `number` is ours (out_trade_no, out_refund_no) or, where we know none, WeChat's. One that belongs to no order of
    ours belongs to no community.
    """

    bill: fields.ForeignKeyRelation[Bill] = fields.ForeignKeyField("models.Bill", "differences", on_delete=RESTRICT)
    bill_id: int
    community_id = fields.BigIntField(null=True)
    source = fields.CharEnumField(BillSource, max_length=16)
    kind = fields.CharEnumField(DifferenceKind, max_length=20)
    number = fields.CharField(64)
    order: fields.ForeignKeyNullableRelation[Order] = fields.ForeignKeyField(
        "models.Order", "differences", on_delete=RESTRICT, null=True
    )
    order_id: int | None
    ours_fen = fields.BigIntField()
    theirs_fen = fields.BigIntField()
    settled_at = fields.DatetimeField(null=True)
    settled_reason = fields.TextField(null=True)

    class Meta:
        table = "bill_differences"
