"""Working days: Monday to Friday, but for days off and moved working days."""

from collections.abc import Mapping
from datetime import date, timedelta

DAYS_MAX = 400


def is_working(day: date, exceptions: Mapping[date, bool]) -> bool:
    """Whether a day is worked: as the exceptions say, else Monday to Friday."""
    return exceptions.get(day, day.weekday() < 5)


def working_day_after(day: date, count: int, exceptions: Mapping[date, bool]) -> date:
    """The `count`-th working day after `day`; a year without any stands still at its end."""
    last = day + timedelta(days=count + DAYS_MAX)
    while count > 0 and day < last:
        day += timedelta(days=1)
        count -= is_working(day, exceptions)
    return day
