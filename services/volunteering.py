"""Volunteering: activities with shifts, seats that are never oversold, check-in, and hours that a leader confirms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tortoise.expressions import Q, RawSQL, Subquery
from tortoise.queryset import QuerySet

from app.core import clock, db, tokens
from app.core.db import atomic
from app.core.errors import Conflict, Forbidden, Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.volunteering import (
    Activity,
    ActivityKind,
    AlreadyCheckedIn,
    OverlappingShift,
    OwnHours,
    ServiceRecord,
    Shift,
    Signup,
    SignupState,
)
from services import events, needs, notifications, places, residents
from services.policies import Actor, require, require_resident
from services.policies import volunteering as policies
from services.policies.actor import STAFF
from services.rules import service_hours

CODE_S = 30
FILLED_AT_ONCE = 100


class ShiftStarted(Conflict):
    code, zh, en = "shift_started", "班次已经开始", "The shift has started"


class CancelClosed(Conflict):
    code, zh, en = "cancel_closed", "已过取消时间，请联系负责人", "It is too late to cancel; please call the leader"


class CheckInClosed(Conflict):
    code = "check_in_closed"
    zh = "开始前一小时至结束之间才能签到"
    en = "Check-in is open from an hour before the start until the end"


class NotSignedUp(Forbidden):
    code, zh, en = "not_signed_up", "没有报名这个班次", "Not signed up for this shift"


class NotCheckedIn(Conflict):
    code, zh, en = "not_checked_in", "还没有签到", "Not checked in yet"


class StaleCode(Invalid):
    code, zh, en = "stale_code", "签到码已过期，请重新扫码", "The code has expired; scan again"


@dataclass(frozen=True)
class ShiftPlan:
    """A shift to be: `starts_at` and `ends_at` are both None for a task without a fixed time."""

    capacity: int
    place_text: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True)
class ShiftView:
    """A shift as the reader sees it, with his own place in it."""

    id: int
    starts_at: datetime | None
    ends_at: datetime | None
    capacity: int
    taken: int
    waitlisted: int
    place_text: str
    my_state: SignupState | None
    my_position: int | None


@dataclass(frozen=True)
class ActivityView:
    """An activity with its shifts, earliest first, and the needs it was made from."""

    id: int
    activity: Activity
    shifts: list[ShiftView]
    need_ids: list[int]


@dataclass(frozen=True)
class CheckInCode:
    """What the leader's phone shows; a new one begins in `expires_in` seconds."""

    token: str
    expires_in: int


@dataclass(frozen=True)
class Hours:
    """All service records of a shift."""

    id: int
    records: list[ServiceRecord]


# --- activities -------------------------------------------------------------------------------------------------


def visible(actor: Actor) -> QuerySet[Activity]:
    """The activities the actor may know of."""
    return Activity.filter(_seen(actor))


async def find(actor: Actor, activity_id: int) -> ActivityView:
    """One activity with its shifts. Raises NotFound."""
    activity = await visible(actor).get_or_none(id=activity_id).select_related("author", "leader")
    if activity is None:
        raise NotFound("没有找到这个活动", "No such activity")
    return (await _with_shifts(actor, [activity]))[0]


async def listed(
    actor: Actor,
    *,
    community_id: int | None = None,
    kind: ActivityKind | None = None,
    from_at: datetime | None = None,
    page: Page,
) -> Listed[ActivityView]:
    """Activities, newest first; `from_at` keeps those with a shift that starts then or later, or at no fixed time."""
    query = visible(actor)
    if community_id is not None:
        query = query.filter(community_id=community_id)
    if kind is not None:
        query = query.filter(kind=kind)
    if from_at is not None:
        ahead = Shift.filter(Q(starts_at__gte=from_at) | Q(starts_at=None))
        query = query.filter(id__in=Subquery(ahead.values("activity_id")))
    found = await newest(query.select_related("author", "leader"), page)
    return Listed(await _with_shifts(actor, found.items), found.after)


