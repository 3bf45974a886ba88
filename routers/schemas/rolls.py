"""Shapes of constituencies, owners, rolls, objections, places' own thresholds, and paper ballots."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from models.base import Moderation
from models.deliberations import Roll, Rule
from models.rolls import BatchState, Channel, ObjectionState
from routers.schemas.base import Asked, Author, Id, Moment, ReasonText, Shape, ShortText, Title, examples
from routers.schemas.deliberations import RULE_APPLIED, BallotIn, Part, RuleOut, ThresholdShape
from routers.schemas.residents import HelpIn, OnBehalfOfIn

HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
TERM: dict[str, Any] = {
    "id": 2,
    "constituency_id": 1,
    "resident_id": 7,
    "from_on": "2026-12-01",
    "until_on": "2029-12-01",
    "resolution_id": None,
    "minutes": "2026-11-20 居民小组会议记录",
}


class ConstituencyIn(Asked):
    """20 to 50 households that choose one representative; none, to dissolve it."""

    model_config = examples({"name": "第一居民小组", "household_ids": list(range(1, 21))})

    name: Title
    household_ids: Annotated[list[Id], Field(max_length=200)]


class NewConstituencyIn(ConstituencyIn):
    """A constituency of a community."""

    model_config = examples({"community_id": 4, "name": "第一居民小组", "household_ids": list(range(1, 21))})

    community_id: Id


class TermShown(Shape):
    """Who represents a constituency now; from `until_on` on he does not."""

    id: int
    resident_id: int
    nickname: str
    from_on: date
    until_on: date


class ConstituencyOut(Shape):
    """A constituency with the number of its households and its representative."""

    model_config = examples(
        {
            "id": 1,
            "community_id": 4,
            "name": "第一居民小组",
            "households": 20,
            "representative": {
                "id": 2,
                "resident_id": 7,
                "nickname": "小林",
                "from_on": "2026-12-01",
                "until_on": "2029-12-01",
            },
        }
    )

    id: int
    community_id: int
    name: str
    households: int
    representative: TermShown | None


class RepresentativeIn(Asked):
    """Whom the households have elected, from which day until which (not included), and what says so."""

    model_config = examples(
        {key: TERM[key] for key in ("resident_id", "from_on", "until_on", "resolution_id", "minutes")}
    )

    resident_id: Id
    from_on: date
    until_on: date
    resolution_id: Id | None = None
    minutes: ShortText | None = None


class RepresentativeOut(Shape):
    """A representative's term."""

    model_config = examples(TERM)

    id: int
    constituency_id: int
    resident_id: int
    from_on: date
    until_on: date
    resolution_id: int | None
    minutes: str | None


class OwnerIn(Asked):
    """A resident's share of a flat; `votes` names who of several owners votes for it."""

    resident_id: Id
    share_numerator: Part = 1
    share_denominator: Part = 1
    votes: bool = False

    @model_validator(mode="after")
    def _a_share_is_at_most_the_whole(self) -> Self:
        if self.share_numerator > self.share_denominator:
            raise ValueError("a share is at most the whole")
        return self


OWNERS: list[Any] = [
    {"resident_id": 7, "share_numerator": 1, "share_denominator": 2, "votes": True},
    {"resident_id": 8, "share_numerator": 1, "share_denominator": 2, "votes": False},
]


class OwnersIn(Asked):
    """All who own a flat now."""

    model_config = examples({"owners": OWNERS})

    owners: Annotated[list[OwnerIn], Field(max_length=20)]


class OwnerOut(Shape):
    """An owner's share."""

    resident_id: int
    share_numerator: int
    share_denominator: int
    votes: bool


class OwnersOut(Shape):
    """All who own a flat now."""

    model_config = examples({"household_id": 3, "area_cm2": 890000, "owners": OWNERS})

    household_id: int
    area_cm2: int | None
    owners: list[OwnerOut]


class RollOut(Shape):
    """The roll, as it would be now or as it was frozen, and what is to be settled before the vote opens."""

    model_config = examples(
        {
            "kind": "owners",
            "frozen": False,
            "size": 420,
            "area_cm2": 374220000,
            "hash": None,
            "objections_open": 1,
            "objections_decided": 2,
            "areas_missing": 0,
        }
    )

    kind: Roll
    frozen: bool
    size: int
    area_cm2: int | None
    hash: str | None
    objections_open: int
    objections_decided: int
    areas_missing: int


