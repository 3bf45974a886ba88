"""Shapes of proposed options, and of what follows a resolution: displays, tasks, review, satisfaction."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from models.base import Moderation
from models.deliberations import DeliberationState
from models.following import FollowUpState
from models.proposals import OptionProposalState
from routers.schemas.base import (
    Asked,
    Author,
    Body,
    Fen,
    Id,
    Moment,
    ReasonText,
    Shape,
    ShortText,
    Title,
    When,
    examples,
)
from routers.schemas.deliberations import RESOLUTION, ResolutionOut
from routers.schemas.media import PHOTO, PhotoIds, PhotoOut
from routers.schemas.residents import HelpIn

DISPLAY: dict[str, Any] = {
    "id": 4,
    "where_text": "小区东门公告栏",
    "moderation": "passed",
    "from_at": "2026-12-08T09:00:00+08:00",
    "until_at": "2026-12-24T09:00:00+08:00",
    "long_enough": True,
    "photos": [PHOTO],
}
TASK: dict[str, Any] = {
    "id": 9,
    "resolution_id": 2,
    "title": "联系供电局办理路灯报装",
    "moderation": "passed",
    "state": "done",
    "assignee": "马**",
    "due_at": "2026-12-20T18:00:00+08:00",
    "overdue": False,
    "ended_at": "2026-12-18T11:00:00+08:00",
    "note": "已受理，编号已登记。",
}
JUDGEMENT: dict[str, Any] = {
    "count": 6,
    "average": "4.50",
    "scores": {"1": 0, "2": 0, "3": 1, "4": 1, "5": 4},
}


class OptionProposalIn(HelpIn):
    """One more thing to choose from; what it costs only in a budget vote."""

    model_config = examples({"title": "太阳能路灯"})

    title: Title
    cost_fen: Fen | None = None


class OptionProposalOut(Shape):
    """An option as a resident proposed it; once `accepted` it stands among the options of the vote."""

    model_config = examples(
        {
            "id": 5,
            "deliberation_id": 3,
            "title": "太阳能路灯",
            "cost_fen": None,
            "state": "proposed",
            "moderation": "passed",
            "author": {"id": 8, "nickname": "阿梅"},
            "created_at": "2026-11-24T10:00:00+08:00",
        }
    )

    id: int
    deliberation_id: int
    title: str
    cost_fen: int | None
    state: OptionProposalState
    moderation: Moderation
    author: Author
    created_at: Moment


class DisplayIn(Asked):
    """Where a resolution hangs from now on, with photos that show it."""

    model_config = examples({"where_text": "小区东门公告栏", "photo_ids": [31]})

    where_text: ShortText
    photo_ids: PhotoIds = []


ON_SCREEN: dict[str, Any] = {
    "id": 3,
    "document_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "shown_from": "2026-11-01T00:10:00+08:00",
    "shown_until": "2026-11-16T00:10:00+08:00",
    "days": ["2026-11-01", "2026-11-02"],
}


class DisplayOut(Shape):
    """Where and from when until when a resolution hung, by the clock of the database."""

    model_config = examples(DISPLAY)

    id: int
    where_text: str | None
    moderation: Moderation
    from_at: Moment
    until_at: Moment | None
    long_enough: bool
    photos: list[PhotoOut]


class TaskIn(Asked):
    """What is to be done, by whom and by when."""

    model_config = examples(
        {"title": "联系供电局办理路灯报装", "assignee_id": 15, "due_at": "2026-12-20T18:00:00+08:00"}
    )

    title: Title
    assignee_id: Id
    due_at: When


class TaskDoneIn(HelpIn):
    """How it was done, if one likes to say."""

    model_config = examples({"note": "已受理，编号已登记。"})

    note: ReasonText | None = None


class TaskOut(Shape):
    """A task that follows a resolution; its assignee is named by a masked nickname."""

    model_config = examples(TASK)

    id: int
    resolution_id: int
    title: str | None
    moderation: Moderation
    state: FollowUpState
    assignee: str
    due_at: Moment
    overdue: bool
    ended_at: Moment | None
    note: str | None


class ReviewIn(Asked):
    """What became of the decision."""

    model_config = examples({"body": "路灯已于 12 月 20 日装好。"})

    body: Body


class SatisfactionIn(HelpIn):
    """How satisfied one is, 1 to 5."""

    model_config = examples({"score": 5})

    score: Annotated[int, Field(ge=1, le=5, strict=True)]


class SatisfactionOut(Shape):
    """How satisfied the neighbours are; below five scores only how many gave one."""

    model_config = examples(JUDGEMENT)

    count: int
    average: str | None
    scores: dict[int, int] | None


class OnScreenOut(Shape):
    """The display of a resolution on screen: `GET /v1/disclosures/{id}` has the document; `days` it was read back."""

    model_config = examples(ON_SCREEN)

    id: int
    document_hash: str
    shown_from: Moment
    shown_until: Moment
    days: list[date]


class ResolutionDetail(ResolutionOut):
    """A resolution with what followed it. It is displayed on line from `created_at` on.

    `displays` are on paper; `on_screen` is its disclosure, null for the minute before that hangs.
    """

    model_config = examples(
        {
            **RESOLUTION,
            "state": "reviewed",
            "displays": [DISPLAY],
            "on_screen": ON_SCREEN,
            "follow_ups": [TASK],
            "review": "路灯已于 12 月 20 日装好。",
            "reviewed_at": "2027-01-10T10:00:00+08:00",
            "satisfaction": JUDGEMENT,
        }
    )

    state: DeliberationState
    displays: list[DisplayOut]
    on_screen: OnScreenOut | None
    follow_ups: list[TaskOut]
    review: str | None
    reviewed_at: Moment | None
    satisfaction: SatisfactionOut
