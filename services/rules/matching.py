"""Matching (配捐): what a unit owes on its promise; and splitting an amount so that not a fen is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Promise:
    """A unit gives `ratio` fen for each fen that others give (1:n has ratio n), `cap_fen` at most."""

    ratio: Fraction
    cap_fen: int

    def __post_init__(self) -> None:
        assert self.ratio > 0
        assert self.cap_fen >= 0


def owed(promise: Promise, raised_fen: int) -> int:
    """What the promise comes to once so much was raised: captured money less refunds, without matches.

    Rounded down to whole fen, once, on the whole sum: so neither the order nor the size of single payments matters,
    and nobody is asked for more than was promised.
    """
    assert raised_fen >= 0
    return min(promise.cap_fen, promise.ratio.numerator * raised_fen // promise.ratio.denominator)


def step(promise: Promise, raised_fen: int, change_fen: int) -> int:
    """By how much a payment (or a refund, below zero) changes what is owed, when so much had been raised before."""
    return owed(promise, raised_fen + change_fen) - owed(promise, raised_fen)


def shares(amount_fen: int, weights: Sequence[int]) -> list[int]:
    """Split an amount by weights: each the exact share rounded down, the fen left over to the largest remainders.

    At equal remainders the earlier gets it (Hamilton's method). The parts sum to the amount.
    """
    assert amount_fen >= 0
    assert all(weight >= 0 for weight in weights)
    whole = sum(weights)
    assert whole > 0 or amount_fen == 0
    if whole == 0:
        return [0] * len(weights)
    parts = [amount_fen * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount_fen * weights[i] % whole), i))
    for i in by_remainder[: amount_fen - sum(parts)]:
        parts[i] += 1
    return parts
