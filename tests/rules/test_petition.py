"""One in ten, one in three: exactly, at every edge."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules import delay
from services.rules.petition import needed

pytestmark = pytest.mark.no_database
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("roll", "size", "enough"),
    [
        ("residents", 1, 1),
        ("residents", 10, 1),
        ("residents", 11, 2),
        ("residents", 1204, 121),
        ("residents", 15000, 1500),
        ("households", 20, 2),
        ("households", 21, 3),
        ("representatives", 1, 1),
        ("representatives", 3, 1),
        ("representatives", 4, 2),
        ("representatives", 30, 10),
        ("representatives", 31, 11),
    ],
)
def test_the_edges(roll: str, size: int, enough: int) -> None:
    assert needed(roll, size) == enough


@given(st.sampled_from(["residents", "households", "representatives"]), st.integers(1, 10**6))
def test_it_is_the_fewest_that_reach_the_share(roll: str, size: int) -> None:
    share = Fraction(1, 3) if roll == "representatives" else Fraction(1, 10)
    enough = needed(roll, size)
    assert Fraction(enough, size) >= share
    assert Fraction(enough - 1, size) < share


@given(st.integers(0, 10**7), st.integers(1, 10**7))
def test_a_vote_never_runs_shorter_than_announced_by_more_than_an_hour(late_s: int, runs_s: int) -> None:
    opened, until = NOON + timedelta(seconds=late_s), NOON + timedelta(seconds=runs_s)
    ends = delay.ends_at(NOON, until, opened)
    assert until - NOON - delay.LATE < ends - opened <= until - NOON
    assert (ends == until) == (late_s < min(3600, runs_s / delay.LEAST))


def test_a_vote_opened_early_by_hand_ends_as_announced() -> None:
    assert delay.ends_at(NOON, NOON + timedelta(days=7), NOON - timedelta(days=3)) == NOON + timedelta(days=7)
