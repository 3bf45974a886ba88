"""What follows a resolution: its display, the tasks that come of it, the review, the neighbours' satisfaction."""

from datetime import datetime
from enum import StrEnum

from tortoise import fields

from app.core.errors import Conflict, Invalid, TooLate, refuses
from models.base import NOW, RESTRICT, Moderation, Record, Stateful
from models.deliberations import Deliberation, Resolution
from models.residents import Resident

DISPLAY_DAYS = 15


class FollowUpState(StrEnum):
    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class DisplayTooShort(Conflict):
    code = "display_too_short"
    zh = "公示不得少于十五日（居委会组织法第三十四条）"
    en = "A display lasts at least fifteen days (Organic Law of Residents' Committees, art. 34)"


class FollowUpsOpen(Conflict):
    code, zh, en = "follow_ups_open", "还有后续任务没有完成", "Tasks that follow from it are still open"


class DueInThePast(Invalid):
    zh, en = "截止时间必须在将来", "The due date lies in the future"


class NotReviewed(Conflict):
    code, zh, en = "not_reviewed", "回访评价还没有开始", "It has not been reviewed yet"


class NothingToDo(Conflict):
    code, zh, en = "not_passed", "表决没有通过，没有需要落实的事项", "It was not passed; there is nothing to carry out"


refuses("resolution_displays_days", DisplayTooShort)
refuses("deliberations_tasks_done", FollowUpsOpen)
refuses("follow_ups_in_time", TooLate)
refuses("follow_ups_due", DueInThePast)
refuses("satisfactions_when_reviewed", NotReviewed)


class ResolutionDisplay(Record):
    """A resolution hung somewhere: both dates are the database's own, so nobody writes them later."""

    community_id = fields.BigIntField()
    resolution: fields.ForeignKeyRelation[Resolution] = fields.ForeignKeyField(
        "models.Resolution", "displays", on_delete=RESTRICT
    )
    resolution_id: int
    where_text = fields.CharField(200)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    from_at = fields.DatetimeField(db_default=NOW)
    until_at: datetime | None = fields.DatetimeField(null=True)
    put_up_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "displays_put_up", on_delete=RESTRICT
    )
    put_up_by_id: int
    taken_down_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "displays_taken_down", on_delete=RESTRICT, null=True
    )
    taken_down_by_id: int | None

    class Meta:
        table = "resolution_displays"


class FollowUp(Stateful):
    """Something to be done because it was decided, by whom and by when."""

    FLOW = {
        FollowUpState.OPEN: {FollowUpState.DONE, FollowUpState.CANCELLED},
        FollowUpState.DONE: set(),
        FollowUpState.CANCELLED: set(),
    }

    community_id = fields.BigIntField()
    resolution: fields.ForeignKeyRelation[Resolution] = fields.ForeignKeyField(
        "models.Resolution", "follow_ups", on_delete=RESTRICT
    )
    resolution_id: int
    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "follow_ups_set", on_delete=RESTRICT
    )
    author_id: int
    assignee: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "follow_ups", on_delete=RESTRICT
    )
    assignee_id: int
    title = fields.CharField(60)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    due_at = fields.DatetimeField()
    state = fields.CharEnumField(FollowUpState, max_length=16, default=FollowUpState.OPEN)
    ended_at: datetime | None = fields.DatetimeField(null=True)
    note = fields.CharField(1000, null=True)
    note_moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.PASSED)

    overdue: bool = False
    """Still open although its time is over."""

    class Meta:
        table = "follow_ups"


class DeliberationReview(Record):
    """What became of a decision, in the committee's words."""

    community_id = fields.BigIntField()
    deliberation: fields.OneToOneRelation[Deliberation] = fields.OneToOneField(
        "models.Deliberation", "review", on_delete=RESTRICT
    )
    deliberation_id: int
    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "deliberation_reviews", on_delete=RESTRICT
    )
    author_id: int
    body = fields.TextField()
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "deliberation_reviews"


class Satisfaction(Record):
    """How satisfied one resident is with what became of a decision, 1 to 5."""

    community_id = fields.BigIntField()
    deliberation: fields.ForeignKeyRelation[Deliberation] = fields.ForeignKeyField(
        "models.Deliberation", "satisfactions", on_delete=RESTRICT
    )
    deliberation_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "satisfactions", on_delete=RESTRICT
    )
    resident_id: int
    score = fields.SmallIntField()

    class Meta:
        table = "satisfactions"
