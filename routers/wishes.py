"""Micro-wishes: posted, approved, claimed, fulfilled, confirmed."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query

from models.wishes import Wish, WishState
from routers.deps import CurrentActor, OnlyOnce, ThePaging, acting, helped
from routers.house import make_router
from routers.schemas.base import Author, PageOf, PathId, Reasoned, TimelineLine
from routers.schemas.media import PhotoOut
from routers.schemas.residents import HelpedReasoned, HelpIn
from routers.schemas.wishes import ClaimOut, ConfirmIn, FulfilIn, WishDetailOut, WisherOut, WishIn, WishOut
from services import wishes
from services.wishes import WishDetail

router = make_router("/wishes", "wishes")


@router.post("", response_model=WishOut, status_code=201)
async def post_wish(actor: CurrentActor, only_once: OnlyOnce, asked: WishIn) -> WishOut:
    """Post a wish, for oneself or on behalf of somebody in difficulty; the committee looks at it first."""
    said = asked.model_dump(exclude={"on_behalf_of"}) | {"on_behalf_of": helped(asked.on_behalf_of)}
    return _wish(await only_once(partial(wishes.post, actor, **said), partial(wishes.find, actor)))


@router.get("", response_model=PageOf[WishOut])
async def list_wishes(
    actor: CurrentActor,
    paging: ThePaging,
    community_id: Annotated[PathId | None, Query()] = None,
    state: WishState | None = None,
) -> dict[str, Any]:
    """Wishes, newest first."""
    page = await wishes.listed(actor, community_id=community_id, state=state, page=paging.page)
    return paging.of(page.map(_wish))


@router.get("/{wish_id}", response_model=WishDetailOut)
async def get_wish(actor: CurrentActor, wish_id: PathId) -> WishDetailOut:
    """One wish with the claims and thanks that are one's own to know."""
    return _detail(await wishes.detail(actor, wish_id))


@router.post("/{wish_id}/approve", response_model=WishOut)
async def approve_wish(actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId) -> WishOut:
    """Let neighbours see and claim a wish; committee, nobody his own."""
    return _wish(await only_once(partial(wishes.approve, actor, wish_id), partial(wishes.find, actor)))


@router.post("/{wish_id}/claim", response_model=WishOut)
async def claim_wish(actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: HelpIn | None = None) -> WishOut:
    """Take one slot of a wish for seven days; at most three wishes at a time."""
    effect = acting(actor, asked, "wish.claimed", wishes.claim, wish_id)
    return _wish(await only_once(effect, partial(wishes.find, actor)))


@router.post("/{wish_id}/release", response_model=WishOut)
async def release_wish(
    actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: HelpIn | None = None
) -> WishOut:
    """Give one's claim back."""
    effect = acting(actor, asked, "wish.released", wishes.release, wish_id)
    return _wish(await only_once(effect, partial(wishes.find, actor)))


@router.post("/{wish_id}/fulfil", response_model=WishOut)
async def fulfil_wish(actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: FulfilIn) -> WishOut:
    """Report what one did for a wish one has claimed."""
    effect = acting(
        actor, asked, "wish.fulfilled", wishes.fulfil, wish_id, **asked.model_dump(exclude={"on_behalf_of"})
    )
    return _wish(await only_once(effect, partial(wishes.find, actor)))


@router.post("/{wish_id}/confirm", response_model=WishOut)
async def confirm_wish(
    actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: ConfirmIn | None = None
) -> WishOut:
    """Confirm that one's wish came true, perhaps with thanks."""
    thanks = asked.thanks if asked else None
    effect = acting(actor, asked, "wish.confirmed", wishes.confirm, wish_id, thanks=thanks)
    return _wish(await only_once(effect, partial(wishes.find, actor)))


@router.post("/{wish_id}/dispute", response_model=WishOut)
async def dispute_wish(actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: HelpedReasoned) -> WishOut:
    """Say that what was reported is not so."""
    effect = acting(actor, asked, "wish.disputed", wishes.dispute, wish_id, reason=asked.reason)
    return _wish(await only_once(effect, partial(wishes.find, actor)))


@router.post("/{wish_id}/close", response_model=WishOut)
async def close_wish(actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: Reasoned) -> WishOut:
    """Settle a dispute; committee."""
    effect = partial(wishes.close, actor, wish_id, reason=asked.reason)
    return _wish(await only_once(effect, partial(wishes.find, actor)))


@router.post("/{wish_id}/withdraw", response_model=WishOut)
async def withdraw_wish(
    actor: CurrentActor, only_once: OnlyOnce, wish_id: PathId, asked: HelpIn | None = None
) -> WishOut:
    """Take a wish back before all its slots are taken; the wisher's side or the committee."""
    effect = acting(actor, asked, "wish.withdrawn", wishes.withdraw, wish_id)
    return _wish(await only_once(effect, partial(wishes.find, actor)))


def _wish(wish: Wish) -> WishOut:
    shown = {name: getattr(wish, name) for name in WishOut.model_fields if name != "author"}
    return WishOut(**shown, author=WisherOut(id=wish.wisher_id, nickname=wish.wisher_name))


def _detail(found: WishDetail) -> WishDetailOut:
    return WishDetailOut(
        **_wish(found.wish).model_dump(),
        claims=[
            ClaimOut(
                id=claim.id,
                claimer=Author(id=claim.resident_id, nickname=claim.nickname),
                state=claim.state,
                due_at=claim.due_at,
                note=claim.note,
                moderation=claim.moderation,
                photos=[PhotoOut.model_validate(photo) for photo in claim.photos],
            )
            for claim in found.claims
        ],
        need_ids=found.need_ids,
        thanks=found.thanks,
        thanks_moderation=found.wish.thanks_moderation,
        timeline=[TimelineLine.model_validate(line) for line in found.timeline],
    )
