"""Who may do what about a need."""

from models.needs import Need
from services.policies.actor import Actor


def speaks_for(actor: Actor, need: Need) -> bool:
    """Its author, or whoever posted it on his behalf and still serves there."""
    return actor.id == need.author_id or (actor.id == need.assistant_id and actor.is_staff(need.community_id))


def may_handle(actor: Actor, need: Need) -> bool:
    """Accept, decline, route, answer, finish: the community's staff."""
    return actor.is_staff(need.community_id)


def may_endorse(actor: Actor, need: Need) -> bool:
    """A verified neighbour, not the author himself."""
    return actor.lives_in(need.community_id) and actor.id != need.author_id


def may_rate(actor: Actor, need: Need) -> bool:
    """Its author or somebody who stood behind it."""
    return speaks_for(actor, need) or need.endorsed_by_me


def may_reopen(actor: Actor, need: Need) -> bool:
    """Anybody affected: author, endorser, or a verified resident of the community."""
    return may_rate(actor, need) or actor.lives_in(need.community_id)
