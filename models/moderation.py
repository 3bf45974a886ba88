"""What WeChat, or a human after it, says about words and pictures that others are going to see."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, Forbidden, refuses
from models.base import RESTRICT, Record, Stateful
from models.places import OfCommunity, Place
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

    `personal`: it sounds like an appeal for one person, which is not raised for here. `reported`: residents did not
    like it; it is shown meanwhile. `by_hand`: the committee acted unasked. `appeal`: its author asks again.
    """

    REVIEW = "review"
    INACTIVE = "inactive"
    NO_OPENID = "no_openid"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    PERSONAL = "personal"
    REPORTED = "reported"
    BY_HAND = "by_hand"
    APPEAL = "appeal"


class Paused(Forbidden):
    """Carries `until`, the end of the pause."""

    code = "paused"

    def __init__(self, until: datetime) -> None:
        super().__init__(
            "您因多次发布被隐藏的内容，暂时不能发布",
            "You may not post for now: too much was hidden",
            until=until.isoformat(),
        )


class AppealDecided(Conflict):
    code = "appeal_decided"
    zh = "申诉已有最终结果，或没有可申诉的决定"
    en = "There is no decision to appeal against, or an appeal has settled it"


class DecidedBefore(Forbidden):
    code = "decided_before"
    zh = "申诉须由作出原决定以外的人处理"
    en = "An appeal is decided by somebody else than before"


class VoteInSight(Conflict):
    code = "vote_in_sight"
    zh = "表决已经开始或结束，不能隐藏"
    en = "A vote that has begun or ended is not hidden"


class TooManyReports(Conflict):
    code = "too_many_reports"
    zh = "您有太多未处理的举报，请等待处理"
    en = "Too many of your reports are still open; wait for their outcome"


refuses("reports_once", AlreadyExists)
refuses("checks_one_appeal", AlreadyExists)
refuses("checks_one_live", AlreadyExists)
refuses("checks_appeal_of_hidden", AppealDecided)
refuses("checks_appeal_by_another", DecidedBefore)
refuses("deliberations_stay_in_sight", VoteInSight)


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
    decided_at: datetime | None = fields.DatetimeField(null=True)
    """The database writes it down."""
    plea = fields.CharField(1000, null=True)
    appeal_of: fields.ForeignKeyNullableRelation["Check"] = fields.ForeignKeyField(
        "models.Check", "appeals", on_delete=RESTRICT, null=True
    )
    appeal_of_id: int | None

    class Meta:
        table = "checks"

    @property
    def subject(self) -> Subject:
        """What was checked."""
        return Subject(self.subject_kind, self.subject_id)


class Report(OfCommunity, Record):
    """A resident says why something that is shown should not be; it stands as long as its check waits."""

    check: fields.ForeignKeyRelation[Check] = fields.ForeignKeyField("models.Check", "reports", on_delete=RESTRICT)
    check_id: int
    reporter: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "reports", on_delete=RESTRICT
    )
    reporter_id: int
    reason = fields.CharField(1000)

    class Meta:
        table = "reports"


class Pause(OfCommunity, Record):
    """Until when somebody may not post; `check` is the decision that was one too many."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "pauses", on_delete=RESTRICT
    )
    resident_id: int
    check: fields.ForeignKeyRelation[Check] = fields.ForeignKeyField("models.Check", "pauses", on_delete=RESTRICT)
    check_id: int
    until_at: datetime = fields.DatetimeField()
    lifted_at: datetime | None = fields.DatetimeField(null=True)
    lifted_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "pauses_lifted", on_delete=RESTRICT, null=True
    )
    lifted_by_id: int | None

    class Meta:
        table = "pauses"
