"""Budget votes: by hand, against slow counts with fractions, and against the reference implementation pabutools."""

import random
import time
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pabutools.election import ApprovalBallot, ApprovalProfile, Cost_Sat, Instance, Project
from pabutools.rules import greedy_utilitarian_welfare, method_of_equal_shares
from pabutools.tiebreaking import TieBreakingRule

from services.rules.budget import Purchase, equal_shares, greedy

pytestmark = pytest.mark.no_database

Profile = list[tuple[frozenset[int], int]]
costs_of = st.lists(st.integers(1, 12), min_size=1, max_size=5).map(lambda costs: dict(enumerate(costs, 1)))
profiles = st.lists(st.tuples(st.frozensets(st.integers(1, 5)), st.integers(1, 3)), max_size=6)
CHEAPER_FIRST = TieBreakingRule(lambda _instance, _profile, project: (project.cost, int(project.name)))


def projects(bought: Sequence[Purchase]) -> list[int]:
    return [one.project for one in bought]


def within(costs: dict[int, int], profile: Profile) -> Profile:
    return [(frozenset(costs) & named, heads) for named, heads in profile]


def slow_shares(costs: dict[int, int], voters: list[frozenset[int]], budget: int) -> list[tuple[int, Fraction]]:
    """Equal shares word for word: one purse per voter, and for each project the least cap that pays for it."""
    purses = [Fraction(budget, len(voters))] * len(voters)
    bought = list[tuple[int, Fraction]]()
    while True:
        offers = []
        for project, cost in costs.items():
            held = [purses[i] for i, named in enumerate(voters) if project in named]
            if project in dict(bought) or sum(held) < cost:
                continue
            # The sum of min(purse, cap) grows with the cap, straight between purses: try each number of full payers.
            caps = [(Fraction(cost) - sum(sorted(held)[:poor])) / (len(held) - poor) for poor in range(len(held))]
            cap = next(cap for cap in caps if sum(min(purse, cap) for purse in held) == cost)
            offers.append((cap / cost, cost, project, cap))
        if not offers:
            return bought
        _, _, project, cap = min(offers)
        bought.append((project, cap))
        purses = [
            purse - min(purse, cap) if project in named else purse for purse, named in zip(purses, voters, strict=True)
        ]


@given(costs_of, profiles, st.integers(0, 40))
def test_equal_shares_equals_the_slow_count(costs: dict[int, int], profile: Profile, budget: int) -> None:
    profile = within(costs, profile)
    voters = [named for named, heads in profile for _ in range(heads)]
    expected = slow_shares(costs, voters, budget) if voters else []
    assert [(one.project, one.most_fen) for one in equal_shares(costs, profile, budget)] == expected


@given(costs_of, profiles, st.integers(0, 40))
def test_what_is_bought_is_paid_for(costs: dict[int, int], profile: Profile, budget: int) -> None:
    profile = within(costs, profile)
    for count in (greedy, equal_shares):
        bought = count(costs, profile, budget)
        assert sum(one.cost_fen for one in bought) <= budget
        assert len(set(projects(bought))) == len(bought)
        for one in bought:
            assert one.cost_fen == costs[one.project]
            assert any(one.project in named for named, _ in profile)


@given(costs_of, profiles, st.integers(0, 40), st.randoms(use_true_random=False))
def test_neither_order_nor_grouping_of_ballots_matters(
    costs: dict[int, int], profile: Profile, budget: int, shuffler: random.Random
) -> None:
    profile = within(costs, profile)
    apart = [(named, 1) for named, heads in profile for _ in range(heads)]
    shuffler.shuffle(apart)
    for count in (greedy, equal_shares):
        assert count(costs, apart, budget) == count(costs, profile, budget)


@given(costs_of, profiles, st.integers(0, 40))
def test_greedy_equals_taking_the_best_that_fits_again_and_again(
    costs: dict[int, int], profile: Profile, budget: int
) -> None:
    profile = within(costs, profile)
    votes = {one: sum(heads for named, heads in profile if one in named) for one in costs}
    open_to, taken = {one for one in costs if votes[one]}, list[int]()
    while open_to:
        best = min(open_to, key=lambda one: (-votes[one], costs[one], one))
        open_to.remove(best)
        if sum(costs[one] for one in taken) + costs[best] <= budget:
            taken.append(best)
    assert projects(greedy(costs, profile, budget)) == taken


def with_pabutools(costs: dict[int, int], profile: Profile, budget: int) -> tuple[list[int], list[int]]:
    known = {one: Project(str(one), cost) for one, cost in costs.items()}
    instance = Instance(known.values(), budget_limit=budget)
    ballots = ApprovalProfile(
        [ApprovalBallot(known[one] for one in named) for named, heads in profile for _ in range(heads)]
    )
    shares = method_of_equal_shares(instance, ballots, sat_class=Cost_Sat, tie_breaking=CHEAPER_FIRST)
    best = greedy_utilitarian_welfare(instance, ballots, sat_class=Cost_Sat, tie_breaking=CHEAPER_FIRST)
    return [int(one.name) for one in shares], [int(one.name) for one in best]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("alike", [False, True])
