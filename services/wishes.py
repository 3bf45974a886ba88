"""Micro-wishes: posted, looked at by the committee, claimed by exactly as many as asked, fulfilled and confirmed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Forbidden, Invalid, InvalidState, NotFound, TooLate, Unavailable
from app.core.pages import Listed, Page, cut, where
from models.base import Moderation
from models.residents import Role
from models.wishes import (
    CLAIMERS_MAX,
    HANDS,
    AlreadyClaimed,
    ClaimingPaused,
    OwnWish,
    TooManyClaims,
    Wish,
    WishClaim,
    WishClaimState,
    WishKind,
    WishState,
)
from services import checks, events, media, needs, notifications, residents
from services.due import one_by_one
from services.events import TimelineItem
from services.media import Photo
from services.policies import Actor, require, require_resident
from services.policies import wishes as policies
from services.residents import OnBehalfOf

CLAIM_DAYS, REMIND_DAYS_BEFORE, PAUSE_DAYS, PAUSE_AFTER = 7, 2, 30, 3
TAKE_TRIES = CLAIMERS_MAX + HANDS
DUE_MAX = 100
COMMITTEE_ONLY = ("只有居委会成员可以这样做", "Only the committee may do this")
WISHER_ONLY = ("只有许愿人可以这样做", "Only the wisher may do this")

SEEN = """
SELECT w.*, r.nickname,
    w.claimers - (SELECT count(*) FROM wish_claims c WHERE c.wish_id = w.id AND c.state <> 'released') AS free_slots,
    EXISTS (SELECT 1 FROM wish_claims c WHERE c.wish_id = w.id AND c.resident_id = $1 AND c.state <> 'released')
        AS claimed_by_me
FROM wishes w JOIN residents r ON r.id = w.author_id
WHERE (w.approved_by_id IS NOT NULL AND w.moderation = 'passed'
    OR w.author_id = $1 OR w.assistant_id = $1 OR w.community_id = ANY($2::bigint[]))
"""
# The lowest free slot of the wish into the claimer's lowest free hand. Who comes second to either gets no row.
TAKE = f"""
INSERT INTO wish_claims
    (community_id, wish_id, wisher_id, resident_id, claimers, slot, hand, state, due_at, reminded, ran_out)
SELECT w.community_id, w.id, w.author_id, $2, w.claimers, slot, hand, 'held',
    clock_now() + interval '{CLAIM_DAYS} days', false, false
FROM wishes w, generate_series(1, w.claimers) AS slot, generate_series(1, {HANDS}) AS hand
WHERE w.id = $1
    AND NOT EXISTS (SELECT 1 FROM wish_claims c WHERE c.wish_id = w.id AND c.slot = slot.slot AND c.state <> 'released')
    AND NOT EXISTS (SELECT 1 FROM wish_claims c WHERE c.resident_id = $2 AND c.hand = hand.hand AND c.state = 'held')
ORDER BY slot, hand LIMIT 1
ON CONFLICT DO NOTHING
RETURNING id
"""
COUNTED = """
SELECT count(*) FILTER (WHERE wish_id = $1) AS taken,
    count(*) FILTER (WHERE wish_id = $1 AND resident_id = $2) AS mine,
    count(*) FILTER (WHERE resident_id = $2 AND state = 'held') AS hands
FROM wish_claims WHERE state <> 'released' AND (wish_id = $1 OR resident_id = $2)
"""


async def visible(actor: Actor, narrowed: str, *values: Any) -> list[Wish]:
    """The one door: the wishes the actor may see, narrowed by SQL whose values count from $3."""
    found = await db.rows(SEEN + narrowed, actor.id, actor.serves(Role.COMMITTEE), *values)
    return [_wish(actor, line) for line in found]


async def find(actor: Actor, wish_id: int) -> Wish:
    """One wish that the actor may see; before it is approved only the wisher's side and the committee. NotFound."""
    found = await visible(actor, "AND w.id = $3", wish_id)
    if not found:
        raise NotFound("没有找到这个心愿", "No such wish")
    return found[0]


