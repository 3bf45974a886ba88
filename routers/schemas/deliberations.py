"""Shapes of deliberations, ballots, results and resolutions."""

from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, AliasPath, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from models.base import Moderation
from models.deliberations import MAX_SCORE, BallotKind, BudgetCount, DeliberationState, Form, Roll, Rule
from routers.schemas.base import (
    Asked,
    Author,
    Body,
    Fen,
    Id,
    Moment,
    ReasonText,
    Shape,
    TimelineLine,
    Title,
    When,
    examples,
)
from routers.schemas.residents import HelpIn

OPTIONS_MAX = 50
EXAMPLE: dict[str, Any] = {
    "id": 3,
    "community_id": 4,
    "state": "voting",
    "moderation": "passed",
    "form": "dialogue",
    "title": "在 7 号楼前装一盏路灯",
    "body": "晚上看不清台阶，已有两位老人摔倒。",
    "author": {"id": 7, "nickname": "小林"},
    "need_ids": [5],
    "ballot": {
        "kind": "yes_no",
        "secret": False,
        "max_choices": None,
        "max_score": None,
        "budget_fen": None,
        "count": None,
    },
    "options": [],
    "roll": "residents",
    "rule": "residents_meeting",
    "discussion_until": "2026-11-30T20:00:00+08:00",
    "voting_until": "2026-12-07T20:00:00+08:00",
    "opened_at": "2026-11-30T20:00:02+08:00",
    "closed_at": None,
    "roll_size": 1204,
    "roll_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "created_at": "2026-11-23T10:00:00+08:00",
}
TALLY: list[Any] = [
    {"option_id": None, "choice": "yes", "title": "同意", "votes": 700, "share": "700/1000", "passed": True},
    {"option_id": None, "choice": "no", "title": "反对", "votes": 250, "share": "250/1000", "passed": None},
    {"option_id": None, "choice": "abstain", "title": "弃权", "votes": 50, "share": "50/1000", "passed": None},
]
EXPLANATION = "名册共 1204 人，1000 人参加表决。……同意达到要求（700/1000），通过。"


PROMISE_IN_WORDS = (
    "任何人都可以凭公布的选票档案重新计票，并能发现事后的篡改；选票档案不含姓名。对服务器的运营者，我们不承诺其无法得知您的选择。",
    "Anyone can recount the published ballots, which bear no names, and tampering after the fact is found. "
    "That the operator of the server could never learn how you voted is not promised.",
)


class BallotRuleIn(Asked):
    """How one votes. `max_choices` is for approval and budgets; `budget_fen` and `count` (greedy if not said) are for
    a budget. Scores go from 0 to 10."""

    kind: BallotKind
    secret: bool = False
    max_choices: Annotated[int, Field(ge=1, le=OPTIONS_MAX, strict=True)] | None = None
    budget_fen: Fen | None = None
    count: BudgetCount | None = None


class OptionIn(Asked):
    """Something to choose; what it costs only in a budget vote."""

    title: Title
    cost_fen: Fen | None = None


class DeliberationIn(HelpIn):
    """What is to be decided, how, by whom and until when."""

    model_config = examples(
        {
            "community_id": 4,
            "form": "dialogue",
            "title": "在 7 号楼前装一盏路灯",
            "body": "晚上看不清台阶，已有两位老人摔倒。",
            "need_ids": [5],
            "ballot": {"kind": "yes_no", "secret": False},
            "options": [],
            "roll": "residents",
            "rule": "residents_meeting",
            "discussion_until": "2026-11-30T20:00:00+08:00",
            "voting_until": "2026-12-07T20:00:00+08:00",
        }
    )

    community_id: Id
    form: Form
    title: Title
    body: Body
    need_ids: Annotated[list[Id], Field(max_length=20)] = []
    ballot: BallotRuleIn
    options: Annotated[list[OptionIn], Field(max_length=OPTIONS_MAX)] = []
    roll: Roll
    rule: Rule
    discussion_until: When
    voting_until: When

    @model_validator(mode="after")
    def _money_is_for_a_budget(self) -> Self:
        money = [self.ballot.budget_fen, self.ballot.count, *(option.cost_fen for option in self.options)]
        if self.ballot.kind is not BallotKind.BUDGET and any(given is not None for given in money):
            raise PydanticCustomError("of_a_budget", "budget_fen, count and cost_fen belong to a budget vote")
        return self


