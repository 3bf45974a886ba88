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
from services.deliberations.following import (
    Aftermath,
    DisplayView,
    Judgement,
    TaskView,
    aftermath,
    cancel_task,
    find_display,
    find_task,
    finish_task,
    implement,
    judge,
    put_up,
    resolutions,
    review,
    set_task,
    take_down,
)
from services.deliberations.importing import Imported, import_election
from services.deliberations.meetings import Call, MeetingCode, MeetingView, Point, announce_due
from services.deliberations.meetings import attendances as meeting_attendances
from services.deliberations.meetings import call as call_meeting
from services.deliberations.meetings import cancel as cancel_meeting
from services.deliberations.meetings import check_in as check_in_at_meeting
from services.deliberations.meetings import code as meeting_code
from services.deliberations.meetings import detail as meeting_detail
from services.deliberations.meetings import find as find_meeting
from services.deliberations.meetings import hold as hold_meeting
from services.deliberations.meetings import listed as meetings
from services.deliberations.objections import answer_shown, object_to, reason_shown
from services.deliberations.objections import decide as decide_objection
from services.deliberations.objections import find as find_objection
from services.deliberations.objections import listed as objections
from services.deliberations.options import (
    accept_option,
    decline_option,
    find_option_proposal,
    option_proposals,
    propose_option,
    withdraw_option,
)
from services.deliberations.paper import enter as enter_paper
from services.deliberations.paper import find as find_batch
from services.deliberations.paper import listed as paper_batches
from services.deliberations.paper import report_csv
from services.deliberations.paper import withdraw as withdraw_batch
from services.deliberations.petitions import (
    answer_petition,
    find_petition,
    lapse_due,
    petition_detail,
    petitions,
    sign,
    start_petition,
    unsign,
    withdraw_petition,
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
    "Aftermath",
    "Call",
    "Detail",
    "DisplayView",
    "Imported",
    "Judgement",
    "MeetingCode",
    "MeetingView",
    "Outcome",
    "OwnBallot",
    "OwnLine",
    "OwnTerms",
    "Point",
    "Proposal",
    "Standing",
    "TaskView",
    "Terms",
    "accept_option",
    "advance_due",
    "aftermath",
    "altered_rolls",
    "announce_due",
    "answer_petition",
    "answer_shown",
    "call_meeting",
    "cancel_meeting",
    "cancel_task",
    "cast",
    "cast_for",
    "check_in_at_meeting",
    "close",
    "comment",
    "comments_on",
    "decide_objection",
    "decline_option",
    "detail",
    "enter_paper",
    "find",
    "find_batch",
    "find_display",
    "find_entered",
    "find_meeting",
    "find_objection",
    "find_option_proposal",
    "find_petition",
    "find_resolution",
    "find_task",
    "finish_task",
    "hold_meeting",
    "implement",
    "import_election",
    "judge",
    "lapse_due",
    "listed",
    "meeting_attendances",
    "meeting_code",
    "meeting_detail",
    "meetings",
    "object_to",
    "objections",
    "open_discussion",
    "open_voting",
    "option_proposals",
    "outcome",
    "own_roll_line",
    "paper_batches",
    "petition_detail",
    "petitions",
    "printed_sheets",
    "propose",
    "propose_option",
    "published",
    "put_up",
    "reason_shown",
    "report_csv",
    "resolutions",
    "review",
    "roll",
    "roll_lines",
    "set_task",
    "set_terms",
    "sign",
    "start_petition",
    "take_down",
    "terms_of",
    "unsign",
    "visible",
    "who_voted_what",
    "withdraw",
    "withdraw_batch",
    "withdraw_option",
    "withdraw_petition",
]
