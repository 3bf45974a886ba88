"""Two lists of money against each other: each kind of difference, and Hypothesis against brute force."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.reconciliation import Difference, compare

NUMBERS = st.sampled_from("abcde")


@pytest.mark.parametrize(
    ("told", "ours", "kind"),
    [
        ([("a", 100)], {"a": 100}, None),
        ([("a", 100)], {"a": 99}, "wrong_amount"),
        ([("a", 100)], {"a": 101}, "wrong_amount"),
        ([("a", 100)], {"a": 0}, "missing_here"),
        ([("a", 100)], {}, "unknown_order"),
        ([("a", 50), ("a", 50)], {"a": 100}, "doubled"),
        ([("a", 50), ("a", 50)], {}, "unknown_order"),
        ([], {"a": 100}, "missing_there"),
        ([("a", 0)], {"a": 100}, "wrong_amount"),
    ],
)
def test_each_kind(told: list[tuple[str, int]], ours: dict[str, int], kind: str | None) -> None:
    found = compare(told, ours, due=ours)
    assert [one.kind for one in found] == ([kind] if kind else [])


def test_what_is_not_due_may_be_missing() -> None:
    assert compare([], {"a": 100}, due=[]) == []


@given(
    st.lists(st.tuples(NUMBERS, st.integers(1, 3)), max_size=8),
    st.dictionaries(NUMBERS, st.integers(0, 3)),
    st.sets(NUMBERS),
)
def test_it_is_what_counting_by_hand_finds(told: list[tuple[str, int]], ours: dict[str, int], due: set[str]) -> None:
    due = {number for number in due if ours.get(number)}
    by_hand = set()
    for number in "abcde":
        rows = [fen for name, fen in told if name == number]
        known = ours.get(number)
        if rows and known is None:
            by_hand.add(Difference("unknown_order", number, 0, sum(rows)))
        elif rows and known == 0:
            by_hand.add(Difference("missing_here", number, 0, sum(rows)))
        elif len(rows) > 1:
            by_hand.add(Difference("doubled", number, known or 0, sum(rows)))
        elif rows and rows != [known]:
            by_hand.add(Difference("wrong_amount", number, known or 0, sum(rows)))
        elif not rows and number in due:
            by_hand.add(Difference("missing_there", number, known or 0, 0))
    found = compare(told, ours, due)
    assert (set(found), len(found)) == (by_hand, len(by_hand))
