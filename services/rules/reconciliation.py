"""Two lists of money against each other, to the fen: what the platform's bill says, and what our books say."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["missing_here", "missing_there", "doubled", "wrong_amount", "unknown_order"]


@dataclass(frozen=True)
class Difference:
    """A number on which the two do not agree, with what each says of it, in fen."""

    kind: Kind
    number: str
    ours_fen: int
    theirs_fen: int


def compare(told: Iterable[tuple[str, int]], ours: Mapping[str, int], due: Collection[str]) -> list[Difference]:
    """Where a bill and our books differ.

    `told` are the rows of the bill (number, fen); `ours` the numbers we know with what we have taken in or given back
    of each, 0 for nothing; `due` those of ours that this bill must name.
    """
    times, sums = Counter[str](), Counter[str]()
    for number, fen in told:
        times[number] += 1
        sums[number] += fen
    found: list[Difference] = []
    for number in sorted(times):
        kind = _judge(ours.get(number), times[number], sums[number])
        if kind:
            found.append(Difference(kind, number, ours.get(number, 0), sums[number]))
    missing = sorted(set(due) - times.keys())
    return found + [Difference("missing_there", number, ours[number], 0) for number in missing]


def _judge(ours: int | None, times: int, theirs: int) -> Kind | None:
    if ours is None:
        return "unknown_order"
    if ours == 0:
        return "missing_here"
    if times > 1:
        return "doubled"
    return "wrong_amount" if ours != theirs else None
