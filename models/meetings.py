"""Meetings with agenda, attendance and minutes, and the petitions that ask for one."""

from datetime import datetime
from enum import StrEnum

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, Invalid, InvalidState, NotFound, refuses
from models.base import RESTRICT, Moderation, Record, Stateful
from models.deliberations import Deliberation, Roll
from models.places import OfCommunity
from models.residents import Resident


class MeetingKind(StrEnum):
    """居民会议, 居民代表会议, 民主协商."""

    RESIDENTS = "residents"
    REPRESENTATIVES = "representatives"
    CONSULTATION = "consultation"


class MeetingState(StrEnum):
    PLANNED = "planned"
    HELD = "held"
    CANCELLED = "cancelled"


class PetitionState(StrEnum):
    OPEN = "open"
    REACHED = "reached"
    ANSWERED = "answered"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class NoticeTooShort(Invalid):
    code = "notice_too_short"
    zh = "居民会议须提前十日通知（居委会组织法第二十六条）"
    en = "A residents' meeting needs ten days' notice (Organic Law of Residents' Committees, art. 26)"


class BadMeetingTime(Invalid):
    zh = "会议须在将来一年之内开始"
    en = "A meeting begins in the future, within a year"


class CheckInClosed(Conflict):
    code = "check_in_closed"
    zh = "会议开始前一小时起、结束后两小时内、归档之前可以签到"
    en = "Check in from an hour before the start until two hours after the end, before the meeting is put on record"


class NotYetHeld(Conflict):
    code, zh, en = "not_yet_held", "会议还没有开始", "The meeting has not begun yet"


class NoSuchDeliberation(Invalid):
    zh, en = "没有找到本社区的这项协商议事", "No such deliberation of this community"


class NoSuchMeeting(NotFound):
    zh, en = "没有找到本社区的这次会议", "No such meeting of this community"


class NobodyToAsk(Invalid):
    zh, en = "名册上还没有人，不能发起联名", "There is nobody on such a roll yet"


class PetitionOver(InvalidState):
    """Signatures are given and taken back only while the petition is open and its time runs."""

    def __init__(self, state: PetitionState = PetitionState.LAPSED) -> None:
        super().__init__(state)
        self.zh, self.en = "联名已经结束", "The petition is over"


refuses("meetings_notice", NoticeTooShort)
refuses("meetings_time", BadMeetingTime)
refuses("meetings_held_after_the_start", NotYetHeld)
refuses("attendances_while_it_runs", CheckInClosed)
refuses("meeting_deliberations_same_community", NoSuchDeliberation)
refuses("meeting_deliberations_once", AlreadyExists)
refuses("petitions_meeting_same_community", NoSuchMeeting)
refuses("petitions_somebody_to_ask", NobodyToAsk)
refuses("petition_signatures_while_open", PetitionOver)


class Meeting(OfCommunity, Stateful):
    """Neighbours come together, at a place or on line; `roll` says of whom attendance is counted."""

    FLOW = {
        MeetingState.PLANNED: {MeetingState.HELD, MeetingState.CANCELLED},
        MeetingState.HELD: set(),
        MeetingState.CANCELLED: set(),
    }

    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "meetings", on_delete=RESTRICT
    )
    author_id: int
    kind = fields.CharEnumField(MeetingKind, max_length=16)
    roll = fields.CharEnumField(Roll, max_length=16)
    title = fields.CharField(60)
    body = fields.TextField()
    starts_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    """The start and the durations of the agenda."""
    place_text = fields.CharField(200, null=True)
    online_url = fields.CharField(500, null=True)
    state = fields.CharEnumField(MeetingState, max_length=16, default=MeetingState.PLANNED)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    announced_at: datetime | None = fields.DatetimeField(null=True)
    """When those concerned were told: as soon as its words have passed."""
    expected = fields.IntField(null=True)
    """How many should have come, counted when it was put on record."""
    present = fields.IntField(null=True)
    minutes = fields.TextField(null=True)
    minutes_moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.PASSED)

    class Meta:
        table = "meetings"


