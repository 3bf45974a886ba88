"""Roles: given from above, ended by whoever may give them."""

from dataclasses import dataclass
from datetime import datetime

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import AlreadyExists, Conflict, Invalid, InvalidState, NotFound, refuses
from app.core.pages import Listed, Page, cut, where
from models.places import Place
from models.residents import (
    Resident,
    Role,
    RoleGrant,
)
from services import events, places
from services.policies import Actor, require
from services.policies import residents as policies
from services.residents.ages import is_minor
from services.residents.sessions import enrol


class StillCommittee(Conflict):
    code = "committee_member"
    zh = "居委会成员不能担任居务监督委员会成员（居委会组织法第三十六条）"
    en = "A committee member cannot supervise (Organic Law of Residents' Committees, art. 36)"


class RelatedToCommittee(Conflict):
    code = "related_to_committee"
    zh = "居委会成员的近亲属不能担任居务监督委员会成员（居委会组织法第三十六条）"
    en = "A committee member's close relative cannot supervise (Organic Law of Residents' Committees, art. 36)"


refuses("role_grants_supervisor_or_committee", StillCommittee)
refuses("role_grants_supervisor_unrelated", RelatedToCommittee)


@dataclass(frozen=True)
class Holder:
    """Who holds a role at a place, since when and until when."""

    id: int
    resident_id: int
    nickname: str
    role: Role
    from_at: datetime
    until_at: datetime | None


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
    without the residents' meeting's resolution, somebody under 18), StillCommittee and RelatedToCommittee
    (居委会组织法 36), AlreadyExists.
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
    if await is_minor(resident_id):
        raise Invalid("未满十八周岁的居民不能担任职务", "Nobody under 18 holds a role")
    return await _grant(actor, place, resident_id, role, until_at, resolution_id)


@atomic()
async def renew_role(
    actor: Actor, place_id: int, grant_id: int, *, until_at: datetime, resolution_id: int | None = None
) -> RoleGrant:
    """Let a role that runs out last longer; whoever may grant it, a supervisor's with a new resolution.

    Raises NotFound, Forbidden, Invalid, InvalidState when it is over, StillCommittee, RelatedToCommittee.
    """
    grant = await find_grant(place_id, grant_id)
    require(policies.may_grant(actor, grant.role, grant.place))
    require(grant.resident_id != actor.id, "不能给自己授予角色", "Nobody grants himself a role")
    if grant.role is Role.SUPERVISOR and resolution_id is None:
        raise Invalid("监督委员会成员须有居民会议决议", "A supervisor needs the residents' meeting's resolution")
    if until_at <= (grant.until_at or await clock.now()):
        raise Invalid("新的截止时间应晚于原来的", "It ends later than before")
    renewed = await db.execute(
        "UPDATE role_grants SET until_at = $2, resolution_id = coalesce($3, resolution_id) "
        "WHERE id = $1 AND until_at > clock_now()",
        grant.id,
        until_at,
        resolution_id,
    )
    if not renewed:
        raise InvalidState("ended" if grant.until_at else "unlimited")
    await events.record(actor, "role.renewed", grant, role=grant.role.value, resident_id=grant.resident_id)
    return await find_grant(place_id, grant_id)


@atomic()
async def grant_from_command_line(openid: str, role: Role, place_id: int) -> RoleGrant:
    """The only grant without a granter; whoever runs the server may do anything. Creates the resident if new."""
    place = await places.find(place_id)
    return await _grant(None, place, (await enrol(openid)).id, role, None, None)


async def holders(role: Role, place_id: int) -> list[int]:
    """Who holds a role at just this place now."""
    found = await db.rows(
        "SELECT DISTINCT resident_id AS id FROM role_grants WHERE role = $1 AND place_id = $2 "
        "AND (until_at IS NULL OR until_at > clock_now())",
        role.value,
        place_id,
    )
    return [line["id"] for line in found]


async def holders_at(actor: Actor, place_id: int, *, page: Page) -> Listed[Holder]:
    """Who holds which role at just this place now, newest first; who lives or serves there may know.

    Raises NotFound, Forbidden.
    """
    place = await places.find(place_id)
    require(policies.may_know_holders(actor, place))
    after, values = where(2, ("g.id < {}", page.after[0] if page.after else None))
    found = await db.rows(
        "SELECT g.id, g.resident_id, r.nickname, g.role, g.from_at, g.until_at "
        "FROM role_grants g JOIN residents r ON r.id = g.resident_id WHERE g.place_id = $1 "
        f"AND (g.until_at IS NULL OR g.until_at > clock_now()){after} ORDER BY g.id DESC LIMIT {page.limit + 1}",
        place.id,
        *values,
    )
    return cut([Holder(**line | {"role": Role(line["role"])}) for line in found], page)


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
    if other and await _relative_holds(resident_id, other, place.id):
        raise RelatedToCommittee
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


async def _relative_holds(resident_id: int, role: Role, place_id: int) -> bool:
    return bool(
        await db.value(
            "SELECT 1 FROM relatives r JOIN role_grants g ON g.resident_id IN (r.low_id, r.high_id) "
            "WHERE $1 IN (r.low_id, r.high_id) AND r.ended_at IS NULL AND g.resident_id <> $1 AND g.role = $2 "
            "AND g.place_id = $3 AND (g.until_at IS NULL OR g.until_at > clock_now()) LIMIT 1",
            resident_id,
            role.value,
            place_id,
        )
    )
