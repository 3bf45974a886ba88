"""One's own page."""

from dataclasses import dataclass

from app.core import db
from app.core.db import atomic
from models.base import Moderation
from models.homes import NotForChildren
from models.media import UnknownPhoto
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
async def update_profile(actor: Actor, **named: str | int | None) -> Profile:
    """Replace the named fields of the actor's own page: `nickname`, `avatar_id` (None takes the picture away).

    Others see either once it has passed its check. Raises UnknownPhoto for a picture that is not his own,
    NotForChildren under 14: nobody's name or picture is published then.
    """
    resident = await Resident.get(id=actor.id)
    if named and actor.child:
        raise NotForChildren
    if "nickname" in named:
        await checks.expect(actor, resident, kind="nickname", community_id=actor.community_id, again=True)
        named |= {"nickname_wanted": named.pop("nickname"), "nickname_moderation": Moderation.CHECKING}
    if "avatar_id" in named:
        named |= await _avatar(actor, named.pop("avatar_id"))
    if named:
        await Resident.filter(id=actor.id).update(**named)
    await events.record(actor, "resident.updated", resident)
    return await profile(actor)


async def _avatar(actor: Actor, media_id: str | int | None) -> dict[str, str | int | None]:
    """What asking for a picture changes: it is shown, or wanted until its check ends, which waits for our lock."""
    if media_id is None:
        return {"avatar_id": None, "wanted_avatar_id": None}
    moderation = await db.value(
        "SELECT moderation FROM media WHERE id = $1 AND uploader_id = $2 AND purpose = 'avatar' FOR SHARE",
        media_id,
        actor.id,
    )
    if moderation in (None, Moderation.HIDDEN):
        raise UnknownPhoto
    if moderation == Moderation.PASSED:
        return {"avatar_id": media_id, "wanted_avatar_id": None}
    return {"wanted_avatar_id": media_id}