class WithdrawalIn(HelpIn):
    """Why it is taken back, if one likes to say."""

    model_config = examples({"reason": "物业已经解决"})

    reason: ReasonText | None = None


class BallotRuleOut(Shape):
    """How one votes; what does not apply to its kind is null."""

    kind: BallotKind
    secret: bool
    max_choices: int | None
    max_score: int | None
    budget_fen: int | None
    count: BudgetCount | None


class OptionOut(Shape):
    """Something to choose; what it costs in a budget vote, and its name in the election it was imported from."""

    id: int
    title: str
    cost_fen: int | None
    external_id: str | None


class DeliberationOut(Shape):
    """A deliberation; `roll_hash` is SHA-256 over the frozen roll, null before the vote opens."""

    model_config = examples(EXAMPLE)

    id: int
    community_id: int
    state: DeliberationState
    moderation: Moderation
    form: Form
    title: str
    body: str
    author: Author
    need_ids: list[int]
    ballot: BallotRuleOut
    options: Annotated[list[OptionOut], BeforeValidator(list)]
    roll: Roll
    rule: Rule
    discussion_until: Moment
    voting_until: Moment
    opened_at: Moment | None
    closed_at: Moment | None
    roll_size: int | None
    roll_hash: str | None
    created_at: Moment


class OwnBallotOut(Shape):
    """What the reader himself, or his household, voted."""

    choice: dict[str, Any]
    receipt: str


class DeliberationDetail(DeliberationOut):
    """A deliberation with its history and one's own ballot, which of a secret vote nobody can look up."""

    model_config = examples({**EXAMPLE, "timeline": [], "my_ballot": None, "has_voted": False})

    timeline: list[TimelineLine]
    my_ballot: OwnBallotOut | None
    has_voted: bool


OptionKey = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,18}$")]
Points = Annotated[int, Field(ge=0, le=MAX_SCORE, strict=True)]


class BallotIn(Asked):
    """One's vote: exactly one of the five, as the kind of ballot asks; a secret vote adds a `nonce`: 16 to 64 random
    bytes in hex, which the voter keeps to find his ballot in the archive."""

    model_config = examples(
        {"choice": "yes"},
        {"option_id": 11},
        {"option_ids": [11, 12]},
        {"scores": {"11": 10, "12": 3}},
        {"ranking": [12, 11]},
        {"choice": "yes", "nonce": "000102030405060708090a0b0c0d0e0f"},
    )

    choice: Literal["yes", "no", "abstain"] | None = None
    option_id: Id | None = None
    option_ids: Annotated[list[Id], Field(min_length=1, max_length=OPTIONS_MAX)] | None = None
    scores: Annotated[dict[OptionKey, Points], Field(min_length=1, max_length=OPTIONS_MAX)] | None = None
    ranking: Annotated[list[Id], Field(min_length=1, max_length=OPTIONS_MAX)] | None = None
    nonce: Annotated[str, Field(pattern=r"^([0-9a-fA-F]{2}){16,64}$")] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if len(self.model_dump(exclude_none=True, exclude={"nonce"})) != 1:
            raise PydanticCustomError(
                "one_ballot", "give exactly one of choice, option_id, option_ids, scores and ranking"
            )
        return self


class BallotOut(Shape):
    """The receipt of a vote: a salted SHA-256 that can be checked when the vote has ended."""

    model_config = examples({"receipt": EXAMPLE["roll_hash"]})

    receipt: str


HALF: dict[str, Any] = {"numerator": 1, "denominator": 2, "more_than": True}
Part = Annotated[int, Field(ge=1, le=10_000, strict=True)]


