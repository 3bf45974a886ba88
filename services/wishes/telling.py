"""Who hears of a wish."""

from models.residents import Role
from models.wishes import Wish, WishClaim, WishClaimState
from services import notifications, residents
from services.policies import Actor


async def tell_wisher(actor: Actor | None, kind: str, wish: Wish) -> None:
    """The wisher's side, but for whoever did it."""
    told = [resident_id for resident_id in (wish.author_id, wish.assistant_id) if not actor or resident_id != actor.id]
    await notifications.tell(told, kind, wish, title=wish.title)


async def tell_claimers(kind: str, wish: Wish) -> None:
    """All who hold a claim or have reported, and who helped them to it."""
    claims = await WishClaim.filter(wish_id=wish.id).exclude(state=WishClaimState.RELEASED)
    told = [resident_id for claim in claims for resident_id in (claim.resident_id, claim.assistant_id)]
    await notifications.tell(told, kind, wish, title=wish.title)


async def tell_committee(actor: Actor, kind: str, wish: Wish) -> None:
    """The committee, but for whoever did it or whose wish it is."""
    committee = set(await residents.holders(Role.COMMITTEE, wish.community_id))
    told = committee - {actor.id, wish.author_id, wish.assistant_id}
    await notifications.tell(told, kind, wish, title=wish.title)
