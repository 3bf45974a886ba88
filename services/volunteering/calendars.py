"""Calendars to subscribe to: one's own shifts at a secret address, and the shifts of one activity."""

from datetime import datetime
from typing import Any

from app.core import db, tokens
from app.core.db import atomic
from app.core.errors import NotFound
from models.volunteering import ShiftState, SignupState, Volunteer
from services import events
from services.policies import Actor
from services.rules.icalendar import Happening, Status, calendar
from services.volunteering.activities import find

SHOWN_MAX = 500
KEEP = """
INSERT INTO volunteers (resident_id, skills, calendar_hash) VALUES ($1, '[]', $2)
ON CONFLICT (resident_id) DO UPDATE SET calendar_hash = excluded.calendar_hash
"""
# The last sign-up of each shift, from ninety days ago on. What has been hidden keeps its time, not its words.
OWN = f"""
SELECT * FROM (
    SELECT DISTINCT ON (s.id) s.id, s.starts_at, s.ends_at, s.state AS shift_state, g.state,
        greatest(s.created_at, s.changed_at, g.created_at) AS changed_at,
        CASE WHEN a.moderation = 'passed' THEN a.title ELSE '志愿活动' END AS title,
        CASE WHEN a.moderation = 'passed' THEN s.place_text ELSE '' END AS place
    FROM volunteers v JOIN signups g ON g.resident_id = v.resident_id JOIN shifts s ON s.id = g.shift_id
    JOIN activities a ON a.id = s.activity_id JOIN residents r ON r.id = v.resident_id
    WHERE v.id = $1 AND NOT r.suspended AND s.starts_at > clock_now() - interval '90 days'
    ORDER BY s.id, g.id DESC
) newest ORDER BY starts_at DESC, id LIMIT {SHOWN_MAX}
"""


@atomic()
async def renew_calendar(actor: Actor) -> str:
    """A new secret for the address of the actor's own calendar; the one before leads nowhere any more."""
    token = tokens.new_token()
    await db.execute(KEEP, actor.id, tokens.token_hash(token))
    await events.record(actor, "volunteer.calendar_renewed", await Volunteer.get(resident_id=actor.id))
    return token


@atomic()
async def close_calendar(actor: Actor) -> None:
    """Let the address of the actor's calendar lead nowhere; again changes nothing."""
    closed = await Volunteer.filter(resident_id=actor.id).exclude(calendar_hash=None).update(calendar_hash=None)
    if closed:
        await events.record(actor, "volunteer.calendar_closed", await Volunteer.get(resident_id=actor.id))


async def own_calendar(token: str) -> str:
    """The calendar at a secret address: whoever knows it may read. Raises NotFound."""
    volunteer = await Volunteer.get_or_none(calendar_hash=tokens.token_hash(token))
    if volunteer is None:
        raise NotFound("没有找到这个日历", "No such calendar")
    return calendar("邻里志愿服务", [_own(line) for line in await db.rows(OWN, volunteer.id)])


async def activity_calendar(actor: Actor, activity_id: int) -> str:
    """The shifts of one activity that have a time. Raises NotFound."""
    view = await find(actor, activity_id)
    shown = [
        Happening(
            uid=_uid(shift.id),
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            changed_at=shift.changed_at or view.activity.created_at,
            title=view.activity.title,
            place=shift.place_text,
            status=Status.CONFIRMED if shift.state is ShiftState.PLANNED else Status.CANCELLED,
        )
        for shift in view.shifts
        if shift.starts_at and shift.ends_at
    ]
    return calendar(view.activity.title, shown)


def _own(line: dict[str, Any]) -> Happening:
    starts_at: datetime = line["starts_at"]
    return Happening(
        uid=_uid(line["id"]),
        starts_at=starts_at,
        ends_at=line["ends_at"],
        changed_at=line["changed_at"],
        title=line["title"],
        place=line["place"],
        status=Status.CANCELLED if line["shift_state"] == ShiftState.CANCELLED else STATUS[SignupState(line["state"])],
    )


STATUS = {
    SignupState.CONFIRMED: Status.CONFIRMED,
    SignupState.WAITLISTED: Status.TENTATIVE,
    SignupState.CANCELLED: Status.CANCELLED,
}


def _uid(shift_id: int) -> str:
    return f"shift-{shift_id}@linli"
