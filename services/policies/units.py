"""Who may do what about a unit that helps as one."""

from models.units import Unit
from services.policies.actor import Actor


def may_confirm(actor: Actor, unit: Unit) -> bool:
    """The committee, but nobody a unit that he acts for."""
    return actor.is_committee(unit.community_id) and actor.id != unit.contact_id


def may_end(actor: Actor, unit: Unit) -> bool:
    """Its contact or the committee."""
    return actor.id == unit.contact_id or actor.is_committee(unit.community_id)
