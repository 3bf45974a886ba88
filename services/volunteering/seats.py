"""Seats and the queue for them: never oversold, first come first served, given up in time."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from tortoise.expressions import RawSQL
from tortoise.queryset import QuerySet

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Conflict, Forbidden, InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.volunteering import AlreadyCheckedIn, OverlappingShift, Shift, ShiftState, Signup, SignupState
from services import events, media, notifications
from services.due import one_by_one
from services.policies import Actor, require, require_resident
from services.policies import volunteering as policies
from services.rules.age import is_surely
from services.volunteering.activities import seen

FILLED_AT_ONCE = 100


class ShiftStarted(Conflict):
    code, zh, en = "shift_started", "班次已经开始", "The shift has started"


class CancelClosed(Conflict):
    code, zh, en = "cancel_closed", "已过取消时间，请联系负责人", "It is too late to cancel; please call the leader"


class SkillsMissing(Forbidden):
    code = "skills_missing"
    zh = "本班次需要您还没有登记的技能"
    en = "The shift asks for skills that you have not said you have"


class TooYoung(Forbidden):
    code, zh, en = "too_young", "未达到本班次的最低年龄", "The shift is for older volunteers"


class NotInTeam(Forbidden):
    code, zh, en = "not_in_team", "您不是这支志愿队的成员", "You are not in this team"


# How many wait up to and with this one; NULL for a seat.
POSITION = RawSQL(
    "nullif((SELECT count(*) FROM signups w WHERE w.shift_id = signups.shift_id AND w.state = 'waitlisted' "
    "AND w.queue_number <= signups.queue_number), 0)"
)
FREE = "s.taken < s.capacity AND s.state = 'planned' AND (s.starts_at IS NULL OR s.starts_at > clock_now())"
CAN_COME = """
w.state = 'waitlisted' AND NOT EXISTS (
    SELECT FROM signups other WHERE other.state = 'confirmed' AND other.resident_id = w.resident_id
        AND other.period && w.period)
AND EXISTS (
    SELECT FROM memberships m JOIN residents r ON r.id = m.resident_id
    WHERE m.resident_id = w.resident_id AND m.community_id = w.community_id AND m.until_at IS NULL AND NOT r.suspended)
"""
# Whoever has waited longest of those who still live there and are not elsewhere at that time.
NEXT = f"""
SELECT w.id FROM shifts s JOIN signups w ON w.shift_id = s.id WHERE s.id = $1 AND {FREE} AND {CAN_COME}
ORDER BY w.queue_number LIMIT 1
"""
# In one round trip, with the shift locked before: a seat if there is one, else the end of the queue; nothing when the
# shift has started or is cancelled, the resident is in it already, or somebody who waits is to have a free seat first.
# $3 is a team for which it counts if he is in it.
SIGN_UP = f"""
WITH open AS MATERIALIZED (
    SELECT * FROM shifts s
    WHERE s.id = $1 AND s.state = 'planned' AND (s.starts_at IS NULL OR s.starts_at > clock_now())
        AND NOT EXISTS (SELECT FROM signups WHERE shift_id = $1 AND resident_id = $2 AND state <> 'cancelled')
        AND NOT EXISTS ({NEXT})
), seat AS (
    UPDATE shifts SET taken = taken + 1 WHERE id IN (SELECT id FROM open) AND taken < capacity RETURNING id
), queue AS (
    SELECT coalesce(max(queue_number), 0) + 1 AS next, count(*) + 1 AS position
    FROM signups WHERE shift_id = $1 AND state = 'waitlisted'
)
INSERT INTO signups (community_id, shift_id, resident_id, period, state, queue_number, team_id)
SELECT open.community_id, open.id, $2, open.period,
    CASE WHEN seat.id IS NULL THEN 'waitlisted' ELSE 'confirmed' END,
    CASE WHEN seat.id IS NULL THEN queue.next END,
    (SELECT team_id FROM volunteer_team_members WHERE resident_id = $2 AND team_id = $3 AND state = 'member')
FROM open CROSS JOIN queue LEFT JOIN seat ON seat.id = open.id
RETURNING id, created_at, state, queue_number, team_id,
    CASE WHEN queue_number IS NOT NULL THEN (SELECT position FROM queue) END AS position
"""
COMING = """
SELECT g.shift_id AS id FROM signups g JOIN shifts s ON s.id = g.shift_id
WHERE g.resident_id = $1 AND ($2::bigint IS NULL OR g.community_id = $2) AND g.state IN ('confirmed', 'waitlisted')
    AND g.checked_in_at IS NULL AND (s.starts_at IS NULL OR s.starts_at > clock_now())
