"""Micro-wishes: posted, attested, approved, claimed, fulfilled, confirmed or disputed."""

from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response

from models.wishes import Wish, WishKind, WishSort, WishState
from routers.deps import CurrentActor, HelpedByQuery, OnlyOnce, ThePaging, TheSettings, acting, helped
from routers.house import make_router
from routers.schemas.base import Author, PageOf, PathId
from routers.schemas.residents import HelpIn, OnBehalfOfIn
from routers.schemas.wishes import (
    AttestIn,
    ClaimIn,
    ClaimOut,
    ConfirmIn,
    ContactIn,
    ContactOut,
    DisputeIn,
    ExtensionIn,
    FulfilIn,
    ResolveIn,
    StatementIn,
    ThanksIn,
    WishApproveIn,
    WishDetailOut,
    WishDisclosureOut,
    WisherOut,
    WishExtendIn,
    WishIn,
    WishOut,
)
from services import wishes
from services.policies import Actor
from services.wishes import ClaimSeen, Contact, DisclosureSeen, WishDetail

router = make_router("/wishes", "wishes")


@router.post("", response_model=WishOut, status_code=201)
async def post_wish(actor: CurrentActor, only_once: OnlyOnce, asked: WishIn) -> WishOut:
    """Post a wish, for oneself or on behalf of somebody in difficulty; the committee looks at it first."""
    said = asked.model_dump(exclude={"on_behalf_of", "photo_of_person_consent"})
    effect = acting(actor, asked, "wish.posted", wishes.post, **said, photo_consent=helped(_photo_consent(asked)))
    return await _stepped(actor, only_once, effect)


@router.get("", response_model=PageOf[WishOut])
async def list_wishes(
    actor: CurrentActor,
    paging: ThePaging,
    community_id: Annotated[PathId | None, Query()] = None,
    state: WishState | None = None,
    kind: WishKind | None = None,
    mine: bool = False,
    claimed_by_me: bool = False,
    needed_before: date | None = None,
    sort: WishSort = WishSort.NEW,
) -> dict[str, Any]:
    """Wishes, newest first; `sort=needed_by`: those with a day, the nearest day first.

    `mine` are those one posted, for oneself or another; `needed_before` a last day.
    """
    page = await wishes.listed(
        actor,
        community_id=community_id,
        state=state,
        kind=kind,
        mine=mine,
        claimed_by_me=claimed_by_me,
        needed_before=needed_before,
        sort=sort,
        page=paging.page,
    )
    return paging.of(page.map(_wish))


@router.get("/{wish_id}", response_model=WishDetailOut)
async def get_wish(actor: CurrentActor, wish_id: PathId) -> WishDetailOut:
    """One wish with the claims and thanks that are one's own to know."""
    return _detail(await wishes.detail(actor, wish_id))


@router.post("/{wish_id}/attest", response_model=WishOut)
async def attest_wish(actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: AttestIn) -> WishOut:
    """Vouch for a wish posted for somebody in difficulty; a committee member other than who posted it."""
    return await _stepped(actor, only_once, partial(wishes.attest, actor, wish_id, ground=asked.ground))


@router.post("/{wish_id}/approve", response_model=WishOut)
async def approve_wish(
    actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: WishApproveIn | None = None
) -> WishOut:
    """Let neighbours see and claim a wish; committee, nobody his own. Of a wish posted for somebody this attests it."""
    effect = partial(wishes.approve, actor, wish_id, ground=asked.ground if asked else None)
    return await _stepped(actor, only_once, effect)


@router.post("/{wish_id}/claim", response_model=WishOut)
async def claim_wish(
    actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: ClaimIn | None = None
) -> WishOut:
    """Take one slot of a wish for seven days, for oneself, one's unit or somebody one helps; three wishes at a time."""
    asked = asked or ClaimIn()
    return await _stepped(
        actor, only_once, acting(actor, asked, "wish.claimed", wishes.claim, wish_id, unit_id=asked.unit_id)
    )