async def listed(
    actor: Actor, *, community_id: int | None = None, state: WishState | None = None, page: Page
) -> Listed[Wish]:
    """Wishes, newest first."""
    narrowed, values = where(
        3,
        ("w.community_id = {}", community_id),
        ("w.state = {}", state),
        ("w.id < {}", page.after[0] if page.after else None),
    )
    return cut(await visible(actor, f"{narrowed} ORDER BY w.id DESC LIMIT {page.limit + 1}", *values), page)


@dataclass(frozen=True)
class ClaimSeen:
    """A claim, for those concerned."""

    id: int
    resident_id: int
    nickname: str
    state: WishClaimState
    due_at: datetime
    note: str | None
    moderation: Moderation
    photos: list[Photo]


@dataclass(frozen=True)
class WishDetail:
    """A wish with the claims the actor may know of, the thanks if they are his to read, and its public history.

    The needs it was made from carry their author's name, so only those who may know the wisher see them.
    """

    wish: Wish
    need_ids: list[int]
    claims: list[ClaimSeen]
    thanks: str | None
    timeline: list[TimelineItem]


async def detail(actor: Actor, wish_id: int) -> WishDetail:
    """One wish with what is the actor's to know. Raises NotFound."""
    wish = await find(actor, wish_id)
    staff = actor.is_staff(wish.community_id)
    claims = await db.rows(
        "SELECT c.id, c.resident_id, r.nickname, c.state, c.due_at, c.moderation, "
        "CASE WHEN c.moderation = 'passed' OR c.resident_id = $2 OR $4 THEN c.note END AS note, "
        f"{media.photos_sql('wish_claim', 'c.id', '$2')} AS photos "
        "FROM wish_claims c JOIN residents r ON r.id = c.resident_id "
        "WHERE c.wish_id = $1 AND ($3 OR c.resident_id = $2) ORDER BY c.id DESC LIMIT 100",
        wish.id,
        actor.id,
        policies.sees_all_claims(actor, wish),
        staff,
    )
    concerned = policies.is_concerned(actor, wish)
    passed = wish.thanks_moderation is Moderation.PASSED
    thanks_shown = concerned and (passed or staff or policies.speaks_for(actor, wish))
    timeline = await events.timeline(actor, wish)
    cited = (await needs.links_of(Wish.noun(), [wish.id])).get(wish.id, []) if concerned else []
    return WishDetail(
        wish,
        cited,
        [_claim_seen(line) for line in claims],
        wish.thanks if thanks_shown else None,
        timeline if concerned else [replace(line, reason=None) for line in timeline],
    )


@atomic()
async def post(
    actor: Actor,
    *,
    community_id: int,
    kind: WishKind,
    title: str,
    body: str,
    value_fen: int | None = None,
    needed_by: date | None = None,
    claimers: int = 1,
    need_ids: Sequence[int] = (),
    on_behalf_of: OnBehalfOf | None = None,
) -> Wish:
    """Post a wish, for oneself or for somebody one helps; the committee looks at it first.

    Raises NotVerified, Forbidden, Invalid for a day in the past, and what `residents.speaker` and `needs.link` raise.
    """
    speaker = await residents.speaker(actor, community_id, on_behalf_of)
    if needed_by is not None and needed_by < (await clock.now()).astimezone(clock.SHANGHAI).date():
        raise Invalid("需要的日期不能早于今天", "The day it is needed by lies in the past")
    wish = await Wish.create(
        community_id=community_id,
        author_id=speaker.id,
        assistant_id=actor.id if speaker.helped else None,
        kind=kind,
        title=title,
        body=body,
        value_fen=value_fen,
        needed_by=needed_by,
        claimers=claimers,
    )
    await checks.expect(actor, wish, author_id=speaker.id)
    await residents.note_assistance(actor, speaker, "wish.posted", wish, community_id)
    await events.record(actor, "wish.posted", wish, on_behalf_of_id=speaker.on_behalf_of_id)
    await needs.link(actor, need_ids, wish)
    return await find(actor, wish.id)


