"""When one may check in and out, and how much of a stay counts as service."""

from datetime import datetime, timedelta

EARLY = LATE = timedelta(minutes=60)
MINUTE = timedelta(minutes=1)


def may_arrive(at: datetime, starts_at: datetime, ends_at: datetime) -> bool:
    """One checks in from an hour before the start until the end."""
    return starts_at - EARLY <= at <= ends_at


def may_leave(at: datetime, starts_at: datetime, ends_at: datetime) -> bool:
    """One checks out until an hour after the end; whoever forgets is entered by the leader."""
    return starts_at - EARLY <= at <= ends_at + LATE


def minutes_served(arrived_at: datetime, left_at: datetime, starts_at: datetime, ends_at: datetime) -> int:
    """Whole minutes of the stay that lie within the shift (志愿服务条例 19: recorded truthfully)."""
    assert starts_at < ends_at
    assert arrived_at <= left_at
    within = min(left_at, ends_at) - max(arrived_at, starts_at)
    return max(within // MINUTE, 0)
