"""Who represents a household, and how its members change that: all adults agree, or the committee confirms."""

from app.core import db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from models.base import Moderation
from models.events import Reason
from models.homes import ChangeState, RepresentativeChange
from models.residents import Household
from services import events
from services.policies import Actor, require
from services.policies import residents as policies
from services.residents.ages import IS_ADULT
from services.residents.doors import household_of

ADULTS_OF = f"""
SELECT m.resident_id FROM memberships m JOIN residents r ON r.id = m.resident_id
WHERE m.household_id = $1 AND m.until_at IS NULL AND {IS_ADULT}
"""


@atomic()
async def propose_representative(
    actor: Actor, household_id: int, *, resident_id: int, reason: str | None = None
) -> RepresentativeChange:
    """Propose which adult member represents the household; who proposes agrees, and alone he decides at once.

    Votes that run keep the speaker they were opened with. Raises NotFound, Forbidden (no adult member), Invalid (the
    candidate is none), ChangePending.
    """
    household = await household_of(actor, household_id, held=True)
    adults = await _adults(household.id)
    require(
        actor.id in adults and not actor.suspended, "只有本户成年成员可以提议", "Only adult members of the household do"
    )
    if resident_id not in adults:
        raise Invalid("户代表须为本户年满十八周岁的成员", "The representative is an adult member of the household")
    change = await RepresentativeChange.create(
        community_id=household.community_id,
        household_id=household.id,
        resident_id=resident_id,
        proposed_by_id=actor.id,
    )
    event = await events.record(
        actor, "representative_change.proposed", change, reason=reason, household_id=household.id
    )
    if reason is not None:
        await RepresentativeChange.filter(id=change.id).update(reason_id=event.facts["reason_id"])
    await _agree(actor, change)
    return await find_change(actor, change.id)


@atomic()
async def confirm_representative(actor: Actor, change_id: int) -> RepresentativeChange:
    """Say yes as an adult of the household, again changes nothing; or decide as a committee member not concerned.

    Raises NotFound, Forbidden, InvalidState, Invalid when the candidate is no adult member any more.
    """
    change = await find_change(actor, change_id)
    await household_of(actor, change.household_id, held=True)
    if change.state is not ChangeState.PENDING:
        raise InvalidState(change.state)
    adults = await _adults(change.household_id)
    if actor.id in adults and not actor.suspended:
        await _agree(actor, change)
    else:
        require(policies.may_decide_representation(actor, change))
        await _decide(actor, change, adults)
    return await find_change(actor, change_id)


@atomic()
async def decline_representative(actor: Actor, change_id: int, *, reason: str) -> RepresentativeChange:
    """Say no, which ends it; any other adult of the household, or the committee.

    Raises NotFound, Forbidden, InvalidState.
    """
    change = await find_change(actor, change_id)
    allowed = actor.id in await _adults(change.household_id) or policies.may_decide_representation(actor, change)
    require(allowed and not actor.suspended)
    await change.move_to(ChangeState.DECLINED, decided_by_id=actor.id)
    await events.record(actor, "representative_change.declined", change, reason=reason)
    return await find_change(actor, change_id)


@atomic()
async def withdraw_representative(actor: Actor, change_id: int) -> RepresentativeChange:
    """Take one's own proposal back. Raises NotFound, Forbidden, InvalidState."""
    change = await find_change(actor, change_id)
    require(change.proposed_by_id == actor.id, "只有提议人可以撤回", "Only who proposed it withdraws it")
    await change.move_to(ChangeState.WITHDRAWN)
    await events.record(actor, "representative_change.withdrawn", change)
    return await find_change(actor, change_id)


async def find_change(actor: Actor, change_id: int) -> RepresentativeChange:
    """A change of representative, for whoever sees the household, and who proposed it. Raises NotFound."""
    change = await RepresentativeChange.get_or_none(id=change_id).select_related("reason", "household__building")
    if change is None or not (change.proposed_by_id == actor.id or policies.may_see_household(actor, change.household)):
        raise NotFound("没有找到这项提议", "No such proposal")
    return await _counted(actor, change)


async def pending_change(actor: Actor, household_id: int) -> RepresentativeChange | None:
    """What the household has under way."""
    change = await RepresentativeChange.get_or_none(
        household_id=household_id, state=ChangeState.PENDING
    ).select_related("reason")
    return await _counted(actor, change) if change else None


async def settle_changes(actor: Actor, household_id: int) -> None:
    """Let a proposal happen to which all who are left in the household have said yes; the household is held."""
    change = await RepresentativeChange.get_or_none(household_id=household_id, state=ChangeState.PENDING)
    if change is not None:
        await _decide_if_all_agree(actor, change)


async def _adults(household_id: int) -> set[int]:
    return {line["resident_id"] for line in await db.rows(ADULTS_OF, household_id)}


async def _agree(actor: Actor, change: RepresentativeChange) -> None:
    await db.execute(
        "INSERT INTO representative_votes (community_id, change_id, resident_id) VALUES ($1, $2, $3) "
        "ON CONFLICT ON CONSTRAINT representative_votes_once DO NOTHING",
        change.community_id,
        change.id,
        actor.id,
    )
    await _decide_if_all_agree(actor, change)


async def _decide_if_all_agree(actor: Actor, change: RepresentativeChange) -> None:
    adults = await _adults(change.household_id)
    agreed = await db.rows("SELECT resident_id FROM representative_votes WHERE change_id = $1", change.id)
    if adults and adults <= {line["resident_id"] for line in agreed}:
        await _decide(actor, change, adults)


async def _decide(actor: Actor, change: RepresentativeChange, adults: set[int]) -> None:
    if change.resident_id not in adults:
        raise Invalid("户代表须为本户年满十八周岁的成员", "The representative is an adult member of the household")
    await change.move_to(ChangeState.CONFIRMED, decided_by_id=actor.id)
    await Household.filter(id=change.household_id).update(representative_id=change.resident_id)
    await events.record(
        actor,
        "representative_change.confirmed",
        change,
        household_id=change.household_id,
        resident_id=change.resident_id,
    )


async def _counted(actor: Actor, change: RepresentativeChange) -> RepresentativeChange:
    """With how many adults said yes of how many, and the reason only if it has passed, but for who gave it."""
    found = await db.row(
        f"SELECT count(*) AS needed, count(v.id) AS agreed FROM ({ADULTS_OF}) a "
        "LEFT JOIN representative_votes v ON v.change_id = $2 AND v.resident_id = a.resident_id",
        change.household_id,
        change.id,
    )
    assert found is not None  # noqa: S101 - an aggregate has a row
    change.agreed, change.needed = found["agreed"], found["needed"]
    reason: Reason | None = change.reason
    if reason is not None and reason.moderation is not Moderation.PASSED and reason.author_id != actor.id:
        change.reason = None
    return change
