"""Who may do what about a wish."""

from models.base import Moderation
from models.wishes import Side, Wish
from services.policies.actor import Actor


def speaks_for(actor: Actor, wish: Wish) -> bool:
    """The wisher, or whoever posted it on his behalf and still serves there."""
    return actor.id == wish.author_id or (actor.id == wish.assistant_id and actor.is_staff(wish.community_id))


def may_conclude(actor: Actor, wish: Wish) -> bool:
    """Confirm or dispute: the wisher's side; for one who was helped to wish, any of the staff who did not claim it."""
    helped = wish.assistant_id is not None and actor.is_staff(wish.community_id) and not wish.claimed_by_me
    return speaks_for(actor, wish) or helped


def may_consent(actor: Actor, wish: Wish) -> bool:
    """To be seen and to be reached: the wisher himself, by whosever hand."""
    return actor.id == wish.author_id


def may_approve(actor: Actor, wish: Wish) -> bool:
    """The committee, but nobody a wish that he made or posted himself."""
    return actor.is_committee(wish.community_id) and actor.id not in (wish.author_id, wish.assistant_id)


def knows_the_wisher(actor: Actor, wish: Wish) -> bool:
    """His own side and the committee; everybody else reads a masked name."""
    return speaks_for(actor, wish) or actor.is_committee(wish.community_id)


def reads_words(actor: Actor, wish: Wish) -> bool:
    """Everybody once they have passed; before, and when they are hidden, the wisher's side and the committee."""
    return wish.moderation is Moderation.PASSED or knows_the_wisher(actor, wish) or actor.id == wish.assistant_id


def is_own(wish: Wish, *resident_ids: int) -> bool:
    """Whether one of these made the wish or posted it: he claims it neither for himself nor for another."""
    return not {wish.author_id, wish.assistant_id}.isdisjoint(resident_ids)


def may_withdraw(actor: Actor, wish: Wish) -> bool:
    """The wisher's side or the committee."""
    return speaks_for(actor, wish) or actor.is_committee(wish.community_id)


def may_extend(actor: Actor, wish: Wish) -> bool:
    """Give a claimer more time: the wisher's side or the committee, but nobody himself."""
    return may_withdraw(actor, wish) and not wish.claimed_by_me


def may_read_disclosures(actor: Actor, wish: Wish) -> bool:
    """Who read how to reach the wisher: his side and the committee."""
    return speaks_for(actor, wish) or actor.is_committee(wish.community_id)


def may_resolve(actor: Actor, wish: Wish) -> bool:
    """Settle a dispute: the committee, but none of the two sides."""
    return may_approve(actor, wish) and not wish.claimed_by_me


def side(actor: Actor, wish: Wish) -> Side | None:
    """From which side the actor speaks in a dispute about it."""
    if speaks_for(actor, wish):
        return Side.WISHER
    if wish.claimed_by_me:
        return Side.CLAIMER
    return Side.COMMITTEE if actor.is_committee(wish.community_id) else None


def sees_all_claims(actor: Actor, wish: Wish) -> bool:
    """The wisher's side and the community's staff know who claimed; a claimer knows of himself."""
    return speaks_for(actor, wish) or actor.is_staff(wish.community_id)


def is_concerned(actor: Actor, wish: Wish) -> bool:
    """Whether thanks and the words of a dispute are his to read."""
    return sees_all_claims(actor, wish) or wish.claimed_by_me
