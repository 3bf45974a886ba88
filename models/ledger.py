"""The books: accounts of each community's fund, and transfers between them that never change."""

from enum import StrEnum

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, refuses
from models.base import Record
from models.places import OfCommunity


class AccountKind(StrEnum):
    """The first five mirror the world outside: below zero is fine, and they are never locked."""

    WECHAT_CLEARING = "wechat_clearing"
    BANK = "bank"
    CASH = "cash"
    MATCHING_RECEIVABLE = "matching_receivable"
    IN_KIND_GIVERS = "in_kind_givers"
    GENERAL = "general"
    CAMPAIGN = "campaign"
    IN_KIND = "in_kind"
    REFUNDS = "refunds"
    EXPENSES = "expenses"


class Leg(StrEnum):
    """What a transfer is to its cause; a cause has each leg once."""

    CAPTURE = "capture"
    SET_ASIDE = "set_aside"
    RETURNED = "returned"
    REFUNDED = "refunded"
    RECEIVED = "received"
    SURPLUS = "surplus"
    SPENT = "spent"
    MATCHED = "matched"
    COUNTER_CAPTURE = "counter_capture"
    COUNTER_MATCHED = "counter_matched"
    COUNTER_RECEIVED = "counter_received"
    COUNTER_SPENT = "counter_spent"


class NotEnough(Conflict):
    code, zh, en = "not_enough", "账户余额不足", "The account holds too little"


class KeptForGivers(Conflict):
    code = "kept_for_givers"
    zh = "这笔钱正在变更用途的退款期内，暂时不能动用"
    en = "Givers may still take this money back before its use changes"


refuses("transfers_no_overdraft", NotEnough)
refuses("transfers_reserved", KeptForGivers)
refuses("transfers_corrected_once", AlreadyExists)
refuses("transfers_once", AlreadyExists)


class Account(OfCommunity, Record):
    """A purse of a community's fund; each campaign has one of its own."""

    kind = fields.CharEnumField(AccountKind, max_length=24)
    campaign_id = fields.BigIntField(null=True)

    class Meta:
        table = "accounts"


class Transfer(Record):
    """Money moved from the debit to the credit account; append-only. A mistake is corrected by another transfer.

    Its ids are bound to accounts of the same fund by composite foreign keys.
    """

    community_id = fields.BigIntField()
    debit_account_id = fields.BigIntField()
    credit_account_id = fields.BigIntField()
    amount_fen = fields.BigIntField()
    source_kind = fields.CharField(30)
    source_id = fields.BigIntField()
    leg = fields.CharEnumField(Leg, max_length=16)
    corrects_id = fields.BigIntField(null=True)
    """The transfer that this one undoes."""

    class Meta:
        table = "transfers"
