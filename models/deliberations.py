"""Deliberations: what is asked, who is on the roll, who voted what, what came out, and the resolution that stays."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.fields.db_defaults import SqlDefault
from tortoise.models import Model

from app.core.errors import Conflict, Forbidden, Invalid, InvalidState, refuses
from models.base import NOW, RESTRICT, Moderation, Record, Stateful
from models.places import OfCommunity
from models.residents import Household, Resident

RANDOM_BYTES = SqlDefault("decode(replace(gen_random_uuid()::text, '-', ''), 'hex')")
MAX_SCORE = 10
"""The most points an option can be given, but in imported elections."""
RANDOM_CODE = SqlDefault("upper(left(replace(gen_random_uuid()::text, '-', ''), 12))")


class DeliberationState(StrEnum):
    PROPOSED = "proposed"
    DISCUSSION = "discussion"
    VOTING = "voting"
    DECIDED = "decided"
    FAILED_QUORUM = "failed_quorum"
    IMPLEMENTING = "implementing"
    REVIEWED = "reviewed"
    WITHDRAWN = "withdrawn"


class Form(StrEnum):
    """The forms of the "3456" practice: 对话, 共建, 联动, 开放."""

    DIALOGUE = "dialogue"
    CO_BUILDING = "co_building"
    LINKAGE = "linkage"
    OPEN = "open"


class BallotKind(StrEnum):
    YES_NO = "yes_no"
    SINGLE = "single"
    APPROVAL = "approval"
    SCORE = "score"
    RANKED = "ranked"
    BUDGET = "budget"


class BudgetCount(StrEnum):
    """How a budget vote is counted."""

    GREEDY = "greedy"
    EQUAL_SHARES = "equal_shares"


class Roll(StrEnum):
    """Of whom the electorate is made."""

    RESIDENTS = "residents"
    HOUSEHOLDS = "households"
    REPRESENTATIVES = "representatives"
    OWNERS = "owners"


class Rule(StrEnum):
    """The preset by which a vote is judged; services/rules/quorum.py says what each asks for."""

    RESIDENTS_MEETING = "residents_meeting"
    REPRESENTATIVES_MEETING = "representatives_meeting"
    OWNERS_ORDINARY = "owners_ordinary"
    OWNERS_MAJOR = "owners_major"
    CONSULTATION = "consultation"


class VoteClosed(Conflict):
    code, zh, en = "vote_closed", "投票已经结束", "The vote has ended"


class StillVoting(InvalidState):
    """Only a consultation, or a vote in which all have voted, may be closed by hand before its time."""

    def __init__(self) -> None:
        super().__init__(DeliberationState.VOTING)
        self.zh = "投票尚未截止，且还有人没有投票，不能提前结束"
        self.en = "The vote runs on: its time is not over and not everybody has voted"


class NotOnRoll(Forbidden):
    code, zh, en = "not_on_roll", "您不在本次表决的名册上", "You are not on the roll of this vote"


class BadChoice(Invalid):
    code, zh, en = "bad_choice", "选票内容与本次表决不符", "This choice does not fit this vote"


class BadDates(Invalid):
    zh = "讨论须在将来、投票截止之前结束，投票截止时间须在 90 天以内"
    en = "The discussion ends in the future and before the vote does, and the vote within the next 90 days"


class RuleMisfitsRoll(Invalid):
    zh = "表决规则与名册不匹配"
    en = "This rule is not for such a roll"


class NotChecked(Conflict):
    code, zh, en = "not_checked", "内容尚未通过审核", "Its words have not passed the check"


class SameOption(Invalid):
    zh = "选项不能重复"
    en = "Two options are the same"


class NoSuchResolution(Invalid):
    zh = "没有找到本社区的这项决议"
    en = "No such resolution of this community"


class BallotMisfitsRule(Invalid):
    zh = "业主表决按面积和人数计算，只能用记名的是否、单选或多选"
    en = "Owners' votes weigh area and heads: they are open, and yes/no, single or approval"


class Uncosted(Invalid):
    zh = "预算表决的每个项目都要写明费用"
    en = "In a budget vote every project says what it costs"


class NonceMisfits(Invalid):
    code = "bad_nonce"
    zh = "无记名投票须附上 16 字节以上的随机数（十六进制）；记名投票不需要"
    en = "A secret vote takes a nonce of 16 random bytes and more, in hex; an open vote takes none"


class NonceUsed(Conflict):
    code = "nonce_used"
    zh = "这个随机数已经用过，请重新生成后再投"
    en = "This nonce has been used; make a new one and cast again"


class SecretVote(Conflict):
    code, zh, en = (
        "secret_vote",
        "这是无记名投票，没有人能查看谁投了什么",
        "This vote is secret: nobody sees who voted what",
    )


refuses("deliberations_dates", BadDates)
refuses("deliberations_open_in_sight", NotChecked)
refuses("deliberations_rule_fits_ballot", BallotMisfitsRule)
refuses("options_costed", Uncosted)
refuses("secret_ballots_receipt_once", NonceUsed)
refuses("ballots_in_their_box", NonceMisfits)
refuses("deliberations_rule_fits_roll", RuleMisfitsRoll)
refuses("options_distinct", SameOption)
refuses("ballots_only_while_voting", VoteClosed)
refuses("ballots_choice", BadChoice)
refuses("role_grants_resolution", NoSuchResolution)


class Deliberation(OfCommunity, Stateful):
    """A question put to the neighbours. From the opening of the vote on, everything asked is frozen (trigger)."""

    FLOW = {
        DeliberationState.PROPOSED: {DeliberationState.DISCUSSION, DeliberationState.WITHDRAWN},
        DeliberationState.DISCUSSION: {DeliberationState.VOTING, DeliberationState.WITHDRAWN},
        DeliberationState.VOTING: {
            DeliberationState.DECIDED,
            DeliberationState.FAILED_QUORUM,
            DeliberationState.WITHDRAWN,
        },
        DeliberationState.DECIDED: {DeliberationState.IMPLEMENTING},
        DeliberationState.IMPLEMENTING: {DeliberationState.REVIEWED},
        DeliberationState.REVIEWED: set(),
        DeliberationState.FAILED_QUORUM: set(),
        DeliberationState.WITHDRAWN: set(),
    }

    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "deliberations", on_delete=RESTRICT
    )
    author_id: int
    form = fields.CharEnumField(Form, max_length=16)
    title = fields.CharField(60)
    body = fields.TextField()
    ballot_kind = fields.CharEnumField(BallotKind, max_length=16)
    secret = fields.BooleanField(default=False)
    max_choices = fields.SmallIntField(null=True)
    max_score = fields.IntField(null=True)
    """The most points that a ballot of scores gives an option."""
    budget_fen = fields.BigIntField(null=True)
    budget_count = fields.CharEnumField(BudgetCount, max_length=16, null=True)
    roll = fields.CharEnumField(Roll, max_length=16)
    rule = fields.CharEnumField(Rule, max_length=32)
    discussion_until = fields.DatetimeField()
    voting_until = fields.DatetimeField()
    state = fields.CharEnumField(DeliberationState, max_length=16, default=DeliberationState.PROPOSED)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    opened_at = fields.DatetimeField(null=True)
    roll_size = fields.IntField(null=True)
    roll_hash = fields.CharField(64, null=True)
    """SHA-256 (hex) over the roll's lines joined by line feeds; services/deliberations/rolls.py says what a line is."""
    roll_area_cm2 = fields.BigIntField(null=True)
    """The area that stands behind a roll of owners."""
    terms: Any = fields.JSONField(null=True)
    """The thresholds in force at the opening: `{quorum, majority: {numerator, denominator, more_than}, recognised}`."""
    closed_at = fields.DatetimeField(null=True)

    options: fields.ReverseRelation["Option"]
    need_ids: Sequence[int] = ()
    """The needs it came from; known to what came through the door of `services.deliberations`."""

    class Meta:
        table = "deliberations"

    @property
    def ballot(self) -> dict[str, Any]:
        """How one votes: kind, secrecy, how many options one may name, how many points give; of a budget how much."""
        return {
            "kind": self.ballot_kind,
            "secret": self.secret,
            "max_choices": self.max_choices,
            "max_score": self.max_score,
            "budget_fen": self.budget_fen,
            "count": self.budget_count,
        }


