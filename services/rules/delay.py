"""A vote that the clock opens late ends as much later, so that it runs as long as was announced."""

from datetime import datetime, timedelta

LATE = timedelta(hours=1)
"""A vote opened within the hour keeps its announced end."""
LEAST = 10
"""But one that has lost a tenth of its time, or more, is late before that."""


def is_late(discussion_until: datetime, voting_until: datetime, opened_at: datetime) -> bool:
    """Whether the vote opens so late that its end moves."""
    return opened_at - discussion_until >= min(LATE, (voting_until - discussion_until) / LEAST)


def ends_at(discussion_until: datetime, voting_until: datetime, opened_at: datetime) -> datetime:
    """When a vote ends that was to run from `discussion_until` to `voting_until` and opens at `opened_at`."""
    late = is_late(discussion_until, voting_until, opened_at)
    return voting_until + (opened_at - discussion_until) if late else voting_until
