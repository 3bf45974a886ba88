"""Seats and the queue for them: never oversold, first come first served, given up in time."""

from datetime import datetime, timedelta

from tortoise.expressions import RawSQL
from tortoise.queryset import QuerySet

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Conflict, NotFound
from app.core.pages import Listed, Page, newest
from models.volunteering import AlreadyCheckedIn, OverlappingShift, Shift, Signup, SignupState
from services import events, notifications
from services.due import one_by_one
from services.policies import Actor, require, require_resident
from services.policies import volunteering as policies
from services.volunteering.activities import seen

FILLED_AT_ONCE = 100


class ShiftStarted(Conflict):
    code, zh, en = "shift_started", "班次已经开始", "The shift has started"


class CancelClosed(Conflict):
    code, zh, en = "cancel_closed", "已过取消时间，请联系负责人", "It is too late to cancel; please call the leader"


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
FREE = "s.taken < s.capacity AND (s.starts_at IS NULL OR s.starts_at > clock_now())"
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
    """Who signed up for a shift, newest first, for its leader and the staff. Raises NotFound, Forbidden."""
    shift = await find_shift(actor, shift_id)
    require(policies.may_confirm_hours(actor, shift.activity))
    return await newest(_live().filter(shift_id=shift.id).select_related("resident"), page)


@atomic()
async def sign_up(actor: Actor, shift_id: int) -> Signup:
    """Take a seat, or wait for one when all are taken; doing it again changes nothing.

    Raises NotFound, NotVerified, Forbidden, ShiftStarted, OverlappingShift.
    """
    shift = await find_shift(actor, shift_id, hold=True)
    require_resident(actor, shift.community_id)
    signup_id = await db.value(SIGN_UP, shift.id, actor.id)
    if signup_id is None:
        there = await live(shift.id, actor.id)
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
    signup = await live(shift.id, actor.id)
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


def _live() -> QuerySet[Signup]:
    return Signup.annotate(position=POSITION).exclude(state=SignupState.CANCELLED)


async def _tell(actor: Actor | None, verb: str, signup: Signup) -> None:
    activity = signup.shift.activity
    position = {"position": signup.position} if signup.position is not None else {}
    await events.record(actor, verb, signup, shift_id=signup.shift_id)
    await notifications.tell([signup.resident_id], verb, activity, title=activity.title, **position)
