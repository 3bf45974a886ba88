"""Claims: exactly as many as a wish asks for, three at a time each, seven days each; dropping three pauses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.core import clock, db
from app.core.clock import SHANGHAI
from app.core.db import atomic
from app.core.errors import Forbidden, InvalidState, NotFound, TooLate, Unavailable
from models.base import Moderation
from models.units import UnitState
from models.wishes import (
    CLAIMERS_MAX,
    HANDS,
    AlreadyClaimed,
    ClaimingPaused,
    ExtensionAsked,
    NotChecked,
    OwnWish,
    TooManyClaims,
    UnitNotConfirmed,
    Wish,
    WishClaim,
    WishClaimState,
    WishState,
)
from services import checks, events, media, notifications, units
from services.due import one_by_one
from services.policies import Actor, require, require_resident
from services.policies import wishes as policies
from services.wishes.reading import find
from services.wishes.road import DUE_MAX, WISHER_ONLY, helped_id, lock, refuse_a_claimers_hand
from services.wishes.telling import tell_committee, tell_wisher

CLAIM_DAYS, REMIND_DAYS_BEFORE, PAUSE_DAYS, PAUSE_AFTER = 7, 2, 30, 3
TAKE_TRIES = CLAIMERS_MAX + HANDS

# What a holder (for a unit: as its contact) let run out, or reported although it was not so.
ABANDONED = """
SELECT id, coalesce(upheld_at, ended_at) AS at FROM wish_claims
WHERE resident_id = {holder} AND unit_id IS NOT DISTINCT FROM {unit}::bigint AND (ran_out OR upheld_at IS NOT NULL)
"""
# Until when the third, sixth, … of these pauses him.
PAUSED_UNTIL = f"""
SELECT max(at) + interval '{PAUSE_DAYS} days' FROM (
    SELECT at, row_number() OVER (ORDER BY at, id) AS nth FROM ({ABANDONED}) abandoned) counted
WHERE nth % {PAUSE_AFTER} = 0 AND at > clock_now() - interval '{PAUSE_DAYS} days'
"""
# The lowest free slot of the wish into the holder's lowest free hand. Who comes second to either gets no row. A wish
# for one is claimed by that.
TAKE = f"""
WITH taken AS (
    INSERT INTO wish_claims (community_id, wish_id, wisher_id, resident_id, unit_id, assistant_id, claimers, slot, hand,
        state, due_at, reminded, ran_out)
    SELECT w.community_id, w.id, w.author_id, $2, $3::bigint, $4::bigint, w.claimers, slot, hand,
        'held', clock_now() + interval '{CLAIM_DAYS} days', false, false
    FROM wishes w, generate_series(1, w.claimers) AS slot, generate_series(1, {HANDS}) AS hand
    WHERE w.id = $1 AND ({PAUSED_UNTIL.format(holder="$2", unit="$3")}) IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM wish_claims c WHERE c.wish_id = w.id AND c.slot = slot.slot AND c.state <> 'released')
        AND NOT EXISTS (
            SELECT 1 FROM wish_claims c WHERE c.resident_id = $2 AND c.unit_id IS NOT DISTINCT FROM $3::bigint
                AND c.hand = hand.hand AND c.state = 'held')
    ORDER BY slot, hand LIMIT 1
    ON CONFLICT DO NOTHING
    RETURNING id, claimers
), moved AS (
    UPDATE wishes w SET state = 'claimed' FROM taken WHERE w.id = $1 AND w.state = 'open' AND taken.claimers = 1
    RETURNING w.id
)
SELECT taken.id, EXISTS (SELECT 1 FROM moved) AS moved FROM taken
"""
COUNTED = f"""
SELECT count(*) FILTER (WHERE wish_id = $1) AS taken,
    count(*) FILTER (WHERE wish_id = $1 AND resident_id = $2) AS mine,
    count(*) FILTER (WHERE resident_id = $2 AND unit_id IS NOT DISTINCT FROM $3::bigint AND state = 'held') AS hands,
    ({PAUSED_UNTIL.format(holder="$2", unit="$3")}) AS paused_until
