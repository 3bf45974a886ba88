"""What services to the right need: citing needs, and noting what was made from them."""

from collections.abc import Sequence

from app.core import db
from app.core.db import atomic
from app.core.errors import Invalid
from models.base import Record
from models.needs import Need, NeedLink, NeedRoute, NeedState
from services import events
from services.needs.deadlines import step
from services.needs.reading import visible
from services.policies import Actor
from services.policies import needs as policies

LINKED_MAX = 20
CAME_TO_NOTHING = (NeedState.DECLINED, NeedState.WITHDRAWN, NeedState.MERGED)


@atomic()
async def link(actor: Actor, need_ids: Sequence[int], subject: Record) -> None:
    """Note that `subject` was made from needs of its community; accepted ones that the actor handles become routed.

    Who does not handle a need only cites it: that settles no path. Raises Invalid as `citable` does, AnotherPath for
    one whose path is another.
    """
    kind = subject.noun()
    for need in await citable(actor, need_ids, getattr(subject, "community_id", None)):
        handles = policies.may_handle(actor, need)
        await NeedLink.create(
            community_id=need.community_id, need_id=need.id, kind=kind, subject_id=subject.id, settles=handles
        )
        late = None
        if handles and need.state is NeedState.ACCEPTED:
            late = await step(need, NeedState.ROUTED, route=NeedRoute(kind))
        await events.record(actor, "need.linked", need, kind=kind, subject_id=subject.id, late=late)


async def citable(actor: Actor, need_ids: Sequence[int], community_id: int | None) -> list[Need]:
    """The needs that something of this community may be made from; at most 20.

    Raises Invalid for a need the actor may not see, of another community, or that came to nothing.
    """
    ids = sorted(set(need_ids))
    found = await visible(actor, "AND n.id = ANY($3::bigint[]) ORDER BY n.id", ids)
    if len(found) != len(ids) or len(ids) > LINKED_MAX or any(need.community_id != community_id for need in found):
        raise Invalid("引用的需求不存在或不属于本社区", "A cited need is not there, or not of this community")
    if any(need.state in CAME_TO_NOTHING for need in found):
        raise Invalid("引用的需求已撤回、未受理或已合并", "A cited need was withdrawn, declined or merged")
    return found


async def standing(need_ids: Sequence[int], kind: str) -> list[int]:
    """Those of the needs that have not come to nothing, nor go another way than a subject of this kind."""
    found = await db.rows(
        "SELECT id FROM needs WHERE id = ANY($1::bigint[]) AND state <> ALL($2::text[]) "
        "AND NOT goes_another_way(id, route, $3) ORDER BY id",
        list(need_ids),
        list(CAME_TO_NOTHING),
        kind,
    )
    return [line["id"] for line in found]


async def links_of(kind: str, subject_ids: Sequence[int]) -> dict[int, list[int]]:
    """The needs that each subject of a kind was made from."""
    found = await db.rows(
        "SELECT subject_id, array_agg(need_id ORDER BY need_id) AS need_ids FROM need_links "
        "WHERE kind = $1 AND subject_id = ANY($2::bigint[]) GROUP BY subject_id",
        kind,
        list(subject_ids),
    )
    return {line["subject_id"]: line["need_ids"] for line in found}
