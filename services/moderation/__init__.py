"""Content security: nobody reads what was not checked, by WeChat or, where it is in doubt, by a human.

What is shown already is reported, hidden, restored and appealed against through `services.reports`.
"""

from services.moderation.checking import check_due, check_now, drop, trust
from services.moderation.labels import in_words
from services.moderation.pausing import find_pause, lift, pauses
from services.moderation.queue import Queued, approve, find, hide, queue
from services.moderation.reporting import (
    Decision,
    Reported,
    Target,
    appeal,
    decide_by_hand,
    find_decision,
    find_report,
    my_decisions,
    my_reports,
    note_hidden,
    report,
)

__all__ = [
    "Decision",
    "Queued",
    "Reported",
    "Target",
    "appeal",
    "approve",
    "check_due",
    "check_now",
    "decide_by_hand",
    "drop",
    "find",
    "find_decision",
    "find_pause",
    "find_report",
    "hide",
    "in_words",
    "lift",
    "my_decisions",
    "my_reports",
    "note_hidden",
    "pauses",
    "queue",
    "report",
    "trust",
]