class Option(Record):
    """One of the things to choose from."""

    community_id = fields.BigIntField()
    deliberation: fields.ForeignKeyRelation[Deliberation] = fields.ForeignKeyField(
        "models.Deliberation", "options", on_delete=RESTRICT
    )
    deliberation_id: int
    position = fields.SmallIntField()
    title = fields.CharField(60)
    cost_fen = fields.BigIntField(null=True)
    """What it costs, in a budget vote."""
    external_id = fields.CharField(60, null=True)
    """What it is called in the election it was imported from."""

    class Meta:
        table = "options"
        ordering = ["position"]


class Elector(Record):
    """A line of the frozen roll: a resident (or owner, with his area), or a household whose representative casts."""

    community_id = fields.BigIntField()
    deliberation: fields.ForeignKeyRelation[Deliberation] = fields.ForeignKeyField(
        "models.Deliberation", "electors", on_delete=RESTRICT
    )
    deliberation_id: int
    number = fields.IntField()
    resident: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "elector_lines", on_delete=RESTRICT, null=True
    )
    resident_id: int | None
    household: fields.ForeignKeyNullableRelation[Household] = fields.ForeignKeyField(
        "models.Household", "elector_lines", on_delete=RESTRICT, null=True
    )
    household_id: int | None
    speaker: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "spoken_for", on_delete=RESTRICT, null=True
    )
    speaker_id: int | None
    """Who represented the household when the roll was frozen; only he casts for it."""
    area_cm2 = fields.BigIntField(null=True)
    salt = fields.BinaryField(db_default=RANDOM_BYTES)
    code = fields.CharField(12, db_default=RANDOM_CODE)
    """What stands on his paper sheet."""
    has_voted = fields.BooleanField(db_default=False)
    """Whether he has cast, in a secret vote; of open votes the ballots tell."""
    external_id = fields.CharField(60, null=True)
    """Who he is in the election he was imported from."""

    class Meta:
        table = "electors"


