"""The road of a wish: posted, attested where it is somebody else's, approved, confirmed with thanks, withdrawn."""

from collections.abc import Sequence
from datetime import date

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState
from models.base import Moderation
from models.wishes import (
    AlreadyAttested,
    NotChecked,
    PhotoConsentMissing,
    Wish,
    WishClaim,
    WishClaimState,
    WishKind,
    WishState,
)
from services import checks, events, media, needs, residents
from services.due import one_by_one
from services.policies import Actor, require, require_resident
from services.policies import wishes as policies
from services.residents import OnBehalfOf
from services.wishes.reading import find
from services.wishes.telling import tell_claimers, tell_committee, tell_wisher

DUE_MAX = 100
COMMITTEE_ONLY = ("只有居委会成员可以这样做", "Only the committee may do this")
WISHER_ONLY = ("只有许愿人可以这样做", "Only the wisher may do this")
HIMSELF_ONLY = (
    "须由许愿人本人同意，代办须登记其同意的方式",
    "The wisher himself consents; who helps shows how he agreed",
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
    photo_ids: Sequence[int] = (),
    photo_of_person: bool = False,
    photo_consent: OnBehalfOf | None = None,
    need_ids: Sequence[int] = (),
) -> Wish:
    """Post a wish; the committee looks at it first.

    Whoever posts a photo of himself consents by saying so; who is helped, by a consent of its own. Whose hand it is
    cites the needs. Raises NotVerified, Forbidden, Invalid for a day in the past, PhotoConsentMissing, and what
    `media.attach` and `needs.link` raise.
    """
    require_resident(actor, community_id)
    if needed_by is not None and needed_by < (await clock.now()).astimezone(clock.SHANGHAI).date():
        raise Invalid("需要的日期不能早于今天", "The day it is needed by lies in the past")
    if photo_of_person and actor.help and photo_consent is None:
        raise PhotoConsentMissing
    wish = await Wish.create(
        community_id=community_id,
        author_id=actor.id,
        assistant_id=actor.helper_id,
        kind=kind,
        title=title,
        body=body,
        value_fen=value_fen,
        needed_by=needed_by,
        claimers=claimers,
        photo_of_person=photo_of_person,
        photo_consent=photo_of_person,
    )
    await checks.expect(actor, wish)
    await media.attach(actor, wish, community_id, photo_ids)
    if photo_of_person and photo_consent:
        await _note_photo_consent(actor, wish, photo_consent)
    await events.record(actor, "wish.posted", wish)
    await needs.link(await residents.hand(actor), need_ids, wish)
    await tell_committee(actor, "wish.posted", wish)
    return await find(actor, wish.id)


@atomic()
async def attest(actor: Actor, wish_id: int, *, ground: str) -> Wish:
    """Vouch for a wish posted for somebody, on a ground that stays with the committee; never who posted it.

    Raises Forbidden, InvalidState, Invalid for a wish somebody posted himself, AlreadyAttested.
    """
    wish = await find_locked(actor, wish_id)
    require(policies.may_approve(actor, wish), *COMMITTEE_ONLY)
    if wish.state is not WishState.IN_REVIEW:
        raise InvalidState(wish.state)
    await Wish.filter(id=wish.id).update(**await _attested(actor, wish, ground))
    await events.record(actor, "wish.attested", wish)
    return await find(actor, wish_id)


@atomic()
async def approve(actor: Actor, wish_id: int, *, ground: str | None = None) -> Wish:
    """Let neighbours see and claim a wish; nobody approves his own.

    Whoever approves a wish posted for somebody that none has attested attests it by that.

    Raises Forbidden, InvalidState, NotChecked when its words are hidden, Invalid for a ground where nothing is
    attested, AlreadyAttested.
    """
    wish = await find_locked(actor, wish_id)
    require(policies.may_approve(actor, wish), *COMMITTEE_ONLY)
    if wish.state is not WishState.IN_REVIEW:
        raise InvalidState(wish.state)
    if wish.moderation is Moderation.HIDDEN:
        raise NotChecked
    attests = ground is not None or (wish.assisted and not wish.attested)
    attested = await _attested(actor, wish, ground) if attests else {}
    if attests:
        await events.record(actor, "wish.attested", wish)
    await wish.move_to(WishState.OPEN, approved_by_id=actor.id, **attested)
    await events.record(actor, "wish.approved", wish)
    await tell_wisher(actor, "wish.approved", wish)
    return wish


@atomic()
async def confirm(actor: Actor, wish_id: int, *, thanks: str | None = None, thanks_public: bool = False) -> Wish:
    """Confirm that a wish came true, perhaps with thanks to those who did it, for everybody to read or for them.

    Raises Forbidden, InvalidState, Invalid for public thanks without words.
    """
    wish = await find(actor, wish_id)
    await must_conclude(actor, wish)
    require(not thanks_public or policies.may_consent(actor, wish), *HIMSELF_ONLY)
    if thanks_public and thanks is None:
        raise Invalid("没有感谢的话可以公开", "There are no thanks to be public")
    if thanks is None:
        await wish.move_to(WishState.CONFIRMED)
    else:
        await wish.move_to(
            WishState.CONFIRMED, thanks=thanks, thanks_public=thanks_public, thanks_moderation=Moderation.CHECKING
        )
        await checks.expect(actor, wish, kind="wish_thanks", author_id=wish.author_id)
    await events.record(actor, "wish.confirmed", wish, on_behalf_of_id=helped_id(actor, wish))
    await tell_claimers("wish.confirmed", wish)
    return wish


