"""Shapes of needs."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from models.base import Moderation
from models.needs import HopEnd, NeedField, NeedLevel, NeedRoute, NeedState, ServiceClass, Urgency
from routers.schemas.base import Asked, Author, Body, Id, Moment, ReasonText, Shape, TimelineLine, Title, examples
from routers.schemas.media import PHOTO, PhotoIds, PhotoOut
from routers.schemas.residents import HelpIn

NEED: dict[str, Any] = {
    "id": 5,
    "community_id": 4,
    "state": "accepted",
    "moderation": "passed",
    "service_class": "technology",
    "field": "property",
    "title": "楼道灯坏了",
    "body": "7号楼三层的楼道灯坏了一周，老人晚上上下楼很危险。",
    "route": None,
    "level": "grid",
    "urgency": "normal",
    "due_at": "2026-11-27T00:00:00+08:00",
    "overdue": False,
    "merged_into_id": None,
    "priority": {
        "score": 25,
        "because": [
            {"what": "endorsements", "points": 24},
            {"what": "urgency", "points": 0},
            {"what": "days", "points": 1},
        ],
    },
    "endorsements": 12,
    "endorsed_by_me": False,
    "author": {"id": 7, "nickname": "小林"},
    "assisted": False,
    "photos": [PHOTO],
    "created_at": "2026-11-23T10:00:00+08:00",
}


class NeedIn(HelpIn):
    """What is needed; `on_behalf_of` when a helper writes it for somebody else."""

    model_config = examples(
        {
            "community_id": 4,
            "service_class": "technology",
            "field": "property",
            "title": "楼道灯坏了",
            "body": "7号楼三层的楼道灯坏了一周，老人晚上上下楼很危险。",
        }
    )

    community_id: Id
    service_class: ServiceClass
    field: NeedField
    title: Title
    body: Body
    photo_ids: PhotoIds = []


class BecauseOut(Shape):
    """One thing that makes a need more pressing: endorsements (2 points each), urgency, days of waiting (1 each)."""

    what: Literal["endorsements", "urgency", "days"]
    points: int


class PriorityOut(Shape):
    """How pressing an open need is, and why."""

    score: int
    because: list[BecauseOut]


class NeedOut(Shape):
    """A need as its reader sees it."""

    model_config = examples(NEED)

    id: int
    community_id: int
    state: NeedState
    moderation: Moderation
    service_class: ServiceClass
    field: NeedField
    title: str
    body: str
    route: NeedRoute | None
    level: NeedLevel
    urgency: Urgency
    due_at: Moment | None
    overdue: bool
    merged_into_id: int | None
    priority: PriorityOut | None
    endorsements: int
    endorsed_by_me: bool
    author: Author
    assisted: bool
    photos: list[PhotoOut]
    created_at: Moment


class AnswerOut(Shape):
    """An official answer."""

    id: int
    body: str
    moderation: Moderation
    late: bool
    at: Moment


class LinkOut(Shape):
    """Something made from a need."""

    kind: str
    id: int


class HopOut(Shape):
    """A level a need was handed up to, by when it answers there, and how that ended."""

    from_level: NeedLevel
    level: NeedLevel
    place_id: int
    due_at: Moment
    ended: HopEnd | None
    ended_at: Moment | None
    late: bool
    at: Moment


class NeedDetailOut(NeedOut):
    """A need with official answers, what was made from it or merged into it, its way up, and its public history."""

    model_config = examples(
        NEED
        | {
            "answers": [
                {
                    "id": 2,
                    "body": "物业将在三天内更换。",
                    "moderation": "passed",
                    "late": False,
                    "at": "2026-11-24T09:00:00+08:00",
                }
            ],
            "links": [{"kind": "deliberation", "id": 3}],
            "hops": [
                {
                    "from_level": "community",
                    "level": "street",
                    "place_id": 2,
                    "due_at": "2026-12-01T00:00:00+08:00",
                    "ended": "returned",
                    "ended_at": "2026-11-25T10:00:00+08:00",
                    "late": False,
                    "at": "2026-11-24T10:00:00+08:00",
                }
            ],
            "merged_from": [9],
            "timeline": [
                {
                    "id": 81,
                    "verb": "need.accepted",
                    "at": "2026-11-23T11:00:00+08:00",
                    "by": "committee",
                    "assisted": False,
                    "reason": None,
                    "facts": {"from": "submitted", "state": "accepted"},
                }
            ],
        }
    )

    answers: list[AnswerOut]
    links: list[LinkOut]
    hops: list[HopOut]
    merged_from: list[int]
    timeline: list[TimelineLine]


class EndorsementOut(Shape):
    """How many stand behind a need, and whether the caller does."""

    model_config = examples({"endorsements": 13, "endorsed_by_me": True})

    endorsements: int
    endorsed_by_me: bool


class RouteIn(Asked):
    """The path an accepted need takes."""

    model_config = examples({"route": "deliberation"})

    route: NeedRoute


class AnswerIn(Asked):
    """An official answer."""

    model_config = examples({"body": "物业将在三天内更换。"})

    body: Body


class DoneIn(Asked):
    """What was done."""

    model_config = examples({"note": "楼道灯已全部换成声控灯。"})

    note: ReasonText | None = None


class RateIn(HelpIn):
    """How content one is, 1 to 5."""

    model_config = examples({"score": 5, "comment": "很及时"})

    score: Annotated[int, Field(ge=1, le=5, strict=True)]
    comment: ReasonText | None = None


class MergeIn(Asked):
    """The twin a need is merged into."""

    model_config = examples({"into_id": 5, "reason": "与另一条需求是同一件事"})

    into_id: Id
    reason: ReasonText | None = None


class EscalateIn(Asked):
    """Why a need is handed up."""

    model_config = examples({"reason": "需要街道协调燃气公司"})

    reason: ReasonText | None = None


class UrgencyIn(Asked):
    """How urgent a need is."""

    model_config = examples({"urgency": "high"})

    urgency: Urgency


RULES: dict[str, Any] = {"answer_days": 3, "decision_days": 15, "escalation_days": 5}
Days = Annotated[int, Field(ge=1, le=90, strict=True)]


class NeedRulesIn(Asked):
    """Within how many working days a need is answered first, decided, and answered by each level above."""

    model_config = examples(RULES)

    answer_days: Days = 3
    decision_days: Days = 15
    escalation_days: Days = 5


class NeedRulesOut(Shape):
    """Within how many working days a need is answered first, decided, and answered by each level above."""

    model_config = examples(RULES)

    answer_days: int
    decision_days: int
    escalation_days: int


CALENDAR: dict[str, Any] = {"days_off": ["2026-10-01", "2026-10-02"], "working_days": ["2026-10-10"]}
SomeDays = Annotated[list[Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]], Field(max_length=400)]


class CalendarIn(Asked):
    """Days off, and days that are worked though they are a Saturday or Sunday; else Monday to Friday is worked."""

    model_config = examples(CALENDAR)

    days_off: SomeDays = []
    working_days: SomeDays = []

    @model_validator(mode="after")
    def _not_both(self) -> "CalendarIn":
        if set(self.days_off) & set(self.working_days):
            raise ValueError("a day is off or worked, not both")
        return self


class CalendarOut(Shape):
    """A place's own days off and moved working days."""

    model_config = examples(CALENDAR)

    days_off: list[date]
    working_days: list[date]
