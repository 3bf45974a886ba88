"""Shape of the archive of a closed vote."""

from typing import Any

from models.deliberations import Roll, Rule
from routers.schemas.base import Shape, examples
from routers.schemas.deliberations import (
    EXAMPLE,
    HALF,
    PROMISE_IN_WORDS,
    RULE_APPLIED,
    BallotRuleOut,
    OptionOut,
    ThresholdShape,
)

FORMAT = "linli-ballots/1"
PROMISE = f"""Roll (hash and lines without names), options, rule, ballots without voters, tally, and a head signed with
Ed25519, as canonical JSON that never changes. `tools/verify_ballots.py` counts it again and checks a receipt without
the server; docs/verifying.md explains every field. A secret vote with fewer than 5 ballots shows neither ballots nor
tally. {PROMISE_IN_WORDS[1]}"""


class ArchivedOption(OptionOut):
    """One of the things to choose from."""


class ArchivedBallot(Shape):
    """A ballot without its voter: what it says, its receipt, its weight in heads (and cm², where area counts)."""

    choice: dict[str, Any]
    receipt: str
    weight: list[int]


class ArchivedMethod(BallotRuleOut):
    """How it was voted and counted; the limits always stand here. `stops_at`: the share that ends a ranked count."""

    stops_at: ThresholdShape | None


class ArchivedRule(Shape):
    """What was asked for; no majority where the vote only advises."""

    name: Rule
    article_zh: str
    article_en: str
    quorum: ThresholdShape | None
    majority: ThresholdShape | None
    by_area: bool


class ArchivedRoll(Shape):
    """The roll without names; `hash` is the SHA-256 of the lines joined by line feeds."""

    kind: Roll
    size: int
    area_cm2: int
    hash: str
    lines: list[str]


class Head(Shape):
    """Format, deliberation and SHA-256 of the archive without its head, one a line, signed with Ed25519 (base64)."""

    text: str
    key_id: str
    signature: str


class ArchiveOut(Shape):
    """A closed vote to be counted again; docs/verifying.md explains it field by field."""

    model_config = examples(
        {
            "format": FORMAT,
            "deliberation_id": 3,
            "question": EXAMPLE["title"],
            "options": [],
            "ballot": {**EXAMPLE["ballot"], "max_choices": 1, "max_score": 1, "stops_at": None},
            "rule": {
                "name": "residents_meeting",
                "article_zh": RULE_APPLIED["article"],
                "article_en": "Organic Law of Urban Residents' Committees, art. 27",
                "quorum": HALF,
                "majority": HALF,
                "by_area": False,
            },
            "roll": {
                "kind": "residents",
                "size": 1,
                "area_cm2": 0,
                "hash": EXAMPLE["roll_hash"],
                "lines": [EXAMPLE["roll_hash"]],
            },
            "turnout": [1],
            "withheld": False,
            "ballots": [{"choice": {"choice": "yes"}, "receipt": EXAMPLE["roll_hash"], "weight": [1]}],
            "tally": {"numbers": {"yes": [1], "no": [0], "abstain": [0]}, "chosen": [], "rounds": []},
            "quorate": True,
            "passed": True,
            "resolution_number": "2026-003",
            "head": {
                "text": f"{FORMAT}\n3\n{EXAMPLE['roll_hash']}\n",
                "key_id": "1a2b3c4d",
                "signature": "c2lnbmF0dXJl",
            },
        }
    )

    format: str
    deliberation_id: int
    question: str
    options: list[ArchivedOption]
    ballot: ArchivedMethod
    rule: ArchivedRule
    roll: ArchivedRoll
    turnout: list[int]
    withheld: bool
    ballots: list[ArchivedBallot]
    tally: dict[str, Any] | None
    quorate: bool
    passed: bool | None
    resolution_number: str | None
    head: Head
