"""Shapes of activities, shifts, sign-ups and service records."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from models.base import Moderation
from models.volunteering import ActivityKind, SignupState
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
)
from routers.schemas.media import PHOTO, PhotoIds, PhotoOut

Minutes = Annotated[int, Field(ge=1, le=1500, strict=True)]
CodeText = Annotated[str, bounded(1, 200), PRINTABLE]

SHIFT_EXAMPLE: JsonDict = {
    "id": 31,
    "starts_at": "2026-12-05T09:00:00+08:00",
    "ends_at": "2026-12-05T11:00:00+08:00",
    "capacity": 7,
    "taken": 7,
    "waitlisted": 3,
    "place_text": "社区活动室",
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
    "created_at": "2026-11-23T10:00:00+08:00",
}


class ShiftIn(Asked):
    """A shift of at most 24 hours; only a task may leave out both times."""

    starts_at: When | None = None
    ends_at: When | None = None
    capacity: Annotated[int, Field(ge=1, le=1000, strict=True)]
    place_text: ShortText


class ActivityIn(Asked):
    """A call for volunteers; who makes it leads it, unless `leader_id` names another."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
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
            ]
        },
    )

    community_id: Id
    kind: ActivityKind
    title: Title
    body: Body
    leader_id: Id | None = None
    cancel_hours: Annotated[int, Field(ge=0, le=72, strict=True)] = 2
    shifts: Annotated[list[ShiftIn], Field(min_length=1, max_length=50)]
    need_ids: Annotated[list[Id], Field(max_length=20)] = []
    photo_ids: PhotoIds = []


class ShiftOut(Shape):
    """A shift, and the reader's own place in it."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [SHIFT_EXAMPLE]})

    id: int
    starts_at: Moment | None
    ends_at: Moment | None
    capacity: int
    taken: int
    waitlisted: int
    place_text: str
    my_state: SignupState | None
    my_position: int | None


class ActivityOut(Shape):
    """An activity with its shifts, earliest first, the needs it was made from, and its photos."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": 12,
                    "community_id": 4,
                    "kind": "service",
                    "title": "周六陪老人逛公园",
                    "body": "请穿防滑鞋，活动室集合。",
                    "author": {"id": 9, "nickname": "马社工"},
                    "leader": {"id": 8, "nickname": "何楼长"},
                    "cancel_hours": 2,
                    "moderation": "passed",
                    "created_at": "2026-11-23T10:00:00+08:00",
                    "need_ids": [5],
                    "photos": [PHOTO],
                    "shifts": [SHIFT_EXAMPLE],
                }
            ]
        },
    )

    id: int
    community_id: int
    kind: ActivityKind
    title: str
    body: str
    author: Author
    leader: Author
    cancel_hours: int
    moderation: Moderation
    created_at: Moment
    need_ids: list[int]
    photos: list[PhotoOut]
    shifts: list[ShiftOut]


class SignupOut(Shape):
    """A place in a shift; `position` counts those waiting up to and with this one, null for a seat."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [SIGNUP_EXAMPLE]})

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
    created_at: Moment


class AttendeeOut(SignupOut):
    """A place in a shift as its leader sees it."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [SIGNUP_EXAMPLE | {"resident": {"id": 7, "nickname": "小林"}}]},
    )

    resident: Author


class CheckInCodeOut(Shape):
    """The code for the leader's phone to show; the next begins in `expires_in` seconds."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"token": "wJ0b2Jm6Zc9yXq3QbW1u5DMxLjU5ODAwMDAwMQ", "expires_in": 17}]},
    )

    token: str
    expires_in: int


class CheckInIn(Asked):
    """The code just scanned; or, from the leader, the person who came."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"token": "wJ0b2Jm6Zc9yXq3QbW1u5DMxLjU5ODAwMDAwMQ"}]}
    )

    token: CodeText | None = None
    resident_id: Id | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.token is None) == (self.resident_id is None):
            raise ValueError("give either token or resident_id")
        return self


class CheckOutIn(Asked):
    """Leaving; a task is reported with `minutes` and, if you like, a `note`. `resident_id` is for the leader."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"minutes": 40, "note": "药已送到并说明了用法"}]}
    )

    token: CodeText | None = None
    resident_id: Id | None = None
    minutes: Annotated[int, Field(ge=1, le=1440, strict=True)] | None = None
    note: ReasonText | None = None


class HoursEntry(Asked):
    """How long somebody served."""

    resident_id: Id
    minutes: Minutes


class HoursIn(Asked):
    """Minutes by person; without `entries`, what check-in and check-out say."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"entries": [{"resident_id": 7, "minutes": 110}]}]}
    )

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

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
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
            ]
        },
    )

    shift_id: int
    records: list[ConfirmedOut]


class ServiceRecordOut(Shape):
    """Confirmed service of one's own."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": 5,
                    "activity_id": 12,
                    "kind": "service",
                    "title": "周六陪老人逛公园",
                    "shift_id": 31,
                    "starts_at": "2026-12-05T09:00:00+08:00",
                    "ends_at": "2026-12-05T11:00:00+08:00",
                    "minutes": 110,
                    "created_at": "2026-12-05T11:10:00+08:00",
                }
            ]
        },
    )

    id: int
    activity_id: int
    kind: ActivityKind
    title: str
    shift_id: int
    starts_at: Moment | None
    ends_at: Moment | None
    minutes: int
    created_at: Moment
