"""What is put on public display (公示, 居委会组织法 34): documents that never change, the days they hung, questions."""

from datetime import date, datetime
from enum import StrEnum

from tortoise import fields

from app.core.errors import Conflict, refuses
from models.base import RESTRICT, Moderation, Record
from models.places import OfCommunity
from models.residents import Resident


class DisclosureKind(StrEnum):
    """`about` is the month of a statement (202611), or the id of the campaign or resolution."""

    STATEMENT = "statement"
    CAMPAIGN = "campaign"
    RESOLUTION = "resolution"


class AlreadyAnswered(Conflict):
    code, zh, en = "already_answered", "这个问题已有答复", "This question has been answered"


refuses("disclosure_answers_once", AlreadyAnswered)


class Disclosure(OfCommunity, Record):
    """A document on display for at least 15 days; its hash is of the exact bytes shown."""

    kind = fields.CharEnumField(DisclosureKind, max_length=16)
    about = fields.BigIntField()
    title = fields.CharField(100)
    document = fields.TextField()
    document_hash = fields.CharField(64)
    shown_from: datetime = fields.DatetimeField()
    shown_until: datetime = fields.DatetimeField()

    class Meta:
        table = "disclosures"


class Display(Record):
    """On this day of Shanghai the document hung there, and this was the hash of what was read back."""

    community_id = fields.BigIntField()
    disclosure: fields.ForeignKeyRelation[Disclosure] = fields.ForeignKeyField(
        "models.Disclosure", "displays", on_delete=RESTRICT
    )
    disclosure_id: int
    day: date = fields.DateField()
    document_hash = fields.CharField(64)

    class Meta:
        table = "displays"


class DisclosureQuestion(Record):
    """A resident asks about a disclosure; the committee owes an answer by `due_at`."""

    community_id = fields.BigIntField()
    disclosure: fields.ForeignKeyRelation[Disclosure] = fields.ForeignKeyField(
        "models.Disclosure", "questions", on_delete=RESTRICT
    )
    disclosure_id: int
    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "disclosure_questions", on_delete=RESTRICT
    )
    author_id: int
    body = fields.CharField(1000)
    due_at: datetime = fields.DatetimeField()
    reminded_at: datetime | None = fields.DatetimeField(null=True)
    """When the committee was told that it is overdue."""
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "disclosure_questions"


class DisclosureAnswer(Record):
    """What the committee answered."""

    community_id = fields.BigIntField()
    question: fields.ForeignKeyRelation[DisclosureQuestion] = fields.ForeignKeyField(
        "models.DisclosureQuestion", "answers", on_delete=RESTRICT
    )
    question_id: int
    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "disclosure_answers", on_delete=RESTRICT
    )
    author_id: int
    body = fields.CharField(1000)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "disclosure_answers"
