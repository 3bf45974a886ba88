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


def receipt(deliberation_id: int, choice: Choice, nonce: bytes) -> str:
    """SHA-256 (hex) over deliberation, choice as compact JSON and nonce (hex), one a line: checkable by the voter."""
    canonical = json.dumps(choice, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{deliberation_id}\n{canonical}\n{nonce.hex()}".encode()).hexdigest()
