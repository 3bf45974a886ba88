"""The human queue: what WeChat is in doubt about, or could not look at, is decided by those who know the community."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import db
from app.core.db import atomic
from app.core.errors import NotFound
from app.core.pages import Listed, Page, cut, where
from models.moderation import Check, CheckState, Why
from services import events, residents
from services.moderation import texts
from services.moderation.checking import settle
from services.policies import Actor, require
from services.policies import moderation as policies

OWN = ("不能审核自己的内容", "Nobody decides about his own words")
MODERATORS_ONLY = ("只有居委会和社工可以审核内容", "Only the committee and social workers look after content")

SEEN = """
SELECT c.id, c.subject_kind, c.subject_id, c.community_id, c.state, c.suggest, c.label, c.why, c.created_at,
    r.nickname AS author
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


async def queue(actor: Actor, *, community_id: int | None = None, page: Page) -> Listed[Queued]:
    """What waits where the actor looks after content, newest first. Raises Forbidden for everybody else."""
    anywhere = bool(actor.serves(*policies.MODERATORS)) or policies.looks_after_the_unsettled(actor)
    require(anywhere if community_id is None else policies.looks_after(actor, community_id), *MODERATORS_ONLY)
    narrowed, values = where(
        3, ("c.community_id = {}", community_id), ("c.id < {}", page.after[0] if page.after else None)
    )
    waiting = f"AND c.state = 'queued' {narrowed} ORDER BY c.id DESC LIMIT {page.limit + 1}"
    return cut(await _visible(actor, waiting, *values), page)


async def find(actor: Actor, check_id: int) -> Queued:
    """One thing that waits for a human, or did, where the actor looks after content. Raises NotFound."""
    found = await _visible(actor, "AND c.id = $3 AND (c.why IS NOT NULL OR c.decided_by_id IS NOT NULL)", check_id)
    if not found:
        raise NotFound("没有找到这条待审内容", "Nothing like this waits here")
    return found[0]


@atomic()
async def approve(actor: Actor, check_id: int) -> Queued:
    """Show words that waited for a human; their author is told. Raises NotFound, Forbidden, InvalidState."""
    check = await _to_decide(actor, check_id)
    await settle(check, CheckState.PASSED, decided_by_id=actor.id)
    await events.record(actor, "check.approved", check)
    return await find(actor, check_id)


@atomic()
async def hide(actor: Actor, check_id: int, *, reason: str) -> Queued:
    """Hide words that waited for a human; their author is told why. Raises NotFound, Forbidden, InvalidState."""
    check = await _to_decide(actor, check_id)
    await settle(check, CheckState.HIDDEN, decided_by_id=actor.id)
    await events.record(actor, "check.hidden", check, reason=reason)
    return await find(actor, check_id)


async def _to_decide(actor: Actor, check_id: int) -> Check:
    check = await Check.get(id=(await find(actor, check_id)).id)
    require(not policies.is_party(actor, check), *OWN)
    return check


async def _visible(actor: Actor, narrowed: str, *values: Any) -> list[Queued]:
    """The one door, narrowed by SQL whose values count from $3; the words are read kind by kind."""
    served = actor.serves(*policies.MODERATORS)
    found = await db.rows(SEEN + narrowed, served, policies.looks_after_the_unsettled(actor), *values)
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
                "author": residents.masked(line["author"]),
                "texts": words[line["subject_kind"], line["subject_id"]],
            }
        )
        for line in found
    ]