@atomic()
async def approve(actor: Actor, wish_id: int) -> Wish:
    """Let neighbours see and claim a wish; nobody approves his own. Raises Forbidden, InvalidState."""
    wish = await find(actor, wish_id)
    require(policies.may_approve(actor, wish), *COMMITTEE_ONLY)
    if wish.state is not WishState.IN_REVIEW:
        raise InvalidState(wish.state)
    await wish.move_to(WishState.OPEN, approved_by_id=actor.id)
    await events.record(actor, "wish.approved", wish)
    await _tell_wisher(actor, "wish.approved", wish)
    return wish


@atomic()
async def claim(actor: Actor, wish_id: int) -> Wish:
    """Take one slot of a wish for seven days; who comes second is refused by the index, not by a look before.

    Raises Forbidden, OwnWish, ClaimingPaused, InvalidState, AlreadyClaimed, TooManyClaims.
    """
    wish = await find(actor, wish_id)
    require_resident(actor, wish.community_id)
    if not policies.may_claim(actor, wish):
        raise OwnWish
    if wish.claimed_by_me:
        raise AlreadyClaimed
    if wish.state not in (WishState.OPEN, WishState.CLAIMED):
        raise InvalidState(wish.state)
    if await _is_paused(actor.id):
        raise ClaimingPaused
    claim_id = await _take(actor, wish)
    await _lock(wish)
    await _follow_claims(wish)
    await events.record(actor, "wish.claimed", wish, claim_id=claim_id)
    await _tell_wisher(actor, "wish.claimed", wish)
    return await find(actor, wish_id)


@atomic()
async def release(actor: Actor, wish_id: int) -> Wish:
    """Give one's claim back; the wish is open again. Raises Forbidden, InvalidState."""
    wish = await find(actor, wish_id)
    await _lock(wish)
    held = await _claim_of(actor, wish)
    await held.move_to(WishClaimState.RELEASED, ended_at=(now := await clock.now()), ran_out=held.due_at <= now)
    await _follow_claims(wish)
    await events.record(actor, "wish.released", wish, claim_id=held.id)
    await _tell_wisher(actor, "wish.released", wish)
    return await find(actor, wish_id)


@atomic()
async def fulfil(actor: Actor, wish_id: int, *, note: str, photo_ids: Sequence[int] = ()) -> Wish:
    """Report what one did within the seven days; the wish is fulfilled when every claimer has reported.

    Raises Forbidden, InvalidState, TooLate, and what `media.attach` raises.
    """
    wish = await find(actor, wish_id)
    await _lock(wish)
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
        await _tell_wisher(actor, "wish.fulfilled", wish)
    return await find(actor, wish_id)


@atomic()
async def confirm(actor: Actor, wish_id: int, *, thanks: str | None = None) -> Wish:
    """Confirm that a wish came true, perhaps with thanks to those who did it. Raises Forbidden, InvalidState."""
    wish = await find(actor, wish_id)
    require(policies.may_conclude(actor, wish), *WISHER_ONLY)
    if thanks is None:
        await wish.move_to(WishState.CONFIRMED)
    else:
        await wish.move_to(WishState.CONFIRMED, thanks=thanks, thanks_moderation=Moderation.CHECKING)
        await checks.expect(actor, wish, kind="wish_thanks", author_id=wish.author_id)
    await events.record(actor, "wish.confirmed", wish, on_behalf_of_id=_helped_id(actor, wish))
    await _tell_claimers("wish.confirmed", wish)
    return wish


@atomic()
async def dispute(actor: Actor, wish_id: int, *, reason: str) -> Wish:
    """Say that what was reported is not so; the committee settles it. Raises Forbidden, InvalidState."""
    wish = await find(actor, wish_id)
    require(policies.may_conclude(actor, wish), *WISHER_ONLY)
    await wish.move_to(WishState.DISPUTED)
    await events.record(actor, "wish.disputed", wish, on_behalf_of_id=_helped_id(actor, wish), reason=reason)
    await _tell_claimers("wish.disputed", wish)
    return wish


