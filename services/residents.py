"""People: login, homes, roles, and acting on behalf of those who do not use a phone."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.core import clock, crypto, db, tokens
from app.core.db import atomic
from app.core.errors import AlreadyExists, Conflict, Invalid, NotFound
from app.core.pages import Listed, Page, newest
from app.gateways.wechat import Wechat
from models.base import Record
from models.places import Place, PlaceKind
from models.residents import (
    Assistance,
    Capacity,
    ClaimState,
    ConsentKind,
    Household,
    HouseholdClaim,
    Membership,
    Resident,
    Role,
    RoleGrant,
    Session,
)
from services import events, places
from services.policies import Actor, Grant, require, require_resident
from services.policies import residents as policies
from services.rules.age import ADULT_YEARS, is_adult_by_date

IS_ADULT = f"""
(r.of_age OR r.birth_year < (SELECT extract(year FROM clock_now() AT TIME ZONE 'Asia/Shanghai')) - {ADULT_YEARS})
"""
SESSION_DAYS, SESSION_DAYS_MAX = 30, 90


class StillCommittee(Conflict):
    code = "committee_member"
    zh = "居委会成员不能担任居务监督委员会成员（居委会组织法第三十六条）"
    en = "A committee member cannot supervise (Organic Law of Residents' Committees, art. 36)"


@dataclass(frozen=True)
class Login:
    """A fresh session: the token is told once and never kept."""

    token: str
    expires_at: datetime
    actor: Actor


@dataclass(frozen=True)
class OnBehalfOf:
    """The person helped and how he agreed."""

    resident_id: int
    consent: ConsentKind
    witness_id: int | None = None
    media_id: int | None = None


@dataclass(frozen=True)
class Speaker:
    """For whom an act counts: the actor himself, or the person he helps."""

    id: int
    helped: OnBehalfOf | None = None

    @property
    def on_behalf_of_id(self) -> int | None:
        return self.helped.resident_id if self.helped else None


# --- sessions ---------------------------------------------------------------------------------------------------


async def log_in(wechat: Wechat, code: str) -> Login:
    """Open a session for whoever WeChat says the code belongs to; a newcomer becomes a resident. Calls WeChat."""
    identity = await wechat.code_to_session(code)
    return await open_session(identity.openid, identity.unionid)


@atomic()
async def open_session(openid: str, unionid: str | None = None) -> Login:
    """Open a session for an openid that has been proved; sliding 30 days, absolute 90."""
    resident = await enrol(openid, unionid)
    token = tokens.new_token()
    expires_at: datetime = await db.value(
        "INSERT INTO sessions (resident_id, token_hash, expires_at, ends_at) "
        "VALUES ($1, $2, clock_now() + $3 * interval '1 day', clock_now() + $4 * interval '1 day') "
        "RETURNING expires_at",
        resident.id,
        tokens.token_hash(token),
        SESSION_DAYS,
        SESSION_DAYS_MAX,
    )
    actor = await actor_by_token(token)
    assert actor is not None  # noqa: S101 - just made
    return Login(token, expires_at, actor)


async def enrol(openid: str, unionid: str | None = None) -> Resident:
    """The resident of an openid, made if new."""
    await db.execute(
        "INSERT INTO residents (openid, unionid, nickname, suspended) VALUES ($1, $2, $3, false) "
        "ON CONFLICT (openid) DO UPDATE SET unionid = coalesce(excluded.unionid, residents.unionid)",
        openid,
        unionid,
        "微信用户",
    )
    return await Resident.get(openid=openid)


async def log_out(actor: Actor) -> None:
    """End the session the actor came with; other devices stay logged in."""
    await Session.filter(id=actor.session_id).delete()


async def end_old_sessions() -> None:
    """Delete sessions that ended a day ago or earlier, at most 10,000."""
    await db.execute(
        "DELETE FROM sessions WHERE id IN "
        "(SELECT id FROM sessions WHERE expires_at < clock_now() - interval '1 day' LIMIT 10000)"
    )


ACTOR = """
SELECT r.id, r.nickname, r.openid, r.birth_year, r.suspended, m.household_id, m.community_id, b.path AS home_path,
    {session} coalesce((
        SELECT json_agg(json_build_object(
            'role', g.role, 'place_id', g.place_id, 'path', p.path, 'community_id', p.community_id,
            'communities', CASE
                WHEN p.kind = 'community' THEN json_build_array(p.id)
                WHEN p.kind IN ('street', 'district') THEN (
                    SELECT coalesce(json_agg(c.id), '[]'::json) FROM places c
                    WHERE c.kind = 'community' AND c.path LIKE p.path || '%')
                ELSE '[]'::json END))
        FROM role_grants g JOIN places p ON p.id = g.place_id
        WHERE g.resident_id = r.id AND g.from_at <= clock_now() AND (g.until_at IS NULL OR g.until_at > clock_now())
    ), '[]'::json) AS grants
