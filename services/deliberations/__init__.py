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
from services.deliberations.rolls import OwnLine, Standing
from services.deliberations.rolls import lines as roll_lines
from services.deliberations.rolls import own_line as own_roll_line
from services.deliberations.rolls import standing as roll
from services.deliberations.terms import OwnTerms, Terms, set_terms, terms_of
from services.deliberations.voting import advance_due, cast, close, open_voting

__all__ = [
    "Detail",
    "Outcome",
    "OwnBallot",
    "OwnLine",
    "OwnTerms",
    "Proposal",
    "Standing",
    "Terms",
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
    "own_roll_line",
    "propose",
    "roll",
    "roll_lines",
    "set_terms",
    "terms_of",
    "visible",
    "withdraw",
]
