"""Service hours: what the leader confirms becomes a record; corrections and disputes stand beside it, with reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import db
from app.core.db import atomic
from app.core.errors import InvalidState, NotFound
from app.core.pages import Listed, Page, cut
from models.residents import Role
from models.volunteering import (
    ActivityKind,
    DisputeState,
    NotIndependent,
    OwnHours,
    ServiceDispute,
    ServiceRecord,
    Shift,
    Signup,
    SignupState,
)
from services import events, notifications, residents
from services.events import TimelineItem
from services.policies import Actor, require
from services.policies import volunteering as policies
from services.policies.actor import STAFF
from services.rules import service_hours
from services.volunteering.attendance import NotCheckedIn
from services.volunteering.seats import find_shift


@dataclass(frozen=True)
class Hours:
    """All service records of a shift."""

    id: int
    records: list["RecordSeen"]


@dataclass(frozen=True)
class RecordSeen:
    """A service record with what it counts for now, `minutes`, and what was confirmed first."""

    id: int
    resident_id: int
    nickname: str
    community_id: int
    activity_id: int
    kind: ActivityKind
    title: str
    shift_id: int
    starts_at: datetime | None
    ends_at: datetime | None
    minutes: int
    confirmed_minutes: int
    confirmed_by_id: int
    leader_id: int
    dispute: DisputeState | None
    created_at: datetime


DISPUTED = "service_record.disputed"
CONFIRM = """
INSERT INTO service_records (community_id, shift_id, signup_id, resident_id, period, minutes, confirmed_by_id)
SELECT g.community_id, g.shift_id, g.id, g.resident_id, g.period, e.minutes, $4
FROM signups g JOIN unnest($2::bigint[], $3::int[]) AS e (resident_id, minutes) ON e.resident_id = g.resident_id
WHERE g.shift_id = $1 AND g.state = 'confirmed' AND g.checked_in_at IS NOT NULL
RETURNING id
"""
RECORDS = """
SELECT h.id, h.resident_id, who.nickname, h.community_id, a.id AS activity_id, a.kind, a.title, h.shift_id,
    s.starts_at, s.ends_at, h.minutes, r.minutes AS confirmed_minutes, h.confirmed_by_id, a.leader_id,
    d.state AS dispute, h.created_at
FROM hours_served h JOIN service_records r ON r.id = h.id JOIN shifts s ON s.id = h.shift_id
JOIN activities a ON a.id = s.activity_id JOIN residents who ON who.id = h.resident_id
LEFT JOIN service_disputes d ON d.record_id = h.id
"""
CORRECT = """
INSERT INTO service_corrections
    (community_id, record_id, resident_id, period, number, minutes, corrected_by_id, reason_id)
SELECT community_id, id, resident_id, period,
    (SELECT coalesce(max(number), 0) + 1 FROM service_corrections WHERE record_id = $1), $2, $3, $4
FROM service_records WHERE id = $1
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
    found = await db.rows(f"{RECORDS} WHERE h.shift_id = $1 ORDER BY h.id", shift.id)
    return Hours(shift.id, [_seen(line) for line in found])


async def own_records(actor: Actor, *, page: Page) -> Listed[RecordSeen]:
    """The actor's own service records, newest first."""
    return await _listed("h.resident_id = $1", actor.id, page=page)


async def disputed_records(actor: Actor, *, page: Page) -> Listed[RecordSeen]:
    """The records of the communities the actor works in whose dispute waits, newest first."""
    here = "d.state = 'open' AND h.community_id = ANY($1::bigint[])"
    return await _listed(here, actor.serves(*STAFF), page=page)


async def find_record(actor: Actor, record_id: int) -> RecordSeen:
    """One record, for the volunteer, the leader and the staff. Raises NotFound."""
    line = await db.row(f"{RECORDS} WHERE h.id = $1", record_id)
    seen = _seen(line) if line else None
    if seen is None or not (seen.resident_id == actor.id or policies.may_correct(actor, seen)):
        raise NotFound("没有找到这条服务记录", "No such service record")
    return seen


async def history(actor: Actor, record_id: int) -> list[TimelineItem]:
    """How a record was disputed, corrected and decided, oldest first. Raises NotFound."""
    seen = await find_record(actor, record_id)
    return await events.timeline(actor, ServiceRecord(id=seen.id))


