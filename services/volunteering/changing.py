"""What the leader or the staff change: a shift, an activity, or that it takes place at all. All signed up are told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.core import clock, db
from app.core.clock import SHANGHAI
from app.core.db import atomic
from app.core.errors import InvalidState
from models.base import Moderation
from models.volunteering import Activity, AlreadyCheckedIn, Shift, ShiftState, Signup, SignupState, Skill
from services import checks, events, notifications
from services.policies import Actor, require
from services.policies import volunteering as policies
from services.volunteering.activities import (
    ActivityView,
    ShiftPlan,
    find,
    find_leader,
    require_shifts,
    require_team,
)
from services.volunteering.seats import ShiftStarted, fill, find_shift

NOT_YOURS = ("只有负责人和社区工作人员可以更改", "Only its leader and the staff change it")
# Whoever is elsewhere at the new time gives up his seat.
GIVE_UP = """
UPDATE signups g SET state = 'cancelled' WHERE g.shift_id = $1 AND g.state = 'confirmed' AND EXISTS (
    SELECT FROM signups other WHERE other.resident_id = g.resident_id AND other.id <> g.id
        AND other.state = 'confirmed' AND other.period && tstzrange($2, $3))
RETURNING g.resident_id
"""
CALL_OFF = """
UPDATE signups SET state = 'cancelled', queue_number = NULL WHERE shift_id = $1 AND state <> 'cancelled'
RETURNING resident_id
"""


@atomic()
async def change_shift(actor: Actor, shift_id: int, **named: Any) -> ActivityView:
    """Replace the named of `starts_at`, `ends_at`, `capacity`, `place_text`, `skills`, `minimum_age` before it starts.

    A higher capacity seats those who wait. At another time whoever is elsewhere then gives up his seat, and everybody
    may cancel until the start. Who is signed up already stays, whatever skills or age are asked for now. Raises
    NotFound, Forbidden, Invalid, InvalidState, ShiftStarted, SeatsTaken, AlreadyCheckedIn (for another time).
    """
    shift = await find_shift(actor, shift_id, hold=True)
    activity = shift.activity
    require(policies.may_manage(actor, activity), *NOT_YOURS)
    now = await clock.now()
    _require_ahead(shift, now)
    plan = _plan(shift, named)
    require_shifts(activity.kind, [plan], now)
    moved = (plan.starts_at, plan.ends_at) != (shift.starts_at, shift.ends_at)
    if moved:
        await _require_nobody_there(shift)
        named |= {"taken": shift.taken - await _give_up(shift, plan), "moved_at": now}
    await Shift.filter(id=shift.id).update(**named, changed_at=now)
    if moved:
        await Signup.filter(shift_id=shift.id).update(reminded=0)
    if named.get("place_text", shift.place_text) != shift.place_text:
        await _check_again(actor, activity)
    await events.record(actor, "shift.changed", shift, moved=moved, capacity=plan.capacity)
    await notifications.tell(
        [who for who in await _signed_up([shift.id]) if who != actor.id],
        "shift.changed",
        activity,
        title=activity.title,
        at=in_shanghai(plan.starts_at),
    )
    await fill(shift)
    return await find(actor, activity.id)


@atomic()
async def cancel_shift(actor: Actor, shift_id: int, *, reason: str) -> ActivityView:
    """Call a shift off before it starts; everybody signed up is told why.

    Raises NotFound, Forbidden, InvalidState, ShiftStarted, AlreadyCheckedIn.
    """
    shift = await find_shift(actor, shift_id, hold=True)
    require(policies.may_manage(actor, shift.activity), *NOT_YOURS)
    now = await clock.now()
    _require_ahead(shift, now)
    told = await _call_off(shift, now)
    event = await events.record(actor, "shift.cancelled", shift, reason=reason)
    await _tell_called_off(told, shift.activity, event.facts["reason_id"])
    return await find(actor, shift.activity_id)


@atomic()
async def cancel_activity(actor: Actor, activity_id: int, *, reason: str) -> ActivityView:
    """Call off all shifts that have not started. Raises NotFound, Forbidden, InvalidState, AlreadyCheckedIn."""
    activity = await _find(actor, activity_id)
    now = await clock.now()
    planned = Shift.filter(activity_id=activity.id, state=ShiftState.PLANNED).order_by("id")
    ahead = [
        shift
        for shift in await planned.select_for_update(no_key=True)
        if shift.starts_at is None or shift.starts_at > now
    ]
    if not ahead:
        raise InvalidState((await find(actor, activity.id)).state)
    told = {who for shift in ahead for who in await _call_off(shift, now)}
    event = await events.record(actor, "activity.cancelled", activity, reason=reason, shifts=len(ahead))
    await _tell_called_off(told, activity, event.facts["reason_id"])
    return await find(actor, activity.id)


@atomic()
async def change_activity(actor: Actor, activity_id: int, **named: Any) -> ActivityView:
    """Replace the named of `title`, `body`, `cancel_hours`, `leader_id`, `team_id`; new words are checked again.

    Raises NotFound, Forbidden, Invalid for a leader or a team from elsewhere.
    """
    activity = await _find(actor, activity_id)
    if "leader_id" in named:
        await find_leader(named["leader_id"], activity.community_id)
    await require_team(named.get("team_id"), activity.community_id)
    await Activity.filter(id=activity.id).update(**named)
    if {"title", "body"} & named.keys():
        await _check_again(actor, activity)
    await events.record(actor, "activity.changed", activity, leader_id=named.get("leader_id"))
    if named.get("leader_id", actor.id) not in (actor.id, activity.leader_id):
        await notifications.tell([named["leader_id"]], "activity.led", activity)
    planned = await Shift.filter(activity_id=activity.id, state=ShiftState.PLANNED).only("id")
    told = [who for who in await _signed_up([shift.id for shift in planned]) if who != actor.id]
    await notifications.tell(told, "activity.changed", activity, title=activity.title)
    return await find(actor, activity.id)


def in_shanghai(at: datetime | None) -> str:
    """When something begins, in the words of a notice."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if at else "不限 any time"


