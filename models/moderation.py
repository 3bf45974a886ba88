"""What WeChat, or a human after it, says about words and pictures that others are going to see."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tortoise import fields

from app.core.errors import Conflict, refuses
from models.base import RESTRICT, Stateful
from models.places import Place
from models.residents import Resident


class CheckState(StrEnum):
    """`replaced` means that other words took their place before anybody decided."""

    PENDING = "pending"
    PASSED = "passed"
    HIDDEN = "hidden"
    QUEUED = "queued"
    REPLACED = "replaced"


class Why(StrEnum):
    """Why a human has to look: WeChat is in doubt, cannot judge in this person's name, or could not be asked.

    `personal`: it sounds like an appeal for one person, which is not raised for here.
    """

    REVIEW = "review"
    INACTIVE = "inactive"
    NO_OPENID = "no_openid"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    PERSONAL = "personal"


@dataclass(frozen=True)
class Subject:
    """Something by its noun and id, where the thing itself is not at hand."""

    kind: str
    id: int

    def noun(self) -> str:
        """The noun by which events, notices and links name it."""
        return self.kind


class Check(Stateful):
    """One look at what `author` wrote, asked of WeChat in the name of `speaker`: himself, or whoever helped him."""

    FLOW = {
        CheckState.PENDING: {CheckState.PASSED, CheckState.HIDDEN, CheckState.QUEUED},
        CheckState.QUEUED: {CheckState.PASSED, CheckState.HIDDEN},
        CheckState.PASSED: set(),
        CheckState.HIDDEN: set(),
        CheckState.REPLACED: set(),
    }

    subject_kind = fields.CharField(30)
    subject_id = fields.BigIntField()
    community: fields.ForeignKeyNullableRelation[Place] = fields.ForeignKeyField(
        "models.Place", "checks", on_delete=RESTRICT, null=True
    )
    community_id: int | None
    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "checks", on_delete=RESTRICT
    )
    author_id: int
    speaker: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "checks_spoken", on_delete=RESTRICT
    )
    speaker_id: int
    state = fields.CharEnumField(CheckState, max_length=16, default=CheckState.PENDING)
    tries = fields.SmallIntField(default=0)
    next_try_at = fields.DatetimeField()
    trace_ids: Any = fields.JSONField(default=list)
    suggest = fields.CharField(16, null=True)
    label = fields.IntField(null=True)
    why = fields.CharEnumField(Why, max_length=16, null=True)
    decided_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "checks_decided", on_delete=RESTRICT, null=True
    )
    decided_by_id: int | None

    class Meta:
        table = "checks"

    @property
    def subject(self) -> Subject:
        """What was checked."""
        return Subject(self.subject_kind, self.subject_id)


refuses("checks_one_live", Conflict)
