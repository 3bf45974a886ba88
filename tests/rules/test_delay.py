"""When a vote that opens late ends."""

from datetime import UTC, datetime, timedelta

import pytest

from services.rules import delay

pytestmark = pytest.mark.no_database

DUE = datetime(2026, 11, 1, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


@pytest.mark.parametrize(
    ("lasts", "late_by", "shifts"),
    [
        (10 * HOUR, HOUR - SECOND, False),
        (10 * HOUR, HOUR, True),
        (30 * MINUTE, 3 * MINUTE - SECOND, False),
        (30 * MINUTE, 3 * MINUTE, True),
        (30 * MINUTE, 40 * MINUTE, True),  # it would open already over
        (MINUTE, -HOUR, False),
    ],
)
def test_a_vote_loses_an_hour_or_a_tenth_at_most(lasts: timedelta, late_by: timedelta, shifts: bool) -> None:
    ends = delay.ends_at(DUE, DUE + lasts, DUE + late_by)
    assert delay.is_late(DUE, DUE + lasts, DUE + late_by) is shifts
    assert ends == DUE + lasts + (late_by if shifts else 0 * HOUR)
    assert ends > DUE + late_by