class AgendaItem(Record):
    """A point of the agenda and how long it may take."""

    community_id = fields.BigIntField()
    meeting: fields.ForeignKeyRelation[Meeting] = fields.ForeignKeyField("models.Meeting", "agenda", on_delete=RESTRICT)
    meeting_id: int
    position = fields.SmallIntField()
    title = fields.CharField(60)
    duration_minutes = fields.SmallIntField()

    class Meta:
        table = "agenda_items"


class MeetingDeliberation(Record):
    """A deliberation that a meeting is about."""

    community_id = fields.BigIntField()
    meeting: fields.ForeignKeyRelation[Meeting] = fields.ForeignKeyField(
        "models.Meeting", "deliberations", on_delete=RESTRICT
    )
    meeting_id: int
    deliberation: fields.ForeignKeyRelation[Deliberation] = fields.ForeignKeyField(
        "models.Deliberation", "meetings", on_delete=RESTRICT
    )
    deliberation_id: int

    class Meta:
        table = "meeting_deliberations"


class Attendance(Record):
    """Somebody was there; entered by himself with the code, or by the staff."""

    community_id = fields.BigIntField()
    meeting: fields.ForeignKeyRelation[Meeting] = fields.ForeignKeyField(
        "models.Meeting", "attendances", on_delete=RESTRICT
    )
    meeting_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "attendances", on_delete=RESTRICT
    )
    resident_id: int
    household_id = fields.BigIntField()
    """Where he lived then."""
    entered_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "attendances_entered", on_delete=RESTRICT
    )
    entered_by_id: int

    class Meta:
        table = "attendances"


class Petition(OfCommunity, Stateful):
    """Residents, households or representatives ask for a residents' meeting (居委会组织法 26).

    `roll_size` is counted once, when the petition starts: the goal does not move under those who sign.
    """

    FLOW = {
        PetitionState.OPEN: {PetitionState.REACHED, PetitionState.LAPSED, PetitionState.WITHDRAWN},
        PetitionState.REACHED: {PetitionState.ANSWERED},
        PetitionState.ANSWERED: set(),
        PetitionState.LAPSED: set(),
        PetitionState.WITHDRAWN: set(),
    }

    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "petitions", on_delete=RESTRICT
    )
    author_id: int
    roll = fields.CharEnumField(Roll, max_length=16)
    title = fields.CharField(60)
    body = fields.TextField()
    state = fields.CharEnumField(PetitionState, max_length=16, default=PetitionState.OPEN)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    roll_size = fields.IntField()
    needed = fields.IntField()
    """How many signatures reach the share that the law asks for."""
    signatures = fields.IntField(default=0)
    """Counted by a trigger."""
    open_until = fields.DatetimeField()
    reached_at: datetime | None = fields.DatetimeField(null=True)
    answer_due_at: datetime | None = fields.DatetimeField(null=True)
    answer: str | None = fields.TextField(null=True)
    answer_moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.PASSED)
    answered_at: datetime | None = fields.DatetimeField(null=True)
    meeting: fields.ForeignKeyNullableRelation[Meeting] = fields.ForeignKeyField(
        "models.Meeting", "petitions", on_delete=RESTRICT, null=True
    )
    meeting_id: int | None
    """The meeting called for it."""

    signed_by_me: bool = False
    overdue: bool = False
    """Both known to what came through the door of `services.deliberations.petitions`."""

    class Meta:
        table = "petitions"


class PetitionSignature(Record):
    """One name under a petition; of a household its representative's, and one only."""

    community_id = fields.BigIntField()
    petition: fields.ForeignKeyRelation[Petition] = fields.ForeignKeyField(
        "models.Petition", "signed", on_delete=RESTRICT
    )
    petition_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "petitions_signed", on_delete=RESTRICT
    )
    resident_id: int
    household_id: int | None = fields.BigIntField(null=True)
    """For whom he signs, in a petition of households."""

    class Meta:
        table = "petition_signatures"