@atomic()
async def correct(actor: Actor, record_id: int, *, minutes: int, reason: str) -> RecordSeen:
    """Let a record count for other minutes, with a reason; the leader and the staff do, nobody for himself.

    Not while a dispute waits (who confirmed does not decide it) or after one was decided. Raises NotFound, Forbidden,
    InvalidState, ImpossibleHours, TooManyCorrections.
    """
    seen = await _locked(actor, record_id)
    require(policies.may_correct(actor, seen))
    if seen.dispute is not None:
        raise InvalidState(seen.dispute)
    await _write(actor, seen, "service_record.corrected", minutes, reason)
    return await find_record(actor, record_id)


@atomic()
async def dispute(actor: Actor, record_id: int, *, reason: str) -> RecordSeen:
    """Say that one's hours are not so, once for each record; the staff are told.

    Raises NotFound, Forbidden for somebody else's, AlreadyExists.
    """
    seen = await _locked(actor, record_id)
    require(seen.resident_id == actor.id, "只能对自己的服务记录提出异议", "One disputes one's own records")
    await ServiceDispute.create(
        community_id=seen.community_id,
        record_id=seen.id,
        resident_id=actor.id,
        confirmed_by_id=seen.confirmed_by_id,
    )
    event = await events.record(actor, DISPUTED, _subject(seen), reason=reason)
    told = {seen.leader_id, *await residents.holders(Role.COMMITTEE, seen.community_id)} - {actor.id}
    reason_id = event.facts["reason_id"]
    await notifications.tell(told, DISPUTED, _subject(seen), title=seen.title, reason_id=reason_id)
    return await find_record(actor, record_id)


@atomic()
async def resolve(actor: Actor, record_id: int, *, minutes: int, reason: str) -> RecordSeen:
    """Decide a dispute: the record counts for `minutes` from now on, changed or not, for good.

    The leader or the staff decide, but neither the volunteer, who helped him to dispute, nor who confirmed the hours.
    Raises NotFound, Forbidden, NotIndependent, InvalidState, ImpossibleHours.
    """
    seen = await _locked(actor, record_id)
    require(policies.may_correct(actor, seen))
    open_dispute = await ServiceDispute.get_or_none(record_id=seen.id)
    if open_dispute is None:
        raise InvalidState("undisputed")
    if actor.id in (seen.resident_id, seen.confirmed_by_id) or await residents.helped_with(actor, DISPUTED, seen.id):
        raise NotIndependent
    await open_dispute.move_to(DisputeState.RESOLVED, resolved_by_id=actor.id)
    await _write(actor, seen, "service_record.resolved", minutes, reason)
    return await find_record(actor, record_id)


async def _locked(actor: Actor, record_id: int) -> RecordSeen:
    """The record with its shift held, so that of two who judge it one comes after the other."""
    seen = await find_record(actor, record_id)
    await db.execute("SELECT id FROM shifts WHERE id = $1 FOR NO KEY UPDATE", seen.shift_id)
    return await find_record(actor, record_id)


async def _write(actor: Actor, seen: RecordSeen, verb: str, minutes: int, reason: str) -> None:
    event = await events.record(actor, verb, _subject(seen), reason=reason, before=seen.minutes, after=minutes)
    reason_id = event.facts["reason_id"]
    await db.execute(CORRECT, seen.id, minutes, actor.id, reason_id)
    await notifications.tell(
        [seen.resident_id], verb, _subject(seen), title=seen.title, minutes=minutes, reason_id=reason_id
    )


def _subject(seen: RecordSeen) -> ServiceRecord:
    return ServiceRecord(id=seen.id, community_id=seen.community_id)


async def _listed(condition: str, value: Any, *, page: Page) -> Listed[RecordSeen]:
    found = await db.rows(
        f"{RECORDS} WHERE {condition} AND ($2::bigint IS NULL OR h.id < $2) ORDER BY h.id DESC LIMIT $3",
        value,
        page.after[0] if page.after else None,
        page.limit + 1,
    )
    return cut([_seen(line) for line in found], page)


def _seen(line: dict[str, Any]) -> RecordSeen:
    state = DisputeState(line["dispute"]) if line["dispute"] else None
    return RecordSeen(**line | {"kind": ActivityKind(line["kind"]), "dispute": state})


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
