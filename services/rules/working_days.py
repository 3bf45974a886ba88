"""Working days: Monday to Friday. Public holidays, and the weekends worked for them, are not known yet."""

from datetime import date, timedelta


def working_day_after(day: date, count: int) -> date:
    """The `count`-th working day after a day."""
    assert count > 0
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day
