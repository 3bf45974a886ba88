"""Reporting, hiding and restoring what is shown, by its reference: the door of each kind of thing opens first."""

from collections.abc import Awaitable, Callable
from typing import Any

from app.core import db
from app.core.db import atomic
from app.core.errors import NotFound
from models.base import Moderation
from models.moderation import CheckState
from services import (
    comments,
    crowdfunding,
    deliberations,
    expenses,
    media,
    moderation,
    needs,
    units,
    volunteering,
    wishes,
)
from services.moderation import Queued, Reported, Target
from services.policies import Actor
from services.policies.actor import STAFF

Door = Callable[[Actor, int], Awaitable[Any]]
ATTACHED_MAX = 20

PICTURE = f"""
SELECT a.subject_kind, a.subject_id, a.community_id, m.uploader_id
FROM attachments a JOIN media m ON m.id = a.media_id
WHERE m.id = $1 AND m.purpose = 'photo'
    AND (m.moderation = 'passed' OR m.uploader_id = $2 OR a.community_id = ANY($3::bigint[]))
ORDER BY a.id LIMIT {ATTACHED_MAX}
"""


async def _activity(actor: Actor, activity_id: int) -> Any:
    return (await volunteering.find(actor, activity_id)).activity


async def _meeting(actor: Actor, meeting_id: int) -> Any:
    return (await deliberations.find_meeting(actor, meeting_id)).meeting


DOORS: dict[str, Door] = {
    "activity": _activity,
    "campaign": crowdfunding.find,
    "comment": comments.find,
    "deliberation": deliberations.find,
    "meeting": _meeting,
    "need": needs.find,
    "option_proposal": deliberations.find_option_proposal,
    "petition": deliberations.find_petition,
    "wish": wishes.find,
}
"""What is found by itself by whoever may see it."""

ELSEWHERE: dict[str, Door] = {"expense": expenses.find, "unit": units.find, "volunteer_team": volunteering.find_team}
"""What is found so, too, but does not say whose words it holds."""

WITHIN: dict[str, tuple[str, str]] = {
    "deliberation_review": ("deliberation", "SELECT deliberation_id FROM deliberation_reviews WHERE id = $1"),
    "income": ("campaign", "SELECT campaign_id FROM incomes WHERE id = $1"),
    "match": ("campaign", "SELECT campaign_id FROM matches WHERE id = $1"),
    "meeting_minutes": ("meeting", "SELECT id FROM meetings WHERE id = $1"),
    "need_answer": ("need", "SELECT need_id FROM need_answers WHERE id = $1"),
    "objection": ("deliberation", "SELECT deliberation_id FROM objections WHERE id = $1"),
    "petition_answer": ("petition", "SELECT id FROM petitions WHERE id = $1"),
    "pledge": ("campaign", "SELECT campaign_id FROM pledges WHERE id = $1"),
    "sale_item": ("campaign", "SELECT campaign_id FROM sale_items WHERE id = $1"),
    "team": ("campaign", "SELECT campaign_id FROM teams WHERE id = $1"),
    "use_change": ("campaign", "SELECT campaign_id FROM use_changes WHERE id = $1"),
    "wish_thanks": ("wish", "SELECT id FROM wishes WHERE id = $1"),
}
"""What stands within something else, and the id of that: who sees the one sees the other."""

PUBLIC = frozenset(
    {"disclosure_answer", "disclosure_question", "follow_up", "follow_up_note", "nickname", "resolution_display"}
)
"""What everybody reads."""

BETWEEN_FEW = {
    "household_claim": "the reason of a refusal is read by the claimant and the staff",
    "signup": "the note is read by the leader",
    "wish_claim": "the report is read by the wisher and the staff until it is thanked for",
    "wish_statement": "a dispute is read by its parties and the committee, who decides it",
}
"""What nobody else reads, so that nobody reports it by its reference."""

