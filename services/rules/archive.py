"""The archive of a closed vote: all that is needed to count it again, without names, and the head that is signed.

`tools/verify_ballots.py` recounts it with no access to the server; docs/verifying.md explains it to residents.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.rules.canonical import canonical
from services.rules.outcome import ADVISE, Count, Method, count, decide, stops_at
from services.rules.quorum import Preset, Threshold, Weight
from services.rules.tally import Choice

FORMAT = "linli-ballots/1"
FEWEST_SHOWN = 5
"""A secret vote with fewer ballots publishes none of them, and no tally."""


@dataclass(frozen=True)
class Option:
    """One of the things to choose from, as it is published."""

    id: int
    title: str
    cost_fen: int | None = None
    external_id: str | None = None


@dataclass(frozen=True)
class Cast:
    """One ballot without its voter; its area counts only where the rule weighs it. `receipt`: see `tally.receipt`."""

    choice: Choice
    receipt: str
    area_cm2: int = 0


@dataclass(frozen=True)
class Roll:
    """The frozen roll without names. `kind` says of what it is made: residents, households, representatives, owners."""

    kind: str
    lines: Sequence[str]
    area_cm2: int = 0

    @property
    def hash(self) -> str:
        """SHA-256 (hex) over the lines joined by line feeds; published when the vote opens."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()


def build(
    *,
    deliberation_id: int,
    question: str,
    options: Sequence[Option],
    method: Method,
    secret: bool,
    rule: str,
    preset: Preset,
    roll: Roll,
    ballots: Sequence[Cast],
    resolution_number: str | None,
) -> dict[str, Any]:
    """The archive, counted here and now. Ballots stand in the order of their receipts, which is as good as random.

    `preset`: what the rule asks for, with the place's own thresholds where it has stricter ones. What is written of
    ballot and rule is what was applied: limits always stand there, and no majority where the vote only advises.
    """
    present = Weight(len(ballots), sum(ballot.area_cm2 for ballot in ballots))
    on_roll = Weight(len(roll.lines), roll.area_cm2)
    counted = count(
        preset,
        method,
        {option.id: option.cost_fen for option in options},
        [(ballot.choice, Weight(1, ballot.area_cm2)) for ballot in ballots],
    )
    verdict = decide(preset, method, counted, present, on_roll)
    withheld = secret and len(ballots) < FEWEST_SHOWN
    return {
        "format": FORMAT,
        "deliberation_id": deliberation_id,
        "question": question,
        "options": [
            {
                "id": option.id,
                "title": option.title,
                "cost_fen": option.cost_fen,
                "external_id": option.external_id,
            }
            for option in options
        ],
        "ballot": {
            "kind": method.kind,
            "secret": secret,
            "max_choices": method.max_choices or (1 if method.kind in ("yes_no", "single") else len(options)),
            "max_score": method.max_score or 1,
            "budget_fen": method.budget_fen,
            "count": method.count,
            "stops_at": _threshold(stops_at(preset)) if method.kind == "ranked" else None,
        },
        "rule": {
            "name": rule,
            "article_zh": preset.article_zh,
            "article_en": preset.article_en,
            "quorum": _threshold(preset.quorum),
            "majority": None if method.kind in ADVISE else _threshold(preset.majority),
            "by_area": preset.by_area,
        },
        "roll": {
            "kind": roll.kind,
            "size": on_roll.heads,
            "area_cm2": on_roll.area_cm2,
            "hash": roll.hash,
            "lines": list(roll.lines),
        },
        "turnout": _weight(present, preset),
        "withheld": withheld,
        "ballots": [] if withheld else [_ballot(ballot, preset) for ballot in sorted(ballots, key=_by_receipt)],
        "tally": None if withheld else _tally(counted, preset),
        "quorate": verdict.quorate,
        "passed": verdict.passed,
        "resolution_number": resolution_number,
    }


def head_text(archive: Mapping[str, Any]) -> str:
    """The text that is signed for an archive: format, deliberation, and SHA-256 (hex) of the archive, one a line."""
    digest = hashlib.sha256(canonical(archive)).hexdigest()
    return f"{FORMAT}\n{archive['deliberation_id']}\n{digest}\n"


def publish(archive: Mapping[str, Any], *, key_id: str, signature: str) -> bytes:
    """The archive with its signed head, as it is published. `signature`: Ed25519 over `head_text`, in base64."""
    head = {"text": head_text(archive), "key_id": key_id, "signature": signature}
    return canonical({**archive, "head": head})


def _by_receipt(ballot: Cast) -> str:
    return ballot.receipt


def _ballot(ballot: Cast, preset: Preset) -> dict[str, Any]:
    weight = _weight(Weight(1, ballot.area_cm2), preset)
    return {"choice": dict(ballot.choice), "receipt": ballot.receipt, "weight": weight}


def _weight(weight: Weight, preset: Preset) -> list[int]:
    """Heads, and the area in cm² where the rule weighs it."""
    return [weight.heads, weight.area_cm2] if preset.by_area else [weight.heads]


def _threshold(threshold: Threshold | None) -> dict[str, Any] | None:
    if threshold is None:
        return None
    return {
        "numerator": threshold.numerator,
        "denominator": threshold.denominator,
        "more_than": threshold.more_than,
    }


def _tally(counted: Count, preset: Preset) -> dict[str, Any]:
    """Options are texts here, as keys of JSON are. `chosen` is the ranked winner, or what a budget pays for."""
    areas = counted.areas_cm2
    return {
        "numbers": {
            str(one): _weight(Weight(number, areas.get(one, 0)), preset) for one, number in counted.numbers.items()
        },
        "chosen": [str(one) for one in counted.winners] if counted.rounds or counted.purchases else [],
        "rounds": [
            {
                "votes": {str(one): votes for one, votes in past.votes.items()},
                "exhausted": past.exhausted,
                "eliminated": None if past.eliminated is None else str(past.eliminated),
            }
            for past in counted.rounds
        ],
    }
