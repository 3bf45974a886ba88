"""Who owns a flat, and who of several owners votes for it (民法典 278)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.core import db
from app.core.db import atomic
from app.core.errors import Invalid, NotFound
from models.residents import Household, Ownership, WrongShare
from services import events
from services.policies import Actor, require
from services.policies import residents as policies
from services.residents.doors import household_of


@dataclass(frozen=True)
class Owner:
    """A resident's share of a flat; of several owners they name one who votes for it."""

    resident_id: int
    share: Fraction = Fraction(1)
    votes: bool = False


@atomic()
async def set_owners(actor: Actor, household_id: int, owners: Sequence[Owner]) -> Household:
    """Record, from the property certificate, who owns a flat now; those before stay on record with their time.

    Raises NotFound, Forbidden, WrongShare, Invalid for a resident who is not there.
    """
    household = await household_of(actor, household_id, held=True)
    require(policies.may_look_after_households(actor, household.community_id))
    if sum((owner.share for owner in owners), Fraction(0)) > 1:
        raise WrongShare
    there = await db.value("SELECT count(*) FROM residents WHERE id = ANY ($1)", [one.resident_id for one in owners])
    if there != len({one.resident_id for one in owners}):
        raise Invalid("没有找到这位居民", "No such resident")
    await db.execute(
        "UPDATE ownerships SET until_at = clock_now() WHERE household_id = $1 AND until_at IS NULL", household.id
    )
    for owner in owners:
        await Ownership.create(
            community_id=household.community_id,
            household_id=household.id,
            resident_id=owner.resident_id,
            share_numerator=owner.share.numerator,
            share_denominator=owner.share.denominator,
            votes=owner.votes,
            recorded_by_id=actor.id,
        )
    await events.record(actor, "household.owners_set", household, owner_ids=[owner.resident_id for owner in owners])
    return household


async def is_owner(resident_id: int, household_id: int) -> bool:
    """Whether somebody is recorded, or was confirmed, as an owner of a flat."""
    return bool(
        await db.value(
            "SELECT EXISTS (SELECT 1 FROM ownerships o WHERE o.household_id = $2 AND o.resident_id = $1 "
            "AND o.until_at IS NULL) OR EXISTS (SELECT 1 FROM memberships m WHERE m.household_id = $2 "
            "AND m.resident_id = $1 AND m.until_at IS NULL AND m.capacity = 'owner')",
            resident_id,
            household_id,
        )
    )


async def owners_of(actor: Actor, household_id: int) -> tuple[Household, list[Owner]]:
    """Who owns a flat now, for its owners and whoever sees the household. Raises NotFound."""
    household = await Household.get_or_none(id=household_id).select_related("building")
    live = await Ownership.filter(household_id=household_id, until_at=None).order_by("id")
    if household is None or not (
        actor.id in {one.resident_id for one in live} or policies.may_see_household(actor, household)
    ):
        raise NotFound("没有找到这一户", "No such household")
    owners = [Owner(one.resident_id, Fraction(one.share_numerator, one.share_denominator), one.votes) for one in live]
    return household, owners
