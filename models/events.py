"""Facts, notices and spent idempotency keys: what every domain writes beside its own rows."""

from typing import Any

from tortoise import fields

from models.base import RESTRICT, Moderation, Record
from models.residents import Resident


class Event(Record):
    """Something that happened: audit, public timeline and cause of jobs in one append-only row.

    `facts` hold ids, numbers and our own words, never names, phones or free text.
    """

    verb = fields.CharField(60)
    actor: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "events", on_delete=RESTRICT, null=True
    )
    actor_id: int | None
    on_behalf_of: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "events_for", on_delete=RESTRICT, null=True
    )
    subject_kind = fields.CharField(30)
    subject_id = fields.BigIntField()
    community_id = fields.BigIntField(null=True)
    facts: Any = fields.JSONField(default=dict)

    class Meta:
        table = "events"


class Reason(Record):
    """Why somebody declined, hid, reopened or cancelled something, in his own words; an event's facts carry its id."""

    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "reasons", on_delete=RESTRICT
    )
    author_id: int
    text = fields.CharField(1000)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "reasons"


class Notice(Record):
    """A line in somebody's inbox."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "notices", on_delete=RESTRICT
    )
    resident_id: int
    kind = fields.CharField(60)
    subject_kind = fields.CharField(30)
    subject_id = fields.BigIntField()
    params: Any = fields.JSONField(default=dict)
    read_at = fields.DatetimeField(null=True)

    class Meta:
        table = "notices"


class IdempotencyKey(Record):
    """A key that has had its effect: what was asked, and what it made. The answer is rebuilt from the subject."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "idempotency_keys", on_delete=RESTRICT
    )
    key = fields.CharField(64)
    request_hash = fields.BinaryField()
    subject_id = fields.BigIntField(null=True)

    class Meta:
        table = "idempotency_keys"
