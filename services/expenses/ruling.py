"""A community's rules of spending: from what amount a supervisor approves too, and what is never paid.

An officer above sets them alone; otherwise a committee member and a supervisor say the same, one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Forbidden
from models.expenses import FundRules
from models.residents import Role
from services import events, places
from services.policies import Actor
from services.policies import expenses as policies
from services.policies.actor import OFFICERS

NOT_ALONE = (
    "规则由居委会成员和监督委员会成员共同确定，或由上级街道、区级干部确定",
    "A committee member and a supervisor set the rules together, or an officer above",
)


@dataclass(frozen=True)
class Proposal:
    """Rules that one side proposed and the other has not agreed to yet."""

    supervisor_above_fen: int
    never_paid: list[str]
    role: Role
    created_at: datetime


@dataclass(frozen=True)
class Rules:
    """The rules in force, in fen, and what was proposed since; `in_force_at` is None while nothing was set."""

    community_id: int
    supervisor_above_fen: int
    never_paid: list[str]
    in_force_at: datetime | None
    proposal: Proposal | None


async def rules(community_id: int) -> Rules:
    """A community's rules of spending; public."""
    latest = await FundRules.filter(community_id=community_id).order_by("-id").first()
    now = await FundRules.filter(community_id=community_id, in_force_at__isnull=False).order_by("-in_force_at").first()
    proposal = None
    if latest is not None and latest.in_force_at is None:
        proposal = Proposal(latest.supervisor_above_fen, latest.never_paid, latest.role, latest.created_at)
    limit_fen = await db.value("SELECT supervisor_above_fen($1, clock_now())", community_id)
    return Rules(community_id, limit_fen, now.never_paid if now else [], now.in_force_at if now else None, proposal)


@atomic()
async def set_rules(actor: Actor, community_id: int, *, supervisor_above_fen: int, never_paid: Sequence[str]) -> Rules:
    """As an officer say what the rules are, or propose them; the same from the other side puts them into force.

    Saying again what one said or what is in force changes nothing. Raises NotFound, Forbidden.
    """
    await places.find_community(community_id)
    role = policies.sets_rules_as(actor, community_id)
    if role is None:
        raise Forbidden(*NOT_ALONE)
    await db.advisory_lock("who may approve")  # before the clock is read: no later payment goes by the old rules
    said = (supervisor_above_fen, sorted(set(never_paid)))
    current = await rules(community_id)
    proposed = current.proposal
    if proposed is None and said == (current.supervisor_above_fen, current.never_paid):
        return current
    if role in OFFICERS:
        made = await _write(actor, community_id, role, said, await clock.now())
        await events.record(actor, "fund_rules.set", made, supervisor_above_fen=supervisor_above_fen)
    elif proposed is None or said != (proposed.supervisor_above_fen, proposed.never_paid):
        made = await _write(actor, community_id, role, said, None)
        await events.record(actor, "fund_rules.proposed", made, supervisor_above_fen=supervisor_above_fen)
    elif proposed.role is not role:
        agreed = await FundRules.filter(community_id=community_id).order_by("-id").first()
        assert agreed is not None, "what was proposed"  # noqa: S101
        await FundRules.filter(id=agreed.id).update(agreed_by_id=actor.id, in_force_at=await clock.now())
        await events.record(actor, "fund_rules.agreed", agreed, supervisor_above_fen=supervisor_above_fen)
    return await rules(community_id)


async def _write(
    actor: Actor, community_id: int, role: Role, said: tuple[int, list[str]], in_force_at: datetime | None
) -> FundRules:
    return await FundRules.create(
        community_id=community_id,
        proposer_id=actor.id,
        role=role,
        supervisor_above_fen=said[0],
        never_paid=said[1],
        in_force_at=in_force_at,
    )
