"""Coming and going: the rotating code on the leader's phone, check-in, check-out, the report of a task."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core import clock, db, tokens
from app.core.db import atomic
from app.core.errors import Conflict, Forbidden, Invalid, InvalidState
from models.base import Moderation
from models.volunteering import ActivityKind, AlreadyCheckedIn, Shift, Signup, SignupState
from services import checks, events, media, moderation, notifications
from services.policies import Actor, require
from services.policies import volunteering as policies
from services.rules import service_hours
from services.volunteering.seats import find_shift, live

CODE_S = 30
ENTERED_WITHIN = timedelta(days=7)


class CheckInClosed(Conflict):
    code = "check_in_closed"
    zh = "开始前一小时至结束可以签到，结束后一小时内可以签退"
    en = "Check in from an hour before the start until the end; check out until an hour after the end"


class NotYetAbsent(CheckInClosed):
    zh, en = "班次开始以后才能登记缺席", "Who did not come is noted once the shift has started"


class NotSignedUp(Forbidden):
    code, zh, en = "not_signed_up", "没有报名这个班次", "Not signed up for this shift"


class NotCheckedIn(Conflict):
    code, zh, en = "not_checked_in", "还没有签到", "Not checked in yet"


class StaleCode(Invalid):
    code, zh, en = "stale_code", "签到码已过期，请重新扫码", "The code has expired; scan again"


@dataclass(frozen=True)
class CheckInCode:
    """What the leader's phone shows; a new one begins in `expires_in` seconds."""

    token: str
    expires_in: int


async def check_in_code(actor: Actor, shift_id: int, *, secret: str) -> CheckInCode:
    """The code of this half minute, for the leader to show. Raises NotFound, Forbidden."""
    shift = await find_shift(actor, shift_id)
    require(policies.may_lead(actor, shift.activity), "只有负责人可以出示签到码", "Only the leader shows the code")
    now = await clock.now()
    token = tokens.sign(secret, "check-in", f"{shift.id}.{_half_minute(now)}")
    return CheckInCode(token, CODE_S - int(now.timestamp()) % CODE_S)


@atomic()
async def check_in(
    actor: Actor,
    shift_id: int,
    *,
    token: str | None = None,
    resident_id: int | None = None,
    at: datetime | None = None,
    secret: str,
) -> Signup:
    """Come to a shift: the volunteer with the code on the leader's phone, or the leader for him. Again: no change.

    The leader may enter it afterwards, too, up to seven days after the end, with the time `at` which it was. Raises
    NotFound, Forbidden, NotSignedUp, InvalidState while waitlisted, StaleCode, CheckInClosed.
    """
    shift = await find_shift(actor, shift_id)
    signup = await _attendee(actor, shift, resident_id)
    if signup.checked_in_at is not None:
        return signup
    now = _then(shift, at, await clock.now())
    if resident_id is None:
        _require_code(shift, token, now, secret)
    if shift.starts_at and shift.ends_at and not service_hours.may_arrive(now, shift.starts_at, shift.ends_at):
        raise CheckInClosed
    entered = await db.execute(
        "UPDATE signups SET checked_in_at = $2, checked_in_by_id = $3, no_show = false "
        "WHERE id = $1 AND state = 'confirmed' AND checked_in_at IS NULL",
        signup.id,
        now,
        actor.hand_id,
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
    at: datetime | None = None,
    minutes: int | None = None,
    note: str | None = None,
    photo_ids: Sequence[int] = (),
    secret: str = "",
) -> Signup:
    """Leave a shift after checking in, until an hour after its end; or report a task and the minutes it took.

    The leader may enter it afterwards, as with check-in. Again: no change. Raises NotFound, Forbidden, NotSignedUp,
    InvalidState while waitlisted, StaleCode, NotCheckedIn, CheckInClosed, Invalid for a report that is missing or on
    anything but a task, and what `media.attach` raises.
    """
    shift = await find_shift(actor, shift_id)
    signup = await _attendee(actor, shift, resident_id)
    if signup.checked_out_at is not None:
        return signup
    now = _then(shift, at, await clock.now())
    if token is not None:
        _require_code(shift, token, now, secret)
    _require_leaving(shift, signup, now, minutes, note)
    if signup.checked_in_at is not None and now < signup.checked_in_at:
        raise Invalid("签退不能早于签到", "Nobody leaves before he came")
    left = await db.execute(
        "UPDATE signups SET checked_in_at = coalesce(checked_in_at, $2), "
        "checked_in_by_id = coalesce(checked_in_by_id, $3), no_show = false, "
        "checked_out_at = $2, checked_out_by_id = $3, reported_minutes = $4, note = $5, moderation = $6 "
        "WHERE id = $1 AND state = 'confirmed' AND checked_out_at IS NULL",
        signup.id,
        now,
        actor.hand_id,
        minutes,
        note,
        Moderation.PASSED.value if note is None else Moderation.CHECKING.value,
    )
    if left:
        if note is not None:
            await checks.expect(actor, signup)
        await media.attach(actor, signup, shift.community_id, photo_ids)
        await events.record(actor, "signup.checked_out", signup, shift_id=shift.id, minutes=minutes)
    return await _attendee(actor, shift, resident_id)