class ThresholdShape(Asked):
    """More than, or at least, so many of a whole."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    numerator: Part
    denominator: Part
    more_than: bool


RULE_APPLIED: dict[str, Any] = {
    "rule": "residents_meeting",
    "article": "《城市居民委员会组织法》第二十七条",
    "quorum": HALF,
    "majority": HALF,
    "by_area": False,
    "recognised": False,
}


class RuleOut(Shape):
    """What a vote must reach: who must take part, what share of those must favour, and the article that says so."""

    model_config = examples(RULE_APPLIED)

    rule: Rule
    article: str
    quorum: ThresholdShape | None
    majority: ThresholdShape | None
    by_area: bool
    recognised: bool


class Turnout(Shape):
    """How many stood on the roll, and how many voted."""

    roll: int
    voted: int


class TallyLine(Shape):
    """What one candidate received; `share` is votes over those who took part, null when nobody did.

    Of scores `votes` are the ballots that give it points, and `score` their sum; of a ranked vote `rounds` are its
    votes round by round, and `votes` the last of them. `selected` is the winner, or what a budget pays for.
    """

    option_id: int | None
    choice: str | None
    title: str
    votes: int
    area_cm2: int | None = None
    """What stands behind the votes, where the rule weighs area."""
    score: int | None = None
    rounds: list[int] | None = None
    cost_fen: int | None = None
    external_id: str | None = None
    selected: bool | None = None
    share: str | None
    passed: bool | None


class AreaOut(Shape):
    """The exclusive area of the whole roll and of those who voted, where the rule weighs it."""

    roll_cm2: int
    voted_cm2: int


class OutcomeOut(Shape):
    """What came out of a vote; `resolution_id` is null when too few took part. The tally is empty when a secret vote
    had fewer than 5 ballots. `promise` says what the archive proves, and what nobody is promised."""

    model_config = examples(
        {
            "state": "decided",
            "turnout": {"roll": 1204, "voted": 1000},
            "tally": TALLY,
            "passed": True,
            "explanation": EXPLANATION,
            "resolution_id": 2,
            "promise": PROMISE_IN_WORDS[0],
        }
    )

    state: DeliberationState
    turnout: Turnout
    area: AreaOut | None = None
    invalidated: int = 0
    """Ballots entered for somebody that left the box because he objected."""
    tally: list[TallyLine]
    rule: RuleOut | None = None
    """What was asked for, by which article, as it was in force at the opening."""
    passed: bool | None
    explanation: str
    resolution_id: int | None
    promise: str


class VotedOut(Shape):
    """A ballot of an open vote with who cast it; `voter` is null where it was imported."""

    model_config = examples(
        {
            "id": 5,
            "number": 17,
            "voter": EXAMPLE["author"],
            "channel": "phone",
            "choice": {"choice": "yes"},
            "receipt": EXAMPLE["roll_hash"],
            "cast_at": "2026-12-01T09:00:00+08:00",
        }
    )

    id: int
    number: int = Field(validation_alias=AliasChoices("number", AliasPath("elector", "number")))
    """His line of the roll."""
    voter: Author | None = Field(validation_alias=AliasChoices("voter", "resident"))
    channel: str
    choice: dict[str, Any]
    receipt: str
    cast_at: Moment


class Counts(Turnout):
    """Turnout and tally; the areas where the rule weighs them."""

    roll_area_cm2: int | None = None
    voted_area_cm2: int | None = None
    tally: list[TallyLine]


RESOLUTION: dict[str, Any] = {
    "id": 2,
    "community_id": 4,
    "deliberation_id": 3,
    "number": "2026-003",
    "title": "在 7 号楼前装一盏路灯",
    "rule": "residents_meeting",
    "binding": True,
    "passed": True,
    "explanation": EXPLANATION,
    "counts": {"roll": 1204, "voted": 1000, "tally": TALLY},
    "roll_hash": EXAMPLE["roll_hash"],
    "created_at": "2026-12-07T20:00:03+08:00",
}


class ResolutionOut(Shape):
    """What was decided, by which rule and with which figures; it never changes."""

    model_config = examples(RESOLUTION)

    id: int
    community_id: int
    deliberation_id: int
    number: str
    title: str
    rule: Rule
    binding: bool
    passed: bool | None
    explanation: str = Field(validation_alias=AliasChoices("explanation", "explanation_zh"))
    counts: Counts
    roll_hash: str
    created_at: Moment
