"""Instant run-off: each round by hand, ties told apart by the rounds before, and against a slow count."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.runoff import Round, instant_runoff

pytestmark = pytest.mark.no_database

rankings = st.lists(st.integers(1, 5), unique=True, max_size=5).map(tuple)
profiles = st.lists(st.tuples(rankings, st.integers(1, 4)), max_size=12)


def slow(options: list[int], ballots: list[tuple[tuple[int, ...], int]]) -> tuple[int | None, list[dict[int, int]]]:
    """Count each round anew from all ballots, one at a time, down to one option."""
    standing, rounds = set(options), list[dict[int, int]]()
    every = [ranking for ranking, heads in ballots for _ in range(heads)]
    while True:
        first = [next((one for one in ranking if one in standing), None) for ranking in every]
        votes = {one: first.count(one) for one in standing}
        rounds.append(votes)
        if not any(votes.values()):
            return None, rounds
        most = max(votes.values())
        if len(standing) == 1 or 2 * most > sum(votes.values()):
            return max(standing, key=lambda one: votes[one]), rounds
        weakest = set(standing)
        for past in reversed(rounds):
            fewest = min(past[one] for one in weakest)
            weakest = {one for one in weakest if past[one] == fewest}
        standing.remove(max(weakest))


@given(profiles)
def test_the_winner_is_the_one_a_slow_count_with_the_usual_stop_gives(
    ballots: list[tuple[tuple[int, ...], int]],
) -> None:
    winner, rounds = instant_runoff(range(1, 6), ballots)
    expected, slow_rounds = slow([1, 2, 3, 4, 5], ballots)
    assert winner == expected
    shared = min(len(rounds), len(slow_rounds))
    assert [past.votes for past in rounds[:shared]] == slow_rounds[:shared]


@given(profiles)
def test_no_ballot_is_lost_or_doubled_in_any_round(ballots: list[tuple[tuple[int, ...], int]]) -> None:
    cast = sum(heads for _, heads in ballots)
    winner, rounds = instant_runoff(range(1, 6), ballots)
    for past in rounds:
        assert sum(past.votes.values()) + past.exhausted == cast
    assert [past.exhausted for past in rounds] == sorted(past.exhausted for past in rounds)
    assert len(rounds[-1].votes) == 2 or winner is None or 2 * rounds[-1].votes[winner] > cast


@given(profiles, st.randoms(use_true_random=False))
def test_neither_the_order_of_ballots_nor_that_equal_ones_come_together_matters(
    ballots: list[tuple[tuple[int, ...], int]], random: object
) -> None:
    apart = [(ranking, 1) for ranking, heads in ballots for _ in range(heads)]
    random.shuffle(apart)  # type: ignore[attr-defined]
    assert instant_runoff(range(1, 6), apart) == instant_runoff(range(1, 6), ballots)


def test_the_weakest_leaves_and_its_ballots_move_on() -> None:
    winner, rounds = instant_runoff([1, 2, 3], [((1,), 4), ((2, 1), 3), ((3, 2), 2)])
    assert winner == 2
    assert rounds == (
        Round({1: 4, 2: 3, 3: 2}, exhausted=0, eliminated=3),
        Round({1: 4, 2: 5}, exhausted=0),
    )


def test_ballots_without_a_further_choice_are_reported_round_by_round() -> None:
    _, rounds = instant_runoff([1, 2, 3, 4], [((1,), 4), ((2,), 3), ((3,), 2), ((4, 3), 1), ((), 1)])
    assert [past.exhausted for past in rounds] == [1, 1, 4]
    assert rounds[-1].votes == {1: 4, 2: 3}


@pytest.mark.parametrize(
    ("for_one", "others", "rounds"),
    [(51, 49, 1), (50, 50, 2)],  # more than half at once; exactly half is not enough
)
def test_half_is_not_more_than_half(for_one: int, others: int, rounds: int) -> None:
    ballots = [((1,), for_one), ((2,), others - 1), ((3,), 1)]
    winner, seen = instant_runoff([1, 2, 3], ballots)
    assert winner == 1
    assert len(seen) == rounds


def test_a_tie_for_the_fewest_looks_back_at_the_round_before() -> None:
    # In round 2 options 2 and 3 have three votes each; in round 1 option 2 had fewer, so it goes.
    ballots = [((1,), 5), ((2, 1), 2), ((3, 1), 3), ((4, 2), 1)]
    winner, rounds = instant_runoff([1, 2, 3, 4], ballots)
    assert [past.eliminated for past in rounds] == [4, 2, None]
    assert rounds[1] == Round({1: 5, 2: 3, 3: 3}, exhausted=0, tied=(2, 3), eliminated=2)
    assert winner == 1


def test_of_the_rounds_before_the_latest_decides() -> None:
    # Option 2 trailed option 1 in round 1 and led it in round 2; in round 3 they tie, and option 1 goes.
    ballots = [((2,), 4), ((1,), 5), ((3, 1), 1), ((3, 5), 2), ((4, 2), 2), ((5,), 8)]
    _, rounds = instant_runoff(range(1, 6), ballots)
    assert [past.eliminated for past in rounds] == [4, 3, 1, None]
    assert [(past.votes[1], past.votes[2]) for past in rounds[:3]] == [(5, 4), (5, 6), (6, 6)]


def test_a_tie_that_was_always_one_takes_the_larger_id() -> None:
    winner, rounds = instant_runoff([7, 8, 9], [((7,), 1), ((8,), 1), ((9,), 1)])
    assert [past.eliminated for past in rounds] == [9, None]
    assert rounds[0].tied == (7, 8, 9)
    assert rounds[1] == Round({7: 1, 8: 1}, exhausted=1, tied=(7, 8))
    assert winner == 7


@pytest.mark.parametrize("order", [*permutations([1, 2, 3])])
def test_the_order_of_options_does_not_matter(order: tuple[int, ...]) -> None:
    assert instant_runoff(order, [((1, 2), 1), ((2, 3), 1), ((3, 1), 1)])[0] == 1


def test_nothing_ranked_has_no_winner() -> None:
    assert instant_runoff([1, 2, 3], [])[0] is None
    assert instant_runoff([1, 2], [((), 5)]) == (None, (Round({1: 0, 2: 0}, exhausted=5, tied=(1, 2)),))
    assert instant_runoff([], []) == (None, ())


def test_ranking_an_option_twice_or_a_stranger_is_a_defect() -> None:
    for ranking in [(1, 1), (1, 9)]:
        with pytest.raises(AssertionError):
            instant_runoff([1, 2], [(ranking, 1)])