class RollLineOut(Shape):
    """Whether one stands on a roll; `line` is SHA-256 over number, kind, elector_id, area (or 0), salt, one a line."""

    model_config = examples(
        {
            "on_roll": True,
            "frozen": True,
            "number": 12,
            "kind": "residents",
            "elector_id": 7,
            "area_cm2": None,
            "salt": "00112233445566778899aabbccddeeff",
            "line": HASH,
        }
    )

    on_roll: bool
    frozen: bool
    number: int | None
    kind: Roll | None
    elector_id: int | None
    area_cm2: int | None
    salt: str | None
    line: str | None


class ObjectionIn(HelpIn):
    """What is wrong with the roll; while the vote runs, with the ballot that was entered for one."""

    model_config = examples({"reason": "他去年已经搬走了", "resident_id": 9})

    reason: ReasonText
    resident_id: Id | None = None


class ObjectionOut(Shape):
    """An objection; `channel` and `receipt` are of the ballot that left the box for it."""

    model_config = examples(
        {
            "id": 4,
            "deliberation_id": 3,
            "author": {"id": 7, "nickname": "小林"},
            "resident_id": 9,
            "reason": "他去年已经搬走了",
            "moderation": "passed",
            "state": "struck",
            "answer": "经核实，已于去年迁出",
            "channel": None,
            "receipt": None,
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    deliberation_id: int
    author: Author
    resident_id: int | None
    reason: str | None
    """Null to whom it names, until it has passed the check."""
    moderation: Moderation
    state: ObjectionState
    answer: str | None
    channel: Channel | None
    receipt: str | None
    created_at: Moment


class AssistedBallotIn(Asked):
    """What somebody chose who does not use a phone, and how he agreed that it is entered for him."""

    model_config = examples(
        {
            "on_behalf_of": {"resident_id": 21, "consent": {"kind": "witness", "witness_id": 8}},
            "ballot": {"choice": "yes"},
        }
    )

    on_behalf_of: OnBehalfOfIn
    ballot: BallotIn


class ComparedLine(Shape):
    """What became of one elector's code: entered, differs, only_first, only_second, unreadable, twice, unknown_code,
    already_voted, own_ballot or no_representative; with the rows of both files."""

    code: str
    outcome: str
    first: dict[str, Any] | None
    second: dict[str, Any] | None
    first_rows: list[int]
    second_rows: list[int]


class PaperBatchOut(Shape):
    """A batch of paper ballots typed in; the second of two has the report."""

    model_config = examples(
        {
            "id": 6,
            "deliberation_id": 3,
            "entered_by_id": 8,
            "state": "compared",
            "rows": 1,
            "first_id": 5,
            "report": [
                {
                    "code": "0123456789AB",
                    "outcome": "entered",
                    "first": {"choice": "yes"},
                    "second": {"choice": "yes"},
                    "first_rows": [2],
                    "second_rows": [2],
                }
            ],
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    deliberation_id: int
    entered_by_id: int
    state: BatchState
    rows: int
    first_id: int | None
    report: list[ComparedLine] | None
    created_at: Moment


class VotingRuleIn(Asked):
    """What a place asks for by itself under a preset; null: as the law has it. Only officers set `recognised`."""

    rule: Rule
    quorum: ThresholdShape | None = None
    majority: ThresholdShape | None = None
    recognised: bool = False


class VotingRulesIn(Asked):
    """Presets that a place makes stricter; those not named stay."""

    model_config = examples(
        {
            "rules": [
                {
                    "rule": "residents_meeting",
                    "quorum": {"numerator": 2, "denominator": 3, "more_than": False},
                    "majority": None,
                    "recognised": False,
                }
            ]
        }
    )

    rules: Annotated[list[VotingRuleIn], Field(min_length=1, max_length=len(Rule))]


class VotingRulesOut(Shape):
    """All presets as they are in force at a place, its own thresholds and those of the places above included."""

    model_config = examples({"rules": [RULE_APPLIED]})

    rules: list[RuleOut]