@atomic()
async def organise(
    actor: Actor,
    *,
    community_id: int,
    kind: ActivityKind,
    title: str,
    body: str,
    shifts: Sequence[ShiftPlan],
    leader_id: int | None = None,
    cancel_hours: int = 2,
    need_ids: Sequence[int] = (),
) -> ActivityView:
    """Call for volunteers; whoever calls leads, unless he names a leader, who is told.

    Raises NotFound, Forbidden, Invalid for a leader or needs from elsewhere, or shifts that do not fit the kind or are
    over.
    """
    await places.find_community(community_id)
    require(policies.may_organise(actor, community_id), "只有社区工作人员可以发起活动", "Only the staff may do this")
    leader = actor if leader_id is None else await residents.actor(leader_id)
    if not policies.may_be_leader(leader, community_id):
        raise Invalid("负责人须是本社区的认证居民或工作人员", "The leader lives or works in the community")
    _require_shifts(kind, shifts, await clock.now())
    activity = await Activity.create(
        community_id=community_id,
        kind=kind,
        title=title,
        body=body,
        author_id=actor.id,
        leader_id=leader.id,
        cancel_hours=cancel_hours,
    )
    await Shift.bulk_create(
        Shift(
            community_id=community_id,
            activity_id=activity.id,
            starts_at=plan.starts_at,
            ends_at=plan.ends_at,
            capacity=plan.capacity,
            place_text=plan.place_text,
        )
        for plan in shifts
    )
    await needs.link(actor, need_ids, activity)
    await events.record(actor, "activity.organised", activity, leader_id=leader.id, shifts=len(shifts))
    if leader.id != actor.id:
        await notifications.tell([leader.id], "activity.led", activity, title=title)
    return await find(actor, activity.id)


def _seen(actor: Actor, through: str = "") -> Q:
    """Passed, or one's own, or of the community one works in."""
    served: Any = actor.serves(*STAFF)
    own: Any = actor.id
    passed: Any = Moderation.PASSED
    return (
        Q(**{f"{through}moderation": passed})
        | Q(**{f"{through}author_id": own})
        | Q(**{f"{through}community_id__in": served})
    )


def _require_shifts(kind: ActivityKind, shifts: Sequence[ShiftPlan], now: datetime) -> None:
    if kind is ActivityKind.TASK and len(shifts) != 1:
        raise Invalid("任务只有一个班次", "A task has exactly one shift")
    for plan in shifts:
        if plan.starts_at is None or plan.ends_at is None:
            if kind is not ActivityKind.TASK or plan.starts_at != plan.ends_at:
                raise Invalid("请填写班次的开始和结束时间", "Each shift has a start and an end")
        elif not timedelta(0) < plan.ends_at - plan.starts_at <= timedelta(hours=24):
            raise Invalid("班次须在24小时以内，且先开始后结束", "A shift ends after its start and within 24 hours")
        elif plan.ends_at <= now:
            raise Invalid("班次已经过去", "The shift is over already")


SHIFTS = """
SELECT s.id, s.activity_id, s.starts_at, s.ends_at, s.capacity, s.taken, s.place_text, mine.state AS my_state,
    (SELECT count(*) FROM signups w WHERE w.shift_id = s.id AND w.state = 'waitlisted') AS waitlisted,
    CASE WHEN mine.state = 'waitlisted' THEN (
        SELECT count(*) FROM signups w
        WHERE w.shift_id = s.id AND w.state = 'waitlisted' AND w.queue_number <= mine.queue_number)
    END AS my_position
FROM shifts s
LEFT JOIN signups mine ON mine.shift_id = s.id AND mine.resident_id = $2 AND mine.state <> 'cancelled'
WHERE s.activity_id = ANY($1::bigint[])
ORDER BY s.starts_at, s.id
"""
MADE_FROM = """
SELECT subject_id, need_id FROM need_links WHERE kind = 'activity' AND subject_id = ANY($1::bigint[]) ORDER BY need_id
"""


async def _with_shifts(actor: Actor, activities: Sequence[Activity]) -> list[ActivityView]:
    views = {activity.id: ActivityView(activity.id, activity, [], []) for activity in activities}
    for line in await db.rows(SHIFTS, list(views), actor.id):
        line["my_state"] = SignupState(line["my_state"]) if line["my_state"] else None
        views[line.pop("activity_id")].shifts.append(ShiftView(**line))
    for line in await db.rows(MADE_FROM, list(views)):
        views[line["subject_id"]].need_ids.append(line["need_id"])
    return list(views.values())


