"""Login, one's own page, places, homes and roles."""

from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from app.core import rates
from app.core.settings import Settings
from models.places import Place, PlaceKind
from models.residents import ClaimState, HouseholdClaim, RoleGrant
from routers import deps
from routers.deps import CurrentActor, Holder, InEnglish, OnlyOnce, ThePaging, TheSettings, TheStorage, TheWechat
from routers.house import PUBLIC, make_router
from routers.schemas.base import PageOf, PathId
from routers.schemas.residents import (
    ConfirmClaimIn,
    DeclineIn,
    HouseholdClaimIn,
    HouseholdClaimOut,
    HouseholdIn,
    HouseholdOut,
    LoginIn,
    LoginOut,
    Me,
    MeIn,
    NoticeOut,
    PhoneIn,
    PlaceIn,
    PlaceOut,
    ReadIn,
    ResidentIn,
    ResidentOut,
    RoleGrantOut,
    RoleIn,
    RoleOut,
)
from services import checks, media, moderation, notifications, places, privacy, residents, wishes
from services.notifications import InboxLine
from services.policies import Actor

sessions = make_router("/auth", "sessions")
me = make_router("/me", "me")
place_tree = make_router("/places", "places")
homes = make_router("", "homes")


async def _logins_are_limited(request: Request) -> None:
    await deps.limit(request, rates.LOGINS)


@sessions.post("/wechat", response_model=LoginOut, openapi_extra=PUBLIC, dependencies=[Depends(_logins_are_limited)])
async def log_in(request: Request, wechat: TheWechat, config: TheSettings, asked: LoginIn) -> dict[str, Any]:
    """Open a session with the code of wx.login; the code is spent by it."""
    async with deps.code_spent_once(request, asked.code):
        login = await residents.log_in(wechat, asked.code)
    resident = await _me(login.actor, config)
    return {"token": login.token, "expires_at": login.expires_at, "resident": resident}


@sessions.post("/phone", response_model=Me)
async def bind_phone(
    request: Request, actor: CurrentActor, wechat: TheWechat, config: TheSettings, asked: PhoneIn
) -> Me:
    """Bind the phone behind a getPhoneNumber code of one's own; it takes the place of the one before."""
    await deps.limit(request, rates.PHONES, "phones", str(actor.id))
    await residents.bind_phone(wechat, actor, asked.code, secret=config.keys)
    return await _me(actor, config)


@sessions.delete("/session", status_code=204)
async def log_out(actor: Holder) -> Response:
    """End this session; the token is worth nothing from now on. Who is suspended may do so too."""
    await residents.log_out(actor)
    return Response(status_code=204)


@me.get("", response_model=Me)
async def get_me(actor: CurrentActor, config: TheSettings) -> Me:
    """One's own page: home, roles, messages one may still receive."""
    return await _me(actor, config)


@me.put("", response_model=Me)
async def update_me(actor: CurrentActor, wechat: TheWechat, config: TheSettings, asked: MeIn) -> Me:
    """Replace the named fields of one's own page; others see a new nickname or avatar once it has passed its check."""
    named = asked.model_dump(exclude_unset=True)
    if "avatar_url" in named:
        named["avatar_id"] = media.avatar_id(named.pop("avatar_url"))
    with checks.noted() as written:
        await residents.update_profile(actor, **named)
    await moderation.check_now(wechat, written)
    return await _me(actor, config)


ZIP: dict[int | str, dict[str, Any]] = {200: {"content": {"application/zip": {}}, "description": "The archive"}}


async def _exports_are_limited(request: Request, actor: CurrentActor) -> None:
    await deps.limit(request, rates.EXPORTS, "exports", str(actor.id))


@me.get("/export", response_class=Response, responses=ZIP, dependencies=[Depends(_exports_are_limited)])
async def export_me(actor: CurrentActor, config: TheSettings, storage: TheStorage) -> StreamingResponse:
    """All that is kept about oneself: `data.json` and one's pictures, as a zip archive; once an hour."""
    archive = await privacy.export(actor, keys=config.keys, storage=storage)
    headers = {"Content-Disposition": 'attachment; filename="linli.zip"', "Cache-Control": "no-store"}
    parts = iter(partial(archive.read, 64 * 1024), b"")
    return StreamingResponse(
        parts, media_type="application/zip", headers=headers, background=BackgroundTask(archive.close)
    )


@me.delete("", status_code=204)
async def delete_me(
    actor: Holder,
    erase_texts: Annotated[bool, Query(description="also needs, comments and questions that others can read")] = False,
) -> Response:
    """Delete one's account: personal data is erased at once, and cannot come back; what the law keeps has no name.

    Who is suspended may do so too.
    """
    await privacy.leave(actor, erase_texts=erase_texts)
    return Response(status_code=204)


@me.get("/inbox", response_model=PageOf[NoticeOut])
async def list_inbox(actor: CurrentActor, paging: ThePaging, in_english: InEnglish) -> dict[str, Any]:
    """One's notices, newest first."""
    page = await notifications.inbox(actor, page=paging.page)
    return paging.of(page.map(lambda line: _notice(line, in_english)))


@me.post("/inbox/read", status_code=204)
async def read_inbox(actor: CurrentActor, asked: ReadIn | None = None) -> Response:
    """Mark one's notices as read: all, or those up to the one that was seen last."""
    await notifications.read(actor, through_id=asked.through_id if asked else None)
    return Response(status_code=204)


