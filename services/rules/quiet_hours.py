"""When nobody is disturbed, and when the day is summed up. Times are local, of a zone without summer time."""

from datetime import date, datetime, time, timedelta

NIGHT, MORNING, DIGEST = time(22), time(7), time(18)


def quiet_until(at: datetime) -> datetime | None:
    """07:00, when `at` lies in the quiet hours from 22:00 until then; None by day."""
    if MORNING <= at.time() < NIGHT:
        return None
    day = at.date() if at.time() < MORNING else at.date() + timedelta(days=1)
    return datetime.combine(day, MORNING, at.tzinfo)


def digest_due(at: datetime) -> tuple[date, datetime, datetime] | None:
    """From 18:00 on: today, and the 24 hours until 18:00 that its digest sums up (the end is not among them)."""
    if at.time() < DIGEST:
        return None
    end = datetime.combine(at.date(), DIGEST, at.tzinfo)
    return at.date(), end - timedelta(days=1), end