# --- sign-up ----------------------------------------------------------------------------------------------------

# How many wait up to and with this one; NULL for a seat.
POSITION = RawSQL(
    "nullif((SELECT count(*) FROM signups w WHERE w.shift_id = signups.shift_id AND w.state = 'waitlisted' "
    "AND w.queue_number <= signups.queue_number), 0)"
)
# In one round trip, with the shift locked before: a seat if there is one, else the end of the queue; nothing when the
# shift has started or the resident is in it already.
SIGN_UP = """
WITH open AS MATERIALIZED (
    SELECT * FROM shifts s
    WHERE s.id = $1 AND (s.starts_at IS NULL OR s.starts_at > clock_now())
        AND NOT EXISTS (SELECT FROM signups WHERE shift_id = $1 AND resident_id = $2 AND state <> 'cancelled')
), seat AS (
    UPDATE shifts SET taken = taken + 1 WHERE id IN (SELECT id FROM open) AND taken < capacity RETURNING id
)
INSERT INTO signups (community_id, shift_id, resident_id, period, state, queue_number)
SELECT open.community_id, open.id, $2, open.period,
    CASE WHEN seat.id IS NULL THEN 'waitlisted' ELSE 'confirmed' END,
    CASE WHEN seat.id IS NULL THEN (
        SELECT coalesce(max(queue_number), 0) + 1 FROM signups WHERE shift_id = $1 AND state = 'waitlisted')
    END
FROM open LEFT JOIN seat ON seat.id = open.id
RETURNING id
"""


async def find_shift(actor: Actor, shift_id: int, *, hold: bool = False) -> Shift:
    """One shift with its activity; `hold` locks it until the transaction ends. Raises NotFound."""
    query = Shift.filter(_seen(actor, "activity__")).select_related("activity")
    if hold:
        query = query.select_for_update(of=("shifts",), no_key=True)
    shift = await query.get_or_none(id=shift_id)
    if shift is None:
        raise NotFound("没有找到这个班次", "No such shift")
    return shift


async def find_signup(actor: Actor, signup_id: int) -> Signup:
    """A sign-up, for the volunteer himself and for whoever leads or confirms. Raises NotFound."""
    signup = await _signups().get_or_none(id=signup_id).select_related("shift__activity", "resident")
    if signup is None or not (
        signup.resident_id == actor.id or policies.may_confirm_hours(actor, signup.shift.activity)
    ):
        raise NotFound("没有找到这次报名", "No such sign-up")
    return signup


async def signups(actor: Actor, shift_id: int, *, page: Page) -> Listed[Signup]:
    """Who signed up for a shift, newest first, for its leader and the staff. Raises NotFound, Forbidden."""
    shift = await find_shift(actor, shift_id)
    require(policies.may_confirm_hours(actor, shift.activity))
    live = _signups().filter(shift_id=shift.id).exclude(state=SignupState.CANCELLED)
    return await newest(live.select_related("resident"), page)


@atomic()
async def sign_up(actor: Actor, shift_id: int) -> Signup:
    """Take a seat, or wait for one when all are taken; doing it again changes nothing.

    Raises NotFound, NotVerified, Forbidden, ShiftStarted, OverlappingShift.
    """
    shift = await find_shift(actor, shift_id, hold=True)
    require_resident(actor, shift.community_id)
    signup_id = await db.value(SIGN_UP, shift.id, actor.id)
    if signup_id is None:
        there = await _live(shift.id, actor.id)
        if there is None:
            raise ShiftStarted
        return there
    signup = await find_signup(actor, signup_id)
    await _tell(actor, f"signup.{signup.state}", signup)
    return signup