@place_tree.get("", response_model=PageOf[PlaceOut], openapi_extra=PUBLIC)
async def list_places(
    paging: ThePaging, parent_id: Annotated[PathId | None, Query()] = None, kind: PlaceKind | None = None
) -> dict[str, Any]:
    """Places below a parent or of a kind."""
    return paging.of(await places.listed(parent_id=parent_id, kind=kind, page=paging.page))


@place_tree.get("/{place_id}", response_model=PlaceOut, openapi_extra=PUBLIC)
async def get_place(place_id: PathId) -> Place:
    """One place."""
    return await places.find(place_id)


@place_tree.post("", response_model=PlaceOut, status_code=201)
async def add_place(actor: CurrentActor, only_once: OnlyOnce, asked: PlaceIn) -> Place:
    """Add a place; officers of the street or district above may."""
    return await only_once(partial(places.add, actor, **asked.model_dump()), places.find)


@place_tree.post("/{place_id}/roles", response_model=RoleGrantOut, status_code=201)
async def grant_role(actor: CurrentActor, only_once: OnlyOnce, place_id: PathId, asked: RoleIn) -> RoleGrant:
    """Give somebody a role at a place and all below it."""
    effect = partial(
        residents.grant_role,
        actor,
        place_id,
        resident_id=asked.resident_id,
        role=asked.role,
        until_at=asked.until,
        resolution_id=asked.resolution_id,
    )
    return await only_once(effect, partial(residents.find_grant, place_id))


@place_tree.delete("/{place_id}/roles/{grant_id}", response_model=RoleGrantOut)
async def revoke_role(actor: CurrentActor, place_id: PathId, grant_id: PathId) -> RoleGrant:
    """End a role now; whoever may grant it may end it."""
    return await residents.revoke_role(actor, place_id, grant_id)


@homes.post("/household-claims", response_model=HouseholdClaimOut, status_code=201)
async def claim_household(
    actor: CurrentActor, only_once: OnlyOnce, config: TheSettings, asked: HouseholdClaimIn
) -> HouseholdClaim:
    """Say where one lives; its representative, the building head or the committee confirms."""
    effect = partial(residents.claim_household, actor, **asked.model_dump(), secret=config.keys)
    return await only_once(effect, partial(residents.find_claim, actor))


@homes.get("/household-claims", response_model=PageOf[HouseholdClaimOut])
async def list_household_claims(
    actor: CurrentActor,
    paging: ThePaging,
    community_id: Annotated[PathId | None, Query()] = None,
    state: ClaimState | None = None,
) -> dict[str, Any]:
    """The claims one may confirm, and one's own."""
    return paging.of(await residents.claims(actor, community_id=community_id, state=state, page=paging.page))


@homes.post("/household-claims/{claim_id}/confirm", response_model=HouseholdClaimOut)
async def confirm_household_claim(
    actor: CurrentActor,
    only_once: OnlyOnce,
    config: TheSettings,
    claim_id: PathId,
    asked: ConfirmClaimIn | None = None,
) -> HouseholdClaim:
    """Confirm where somebody lives, and that one has seen his birthday of this year to be over."""
    seen = asked.birthday_passed if asked else False
    effect = partial(residents.confirm_claim, actor, claim_id, birthday_passed=seen, secret=config.keys)
    return await only_once(effect, partial(residents.find_claim, actor))


@homes.post("/household-claims/{claim_id}/decline", response_model=HouseholdClaimOut)
async def decline_household_claim(
    actor: CurrentActor, only_once: OnlyOnce, claim_id: PathId, asked: DeclineIn
) -> HouseholdClaim:
    """Decline a claim with a reason."""
    return await only_once(
        partial(residents.decline_claim, actor, claim_id, asked.reason), partial(residents.find_claim, actor)
    )


@homes.put("/households/{household_id}", response_model=HouseholdOut)
async def update_household(actor: CurrentActor, household_id: PathId, asked: HouseholdIn) -> HouseholdOut:
    """Record a household's area (cm²) or representative; committee only."""
    return HouseholdOut.model_validate(await residents.update_household(actor, household_id, **asked.model_dump()))


@homes.post("/residents", response_model=ResidentOut, status_code=201)
async def register_resident(actor: CurrentActor, only_once: OnlyOnce, config: TheSettings, asked: ResidentIn) -> Any:
    """Register somebody who does not use WeChat, for `on_behalf_of`."""
    secret = config.keys
    effect = partial(residents.add_resident, actor, **asked.model_dump(), secret=secret)
    return await only_once(effect, residents.find_resident)


async def _me(actor: Actor, config: Settings) -> Me:
    profile = await residents.profile(actor)
    held = await notifications.balance(actor.id, config.template_id)
    household = None
    if profile.household is not None:
        household = HouseholdOut.model_validate(profile.household)
        household.capacity = profile.capacity
    avatar_id = profile.resident.wanted_avatar_id or profile.resident.avatar_id
    return Me(
        id=profile.resident.id,
        nickname=profile.resident.nickname_wanted or profile.resident.nickname,
        nickname_moderation=profile.resident.nickname_moderation,
        avatar_url=media.avatar_url(avatar_id) if avatar_id else None,
        phone_masked=residents.phone_masked(profile.resident, config.keys),
        verified=profile.actor.verified,
        household=household,
        roles=[RoleOut(role=grant.role, place_id=grant.place_id) for grant in profile.actor.grants],
        credits=held.credits,
        claiming_paused_until=await wishes.claiming_paused_until(profile.actor.id),
        consents_due=await residents.consents_due(actor, config.policy_version),
    )


def _notice(line: InboxLine, in_english: bool) -> NoticeOut:
    text = line.en if in_english else line.zh
    return NoticeOut.of(line, text=text, subject=f"{line.subject_kind}:{line.subject_id}")