# Whose words they are stands with the check they went through.
WRITTEN = """
SELECT c.author_id, coalesce(c.community_id, (
    SELECT m.community_id FROM memberships m WHERE m.resident_id = c.author_id AND m.until_at IS NULL)) AS community_id
FROM checks c WHERE c.subject_kind = $1 AND c.subject_id = $2 ORDER BY c.id DESC LIMIT 1
"""
GIVEN_FOR = "SELECT subject_kind, subject_id FROM events WHERE (facts->>'reason_id')::bigint = $1 LIMIT 1"
AVATAR = """
SELECT h.community_id, m.uploader_id FROM media m
JOIN memberships h ON h.resident_id = m.uploader_id AND h.until_at IS NULL
WHERE m.id = $1 AND m.purpose = 'avatar' AND (m.moderation = 'passed' OR h.community_id = ANY($2::bigint[]))
"""


async def report(actor: Actor, subject: str, *, reason: str) -> Reported:
    """Ask the moderators to look at something that the actor sees.

    Raises NotFound, Forbidden for one's own, AlreadyExists, TooManyReports, InvalidState when it is not shown.
    """
    return await moderation.report(actor, await _target(actor, subject), reason=reason)


@atomic()
async def hide(actor: Actor, subject: str, *, reason: str) -> Queued:
    """Hide something that is shown; its author is told why. Raises NotFound, Forbidden, InvalidState, VoteInSight."""
    return await _decide(actor, subject, CheckState.HIDDEN, reason)


@atomic()
async def restore(actor: Actor, subject: str, *, reason: str) -> Queued:
    """Show something hidden again; its author is told. Raises NotFound, Forbidden, InvalidState, DecidedBefore."""
    return await _decide(actor, subject, CheckState.PASSED, reason)


async def _decide(actor: Actor, subject: str, state: CheckState, reason: str) -> Queued:
    target = await _target(actor, subject)
    decided = await moderation.decide_by_hand(actor, target, state, reason=reason)
    if target.kind == "media":
        await media.settle(target.id, Moderation(state.value), by=actor)
    return decided


async def _target(actor: Actor, subject: str) -> Target:
    kind, _, number = subject.partition(":")
    if kind == "media":
        return await _picture(actor, int(number))
    if kind not in DOORS:
        return await _words(actor, kind, int(number))
    found = await DOORS[kind](actor, int(number))
    return Target(kind, found.id, found.community_id, found.author_id)


async def _words(actor: Actor, kind: str, subject_id: int) -> Target:
    """Words that stand within something else: its door opens first."""
    if kind in WITHIN:
        within, where = WITHIN[kind]
        await DOORS[within](actor, await db.value(where, subject_id) or 0)
    elif kind in ELSEWHERE:
        await ELSEWHERE[kind](actor, subject_id)
    elif kind == "reason":
        event = await db.row(GIVEN_FOR, subject_id)
        if event is None or event["subject_kind"] not in DOORS:
            raise NotFound
        await DOORS[event["subject_kind"]](actor, event["subject_id"])
    elif kind not in PUBLIC:
        raise NotFound
    written = await db.row(WRITTEN, kind, subject_id)
    if written is None or written["community_id"] is None:
        raise NotFound
    return Target(kind, subject_id, written["community_id"], written["author_id"])


async def _picture(actor: Actor, media_id: int) -> Target:
    """A picture is seen by whoever sees one of the things that it was attached to; an avatar by everybody."""
    avatar = await db.row(AVATAR, media_id, actor.serves(*STAFF))
    if avatar is not None:
        return Target("media", media_id, avatar["community_id"], avatar["uploader_id"])
    for line in await db.rows(PICTURE, media_id, actor.id, actor.serves(*STAFF)):
        try:
            await DOORS[line["subject_kind"]](actor, line["subject_id"])
        except (KeyError, NotFound):
            continue
        return Target("media", media_id, line["community_id"], line["uploader_id"])
    raise NotFound
