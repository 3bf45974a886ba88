"""What a unit owes on its promise: by hand, against brute force, and whatever the order of payments and refunds."""

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.matching import Promise, owed, shares, step

pytestmark = pytest.mark.no_database

ratios = st.fractions(min_value=Fraction(1, 20), max_value=20, max_denominator=20)
promises = st.builds(Promise, ratios, st.integers(0, 500))


@pytest.mark.parametrize(
    ("ratio", "cap_fen", "raised_fen", "fen"),
    [
        (Fraction(1), 1000, 999, 999),
        (Fraction(1), 1000, 1000, 1000),
        (Fraction(1), 1000, 1001, 1000),
        (Fraction(3), 1000, 333, 999),
        (Fraction(3), 1000, 334, 1000),
        (Fraction(1, 2), 1000, 1, 0),
        (Fraction(1, 2), 1000, 2, 1),
        (Fraction(1, 3), 1000, 299, 99),
        (Fraction(2), 0, 50, 0),
        (Fraction(10), 10**12, 10**11, 10**12),
    ],
)
def test_what_is_owed_at_the_edges(ratio: Fraction, cap_fen: int, raised_fen: int, fen: int) -> None:
    assert owed(Promise(ratio, cap_fen), raised_fen) == fen


@given(promises, st.integers(0, 300))
def test_it_is_the_most_whole_fen_that_the_promise_covers(promise: Promise, raised_fen: int) -> None:
    most = 0
    while most + 1 <= promise.cap_fen and most + 1 <= promise.ratio * raised_fen:
        most += 1
    assert owed(promise, raised_fen) == most


@given(promises, st.lists(st.integers(1, 60), max_size=12), st.data())
def test_payments_and_refunds_in_any_order_come_to_the_same_and_never_above_the_cap(
    promise: Promise, payments: list[int], data: st.DataObject
) -> None:
    refunds = [-data.draw(st.integers(0, payment)) for payment in payments]
    # Each refund comes some time after its payment.
    numbers = data.draw(st.permutations([*range(len(payments))] * 2))
    seen, changes = set[int](), list[int]()
    for number in numbers:
        changes.append(refunds[number] if number in seen else payments[number])
        seen.add(number)
    raised = [0, *accumulate(changes)]
    steps = [step(promise, before, change) for before, change in zip(raised, changes, strict=False)]
    standing = list(accumulate(steps, initial=0))
    assert standing == [owed(promise, sum_fen) for sum_fen in raised]
    assert all(0 <= fen <= promise.cap_fen for fen in standing)
    assert standing[-1] == owed(promise, sum(payments) + sum(refunds))


def test_parts_of_a_fen_are_not_lost_payment_by_payment() -> None:
    third = Promise(Fraction(1, 3), 1000)
    assert [step(third, raised, 1) for raised in range(6)] == [0, 0, 1, 0, 0, 1]


def test_above_the_cap_a_refund_first_eats_what_was_beyond_it() -> None:
    promise = Promise(Fraction(1), 100)
    assert step(promise, 0, 150) == 100
    assert step(promise, 150, -40) == 0
    assert step(promise, 110, -40) == -30


@pytest.mark.parametrize(
    ("amount_fen", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (10, [6, 3, 1], [6, 3, 1]),
        (1, [1, 2], [0, 1]),
        (5, [0, 5, 0], [0, 5, 0]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
        (7, [10**12], [7]),
    ],
)
def test_shares_by_hand(amount_fen: int, weights: list[int], parts: list[int]) -> None:
    assert shares(amount_fen, weights) == parts


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any))
def test_shares_sum_to_the_amount_and_are_exact_to_a_fen(amount_fen: int, weights: list[int]) -> None:
    parts = shares(amount_fen, weights)
    assert sum(parts) == amount_fen
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount_fen * weight, sum(weights))) < 1
        assert part == 0 or weight > 0


def test_nothing_cannot_be_divided_by_nothing() -> None:
    with pytest.raises(AssertionError):
        shares(5, [0, 0])
