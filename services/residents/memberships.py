"""Who belongs to which household, and what ends when somebody leaves it.

What leaving ends in the other domains follows from the event `membership.ended`.
"""

from app.core import db
from app.core.errors import InvalidState
from models.homes import ChangeState, RepresentativeChange
from models.residents import Capacity, Household, Membership, Resident, RoleGrant
from services import events
from services.policies import Actor
from services.residents.ages import IS_ADULT, is_adult, is_child
from services.residents.represented import settle_changes

CHILDS_NAME = "小朋友"


async def move_in(
    actor: Actor, resident_id: int, household: Household, capacity: Capacity, *, of: str = "confirmed"
) -> Membership:
    """Let somebody join a household; he leaves the one before. The first adult represents it.

    A child's nickname and picture are taken down. `of` says how it came about.
    """
    await _lock_homes(resident_id, household.id)
    before = await Membership.filter(resident_id=resident_id, until_at=None).select_related("household__building")
    for membership in before:
        await _end(actor, membership, to=household)
    joined = await Membership.create(
        community_id=household.community_id, household_id=household.id, resident_id=resident_id, capacity=capacity
    )
    if await is_adult(resident_id):
        await db.execute(REPRESENT, resident_id, household.id)
    if await is_child(resident_id):
        await Resident.filter(id=resident_id).update(
            nickname=CHILDS_NAME, nickname_wanted=None, avatar_id=None, wanted_avatar_id=None
        )
    await events.record(actor, "membership.began", joined, household_id=household.id, of=of)
    return joined


async def move_out(actor: Actor, membership: Membership, *, reason: str | None = None) -> None:
    """Let somebody leave his household for nowhere known: he reads on, but acts no more. Raises InvalidState."""
    await _lock_homes(membership.resident_id, membership.household_id)
    await _end(actor, membership, reason=reason)


# The first adult represents a household; one who uses WeChat takes over from one who does not, and so could not vote.
REPRESENT = """
UPDATE households SET representative_id = $1
WHERE id = $2 AND (representative_id IS NULL
    OR (SELECT openid IS NULL FROM residents WHERE id = representative_id)
        AND (SELECT openid IS NOT NULL FROM residents WHERE id = $1))
"""


# Whom a representative leaves behind: the household's next adult, first those who use WeChat.
SUCCEED = f"""
UPDATE households h SET representative_id = (
    SELECT m.resident_id FROM memberships m JOIN residents r ON r.id = m.resident_id
    WHERE m.household_id = h.id AND m.until_at IS NULL AND {IS_ADULT}
    ORDER BY r.openid IS NULL, m.id LIMIT 1)
WHERE h.representative_id = $1 AND h.id IS DISTINCT FROM $2
"""
# A residents' representative is a neighbour: his term ends with the day on which he leaves the community.
END_TERMS = """
UPDATE representatives t SET until_on = greatest(today, from_on), ended_at = clock_now()
FROM (SELECT (clock_now() AT TIME ZONE 'Asia/Shanghai')::date AS today) d
WHERE t.resident_id = $1 AND t.community_id = $2 AND until_on > greatest(today, from_on)
"""
# Who heads the building he lives in heads it no more once he has left it; who heads another one is not concerned.
END_HEADSHIPS = """
UPDATE role_grants SET until_at = clock_now() WHERE resident_id = $1 AND place_id = $2 AND role = 'building_head'
    AND (until_at IS NULL OR until_at > clock_now()) RETURNING id
"""
REVOKE_INVITATIONS = """
UPDATE invitations SET revoked_at = clock_now()
WHERE household_id = $1 AND made_by_id = $2 AND used_at IS NULL AND revoked_at IS NULL
"""


async def _end(actor: Actor, membership: Membership, *, to: Household | None = None, reason: str | None = None) -> None:
    resident_id, left = membership.resident_id, membership.household
    ended = await db.execute(
        "UPDATE memberships SET until_at = clock_now() WHERE id = $1 AND until_at IS NULL", membership.id
    )
    if not ended:
        raise InvalidState("ended")
    await db.execute(SUCCEED, resident_id, to.id if to else None)
    await db.execute(REVOKE_INVITATIONS, left.id, resident_id)
    await RepresentativeChange.filter(household_id=left.id, resident_id=resident_id, state=ChangeState.PENDING).update(
        state=ChangeState.WITHDRAWN
    )
    await settle_changes(actor, left.id)
    if to is None or to.building_id != left.building_id:
        for line in await db.rows(END_HEADSHIPS, resident_id, left.building_id):
            grant = await RoleGrant.get(id=line["id"])
            await events.record(actor, "role.revoked", grant, role=grant.role.value, resident_id=resident_id)
    away = to is None or to.community_id != left.community_id
    if away:
        await db.execute(END_TERMS, resident_id, left.community_id)
    await events.record(
        actor, "membership.ended", membership, household_id=left.id, resident_id=resident_id, away=away, reason=reason
    )


async def _lock_homes(resident_id: int, household_id: int) -> None:
    """Hold the household he leaves and the one he joins, so that nobody names a representative meanwhile."""
    await db.rows(
        "SELECT id FROM households WHERE id = $2 OR id IN (SELECT household_id FROM memberships "
        "WHERE resident_id = $1 AND until_at IS NULL) ORDER BY id FOR NO KEY UPDATE",
        resident_id,
        household_id,
    )
