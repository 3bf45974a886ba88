"""What WeChat Pay is asked for and has told: orders, refunds, and the notifications already heard."""

from enum import StrEnum

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, refuses
from models.base import NOW, RESTRICT, Record, Stateful
from models.crowdfunding import Pledge


class OrderState(StrEnum):
    CREATED = "created"
    PREPAID = "prepaid"
    PAID = "paid"
    CLOSED = "closed"


class RefundState(StrEnum):
    REQUESTED = "requested"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    ABNORMAL = "abnormal"
    CLOSED = "closed"


class RefundTooLarge(Conflict):
    code, zh, en = "refund_too_large", "退款超过了实收金额", "More would be refunded than was received"


class TooManyRefunds(Conflict):
    code = "too_many_refunds"
    zh = "这笔捐款部分退款的次数已满，请一次退回全部余额"
    en = "This was given back in parts too often; take back all that is left"


class RefundsOwed(Conflict):
    code = "refunds_owed"
    zh = "有退款被微信关闭，请先重新退款"
    en = "WeChat has closed refunds of this campaign; ask for them again first"


refuses("orders_refunds_within_captured", RefundTooLarge)
refuses("refunds_at_most_fifty", TooManyRefunds)
refuses("orders_transaction_once", AlreadyExists)
refuses("refunds_once_per_change", AlreadyExists)
refuses("orders_one_capture_per_pledge", AlreadyExists)


class Order(Stateful):
    """One attempt to pay a pledge, under one number for ever; its parameters never change, so prepay can be repeated.

    `next_query_at` is when WeChat is asked next; null once there is nothing more to ask. `looked_at` is when its giver
    last had WeChat asked.
    """

    FLOW = {
        OrderState.CREATED: {OrderState.PREPAID, OrderState.PAID, OrderState.CLOSED},
        OrderState.PREPAID: {OrderState.PAID, OrderState.CLOSED},
        OrderState.CLOSED: {OrderState.PAID},
        OrderState.PAID: set(),
    }

    community_id = fields.BigIntField()
    pledge: fields.ForeignKeyRelation[Pledge] = fields.ForeignKeyField("models.Pledge", "orders", on_delete=RESTRICT)
    pledge_id: int
    out_trade_no = fields.CharField(32)
    amount_fen = fields.BigIntField()
    openid = fields.CharField(64)
    description = fields.CharField(127)
    state = fields.CharEnumField(OrderState, max_length=16, default=OrderState.CREATED)
    expires_at = fields.DatetimeField()
    prepay_id = fields.CharField(64, null=True)
    transaction_id = fields.CharField(64, null=True)
    paid_at = fields.DatetimeField(null=True)
    captured_fen = fields.BigIntField(default=0)
    refund_reserved_fen = fields.BigIntField(default=0)
    queries = fields.SmallIntField(default=0)
    next_query_at = fields.DatetimeField(null=True, db_default=NOW)
    looked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "orders"


class Refund(Stateful):
    """Money on its way back to a giver, under a number fixed before WeChat is first asked.

    `accepted_at` is when WeChat took it on.
    """

    FLOW = {
        RefundState.REQUESTED: {
            RefundState.PROCESSING,
            RefundState.SUCCEEDED,
            RefundState.ABNORMAL,
            RefundState.CLOSED,
        },
        RefundState.PROCESSING: {RefundState.SUCCEEDED, RefundState.ABNORMAL, RefundState.CLOSED},
        RefundState.ABNORMAL: {RefundState.SUCCEEDED, RefundState.CLOSED},
        RefundState.SUCCEEDED: set(),
        RefundState.CLOSED: set(),
    }

    community_id = fields.BigIntField()
    order: fields.ForeignKeyRelation[Order] = fields.ForeignKeyField("models.Order", "refunds", on_delete=RESTRICT)
    order_id: int
    number = fields.SmallIntField()
    out_refund_no = fields.CharField(64)
    amount_fen = fields.BigIntField()
    reason = fields.CharField(80)
    state = fields.CharEnumField(RefundState, max_length=16, default=RefundState.REQUESTED)
    refund_id = fields.CharField(64, null=True)
    tries = fields.SmallIntField(default=0)
    next_try_at = fields.DatetimeField(db_default=NOW)
    accepted_at = fields.DatetimeField(null=True)
    use_change_id = fields.BigIntField(null=True)
    """The change of use because of which the giver took it back."""

    class Meta:
        table = "refunds"


class Heard(Record):
    """A notification that has been handled; WeChat tells everything several times."""

    provider = fields.CharField(16)
    event_id = fields.CharField(128)

    class Meta:
        table = "wechat_inbox"
