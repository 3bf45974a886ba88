"""Households through time, invitations, guardians, two accounts of one person, terms of roles, and help given."""

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import Query, Request, Response

from app.core import rates
from app.core.pages import Listed
from models.deliberations import Roll
from models.homes import Guardianship, Invitation, PhoneMove, RepresentativeChange, ResidentLink
from models.residents import Assistance, Membership, RoleGrant
from routers import deps
from routers.deps import CurrentActor, OnlyOnce, ThePaging, TheSettings, TheWechat, acting, helped
from routers.house import make_router
from routers.schemas.base import PageOf, PathId, Reasoned
from routers.schemas.homes import (
    AssistanceOut,
    BornIn,
    ElectorateOut,
    EndIn,
    GuardianshipIn,
    GuardianshipOut,
    HolderOut,
    HouseholdDetailOut,
    HouseholdHistoryOut,
    HouseholdLineOut,
    InvitationIn,
    InvitationOut,
    LinkIn,
    LinkRequestOut,
    MemberOut,
    MembershipOut,
    ObjectionToHelpIn,
    PhoneMoveOut,
    RenewIn,
    RepresentativeChangeOut,
    RepresentativeIn,
    StoodOut,
    VoterOut,
)
from routers.schemas.residents import HelpedReasoned, HelpIn, PhoneIn, RoleGrantOut
from services import assistances, residents
from services.policies import Actor
from services.residents import HouseholdSeen, OnBehalfOf

me = make_router("/me", "me")
at_places = make_router("/places", "homes")
homes = make_router("/households", "homes")
changes = make_router("/representative-changes", "homes")
invited = make_router("/invitations", "homes")
guardians = make_router("/guardianships", "homes")
people = make_router("/residents", "homes")
links = make_router("/resident-links", "homes")
moves = make_router("/phone-moves", "homes")
help_given = make_router("/assistances", "homes")


@me.post("/household/leave", status_code=204)
async def leave_household(actor: CurrentActor) -> Response:
    """Move out of one's home: roles, claims and seats that hang on it end, and one reads but does not act."""
    await residents.leave_household(actor)
    return Response(status_code=204)


@me.get("/assistances", response_model=PageOf[AssistanceOut])
async def list_my_assistances(actor: CurrentActor, paging: ThePaging) -> dict[str, Any]:
    """What was done on one's behalf, and what one did for others, newest first."""
    return paging.of((await residents.assistances(actor, page=paging.page)).map(_assistance))


@me.post("/phone-moves", response_model=PhoneMoveOut, status_code=201)
async def ask_to_move_phone(
    request: Request, actor: CurrentActor, wechat: TheWechat, config: TheSettings, asked: PhoneIn
) -> PhoneMoveOut:
    """Show that one holds a number which an account one lost still has; the committee confirms. Takes no key."""
    await deps.limit(request, rates.PHONES, "phones", str(actor.id))
    return _move(actor, await residents.ask_to_move_phone(wechat, actor, asked.code, secret=config.keys))


@homes.get("/{household_id}", response_model=HouseholdDetailOut)
async def get_household(actor: CurrentActor, household_id: PathId) -> HouseholdDetailOut:
    """A household with who belongs to it; its members and the staff."""
    return _household(await residents.find_household(actor, household_id))


@homes.get("/{household_id}/history", response_model=HouseholdHistoryOut)
async def get_household_history(actor: CurrentActor, household_id: PathId) -> HouseholdHistoryOut:
    """Who lived there when and who represented it when; staff."""
    members, stood = await residents.household_history(actor, household_id)
    return HouseholdHistoryOut(
        members=[MemberOut.model_validate(one) for one in members],
        records=[StoodOut.model_validate(one) for one in stood],
    )


@homes.post("/{household_id}/representative", response_model=RepresentativeChangeOut, status_code=201)
async def propose_representative(
    actor: CurrentActor, only_once: OnlyOnce, household_id: PathId, asked: RepresentativeIn
) -> RepresentativeChangeOut:
    """Propose who represents the household; it happens when all its adults have said yes, or the committee."""
    effect = acting(
        actor,
        asked,
        "representative_change.proposed",
        residents.propose_representative,
        household_id,
        resident_id=asked.resident_id,
        reason=asked.reason,
    )
    return _change(await only_once(effect, partial(residents.find_change, actor)))


