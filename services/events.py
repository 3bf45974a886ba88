"""Record what happened and owe the jobs that follow from it, in the running transaction; read it back as a timeline."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from app.core import db
from models.base import Moderation, Record, Stateful
from models.events import Event, Reason
from services import checks
from services.policies import Actor
from services.policies.actor import STAFF

Fact = int | str | bool | None | Sequence[int]

# Which jobs an event owes, by name: services/jobs.py says what each does, and only the worker imports that page.
OWED: dict[str, tuple[str, ...]] = {
    "activity.cancelled": ("free_promises",),
    "calendar.updated": ("count_dates_anew",),
    "guardianship.begun": ("tell_home",),
    "guardianship.ended": ("tell_home",),
    "household_claim.confirmed": ("tell_claimant",),
    "household_claim.declined": ("tell_claimant",),
    "invitation.accepted": ("tell_home",),
    "media.hidden": ("tell_uploader",),
    "membership.ended": ("tell_home", "let_go"),
    "phone_move.asked": ("tell_home",),
    "phone_move.confirmed": ("tell_home",),
    "phone_move.declined": ("tell_home",),
    "representative_change.proposed": ("tell_home",),
    "representative_change.confirmed": ("tell_home",),
    "representative_change.declined": ("tell_home",),
    "resident_link.asked": ("tell_home",),
    "resident_link.confirmed": ("tell_home",),
    "resident_link.matched": ("tell_home",),
    "resident.reinstated": ("tell_home",),
    "resident.suspended": ("tell_home",),
    "role.conflict_found": ("tell_home",),
    "role.granted": ("tell_role_holder",),
    "role.renewed": ("tell_role_holder",),
    "role.revoked": ("tell_role_holder",),
    "shift.cancelled": ("free_promises",),
    "check.approved": ("tell_author", "settle_picture", "tell_reporters"),
    "check.hidden": ("tell_author", "settle_picture", "tell_reporters"),
    "check.kept": ("tell_reporters",),
    "check.noted": ("tell_reporters",),
    "pause.begun": ("tell_paused",),
    "pause.lifted": ("tell_paused",),
    "pledge.refunding": ("send_refunds",),
    "campaign.failed": ("send_refunds",),
    "campaign.cancelled": ("send_refunds",),
}

# Which jobs a new row owes of which no event tells, by its noun.
OWED_FOR: dict[str, tuple[str, ...]] = {
    "media": ("check_picture",),
    "push": ("handle_push",),
}

TIMELINE_MAX = 200


async def record(
    actor: Actor | None,
    verb: str,
    subject: Record,
    *,
    on_behalf_of_id: int | None = None,
    reason: str | None = None,
    **facts: Fact,
) -> Event:
    """Write what happened to `subject` (`verb` is `need.accepted`) and enqueue the jobs it owes.

    `actor` is None for what the system does by itself. `reason`, somebody's own words, becomes a row of its own. What
    is done by somebody else's hand is recorded as that other's act on his behalf.
    """
    if isinstance(subject, Stateful):
        facts = {"from": subject.was, "state": str(subject.state)} | facts
    if reason is not None:
        assert actor is not None, "the system gives no reasons in words"  # noqa: S101
        words = await Reason.create(author_id=actor.id, text=reason)
        await checks.expect(actor, words, community_id=getattr(subject, "community_id", None))
        facts["reason_id"] = words.id
    if actor is not None and actor.help is not None:
        on_behalf_of_id = actor.id
    event = await Event.create(
        verb=verb,
        actor_id=actor.hand_id if actor else None,
        on_behalf_of_id=on_behalf_of_id,
        subject_kind=subject.noun(),
        subject_id=subject.id,
        community_id=getattr(subject, "community_id", None),
        facts={key: fact for key, fact in facts.items() if fact is not None},
    )
    await owe(OWED.get(verb, ()), event.id)
    return event


async def owe(jobs: Sequence[str], event_id: int) -> None:
    """Enqueue jobs on the running transaction's own connection: they exist exactly when the fact does."""
    await _enqueue(jobs, event_id=event_id)


async def owe_for(noun: str, row_id: int) -> None:
    """Enqueue the jobs that a new row owes, likewise, where no event is recorded."""
    await _enqueue(OWED_FOR[noun], row_id=row_id)


async def _enqueue(jobs: Sequence[str], **about: int) -> None:
    if jobs:
        queue = Queries(AsyncpgDriver(db.driver_connection()))
        await queue.enqueue(list(jobs), [json.dumps(about).encode()] * len(jobs), [0] * len(jobs))


@dataclass(frozen=True)
class TimelineItem:
    """One line of a thing's public history. `by` tells in what part somebody acted, never who he is."""

    id: int
    verb: str
    at: datetime
    by: str
    assisted: bool
    reason: str | None
    reason_moderation: Moderation | None
    facts: dict[str, Any]


async def timeline(actor: Actor, subject: Record) -> list[TimelineItem]:
    """What happened to a thing, oldest first, at most 200 lines; its comments are a list of their own.

    A reason that has not passed is there for whoever gave it and for the staff.
    """
    found = await db.rows(
        """
        SELECT e.id, e.verb, e.created_at AS at, e.facts, e.on_behalf_of_id IS NOT NULL AS assisted,
            CASE WHEN r.moderation = 'passed' OR r.author_id = $4 OR e.community_id = ANY($5::bigint[]) THEN r.text END
                AS reason,
            r.moderation AS reason_moderation,
            CASE WHEN e.actor_id IS NULL THEN 'system'
                ELSE coalesce((
                    SELECT g.role FROM role_grants g JOIN places p ON p.id = g.place_id
                    JOIN places c ON c.id = e.community_id
                    WHERE g.resident_id = e.actor_id AND g.from_at <= e.created_at
                        AND (g.until_at IS NULL OR g.until_at > e.created_at)
                        AND (c.path LIKE p.path || '%' OR p.path LIKE c.path || '%')
                    ORDER BY length(p.path) LIMIT 1), 'resident')
            END AS by
        FROM events e LEFT JOIN reasons r ON r.id = (e.facts->>'reason_id')::bigint
        WHERE e.subject_kind = $1 AND e.subject_id = $2 AND e.verb NOT LIKE '%.commented'
        ORDER BY e.id LIMIT $3
        """,
        subject.noun(),
        subject.id,
        TIMELINE_MAX,
        actor.id,
        actor.serves(*STAFF),
    )
    return [TimelineItem(**line | {"facts": _facts(line["facts"])}) for line in found]


def _facts(raw: Any) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(raw) if isinstance(raw, str) else raw
    facts.pop("reason_id", None)
    return facts
