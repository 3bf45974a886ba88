"""Comments on needs, deliberations and campaigns, two levels deep."""

from tortoise import fields

from models.base import RESTRICT, Moderation, Record
from models.places import Place
from models.residents import Resident


class Comment(Record):
    """What somebody said about something; `parent` is set on an answer to a comment."""

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField("models.Place", "comments", on_delete=RESTRICT)
    community_id: int
    subject_kind = fields.CharField(30)
    subject_id = fields.BigIntField()
    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "comments", on_delete=RESTRICT
    )
    author_id: int
    parent: fields.ForeignKeyNullableRelation["Comment"] = fields.ForeignKeyField(
        "models.Comment", "answers", on_delete=RESTRICT, null=True
    )
    parent_id: int | None
    body = fields.TextField()
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "comments"