@atomic()
async def cancel(actor: Actor, shift_id: int) -> None:
    """Give up one's seat, which the first who waits gets, or one's place in the queue; again changes nothing.

    Raises NotFound, NotVerified, Forbidden, ShiftStarted, CancelClosed (a seat is kept from `cancel_hours` before the
    start on), AlreadyCheckedIn.
    """
    shift = await find_shift(actor, shift_id, hold=True)
    signup = await _live(shift.id, actor.id)
    if signup is None:
        require_resident(actor, shift.community_id)
        return
    had_seat = signup.state is SignupState.CONFIRMED
    _require_cancellable(shift, signup, await clock.now())
    await signup.move_to(SignupState.CANCELLED, queue_number=None)
    await events.record(actor, "signup.cancelled", signup)
    if had_seat:
        await db.execute("UPDATE shifts SET taken = taken - 1 WHERE id = $1", shift.id)
        await notifications.tell(
            [shift.activity.leader_id],
            "signup.cancelled",
            shift.activity,
            title=shift.activity.title,
            name=actor.nickname,
        )
        await _fill(shift)


async def fill_due() -> None:
    """Give free seats to those who could not take theirs before because they were elsewhere; at most 100 shifts.

    Cancelling fills a seat at once, but passes over whoever has another shift at that time.
    """
    free = await db.rows(
        f"SELECT DISTINCT s.id FROM shifts s JOIN signups w ON w.shift_id = s.id WHERE {FREE} AND {CAN_COME} "
        f"ORDER BY s.id LIMIT {FILLED_AT_ONCE}"
    )
    for line in free:
        await _fill_one(line["id"])


async def miscounted() -> list[int]:
    """The shifts whose `taken` is not the number of their confirmed sign-ups: for `verify`, always none."""
    wrong = await db.rows(
        "SELECT s.id FROM shifts s WHERE s.taken <> "
        "(SELECT count(*) FROM signups g WHERE g.shift_id = s.id AND g.state = 'confirmed') ORDER BY s.id"
    )
    return [line["id"] for line in wrong]


FREE = "s.taken < s.capacity AND (s.starts_at IS NULL OR s.starts_at > clock_now())"
CAN_COME = """
w.state = 'waitlisted' AND NOT EXISTS (
    SELECT FROM signups other WHERE other.state = 'confirmed' AND other.resident_id = w.resident_id
        AND other.period && w.period)
"""
NEXT = f"""
SELECT w.id FROM shifts s JOIN signups w ON w.shift_id = s.id WHERE s.id = $1 AND {FREE} AND {CAN_COME}
ORDER BY w.queue_number LIMIT 1
"""


@atomic()
async def _fill_one(shift_id: int) -> None:
    await _fill(await Shift.filter(id=shift_id).select_for_update(no_key=True).get())


async def _fill(shift: Shift) -> None:
    """Seat those who wait, first come first served, while there are free seats. The shift is locked."""
    while (first := await db.value(NEXT, shift.id)) is not None:
        await _seat(await Signup.get(id=first).select_related("shift__activity"))


async def _seat(signup: Signup) -> None:
    try:
        async with db.tx():
            await signup.move_to(SignupState.CONFIRMED, queue_number=None)
            await db.execute("UPDATE shifts SET taken = taken + 1 WHERE id = $1", signup.shift_id)
            await _tell(None, "signup.promoted", signup)
    except OverlappingShift:
        pass  # confirmed elsewhere at this very moment; the next look at the queue passes him over


def _require_cancellable(shift: Shift, signup: Signup, now: datetime) -> None:
    if signup.checked_in_at is not None:
        raise AlreadyCheckedIn
    if shift.starts_at is not None and shift.starts_at <= now:
        raise ShiftStarted
    keeps_from = shift.starts_at and shift.starts_at - timedelta(hours=shift.activity.cancel_hours)
    if signup.state is SignupState.CONFIRMED and keeps_from is not None and keeps_from < now:
        raise CancelClosed


def _signups() -> QuerySet[Signup]:
    return Signup.annotate(position=POSITION)


async def _live(shift_id: int, resident_id: int) -> Signup | None:
    live = _signups().filter(shift_id=shift_id, resident_id=resident_id).exclude(state=SignupState.CANCELLED)
    return await live.first()


async def _tell(actor: Actor | None, verb: str, signup: Signup) -> None:
    activity = signup.shift.activity
    position = {"position": signup.position} if signup.position is not None else {}
    await events.record(actor, verb, signup, shift_id=signup.shift_id)
    await notifications.tell([signup.resident_id], verb, activity, title=activity.title, **position)


# --- check-in and check-out -------------------------------------------------------------------------------------


