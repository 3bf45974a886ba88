"""Comments on needs, deliberations and campaigns, two levels deep; who supports them; the pinned official answer."""

from tortoise import fields

from models.base import RESTRICT, Moderation, Record
from models.events import Reason
from models.places import OfCommunity
from models.residents import Resident


class Comment(OfCommunity, Record):
    """What somebody said about something; `parent` is set on an answer to a comment."""

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
    supports = fields.IntField(default=0)
    """How many stand behind it, counted by a trigger."""
    pinned = fields.BooleanField(default=False)
    """The official answer, on top of all others; one per thing."""
    hidden_for: fields.ForeignKeyNullableRelation[Reason] = fields.ForeignKeyField(
        "models.Reason", "comments_hidden", on_delete=RESTRICT, null=True
    )
    hidden_for_id: int | None
    """Why the committee hid it."""

    supported_by_me: bool = False
    """Whether the reader stands behind it; known to what came through the door of `services.comments`."""

    class Meta:
        table = "comments"

    @property
    def hidden_reason(self) -> str | None:
        """Why it was hidden, for those who still see it."""
        return self.hidden_for.text if self.hidden_for else None


class CommentSupport(Record):
    """A neighbour stands behind what somebody said."""

    community_id = fields.BigIntField()
    comment: fields.ForeignKeyRelation[Comment] = fields.ForeignKeyField(
        "models.Comment", "supporters", on_delete=RESTRICT
    )
    comment_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "comments_supported", on_delete=RESTRICT
    )
    resident_id: int

    class Meta:
        table = "comment_supports"
