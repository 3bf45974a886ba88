"""Deliberations: from a proposal over discussion and vote to a resolution that money and roles cite."""

from services.deliberations.agenda import (
    Proposal,
    comment,
    comments_on,
    open_discussion,
    propose,
    withdraw,
)
from services.deliberations.reading import (
    Detail,
    Outcome,
    OwnBallot,
    detail,
    find,
    find_resolution,
    listed,
    outcome,
    visible,
)
from services.deliberations.voting import advance_due, cast, close, open_voting

__all__ = [
    "Detail",
    "Outcome",
    "OwnBallot",
    "Proposal",
    "advance_due",
    "cast",
    "close",
    "comment",
    "comments_on",
    "detail",
    "find",
    "find_resolution",
    "listed",
    "open_discussion",
    "open_voting",
    "outcome",
    "propose",
    "visible",
    "withdraw",
]
