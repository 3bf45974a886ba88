"""The one door to a household: its members, and whoever looks after its building; nobody else knows of it."""

from app.core.errors import NotFound
from models.residents import Household
from services.policies import Actor
from services.policies import residents as policies


async def household_of(actor: Actor, household_id: int, *, held: bool = False) -> Household:
    """A household with its building; `held` until the transaction ends. Raises NotFound."""
    there = Household.filter(id=household_id).select_related("building")
    household = await (there.select_for_update(of=("households",), no_key=True) if held else there).first()
    if household is None or not policies.may_see_household(actor, household):
        raise NotFound("没有找到这一户", "No such household")
    return household
