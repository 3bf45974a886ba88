"""Shapes of the human queue, of reports, decisions and pauses."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from models.moderation import CheckState, Why
from routers.schemas.base import Asked, Moment, ReasonText, Shape, examples


class QueuedOut(Shape):
    """Something that waits for a human; `suggest` and `label` are WeChat's, `why` says why a human is asked.

    `reports` and `reasons` are the residents', `plea` is its author's appeal.
    """

    model_config = examples(
        {
            "id": 41,
            "subject": "need:12",
            "community_id": 4,
            "state": "queued",
            "texts": ["7号楼楼道灯坏了", "一到三层的灯都不亮"],
            "media_url": None,
            "suggest": "review",
            "label": 20006,
            "why": "review",
            "author": "小**",
            "created_at": "2026-11-23T10:00:00+08:00",
            "plea": None,
            "reports": 0,
            "reasons": [],
        }
    )

    id: int
    subject: str
    community_id: int | None
    state: CheckState
    texts: list[str]
    media_url: str | None
    suggest: str | None
    label: int | None
    why: Why | None
    author: str
    created_at: Moment
    plea: str | None
    reports: int
    reasons: list[str]


Reference = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,30}:[1-9][0-9]{0,17}$")]
"""A thing by its noun and id."""


class AboutIn(Asked):
    """A thing, and why."""

    model_config = examples({"subject": "need:12", "reason": "内容是广告"})

    subject: Reference
    reason: ReasonText


class Outcome(StrEnum):
    """What became of a report; `gone` when the thing was changed or taken away meanwhile."""

    OPEN = "open"
    KEPT = "kept"
    HIDDEN = "hidden"
    GONE = "gone"


class ReportOut(Shape):
    """A report, for whoever made it."""

    model_config = examples(
        {
            "id": 3,
            "subject": "need:12",
            "reason": "内容是广告",
            "state": "open",
            "created_at": "2026-11-23T10:00:00+08:00",
        }
    )

    id: int
    subject: str
    reason: str
    state: Outcome
    created_at: Moment


class DecisionOut(Shape):
    """Something of the reader's own that was hidden: `reason` a human's, `why` WeChat's.

    `appeal` is `queued` while it waits, then `passed` or `hidden`; null when there is none.
    """

    model_config = examples(
        {
            "id": 41,
            "subject": "need:12",
            "decided_at": "2026-11-23T10:00:00+08:00",
            "reason": "内容是广告",
            "why": None,
            "appeal_until": "2026-12-08T10:00:00+08:00",
            "appeal": None,
        }
    )

    id: int
    subject: str
    decided_at: Moment
    reason: str | None
    why: str | None
    appeal_until: Moment
    appeal: CheckState | None


class PauseOut(Shape):
    """Until when somebody may not post; `resident` is his masked nickname."""

    model_config = examples(
        {
            "id": 2,
            "resident_id": 7,
            "resident": "小**",
            "community_id": 4,
            "created_at": "2026-11-23T10:00:00+08:00",
            "until_at": "2026-11-30T10:00:00+08:00",
            "lifted_at": None,
        }
    )

    id: int
    resident_id: int
    resident: str
    community_id: int
    created_at: Moment
    until_at: Moment
    lifted_at: Moment | None
