"""Meetings: called with an agenda, announced, attended, put on record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from app.core import clock, db, tokens
from app.core.db import atomic
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.deliberations import Deliberation, NotChecked, Roll
from models.meetings import (
    AgendaItem,
    Attendance,
    Meeting,
    MeetingDeliberation,
    MeetingKind,
    MeetingState,
    NoSuchDeliberation,
)
from services import checks, events, media, notifications, residents
from services.deliberations import electorate, reading
from services.due import one_by_one
from services.events import TimelineItem
from services.media import Photo
from services.policies import Actor, require, require_resident
from services.policies import meetings as policies
from services.rules.quorum import PRESETS, Preset

MINUTES = "meeting_minutes"
CODE_S = 30
DUE_AT_ONCE = 20
IN_WORDS = {
    MeetingKind.RESIDENTS: ("居民会议", "The residents' meeting"),
    MeetingKind.REPRESENTATIVES: ("居民代表会议", "The representatives' meeting"),
    MeetingKind.CONSULTATION: ("民主协商会", "The consultation"),
}
BY = {
    MeetingKind.RESIDENTS: PRESETS["residents_meeting"],
    MeetingKind.REPRESENTATIVES: PRESETS["representatives_meeting"],
    MeetingKind.CONSULTATION: PRESETS["consultation"],
}


class StaleMeetingCode(Invalid):
    code, zh, en = "stale_code", "签到码已过期，请重新扫码", "The code has expired; scan again"


@dataclass(frozen=True)
class Point:
    """One point of an agenda."""

    title: str
    duration_minutes: int


@dataclass(frozen=True)
class Call:
    """What a meeting is called for, when and where."""

    community_id: int
    kind: MeetingKind
    title: str
    body: str
    starts_at: datetime
    agenda: Sequence[Point]
    roll: Roll | None = None
    place_text: str | None = None
    online_url: str | None = None
    deliberation_ids: Sequence[int] = ()
    photo_ids: Sequence[int] = ()


@dataclass(frozen=True)
class Turnout:
    """Of how many how many came, and whether that is the quorum; null where none is asked for.

    `by_hand`: how many people were entered by the staff instead of by themselves.
    """

    expected: int
    present: int
    by_hand: int
    quorate: bool | None
    article_zh: str
    article_en: str


@dataclass(frozen=True)
class MeetingView:
    """A meeting with its agenda, what it is about, who came so far, its minutes, and pictures of it and of them."""

    meeting: Meeting
    agenda: list[AgendaItem]
    deliberation_ids: list[int]
    attendance: Turnout
    minutes: str | None
    minutes_photos: list[Photo]
    photos: list[Photo]
    attending: bool

    @property
    def id(self) -> int:
        """The meeting's."""
        return int(self.meeting.id)


@dataclass(frozen=True)
class MeetingCode:
    """What the screen shows; a new one begins in `expires_in` seconds."""

    token: str
    expires_in: int


@atomic()
async def call(actor: Actor, asked: Call) -> MeetingView:
    """Call a meeting. Once its words have passed those concerned are told.

    Raises Forbidden, Invalid (no place, no agenda, a roll that does not fit), BadMeetingTime, NoticeTooShort,
    NoSuchDeliberation.
    """
    require(policies.may_call(actor, asked.community_id), "只有居委会可以召集会议", "Only the committee calls meetings")
    meeting = await Meeting.create(
        community_id=asked.community_id,
        author_id=actor.id,
        kind=asked.kind,
        roll=_roll(asked),
        title=asked.title,
        body=asked.body,
        starts_at=asked.starts_at,
        ends_at=asked.starts_at + timedelta(minutes=sum(point.duration_minutes for point in asked.agenda)),
        place_text=asked.place_text,
        online_url=asked.online_url,
    )
    about = {"community_id": meeting.community_id, "meeting_id": meeting.id}
    for position, point in enumerate(asked.agenda, start=1):
        await AgendaItem.create(**about, position=position, title=point.title, duration_minutes=point.duration_minutes)
    await _link(actor, meeting, asked.deliberation_ids)
    await media.attach(actor, meeting, meeting.community_id, asked.photo_ids)
    await checks.expect(actor, meeting)
    await events.record(actor, "meeting.called", meeting)
    return await find(actor, meeting.id)


async def find(actor: Actor, meeting_id: int) -> MeetingView:
    """One meeting. Raises NotFound."""
    return (await _views(actor, [await _door(actor, meeting_id)]))[0]


