"""Who may do what about a wish."""

from models.wishes import Wish
from services.policies.actor import Actor


def speaks_for(actor: Actor, wish: Wish) -> bool:
    """The wisher, or whoever posted it on his behalf and still serves there."""
    return actor.id == wish.author_id or (actor.id == wish.assistant_id and actor.is_staff(wish.community_id))


def may_conclude(actor: Actor, wish: Wish) -> bool:
    """Confirm or dispute: the wisher's side; for one who was helped to wish, any of the staff who did not claim it."""
    helped = wish.assistant_id is not None and actor.is_staff(wish.community_id) and not wish.claimed_by_me
    return speaks_for(actor, wish) or helped


def may_approve(actor: Actor, wish: Wish) -> bool:
    """The committee, but nobody a wish that he made or posted himself."""
    return actor.is_committee(wish.community_id) and actor.id not in (wish.author_id, wish.assistant_id)


def may_claim(actor: Actor, wish: Wish) -> bool:
    """A verified neighbour who neither made the wish nor posted it."""
    return actor.lives_in(wish.community_id) and actor.id not in (wish.author_id, wish.assistant_id)


def may_withdraw(actor: Actor, wish: Wish) -> bool:
    """The wisher's side or the committee."""
    return speaks_for(actor, wish) or actor.is_committee(wish.community_id)


def sees_all_claims(actor: Actor, wish: Wish) -> bool:
    """The wisher's side and the community's staff know who claimed; a claimer knows of himself."""
    return speaks_for(actor, wish) or actor.is_staff(wish.community_id)


def is_concerned(actor: Actor, wish: Wish) -> bool:
    """Whether thanks and the words of a dispute are his to read."""
    return sees_all_claims(actor, wish) or wish.claimed_by_me