@atomic()
async def publish_thanks(actor: Actor, wish_id: int, *, public: bool) -> Wish:
    """Let everybody read one's thanks, or only those who are thanked again. Raises Forbidden, InvalidState."""
    wish = await find(actor, wish_id)
    require(policies.may_consent(actor, wish) if public else policies.speaks_for(actor, wish), *HIMSELF_ONLY)
    await refuse_a_claimers_hand(actor, wish)
    if not await Wish.filter(id=wish.id, thanks__isnull=False).update(thanks_public=public):
        raise InvalidState(wish.state)
    await events.record(actor, "wish.thanks_public" if public else "wish.thanks_private", wish)
    return await find(actor, wish_id)


@atomic()
async def consent_to_photo(actor: Actor, wish_id: int) -> Wish:
    """Let neighbours see the photos of oneself again; nobody but the wisher consents. Again: no change.

    Raises Forbidden, Invalid where no photo shows the person.
    """
    wish = await find(actor, wish_id)
    require(policies.may_consent(actor, wish), *HIMSELF_ONLY)
    if not wish.photo_of_person:
        raise Invalid("照片中没有受助人", "No photo of this wish shows the person")
    if await Wish.filter(id=wish.id, photo_consent=False).update(photo_consent=True):
        await events.record(actor, "wish.photo_consented", wish)
    return await find(actor, wish_id)


@atomic()
async def withdraw_photo_consent(actor: Actor, wish_id: int) -> Wish:
    """Take the photos of oneself out of sight at once; again: no change. Raises Forbidden."""
    wish = await find(actor, wish_id)
    require(policies.may_withdraw(actor, wish), *WISHER_ONLY)
    if await Wish.filter(id=wish.id, photo_consent=True).update(photo_consent=False):
        await events.record(actor, "wish.photo_consent_withdrawn", wish)
    return await find(actor, wish_id)


@atomic()
async def withdraw(actor: Actor, wish_id: int) -> Wish:
    """Take a wish back before all slots are taken; claims on it end. Raises Forbidden, InvalidState."""
    wish = await find(actor, wish_id)
    require(policies.may_withdraw(actor, wish), *WISHER_ONLY)
    await wish.move_to(WishState.WITHDRAWN)
    await events.record(actor, "wish.withdrawn", wish, on_behalf_of_id=helped_id(actor, wish))
    await tell_wisher(actor, "wish.withdrawn", wish)
    await tell_claimers("wish.withdrawn", wish)
    await _end_claims(wish)
    return await find(actor, wish_id)


async def expire_due() -> None:
    """End open wishes whose day is over in Shanghai, at most 100, each in a transaction of its own."""
    due = await db.rows(
        "SELECT id FROM wishes WHERE state = 'open' AND needed_by < (clock_now() AT TIME ZONE 'Asia/Shanghai')::date "
        f"ORDER BY needed_by LIMIT {DUE_MAX}"
    )
    await one_by_one((line["id"] for line in due), _expire)


# --- what the other files of this package need, too --------------------------------------------------------------


async def must_conclude(actor: Actor, wish: Wish) -> None:
    """Confirming and disputing are the wisher's side's, and not by the hand of who claimed it. Raises Forbidden."""
    require(policies.may_conclude(actor, wish), *WISHER_ONLY)
    await refuse_a_claimers_hand(actor, wish)


async def refuse_a_claimers_hand(actor: Actor, wish: Wish) -> None:
    """Nobody speaks for a wisher whom he serves, or helps to serve. Raises Forbidden."""
    if actor.help:
        by_the_claimer = await WishClaim.filter(wish_id=wish.id).exclude(state=WishClaimState.RELEASED)
        hands = {hand for claim in by_the_claimer for hand in (claim.resident_id, claim.assistant_id)}
        require(actor.help.assistant_id not in hands, *WISHER_ONLY)


def helped_id(actor: Actor, wish: Wish) -> int | None:
    """On whose behalf the actor did it, if he helped to post the wish."""
    return wish.author_id if actor.id == wish.assistant_id else None


async def find_locked(actor: Actor, wish_id: int) -> Wish:
    """One wish as it is once its row is held, which it stays until the transaction ends. Raises NotFound."""
    await lock(await find(actor, wish_id))
    return await find(actor, wish_id)


async def lock(wish: Wish) -> None:
    """Hold the wish's row until the transaction ends, and know its state from then on."""
    wish.state = WishState(await db.value("SELECT state FROM wishes WHERE id = $1 FOR NO KEY UPDATE", wish.id))


# --- helpers -----------------------------------------------------------------------------------------------------


async def _attested(actor: Actor, wish: Wish, ground: str | None) -> dict[str, object]:
    if not wish.assisted:
        raise Invalid("居民本人发布的心愿无需核实", "Only a wish posted for somebody is attested")
    if wish.attested:
        raise AlreadyAttested
    return {"attested_by_id": actor.id, "attested_at": await clock.now(), "attested_ground": ground}


async def _note_photo_consent(actor: Actor, wish: Wish, consent: OnBehalfOf) -> None:
    """Keep how the person agreed to be seen; the rules are those of any act on his behalf."""
    if consent.resident_id != wish.author_id:
        raise PhotoConsentMissing
    person = await residents.agreed_besides(actor, consent)
    await residents.note_help(person, "wish.photo_consented", wish.noun(), wish.id)


@atomic()
async def _expire(wish_id: int) -> None:
    wish = await Wish.get(id=wish_id)
    await lock(wish)
    if wish.state is WishState.OPEN:
        await wish.move_to(WishState.EXPIRED)
        await events.record(None, "wish.expired", wish)
        await tell_wisher(None, "wish.expired", wish)
        await tell_claimers("wish.expired", wish)
        await _end_claims(wish)


async def _end_claims(wish: Wish) -> None:
    await db.execute(
        "UPDATE wish_claims SET state = 'released', ended_at = clock_now() WHERE wish_id = $1 AND state = 'held'",
        wish.id,
    )