async def check_in_code(actor: Actor, shift_id: int, *, secret: str) -> CheckInCode:
    """The code of this half minute, for the leader to show. Raises NotFound, Forbidden."""
    shift = await find_shift(actor, shift_id)
    require(policies.may_lead(actor, shift.activity), "只有负责人可以出示签到码", "Only the leader shows the code")
    now = await clock.now()
    token = tokens.sign(secret, "check-in", f"{shift.id}.{_half_minute(now)}")
    return CheckInCode(token, CODE_S - int(now.timestamp()) % CODE_S)


@atomic()
async def check_in(
    actor: Actor, shift_id: int, *, token: str | None = None, resident_id: int | None = None, secret: str
) -> Signup:
    """Come to a shift: the volunteer with the code on the leader's phone, or the leader for him. Again: no change.

    Raises NotFound, Forbidden, NotSignedUp, InvalidState while waitlisted, StaleCode, CheckInClosed.
    """
    shift = await find_shift(actor, shift_id)
    signup = await _attendee(actor, shift, resident_id)
    if signup.checked_in_at is not None:
        return signup
    now = await clock.now()
    if resident_id is None:
        _require_code(shift, token, now, secret)
    if shift.starts_at and shift.ends_at and not service_hours.may_arrive(now, shift.starts_at, shift.ends_at):
        raise CheckInClosed
    entered = await db.execute(
        "UPDATE signups SET checked_in_at = $2, checked_in_by_id = $3 "
        "WHERE id = $1 AND state = 'confirmed' AND checked_in_at IS NULL",
        signup.id,
        now,
        actor.id,
    )
    if entered:
        await events.record(actor, "signup.checked_in", signup, shift_id=shift.id)
    return await _attendee(actor, shift, resident_id)


@atomic()
async def check_out(
    actor: Actor,
    shift_id: int,
    *,
    token: str | None = None,
    resident_id: int | None = None,
    minutes: int | None = None,
    note: str | None = None,
    secret: str,
) -> Signup:
    """Leave a shift after checking in, until an hour after its end; or report a task and the minutes it took.

    Again: no change. Raises NotFound, Forbidden, NotSignedUp, InvalidState while waitlisted, StaleCode, NotCheckedIn,
    CheckInClosed, Invalid for a report that is missing or on anything but a task.
    """
    shift = await find_shift(actor, shift_id)
    signup = await _attendee(actor, shift, resident_id)
    if signup.checked_out_at is not None:
        return signup
    now = await clock.now()
    if token is not None:
        _require_code(shift, token, now, secret)
    _require_leaving(shift, signup, now, minutes, note)
    left = await db.execute(
        "UPDATE signups SET checked_in_at = coalesce(checked_in_at, $2), "
        "checked_in_by_id = coalesce(checked_in_by_id, $3), "
        "checked_out_at = $2, checked_out_by_id = $3, reported_minutes = $4, note = $5 "
        "WHERE id = $1 AND state = 'confirmed' AND checked_out_at IS NULL",
        signup.id,
        now,
        actor.id,
        minutes,
        note,
    )
    if left:
        await events.record(actor, "signup.checked_out", signup, shift_id=shift.id, minutes=minutes)
    return await _attendee(actor, shift, resident_id)


async def _attendee(actor: Actor, shift: Shift, resident_id: int | None) -> Signup:
    """The seat in question: the actor's own, or, for the leader only, somebody else's."""
    if resident_id is not None:
        require(policies.may_lead(actor, shift.activity), "只有负责人可以代为签到", "Only the leader checks others in")
    signup = await _live(shift.id, resident_id or actor.id)
    if signup is None:
        raise NotSignedUp
    if signup.state is not SignupState.CONFIRMED:
        raise InvalidState(signup.state)
    return signup


def _half_minute(now: datetime) -> int:
    return int(now.timestamp()) // CODE_S


def _require_code(shift: Shift, token: str | None, now: datetime, secret: str) -> None:
    """The code of this half minute or of the one before, and of this shift."""
    shown = tokens.unsign(secret, "check-in", token or "")
    if shown not in {f"{shift.id}.{_half_minute(now) - ago}" for ago in (0, 1)}:
        raise StaleCode


