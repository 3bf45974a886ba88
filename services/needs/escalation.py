"""Handing a need up, level by level (逐层递交), and back down: each hop has a due date and stands in the timeline."""

from app.core import db
from app.core.clock import SHANGHAI
from app.core.db import atomic
from app.core.errors import InvalidState
from models.needs import HopEnd, Need, NeedHop, NeedLevel, NeedRoute, NeedState
from services import events, notifications
from services.needs.deadlines import deadlines, staff_of, step
from services.needs.reading import find_locked
from services.policies import Actor, require
from services.policies import needs as policies

HANDLER_ONLY = ("只有当前层级的工作人员可以处理", "Only those who handle it now may do this")
IN_WORDS = {
    NeedLevel.GRID: ("网格", "grid"),
    NeedLevel.COMMUNITY: ("社区居委会", "committee"),
    NeedLevel.STREET: ("街道", "street"),
    NeedLevel.DISTRICT: ("区级", "district"),
}


@atomic()
async def escalate(actor: Actor, need_id: int, *, reason: str | None = None) -> Need:
    """Hand an accepted need to the level above the actor's own; that level answers within its days.

    Raises Forbidden, InvalidState, also when nobody is above.
    """
    need = await find_locked(actor, need_id)
    require(policies.may_handle(actor, need), *HANDLER_ONLY)
    above = policies.level_above(actor, need)
    handed_up = need.state is NeedState.ROUTED and need.route is NeedRoute.ESCALATION
    if above is None or not (handed_up or need.state is NeedState.ACCEPTED):
        raise InvalidState(need.state)
    came_from, late = need.level, need.overdue or None
    await end_hop(need, HopEnd.ESCALATED)
    if not handed_up:
        await step(need, NeedState.ROUTED, route=NeedRoute.ESCALATION)
    await _lay_before(need, came_from, above)
    await events.record(
        actor, "need.escalated", need, reason=reason, from_level=came_from.value, level=above.value, late=late
    )
    await _tell(actor, need, "need.escalated", until=_day(need))
    return need


@atomic()
async def hand_back(actor: Actor, need_id: int, *, reason: str) -> Need:
    """Give a need that was handed up back to the level it came from. Raises Forbidden, InvalidState."""
    need = await find_locked(actor, need_id)
    hop = await NeedHop.get_or_none(need_id=need.id, ended=None)
    require(policies.may_hand_back(actor, need), *HANDLER_ONLY)
    if hop is None or need.state is not NeedState.ROUTED:
        raise InvalidState(need.state)
    level, late = need.level, need.overdue or None
    await end_hop(need, HopEnd.RETURNED)
    if hop.from_level in policies.ABOVE_THE_COMMUNITY:
        before = await NeedHop.filter(need_id=need.id, level=hop.from_level).order_by("-id").first()
        await _lay_before(need, before.from_level if before else NeedLevel.GRID, hop.from_level)
    else:
        await step(need, NeedState.ACCEPTED, route=None, level=hop.from_level, due_at=need.decision_due_at)
    event = await events.record(
        actor, "need.returned", need, reason=reason, from_level=level.value, level=need.level.value, late=late
    )
    await _tell(actor, need, "need.returned", of=level, reason_id=event.facts["reason_id"])
    return need


async def end_hop(need: Need, ended: HopEnd) -> None:
    """Note what became of a need at the level it lies before, if it was handed up."""
    await db.execute(
        "UPDATE need_hops SET ended = $2, ended_at = clock_now() WHERE need_id = $1 AND ended IS NULL",
        need.id,
        ended.value,
    )


async def _lay_before(need: Need, came_from: NeedLevel, level: NeedLevel) -> None:
    place_id = await db.value(
        "SELECT a.id FROM places c JOIN places a ON starts_with(c.path, a.path) WHERE c.id = $1 AND a.kind = $2",
        need.community_id,
        level.value,
    )
    due = await deadlines(need.community_id)
    need.level, need.due_at = level, due.escalation_at
    await Need.filter(id=need.id).update(level=level, due_at=need.due_at, overdue_noted=False)
    await NeedHop.create(
        community_id=need.community_id,
        need_id=need.id,
        place_id=place_id,
        from_level=came_from,
        level=level,
        due_at=need.due_at,
        days=due.rules.escalation_days,
    )


async def _tell(
    actor: Actor, need: Need, kind: str, *, of: NeedLevel | None = None, **params: str | int | tuple[str, str]
) -> None:
    concerned = [need.author_id, need.assistant_id, *await staff_of(need, {need.level})]
    others = [resident_id for resident_id in concerned if resident_id != actor.id]
    await notifications.tell(others, kind, need, title=need.title, level=IN_WORDS[of or need.level], **params)


def _day(need: Need) -> str:
    assert need.due_at is not None  # noqa: S101 - just laid before somebody
    return need.due_at.astimezone(SHANGHAI).date().isoformat()