@atomic()
async def close(actor: Actor, wish_id: int, *, reason: str) -> Wish:
    """Settle a dispute; wisher and claimers read how. Committee only. Raises Forbidden, InvalidState."""
    wish = await find(actor, wish_id)
    require(policies.may_approve(actor, wish), *COMMITTEE_ONLY)
    await wish.move_to(WishState.CLOSED)
    await events.record(actor, "wish.closed", wish, reason=reason)
    await _tell_wisher(actor, "wish.closed", wish)
    await _tell_claimers("wish.closed", wish)
    return wish


@atomic()
async def withdraw(actor: Actor, wish_id: int) -> Wish:
    """Take a wish back before all slots are taken; claims on it end. Raises Forbidden, InvalidState."""
    wish = await find(actor, wish_id)
    require(policies.may_withdraw(actor, wish), *WISHER_ONLY)
    await wish.move_to(WishState.WITHDRAWN)
    await events.record(actor, "wish.withdrawn", wish, on_behalf_of_id=_helped_id(actor, wish))
    await _tell_wisher(actor, "wish.withdrawn", wish)
    await _tell_claimers("wish.withdrawn", wish)
    await _end_claims(wish)
    return await find(actor, wish_id)


# --- by the clock -----------------------------------------------------------------------------------------------


async def release_run_out() -> None:
    """Release claims not reported on within seven days, at most 100, each in a transaction of its own."""
    await one_by_one(await _due(f"due_at <= clock_now() ORDER BY due_at LIMIT {DUE_MAX}"), _run_out)


async def remind_claimers() -> None:
    """Remind whoever has two days left, once, at most 100."""
    soon = f"NOT reminded AND due_at <= clock_now() + interval '{REMIND_DAYS_BEFORE} days'"
    await one_by_one(await _due(f"{soon} ORDER BY due_at LIMIT {DUE_MAX}"), _remind)


async def expire_due() -> None:
    """End open wishes whose day is over in Shanghai, at most 100, each in a transaction of its own."""
    due = await db.rows(
        "SELECT id FROM wishes WHERE state = 'open' AND needed_by < (clock_now() AT TIME ZONE 'Asia/Shanghai')::date "
        f"ORDER BY needed_by LIMIT {DUE_MAX}"
    )
    await one_by_one((line["id"] for line in due), _expire)


async def _due(condition: str) -> list[int]:
    return [line["id"] for line in await db.rows(f"SELECT id FROM wish_claims WHERE state = 'held' AND {condition}")]


@atomic()
async def _run_out(claim_id: int) -> None:
    claim = await WishClaim.get(id=claim_id).select_related("wish")
    await _lock(claim.wish)
    released = await db.execute(
        "UPDATE wish_claims SET state = 'released', ran_out = true, ended_at = clock_now() "
        "WHERE id = $1 AND state = 'held' AND due_at <= clock_now()",
        claim.id,
    )
    if released:
        await _follow_claims(claim.wish)
        await events.record(None, "wish.released", claim.wish, claim_id=claim.id, ran_out=True)
        await notifications.tell(
            [claim.resident_id, claim.wish.author_id, claim.wish.assistant_id],
            "wish.released",
            claim.wish,
            title=claim.wish.title,
        )


@atomic()
async def _remind(claim_id: int) -> None:
    if await WishClaim.filter(id=claim_id, state=WishClaimState.HELD, reminded=False).update(reminded=True):
        claim = await WishClaim.get(id=claim_id).select_related("wish")
        await notifications.tell([claim.resident_id], "wish.due_soon", claim.wish, title=claim.wish.title)


@atomic()
async def _expire(wish_id: int) -> None:
    wish = await Wish.get(id=wish_id)
    await _lock(wish)
    if wish.state is WishState.OPEN:
        await wish.move_to(WishState.EXPIRED)
        await events.record(None, "wish.expired", wish)
        await _tell_wisher(None, "wish.expired", wish)
        await _tell_claimers("wish.expired", wish)
        await _end_claims(wish)


# --- helpers ----------------------------------------------------------------------------------------------------