class Ballot(Record):
    """What an elector chose in an open vote; replaced only while it runs. `nonce` salts the voter's receipt."""

    community_id = fields.BigIntField()
    deliberation: fields.ForeignKeyRelation[Deliberation] = fields.ForeignKeyField(
        "models.Deliberation", "ballots", on_delete=RESTRICT
    )
    deliberation_id: int
    elector: fields.ForeignKeyRelation[Elector] = fields.ForeignKeyField(
        "models.Elector", "ballots", on_delete=RESTRICT
    )
    elector_id: int
    resident: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "ballots", on_delete=RESTRICT, null=True
    )
    resident_id: int | None
    """Who cast it: the elector himself, or his household's representative; null when it was imported."""
    choice: Any = fields.JSONField()
    nonce = fields.BinaryField()
    receipt = fields.CharField(64)
    channel = fields.CharField(8, db_default="phone")
    """How it came: phone, assisted, paper or import."""
    entered_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "ballots_entered", on_delete=RESTRICT, null=True
    )
    entered_by_id: int | None
    """Who entered it for the voter, where it did not come by phone; of paper the second of the two."""
    cast_at = fields.DatetimeField(db_default=NOW)

    class Meta:
        table = "ballots"


class SecretBallot(Model):
    """A ballot of a running secret vote: no voter, no time, no order. At the close it moves into the archive."""

    id = fields.UUIDField(primary_key=True, db_default=SqlDefault("gen_random_uuid()"))
    community_id = fields.BigIntField()
    deliberation: fields.ForeignKeyRelation[Deliberation] = fields.ForeignKeyField(
        "models.Deliberation", "secret_ballots", on_delete=RESTRICT
    )
    deliberation_id: int
    choice: Any = fields.JSONField()
    receipt = fields.CharField(64)

    class Meta:
        table = "secret_ballots"


class Archive(Record):
    """All that is needed to count a closed vote again, without names, signed; it never changes."""

    community_id = fields.BigIntField()
    deliberation: fields.OneToOneRelation[Deliberation] = fields.OneToOneField(
        "models.Deliberation", "archive", on_delete=RESTRICT
    )
    deliberation_id: int
    digest = fields.CharField(64)
    """SHA-256 (hex) of the archive without its head, as its head has it."""
    content = fields.TextField()
    """Canonical JSON; services/rules/archive.py says of what."""

    class Meta:
        table = "archives"


class Result(Record):
    """What the count gave, written once at the close, also when too few took part."""

    community_id = fields.BigIntField()
    deliberation: fields.OneToOneRelation[Deliberation] = fields.OneToOneField(
        "models.Deliberation", "result", on_delete=RESTRICT
    )
    deliberation_id: int
    roll_size = fields.IntField()
    voted = fields.IntField()
    voted_area_cm2 = fields.BigIntField(null=True)
    """The area behind those who voted, where the rule weighs it."""
    invalidated = fields.IntField(db_default=0)
    """Ballots entered for somebody that left the box because he objected."""
    tally: Any = fields.JSONField()
    """`[{option_id | choice, title, votes, …}]`, with what applies to its kind; empty when it is withheld."""
    passed = fields.BooleanField(null=True)
    explanation_zh = fields.TextField()
    explanation_en = fields.TextField()

    class Meta:
        table = "results"


class Resolution(OfCommunity, Record):
    """The decided text with its rule and figures, immutable. Money and roles cite its number later."""

    deliberation: fields.OneToOneRelation[Deliberation] = fields.OneToOneField(
        "models.Deliberation", "resolution", on_delete=RESTRICT
    )
    deliberation_id: int
    number = fields.CharField(16)
    """Per community and year: 2026-003."""
    title = fields.CharField(60)
    rule = fields.CharEnumField(Rule, max_length=32)
    binding = fields.BooleanField()
    passed = fields.BooleanField(null=True)
    explanation_zh = fields.TextField()
    explanation_en = fields.TextField()
    counts: Any = fields.JSONField()
    """`{roll, voted, tally}`."""
    roll_hash = fields.CharField(64)

    class Meta:
        table = "resolutions"
