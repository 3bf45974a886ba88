"""Who calls for volunteers, who leads them, who confirms their hours."""

from typing import Protocol

from models.base import Moderation
from models.volunteering import Activity
from services.policies.actor import Actor


def may_organise(actor: Actor, community_id: int) -> bool:
    """The community's staff: committee, social workers, building heads."""
    return actor.is_staff(community_id)


def may_be_leader(leader: Actor, community_id: int) -> bool:
    """A verified resident of the community, or one of its staff."""
    return leader.lives_in(community_id) or leader.is_staff(community_id)


def may_lead(actor: Actor, activity: Activity) -> bool:
    """The leader shows the code and checks people in, as long as he lives or works here."""
    return actor.id == activity.leader_id and may_be_leader(actor, activity.community_id)


def may_manage(actor: Actor, activity: Activity) -> bool:
    """The leader and the staff change an activity and its shifts, and call them off."""
    return may_lead(actor, activity) or actor.is_staff(activity.community_id)


def reads_words(actor: Actor, activity: Activity) -> bool:
    """Everybody once they have passed; before, and when they are hidden, who wrote or leads it and the staff."""
    own = actor.id in (activity.author_id, activity.leader_id) or actor.is_staff(activity.community_id)
    return own or activity.moderation is Moderation.PASSED


def may_confirm_hours(actor: Actor, activity: Activity) -> bool:
    """The leader; and the community's staff, who also confirm the leader's own."""
    return may_lead(actor, activity) or actor.is_staff(activity.community_id)


class Recorded(Protocol):
    """A service record, as far as it matters who may judge it."""

    @property
    def community_id(self) -> int: ...

    @property
    def leader_id(self) -> int: ...

    @property
    def resident_id(self) -> int: ...


def may_correct(actor: Actor, record: Recorded) -> bool:
    """The leader and the staff correct what was confirmed and decide disputes, nobody about himself."""
    here = may_be_leader(actor, record.community_id)
    concerned = (actor.id == record.leader_id and here) or actor.is_staff(record.community_id)
    return concerned and actor.id != record.resident_id
