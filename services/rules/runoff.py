"""Ranked ballots counted by instant run-off: round by round the weakest option goes, and its ballots move on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from services.rules.quorum import MORE_THAN_HALF, Threshold


@dataclass(frozen=True)
class Round:
    """Votes of the options still standing, ballots that name none of them any more, and who left after it."""

    votes: dict[int, int]
    exhausted: int
    tied: tuple[int, ...] = ()
    """The options that shared the fewest votes, when there were several."""
    eliminated: int | None = None


def instant_runoff(
    options: Iterable[int], ballots: Iterable[tuple[Sequence[int], int]], enough: Threshold = MORE_THAN_HALF
) -> tuple[int | None, tuple[Round, ...]]:
    """The winner (None when no ballot ranks anything) and the rounds. Partial rankings are welcome.

    It ends when an option has `enough` (half or more) of all ballots, exhausted ones included, or when two are left.
    The winner is the one that a stop at half of the ballots still in the count would give; going on shows its support.
    Of options that tie for the fewest votes the one with fewer in the round before goes, and so on backwards
    (Scottish Local Government Elections Order 2007, sch. 1, rule 51(2)(a)); where that rule draws lots, here the
    larger id goes, so that every recount ends alike. `ballots`: a ranking, best first, and how many cast just that.
    """
    ballots = [(tuple(ranking), heads) for ranking, heads in ballots]
    piles: dict[int, list[tuple[Sequence[int], int]]] = {option: [] for option in options}
    for ranking, heads in ballots:
        assert len(set(ranking)) == len(ranking), "a ballot ranks each option once"
        assert piles.keys() >= set(ranking), "a ballot ranks only what is asked"
        _hand_on(ranking, heads, piles)
    cast, rounds = sum(heads for _, heads in ballots), list[Round]()
    while piles:
        votes = {option: sum(heads for _, heads in pile) for option, pile in piles.items()}
        history = [votes, *(past.votes for past in reversed(rounds))]
        ordered = sorted(piles, key=partial(_strength, history))
        exhausted, fewest = cast - sum(votes.values()), votes[ordered[0]]
        tied = tuple(sorted(option for option in piles if votes[option] == fewest))
        if len(piles) <= 2 or enough.is_reached(votes[ordered[-1]], cast):
            shared = tied if len(tied) == len(piles) > 1 else ()
            return ordered[-1] if votes[ordered[-1]] else None, (*rounds, Round(votes, exhausted, shared))
        rounds.append(Round(votes, exhausted, tied if len(tied) > 1 else (), ordered[0]))
        for ranking, heads in piles.pop(ordered[0]):
            _hand_on(ranking, heads, piles)
    return None, ()


def _strength(history: list[dict[int, int]], option: int) -> tuple[list[int], int]:
    """Votes now, then in the rounds before, the latest first; at last the smaller id is the stronger."""
    return [votes[option] for votes in history], -option


def _hand_on(ranking: Sequence[int], heads: int, piles: dict[int, list[tuple[Sequence[int], int]]]) -> None:
    """Put a ballot on the pile of the first it names that still stands; it is exhausted when there is none."""
    first = next((option for option in ranking if option in piles), None)
    if first is not None:
        piles[first].append((ranking, heads))