async def detail(actor: Actor, meeting_id: int) -> tuple[MeetingView, list[TimelineItem]]:
    """One meeting with its public history. Raises NotFound."""
    view = await find(actor, meeting_id)
    return view, await events.timeline(actor, view.meeting)


async def listed(
    actor: Actor,
    *,
    community_id: int | None = None,
    deliberation_id: int | None = None,
    state: MeetingState | None = None,
    page: Page,
) -> Listed[MeetingView]:
    """Meetings, newest first."""
    asked = {"community_id": community_id, "state": state, "deliberations__deliberation_id": deliberation_id}
    query = _visible(actor).filter(**{key: value for key, value in asked.items() if value is not None})
    found = await newest(query, page)
    return Listed(await _views(actor, found.items), found.after)


async def code(actor: Actor, meeting_id: int, *, secret: str) -> MeetingCode:
    """The code of this half minute, for the staff to show. Raises NotFound, Forbidden."""
    meeting = await _door(actor, meeting_id)
    require(policies.may_run(actor, meeting), "只有工作人员可以出示签到码", "Only the staff show the code")
    now = await clock.now()
    token = tokens.sign(secret, "meeting", f"{meeting.id}.{_half_minute(now)}")
    return MeetingCode(token, CODE_S - int(now.timestamp()) % CODE_S)


@atomic()
async def check_in(
    actor: Actor, meeting_id: int, *, token: str | None = None, resident_id: int | None = None, secret: str
) -> MeetingView:
    """Say that one is there, with the code on the screen; or the staff enter somebody, who is told. Again: no change.

    Raises NotFound, NotVerified, Forbidden, StaleMeetingCode, CheckInClosed.
    """
    meeting = await _door(actor, meeting_id)
    attendee = actor
    if resident_id is not None and resident_id != actor.id:
        require(policies.may_run(actor, meeting), "只有工作人员可以代为签到", "Only the staff enter others")
        attendee = await residents.actor(resident_id)
        if not attendee.lives_in(meeting.community_id):
            raise Forbidden("这位居民不是本社区的认证居民", "This resident is not verified in this community")
    else:
        require_resident(actor, meeting.community_id)
        _require_code(meeting, token, await clock.now(), secret)
    entered = await db.value(
        "INSERT INTO attendances (community_id, meeting_id, resident_id, household_id, entered_by_id) "
        "SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS "
        "(SELECT 1 FROM attendances WHERE meeting_id = $2 AND resident_id = $3) "
        "ON CONFLICT ON CONSTRAINT attendances_once DO NOTHING RETURNING id",
        meeting.community_id,
        meeting.id,
        attendee.id,
        attendee.household_id,
        actor.id,
    )
    if entered is not None:
        helped_id = attendee.id if attendee.id != actor.id else None
        line = Attendance(id=entered, community_id=meeting.community_id)
        await events.record(actor, "attendance.entered", line, on_behalf_of_id=helped_id, meeting_id=meeting.id)
        if helped_id is not None:
            await _tell(meeting, "meeting.entered", [helped_id])
    return await find(actor, meeting_id)


async def attendances(actor: Actor, meeting_id: int, *, page: Page) -> Listed[Attendance]:
    """Who came, newest first; for the staff. Raises NotFound, Forbidden."""
    meeting = await _door(actor, meeting_id)
    require(policies.may_run(actor, meeting), "只有工作人员可以查看签到名单", "Only the staff see who came")
    return await newest(Attendance.filter(meeting_id=meeting.id).select_related("resident"), page)


@atomic()
async def hold(actor: Actor, meeting_id: int, *, minutes: str, photo_ids: Sequence[int] = ()) -> MeetingView:
    """Put a meeting on record, with its minutes (and pictures of them) and the figures of who came; they are told.

    Raises NotFound, Forbidden, InvalidState, NotChecked, NotYetHeld before its start, UnknownPhoto, SamePhotoTwice.
    """
    meeting = await _door(actor, meeting_id)
    require(policies.may_call(actor, meeting.community_id), "只有居委会可以归档会议", "Only the committee may")
    if meeting.moderation is not Moderation.PASSED:
        raise NotChecked
    await db.execute("SELECT 1 FROM meetings WHERE id = $1 FOR UPDATE", meeting.id)
    turnout = (await _turnouts([meeting]))[meeting.id]
    await meeting.move_to(
        MeetingState.HELD,
        minutes=minutes,
        minutes_moderation=Moderation.CHECKING,
        expected=turnout.expected,
        present=turnout.present,
    )
    await media.attach(actor, meeting, meeting.community_id, photo_ids, kind=MINUTES)
    await checks.expect(actor, meeting, kind=MINUTES)
    await events.record(actor, "meeting.held", meeting, expected=turnout.expected, present=turnout.present)
    came = await Attendance.filter(meeting_id=meeting.id).only("resident_id")
    await _tell(meeting, "meeting.held", [attendance.resident_id for attendance in came])
    return await find(actor, meeting_id)


