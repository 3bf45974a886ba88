"""Who may propose, moderate, comment and withdraw. Who may vote stands on the roll."""

from models.deliberations import Deliberation, DeliberationState
from services.policies.actor import Actor

BEFORE_THE_VOTE = (DeliberationState.PROPOSED, DeliberationState.DISCUSSION)


def may_moderate(actor: Actor, deliberation: Deliberation) -> bool:
    """The committee opens discussion and vote, and closes."""
    return actor.is_committee(deliberation.community_id)


def may_withdraw(actor: Actor, deliberation: Deliberation) -> bool:
    """The committee; whoever proposed it until the vote opens."""
    is_author = deliberation.author_id == actor.id and not actor.suspended
    return may_moderate(actor, deliberation) or (is_author and deliberation.state in BEFORE_THE_VOTE)
