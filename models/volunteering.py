"""Volunteering: activities, their shifts, who signed up and came, and the hours served."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, Forbidden, Invalid, refuses
from models.base import RESTRICT, AsGiven, Moderation, Record, Stateful
from models.events import Reason
from models.places import OfCommunity
from models.residents import Resident
from models.volunteer_teams import VolunteerTeam


class ActivityKind(StrEnum):
    """A task has one shift, which may do without a fixed time."""

    SERVICE = "service"
    TRAINING = "training"
    MEETING = "meeting"
    COMMUNITY_EVENT = "community_event"
    ROADSHOW = "roadshow"
    TASK = "task"


class Skill(StrEnum):
    """What a shift can ask for and a volunteer can offer. What is more special stands in the activity's own words."""

    FIRST_AID = "first_aid"
    NURSING = "nursing"
    ELDER_CARE = "elder_care"
    CHILD_CARE = "child_care"
    TEACHING = "teaching"
    MUSIC = "music"
    ART = "art"
    SPORTS = "sports"
    COOKING = "cooking"
    HAIRDRESSING = "hairdressing"
    REPAIRS = "repairs"
    ELECTRICS = "electrics"
    PLUMBING = "plumbing"
    DRIVING = "driving"
    COMPUTERS = "computers"
    PHOTOGRAPHY = "photography"
    LANGUAGES = "languages"
    SIGN_LANGUAGE = "sign_language"
    LAW = "law"
    COUNSELLING = "counselling"
    HOSTING = "hosting"


class ShiftState(StrEnum):
    PLANNED = "planned"
    CANCELLED = "cancelled"


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


class NotIndependent(Forbidden):
    code = "not_independent"
    zh = "须由确认时长以外的人处理异议"
    en = "Somebody else than who confirmed the hours decides"


class NotEnoughHours(Conflict):
    code, zh, en = "not_enough_hours", "可用的服务时长不足", "There are not enough hours to spend"


class TooManyCorrections(Conflict):
    code, zh, en = "too_many_corrections", "这条记录更正次数过多", "This record was corrected too often"


class SeatsTaken(Conflict):
    code = "seats_taken"
    zh = "已报名的人数多于新的名额"
    en = "More seats are taken than there would be"


refuses("shifts_taken", SeatsTaken)
refuses("signups_one_live", AlreadyExists)
refuses("signups_no_overlap", OverlappingShift)
refuses("signups_attendance", AlreadyCheckedIn)
refuses("service_records_one_per_signup", AlreadyExists)
refuses("service_records_minutes", ImpossibleHours)
refuses("service_records_not_by_oneself", OwnHours)
refuses("service_corrections_minutes", ImpossibleHours)
refuses("service_corrections_number", TooManyCorrections)
refuses("service_corrections_not_by_oneself", OwnHours)
refuses("service_disputes_once", AlreadyExists)
refuses("service_disputes_by_another", NotIndependent)
refuses("points_not_overdrawn", NotEnoughHours)
refuses("point_transfers_not_to_oneself", OwnHours)


class Period(AsGiven):
    """From when until when, empty for a task without a fixed time."""

    SQL_TYPE = "TSTZRANGE"