@atomic()
async def cancel(actor: Actor, meeting_id: int, *, reason: str) -> MeetingView:
    """Call a meeting off; who was told of it is told why. Raises NotFound, Forbidden, InvalidState."""
    meeting = await _door(actor, meeting_id)
    require(policies.may_call(actor, meeting.community_id), "只有居委会可以取消会议", "Only the committee may")
    await meeting.move_to(MeetingState.CANCELLED)
    await events.record(actor, "meeting.cancelled", meeting, reason=reason)
    if meeting.announced_at is not None:
        await _tell(meeting, "meeting.cancelled", await _concerned(meeting))
    return await find(actor, meeting_id)


# --- by the clock -----------------------------------------------------------------------------------------------


async def announce_due() -> None:
    """Tell those concerned of each meeting whose words have passed; at most 20 meetings.

    A residents' meeting that can no longer be announced ten days ahead is cancelled, and its author told.
    """
    due = await db.rows(
        "SELECT id FROM meetings WHERE state = 'planned' AND announced_at IS NULL AND moderation = 'passed' "
        f"ORDER BY id LIMIT {DUE_AT_ONCE}"
    )
    await one_by_one((line["id"] for line in due), _announce)


# --- helpers ----------------------------------------------------------------------------------------------------

BY_HAND = """
SELECT meeting_id, count(*) AS people FROM attendances
WHERE meeting_id = ANY($1::bigint[]) AND entered_by_id <> resident_id GROUP BY meeting_id
"""
IN_TIME = """
SELECT kind <> 'residents' OR (starts_at AT TIME ZONE 'Asia/Shanghai')::date
    - (clock_now() AT TIME ZONE 'Asia/Shanghai')::date >= 10 FROM meetings WHERE id = $1
"""


@atomic(limit_s=60)
async def _announce(meeting_id: int) -> None:
    free = await db.value(
        "SELECT id FROM meetings WHERE id = $1 AND state = 'planned' AND announced_at IS NULL FOR UPDATE SKIP LOCKED",
        meeting_id,
    )
    if free is None:  # another worker has it in hand
        return
    meeting = await Meeting.get(id=meeting_id)
    if not await db.value(IN_TIME, meeting.id):
        await meeting.move_to(MeetingState.CANCELLED)
        await events.record(None, "meeting.cancelled", meeting, why="notice_too_short")
        await _tell(meeting, "meeting.too_late", [meeting.author_id])
        return
    await Meeting.filter(id=meeting.id).update(announced_at=await clock.now())
    await events.record(None, "meeting.announced", meeting)
    at = meeting.starts_at.astimezone(clock.SHANGHAI)
    await notifications.tell(
        await _concerned(meeting),
        "meeting.announced",
        meeting,
        what=IN_WORDS[meeting.kind],
        title=meeting.title,
        at=f"{at:%Y-%m-%d %H:%M}",
    )


def _roll(asked: Call) -> Roll:
    """Of whom attendance is counted."""
    if asked.place_text is None and asked.online_url is None:
        raise Invalid("请填写地点或线上会议链接", "Say where: a place or a link")
    usual = Roll.REPRESENTATIVES if asked.kind is MeetingKind.REPRESENTATIVES else Roll.RESIDENTS
    roll = asked.roll or usual
    if roll is not usual and not (asked.kind is MeetingKind.RESIDENTS and roll is Roll.HOUSEHOLDS):
        raise Invalid("这类会议不按这种名册统计到会人数", "Attendance of such a meeting is not counted by this roll")
    return roll


async def _link(actor: Actor, meeting: Meeting, deliberation_ids: Sequence[int]) -> None:
    ids = sorted(set(deliberation_ids))
    found = await reading.visible(actor).filter(id__in=ids, community_id=meeting.community_id)
    if len(found) != len(ids):
        raise NoSuchDeliberation
    for deliberation in found:
        await MeetingDeliberation.create(
            community_id=meeting.community_id, meeting_id=meeting.id, deliberation_id=deliberation.id
        )
        await events.record(actor, "deliberation.meeting_called", deliberation, meeting_id=meeting.id)


