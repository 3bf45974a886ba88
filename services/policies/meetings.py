"""Who calls meetings, enters who came, puts them on record; who asks for one; who follows what was decided."""

from models.deliberations import Deliberation
from models.following import FollowUp
from models.meetings import Meeting, Petition
from services.policies.actor import STAFF, Actor


def may_call(actor: Actor, community_id: int) -> bool:
    """The committee calls meetings (居委会组织法 26, 28, 32)."""
    return actor.is_committee(community_id)


def may_run(actor: Actor, meeting: Meeting) -> bool:
    """The community's staff show the code and enter who came."""
    return actor.is_staff(meeting.community_id)


def may_answer(actor: Actor, petition: Petition) -> bool:
    """The committee answers."""
    return actor.is_committee(petition.community_id)


def may_withdraw(actor: Actor, petition: Petition) -> bool:
    """Whoever started it."""
    return actor.id == petition.author_id and not actor.suspended


def may_display(actor: Actor, community_id: int) -> bool:
    """The community's staff hang resolutions up and take them down."""
    return actor.is_staff(community_id)


def may_follow(actor: Actor, community_id: int) -> bool:
    """The committee says what is to be done, and reviews it."""
    return actor.is_committee(community_id)


def may_be_assigned(assignee: Actor, community_id: int) -> bool:
    """Somebody who lives or works here."""
    return assignee.lives_in(community_id) or assignee.is_staff(community_id)


def may_finish(actor: Actor, task: FollowUp) -> bool:
    """Whoever it was given to, or the committee."""
    return (actor.id == task.assignee_id and not actor.suspended) or may_follow(actor, task.community_id)


def may_review(actor: Actor, deliberation: Deliberation) -> bool:
    """The committee."""
    return actor.is_committee(deliberation.community_id)


def sees_unchecked_in(actor: Actor) -> list[int]:
    """Where he works he sees words before they have passed."""
    return actor.serves(*STAFF)
