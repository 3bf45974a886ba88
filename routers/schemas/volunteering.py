"""Shapes of activities, shifts, sign-ups and service records."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic.config import JsonDict

from models.base import Moderation
from models.volunteering import ActivityKind, ShiftState, SignupState, Skill
from routers.schemas.base import (
    PRINTABLE,
    Asked,
    Author,
    Body,
    Id,
    Moment,
    ReasonText,
    Shape,
    ShortText,
    Title,
    When,
    bounded,
    examples,
)
from routers.schemas.media import PHOTO, PhotoIds, PhotoOut
from routers.schemas.residents import HelpIn

Minutes = Annotated[int, Field(ge=1, le=1500, strict=True)]
CodeText = Annotated[str, bounded(1, 200), PRINTABLE]


def each_once(skills: list[Skill]) -> list[Skill]:
    """No skill is named twice."""
    if len(skills) != len(set(skills)):
        raise ValueError("each skill appears once")
    return skills


SHIFT_EXAMPLE: JsonDict = {
    "id": 31,
    "state": "planned",
    "starts_at": "2026-12-05T09:00:00+08:00",
    "ends_at": "2026-12-05T11:00:00+08:00",
    "capacity": 7,
    "taken": 7,
    "waitlisted": 3,
    "place_text": "社区活动室",
    "skills": ["first_aid"],
    "minimum_age": 16,
    "my_state": "waitlisted",
    "my_position": 2,
}
SIGNUP_EXAMPLE: JsonDict = {
    "id": 90,
    "shift_id": 31,
    "resident_id": 7,
    "state": "confirmed",
    "position": None,
    "checked_in_at": "2026-12-05T08:55:00+08:00",
    "checked_out_at": None,
    "reported_minutes": None,
    "note": None,
    "moderation": "passed",
    "no_show": False,
    "team_id": None,
    "created_at": "2026-11-23T10:00:00+08:00",
}
Skills = Annotated[list[Skill], Field(max_length=len(Skill)), AfterValidator(each_once)]
Capacity = Annotated[int, Field(ge=1, le=1000, strict=True)]
Age = Annotated[int, Field(ge=6, le=80, strict=True)]
CancelHours = Annotated[int, Field(ge=0, le=72, strict=True)]


class ShiftIn(Asked):
    """A shift of at most 24 hours; only a task may leave out both times."""

    starts_at: When | None = None
    ends_at: When | None = None
    capacity: Capacity
    place_text: ShortText
    skills: Skills = []
    minimum_age: Age | None = None


class ShiftChangeIn(Asked):
    """The named fields are replaced; everybody signed up is told."""

    model_config = examples({"starts_at": "2026-12-05T10:00:00+08:00", "ends_at": "2026-12-05T12:00:00+08:00"})

    starts_at: When | None = None
    ends_at: When | None = None
    capacity: Capacity = 1
    place_text: ShortText = "-"
    skills: Skills = []
    minimum_age: Age | None = None


class ActivityChangeIn(Asked):
    """The named fields are replaced; everybody signed up is told."""

    model_config = examples({"body": "请带雨具，集合地点不变。"})

    title: Title = "-"
    body: Body = "-"
    cancel_hours: CancelHours = 2
    leader_id: Id = 1
    team_id: Id | None = None


class ActivityIn(Asked):
    """A call for volunteers; who makes it leads it, unless `leader_id` names another."""

    model_config = examples(
        {
            "community_id": 4,
            "kind": "service",
            "title": "周六陪老人逛公园",
            "body": "请穿防滑鞋，活动室集合。",
            "leader_id": 8,
            "cancel_hours": 2,
            "need_ids": [5],
            "shifts": [
                {
                    "starts_at": "2026-12-05T09:00:00+08:00",
                    "ends_at": "2026-12-05T11:00:00+08:00",
                    "capacity": 7,
                    "place_text": "社区活动室",
                }
            ],
        }
    )

    community_id: Id
    kind: ActivityKind
    title: Title
    body: Body
    leader_id: Id | None = None
    cancel_hours: CancelHours = 2
    team_id: Id | None = None
    shifts: Annotated[list[ShiftIn], Field(min_length=1, max_length=50)]
    need_ids: Annotated[list[Id], Field(max_length=20)] = []
    photo_ids: PhotoIds = []


class ShiftOut(Shape):
    """A shift, and the reader's own place in it."""

    model_config = examples(SHIFT_EXAMPLE)

    id: int
    state: ShiftState
    starts_at: Moment | None
    ends_at: Moment | None
    capacity: int
    taken: int
    waitlisted: int
    place_text: str
    skills: list[Skill]
    minimum_age: int | None
    my_state: SignupState | None
    my_position: int | None