FROM {origin}
LEFT JOIN memberships m ON m.resident_id = r.id AND m.until_at IS NULL
LEFT JOIN households h ON h.id = m.household_id LEFT JOIN places b ON b.id = h.building_id
WHERE {condition}
"""
ACTOR_BY_TOKEN = ACTOR.format(
    session="s.id AS session_id, s.expires_at < clock_now() + interval '29 days' AS slide,",
    origin="sessions s JOIN residents r ON r.id = s.resident_id",
    condition="s.token_hash = $1 AND s.expires_at > clock_now()",
)
ACTOR_BY_ID = ACTOR.format(session="NULL::bigint AS session_id,", origin="residents r", condition="r.id = $1")


async def actor_by_token(token: str) -> Actor | None:
    """Whoever holds the token, with his home and roles as they are now; None for a wrong or expired one."""
    found = await db.row(ACTOR_BY_TOKEN, tokens.token_hash(token))
    if found is None:
        return None
    if found.pop("slide"):
        await db.execute(
            "UPDATE sessions SET expires_at = least(ends_at, clock_now() + $2 * interval '1 day') WHERE id = $1",
            found["session_id"],
            SESSION_DAYS,
        )
    return _actor(found)


async def actor(resident_id: int) -> Actor:
    """A resident as an actor, for jobs, the command line and tests. Raises NotFound."""
    found = await db.row(ACTOR_BY_ID, resident_id)
    if found is None:
        raise NotFound("没有找到这位居民", "No such resident")
    return _actor(found)


def _actor(found: dict[str, Any]) -> Actor:
    raw = found.pop("grants")
    grants = tuple(
        Grant(
            role=Role(grant["role"]),
            place_id=grant["place_id"],
            path=grant["path"],
            community_id=grant["community_id"],
            communities=frozenset(grant["communities"]),
        )
        for grant in (json.loads(raw) if isinstance(raw, str) else raw)
    )
    return Actor(**found, grants=grants)


# --- profile ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Profile:
    """What a resident sees of himself."""

    actor: Actor
    resident: Resident
    household: Household | None
    capacity: Capacity | None


async def profile(actor: Actor) -> Profile:
    """The actor's own page."""
    resident = await Resident.get(id=actor.id)
    membership = (
        await Membership.filter(resident_id=actor.id, until_at=None).select_related("household__building").first()
    )
    return Profile(
        actor,
        resident,
        membership.household if membership else None,
        membership.capacity if membership else None,
    )


@atomic()
async def update_profile(actor: Actor, **named: str | None) -> Profile:
    """Replace the named fields of the actor's own page: `nickname`, `avatar_url` (None takes the picture away)."""
    resident = await Resident.get(id=actor.id)
    resident.update_from_dict(named)
    if named:
        await resident.save(update_fields=list(named))
    await events.record(actor, "resident.updated", resident)
    return await profile(actor)


# --- homes ------------------------------------------------------------------------------------------------------


@atomic()
async def claim_household(
    actor: Actor,
    *,
    building_id: int,
    unit: str,
    room: str,
    capacity: Capacity,
    birth_year: int,
    birth_date: date | None = None,
) -> HouseholdClaim:
    """Say where one lives. A birth date only shows that somebody of exactly 18 years is of age; it is not kept.

    Raises NotFound, Invalid for a place that is no building, AlreadyExists while another claim is pending.
    """
    require(not actor.suspended)
    building = await _building(building_id)
    today = (await clock.now()).astimezone(clock.SHANGHAI).date()
    if not 1900 <= birth_year <= today.year:
        raise Invalid("出生年份不正确", "The year of birth is not possible")
    claim = await HouseholdClaim.create(
        community_id=building.community_id,
        building_id=building.id,
        resident_id=actor.id,
        unit=unit,
        room=room,
        capacity=capacity,
        birth_year=birth_year,
        of_age=birth_date is not None and is_adult_by_date(birth_date, today),
    )
    await events.record(actor, "household_claim.submitted", claim)
    return claim


async def find_claim(actor: Actor, claim_id: int) -> HouseholdClaim:
    """A claim, for its author and for whoever may confirm it. Raises NotFound."""
    claim = await HouseholdClaim.get_or_none(id=claim_id).select_related("building", "resident")
    if claim is None or not (claim.resident_id == actor.id or await _may_confirm(actor, claim)):
        raise NotFound("没有找到这条申请", "No such claim")
    return claim