ORDER BY g.shift_id
"""
FITNESS = """
SELECT r.birth_year, r.of_age, v.skills FROM residents r LEFT JOIN volunteers v ON v.resident_id = r.id WHERE r.id = $1
"""
# A seat went by whoever waits although one is free, or although somebody behind him got one.
PASSED_OVER = f"""
UPDATE signups w SET passed_over_at = clock_now() FROM shifts s
WHERE s.id = $1 AND w.shift_id = s.id AND w.state = 'waitlisted' AND w.passed_over_at IS NULL
    AND (w.queue_number < $2 OR ({FREE}))
RETURNING w.resident_id
"""


async def find_shift(actor: Actor, shift_id: int, *, hold: bool = False) -> Shift:
    """One shift with its activity; `hold` locks it until the transaction ends. Raises NotFound."""
    query = Shift.filter(seen(actor, "activity__")).select_related("activity")
    if hold:
        query = query.select_for_update(of=("shifts",), no_key=True)
    shift = await query.get_or_none(id=shift_id)
    if shift is None:
        raise NotFound("没有找到这个班次", "No such shift")
    return shift


async def find_signup(actor: Actor, signup_id: int) -> Signup:
    """A sign-up, for the volunteer himself and for whoever leads or confirms. Raises NotFound."""
    signup = (
        await Signup.annotate(position=POSITION).get_or_none(id=signup_id).select_related("shift__activity", "resident")
    )
    if signup is None or not (
        signup.resident_id == actor.id or policies.may_confirm_hours(actor, signup.shift.activity)
    ):
        raise NotFound("没有找到这次报名", "No such sign-up")
    return signup


async def live(shift_id: int, resident_id: int) -> Signup | None:
    """Somebody's place in a shift, unless he has none or gave it up."""
    return await _live().get_or_none(shift_id=shift_id, resident_id=resident_id)


async def signups(actor: Actor, shift_id: int, *, page: Page) -> Listed[Signup]:
    """Who signed up for a shift, newest first, with what he reported; for its leader and the staff.

    Raises NotFound, Forbidden.
    """
    shift = await find_shift(actor, shift_id)
    require(policies.may_confirm_hours(actor, shift.activity))
    found = await newest(_live().filter(shift_id=shift.id).select_related("resident"), page)
    photos = await media.photos_of(actor, Signup.noun(), [signup.id for signup in found.items])
    for signup in found.items:
        signup.photos = photos[signup.id]
    return found


@atomic()
async def sign_up(actor: Actor, shift_id: int, *, team_id: int | None = None) -> Signup:
    """Take a seat, or wait for one when all are taken; doing it again changes nothing.

    The hours count for `team_id`, or for the activity's own team, if the volunteer is in it. Raises NotFound,
    NotVerified, Forbidden, ShiftStarted, OverlappingShift, InvalidState for a cancelled shift, SkillsMissing,
    TooYoung, NotInTeam.
    """
    shift = await find_shift(actor, shift_id, hold=True)
    require_resident(actor, shift.community_id)
    await _require_fit(shift, actor.id)
    asked = (shift.id, actor.id, team_id or shift.activity.team_id)
    line = await db.row(SIGN_UP, *asked)
    while line is None and await db.value(NEXT, shift.id) is not None:
        await fill(shift)
        line = await db.row(SIGN_UP, *asked)
    if line is None:
        there = await live(shift.id, actor.id)
        if there is None:
            raise InvalidState(shift.state) if shift.state is ShiftState.CANCELLED else ShiftStarted
        return there
    if team_id is not None and line["team_id"] is None:
        raise NotInTeam
    signup = _made(shift, actor.id, line)
    await _tell(actor, f"signup.{signup.state}", signup)
    return signup


@atomic()
async def cancel(actor: Actor, shift_id: int) -> None:
    """Give up one's seat, which the first who waits gets, or one's place in the queue; again changes nothing.

    Raises NotFound, NotVerified, Forbidden, ShiftStarted, CancelClosed (a seat is kept from `cancel_hours` before the
    start on, unless the shift was moved since), AlreadyCheckedIn.
    """
    shift = await find_shift(actor, shift_id, hold=True)
    if not await _give_up(actor, shift):
        require_resident(actor, shift.community_id)


@atomic()
async def give_up(actor: Actor, shift_id: int) -> None:
    """As `cancel`, for somebody who leaves, also where he may not see the shift any more."""
    await _give_up(actor, await _held(shift_id))


