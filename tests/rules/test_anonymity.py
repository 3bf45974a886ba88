"""No small group is shown, and none follows from what is shown."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.rules.anonymity import LEAST, hidden

COUNT = st.one_of(st.integers(0, 9), st.integers(0, 60))


def tree(streets: list[list[int]]) -> tuple[dict[int, int], dict[int, int]]:
    """Counts and parents of a district of streets of communities."""
    counts, parents = {0: sum(map(sum, streets))}, {}
    for street in streets:
        at = len(counts)
        counts[at], parents[at] = sum(street), 0
        for count in street:
            parents[len(counts)] = at
            counts[len(counts)] = count
    return counts, parents


@pytest.mark.parametrize(
    ("parts", "unsaid"),
    [
        ([10, 20], []),
        ([4, 20, 30], [0, 1]),
        ([0, 5, 30], []),
        ([1, 4, 30], [0, 1]),
        ([1, 3, 30], [0, 1, 2]),
        ([1, 1, 7, 30], [0, 1, 2]),
        ([2, 7, 7], [0, 1]),
    ],
)
def test_as_few_as_needed_are_hidden_beside_a_small_one(parts: list[int], unsaid: list[int]) -> None:
    counts, parents = tree([parts, [100]])
    assert {key for key in hidden(counts, parents) if parents[key] == 1} == {2 + part for part in unsaid}


def test_a_street_hidden_beside_another_does_not_follow_from_its_communities() -> None:
    counts, parents = tree([[3], [20, 30], [40, 50]])
    assert hidden(counts, parents) == {1, 2, 3, 4}, "the small street with its community, the next one with one"


def test_of_a_small_whole_only_zero_is_said() -> None:
    counts, parents = tree([[1, 0], [2]])
    assert hidden(counts, parents) == {0, 1, 2, 4, 5}


@given(st.lists(st.lists(COUNT, min_size=1, max_size=5), min_size=1, max_size=5))
def test_no_small_group_is_said_and_no_hidden_one_follows_by_subtraction(streets: list[list[int]]) -> None:
    counts, parents = tree(streets)
    unsaid = hidden(counts, parents)
    assert all(key in unsaid for key, count in counts.items() if 0 < count < LEAST)
    assert all(counts[key] for key in unsaid), "zero is said"
    assert not follows(counts, parents, unsaid)


@example([1, 1, 1, 1, 1])
@example([1, 1, 7])
@settings(deadline=None)  # the brute force is what takes its time
@given(st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_every_hidden_part_of_a_shown_whole_could_be_another(parts: list[int]) -> None:
    counts, parents = tree([parts, [90]])
    unsaid = hidden(counts, parents)
    closed = [key for key in unsaid if parents.get(key) == 1]
    if 1 in unsaid or not closed:
        return
    total = sum(counts[key] for key in closed)
    assert total >= LEAST
    fitting = [found for found in product(range(1, total), repeat=len(closed)) if sum(found) == total]
    assert all(len({found[at] for found in fitting}) > 1 for at in range(len(closed)))


def follows(counts: dict[int, int], parents: dict[int, int], unsaid: set[int]) -> bool:
    """Whether the sums determine any hidden count: Gauss on `whole - parts = what is known`, nothing clever."""
    names = sorted(unsaid)
    rows = []
    for parent in set(parents.values()):
        around = {parent: 1} | {key: -1 for key, above in parents.items() if above == parent}
        rows.append([Fraction(around.get(name, 0)) for name in names])
    done: list[list[Fraction]] = []
    for column in range(len(names)):
        pivot = next((row for row in rows if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        pivot = [cell / pivot[column] for cell in pivot]
        rows, done = (
            [[cell - row[column] * of for cell, of in zip(row, pivot, strict=True)] for row in some]
            for some in (rows, done)
        )
        done.append(pivot)
    return any(sum(map(bool, row)) == 1 for row in done)