async def claims(
    actor: Actor, *, community_id: int | None = None, state: ClaimState | None = None, page: Page
) -> Listed[HouseholdClaim]:
    """The claims the actor may confirm, and his own, newest first."""
    visible = await db.rows(
        """
        SELECT c.id FROM household_claims c JOIN places b ON b.id = c.building_id
        WHERE ($2::bigint IS NULL OR c.community_id = $2) AND ($3::text IS NULL OR c.state = $3)
            AND ($4::bigint IS NULL OR c.id < $4)
            AND (c.resident_id = $1
                OR EXISTS (SELECT 1 FROM unnest($5::text[]) AS served WHERE starts_with(b.path, served))
                OR (c.building_id, c.unit, c.room) IN
                    (SELECT building_id, unit, room FROM households WHERE representative_id = $1 AND id = $7))
        ORDER BY c.id DESC LIMIT $6
        """,
        actor.id,
        community_id,
        state.value if state else None,
        page.after[0] if page.after else None,
        [g.path for g in actor.grants if g.role in (Role.BUILDING_HEAD, Role.COMMITTEE) and not actor.suspended],
        page.limit + 1,
        actor.household_id,
    )
    ids = [line["id"] for line in visible]
    return await newest(
        HouseholdClaim.filter(id__in=ids).select_related("building", "resident"), Page(page.limit, None)
    )


@atomic()
async def confirm_claim(actor: Actor, claim_id: int) -> HouseholdClaim:
    """Confirm where somebody lives: he joins the household (made if new) and leaves the one before.

    The first adult of a household becomes its representative. Raises NotFound, Forbidden, InvalidState.
    """
    claim = await find_claim(actor, claim_id)
    require(await _may_confirm(actor, claim))
    await claim.move_to(ClaimState.CONFIRMED, decided_by_id=actor.id)
    await Resident.filter(id=claim.resident_id).update(birth_year=claim.birth_year, of_age=claim.of_age)
    household = await _household(claim.building, claim.unit, claim.room)
    await _move_in(claim.resident_id, household, claim.capacity)
    await events.record(actor, "household_claim.confirmed", claim, household_id=household.id)
    return claim


@atomic()
async def decline_claim(actor: Actor, claim_id: int, reason: str) -> HouseholdClaim:
    """Decline a claim with a reason the claimant reads. Raises NotFound, Forbidden, InvalidState."""
    claim = await find_claim(actor, claim_id)
    require(await _may_confirm(actor, claim))
    await claim.move_to(ClaimState.DECLINED, decided_by_id=actor.id, reason=reason)
    await events.record(actor, "household_claim.declined", claim)
    return claim


@atomic()
async def update_household(
    actor: Actor, household_id: int, *, area_cm2: int | None, representative_id: int | None
) -> Household:
    """Record a household's area (cm²) or representative, a live adult member. Committee only."""
    household = await Household.filter(id=household_id).select_for_update(no_key=True).first()
    if household is None or not actor.is_staff(household.community_id):
        raise NotFound("没有找到这一户", "No such household")
    require(policies.may_look_after_households(actor, household.community_id))
    changed = []
    if area_cm2 is not None:
        household.area_cm2 = area_cm2
        changed.append("area_cm2")
    if representative_id is not None:
        member = (
            await Membership.filter(household_id=household.id, resident_id=representative_id, until_at=None)
            .select_related("resident")
            .first()
        )
        if member is None:
            raise Invalid("户代表必须是本户成员", "The representative is a member of the household")
        if not await _is_adult(representative_id):
            raise Invalid("户代表必须年满十八周岁", "The representative is 18 or older")
        household.representative_id = representative_id
        changed.append("representative_id")
    if changed:
        await household.save(update_fields=changed)
    await events.record(actor, "household.updated", household, area_cm2=household.area_cm2)
    return household


@atomic()
async def add_resident(actor: Actor, *, household_id: int, name: str, birth_year: int, secret: str) -> Resident:
    """Register somebody who does not use WeChat, so that others can act on his behalf. The name is sealed."""
    household = await Household.get_or_none(id=household_id).select_related("building")
    if household is None or not actor.is_staff(household.community_id):
        raise NotFound("没有找到这一户", "No such household")
    require(policies.may_help(actor, household.building.path))
    resident = await Resident.create(nickname=masked(name), birth_year=birth_year)
    resident.name_sealed = crypto.seal(secret, name, table="residents", column="name", row=resident.id)
    await resident.save(update_fields=["name_sealed"])
    await _move_in(resident.id, household, Capacity.FAMILY)
    await events.record(actor, "resident.registered", resident, household_id=household.id)
    return resident