async def report(
    actor: Actor, shift_id: int, *, minutes: int, note: str | None = None, photo_ids: Sequence[int] = ()
) -> Signup:
    """Say that one has done a task, how many minutes it took, and show it; `check_out` says what it raises."""
    return await check_out(actor, shift_id, minutes=minutes, note=note, photo_ids=photo_ids)


# Who came and went at one moment had it entered with the report of a task.
GO_BACK = {
    "signup.checked_in": "checked_in_at = NULL, checked_in_by_id = NULL WHERE checked_out_at IS NULL",
    "signup.checked_out": "checked_out_at = NULL, checked_out_by_id = NULL, reported_minutes = NULL, note = NULL, "
    "moderation = 'passed', "
    "checked_in_by_id = CASE WHEN checked_in_at <> checked_out_at THEN checked_in_by_id END, "
    "checked_in_at = CASE WHEN checked_in_at <> checked_out_at THEN checked_in_at END WHERE checked_out_at IS NOT NULL",
}


@atomic()
async def take_back(actor: Actor, signup_id: int, *, entered: str) -> None:
    """Undo that the actor came (`signup.checked_in`) or left and reported (`signup.checked_out`).

    While no hours are confirmed. Raises InvalidState.
    """
    signup = await Signup.get(id=signup_id)
    gone = await db.execute(
        f"UPDATE signups SET {GO_BACK[entered]} AND id = $1 AND resident_id = $2 AND state = 'confirmed' "
        "AND checked_in_at IS NOT NULL AND NOT EXISTS (SELECT FROM service_records r WHERE r.signup_id = signups.id)",
        signup.id,
        actor.id,
    )
    if not gone:
        raise InvalidState(signup.state)
    if entered == "signup.checked_out":
        await moderation.drop(signup)
        await media.detach(signup)
    await events.record(actor, "signup.taken_back", signup, shift_id=signup.shift_id)


@atomic()
async def mark_no_show(actor: Actor, shift_id: int, *, resident_id: int) -> Signup:
    """The leader notes that somebody with a seat did not come; he is told, and checking him in takes it back.

    Raises NotFound, Forbidden, NotSignedUp, InvalidState while waitlisted, NotYetAbsent before the start,
    AlreadyCheckedIn.
    """
    shift = await find_shift(actor, shift_id)
    signup = await _attendee(actor, shift, resident_id)
    if signup.no_show:
        return signup
    if shift.starts_at is None or await clock.now() < shift.starts_at:
        raise NotYetAbsent
    if not await Signup.filter(id=signup.id, state=SignupState.CONFIRMED, checked_in_at=None).update(no_show=True):
        raise AlreadyCheckedIn
    await events.record(actor, "signup.no_show", signup, shift_id=shift.id)
    await notifications.tell([resident_id], "signup.no_show", shift.activity, title=shift.activity.title)
    return await _attendee(actor, shift, resident_id)


async def _attendee(actor: Actor, shift: Shift, resident_id: int | None) -> Signup:
    """The seat in question: the actor's own, or, for the leader only, somebody else's."""
    if resident_id is not None:
        require(policies.may_lead(actor, shift.activity), "只有负责人可以代为签到", "Only the leader checks others in")
    signup = await live(shift.id, resident_id or actor.id)
    if signup is None:
        raise NotSignedUp
    if signup.state is not SignupState.CONFIRMED:
        raise InvalidState(signup.state)
    return signup


def _then(shift: Shift, at: datetime | None, now: datetime) -> datetime:
    """The time that counts: now, or the one that the leader enters within seven days after the end."""
    if at is None:
        return now
    if at > now or (shift.ends_at is not None and now > shift.ends_at + ENTERED_WITHIN):
        raise CheckInClosed
    return at


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
