"""Counting ballots: what each candidate received, from choices with the weight behind them."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from services.rules.quorum import Weight

Choice = Mapping[str, Any]
Candidate = str | int
ANSWERS: tuple[str, ...] = ("yes", "no", "abstain")

# Kind of ballot → the candidates a choice counts for.
NAMED: dict[str, Callable[[Choice], Sequence[Candidate]]] = {
    "yes_no": lambda choice: [choice["choice"]],
    "single": lambda choice: [choice["option_id"]],
    "approval": lambda choice: choice["option_ids"],
}


def tally(
    kind: str, candidates: Sequence[Candidate], ballots: Iterable[tuple[Choice, Weight]]
) -> dict[Candidate, Weight]:
    """What each candidate received, in the candidates' order; a ballot counts once for each it names."""
    votes = dict.fromkeys(candidates, Weight(0))
    for choice, weight in ballots:
        named = NAMED[kind](choice)
        assert len(set(named)) == len(named), "a ballot names each candidate once"
        for candidate in named:
            votes[candidate] += weight
    return votes


def score(options: Iterable[int], ballots: Iterable[tuple[Mapping[str, int], int]], most: int) -> dict[Candidate, int]:
    """Each option's points summed. A ballot gives 0 to `most` points an option; what it leaves out gets 0.

    `ballots`: points by option id (a string, as JSON has it), and how many cast just that.
    """
    points: dict[Candidate, int] = dict.fromkeys(options, 0)
    for given, heads in ballots:
        for option, number in given.items():
            assert 0 <= number <= most, "points lie between 0 and the most allowed"
            points[int(option)] += number * heads
    return points


def receipt(deliberation_id: int, choice: Choice, nonce: bytes) -> str:
    """SHA-256 (hex) over deliberation, choice as compact JSON and nonce (hex), one a line: checkable by the voter."""
    canonical = json.dumps(choice, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{deliberation_id}\n{canonical}\n{nonce.hex()}".encode()).hexdigest()
