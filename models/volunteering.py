"""Volunteering: activities, their shifts, who signed up and came, and the hours served."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, Forbidden, Invalid, refuses
from models.base import RESTRICT, Moderation, Record, Stateful
from models.places import Place
from models.residents import Resident


class ActivityKind(StrEnum):
    """A task has one shift, which may do without a fixed time."""

    SERVICE = "service"
    TRAINING = "training"
    MEETING = "meeting"
    COMMUNITY_EVENT = "community_event"
    ROADSHOW = "roadshow"
    TASK = "task"


class SignupState(StrEnum):
    CONFIRMED = "confirmed"
    WAITLISTED = "waitlisted"
    CANCELLED = "cancelled"


class OverlappingShift(Conflict):
    code = "overlapping_shift"
    zh = "您已报名同一时间段的其他班次"
    en = "You are signed up for another shift at that time"


class AlreadyCheckedIn(Conflict):
    code, zh, en = "already_checked_in", "已经签到，不能再取消", "Checked in already; it cannot be cancelled"


class ImpossibleHours(Invalid):
    code = "impossible_hours"
    zh = "服务时长超出了班次可能的时间"
    en = "The shift does not allow for so much time"


class OwnHours(Forbidden):
    code, zh, en = "own_hours", "不能确认自己的服务时长", "Nobody confirms his own hours"


refuses("signups_one_live", AlreadyExists)
refuses("signups_no_overlap", OverlappingShift)
refuses("signups_attendance", AlreadyCheckedIn)
refuses("service_records_one_per_signup", AlreadyExists)
refuses("service_records_minutes", ImpossibleHours)
refuses("service_records_not_by_oneself", OwnHours)


class Period(fields.Field[Any]):
    """From when until when, empty for a task without a fixed time; written and compared by the database only."""

    SQL_TYPE = "TSTZRANGE"

    def to_python_value(self, value: Any) -> Any:
        """As the driver gives it."""
        return value


class Activity(Record):
    """Something that volunteers do together, led by one person."""

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField(
        "models.Place", "activities", on_delete=RESTRICT
    )
    community_id: int
    kind = fields.CharEnumField(ActivityKind, max_length=16)
    title = fields.CharField(60)
    body = fields.TextField()
    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "activities", on_delete=RESTRICT
    )
    author_id: int
    leader: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "activities_led", on_delete=RESTRICT
    )
    leader_id: int
    cancel_hours = fields.SmallIntField()
    """Until how many hours before the start a confirmed volunteer may cancel."""
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "activities"


class Shift(Record):
    """One time and place of an activity. `taken` counts its confirmed sign-ups; a task may have no times."""

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField("models.Place", "shifts", on_delete=RESTRICT)
    community_id: int
    activity: fields.ForeignKeyRelation[Activity] = fields.ForeignKeyField(
        "models.Activity", "shifts", on_delete=RESTRICT
    )
    activity_id: int
    starts_at: datetime | None = fields.DatetimeField(null=True)
    ends_at: datetime | None = fields.DatetimeField(null=True)
    period = Period(generated=True)
    capacity = fields.IntField()
    taken = fields.IntField(default=0)
    place_text = fields.CharField(200)

    class Meta:
        table = "shifts"


class Signup(Stateful):
    """Somebody wants to come to a shift, has a seat or waits for one, came and left.

    `queue_number` orders those who wait; `position` is what they are told: how many stand before them, and themselves.
    """

    FLOW = {
        SignupState.WAITLISTED: {SignupState.CONFIRMED, SignupState.CANCELLED},
        SignupState.CONFIRMED: {SignupState.CANCELLED},
        SignupState.CANCELLED: set(),
    }
    position: int | None = None

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField("models.Place", "signups", on_delete=RESTRICT)
    community_id: int
    shift: fields.ForeignKeyRelation[Shift] = fields.ForeignKeyField("models.Shift", "signups", on_delete=RESTRICT)
    shift_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "signups", on_delete=RESTRICT
    )
    resident_id: int
    period = Period()
    """The shift's, so that two seats of one person at one time can be refused."""
    state = fields.CharEnumField(SignupState, max_length=16)
    queue_number: int | None = fields.IntField(null=True)
    checked_in_at: datetime | None = fields.DatetimeField(null=True)
    checked_in_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "checked_in", on_delete=RESTRICT, null=True
    )
    checked_out_at: datetime | None = fields.DatetimeField(null=True)
    checked_out_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "checked_out", on_delete=RESTRICT, null=True
    )
    reported_minutes: int | None = fields.IntField(null=True)
    """What the volunteer says a task took him."""
    note = fields.CharField(1000, null=True)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.PASSED)
    """Of the note."""

    class Meta:
        table = "signups"


class ServiceRecord(Record):
    """Minutes of voluntary service, confirmed by the leader (志愿服务条例 19); never changed afterwards."""

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField(
        "models.Place", "service_records", on_delete=RESTRICT
    )
    community_id: int
    shift: fields.ForeignKeyRelation[Shift] = fields.ForeignKeyField(
        "models.Shift", "service_records", on_delete=RESTRICT
    )
    shift_id: int
    signup: fields.ForeignKeyRelation[Signup] = fields.ForeignKeyField(
        "models.Signup", "service_records", on_delete=RESTRICT
    )
    signup_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "service_records", on_delete=RESTRICT
    )
    resident_id: int
    period = Period()
    minutes = fields.IntField()
    confirmed_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "hours_confirmed", on_delete=RESTRICT
    )
    confirmed_by_id: int

    class Meta:
        table = "service_records"