async def _find(actor: Actor, activity_id: int) -> Activity:
    activity = (await find(actor, activity_id)).activity
    require(policies.may_manage(actor, activity), *NOT_YOURS)
    return activity


def _plan(shift: Shift, named: dict[str, Any]) -> ShiftPlan:
    """The shift as it would be; the named skills become what is stored of them."""
    if "skills" in named:
        named["skills"] = sorted(named["skills"])
    kept = ("capacity", "place_text", "starts_at", "ends_at", "minimum_age")
    skills = [Skill(skill) for skill in named.get("skills", shift.skills)]
    return ShiftPlan(**{name: named.get(name, getattr(shift, name)) for name in kept}, skills=skills)


def _require_ahead(shift: Shift, now: datetime) -> None:
    if shift.state is not ShiftState.PLANNED:
        raise InvalidState(shift.state)
    if shift.starts_at is not None and shift.starts_at <= now:
        raise ShiftStarted


async def _require_nobody_there(shift: Shift) -> None:
    if await Signup.exists(shift_id=shift.id, checked_in_at__isnull=False):
        raise AlreadyCheckedIn


async def _give_up(shift: Shift, plan: ShiftPlan) -> int:
    """Free the seats of those who are elsewhere at the new time, and tell them; how many."""
    if plan.starts_at is None:
        return 0
    gave_up = [line["resident_id"] for line in await db.rows(GIVE_UP, shift.id, plan.starts_at, plan.ends_at)]
    activity = shift.activity
    await notifications.tell(
        gave_up, "signup.displaced", activity, title=activity.title, at=in_shanghai(plan.starts_at)
    )
    return len(gave_up)


async def _call_off(shift: Shift, now: datetime) -> list[int]:
    await _require_nobody_there(shift)
    freed = [line["resident_id"] for line in await db.rows(CALL_OFF, shift.id)]
    await shift.move_to(ShiftState.CANCELLED, taken=0, changed_at=now)
    return freed


async def _tell_called_off(told: Sequence[int] | set[int], activity: Activity, reason_id: int) -> None:
    everyone = {*told, activity.leader_id}
    await notifications.tell(everyone, "shift.cancelled", activity, title=activity.title, reason_id=reason_id)


async def _signed_up(shift_ids: Sequence[int]) -> set[int]:
    live = Signup.filter(shift_id__in=shift_ids).exclude(state=SignupState.CANCELLED)
    return {signup.resident_id for signup in await live.only("resident_id")} if shift_ids else set()


async def _check_again(actor: Actor, activity: Activity) -> None:
    await Activity.filter(id=activity.id).update(moderation=Moderation.CHECKING)
    await checks.expect(actor, activity, again=True)