FROM wish_claims WHERE state <> 'released' AND (wish_id = $1 OR resident_id = $2)
"""


@atomic()
async def claim(actor: Actor, wish_id: int, *, unit_id: int | None = None) -> Wish:
    """Take one slot of a wish for seven days, for oneself or one's unit.

    Who comes second is refused by the index, not by a look before.

    Raises Forbidden, OwnWish, ClaimingPaused, InvalidState, NotChecked, AlreadyClaimed, TooManyClaims,
    UnitNotConfirmed.
    """
    wish = await find(actor, wish_id)
    require_resident(actor, wish.community_id)
    if policies.is_own(wish, actor.id, actor.hand_id):
        raise OwnWish
    if wish.state not in (WishState.OPEN, WishState.CLAIMED):
        raise InvalidState(wish.state)
    if wish.moderation is not Moderation.PASSED:
        raise NotChecked
    if unit_id is not None:
        await _must_act_for(actor, wish, unit_id)
    claim_id = await _take(actor, wish, unit_id)
    await events.record(actor, "wish.claimed", wish, claim_id=claim_id, unit_id=unit_id)
    await tell_wisher(actor, "wish.claimed", wish)
    return wish


@atomic()
async def release(actor: Actor, wish_id: int) -> Wish:
    """Give one's claim back; the wish is open again. Raises Forbidden, InvalidState."""
    wish = await find(actor, wish_id)
    await lock(wish)
    await _release(actor, wish, await _claim_of(actor, wish))
    return await find(actor, wish_id)


@atomic()
async def release_all(actor: Actor, *, community_id: int | None = None) -> None:
    """Give back what somebody who leaves (a community, or altogether) holds, also of wishes he may not see any more."""
    held = WishClaim.filter(resident_id=actor.id, state=WishClaimState.HELD).select_related("wish").order_by("wish_id")
    for claim in await (held if community_id is None else held.filter(community_id=community_id)):
        await lock(claim.wish)
        if await WishClaim.exists(id=claim.id, state=WishClaimState.HELD):
            await _release(actor, claim.wish, claim)


@atomic()
async def fulfil(actor: Actor, wish_id: int, *, note: str, photo_ids: Sequence[int] = ()) -> Wish:
    """Report what one did before the claim runs out; the wish is fulfilled when every claimer has reported.

    Raises Forbidden, InvalidState, TooLate, and what `media.attach` raises.
    """
    wish = await find(actor, wish_id)
    await lock(wish)
    held = await _claim_of(actor, wish)
    now = await clock.now()
    await held.move_to(WishClaimState.FULFILLED, ended_at=now, note=note, moderation=Moderation.CHECKING)
    await checks.expect(actor, held)
    if held.due_at <= now:
        raise TooLate("认领已到期，心愿将重新开放", "The claim has run out; the wish opens again")
    await media.attach(actor, held, wish.community_id, photo_ids)
    await _follow_claims(wish)
    await events.record(actor, "wish.fulfilled", wish, claim_id=held.id)
    if wish.state is WishState.FULFILLED:
        await tell_wisher(actor, "wish.fulfilled", wish)
    return await find(actor, wish_id)


@atomic()
async def ask_extension(actor: Actor, wish_id: int, *, days: int, reason: str) -> Wish:
    """Ask the wisher's side and the committee for 1 to 7 days more, once for a claim.

    Raises Forbidden, InvalidState, TooLate, ExtensionAsked.
    """
    wish = await find(actor, wish_id)
    held = await _claim_of(actor, wish)
    await _must_run(held)
    if not await WishClaim.filter(id=held.id, extension_days=None).update(extension_days=days):
        raise ExtensionAsked
    await events.record(actor, "wish.extension_asked", wish, claim_id=held.id, days=days, reason=reason)
    await tell_wisher(actor, "wish.extension_asked", wish)
    await tell_committee(actor, "wish.extension_asked", wish)
    return await find(actor, wish_id)