@homes.post("/{household_id}/members/{resident_id}/end", response_model=HouseholdDetailOut)
async def end_membership(
    actor: CurrentActor, only_once: OnlyOnce, household_id: PathId, resident_id: PathId, asked: EndIn
) -> HouseholdDetailOut:
    """Say that somebody has moved out; the household's representative or the committee."""
    effect = partial(residents.end_membership, actor, household_id, resident_id, reason=asked.reason)
    return _household(await only_once(effect, partial(residents.find_household, actor)))


@homes.post("/{household_id}/invitations", response_model=InvitationOut, status_code=201)
async def make_invitation(
    actor: CurrentActor, only_once: OnlyOnce, household_id: PathId, asked: InvitationIn
) -> Invitation:
    """Invite somebody into one's own household, with a code told once and good for seven days; adult members."""
    effect = partial(residents.invite, actor, household_id, capacity=asked.capacity)
    return await only_once(effect, partial(residents.find_invitation, actor))


@homes.get("/{household_id}/invitations", response_model=PageOf[InvitationOut])
async def list_invitations(actor: CurrentActor, paging: ThePaging, household_id: PathId) -> dict[str, Any]:
    """A household's invitations without their codes, newest first; its members and the staff."""
    return paging.of(await residents.invitations(actor, household_id, page=paging.page))


@changes.get("/{change_id}", response_model=RepresentativeChangeOut)
async def get_representative_change(actor: CurrentActor, change_id: PathId) -> RepresentativeChangeOut:
    """A change of representative; the household and the staff."""
    return _change(await residents.find_change(actor, change_id))


@changes.post("/{change_id}/confirm", response_model=RepresentativeChangeOut)
async def confirm_representative(
    actor: CurrentActor, only_once: OnlyOnce, change_id: PathId, asked: HelpIn | None = None
) -> RepresentativeChangeOut:
    """Say yes as an adult of the household, or decide as the committee."""
    effect = acting(actor, asked, "representative_change.agreed", residents.confirm_representative, change_id)
    return _change(await only_once(effect, partial(residents.find_change, actor)))


@changes.post("/{change_id}/decline", response_model=RepresentativeChangeOut)
async def decline_representative(
    actor: CurrentActor, only_once: OnlyOnce, change_id: PathId, asked: HelpedReasoned
) -> RepresentativeChangeOut:
    """Say no, which ends it; an adult of the household, or the committee."""
    effect = acting(
        actor,
        asked,
        "representative_change.declined",
        residents.decline_representative,
        change_id,
        reason=asked.reason,
    )
    return _change(await only_once(effect, partial(residents.find_change, actor)))


@changes.post("/{change_id}/withdraw", response_model=RepresentativeChangeOut)
async def withdraw_representative(
    actor: CurrentActor, only_once: OnlyOnce, change_id: PathId, asked: HelpIn | None = None
) -> RepresentativeChangeOut:
    """Take one's own proposal back."""
    effect = acting(actor, asked, "representative_change.withdrawn", residents.withdraw_representative, change_id)
    return _change(await only_once(effect, partial(residents.find_change, actor)))


@invited.post("/{code}/accept", response_model=MembershipOut)
async def accept_invitation(
    request: Request, actor: CurrentActor, only_once: OnlyOnce, config: TheSettings, code: str, asked: BornIn
) -> Membership:
    """Join the household a code invites to: verified at once. Ten tries an hour."""
    await deps.limit(request, rates.INVITATIONS, "invitations", str(actor.id))
    born = residents.NewResident(**asked.model_dump())
    effect = partial(residents.accept_invitation, actor, code, born, secret=config.keys)
    return await only_once(effect, partial(residents.find_membership, actor))


@invited.post("/{invitation_id}/revoke", response_model=InvitationOut)
async def revoke_invitation(actor: CurrentActor, only_once: OnlyOnce, invitation_id: PathId) -> Invitation:
    """Take an invitation back; its maker, the household's representative or the committee."""
    effect = partial(residents.revoke_invitation, actor, invitation_id)
    return await only_once(effect, partial(residents.find_invitation, actor))


