"""Who may see, raise, publish and give: raising stays inside the community (居委会组织法 42)."""

from models.crowdfunding import Campaign, CampaignState, Pledge
from services.policies.actor import OFFICERS, STAFF, Actor


def staffed_by(actor: Actor) -> set[int]:
    """The communities in which he works; there he sees drafts too."""
    if actor.suspended:
        return set()
    works = [grant for grant in actor.grants if grant.role in STAFF]
    inside = {grant.community_id for grant in works if grant.community_id is not None}
    return inside.union(*(grant.communities for grant in works))


def shown_to(actor: Actor) -> set[int]:
    """The communities whose campaigns he sees: his own, those he works in, those below him as an officer."""
    if actor.suspended:
        return set()
    home = {actor.community_id} if actor.verified and actor.community_id is not None else set()
    below = (grant.communities for grant in actor.grants if grant.role in OFFICERS)
    return home.union(staffed_by(actor), *below)


def may_propose(actor: Actor, community_id: int) -> bool:
    """The community's committee and other staff draw up campaigns."""
    return actor.is_staff(community_id)


def may_publish(actor: Actor, campaign: Campaign) -> bool:
    """A committee member other than whoever submitted it."""
    return actor.is_committee(campaign.community_id) and actor.id != campaign.submitted_by_id


def may_conduct(actor: Actor, campaign: Campaign) -> bool:
    """The committee cancels, accepts and settles."""
    return actor.is_committee(campaign.community_id)


def may_look_into(actor: Actor, pledge: Pledge) -> bool:
    """A pledge is between its giver and the staff of the community."""
    return pledge.giver_id == actor.id or actor.is_staff(pledge.community_id)


def may_take_back(actor: Actor, pledge: Pledge, campaign_state: CampaignState) -> bool:
    """The giver while the campaign is open; the committee afterwards, when WeChat refused to send a refund."""
    if campaign_state in (CampaignState.FAILED, CampaignState.CANCELLED):
        return actor.is_committee(pledge.community_id)
    return pledge.giver_id == actor.id
