"""Service hours: what the leader confirms becomes a record that never changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core import db
from app.core.db import atomic
from app.core.pages import Listed, Page, newest
from models.volunteering import OwnHours, ServiceRecord, Shift, Signup, SignupState
from services import events, notifications
from services.policies import Actor, require
from services.policies import volunteering as policies
from services.rules import service_hours
from services.volunteering.attendance import NotCheckedIn
from services.volunteering.seats import find_shift


@dataclass(frozen=True)
class Hours:
    """All service records of a shift."""

    id: int
    records: list[ServiceRecord]


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