async def find_resident(resident_id: int) -> Resident:
    """One resident. Raises NotFound."""
    resident = await Resident.get_or_none(id=resident_id)
    if resident is None:
        raise NotFound("没有找到这位居民", "No such resident")
    return resident


def masked(name: str) -> str:
    """A name as others see it: 王**."""
    return name[:1] + "**"


async def _building(building_id: int) -> Place:
    building = await places.find(building_id)
    if building.kind is not PlaceKind.BUILDING:
        raise Invalid("请选择楼栋", "Choose a building")
    return building


async def _may_confirm(actor: Actor, claim: HouseholdClaim) -> bool:
    household = await Household.get_or_none(building_id=claim.building_id, unit=claim.unit, room=claim.room)
    return policies.may_confirm_residence(actor, claim.building, household, claim.resident_id)


async def _household(building: Place, unit: str, room: str) -> Household:
    await db.execute(
        "INSERT INTO households (community_id, building_id, unit, room) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT ON CONSTRAINT households_one_per_room DO NOTHING",
        building.community_id,
        building.id,
        unit,
        room,
    )
    return await Household.get(building_id=building.id, unit=unit, room=room)


async def _move_in(resident_id: int, household: Household, capacity: Capacity) -> None:
    await _lock_homes(resident_id, household.id)
    await db.execute(
        "UPDATE memberships SET until_at = clock_now() WHERE resident_id = $1 AND until_at IS NULL",
        resident_id,
    )
    await db.execute(SUCCEED, resident_id, household.id)
    await Membership.create(
        community_id=household.community_id,
        household_id=household.id,
        resident_id=resident_id,
        capacity=capacity,
    )
    if await _is_adult(resident_id):
        await Household.filter(id=household.id, representative_id=None).update(representative_id=resident_id)


# Whom a representative leaves behind: the household's next adult, first those who use WeChat.
SUCCEED = f"""
UPDATE households h SET representative_id = (
    SELECT m.resident_id FROM memberships m JOIN residents r ON r.id = m.resident_id
    WHERE m.household_id = h.id AND m.until_at IS NULL AND {IS_ADULT}
    ORDER BY r.openid IS NULL, m.id LIMIT 1)
WHERE h.representative_id = $1 AND h.id <> $2
"""


async def _lock_homes(resident_id: int, household_id: int) -> None:
    """Hold the household he leaves and the one he joins, so that nobody names a representative meanwhile."""
    await db.rows(
        "SELECT id FROM households WHERE id = $2 OR id IN (SELECT household_id FROM memberships "
        "WHERE resident_id = $1 AND until_at IS NULL) ORDER BY id FOR NO KEY UPDATE",
        resident_id,
        household_id,
    )


async def _is_adult(resident_id: int) -> bool:
    return bool(await db.value(f"SELECT {IS_ADULT} FROM residents r WHERE r.id = $1", resident_id))


# --- roles ------------------------------------------------------------------------------------------------------


@atomic()
async def grant_role(
    actor: Actor,
    place_id: int,
    *,
    resident_id: int,
    role: Role,
    until_at: datetime | None = None,
    resolution_id: int | None = None,
) -> RoleGrant:
    """Give somebody a role at a place and all below it.

    Raises NotFound, Forbidden (wrong granter, or oneself), Invalid (a role not held at such a place, a supervisor
    without the residents' meeting's resolution), StillCommittee (居委会组织法 36), AlreadyExists.
    """
    place = await places.find(place_id)
    require(policies.may_grant(actor, role, place))
    require(resident_id != actor.id, "不能给自己授予角色", "Nobody grants himself a role")
    if role is Role.SUPERVISOR and resolution_id is None:
        raise Invalid("监督委员会成员须有居民会议决议", "A supervisor needs the residents' meeting's resolution")
    if until_at is not None and until_at <= await clock.now():
        raise Invalid("截止时间必须在将来", "The end lies in the future")
    if not await Resident.exists(id=resident_id):
        raise NotFound("没有找到这位居民", "No such resident")
    return await _grant(actor, place, resident_id, role, until_at, resolution_id)


@atomic()
async def grant_from_command_line(openid: str, role: Role, place_id: int) -> RoleGrant:
    """The only grant without a granter; whoever runs the server may do anything. Creates the resident if new."""
    place = await places.find(place_id)
    return await _grant(None, place, (await enrol(openid)).id, role, None, None)