class Volunteer(Record):
    """What somebody offers, and the hash of the secret in the address of his calendar, if he has one."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "volunteers", on_delete=RESTRICT
    )
    resident_id: int
    skills: Any = fields.JSONField(default=list)
    calendar_hash = fields.BinaryField(null=True)

    class Meta:
        table = "volunteers"


class Activity(OfCommunity, Record):
    """Something that volunteers do together, led by one person."""

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
    team: fields.ForeignKeyNullableRelation[VolunteerTeam] = fields.ForeignKeyField(
        "models.VolunteerTeam", "activities", on_delete=RESTRICT, null=True
    )
    team_id: int | None
    """The volunteers' team whose activity it is; its members' hours count for it."""
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "activities"


class Shift(OfCommunity, Stateful):
    """One time and place of an activity. `taken` counts its confirmed sign-ups; a task may have no times.

    `moved_at` is when its time was changed last: who signed up before may cancel until the start.
    """

    FLOW = {ShiftState.PLANNED: {ShiftState.CANCELLED}, ShiftState.CANCELLED: set()}

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
    state = fields.CharEnumField(ShiftState, max_length=16, default=ShiftState.PLANNED)
    skills: Any = fields.JSONField(default=list)
    minimum_age: int | None = fields.SmallIntField(null=True)
    moved_at: datetime | None = fields.DatetimeField(null=True)
    changed_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "shifts"


class Signup(OfCommunity, Stateful):
    """Somebody wants to come to a shift, has a seat or waits for one, came and left.

    `queue_number` orders those who wait; `position` is what they are told: how many stand before them, and themselves.
    """

    FLOW = {
        SignupState.WAITLISTED: {SignupState.CONFIRMED, SignupState.CANCELLED},
        SignupState.CONFIRMED: {SignupState.CANCELLED},
        SignupState.CANCELLED: set(),
    }
    position: int | None = None
    photos: Sequence[Any] = ()
    """Of a report, where they were asked for."""

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
    passed_over_at: datetime | None = fields.DatetimeField(null=True)
    """When a free seat went by him because he was elsewhere at that time; he is told once."""
    reminded = fields.SmallIntField(default=0)
    """1 after the reminder of the day before, 2 after that of two hours before."""
    no_show = fields.BooleanField(default=False)
    team: fields.ForeignKeyNullableRelation[VolunteerTeam] = fields.ForeignKeyField(
        "models.VolunteerTeam", "signups", on_delete=RESTRICT, null=True
    )
    team_id: int | None
    """The team for which his hours count."""
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


class ServiceRecord(OfCommunity, Record):
    """Minutes of voluntary service, confirmed by the leader (志愿服务条例 19); never changed afterwards.

    What it counts for is its last correction, if there is one: the view `hours_served`.
    """

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


class ServiceCorrection(Record):
    """What a record counts for from now on, and why; the numbers of one record go 1, 2, 3. Never changed."""

    community_id = fields.BigIntField()
    record: fields.ForeignKeyRelation[ServiceRecord] = fields.ForeignKeyField(
        "models.ServiceRecord", "corrections", on_delete=RESTRICT
    )
    record_id: int
    resident_id = fields.BigIntField()
    period = Period()
    number = fields.SmallIntField()
    minutes = fields.IntField()
    corrected_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "corrections_made", on_delete=RESTRICT
    )
    corrected_by_id: int
    reason: fields.ForeignKeyRelation[Reason] = fields.ForeignKeyField(
        "models.Reason", "service_corrections", on_delete=RESTRICT
    )
    reason_id: int

    class Meta:
        table = "service_corrections"


class DisputeState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class ServiceDispute(Stateful):
    """A volunteer says that his hours are not so; somebody else than who confirmed them decides, once for all."""

    FLOW = {DisputeState.OPEN: {DisputeState.RESOLVED}, DisputeState.RESOLVED: set()}

    community_id = fields.BigIntField()
    record: fields.ForeignKeyRelation[ServiceRecord] = fields.ForeignKeyField(
        "models.ServiceRecord", "disputes", on_delete=RESTRICT
    )
    record_id: int
    resident_id = fields.BigIntField()
    confirmed_by_id = fields.BigIntField()
    state = fields.CharEnumField(DisputeState, max_length=16, default=DisputeState.OPEN)
    resolved_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "disputes_resolved", on_delete=RESTRICT, null=True
    )
    resolved_by_id: int | None

    class Meta:
        table = "service_disputes"


class PointTransfer(Record):
    """Hours spent on a neighbour's help: minutes go from who was helped to who helped. Never money, never changed."""

    community_id = fields.BigIntField()
    giver: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "points_spent", on_delete=RESTRICT
    )
    giver_id: int
    helper: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "points_received", on_delete=RESTRICT
    )
    helper_id: int
    minutes = fields.IntField()

    class Meta:
        table = "point_transfers"