@at_places.get("/{place_id}/households", response_model=PageOf[HouseholdLineOut])
async def list_households(actor: CurrentActor, paging: ThePaging, place_id: PathId) -> dict[str, Any]:
    """The households of a community, grid or building, newest first; whoever serves there."""
    return paging.of(await residents.households(actor, place_id, page=paging.page))


@at_places.get("/{place_id}/electorate", response_model=ElectorateOut)
async def get_electorate(
    actor: CurrentActor,
    paging: ThePaging,
    place_id: PathId,
    on: Annotated[date, Query(description="A day in Shanghai: its end, or of today now")],
    roll: Roll = Roll.RESIDENTS,
) -> dict[str, Any]:
    """Who could vote in a community on a day, answered from history: staff read how many, the committee also who."""
    found = await residents.electorate_on(actor, place_id, on=on, roll=roll, page=paging.page)
    voters = [VoterOut.model_validate(one) for one in found.voters]
    figures = {"roll": found.roll, "at": found.at, "size": found.size, "area_cm2": found.area_cm2}
    return figures | paging.of(Listed(voters, found.after))


@at_places.get("/{place_id}/roles", response_model=PageOf[HolderOut])
async def list_role_holders(actor: CurrentActor, paging: ThePaging, place_id: PathId) -> dict[str, Any]:
    """Who holds which role at a place now; who lives or serves there may know."""
    return paging.of(await residents.holders_at(actor, place_id, page=paging.page))


@at_places.post("/{place_id}/roles/{grant_id}/renew", response_model=RoleGrantOut)
async def renew_role(
    actor: CurrentActor, only_once: OnlyOnce, place_id: PathId, grant_id: PathId, asked: RenewIn
) -> RoleGrant:
    """Let a role that runs out last longer; whoever may grant it."""
    effect = partial(
        residents.renew_role, actor, place_id, grant_id, until_at=asked.until, resolution_id=asked.resolution_id
    )
    return await only_once(effect, partial(residents.find_grant, place_id))


@guardians.post("", response_model=GuardianshipOut, status_code=201)
async def consent_for_child(actor: CurrentActor, only_once: OnlyOnce, asked: GuardianshipIn) -> Guardianship:
    """Let a child under 14 of one's household take part; or record, as the committee, which guardian did."""
    consent = None
    if asked.consent is not None and asked.guardian_id is not None:
        consent = OnBehalfOf(asked.guardian_id, asked.consent.kind, asked.consent.witness_id, asked.consent.media_id)
    effect = partial(
        residents.consent_for_child, actor, child_id=asked.child_id, guardian_id=asked.guardian_id, consent=consent
    )
    return await only_once(effect, partial(residents.find_guardianship, actor))


@guardians.get("", response_model=PageOf[GuardianshipOut])
async def list_guardianships(actor: CurrentActor, paging: ThePaging) -> dict[str, Any]:
    """Those one is part of, and of one's committee's community; newest first."""
    return paging.of(await residents.guardianships(actor, page=paging.page))


@guardians.post("/{guardianship_id}/withdraw", response_model=GuardianshipOut)
async def withdraw_guardianship(actor: CurrentActor, only_once: OnlyOnce, guardianship_id: PathId) -> Guardianship:
    """Withdraw one's consent; the child only looks from now on."""
    effect = partial(residents.withdraw_guardianship, actor, guardianship_id)
    return await only_once(effect, partial(residents.find_guardianship, actor))


@people.post("/{resident_id}/link", response_model=LinkRequestOut, status_code=201)
async def ask_to_link_resident(
    actor: CurrentActor, only_once: OnlyOnce, resident_id: PathId, asked: LinkIn
) -> ResidentLink:
    """Say that a new account belongs to somebody recorded without WeChat; the committee asks, he confirms."""
    effect = partial(residents.ask_to_link, actor, resident_id, newcomer_id=asked.resident_id)
    return await only_once(effect, partial(residents.find_link, actor))


@links.get("", response_model=PageOf[LinkRequestOut])
async def list_resident_links(
    actor: CurrentActor, paging: ThePaging, community_id: Annotated[PathId, Query()]
) -> dict[str, Any]:
    """The questions of a community, newest first, also those a telephone number raised; the committee."""
    return paging.of(await residents.links(actor, community_id=community_id, page=paging.page))


@links.get("/{link_id}", response_model=LinkRequestOut)
async def get_resident_link(actor: CurrentActor, link_id: PathId) -> ResidentLink:
    """Such a question, for the person and the committee."""
    return await residents.find_link(actor, link_id)


