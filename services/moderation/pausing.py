"""Whoever had too much hidden by humans pauses: he reads, votes, gives and writes to the committee, but does not post.

What a machine hid and no human looked at counts for nobody's pause (个人信息保护法 24).
"""

from datetime import datetime

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.moderation import Check, Pause
from services import events
from services.policies import Actor, require
from services.policies import moderation as policies

HIDDEN_MAX = 3
"""So many things hidden by humans within WINDOW_DAYS, and since the last pause began, bring the next one."""
WINDOW_DAYS, PAUSE_DAYS = 30, 7
COMMITTEE_ONLY = ("只有居委会可以解除暂停发布", "Only the committee lifts a pause")
OWN_PAUSE = ("不能解除对自己的暂停", "Nobody lifts his own pause")

COUNT = f"""
SELECT count(DISTINCT (c.subject_kind, c.subject_id)) FROM checks c
WHERE c.author_id = $1 AND c.state = 'hidden' AND c.decided_by_id IS NOT NULL
    AND c.decided_at > clock_now() - interval '{WINDOW_DAYS} days'
    AND c.decided_at > coalesce((SELECT max(p.created_at) FROM pauses p WHERE p.resident_id = $1), '-infinity')
    AND NOT EXISTS (
        SELECT 1 FROM checks l WHERE l.subject_kind = c.subject_kind AND l.subject_id = c.subject_id
            AND l.id > c.id AND l.state = 'passed')
"""
BEGIN = f"""
INSERT INTO pauses (community_id, resident_id, check_id, until_at)
VALUES ($1, $2, $3, clock_now() + interval '{PAUSE_DAYS} days') ON CONFLICT DO NOTHING RETURNING id
"""
# The pause that rests on a decision: it was among those counted when the pause began.
RESTS_ON = f"""
SELECT p.id FROM pauses p WHERE p.resident_id = $1 AND p.lifted_at IS NULL AND p.until_at > clock_now()
    AND $2 BETWEEN p.created_at - interval '{WINDOW_DAYS} days' AND p.created_at
"""


async def count(check: Check) -> None:
    """Pause the author of what a human has just hidden when it was one too many."""
    if check.community_id is None:
        return
    await db.advisory_lock(f"the pause of {check.author_id}")
    if await db.value(COUNT, check.author_id) < HIDDEN_MAX:
        return
    pause_id = await db.value(BEGIN, check.community_id, check.author_id, check.id)
    if pause_id is not None:
        await events.record(None, "pause.begun", await Pause.get(id=pause_id), days=PAUSE_DAYS)


async def forgive(actor: Actor, author_id: int, decided_at: datetime) -> None:
    """End the pause that rests on a decision which has been overturned."""
    await db.advisory_lock(f"the pause of {author_id}")
    pause_id = await db.value(RESTS_ON, author_id, decided_at)
    if pause_id is not None and author_id != actor.id:
        await _end(actor, await Pause.get(id=pause_id))


async def find_pause(actor: Actor, pause_id: int) -> Pause:
    """One's own pause, or one where the actor looks after content. Raises NotFound."""
    pause = await Pause.get_or_none(id=pause_id).select_related("resident")
    if pause is None or not (pause.resident_id == actor.id or policies.looks_after(actor, pause.community_id)):
        raise NotFound("没有找到这次暂停", "No such pause")
    return pause


async def pauses(actor: Actor, *, page: Page) -> Listed[Pause]:
    """The pauses where the actor looks after content, and his own, newest first."""
    query = Pause.filter(policies.sees_pauses(actor)).select_related("resident")
    return await newest(query, page)


@atomic()
async def lift(actor: Actor, pause_id: int, *, reason: str) -> Pause:
    """Let somebody post again. Raises NotFound, Forbidden, InvalidState when it is over or was lifted."""
    pause = await find_pause(actor, pause_id)
    require(actor.is_committee(pause.community_id), *COMMITTEE_ONLY)
    require(actor.id != pause.resident_id, *OWN_PAUSE)
    await _end(actor, pause, reason=reason)
    return await find_pause(actor, pause_id)


async def _end(actor: Actor, pause: Pause, reason: str | None = None) -> None:
    now = await clock.now()
    ended = await Pause.filter(id=pause.id, lifted_at=None, until_at__gt=now).update(
        lifted_at=now, lifted_by_id=actor.id
    )
    if not ended:
        raise InvalidState("over")
    await events.record(actor, "pause.lifted", pause, reason=reason)