@router.post("/{wish_id}/release", response_model=WishOut)
async def release_wish(
    actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: HelpIn | None = None
) -> WishOut:
    """Give one's claim back."""
    return await _stepped(actor, only_once, acting(actor, asked, "wish.released", wishes.release, wish_id))


@router.post("/{wish_id}/fulfil", response_model=WishOut)
async def fulfil_wish(actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: FulfilIn) -> WishOut:
    """Report what one did for a wish one has claimed."""
    return await _stepped(
        actor, only_once, acting(actor, asked, "wish.fulfilled", wishes.fulfil, wish_id, **asked.said())
    )


@router.post("/{wish_id}/ask-extension", response_model=WishOut)
async def ask_wish_extension(actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: ExtensionIn) -> WishOut:
    """Ask once for 1 to 7 days more for one's claim."""
    return await _stepped(
        actor, only_once, acting(actor, asked, "wish.extension_asked", wishes.ask_extension, wish_id, **asked.said())
    )


@router.post("/{wish_id}/extend", response_model=WishOut)
async def extend_wish_claim(actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: WishExtendIn) -> WishOut:
    """Give a claimer the days he asked for; the wisher's side or the committee."""
    effect = acting(actor, asked, "wish.extended", wishes.extend, wish_id, asked.claim_id)
    return await _stepped(actor, only_once, effect)


@router.post("/{wish_id}/confirm", response_model=WishOut)
async def confirm_wish(
    actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: ConfirmIn | None = None
) -> WishOut:
    """Confirm that one's wish came true, perhaps with thanks."""
    asked = asked or ConfirmIn()
    return await _stepped(
        actor, only_once, acting(actor, asked, "wish.confirmed", wishes.confirm, wish_id, **asked.said())
    )


@router.put("/{wish_id}/thanks", response_model=WishOut)
async def publish_wish_thanks(actor: CurrentActor, wish_id: PathId, asked: ThanksIn) -> WishOut:
    """Let everybody read one's thanks, or only those who are thanked again."""
    effect = acting(actor, asked, "wish.thanks_published", wishes.publish_thanks, wish_id, public=asked.public)
    return _wish(await effect())


@router.post("/{wish_id}/dispute", response_model=WishOut)
async def dispute_wish(
    actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: DisputeIn = DisputeIn()
) -> WishOut:
    """Say that what was reported is not so."""
    return await _stepped(
        actor, only_once, acting(actor, asked, "wish.disputed", wishes.dispute, wish_id, **asked.said())
    )


@router.post("/{wish_id}/statement", response_model=WishOut)
async def state_wish_case(actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: StatementIn) -> WishOut:
    """Say one's side of a dispute while it runs; the two sides and the committee."""
    return await _stepped(
        actor, only_once, acting(actor, asked, "wish.stated", wishes.state_case, wish_id, body=asked.body)
    )


@router.post("/{wish_id}/resolve", response_model=WishOut)
async def resolve_wish(actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: ResolveIn) -> WishOut:
    """Settle a dispute after both sides were heard; committee."""
    return await _stepped(actor, only_once, partial(wishes.resolve, actor, wish_id, **asked.model_dump()))


@router.post("/{wish_id}/withdraw", response_model=WishOut)
async def withdraw_wish(
    actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: HelpIn | None = None
) -> WishOut:
    """Take a wish back before all its slots are taken; the wisher's side or the committee."""
    return await _stepped(actor, only_once, acting(actor, asked, "wish.withdrawn", wishes.withdraw, wish_id))


@router.put("/{wish_id}/photo-consent", response_model=WishOut)
async def consent_to_wish_photo(actor: CurrentActor, wish_id: PathId, asked: HelpIn | None = None) -> WishOut:
    """Let neighbours see the photos that show oneself; who helps shows how the person agreed."""
    return _wish(await acting(actor, asked, "wish.photo_consented", wishes.consent_to_photo, wish_id)())


@router.delete("/{wish_id}/photo-consent", response_model=WishOut)
async def withdraw_wish_photo_consent(actor: CurrentActor, wish_id: PathId, asked: HelpedByQuery) -> WishOut:
    """Take the photos that show oneself out of sight; the wisher's side or the committee."""
    return _wish(await acting(actor, asked, "wish.photo_consent_withdrawn", wishes.withdraw_photo_consent, wish_id)())


