"""Who looks after what WeChat is in doubt about."""

from tortoise.expressions import Q

from models.moderation import Check
from models.residents import Role
from services.policies.actor import Actor

MODERATORS = (Role.COMMITTEE, Role.SOCIAL_WORKER)


def looks_after(actor: Actor, community_id: int | None) -> bool:
    """The committee and the social workers of the community; a street officer what belongs to no community."""
    if community_id is None:
        return looks_after_the_unsettled(actor)
    return community_id in actor.serves(*MODERATORS)


def looks_after_the_unsettled(actor: Actor) -> bool:
    """Any street officer: people of no community have nicknames too."""
    return not actor.suspended and any(grant.role is Role.STREET_OFFICER for grant in actor.grants)


def is_party(actor: Actor, check: Check) -> bool:
    """Whoever wrote it, or helped to."""
    return actor.id in (check.author_id, check.speaker_id)


def sees_pauses(actor: Actor) -> Q:
    """One's own, and those where one looks after content."""
    return Q(resident_id=actor.id) | Q(community_id__in=actor.serves(*MODERATORS))
