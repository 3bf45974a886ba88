"""Service hours: when one may come and go, and which minutes count."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.service_hours import may_arrive, may_leave, minutes_served

NINE = datetime(2026, 12, 5, 9, tzinfo=UTC)
ELEVEN = NINE + timedelta(hours=2)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("at", "arrives", "leaves"),
    [
        (NINE - HOUR - SECOND, False, False),
        (NINE - HOUR, True, True),
        (NINE, True, True),
        (ELEVEN, True, True),
        (ELEVEN + SECOND, False, True),
        (ELEVEN + HOUR, False, True),
        (ELEVEN + HOUR + SECOND, False, False),
    ],
)
def test_from_an_hour_before_until_the_end_and_an_hour_more_to_leave(at: datetime, arrives: bool, leaves: bool) -> None:
    assert may_arrive(at, NINE, ELEVEN) is arrives
    assert may_leave(at, NINE, ELEVEN) is leaves


@pytest.mark.parametrize(
    ("came", "left", "minutes"),
    [
        (NINE, ELEVEN, 120),
        (NINE - HOUR, ELEVEN + HOUR, 120),
        (NINE, NINE + 59 * SECOND, 0),
        (NINE, NINE + 60 * SECOND, 1),
        (NINE - HOUR, NINE - SECOND, 0),
        (ELEVEN, ELEVEN + HOUR, 0),
    ],
)
def test_only_whole_minutes_within_the_shift_count(came: datetime, left: datetime, minutes: int) -> None:
    assert minutes_served(came, left, NINE, ELEVEN) == minutes


@given(st.integers(-90, 200), st.integers(0, 200), st.integers(1, 150))
def test_the_same_as_counting_minute_by_minute(came: int, stayed: int, length: int) -> None:
    by_hand = sum(1 for minute in range(came, came + stayed) if 0 <= minute < length)
    start = NINE + came * 60 * SECOND
    assert minutes_served(start, start + stayed * 60 * SECOND, NINE, NINE + length * 60 * SECOND) == by_hand
