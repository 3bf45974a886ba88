"""Two needs that are one: the twin ends, its supporters stay with a notice and the right to take it back."""

from app.core import db
from app.core.db import atomic
from app.core.errors import Invalid
from models.base import Moderation
from models.needs import OPEN, Need, NeedState
from services import events, notifications
from services.needs.deadlines import step
from services.needs.reading import find
from services.policies import Actor, require
from services.policies import needs as policies

STAFF_ONLY = ("只有本社区的工作人员可以处理", "Only staff of this community may do this")

BRING = """
INSERT INTO endorsements (community_id, need_id, resident_id, brought_from_id)
SELECT e.community_id, $2, e.resident_id, $1 FROM endorsements e JOIN needs n ON n.id = $2
WHERE e.need_id = $1 AND e.resident_id NOT IN (n.author_id, coalesce(n.assistant_id, n.author_id)) ORDER BY e.id
ON CONFLICT ON CONSTRAINT endorsements_once DO NOTHING RETURNING resident_id
"""

# What was made of the twin was made of the one it becomes; what was only cited is, where that goes the same way.
CARRY = """
INSERT INTO need_links (community_id, need_id, kind, subject_id, settles)
SELECT l.community_id, n.id, l.kind, l.subject_id, l.settles FROM need_links l JOIN needs n ON n.id = $2
WHERE l.need_id = $1 AND l.settles = $3 AND NOT came_to_nothing(l.kind, l.subject_id)
    AND ($3 OR NOT goes_another_way(n.id, n.route, l.kind))
ORDER BY l.id ON CONFLICT ON CONSTRAINT need_links_once DO NOTHING
"""


@atomic()
async def merge(actor: Actor, need_id: int, *, into_id: int, reason: str | None = None) -> Need:
    """End a submitted need as a twin of another open one of its community, to which it brings supporters and links.

    Raises Forbidden, Invalid for a twin that is itself, elsewhere or no longer open, InvalidState, NotFound,
    AnotherPath when the two go different ways.
    """
    await db.execute(
        "SELECT id FROM needs WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE", sorted({need_id, into_id})
    )
    need, into = await find(actor, need_id), await find(actor, into_id)
    require(policies.may_handle(actor, need), *STAFF_ONLY)
    shown = into.moderation is Moderation.PASSED and into.state in OPEN
    if into.id == need.id or into.community_id != need.community_id or not shown:
        raise Invalid(
            "只能并入本社区另一条尚未办结的需求", "A need is merged into another open one of the same community"
        )
    late = await step(need, NeedState.MERGED, merged_into_id=into.id)
    brought = await db.rows(BRING, need.id, into.id)
    for settled in (True, False):
        await db.execute(CARRY, need.id, into.id, settled)
    await events.record(actor, "need.merged", need, reason=reason, into_id=into.id, late=late)
    await events.record(actor, "need.joined", into, need_id=need.id, brought=len(brought))
    await _tell(
        actor,
        [need.author_id, need.assistant_id],
        "need.merged",
        need,
        title=need.title,
        into=into.title,
        into_id=into.id,
    )
    await _tell(
        actor,
        [line["resident_id"] for line in brought],
        "need.support_brought",
        into,
        title=into.title,
        from_title=need.title,
        from_id=need.id,
    )
    await _tell(actor, [into.author_id, into.assistant_id], "need.joined", into, title=into.title)
    return need


async def _tell(actor: Actor, to: list[int | None], kind: str, about: Need, **params: str | int) -> None:
    await notifications.tell([one for one in to if one != actor.id], kind, about, **params)