@router.put("/{wish_id}/contact", response_model=ContactOut)
async def record_wish_contact(actor: CurrentActor, config: TheSettings, wish_id: PathId, asked: ContactIn) -> Contact:
    """Say how one may be reached and who of the claimers may know; it replaces what was said before."""
    return await acting(
        actor, asked, "wish.contact_recorded", wishes.record_contact, wish_id, **asked.said(), keys=config.keys
    )()


@router.get("/{wish_id}/contact", response_model=ContactOut)
async def get_wish_contact(actor: CurrentActor, config: TheSettings, wish_id: PathId) -> Contact:
    """How to reach the wisher, while one holds a claim and he consents; each reading is logged, and he sees the log."""
    return await wishes.read_contact(actor, wish_id, keys=config.keys)


@router.delete("/{wish_id}/contact", status_code=204)
async def withdraw_wish_contact(actor: CurrentActor, wish_id: PathId, asked: HelpedByQuery) -> Response:
    """Withdraw the consent; from now on no claimer reads how to reach one."""
    await acting(actor, asked, "wish.contact_withdrawn", wishes.withdraw_contact, wish_id)()
    return Response(status_code=204)


@router.put("/{wish_id}/claims/{claim_id}/contact", response_model=WishOut)
async def share_wish_contact(
    actor: CurrentActor, wish_id: PathId, claim_id: PathId, asked: HelpIn | None = None
) -> WishOut:
    """Let just this claimer know how to reach one."""
    return _wish(await acting(actor, asked, "wish.contact_shared", wishes.share_contact, wish_id, claim_id)())


@router.delete("/{wish_id}/claims/{claim_id}/contact", response_model=WishOut)
async def unshare_wish_contact(actor: CurrentActor, wish_id: PathId, claim_id: PathId, asked: HelpedByQuery) -> WishOut:
    """Take that back."""
    return _wish(await acting(actor, asked, "wish.contact_unshared", wishes.unshare_contact, wish_id, claim_id)())


@router.get("/{wish_id}/disclosures", response_model=PageOf[WishDisclosureOut])
async def list_wish_disclosures(actor: CurrentActor, paging: ThePaging, wish_id: PathId) -> dict[str, Any]:
    """Who read how to reach the wisher, newest first; for his side and the committee."""
    return paging.of((await wishes.disclosures(actor, wish_id, page=paging.page)).map(_disclosure))


async def _stepped(actor: Actor, only_once: OnlyOnce, effect: Callable[[], Awaitable[Wish]]) -> WishOut:
    return _wish(await only_once(effect, partial(wishes.find, actor)))


def _photo_consent(asked: WishIn) -> OnBehalfOfIn | None:
    """The separate consent is the helped person's, like that to the wish itself."""
    if asked.on_behalf_of is None or asked.photo_of_person_consent is None:
        return None
    return OnBehalfOfIn(resident_id=asked.on_behalf_of.resident_id, consent=asked.photo_of_person_consent)


def _wish(wish: Wish) -> WishOut:
    return WishOut.of(wish, author=WisherOut(id=wish.wisher_id, nickname=wish.wisher_name))


def _claim(claim: ClaimSeen) -> ClaimOut:
    return ClaimOut.of(claim, claimer=Author(id=claim.resident_id, nickname=claim.nickname))


def _detail(found: WishDetail) -> WishDetailOut:
    return WishDetailOut.of(
        found,
        **dict(_wish(found.wish)),
        claims=[_claim(claim) for claim in found.claims],
        thanks_moderation=found.wish.thanks_moderation,
        thanks_public=found.wish.thanks_public,
    )


def _disclosure(line: DisclosureSeen) -> WishDisclosureOut:
    reader = Author(id=line.reader_id, nickname=line.nickname)
    return WishDisclosureOut(id=line.id, claim_id=line.claim_id, reader=reader, fields=line.told, at=line.created_at)
