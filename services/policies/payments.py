"""Who may see how WeChat's bills fit the fund."""

from models.residents import Role
from services.policies.actor import OFFICERS, Actor


def may_see_bills(actor: Actor, community_id: int) -> bool:
    """The committee that keeps the fund, the supervisors who watch it, and the officers above."""
    return actor.holds(community_id, Role.COMMITTEE, Role.SUPERVISOR, *OFFICERS)