def _visible(actor: Actor) -> QuerySet[Meeting]:
    seen = (
        Q(moderation=Moderation.PASSED) | Q(author_id=actor.id) | Q(community_id__in=policies.sees_unchecked_in(actor))
    )
    return Meeting.filter(seen).select_related("author")


async def _door(actor: Actor, meeting_id: int) -> Meeting:
    meeting = await _visible(actor).get_or_none(id=meeting_id)
    if meeting is None:
        raise NotFound("没有找到这次会议", "No such meeting")
    return meeting


async def _views(actor: Actor, meetings: Sequence[Meeting]) -> list[MeetingView]:
    """The same meetings with all that is shown of them; seven queries for a page, and one per roll counted live."""
    ids = [meeting.id for meeting in meetings]
    agenda = await AgendaItem.filter(meeting_id__in=ids).order_by("position")
    links = await MeetingDeliberation.filter(meeting_id__in=ids).order_by("deliberation_id")
    photos = await media.photos_of(actor, Meeting.noun(), ids)
    of_minutes = await media.photos_of(actor, MINUTES, ids)
    mine = await Attendance.filter(meeting_id__in=ids, resident_id=actor.id).values_list("meeting_id", flat=True)
    turnouts = await _turnouts(meetings)
    return [
        MeetingView(
            meeting,
            [item for item in agenda if item.meeting_id == meeting.id],
            [link.deliberation_id for link in links if link.meeting_id == meeting.id],
            turnouts[meeting.id],
            meeting.minutes if _may_read_minutes(actor, meeting) else None,
            of_minutes[meeting.id] if _may_read_minutes(actor, meeting) else [],
            photos[meeting.id],
            meeting.id in mine,
        )
        for meeting in meetings
    ]


def _may_read_minutes(actor: Actor, meeting: Meeting) -> bool:
    return meeting.minutes_moderation is Moderation.PASSED or actor.is_staff(meeting.community_id)


async def _turnouts(meetings: Sequence[Meeting]) -> dict[int, Turnout]:
    """Who came, live until a meeting is put on record, then as it was recorded; two queries per roll counted live.

    Of who was entered by hand the lines tell, which do not change.
    """
    live: dict[tuple[Roll, int], list[int]] = {}
    for meeting in meetings:
        if meeting.expected is None:
            live.setdefault((meeting.roll, meeting.community_id), []).append(meeting.id)
    figures = {meeting.id: (meeting.expected or 0, meeting.present or 0) for meeting in meetings}
    for (roll, community_id), ids in live.items():
        size, came = await electorate.size(roll, community_id), await electorate.present(roll, community_id, ids)
        figures |= {id_: (max(size, came.get(id_, 0)), came.get(id_, 0)) for id_ in ids}
    entered = await db.rows(BY_HAND, [meeting.id for meeting in meetings])
    by_hand = {line["meeting_id"]: line["people"] for line in entered}
    return {
        meeting.id: _turnout(BY[meeting.kind], *figures[meeting.id], by_hand.get(meeting.id, 0)) for meeting in meetings
    }


def _turnout(preset: Preset, expected: int, present: int, by_hand: int) -> Turnout:
    quorate = preset.quorum.is_reached(present, expected) if preset.quorum else None
    return Turnout(expected, present, by_hand, quorate, preset.article_zh, preset.article_en)


async def _concerned(meeting: Meeting) -> list[int]:
    """Whom the meeting concerns: its roll, and the people of the deliberations it is about."""
    ids = await electorate.speakers(meeting.roll, meeting.community_id)
    about = await Deliberation.filter(meetings__meeting_id=meeting.id)
    return [*ids, meeting.author_id, *(deliberation.author_id for deliberation in about)]


async def _tell(meeting: Meeting, kind: str, resident_ids: Sequence[int]) -> None:
    await notifications.tell(resident_ids, kind, meeting, title=meeting.title)


def _half_minute(now: datetime) -> int:
    return int(now.timestamp()) // CODE_S


def _require_code(meeting: Meeting, token: str | None, now: datetime, secret: str) -> None:
    """The code of this half minute or of the one before, and of this meeting."""
    shown = tokens.unsign(secret, "meeting", token or "")
    if shown not in {f"{meeting.id}.{_half_minute(now) - ago}" for ago in (0, 1)}:
        raise StaleMeetingCode
