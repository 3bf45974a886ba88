"""Who may see, raise, publish and give: raising stays inside the community (居委会组织法 42)."""

from models.crowdfunding import Campaign, Pledge
from models.residents import Role
from services.policies.actor import OFFICERS, STAFF, Actor


def staffed_by(actor: Actor) -> list[int]:
    """The communities in which he works; there he sees drafts too."""
    return actor.serves(*STAFF)


def shown_to(actor: Actor) -> list[int]:
    """The communities whose campaigns he sees: his own, those he works in, those below him as an officer."""
    home = [actor.community_id] if actor.verified and actor.community_id is not None else []
    return sorted({*home, *actor.serves(*STAFF, *OFFICERS)})


def may_propose(actor: Actor, community_id: int) -> bool:
    """The community's committee and other staff draw up campaigns."""
    return actor.is_staff(community_id)


def may_conduct(actor: Actor, campaign: Campaign) -> bool:
    """The committee publishes, cancels, accepts and settles."""
    return actor.is_committee(campaign.community_id)


def may_look_into(actor: Actor, pledge: Pledge) -> bool:
    """A pledge is between its giver and the staff of the community."""
    return pledge.giver_id == actor.id or actor.is_staff(pledge.community_id)


def may_take_back(actor: Actor, pledge: Pledge) -> bool:
    """The giver takes back what he gave, while the campaign is open."""
    return pledge.giver_id == actor.id


def may_give_back(actor: Actor, pledge: Pledge) -> bool:
    """The committee gives back what somebody else gave, and sees to refunds that WeChat has closed."""
    return actor.is_committee(pledge.community_id) and pledge.giver_id != actor.id


def may_ask_again(actor: Actor, pledge: Pledge) -> bool:
    """The committee sees to refunds that WeChat has closed, at any time."""
    return actor.is_committee(pledge.community_id)


def may_keep_books(actor: Actor, community_id: int) -> bool:
    """The committee records by hand what WeChat never saw, two of them together."""
    return actor.is_committee(community_id)


def may_see_books(actor: Actor, community_id: int) -> bool:
    """Slips are for the committee that keeps the fund, the supervisors who watch it, and the officers above."""
    return actor.holds(community_id, Role.COMMITTEE, Role.SUPERVISOR, *OFFICERS)


def may_receive(actor: Actor, pledge: Pledge) -> bool:
    """The staff note what was given; nobody what he gave himself."""
    return actor.is_staff(pledge.community_id) and pledge.giver_id != actor.id