def _require_leaving(shift: Shift, signup: Signup, now: datetime, minutes: int | None, note: str | None) -> None:
    if shift.activity.kind is ActivityKind.TASK:
        if minutes is None:
            raise Invalid("请填写完成任务用了多少分钟", "Say how many minutes the task took")
        if shift.starts_at is not None and now < shift.starts_at:
            raise CheckInClosed
        return
    if minutes is not None or note is not None:
        raise Invalid("只有任务需要汇报用时", "Only a task is reported with minutes")
    if signup.checked_in_at is None:
        raise NotCheckedIn
    if shift.starts_at and shift.ends_at and not service_hours.may_leave(now, shift.starts_at, shift.ends_at):
        raise CheckInClosed


# --- hours ------------------------------------------------------------------------------------------------------

CONFIRM = """
INSERT INTO service_records (community_id, shift_id, signup_id, resident_id, period, minutes, confirmed_by_id)
SELECT g.community_id, g.shift_id, g.id, g.resident_id, g.period, e.minutes, $4
FROM signups g JOIN unnest($2::bigint[], $3::int[]) AS e (resident_id, minutes) ON e.resident_id = g.resident_id
WHERE g.shift_id = $1 AND g.state = 'confirmed' AND g.checked_in_at IS NOT NULL
RETURNING id
"""


@atomic()
async def confirm_hours(actor: Actor, shift_id: int, *, entries: Mapping[int, int] | None = None) -> Hours:
    """Make service records of who came: `entries` are minutes by resident, else what check-in and check-out say.

    The leader confirms, or the staff; nobody his own. Without entries those who have a record already, did not check
    out, or are the actor himself are left out. Raises NotFound, Forbidden, OwnHours, NotCheckedIn, AlreadyExists,
    ImpossibleHours (more minutes than from an hour before the start until the end or now).
    """
    shift = await find_shift(actor, shift_id, hold=True)
    require(policies.may_confirm_hours(actor, shift.activity))
    came = await Signup.filter(shift_id=shift.id, state=SignupState.CONFIRMED, checked_in_at__isnull=False)
    minutes = dict(entries) if entries is not None else await _minutes_shown(actor, shift, came)
    if actor.id in minutes:
        raise OwnHours
    if not minutes.keys() <= {signup.resident_id for signup in came}:
        raise NotCheckedIn
    made = await db.rows(CONFIRM, shift.id, list(minutes), list(minutes.values()), actor.id)
    await events.record(actor, "shift.hours_confirmed", shift, record_ids=[line["id"] for line in made])
    for served in set(minutes.values()):
        told = [resident_id for resident_id in minutes if minutes[resident_id] == served]
        await notifications.tell(told, "hours.confirmed", shift.activity, title=shift.activity.title, minutes=served)
    return await hours(actor, shift.id)


async def hours(actor: Actor, shift_id: int) -> Hours:
    """The service records of a shift, for its leader and the staff. Raises NotFound, Forbidden."""
    shift = await find_shift(actor, shift_id)
    require(policies.may_confirm_hours(actor, shift.activity))
    return Hours(shift.id, await ServiceRecord.filter(shift_id=shift.id).order_by("id").select_related("resident"))


async def own_records(actor: Actor, *, page: Page) -> Listed[ServiceRecord]:
    """The actor's own service records, newest first."""
    return await newest(ServiceRecord.filter(resident_id=actor.id).select_related("shift__activity"), page)


async def _minutes_shown(actor: Actor, shift: Shift, came: Sequence[Signup]) -> dict[int, int]:
    recorded = {record.resident_id for record in await ServiceRecord.filter(shift_id=shift.id)}
    shown = {signup.resident_id: _minutes(shift, signup) for signup in came}
    return {who: minutes for who, minutes in shown.items() if minutes and who not in recorded | {actor.id}}


def _minutes(shift: Shift, signup: Signup) -> int:
    if signup.reported_minutes is not None:
        return signup.reported_minutes
    if signup.checked_in_at and signup.checked_out_at and shift.starts_at and shift.ends_at:
        return service_hours.minutes_served(signup.checked_in_at, signup.checked_out_at, shift.starts_at, shift.ends_at)
    return 0
