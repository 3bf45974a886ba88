"""One's own page."""

from dataclasses import dataclass

from app.core.db import atomic
from models.residents import (
    Capacity,
    Household,
    Membership,
    Resident,
)
from services import events
from services.policies import Actor


@dataclass(frozen=True)
class Profile:
    """What a resident sees of himself."""

    actor: Actor
    resident: Resident
    household: Household | None
    capacity: Capacity | None


async def profile(actor: Actor) -> Profile:
    """The actor's own page."""
    resident = await Resident.get(id=actor.id)
    membership = (
        await Membership.filter(resident_id=actor.id, until_at=None).select_related("household__building").first()
    )
    return Profile(
        actor,
        resident,
        membership.household if membership else None,
        membership.capacity if membership else None,
    )


@atomic()
async def update_profile(actor: Actor, **named: str | None) -> Profile:
    """Replace the named fields of the actor's own page: `nickname`, `avatar_url` (None takes the picture away)."""
    resident = await Resident.get(id=actor.id)
    resident.update_from_dict(named)
    if named:
        await resident.save(update_fields=list(named))
    await events.record(actor, "resident.updated", resident)
    return await profile(actor)