EXTEND = """
UPDATE wish_claims SET due_at = due_at + extension_days * interval '1 day', extended_by_id = $2, reminded = false
WHERE id = $1 AND state = 'held' AND due_at > clock_now() AND extension_days IS NOT NULL AND extended_by_id IS NULL
"""


@atomic()
async def extend(actor: Actor, wish_id: int, claim_id: int) -> Wish:
    """Give a claimer the days he asked for; the wisher's side or the committee, never the claimer.

    Raises Forbidden, NotFound, InvalidState when he asked for none, has them, or his claim is over.
    """
    wish = await find(actor, wish_id)
    require(policies.may_extend(actor, wish), *WISHER_ONLY)
    await refuse_a_claimers_hand(actor, wish)
    asked = await WishClaim.get_or_none(id=claim_id, wish_id=wish.id)
    if asked is None:
        raise NotFound("没有找到这次认领", "No such claim")
    if not await db.execute(EXTEND, asked.id, actor.id):
        raise InvalidState(asked.state)
    await events.record(
        actor,
        "wish.extended",
        wish,
        claim_id=asked.id,
        days=asked.extension_days,
        on_behalf_of_id=helped_id(actor, wish),
    )
    await notifications.tell([asked.resident_id, asked.assistant_id], "wish.extended", wish, title=wish.title)
    return await find(actor, wish_id)


async def claiming_paused_until(resident_id: int, unit_id: int | None = None) -> datetime | None:
    """Until when somebody claims nothing because of claims he abandoned; None when he may."""
    found: datetime | None = await db.value(PAUSED_UNTIL.format(holder="$1", unit="$2"), resident_id, unit_id)
    return found


async def tell_if_paused(wish: Wish, abandoned: WishClaim) -> None:
    """Tell whoever has just abandoned his third claim, or sixth, that he pauses now."""
    holder = (abandoned.resident_id, abandoned.unit_id)
    counted = await db.value(f"SELECT count(*) FROM ({ABANDONED.format(holder='$1', unit='$2')}) abandoned", *holder)
    if counted % PAUSE_AFTER == 0 and (until := await claiming_paused_until(*holder)):
        said = until.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        told = [abandoned.resident_id, abandoned.assistant_id]
        await notifications.tell(told, "wish.claiming_paused", wish, until=said)


# --- by the clock -----------------------------------------------------------------------------------------------


async def release_run_out() -> None:
    """Release claims not reported on in time, at most 100, each in a transaction of its own."""
    await one_by_one(await _due(f"due_at <= clock_now() ORDER BY due_at LIMIT {DUE_MAX}"), _run_out)


async def remind_claimers() -> None:
    """Remind whoever has two days left, once, at most 100."""
    soon = f"NOT reminded AND due_at <= clock_now() + interval '{REMIND_DAYS_BEFORE} days'"
    await one_by_one(await _due(f"{soon} ORDER BY due_at LIMIT {DUE_MAX}"), _remind)


async def _due(condition: str) -> list[int]:
    return [line["id"] for line in await db.rows(f"SELECT id FROM wish_claims WHERE state = 'held' AND {condition}")]


@atomic()
async def _run_out(claim_id: int) -> None:
    claim = await WishClaim.get(id=claim_id).select_related("wish")
    await lock(claim.wish)
    late = claim.wish.moderation is Moderation.PASSED
    released = await db.execute(
        "UPDATE wish_claims SET state = 'released', ran_out = $2, ended_at = clock_now() "
        "WHERE id = $1 AND state = 'held' AND due_at <= clock_now()",
        claim.id,
        late,
    )
    if released:
        await _follow_claims(claim.wish)
        await events.record(None, "wish.released", claim.wish, claim_id=claim.id, ran_out=late)
        told = [claim.resident_id, claim.assistant_id, claim.wish.author_id, claim.wish.assistant_id]
        await notifications.tell(told, "wish.released", claim.wish, title=claim.wish.title)
        if late:
            await tell_if_paused(claim.wish, claim)