def test_both_counts_equal_pabutools(seed: int, alike: bool) -> None:
    """25 instances a seed, 600 in all; half of them full of ties, which both break by cost and then by id."""
    chance = random.Random(seed)
    for _ in range(25):
        dearest = 4 if alike else 10_000
        costs = {one: chance.randint(1, dearest) for one in range(1, chance.randint(2, 9))}
        profile = [
            (frozenset(one for one in costs if chance.random() < 0.4), 1)
            for _ in range(chance.randint(1, 6 if alike else 25))
        ]
        budget = chance.randint(1, sum(costs.values()))
        shares, best = with_pabutools(costs, profile, budget)
        assert projects(equal_shares(costs, profile, budget)) == shares
        # By cost utilities a project's gain for each fen is its votes; pabutools also takes what nobody voted for.
        named = {one for names, _ in profile for one in names}
        assert projects(greedy(costs, profile, budget)) == [one for one in best if one in named]


def test_greedy_skips_what_no_longer_fits_and_tries_the_next() -> None:
    costs = {1: 60, 2: 50, 3: 40, 4: 1}
    profile = [(frozenset({1}), 5), (frozenset({2}), 4), (frozenset({3}), 3), (frozenset(), 2)]
    assert greedy(costs, profile, 100) == [Purchase(1, 60), Purchase(3, 40)]


def test_at_a_tie_the_cheaper_goes_first_then_the_smaller_id() -> None:
    profile = [(frozenset({1, 2, 3}), 2)]
    for count in (greedy, equal_shares):
        assert projects(count({1: 30, 2: 20, 3: 20}, profile, 50)) == [2, 3]
        assert projects(count({1: 30, 2: 20, 3: 20}, profile, 25)) == [2]


def test_equal_shares_leaves_a_minority_its_part() -> None:
    """Six want the dear things, four the cheap ones: greedy gives the four nothing."""
    costs = {1: 30, 2: 30, 3: 40}
    profile = [(frozenset({1, 2}), 6), (frozenset({3}), 4)]
    assert projects(greedy(costs, profile, 70)) == [1, 2]
    assert projects(equal_shares(costs, profile, 100)) == [1, 2, 3]
    assert projects(greedy({1: 42, 2: 28, 3: 28}, profile, 70)) == [2, 1]
    assert projects(equal_shares({1: 42, 2: 28, 3: 28}, profile, 70)) == [2, 3]


@pytest.mark.parametrize(("budget", "bought"), [(99, []), (100, [1]), (101, [1])])
def test_the_exact_edge_of_what_supporters_hold(budget: int, bought: list[int]) -> None:
    """Two of three voters hold two thirds of the budget; the cost is two thirds of 100, rounded up to no fen."""
    costs = {1: 200}
    profile = [(frozenset({1}), 2), (frozenset(), 1)]
    assert projects(equal_shares(costs, profile, 3 * budget)) == bought


def test_who_has_less_gives_all_he_has_and_the_others_share_the_rest() -> None:
    costs = {1: 60, 2: 90}
    profile = [(frozenset({1}), 1), (frozenset({1, 2}), 1), (frozenset({2}), 1)]
    bought = equal_shares(costs, profile, 300)
    assert bought == [Purchase(1, 60, Fraction(30)), Purchase(2, 90, Fraction(45))]
    bought = equal_shares({1: 120, 2: 130}, profile, 300)
    assert bought == [Purchase(1, 120, Fraction(60)), Purchase(2, 130, Fraction(90))]


def test_thirds_stay_thirds() -> None:
    bought = equal_shares({1: 100, 2: 100}, [(frozenset({1, 2}), 3)], 200)
    assert bought == [Purchase(1, 100, Fraction(100, 3)), Purchase(2, 100, Fraction(100, 3))]


def test_nobody_voted() -> None:
    assert greedy({1: 5}, [], 10) == equal_shares({1: 5}, [], 10) == []
    assert greedy({1: 5}, [(frozenset(), 3)], 10) == equal_shares({1: 5}, [(frozenset(), 3)], 10) == []


def test_ten_thousand_ballots_over_fifty_projects_take_seconds_at_most() -> None:
    """The heaviest of several shapes tried: long ballots, no two alike, and money for every project."""
    chance = random.Random(1)
    costs = {one: 100_000 + one for one in range(1, 51)}
    profile = [(frozenset(one for one in costs if chance.random() < 0.5), 1) for _ in range(10_000)]
    started = time.process_time()
    assert len(equal_shares(costs, profile, sum(costs.values()))) > 40
    assert time.process_time() - started < 5
