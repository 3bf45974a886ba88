"""What surrounds a roll: a place's own thresholds, objections, and paper ballots entered by two people."""

from enum import StrEnum
from typing import Any

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, Forbidden, Invalid, refuses
from models.base import RESTRICT, Moderation, Record, Stateful
from models.deliberations import Deliberation, Rule
from models.places import Place
from models.residents import Resident


class Channel(StrEnum):
    """How a ballot came."""

    PHONE = "phone"
    ASSISTED = "assisted"
    PAPER = "paper"


class ObjectionState(StrEnum):
    OPEN = "open"
    DISMISSED = "dismissed"
    CORRECTED = "corrected"
    """The records were put right; the roll is made of them."""
    STRUCK = "struck"
    """The named resident does not stand on this roll."""
    INVALIDATED = "invalidated"
    """The ballot entered for the named resident has left the box."""


class BatchState(StrEnum):
    WAITING = "waiting"
    COMPARED = "compared"
    WITHDRAWN = "withdrawn"


class TooLow(Invalid):
    code = "below_the_law"
    zh = "门槛只能高于法定要求，且须可以达到；民主协商不设通过门槛"
    en = "A place may only ask for more than the law does, and for no more than all; a consultation has no majority"


class NotRecognisable(Invalid):
    zh = "只有业主表决规则可以认定为法定表决"
    en = "Only owners' votes can be recognised as the statutory ballot"


class ObjectionsOpen(Conflict):
    code = "objections_open"
    zh = "还有名册异议没有处理，不能开始表决"
    en = "Objections to the roll wait for a decision; the vote cannot open"


class AreasMissing(Conflict):
    code = "areas_missing"
    zh = "有的房屋没有登记专有部分面积，不能开始业主表决"
    en = "Flats of owners lack their area; a vote of owners cannot open"


class ObjectionTooLate(Conflict):
    code = "roll_frozen"
    zh = "名册已经确定；表决期间只能对代为录入的选票提出异议"
    en = "The roll is frozen; while the vote runs one may object to a ballot that was entered for one"


class OwnObjection(Forbidden):
    zh = "不能处理自己提出或涉及自己的异议"
    en = "Nobody decides an objection of his own, or about himself"


class AlreadyVoted(Conflict):
    code, zh, en = "already_voted", "这位选民已经投票", "This elector has voted already"


class SecretInPerson(Invalid):
    code = "secret_in_person"
    zh = "无记名投票只能由本人投出，不能代投或录入纸质票"
    en = "In a secret vote each casts his own ballot; none is entered for another, nor from paper"


class OwnBallot(Forbidden):
    zh = "不能代自己录入选票"
    en = "Nobody enters a ballot for himself"


class SamePerson(Conflict):
    code = "same_person"
    zh = "第二次录入须由另一个人完成"
    en = "Another person enters the second time"


class BadSheet(Invalid):
    code = "bad_sheet"


refuses("voting_rules_only_upwards", TooLow)
refuses("voting_rules_reachable", TooLow)
refuses("voting_rules_recognised", NotRecognisable)
refuses("deliberations_objections_decided", ObjectionsOpen)
refuses("objections_once", AlreadyExists)
refuses("objections_in_time", ObjectionTooLate)
refuses("objections_not_by_oneself", OwnObjection)
refuses("ballots_own_word", AlreadyVoted)
refuses("ballots_entered", OwnBallot)
refuses("paper_batches_two_people", SamePerson)
refuses("paper_batches_one_waits", SamePerson)


class VotingRule(Record):
    """A place's own thresholds for a preset, for itself and all below it; what is null stays as the law has it."""

    place: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField("models.Place", "voting_rules", on_delete=RESTRICT)
    place_id: int
    rule = fields.CharEnumField(Rule, max_length=32)
    quorum_numerator = fields.SmallIntField(null=True)
    quorum_denominator = fields.SmallIntField(null=True)
    quorum_more_than = fields.BooleanField(null=True)
    majority_numerator = fields.SmallIntField(null=True)
    majority_denominator = fields.SmallIntField(null=True)
    majority_more_than = fields.BooleanField(null=True)
    recognised = fields.BooleanField(default=False)
    """Whether owners' votes here are the statutory ballot; an officer says so."""

    class Meta:
        table = "voting_rules"


class Objection(Stateful):
    """Somebody says that a roll is wrong, or that a ballot entered for him is not his."""

    FLOW = {
        ObjectionState.OPEN: {ObjectionState.DISMISSED, ObjectionState.CORRECTED, ObjectionState.STRUCK},
        ObjectionState.DISMISSED: set(),
        ObjectionState.CORRECTED: set(),
        ObjectionState.STRUCK: set(),
        ObjectionState.INVALIDATED: set(),
    }

    community_id = fields.BigIntField()
    deliberation: fields.ForeignKeyRelation[Deliberation] = fields.ForeignKeyField(
        "models.Deliberation", "objections", on_delete=RESTRICT
    )
    deliberation_id: int
    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "objections", on_delete=RESTRICT
    )
    author_id: int
    resident: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "objected_to", on_delete=RESTRICT, null=True
    )
    resident_id: int | None
    """Whom it is about."""
    reason = fields.CharField(1000)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    """Whether reason and answer may be read by more than who wrote them and the staff."""
    state = fields.CharEnumField(ObjectionState, max_length=16, default=ObjectionState.OPEN)
    decided_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "objections_decided", on_delete=RESTRICT, null=True
    )
    decided_by_id: int | None
    answer = fields.CharField(1000, null=True)
    ballot_id = fields.BigIntField(null=True)
    """The ballot that left the box, with how it came, who had entered it, and its receipt."""
    channel = fields.CharEnumField(Channel, max_length=8, null=True)
    entered_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "ballots_refuted", on_delete=RESTRICT, null=True
    )
    entered_by_id: int | None
    receipt = fields.CharField(64, null=True)

    class Meta:
        table = "objections"


class PaperBatch(Stateful):
    """Paper ballots typed in by one person; a second person types them again, and only what agrees is entered."""

    FLOW = {
        BatchState.WAITING: {BatchState.COMPARED, BatchState.WITHDRAWN},
        BatchState.COMPARED: set(),
        BatchState.WITHDRAWN: set(),
    }

    community_id = fields.BigIntField()
    deliberation: fields.ForeignKeyRelation[Deliberation] = fields.ForeignKeyField(
        "models.Deliberation", "paper_batches", on_delete=RESTRICT
    )
    deliberation_id: int
    entered_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "paper_batches", on_delete=RESTRICT
    )
    entered_by_id: int
    state = fields.CharEnumField(BatchState, max_length=16)
    lines: Any = fields.JSONField()
    """`[{row, code, choice}]` as typed; a choice that could not be read is null."""
    first_id: int | None = fields.BigIntField(null=True)
    first_by_id: int | None = fields.BigIntField(null=True)
    report: Any = fields.JSONField(null=True)
    """What became of each elector's code: `[{code, outcome, first, second}]`."""

    class Meta:
        table = "paper_batches"