@atomic()
async def give_up_all(actor: Actor, *, community_id: int | None = None) -> None:
    """Give up all the seats somebody who leaves can still give up, and his places in queues."""
    for line in await db.rows(COMING, actor.id, community_id):
        with suppress(ShiftStarted, CancelClosed, AlreadyCheckedIn):
            await give_up(actor, line["id"])


async def fill_due() -> None:
    """Give free seats to those who could not take theirs before because they were elsewhere; at most 100 shifts.

    Cancelling fills a seat at once, but passes over whoever has another shift at that time.
    """
    free = await db.rows(
        f"SELECT DISTINCT s.id FROM shifts s JOIN signups w ON w.shift_id = s.id WHERE {FREE} AND {CAN_COME} "
        f"ORDER BY s.id LIMIT {FILLED_AT_ONCE}"
    )
    await one_by_one((line["id"] for line in free), _fill_one)


async def miscounted() -> list[int]:
    """The shifts whose `taken` is not the number of their confirmed sign-ups: for `verify`, always none."""
    wrong = await db.rows(
        "SELECT s.id FROM shifts s WHERE s.taken <> "
        "(SELECT count(*) FROM signups g WHERE g.shift_id = s.id AND g.state = 'confirmed') ORDER BY s.id"
    )
    return [line["id"] for line in wrong]


@atomic()
async def _fill_one(shift_id: int) -> None:
    await fill(await _held(shift_id))


async def _held(shift_id: int) -> Shift:
    query = Shift.filter(id=shift_id).select_related("activity")
    return await query.select_for_update(of=("shifts",), no_key=True).get()


async def _give_up(actor: Actor, shift: Shift) -> bool:
    """Under the shift's lock; whether there was anything to give up."""
    signup = await live(shift.id, actor.id)
    if signup is None:
        return False
    had_seat = signup.state is SignupState.CONFIRMED
    _require_cancellable(shift, signup, await clock.now())
    await signup.move_to(SignupState.CANCELLED, queue_number=None)
    await events.record(actor, "signup.cancelled", signup)
    if had_seat:
        await db.execute("UPDATE shifts SET taken = taken - 1 WHERE id = $1", shift.id)
        activity = shift.activity
        await notifications.tell(
            [activity.leader_id], "signup.cancelled", activity, title=activity.title, name_id=actor.id
        )
        await fill(shift)
    return True


async def fill(shift: Shift) -> None:
    """Seat those who wait, first come first served, while there are free seats. The shift is locked.

    Whoever is passed over is told once, and keeps his place in the queue.
    """
    last = 0
    while (first := await db.value(NEXT, shift.id)) is not None:
        signup = await Signup.get(id=first).select_related("shift__activity")
        last = max(last, signup.queue_number or 0)
        await _seat(signup)
    passed_over = [line["resident_id"] for line in await db.rows(PASSED_OVER, shift.id, last)]
    if passed_over:
        activity = shift.activity
        await notifications.tell(passed_over, "signup.passed_over", activity, title=activity.title)


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
    moved = shift.moved_at is not None and signup.created_at < shift.moved_at
    if signup.state is SignupState.CONFIRMED and keeps_from is not None and keeps_from < now and not moved:
        raise CancelClosed


async def _require_fit(shift: Shift, resident_id: int) -> None:
    """Whoever is in the shift already stays in it; another must have its skills, and surely its age on its day."""
    if not shift.skills and shift.minimum_age is None:
        return
    if await live(shift.id, resident_id) is not None:
        return
    found = await db.row(FITNESS, resident_id)
    assert found is not None  # noqa: S101 - somebody who was found before
    missing = sorted(set(shift.skills) - set(json.loads(found["skills"] or "[]")))
    if missing:
        raise SkillsMissing(skills=missing)
    day = (shift.starts_at or await clock.now()).astimezone(clock.SHANGHAI)
    youngest = shift.minimum_age
    if youngest is not None and not is_surely(youngest, found["birth_year"], found["of_age"], day.year):
        raise TooYoung(minimum_age=youngest)


def _made(shift: Shift, resident_id: int, line: dict[str, Any]) -> Signup:
    """The sign-up just inserted, without reading it again."""
    position = line.pop("position")
    signup = Signup(**line, community_id=shift.community_id, resident_id=resident_id, shift=shift)
    signup.position = position
    return signup


def _live() -> QuerySet[Signup]:
    return Signup.annotate(position=POSITION).exclude(state=SignupState.CANCELLED)


async def _tell(actor: Actor | None, verb: str, signup: Signup) -> None:
    activity = signup.shift.activity
    position = {"position": signup.position} if signup.position is not None else {}
    await events.record(actor, verb, signup, shift_id=signup.shift_id)
    await notifications.tell([signup.resident_id], verb, activity, title=activity.title, **position)
