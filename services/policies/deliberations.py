"""Who may propose, moderate, comment, withdraw, rule, and enter ballots for others. Who may vote stands on the roll."""

from models.deliberations import Deliberation, DeliberationState
from models.places import Place
from models.residents import Role
from services.policies.actor import OFFICERS, STAFF, Actor

BEFORE_THE_VOTE = (DeliberationState.PROPOSED, DeliberationState.DISCUSSION)


def may_moderate(actor: Actor, deliberation: Deliberation) -> bool:
    """The committee opens discussion and vote, takes options of residents in or leaves them out, and closes."""
    return actor.is_committee(deliberation.community_id)


def may_withdraw(actor: Actor, deliberation: Deliberation) -> bool:
    """The committee; whoever proposed it, but not while the vote runs."""
    is_author = deliberation.author_id == actor.id and not actor.suspended
    return may_moderate(actor, deliberation) or (is_author and deliberation.state is not DeliberationState.VOTING)


def may_set_terms(actor: Actor, place: Place) -> bool:
    """The committee of a community, and the officers above, ask for more than the law does."""
    return actor.holds_at(place.path, Role.COMMITTEE, *OFFICERS)


def may_recognise(actor: Actor, place: Place) -> bool:
    """Whether owners' votes are the statutory ballot here, an officer says."""
    return actor.holds_at(place.path, *OFFICERS)


def may_hear_objections(actor: Actor, deliberation: Deliberation) -> bool:
    """The committee decides what is objected to the roll; the officers above where its members are parties."""
    return actor.holds(deliberation.community_id, Role.COMMITTEE, *OFFICERS)


def may_enter_ballots(actor: Actor, deliberation: Deliberation) -> bool:
    """The community's staff print sheets, and enter ballots of those who use no phone."""
    return actor.is_staff(deliberation.community_id)


def chooses_options_in(actor: Actor) -> list[int]:
    """The communities whose proposed options he sees before they are shown."""
    return actor.serves(*STAFF)


def hears_objections_in(actor: Actor) -> list[int]:
    """The communities whose objections he sees besides his own."""
    return actor.serves(*STAFF, *OFFICERS)


def enters_ballots_in(actor: Actor) -> list[int]:
    """The communities whose paper ballots he sees."""
    return actor.serves(*STAFF)
