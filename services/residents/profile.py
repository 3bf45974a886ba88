"""One's own page."""

from dataclasses import dataclass

from app.core.db import atomic
from models.base import Moderation
from models.residents import (
    Capacity,
    Household,
    Membership,
    Resident,
)
from services import checks, events
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
    """Replace the named fields of the actor's own page: `nickname`, `avatar_url` (None takes the picture away).

    A nickname is only wanted until it has passed.
    """
    resident = await Resident.get(id=actor.id)
    if "nickname" in named:
        await checks.expect(actor, resident, kind="nickname", community_id=actor.community_id, again=True)
        named["nickname_wanted"] = named.pop("nickname")
        named["nickname_moderation"] = Moderation.CHECKING
    if named:
        await Resident.filter(id=actor.id).update(**named)
    await events.record(actor, "resident.updated", resident)
    return await profile(actor)
