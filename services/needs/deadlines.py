"""By when a need is answered and decided: working days that each community may set; what is late is said to be."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid
from models.needs import Need, NeedLevel, NeedRules, NeedState
from models.residents import Role
from services import calendars, events, notifications, places
from services.due import one_by_one
from services.policies import Actor, require
from services.policies import needs as policies

DUE_MAX = 100
RULES = NeedRules(answer_days=3, decision_days=15, escalation_days=5)


@dataclass(frozen=True)
class Deadlines:
    """When a need of a community raised or handed up now is due."""

    answer_at: datetime
    decision_at: datetime
    escalation_at: datetime


async def rules(community_id: int) -> NeedRules:
    """Within how many working days a community answers and decides. Raises NotFound."""
    community = await places.find_community(community_id)
    return await NeedRules.get_or_none(community_id=community.id) or RULES


@atomic()
async def update_rules(
    actor: Actor, community_id: int, *, answer_days: int, decision_days: int, escalation_days: int
) -> NeedRules:
    """Say a community's due dates, for needs to come; its committee or an officer above. Raises Forbidden, Invalid."""
    community = await places.find_community(community_id)
    require(
        actor.holds(community.id, Role.COMMITTEE, Role.STREET_OFFICER, Role.DISTRICT_OFFICER),
        "只有居委会成员或上级干部可以设置办理期限",
        "Only the committee or an officer above may set the due dates",
    )
    if decision_days < answer_days:
        raise Invalid("办结期限不能早于首次答复期限", "A decision is not due before the first answer")
    days: dict[str, Any] = {
        "answer_days": answer_days,
        "decision_days": decision_days,
        "escalation_days": escalation_days,
    }
    kept, _ = await NeedRules.update_or_create(community_id=community.id, defaults=days)
    await events.record(actor, "need_rules.updated", kept, **days)
    return kept


async def deadlines(community_id: int) -> Deadlines:
    """When a need of a community raised or handed up now is due."""
    now = await clock.now()
    said = await NeedRules.get_or_none(community_id=community_id) or RULES
    exceptions = await calendars.exceptions(community_id)
    days = (said.answer_days, said.decision_days, said.escalation_days)
    return Deadlines(*(calendars.ends(exceptions, now, count) for count in days))


async def step(need: Need, target: NeedState, *, due_at: datetime | None = None, **columns: Any) -> bool | None:
    """Take a step of the road and owe the next one by `due_at`; True when this one came late, else None.

    Raises InvalidState.
    """
    was_due = need.due_at
    await need.move_to(target, due_at=due_at, overdue_noted=False, **columns)
    now = await clock.now()
    need.overdue = due_at is not None and due_at <= now
    return (was_due is not None and was_due <= now) or None


async def note_overdue() -> None:
    """Say of needs that ran out of time, at most 100, that they are overdue, each in a transaction of its own."""
    due = await db.rows(
        "SELECT id FROM needs WHERE due_at <= (SELECT clock_now()) AND NOT overdue_noted "
        f"ORDER BY due_at LIMIT {DUE_MAX}"
    )
    await one_by_one((line["id"] for line in due), _note)


@atomic()
async def _note(need_id: int) -> None:
    still_due = await db.value(
        "SELECT id FROM needs WHERE id = $1 AND due_at <= clock_now() AND NOT overdue_noted "
        "FOR NO KEY UPDATE SKIP LOCKED",
        need_id,
    )
    if still_due is None:
        return
    need = await Need.get(id=need_id)
    await Need.filter(id=need.id).update(overdue_noted=True)
    await events.record(None, "need.overdue", need, level=need.level.value)
    concerned = await staff_of(need, {need.level, NeedLevel.COMMUNITY})
    await notifications.tell([need.author_id, need.assistant_id, *concerned], "need.overdue", need, title=need.title)


async def staff_of(need: Need, levels: Iterable[NeedLevel]) -> list[int]:
    """The ids of those who handle a need at these levels."""
    roles = {role.value for level in levels for role in policies.HANDLERS[level]}
    found = await db.rows(
        "SELECT DISTINCT g.resident_id AS id FROM role_grants g JOIN places p ON p.id = g.place_id "
        "JOIN places c ON c.id = $1 AND starts_with(c.path, p.path) "
        "WHERE g.role = ANY($2::text[]) AND g.from_at <= clock_now() "
        "AND (g.until_at IS NULL OR g.until_at > clock_now()) LIMIT 100",
        need.community_id,
        list(roles),
    )
    return [line["id"] for line in found]
