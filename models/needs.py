"""Needs: what residents ask for, who stands behind it, what the community answered, what was made from it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, refuses
from models.base import NOW, RESTRICT, Moderation, Record, Stateful
from models.places import OfCommunity, Place
from models.residents import Resident


class NeedState(StrEnum):
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    ROUTED = "routed"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    RATED = "rated"
    CLOSED = "closed"


class ServiceClass(StrEnum):
    """What kind of help is asked for."""

    APPROVAL = "approval"
    CARE = "care"
    MUTUAL_AID = "mutual_aid"
    CAPABILITY = "capability"
    TECHNOLOGY = "technology"


class NeedField(StrEnum):
    """The part of life a need belongs to."""

    ELDERLY = "elderly"
    CHILDREN = "children"
    DISABILITY = "disability"
    HEALTH = "health"
    CULTURE_SPORT = "culture_sport"
    ENVIRONMENT = "environment"
    SAFETY = "safety"
    PROPERTY = "property"
    LIVELIHOOD = "livelihood"
    OTHER = "other"


class NeedRoute(StrEnum):
    """The path an accepted need takes."""

    WISH = "wish"
    ACTIVITY = "activity"
    DELIBERATION = "deliberation"
    CAMPAIGN = "campaign"
    PROJECT = "project"
    OFFICIAL = "official"
    ESCALATION = "escalation"


class NeedLevel(StrEnum):
    """Who handles a need: those near by, the committee, the street, the district."""

    GRID = "grid"
    COMMUNITY = "community"
    STREET = "street"
    DISTRICT = "district"


class Urgency(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class HopEnd(StrEnum):
    """What became of a need at the level it was handed up to."""

    ANSWERED = "answered"
    RETURNED = "returned"
    ESCALATED = "escalated"
    DONE = "done"


class NeedSort(StrEnum):
    """Newest first, most endorsed first, or what most needs doing first."""

    NEW = "new"
    SUPPORT = "support"
    PRIORITY = "priority"


class AnotherPath(Conflict):
    code = "another_path"
    zh = "这条需求已走另一条办理路径：议事、众筹和活动可以同办一条需求，心愿只能单独办"
    en = "This need has taken another path: a decision, money and activities go together, a wish stands alone"


refuses("need_links_once", AlreadyExists)
refuses("need_links_one_path", AnotherPath)
refuses("needs_merged_into_a_standing_one", Conflict)


class Need(OfCommunity, Stateful):
    """What somebody asks for. `endorsements` follows the rows by trigger; `assistant` posted it on the author's behalf.

    `due_at` is when the next answer or decision is owed, none when nothing is. What came through the door of
    `services.needs` also knows `overdue`, the reader's `endorsed_by_me` and `photos`, and what its priority comes from.
    """

    FLOW = {
        NeedState.SUBMITTED: {NeedState.ACCEPTED, NeedState.DECLINED, NeedState.MERGED, NeedState.WITHDRAWN},
        NeedState.ACCEPTED: {NeedState.ROUTED, NeedState.IN_PROGRESS, NeedState.DONE},
        NeedState.ROUTED: {NeedState.ACCEPTED, NeedState.IN_PROGRESS, NeedState.DONE},
        NeedState.IN_PROGRESS: {NeedState.DONE},
        NeedState.DONE: {NeedState.RATED, NeedState.ACCEPTED},
        NeedState.RATED: {NeedState.CLOSED, NeedState.ACCEPTED},
        NeedState.DECLINED: set(),
        NeedState.MERGED: set(),
        NeedState.WITHDRAWN: set(),
        NeedState.CLOSED: set(),
    }

    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField("models.Resident", "needs", on_delete=RESTRICT)
    author_id: int
    assistant: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "needs_for_others", on_delete=RESTRICT, null=True
    )
    assistant_id: int | None
    state = fields.CharEnumField(NeedState, max_length=16, default=NeedState.SUBMITTED)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    service_class = fields.CharEnumField(ServiceClass, max_length=16)
    field = fields.CharEnumField(NeedField, max_length=16)
    title = fields.CharField(60)
    body = fields.TextField()
    endorsements = fields.IntField(default=0)
    route = fields.CharEnumField(NeedRoute, max_length=16, null=True)
    done_at: datetime | None = fields.DatetimeField(null=True)
    rated_at: datetime | None = fields.DatetimeField(null=True)

    level = fields.CharEnumField(NeedLevel, max_length=16, default=NeedLevel.GRID)
    urgency = fields.CharEnumField(Urgency, max_length=16, default=Urgency.NORMAL)
    due_at: datetime | None = fields.DatetimeField(null=True)
    decision_due_at: datetime | None = fields.DatetimeField(null=True)
    counted_from: datetime = fields.DatetimeField(db_default=NOW)
    """Since when those dates are counted, and over how many working days."""
    answer_days = fields.SmallIntField(default=3)
    decision_days = fields.SmallIntField(default=15)
    overdue_noted = fields.BooleanField(default=False)
    merged_into: fields.ForeignKeyNullableRelation["Need"] = fields.ForeignKeyField(
        "models.Need", "merged_from", on_delete=RESTRICT, null=True
    )
    merged_into_id: int | None

    overdue: bool = False
    endorsed_by_me: bool = False
    photos: Sequence[Any] = ()
    rank: int = 0
    priority: Any = None

    class Meta:
        table = "needs"

    @property
    def assisted(self) -> bool:
        """Whether somebody posted it on the author's behalf."""
        return self.assistant_id is not None


