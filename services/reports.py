"""Reporting, hiding and restoring what is shown, by its reference: the door of each kind of thing opens first."""

from collections.abc import Awaitable, Callable
from typing import Any

from app.core import db
from app.core.db import atomic
from app.core.errors import NotFound
from models.base import Moderation
from models.moderation import CheckState
from services import comments, crowdfunding, deliberations, media, moderation, needs, volunteering, wishes
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
"""What can be reported, hidden and restored beside pictures, and how it is found by whoever may see it."""


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
        raise NotFound
    found = await DOORS[kind](actor, int(number))
    return Target(kind, found.id, found.community_id, found.author_id)


async def _picture(actor: Actor, media_id: int) -> Target:
    """A picture is seen by whoever sees one of the things that it was attached to."""
    for line in await db.rows(PICTURE, media_id, actor.id, actor.serves(*STAFF)):
        try:
            await DOORS[line["subject_kind"]](actor, line["subject_id"])
        except (KeyError, NotFound):
            continue
        return Target("media", media_id, line["community_id"], line["uploader_id"])
    raise NotFound
