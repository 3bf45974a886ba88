"""Invitations: a member lets somebody join the household with a code that works once, within seven days."""

import secrets

from app.core import clock, db, tokens
from app.core.crypto import Keys
from app.core.db import atomic
from app.core.errors import AlreadyExists, Invalid, NotFound
from app.core.pages import Listed, Page, newest
from models.homes import (
    INVITATIONS_MAX,
    Invitation,
    InvitationExpired,
    InvitationRevoked,
    InvitationState,
    InvitationUsed,
    NoSuchInvitation,
    TooManyInvitations,
)
from models.residents import Capacity, Household, Membership, Resident
from services import events
from services.policies import Actor, require
from services.policies import residents as policies
from services.residents.ages import is_adult
from services.residents.births import NewResident, check_birth, keep_birth
from services.residents.doors import household_of
from services.residents.memberships import move_in
from services.residents.owners import is_owner

ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH, INVITATION_DAYS = 12, 7
# Into the household's lowest free slot; those that have run out free theirs before.
INVITE = f"""
INSERT INTO invitations (community_id, household_id, capacity, code_hash, made_by_id, slot, expires_at)
SELECT $1, $2, $3, $4, $5, slot, clock_now() + interval '{INVITATION_DAYS} days'
FROM generate_series(1, {INVITATIONS_MAX}) AS slot
WHERE NOT EXISTS (SELECT 1 FROM invitations i WHERE i.household_id = $2 AND i.slot = slot.slot
    AND i.used_at IS NULL AND i.revoked_at IS NULL)
ORDER BY slot LIMIT 1 RETURNING id
"""
OWNERS_ONLY = ("只有产权人可以邀请产权人", "Only an owner invites an owner")
MEMBERS_ONLY = ("只有本户成年成员可以邀请", "Only adult members of the household invite")


@atomic()
async def invite(actor: Actor, household_id: int, *, capacity: Capacity) -> Invitation:
    """Make an invitation into one's own household; its `code` is told this once and never kept.

    Raises NotFound, Forbidden for others than its adults, and than owners for an owner, TooManyInvitations with five
    open ones.
    """
    household = await household_of(actor, household_id, held=True)
    require(actor.verified and actor.household_id == household.id and await is_adult(actor.id), *MEMBERS_ONLY)
    require(capacity is not Capacity.OWNER or await is_owner(actor.id, household.id), *OWNERS_ONLY)
    await db.execute(
        "UPDATE invitations SET revoked_at = clock_now() WHERE household_id = $1 AND used_at IS NULL "
        "AND revoked_at IS NULL AND expires_at <= clock_now()",
        household.id,
    )
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    invitation_id = await db.value(
        INVITE, household.community_id, household.id, capacity.value, tokens.token_hash(code), actor.id
    )
    if invitation_id is None:
        raise TooManyInvitations
    made = await find_invitation(actor, invitation_id)
    made.code = code
    await events.record(actor, "invitation.made", made, household_id=household.id)
    return made


@atomic()
async def accept_invitation(actor: Actor, code: str, born: NewResident, *, secret: Keys) -> Membership:
    """Join the household that a code invites to: verified at once. Of two who use it at once one does.

    Raises NoSuchInvitation, InvitationUsed, InvitationRevoked, InvitationExpired, AlreadyExists for a member, Forbidden
    for whoever made it, Invalid for a birth that is impossible or not the one on record.
    """
    require(not actor.suspended)
    await check_birth(born)
    invitation = (
        await Invitation.filter(code_hash=tokens.token_hash(code.strip().upper().replace("-", "")))
        .select_for_update(of=("invitations",), no_key=True)
        .select_related("household__building")
        .first()
    )
    if invitation is None:
        raise NoSuchInvitation
    await _require_open(invitation)
    if actor.household_id == invitation.household_id:
        raise AlreadyExists
    known = await Resident.get(id=actor.id)
    if known.birth_year not in (None, born.birth_year):
        raise Invalid(
            "出生年份与登记的不一致，请联系居委会", "The year of birth on record is another; ask the committee"
        )
    await Invitation.filter(id=invitation.id).update(used_by_id=actor.id, used_at=await clock.now())
    await keep_birth(known, born, secret=secret)
    joined = await move_in(actor, actor.id, invitation.household, invitation.capacity, of="invited")
    await events.record(actor, "invitation.accepted", invitation, household_id=invitation.household_id)
    return joined


@atomic()
async def revoke_invitation(actor: Actor, invitation_id: int) -> Invitation:
    """Take an invitation back; its maker, the household's representative or the committee. Again changes nothing.

    Raises NotFound, Forbidden, InvitationUsed.
    """
    invitation = await find_invitation(actor, invitation_id)
    household = await Household.get(id=invitation.household_id)
    require(
        actor.id in (invitation.made_by_id, household.representative_id) or actor.is_committee(household.community_id)
    )
    revoked = await Invitation.filter(id=invitation.id, used_at=None, revoked_at=None).update(
        revoked_at=await clock.now()
    )
    found = await find_invitation(actor, invitation_id)
    if found.state is InvitationState.USED:
        raise InvitationUsed
    if revoked:
        await events.record(actor, "invitation.revoked", found, household_id=household.id)
    return found


async def find_invitation(actor: Actor, invitation_id: int) -> Invitation:
    """An invitation without its code, for the household's members and the staff. Raises NotFound."""
    invitation = await Invitation.get_or_none(id=invitation_id).select_related("household__building")
    if invitation is None or not policies.may_see_household(actor, invitation.household):
        raise NotFound("没有找到这个邀请", "No such invitation")
    return await _stated(invitation)


async def invitations(actor: Actor, household_id: int, *, page: Page) -> Listed[Invitation]:
    """A household's invitations, newest first, for its members and the staff. Raises NotFound."""
    household = await household_of(actor, household_id)
    found = await newest(Invitation.filter(household_id=household.id), page)
    return Listed([await _stated(one) for one in found.items], found.after)


async def find_membership(actor: Actor, membership_id: int) -> Membership:
    """One's own membership. Raises NotFound."""
    found = await Membership.get_or_none(id=membership_id, resident_id=actor.id)
    if found is None:
        raise NotFound("没有找到这条住户关系", "No such membership")
    return found


async def _stated(invitation: Invitation) -> Invitation:
    now = await clock.now()
    if invitation.used_at:
        invitation.state = InvitationState.USED
    elif invitation.expires_at <= (invitation.revoked_at or now):
        invitation.state = InvitationState.EXPIRED
    else:
        invitation.state = InvitationState.REVOKED if invitation.revoked_at else InvitationState.OPEN
    return invitation


async def _require_open(invitation: Invitation) -> None:
    """Under its lock. An invitation whose maker has left the household went with him."""
    refusal = {
        InvitationState.USED: InvitationUsed,
        InvitationState.REVOKED: InvitationRevoked,
        InvitationState.EXPIRED: InvitationExpired,
    }.get((await _stated(invitation)).state)
    if refusal is not None:
        raise refusal
