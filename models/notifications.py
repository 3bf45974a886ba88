"""Messages through WeChat: what a resident may still be sent, what he wants, and what became of each message."""

from datetime import date
from enum import StrEnum
from typing import Any

from tortoise import fields

from models.base import RESTRICT, Record
from models.events import Notice
from models.residents import Resident


class MessageTemplate(StrEnum):
    """Our names of the templates that an operator applies for at WeChat (services/notifications/templates.py)."""

    NEED_PROGRESS = "need_progress"
    WISH_PROGRESS = "wish_progress"
    ACTIVITY_REMINDER = "activity_reminder"
    VOTE_NOTICE = "vote_notice"
    PLEDGE_RESULT = "pledge_result"
    REFUND_NOTICE = "refund_notice"
    REVIEW_RESULT = "review_result"
    REVIEW_TASK = "review_task"
    DIGEST = "digest"


class Answer(StrEnum):
    """What somebody answered when asked whether a template may be sent (wx.requestSubscribeMessage)."""

    ACCEPT = "accept"
    REJECT = "reject"
    BAN = "ban"
    FILTER = "filter"


class CreditCause(StrEnum):
    """Why somebody may be sent one message more or fewer."""

    REPORTED = "reported"
    """His mini-program says that he agreed."""
    CONFIRMED = "confirmed"
    """WeChat says so."""
    SPENT = "spent"
    RETURNED = "returned"
    REFUSED = "refused"
    """WeChat had no consent for what we tried to send (43101)."""
    BANNED = "banned"
    REMOVED = "removed"
    """He switched the template off in WeChat's own settings."""


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """It may have arrived; it is never sent again."""
    FAILED = "failed"
    NO_CREDIT = "no_credit"
    UNWANTED = "unwanted"
    """Switched off, or read in the inbox before it was due."""
    GIVEN_UP = "given_up"


class MessageCredit(Record):
    """How many messages of a template WeChat lets us send somebody: the sum of his entries."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "message_credits", on_delete=RESTRICT
    )
    resident_id: int
    template_id = fields.CharField(64)
    """WeChat's id; consent belongs to it, not to our name."""
    amount = fields.IntField()

    class Meta:
        table = "message_credits"


class CreditEntry(Record):
    """One change of a credit, for ever. An answer heard twice, from the client and from WeChat, is counted once."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "credit_entries", on_delete=RESTRICT
    )
    resident_id: int
    template_id = fields.CharField(64)
    cause = fields.CharEnumField(CreditCause, max_length=16)
    change = fields.IntField()
    delivery: fields.ForeignKeyNullableRelation["Delivery"] = fields.ForeignKeyField(
        "models.Delivery", "credit_entries", on_delete=RESTRICT, null=True
    )
    delivery_id: int | None
    matches: fields.ForeignKeyNullableRelation["CreditEntry"] = fields.ForeignKeyField(
        "models.CreditEntry", "matched_by", on_delete=RESTRICT, null=True
    )
    matches_id: int | None
    """The entry of the same tap that was heard first."""

    class Meta:
        table = "credit_entries"


class Delivery(Record):
    """A message that is owed or was sent: of a notice, or, without one, the digest of a day."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "deliveries", on_delete=RESTRICT
    )
    resident_id: int
    notice: fields.ForeignKeyNullableRelation[Notice] = fields.ForeignKeyField(
        "models.Notice", "deliveries", on_delete=RESTRICT, null=True
    )
    notice_id: int | None
    day: date | None = fields.DateField(null=True)
    counts: Any = fields.JSONField(null=True)
    """Of a digest: how many notices it sums up, by template."""
    template = fields.CharEnumField(MessageTemplate, max_length=30)
    state = fields.CharEnumField(DeliveryState, max_length=16)
    due_at = fields.DatetimeField()
    sending_at = fields.DatetimeField(null=True)
    template_id = fields.CharField(64, null=True)
    msgid = fields.CharField(64, null=True)
    error = fields.CharField(200, null=True)

    class Meta:
        table = "deliveries"


class NoticePreference(Record):
    """How somebody wants to be told; without a row: everything, and not at night."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "notice_preferences", on_delete=RESTRICT
    )
    resident_id: int
    quiet = fields.BooleanField()
    switched_off: Any = fields.JSONField()
    """Names of templates he does not want; the digest is one of them."""

    class Meta:
        table = "notice_preferences"