OPEN = frozenset({NeedState.SUBMITTED, NeedState.ACCEPTED, NeedState.ROUTED, NeedState.IN_PROGRESS})
"""The states in which neighbours may still stand behind a need."""


class Endorsement(OfCommunity, Record):
    """A neighbour stands behind a need; one row each."""

    need: fields.ForeignKeyRelation[Need] = fields.ForeignKeyField("models.Need", "supports", on_delete=RESTRICT)
    need_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "endorsements", on_delete=RESTRICT
    )
    resident_id: int

    brought_from: fields.ForeignKeyNullableRelation[Need] = fields.ForeignKeyField(
        "models.Need", "supports_brought", on_delete=RESTRICT, null=True
    )
    brought_from_id: int | None
    """The need that was merged into this one, if that brought the support."""

    class Meta:
        table = "endorsements"


class NeedAnswer(OfCommunity, Record):
    """What the community officially answered."""

    need: fields.ForeignKeyRelation[Need] = fields.ForeignKeyField("models.Need", "answers", on_delete=RESTRICT)
    need_id: int
    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "need_answers", on_delete=RESTRICT
    )
    author_id: int
    body = fields.TextField()
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    late = fields.BooleanField(default=False)

    class Meta:
        table = "need_answers"


class NeedRating(OfCommunity, Record):
    """How content somebody was with what was done, 1 to 5; his words stand in the timeline."""

    need: fields.ForeignKeyRelation[Need] = fields.ForeignKeyField("models.Need", "ratings", on_delete=RESTRICT)
    need_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "need_ratings", on_delete=RESTRICT
    )
    resident_id: int
    score = fields.SmallIntField()

    class Meta:
        table = "need_ratings"


class NeedLink(OfCommunity, Record):
    """Something made from a need: `deliberation` 7 answers need 5."""

    need: fields.ForeignKeyRelation[Need] = fields.ForeignKeyField("models.Need", "links", on_delete=RESTRICT)
    need_id: int
    kind = fields.CharField(30)
    subject_id = fields.BigIntField()
    settles = fields.BooleanField(default=True)
    """Made by who handles the need: it settles the need's path, unless it comes to nothing."""

    class Meta:
        table = "need_links"


class NeedHop(OfCommunity, Record):
    """A need handed up to `place`, with the date by which that level answers or hands it back; `ended` says how."""

    need: fields.ForeignKeyRelation[Need] = fields.ForeignKeyField("models.Need", "hops", on_delete=RESTRICT)
    need_id: int
    place: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField("models.Place", "hops_here", on_delete=RESTRICT)
    place_id: int
    from_level = fields.CharEnumField(NeedLevel, max_length=16)
    level = fields.CharEnumField(NeedLevel, max_length=16)
    due_at: datetime = fields.DatetimeField()
    days = fields.SmallIntField(default=5)
    """Over how many working days that date was counted."""
    ended = fields.CharEnumField(HopEnd, max_length=16, null=True)
    ended_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "need_hops"


class NeedRules(OfCommunity, Record):
    """Within how many working days a community answers, decides, and expects an answer from above."""

    answer_days = fields.SmallIntField(default=3)
    decision_days = fields.SmallIntField(default=15)
    escalation_days = fields.SmallIntField(default=5)

    class Meta:
        table = "need_rules"