@links.post("/{link_id}/confirm", response_model=LinkRequestOut)
async def confirm_resident_link(actor: CurrentActor, link_id: PathId) -> ResidentLink:
    """Say that it is oneself: from now on one is the person on record. Takes no key: its resident changes.

    What a telephone number raised (`asked: false`) the committee confirms first, by which he is asked.
    """
    return await residents.confirm_link(actor, link_id)


@links.post("/{link_id}/decline", response_model=LinkRequestOut)
async def decline_resident_link(actor: CurrentActor, only_once: OnlyOnce, link_id: PathId) -> ResidentLink:
    """Say that it is not oneself."""
    return await only_once(partial(residents.decline_link, actor, link_id), partial(residents.find_link, actor))


@moves.get("", response_model=PageOf[PhoneMoveOut])
async def list_phone_moves(
    actor: CurrentActor, paging: ThePaging, community_id: Annotated[PathId, Query()]
) -> dict[str, Any]:
    """The requests of a community, newest first; the committee."""
    found = await residents.phone_moves(actor, community_id=community_id, page=paging.page)
    return paging.of(found.map(partial(_move, actor)))


@moves.get("/{move_id}", response_model=PhoneMoveOut)
async def get_phone_move(actor: CurrentActor, move_id: PathId) -> PhoneMoveOut:
    """A request, for whoever made it and the committee."""
    return _move(actor, await residents.find_phone_move(actor, move_id))


@moves.post("/{move_id}/confirm", response_model=PhoneMoveOut)
async def confirm_phone_move(actor: CurrentActor, only_once: OnlyOnce, move_id: PathId) -> PhoneMoveOut:
    """Take the number off the lost account; its holder may bind it now. A committee member not concerned."""
    effect = partial(residents.confirm_phone_move, actor, move_id)
    return _move(actor, await only_once(effect, partial(residents.find_phone_move, actor)))


@moves.post("/{move_id}/decline", response_model=PhoneMoveOut)
async def decline_phone_move(
    actor: CurrentActor, only_once: OnlyOnce, move_id: PathId, asked: Reasoned
) -> PhoneMoveOut:
    """Leave the number where it is, with a reason."""
    effect = partial(residents.decline_phone_move, actor, move_id, reason=asked.reason)
    return _move(actor, await only_once(effect, partial(residents.find_phone_move, actor)))


@help_given.get("/{assistance_id}", response_model=AssistanceOut)
async def get_assistance(actor: CurrentActor, assistance_id: PathId) -> AssistanceOut:
    """One act done on behalf of somebody; for the two and the staff."""
    return _assistance(await residents.find_assistance(actor, assistance_id))


@help_given.post("/{assistance_id}/objection", response_model=AssistanceOut)
async def object_to_assistance(
    actor: CurrentActor, only_once: OnlyOnce, assistance_id: PathId, asked: ObjectionToHelpIn | None = None
) -> AssistanceOut:
    """Say that one did not want it: it is undone where possible, and all concerned are told."""
    effect = partial(
        assistances.object_to,
        actor,
        assistance_id,
        reason=asked.reason if asked else None,
        on_behalf_of=helped(asked.on_behalf_of) if asked else None,
    )
    return _assistance(await only_once(effect, partial(residents.find_assistance, actor)))


def _household(seen: HouseholdSeen) -> HouseholdDetailOut:
    change = _change(seen.change) if seen.change else None
    return HouseholdDetailOut.of(seen.household, members=seen.members, pending_change=change, capacity=None)


def _change(change: RepresentativeChange) -> RepresentativeChangeOut:
    return RepresentativeChangeOut.of(change, reason=change.reason.text if change.reason else None)


def _assistance(found: Assistance) -> AssistanceOut:
    return AssistanceOut.of(
        found,
        resident=residents.masked(found.resident.nickname),
        assistant=residents.masked(found.assistant.nickname),
        subject=f"{found.subject_kind}:{found.subject_id}",
        consent=found.consent_kind,
    )


def _move(actor: Actor, move: PhoneMove) -> PhoneMoveOut:
    return PhoneMoveOut.of(move, old_id=move.old_id if actor.is_committee(move.community_id) else None)
