"""Five working days, Monday to Friday."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.working_days import working_day_after

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("asked", "count", "due"),
    [
        (MONDAY, 1, MONDAY + timedelta(days=1)),
        (MONDAY, 5, MONDAY + timedelta(days=7)),
        (MONDAY + timedelta(days=4), 1, MONDAY + timedelta(days=7)),
        (MONDAY + timedelta(days=5), 5, MONDAY + timedelta(days=11)),
        (MONDAY + timedelta(days=6), 5, MONDAY + timedelta(days=11)),
    ],
)
def test_the_days_counted(asked: date, count: int, due: date) -> None:
    assert working_day_after(asked, count) == due


@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.integers(1, 60))
def test_as_many_working_days_lie_between(asked: date, count: int) -> None:
    due = working_day_after(asked, count)
    between = [asked + timedelta(days=n) for n in range(1, (due - asked).days + 1)]
    assert sum(day.weekday() < 5 for day in between) == count
    assert due.weekday() < 5