async def find_grant(place_id: int, grant_id: int) -> RoleGrant:
    """A role given at a place. Raises NotFound."""
    grant = await RoleGrant.get_or_none(id=grant_id, place_id=place_id).select_related("place")
    if grant is None:
        raise NotFound("没有找到这项授权", "No such grant")
    return grant


@atomic()
async def revoke_role(actor: Actor, place_id: int, grant_id: int) -> RoleGrant:
    """End a role now; whoever may grant it may end it. Ending it again changes nothing. Raises LastOfficer."""
    grant = await find_grant(place_id, grant_id)
    require(policies.may_grant(actor, grant.role, grant.place))
    ended = await db.execute(
        "UPDATE role_grants SET until_at = clock_now(), revoked_by_id = $2 "
        "WHERE id = $1 AND (until_at IS NULL OR until_at > clock_now())",
        grant.id,
        actor.id,
    )
    if ended:
        await events.record(actor, "role.revoked", grant, role=grant.role.value, resident_id=grant.resident_id)
    return grant


async def _grant(
    actor: Actor | None,
    place: Place,
    resident_id: int,
    role: Role,
    until_at: datetime | None,
    resolution_id: int | None,
) -> RoleGrant:
    if place.kind not in policies.HELD_AT[role]:
        raise Invalid("这个角色不能授予这类地方", "This role is not held at such a place")
    await db.advisory_lock(f"roles of {resident_id}")
    if await _holds(resident_id, role, place.id):
        raise AlreadyExists
    other = {Role.SUPERVISOR: Role.COMMITTEE, Role.COMMITTEE: Role.SUPERVISOR}.get(role)
    if other and await _holds(resident_id, other, place.id):
        raise StillCommittee
    grant = await RoleGrant.create(
        resident_id=resident_id,
        role=role,
        place_id=place.id,
        granted_by_id=actor.id if actor else None,
        resolution_id=resolution_id,
        until_at=until_at,
    )
    await events.record(actor, "role.granted", grant, role=role.value, resident_id=resident_id, place_id=place.id)
    return grant


async def _holds(resident_id: int, role: Role, place_id: int) -> bool:
    return bool(
        await db.value(
            "SELECT 1 FROM role_grants WHERE resident_id = $1 AND role = $2 AND place_id = $3 "
            "AND (until_at IS NULL OR until_at > clock_now())",
            resident_id,
            role.value,
            place_id,
        )
    )


# --- acting on behalf of others ---------------------------------------------------------------------------------


async def speaker(actor: Actor, community_id: int, on_behalf_of: OnBehalfOf | None) -> Speaker:
    """For whom the act counts. An assistant must serve where the person he helps lives.

    Raises NotVerified, Forbidden, NotFound, Invalid (helping oneself, a witness who is missing or a party).
    """
    if on_behalf_of is None:
        require_resident(actor, community_id)
        return Speaker(actor.id)
    home = await db.row(
        "SELECT m.community_id, b.path FROM memberships m JOIN households h ON h.id = m.household_id "
        "JOIN places b ON b.id = h.building_id WHERE m.resident_id = $1 AND m.until_at IS NULL",
        on_behalf_of.resident_id,
    )
    if home is None or not actor.is_staff(home["community_id"]):
        raise NotFound("没有找到这位居民", "No such resident")
    require(
        policies.may_help(actor, home["path"]) and home["community_id"] == community_id,
        "您不负责这位居民所在的楼栋或社区",
        "You do not serve where this resident lives",
    )
    if on_behalf_of.resident_id == actor.id:
        raise Invalid("不能代表自己", "Nobody acts on behalf of himself")
    if on_behalf_of.media_id is not None:
        raise Invalid("没有找到这份凭证", "No such evidence")
    if on_behalf_of.consent is ConsentKind.WITNESS and (
        on_behalf_of.witness_id is None
        or on_behalf_of.witness_id in (actor.id, on_behalf_of.resident_id)
        or not await Resident.exists(id=on_behalf_of.witness_id)
    ):
        raise Invalid("请填写见证人，且见证人不能是双方本人", "Name a witness who is neither of the two")
    return Speaker(on_behalf_of.resident_id, on_behalf_of)


async def note_assistance(actor: Actor, speaker: Speaker, verb: str, subject: Record, community_id: int) -> None:
    """Keep how the person helped agreed to the act just done; nothing to keep when the actor spoke for himself."""
    if speaker.helped is None:
        return
    await Assistance.create(
        community_id=community_id,
        resident_id=speaker.id,
        assistant_id=actor.id,
        consent_kind=speaker.helped.consent,
        witness_id=speaker.helped.witness_id,
        media_id=speaker.helped.media_id,
        verb=verb,
        subject_kind=subject.noun(),
        subject_id=subject.id,
    )