def _wish(actor: Actor, found: dict[str, Any]) -> Wish:
    """The wish as the actor may see it: to all but the wisher's side its maker's name is masked."""
    wish = Wish._init_from_db(**found)
    wish.free_slots, wish.claimed_by_me = found["free_slots"], found["claimed_by_me"]
    own = policies.speaks_for(actor, wish)
    wish.wisher_name = found["nickname"] if own else residents.masked(found["nickname"])
    wish.wisher_id = wish.author_id if own or actor.is_committee(wish.community_id) else None
    return wish


async def _take(actor: Actor, wish: Wish) -> int:
    """Insert the claim. Another may be faster to a slot or hand; then, while any is free, the next is tried."""
    for _ in range(TAKE_TRIES):
        taken: int | None = await db.value(TAKE, wish.id, actor.id)
        if taken is not None:
            return taken
        now = await db.row(COUNTED, wish.id, actor.id)
        assert now is not None  # noqa: S101 - an aggregate has a row
        if now["mine"] or now["taken"] >= wish.claimers:
            raise AlreadyClaimed
        if now["hands"] >= HANDS:
            raise TooManyClaims
    raise Unavailable


async def _lock(wish: Wish) -> None:
    """Hold the wish's row until the transaction ends, and know its state from then on."""
    wish.state = WishState(await db.value("SELECT state FROM wishes WHERE id = $1 FOR NO KEY UPDATE", wish.id))


async def _follow_claims(wish: Wish) -> None:
    """Under the wish's lock: open while a slot is free, claimed while one is held, else fulfilled."""
    if wish.state not in (WishState.OPEN, WishState.CLAIMED):
        raise InvalidState(wish.state)
    live = await db.row(
        "SELECT count(*) AS taken, count(*) FILTER (WHERE state = 'held') AS held "
        "FROM wish_claims WHERE wish_id = $1 AND state <> 'released'",
        wish.id,
    )
    assert live is not None  # noqa: S101 - an aggregate has a row
    target = (
        WishState.OPEN if live["taken"] < wish.claimers else WishState.CLAIMED if live["held"] else WishState.FULFILLED
    )
    if target is not wish.state:
        await wish.move_to(target)


async def _claim_of(actor: Actor, wish: Wish) -> WishClaim:
    """The actor's latest claim on the wish, whatever became of it."""
    claim = await WishClaim.filter(wish_id=wish.id, resident_id=actor.id).order_by("-id").first()
    if claim is None:
        raise Forbidden("您没有认领这个心愿", "You have not claimed this wish")
    return claim


async def _is_paused(resident_id: int) -> bool:
    """Whether one of his third, sixth, … claims that ran out did so within the last 30 days."""
    return bool(
        await db.value(
            "SELECT true FROM (SELECT ended_at, row_number() OVER (ORDER BY ended_at, id) AS nth FROM wish_claims "
            f"WHERE resident_id = $1 AND ran_out) late WHERE nth % {PAUSE_AFTER} = 0 "
            f"AND ended_at > clock_now() - interval '{PAUSE_DAYS} days' LIMIT 1",
            resident_id,
        )
    )


async def _end_claims(wish: Wish) -> None:
    await db.execute(
        "UPDATE wish_claims SET state = 'released', ended_at = clock_now() WHERE wish_id = $1 AND state = 'held'",
        wish.id,
    )


def _claim_seen(line: dict[str, Any]) -> ClaimSeen:
    read = {
        "state": WishClaimState(line["state"]),
        "moderation": Moderation(line["moderation"]),
        "photos": media.read_photos(line["photos"]),
    }
    return ClaimSeen(**line | read)


def _helped_id(actor: Actor, wish: Wish) -> int | None:
    return wish.author_id if actor.id == wish.assistant_id else None


async def _tell_wisher(actor: Actor | None, kind: str, wish: Wish) -> None:
    told = [resident_id for resident_id in (wish.author_id, wish.assistant_id) if not actor or resident_id != actor.id]
    await notifications.tell(told, kind, wish, title=wish.title)


async def _tell_claimers(kind: str, wish: Wish) -> None:
    claimers = await WishClaim.filter(wish_id=wish.id).exclude(state=WishClaimState.RELEASED)
    await notifications.tell([claim.resident_id for claim in claimers], kind, wish, title=wish.title)
