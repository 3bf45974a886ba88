"""The human queue: what WeChat is in doubt about, or could not look at, is decided by those who know the community."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import db
from app.core.db import atomic
from app.core.errors import NotFound
from app.core.pages import Listed, Page, cut, where
from models.moderation import Check, CheckState, DecidedBefore, Why
from services import events, residents
from services.moderation import pausing, texts
from services.moderation.checking import settle
from services.policies import Actor, require
from services.policies import moderation as policies

OWN = ("不能审核自己的内容", "Nobody decides about his own words")
MODERATORS_ONLY = ("只有居委会和社工可以审核内容", "Only the committee and social workers look after content")
REASONS_MAX = 20

SEEN = """
SELECT c.id, c.subject_kind, c.subject_id, c.community_id, c.state, c.suggest, c.label, c.why, c.created_at,
    r.nickname AS author, c.plea, (SELECT count(*) FROM reports p WHERE p.check_id = c.id) AS reports,
    CASE WHEN $4 NOT IN (c.author_id, c.speaker_id) THEN ARRAY(
        SELECT p.reason FROM reports p WHERE p.check_id = c.id ORDER BY p.id LIMIT $3) END AS reasons
FROM checks c JOIN residents r ON r.id = c.author_id
WHERE (c.community_id = ANY($1::bigint[]) OR (c.community_id IS NULL AND $2))
    AND (c.subject_kind <> 'media' OR EXISTS (SELECT 1 FROM media m WHERE m.id = c.subject_id))
"""


@dataclass(frozen=True)
class Queued:
    """Something that waits for a human, or no longer does; its author's name is masked."""

    id: int
    subject_kind: str
    subject_id: int
    community_id: int | None
    state: CheckState
    texts: list[str]
    suggest: str | None
    label: int | None
    why: Why | None
    author: str
    created_at: datetime
    plea: str | None
    """Why its author appeals."""
    reports: int
    reasons: list[str]
    """Why residents reported it, at most 20 of them; nothing to whoever wrote it."""


async def queue(actor: Actor, *, community_id: int | None = None, page: Page) -> Listed[Queued]:
    """What waits where the actor looks after content, newest first. Raises Forbidden for everybody else."""
    anywhere = bool(actor.serves(*policies.MODERATORS)) or policies.looks_after_the_unsettled(actor)
    require(anywhere if community_id is None else policies.looks_after(actor, community_id), *MODERATORS_ONLY)
    narrowed, values = where(
        5, ("c.community_id = {}", community_id), ("c.id < {}", page.after[0] if page.after else None)
    )
    waiting = f"AND c.state = 'queued' {narrowed} ORDER BY c.id DESC LIMIT {page.limit + 1}"
    return cut(await _visible(actor, waiting, *values), page)


async def find(actor: Actor, check_id: int) -> Queued:
    """One thing that waits for a human, or did, where the actor looks after content. Raises NotFound."""
    found = await _visible(actor, "AND c.id = $5 AND (c.why IS NOT NULL OR c.decided_by_id IS NOT NULL)", check_id)
    if not found:
        raise NotFound("没有找到这条待审内容", "Nothing like this waits here")
    return found[0]


@atomic()
async def approve(actor: Actor, check_id: int) -> Queued:
    """Show words that waited for a human; their author is told. Raises NotFound, Forbidden, InvalidState."""
    await decide(actor, await Check.get(id=(await find(actor, check_id)).id), CheckState.PASSED)
    return await find(actor, check_id)


@atomic()
async def hide(actor: Actor, check_id: int, *, reason: str) -> Queued:
    """Hide words that waited for a human; their author is told why. Raises NotFound, Forbidden, InvalidState."""
    await decide(actor, await Check.get(id=(await find(actor, check_id)).id), CheckState.HIDDEN, reason=reason)
    return await find(actor, check_id)


async def decide(
    actor: Actor, check: Check, state: CheckState, *, reason: str | None = None, reason_id: int | None = None
) -> None:
    """Show or hide what waits for a human, whoever asked for it; what follows for its author's pause follows.

    `reason_id` is a reason that its author has been told elsewhere. Raises Forbidden for one's own, DecidedBefore for
    an appeal against one's own decision, InvalidState.
    """
    helped = check.why is Why.APPEAL and await residents.helped_with(actor, "check.appealed", check.appeal_of_id or 0)
    require(not (helped or policies.is_party(actor, check)), *OWN)
    before = await Check.get_or_none(id=check.appeal_of_id) if check.appeal_of_id else None
    if before is not None and before.decided_by_id == actor.id:
        raise DecidedBefore
    await settle(check, state, decided_by_id=actor.id)
    verb = "check.hidden" if state is CheckState.HIDDEN else "check.approved"
    if check.why is Why.REPORTED and state is CheckState.PASSED:
        verb = "check.kept"
    elif reason_id is not None:
        verb = "check.noted"
    await events.record(actor, verb, check, reason=reason, reason_id=reason_id)
    if state is CheckState.HIDDEN:
        await pausing.count(check)
        return
    overturned = (
        before
        or await Check.filter(
            id__lt=check.id, subject_kind=check.subject_kind, subject_id=check.subject_id, state=CheckState.HIDDEN
        )
        .order_by("-id")
        .first()
    )
    if overturned is not None and overturned.decided_by_id is not None and overturned.decided_at is not None:
        await pausing.forgive(actor, check.author_id, overturned.decided_at)


async def _visible(actor: Actor, narrowed: str, *values: Any) -> list[Queued]:
    """The one door, narrowed by SQL whose values count from $5; the words are read kind by kind."""
    served = actor.serves(*policies.MODERATORS)
    found = await db.rows(
        SEEN + narrowed, served, policies.looks_after_the_unsettled(actor), REASONS_MAX, actor.id, *values
    )
    words: dict[tuple[str, int], list[str]] = {}
    for kind in {line["subject_kind"] for line in found}:
        ids = [line["subject_id"] for line in found if line["subject_kind"] == kind]
        words |= {(kind, id_): said for id_, said in (await texts.words(kind, ids)).items()}
    return [
        Queued(
            **line
            | {
                "state": CheckState(line["state"]),
                "why": Why(line["why"]) if line["why"] else None,
                "reasons": line["reasons"] or [],
                "author": residents.masked(line["author"]),
                "texts": words[line["subject_kind"], line["subject_id"]],
            }
        )
        for line in found
    ]
