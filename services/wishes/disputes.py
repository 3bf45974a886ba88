"""Disputes: the wisher says it is not so, both sides are heard, the committee decides."""

from collections.abc import Sequence
from datetime import timedelta

from app.core import clock
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, TooMany
from models.wishes import (
    STATEMENTS_MAX,
    NotHeard,
    Outcome,
    Side,
    Wish,
    WishClaim,
    WishClaimState,
    WishState,
    WishStatement,
)
from services import checks, events
from services.policies import Actor, require
from services.policies import wishes as policies
from services.wishes.claiming import tell_if_paused
from services.wishes.reading import find
from services.wishes.road import COMMITTEE_ONLY, helped_id, lock, must_conclude, refuse_a_claimers_hand
from services.wishes.telling import tell_claimers, tell_committee, tell_wisher

HEARING_DAYS = 3
OTHER_SIDE = ("许愿人一方不能代认领人说明情况", "The wisher's side does not speak for a claimer")


@atomic()
async def dispute(actor: Actor, wish_id: int, *, reason: str | None = None) -> Wish:
    """Say that what was reported is not so; the committee settles it. Raises Forbidden, InvalidState."""
    wish = await find(actor, wish_id)
    await must_conclude(actor, wish)
    await wish.move_to(WishState.DISPUTED, disputed_at=await clock.now())
    await events.record(actor, "wish.disputed", wish, on_behalf_of_id=helped_id(actor, wish), reason=reason)
    await tell_claimers("wish.disputed", wish)
    await tell_committee(actor, "wish.disputed", wish)
    return wish


@atomic()
async def state_case(actor: Actor, wish_id: int, *, body: str) -> Wish:
    """Say one's side of a dispute while it runs; for the two sides and the committee.

    Raises Forbidden, InvalidState, TooMany after twenty of his.
    """
    wish = await find(actor, wish_id)
    side = policies.side(actor, wish)
    require(side is not None, "只有双方和居委会可以说明情况", "Only the two sides and the committee are heard")
    if side is Side.WISHER:
        await refuse_a_claimers_hand(actor, wish)
    require(side is not Side.CLAIMER or not policies.is_own(wish, actor.hand_id), *OTHER_SIDE)
    await lock(wish)
    if wish.state is not WishState.DISPUTED:
        raise InvalidState(wish.state)
    if await WishStatement.filter(wish_id=wish.id, author_id=actor.id).count() >= STATEMENTS_MAX:
        raise TooMany("说明次数已达上限", "You have said enough")
    statement = await WishStatement.create(
        wish_id=wish.id, community_id=wish.community_id, author_id=actor.id, side=side, body=body
    )
    await checks.expect(actor, statement)
    await events.record(actor, "wish.stated", wish, side=side)
    return wish


@atomic()
async def resolve(
    actor: Actor, wish_id: int, *, outcome: Outcome, reason: str, claim_ids: Sequence[int] | None = None
) -> Wish:
    """Settle a dispute; wisher and claimers read how. Upheld, the claims concerned (all of them, if none is named)
    count as abandoned; that waits until their holders have spoken, three days at most.

    Committee only, and none of the two sides. Raises Forbidden, InvalidState, NotHeard, Invalid for a claim elsewhere.
    """
    wish = await find(actor, wish_id)
    require(policies.may_resolve(actor, wish), *COMMITTEE_ONLY)
    await lock(wish)
    if wish.state is not WishState.DISPUTED:
        raise InvalidState(wish.state)
    concerned = await _concerned(wish, claim_ids)
    if outcome is Outcome.UPHELD:
        await _must_be_heard(wish, concerned)
        upheld_at = await clock.now()
        for claim in concerned:
            await WishClaim.filter(id=claim.id).update(upheld_at=upheld_at)
            await tell_if_paused(wish, claim)
    await wish.move_to(WishState.CLOSED, outcome=outcome)
    await events.record(actor, "wish.closed", wish, reason=reason)
    await tell_wisher(actor, "wish.closed", wish)
    await tell_claimers("wish.closed", wish)
    return await find(actor, wish_id)


async def _concerned(wish: Wish, claim_ids: Sequence[int] | None) -> list[WishClaim]:
    """The reported claims a decision is about, all of the wish's if none is named."""
    reported = await WishClaim.filter(wish_id=wish.id, state=WishClaimState.FULFILLED).order_by("id")
    if claim_ids is None:
        return reported
    named = [claim for claim in reported if claim.id in claim_ids]
    if len(named) != len(set(claim_ids)) or not named:
        raise Invalid("认领编号不属于这个心愿", "A claim named is not one of this wish")
    return named


async def _must_be_heard(wish: Wish, claims: Sequence[WishClaim]) -> None:
    assert wish.disputed_at is not None  # noqa: S101 - the database holds that
    if wish.disputed_at + timedelta(days=HEARING_DAYS) <= await clock.now():
        return
    spoke = await WishStatement.filter(wish_id=wish.id, side=Side.CLAIMER).values_list("author_id", flat=True)
    if not all({claim.resident_id, claim.assistant_id} & set(spoke) for claim in claims):
        raise NotHeard
