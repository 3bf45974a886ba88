"""Deliberations: from a proposal over discussion and vote to a resolution that money and roles cite."""

from services.deliberations.agenda import (
    Proposal,
    comment,
    comments_on,
    open_discussion,
    propose,
    withdraw,
)
from services.deliberations.assisted import cast_for, find_entered
from services.deliberations.objections import answer_shown, object_to
from services.deliberations.objections import decide as decide_objection
from services.deliberations.objections import find as find_objection
from services.deliberations.objections import listed as objections
from services.deliberations.paper import enter as enter_paper
from services.deliberations.paper import find as find_batch
from services.deliberations.paper import listed as paper_batches
from services.deliberations.paper import report_csv
from services.deliberations.paper import withdraw as withdraw_batch
from services.deliberations.reading import (
    Detail,
    Outcome,
    OwnBallot,
    detail,
    find,
    find_resolution,
    listed,
    outcome,
    published,
    visible,
    who_voted_what,
)
from services.deliberations.rolls import OwnLine, Standing
from services.deliberations.rolls import altered as altered_rolls
from services.deliberations.rolls import lines as roll_lines
from services.deliberations.rolls import own_line as own_roll_line
from services.deliberations.rolls import standing as roll
from services.deliberations.sheets import SHEETS_MOST
from services.deliberations.sheets import printed as printed_sheets
from services.deliberations.terms import OwnTerms, Terms, set_terms, terms_of
from services.deliberations.voting import advance_due, cast, close, open_voting

__all__ = [
    "SHEETS_MOST",
    "Detail",
    "Outcome",
    "OwnBallot",
    "OwnLine",
    "OwnTerms",
    "Proposal",
    "Standing",
    "Terms",
    "advance_due",
    "altered_rolls",
    "answer_shown",
    "cast",
    "cast_for",
    "close",
    "comment",
    "comments_on",
    "decide_objection",
    "detail",
    "enter_paper",
    "find",
    "find_batch",
    "find_entered",
    "find_objection",
    "find_resolution",
    "listed",
    "object_to",
    "objections",
    "open_discussion",
    "open_voting",
    "outcome",
    "own_roll_line",
    "paper_batches",
    "printed_sheets",
    "propose",
    "published",
    "report_csv",
    "roll",
    "roll_lines",
    "set_terms",
    "terms_of",
    "visible",
    "who_voted_what",
    "withdraw",
    "withdraw_batch",
]
