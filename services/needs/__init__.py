"""Needs: raised by residents, supported by neighbours, handled by the community, rated and reopened.

Services to the right cite needs by `citable` and note with `link` what they made from them.
"""

from services.needs.deadlines import follow_calendar, note_overdue, rules, update_rules
from services.needs.escalation import escalate, hand_back
from services.needs.export import as_csv, as_xlsx
from services.needs.hints import similar
from services.needs.links import citable, link, links_of, standing
from services.needs.merging import merge
from services.needs.reading import (
    Answer,
    Hop,
    Link,
    NeedDetail,
    Priority,
    detail,
    find,
    listed,
    listed_comments,
    participants,
    visible,
)
from services.needs.road import (
    accept,
    answer,
    close_due,
    comment,
    decline,
    endorse,
    finish,
    rate,
    reopen,
    route,
    set_urgency,
    submit,
    unendorse,
    withdraw,
)

__all__ = [
    "Answer",
    "Hop",
    "Link",
    "NeedDetail",
    "Priority",
    "accept",
    "answer",
    "as_csv",
    "as_xlsx",
    "citable",
    "close_due",
    "comment",
    "decline",
    "detail",
    "endorse",
    "escalate",
    "find",
    "finish",
    "follow_calendar",
    "hand_back",
    "link",
    "links_of",
    "listed",
    "listed_comments",
    "merge",
    "note_overdue",
    "participants",
    "rate",
    "reopen",
    "route",
    "rules",
    "set_urgency",
    "similar",
    "standing",
    "submit",
    "unendorse",
    "update_rules",
    "visible",
    "withdraw",
]
