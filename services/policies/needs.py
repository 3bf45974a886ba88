"""Who may do what about a need."""

from models.needs import Need, NeedLevel, NeedState
from models.residents import Role
from services.policies.actor import STAFF, Actor

LEVELS = list(NeedLevel)
HANDLERS = {
    NeedLevel.GRID: STAFF,
    NeedLevel.COMMUNITY: {Role.COMMITTEE},
    NeedLevel.STREET: {Role.STREET_OFFICER},
    NeedLevel.DISTRICT: {Role.DISTRICT_OFFICER},
}
ABOVE_THE_COMMUNITY = (NeedLevel.STREET, NeedLevel.DISTRICT)


def is_author(actor: Actor, need: Need) -> bool:
    """He himself, by whosever hand: who helped to write it down shows his consent to whatever follows, too."""
    return actor.id == need.author_id


def may_handle(actor: Actor, need: Need) -> bool:
    """Accept, decline, route, answer, finish, hand up: who serves at the level the need lies before.

    What is answered or overdue there is the community's staff's to go on with as well.
    """
    staff = actor.is_staff(need.community_id)
    returned = need.overdue or need.state is NeedState.IN_PROGRESS
    if need.level is NeedLevel.GRID or (staff and returned):
        return staff
    return actor.holds(need.community_id, *HANDLERS[need.level])


def may_hand_back(actor: Actor, need: Need) -> bool:
    """Whoever serves at the level that a need was handed up to."""
    if need.level is NeedLevel.GRID:
        return actor.is_staff(need.community_id)
    return actor.holds(need.community_id, *HANDLERS[need.level])


def level_above(actor: Actor, need: Need) -> NeedLevel | None:
    """The level above both the need's and the actor's own; None above the district."""
    held = [level for level in LEVELS if actor.holds(need.community_id, *HANDLERS[level])]
    reached = max(LEVELS.index(level) for level in (need.level, *held))
    return LEVELS[reached + 1] if reached + 1 < len(LEVELS) else None


def may_set_urgency(actor: Actor, need: Need) -> bool:
    """The committee."""
    return actor.is_committee(need.community_id)


def may_endorse(actor: Actor, need: Need) -> bool:
    """A verified neighbour, neither the author himself nor whoever wrote it down for him."""
    return actor.lives_in(need.community_id) and actor.id not in (need.author_id, need.assistant_id)


def may_rate(actor: Actor, need: Need) -> bool:
    """Its author or somebody who stood behind it."""
    return is_author(actor, need) or need.endorsed_by_me


def may_reopen(actor: Actor, need: Need) -> bool:
    """Anybody affected: author, endorser, or a verified resident of the community."""
    return may_rate(actor, need) or actor.lives_in(need.community_id)