class ActivityOut(Shape):
    """An activity with its shifts, earliest first, the needs it was made from, and its photos."""

    model_config = examples(
        {
            "id": 12,
            "community_id": 4,
            "kind": "service",
            "title": "周六陪老人逛公园",
            "body": "请穿防滑鞋，活动室集合。",
            "author": {"id": 9, "nickname": "马社工"},
            "leader": {"id": 8, "nickname": "何楼长"},
            "cancel_hours": 2,
            "team_id": None,
            "state": "planned",
            "moderation": "passed",
            "created_at": "2026-11-23T10:00:00+08:00",
            "need_ids": [5],
            "photos": [PHOTO],
            "shifts": [SHIFT_EXAMPLE],
        }
    )

    id: int
    community_id: int
    kind: ActivityKind
    title: str
    body: str
    author: Author
    leader: Author
    cancel_hours: int
    team_id: int | None
    state: ShiftState
    moderation: Moderation
    created_at: Moment
    need_ids: list[int]
    photos: list[PhotoOut]
    shifts: list[ShiftOut]


class SignupOut(Shape):
    """A place in a shift; `position` counts those waiting up to and with this one, null for a seat."""

    model_config = examples(SIGNUP_EXAMPLE)

    id: int
    shift_id: int
    resident_id: int
    state: SignupState
    position: int | None
    checked_in_at: Moment | None
    checked_out_at: Moment | None
    reported_minutes: int | None
    note: str | None
    moderation: Moderation
    no_show: bool
    team_id: int | None
    created_at: Moment


class AttendeeOut(SignupOut):
    """A place in a shift as its leader sees it, with the photos of a report."""

    model_config = examples(SIGNUP_EXAMPLE | {"resident": {"id": 7, "nickname": "小林"}, "photos": [PHOTO]})

    resident: Author
    photos: list[PhotoOut]


class SignupIn(HelpIn):
    """For oneself, or for somebody one helps; the hours count for a team that the volunteer is in."""

    model_config = examples({"team_id": 3})

    team_id: Id | None = None


class NoShowIn(Asked):
    """Who did not come."""

    model_config = examples({"resident_id": 7})

    resident_id: Id


class ReportIn(HelpIn):
    """What one did for a task, and how long it took."""

    model_config = examples({"minutes": 40, "note": "药已送到并说明了用法", "photo_ids": []})

    minutes: Annotated[int, Field(ge=1, le=1440, strict=True)]
    note: ReasonText | None = None
    photo_ids: PhotoIds = []


class SkillsIn(HelpIn):
    """What one can do as a volunteer."""

    model_config = examples({"skills": ["first_aid", "driving"]})

    skills: Skills


class SkillsOut(Shape):
    """What one said one can do."""

    model_config = examples({"skills": ["driving", "first_aid"]})

    skills: list[Skill]


class CheckInCodeOut(Shape):
    """The code for the leader's phone to show; the next begins in `expires_in` seconds."""

    model_config = examples({"token": "wJ0b2Jm6Zc9yXq3QbW1u5DMxLjU5ODAwMDAwMQ", "expires_in": 17})

    token: str
    expires_in: int


def require_leader_for_time(asked: Any) -> Any:
    """Only for somebody else, as the leader, one enters a time."""
    if asked.at is not None and asked.resident_id is None:
        raise ValueError("at goes with resident_id")
    return asked


class CheckInIn(HelpIn):
    """The code just scanned; or, from the leader, the person who came, and when, if it was earlier."""

    model_config = examples({"token": "wJ0b2Jm6Zc9yXq3QbW1u5DMxLjU5ODAwMDAwMQ"})

    token: CodeText | None = None
    resident_id: Id | None = None
    at: When | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.token is None) == (self.resident_id is None):
            raise ValueError("give either token or resident_id")
        require_leader_for_time(self)
        return self


class CheckOutIn(HelpIn):
    """Leaving; a task is reported with `minutes` and, if you like, a `note`. `resident_id` is for the leader."""

    model_config = examples({"minutes": 40, "note": "药已送到并说明了用法"})

    token: CodeText | None = None
    resident_id: Id | None = None
    at: When | None = None
    minutes: Annotated[int, Field(ge=1, le=1440, strict=True)] | None = None
    note: ReasonText | None = None

    _leader_for_time = model_validator(mode="after")(require_leader_for_time)


class HoursEntry(Asked):
    """How long somebody served."""

    resident_id: Id
    minutes: Minutes


class HoursIn(Asked):
    """Minutes by person; without `entries`, what check-in and check-out say."""

    model_config = examples({"entries": [{"resident_id": 7, "minutes": 110}]})

    entries: Annotated[list[HoursEntry], Field(min_length=1, max_length=1000)] | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        people = [entry.resident_id for entry in self.entries or []]
        if len(people) != len(set(people)):
            raise ValueError("each person appears once")
        return self


class ConfirmedOut(Shape):
    """One person's confirmed minutes."""

    id: int
    resident: Author
    minutes: int
    confirmed_by_id: int
    created_at: Moment


class HoursOut(Shape):
    """All service records of a shift."""

    model_config = examples(
        {
            "shift_id": 31,
            "records": [
                {
                    "id": 5,
                    "resident": {"id": 7, "nickname": "小林"},
                    "minutes": 110,
                    "confirmed_by_id": 8,
                    "created_at": "2026-12-05T11:10:00+08:00",
                }
            ],
        }
    )

    shift_id: int
    records: list[ConfirmedOut]
