"""The audit trail of a community, for those who watch over it: who did what, for whom, when, and why.

A secret vote leaves no trace in it, and whoever gives anonymously stays so.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import db
from app.core.pages import Listed, Page, cut, where
from models.residents import Role
from services import places, residents
from services.policies import Actor, require
from services.policies.actor import OFFICERS

WATCHERS_ONLY = ("只有监督员、居委会和上级可以查看", "Only supervisors, the committee and the officers above read this")

ANONYMOUS = """EXISTS (
    SELECT 1 FROM pledges p WHERE e.subject_kind = 'pledge' AND p.id = e.subject_id AND p.giver_id = e.actor_id
        AND p.anonymous)"""
TRAIL = f"""
SELECT e.id, e.verb, e.created_at AS at, e.subject_kind, e.subject_id, e.facts,
    CASE WHEN NOT {ANONYMOUS} THEN e.actor_id END AS actor_id, a.nickname AS actor,
    e.on_behalf_of_id, b.nickname AS on_behalf_of, CASE WHEN w.moderation = 'passed' THEN w.text END AS reason
FROM events e LEFT JOIN residents a ON a.id = e.actor_id LEFT JOIN residents b ON b.id = e.on_behalf_of_id
    LEFT JOIN reasons w ON w.id = (e.facts->>'reason_id')::bigint
WHERE e.community_id = $1 AND NOT (e.verb = 'deliberation.ballot_entered' AND EXISTS (
    SELECT 1 FROM deliberations d WHERE d.id = e.subject_id AND d.secret))
"""


@dataclass(frozen=True)
class Trace:
    """One line of the trail; `before` and `after` are states. Names are masked; nobody acts where the system does."""

    id: int
    verb: str
    at: datetime
    subject: str
    actor_id: int | None
    actor: str | None
    on_behalf_of_id: int | None
    on_behalf_of: str | None
    before: str | None
    after: str | None
    reason: str | None
    facts: dict[str, Any]


async def trail(
    actor: Actor,
    community_id: int,
    *,
    subject: str | None = None,
    actor_id: int | None = None,
    verb: str | None = None,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    page: Page,
) -> Listed[Trace]:
    """What happened in a community, newest first, `to_at` not included. Raises NotFound, Forbidden."""
    await places.find_community(community_id)
    require(actor.holds(community_id, Role.COMMITTEE, Role.SUPERVISOR, *OFFICERS), *WATCHERS_ONLY)
    kind, _, number = (subject or "").partition(":")
    narrowed, values = where(
        2,
        ("e.subject_kind = {} AND e.subject_id = {}", kind or None, int(number) if number else None),
        (f"e.actor_id = {{}} AND NOT {ANONYMOUS}", actor_id),
        ("e.verb = {}", verb),
        ("e.created_at >= {}", from_at),
        ("e.created_at < {}", to_at),
        ("e.id < {}", page.after[0] if page.after else None),
    )
    found = await db.rows(f"{TRAIL}{narrowed} ORDER BY e.id DESC LIMIT {page.limit + 1}", community_id, *values)
    return cut([_trace(line) for line in found], page)


def _trace(line: dict[str, Any]) -> Trace:
    facts: dict[str, Any] = json.loads(line["facts"]) if isinstance(line["facts"], str) else line["facts"]
    facts.pop("reason_id", None)
    hidden = line["actor_id"] is None
    return Trace(
        id=line["id"],
        verb=line["verb"],
        at=line["at"],
        subject=f"{line['subject_kind']}:{line['subject_id']}",
        actor_id=line["actor_id"],
        actor=None if hidden else residents.masked(line["actor"]),
        on_behalf_of_id=line["on_behalf_of_id"],
        on_behalf_of=residents.masked(line["on_behalf_of"]) if line["on_behalf_of"] else None,
        before=facts.pop("from", None) or facts.pop("before", None),
        after=facts.pop("state", None),
        reason=line["reason"],
        facts=facts,
    )
