"""Working days: Monday to Friday, but for days off and moved working days."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.calendars import is_working, working_day_after

DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("day", "count", "due"),
    [
        ("2026-11-23", 3, "2026-11-26"),  # a Monday
        ("2026-11-20", 1, "2026-11-23"),  # a Friday
        ("2026-11-21", 1, "2026-11-23"),  # a Saturday
        ("2026-09-30", 1, "2026-10-08"),  # the National Day week
        ("2026-09-30", 3, "2026-10-10"),  # a Saturday that is worked
        ("2026-11-23", 0, "2026-11-23"),
    ],
)
def test_the_day_something_is_due(day: str, count: int, due: str) -> None:
    week_off = {date(2026, 10, 1) + timedelta(days=n): False for n in range(7)}
    assert working_day_after(
        date.fromisoformat(day), count, week_off | {date(2026, 10, 10): True}
    ) == date.fromisoformat(due)


@given(DAYS, st.integers(1, 40), st.dictionaries(DAYS, st.booleans(), max_size=40))
def test_it_is_what_counting_by_hand_gives(day: date, count: int, exceptions: dict[date, bool]) -> None:
    due = working_day_after(day, count, exceptions)
    worked = [day + timedelta(days=n) for n in range(1, (due - day).days + 1)]
    assert sum(is_working(one, exceptions) for one in worked) == count
    assert is_working(due, exceptions)


def test_a_place_where_nobody_ever_works_ends_somewhere() -> None:
    never = {date(2026, 1, 1) + timedelta(days=n): False for n in range(3000)}
    assert working_day_after(date(2026, 1, 1), 3, never) < date(2028, 1, 1)