@atomic()
async def _remind(claim_id: int) -> None:
    if await WishClaim.filter(id=claim_id, state=WishClaimState.HELD, reminded=False).update(reminded=True):
        claim = await WishClaim.get(id=claim_id).select_related("wish")
        told = [claim.resident_id, claim.assistant_id]
        await notifications.tell(told, "wish.due_soon", claim.wish, title=claim.wish.title)


# --- helpers ----------------------------------------------------------------------------------------------------


async def _must_act_for(actor: Actor, wish: Wish, unit_id: int) -> None:
    """The unit is confirmed, of this community, and the actor is its contact."""
    unit = await units.find(actor, unit_id)
    if unit.state is not UnitState.CONFIRMED or unit.contact_id != actor.id or unit.community_id != wish.community_id:
        raise UnitNotConfirmed


async def _take(actor: Actor, wish: Wish, unit_id: int | None) -> int:
    """Insert the claim. Another may be faster to a slot or hand; then, while any is free, the next is tried."""
    for _ in range(TAKE_TRIES):
        taken = await db.row(TAKE, wish.id, actor.id, unit_id, actor.helper_id)
        if taken is not None:
            await _claimed(wish, only=taken["moved"])
            taken_id: int = taken["id"]
            return taken_id
        now = await db.row(COUNTED, wish.id, actor.id, unit_id)
        assert now is not None  # noqa: S101 - an aggregate has a row
        if now["paused_until"] is not None:
            raise ClaimingPaused(until=now["paused_until"].astimezone(SHANGHAI).isoformat())
        if now["mine"] or now["taken"] >= wish.claimers:
            raise AlreadyClaimed
        if now["hands"] >= HANDS:
            raise TooManyClaims
    raise Unavailable


async def _claimed(wish: Wish, *, only: bool) -> None:
    """What became of the wish by the claim: the claim of a wish for one has moved it already."""
    if only:
        wish.was, wish.state, wish.free_slots = wish.state, WishState.CLAIMED, 0
    else:
        await lock(wish)
        await _follow_claims(wish)
    wish.claimed_by_me = True


async def _follow_claims(wish: Wish) -> None:
    """Under the wish's lock: open while a slot is free, claimed while one is held, else fulfilled."""
    if wish.state not in (WishState.OPEN, WishState.CLAIMED):
        raise InvalidState(wish.state)
    live: dict[str, Any] | None = await db.row(
        "SELECT count(*) AS taken, count(*) FILTER (WHERE state = 'held') AS held "
        "FROM wish_claims WHERE wish_id = $1 AND state <> 'released'",
        wish.id,
    )
    assert live is not None  # noqa: S101 - an aggregate has a row
    wish.free_slots = wish.claimers - live["taken"]
    target = WishState.OPEN if wish.free_slots > 0 else WishState.CLAIMED if live["held"] else WishState.FULFILLED
    if target is not wish.state:
        await wish.move_to(target)


async def _release(actor: Actor, wish: Wish, held: WishClaim) -> None:
    """Under the wish's lock. Nobody abandons what he may not read."""
    now = await clock.now()
    late = held.due_at <= now and wish.moderation is Moderation.PASSED
    await held.move_to(WishClaimState.RELEASED, ended_at=now, ran_out=late)
    await _follow_claims(wish)
    await events.record(actor, "wish.released", wish, claim_id=held.id)
    await tell_wisher(actor, "wish.released", wish)
    if held.ran_out:
        await tell_if_paused(wish, held)


async def _claim_of(actor: Actor, wish: Wish) -> WishClaim:
    """The actor's latest claim on the wish, whatever became of it."""
    claim = await WishClaim.filter(wish_id=wish.id, resident_id=actor.id).order_by("-id").first()
    if claim is None:
        raise Forbidden("您没有认领这个心愿", "You have not claimed this wish")
    return claim


async def _must_run(held: WishClaim) -> None:
    if held.state is not WishClaimState.HELD:
        raise InvalidState(held.state)
    if held.due_at <= await clock.now():
        raise TooLate("认领已到期，心愿将重新开放", "The claim has run out; the wish opens again")
