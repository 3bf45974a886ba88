"""Volunteers' teams (志愿队): asked to be let in, led by one of them, counted by members and hours; never ranked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import db
from app.core.db import atomic
from app.core.errors import Conflict, InvalidState, NotFound
from app.core.pages import Listed, Page, cut
from models.base import Moderation
from models.volunteer_teams import TeamMemberState, VolunteerTeam, VolunteerTeamMember
from services import checks, events, notifications, places, residents
from services.policies import Actor, require, require_resident
from services.policies.actor import STAFF

LEADER_ONLY = ("只有队长可以这样做", "Only who leads the team may do this")


class HandOver(Conflict):
    code, zh, en = "hand_over_first", "请先把队伍移交给另一位队员", "Hand the team over to another member first"


@dataclass(frozen=True)
class TeamSeen:
    """A team: how many belong to it, the minutes served for it, and the reader's own place in it."""

    id: int
    community_id: int
    name: str
    body: str
    moderation: Moderation
    leader_id: int | None
    leader: str | None
    members: int
    minutes: int
    my_state: TeamMemberState | None
    leading: bool
    created_at: datetime


@dataclass(frozen=True)
class MemberSeen:
    """A member, or somebody who asks to be one; named are oneself, the leader, and who consented to it."""

    id: int
    nickname: str | None
    state: TeamMemberState
    leading: bool
    mine: bool
    created_at: datetime


TEAMS = """
SELECT t.id, t.community_id, t.name, t.body, t.moderation, t.leader_id, l.nickname AS leader, t.created_at,
    (SELECT count(*) FROM volunteer_team_members m WHERE m.team_id = t.id AND m.state = 'member') AS members,
    (SELECT coalesce(sum(h.minutes), 0)::bigint FROM signups g JOIN hours_served h ON h.signup_id = g.id
        WHERE g.team_id = t.id) AS minutes,
    (SELECT m.state FROM volunteer_team_members m WHERE m.team_id = t.id AND m.resident_id = $1
        AND m.state IN ('asked', 'member')) AS my_state,
    t.leader_id IS NOT DISTINCT FROM $1 AS leading
FROM volunteer_teams t LEFT JOIN residents l ON l.id = t.leader_id
WHERE (t.moderation = 'passed' OR t.founder_id = $1 OR t.community_id = ANY($2::bigint[]))
"""
MEMBERS = """
SELECT m.id, m.resident_id, r.nickname, m.state, m.created_at, t.leader_id IS NOT DISTINCT FROM m.resident_id AS leading
FROM volunteer_team_members m JOIN volunteer_teams t ON t.id = m.team_id JOIN residents r ON r.id = m.resident_id
WHERE m.team_id = $1 AND (m.state = 'member' OR (m.state = 'asked' AND $2)) AND ($3::bigint IS NULL OR m.id < $3)
ORDER BY m.id DESC LIMIT $4
"""
# Who has only asked becomes a member where he joins as one; else joining again changes nothing.
JOIN = """
INSERT INTO volunteer_team_members AS m (community_id, team_id, resident_id, state)
SELECT community_id, id, $2, $3 FROM volunteer_teams WHERE id = $1
ON CONFLICT (team_id, resident_id) WHERE state IN ('asked', 'member')
    DO UPDATE SET state = 'member' WHERE m.state = 'asked' AND excluded.state = 'member'
RETURNING id
"""


async def find_team(actor: Actor, team_id: int) -> TeamSeen:
    """One team. Raises NotFound."""
    found = await db.row(f"{TEAMS} AND t.id = $3", actor.id, actor.serves(*STAFF), team_id)
    if found is None:
        raise NotFound("没有找到这支志愿队", "No such team")
    return _seen(found)


async def teams(actor: Actor, *, community_id: int | None = None, page: Page) -> Listed[TeamSeen]:
    """Teams, newest first."""
    found = await db.rows(
        f"{TEAMS} AND ($3::bigint IS NULL OR t.community_id = $3) AND ($4::bigint IS NULL OR t.id < $4) "
        "ORDER BY t.id DESC LIMIT $5",
        actor.id,
        actor.serves(*STAFF),
        community_id,
        page.after[0] if page.after else None,
        page.limit + 1,
    )
    return cut([_seen(line) for line in found], page)


async def members(actor: Actor, team_id: int, *, page: Page) -> Listed[MemberSeen]:
    """Who belongs to a team, newest first; its leader also reads who asks to join, by name. Raises NotFound."""
    team = await find_team(actor, team_id)
    found = await db.rows(MEMBERS, team.id, team.leading, page.after[0] if page.after else None, page.limit + 1)
    consenting = await residents.named([line["resident_id"] for line in found])
    lines = []
    for line in found:
        who = line["resident_id"]
        known = team.leading or line["leading"] or who == actor.id or who in consenting
        nickname = line["nickname"] if known else None
        state = TeamMemberState(line["state"])
        lines.append(MemberSeen(line["id"], nickname, state, line["leading"], who == actor.id, line["created_at"]))
    return cut(lines, page)


@atomic()
async def found_team(actor: Actor, *, community_id: int, name: str, body: str) -> TeamSeen:
    """Start a team, be its first member and lead it. Raises NotFound, NotVerified, Forbidden."""
    await places.find_community(community_id)
    require_resident(actor, community_id)
    team = await VolunteerTeam.create(
        community_id=community_id, name=name, body=body, founder_id=actor.id, leader_id=actor.id
    )
    await checks.expect(actor, team)
    await db.execute(JOIN, team.id, actor.id, TeamMemberState.MEMBER.value)
    await events.record(actor, "volunteer_team.founded", team)
    return await find_team(actor, team.id)


@atomic()
async def join_team(actor: Actor, team_id: int) -> TeamSeen:
    """Ask to join; its leader lets one in. Whom nobody leads lets everybody in, to lead. Again changes nothing.

    Raises NotFound, NotVerified, Forbidden.
    """
    team = await _held(await find_team(actor, team_id))
    require_resident(actor, team.community_id)
    state = TeamMemberState.ASKED if team.leader_id else TeamMemberState.MEMBER
    asked = await db.value(JOIN, team.id, actor.id, state.value)
    if team.leader_id is None:
        await VolunteerTeam.filter(id=team.id).update(leader_id=actor.id)
    if asked is not None:
        await events.record(actor, "volunteer_team.asked", team, member_id=asked)
        told = [] if team.leader_id is None else [team.leader_id]
        await notifications.tell(told, "volunteer_team.asked", team, title=team.name, name_id=actor.id)
    return await find_team(actor, team_id)


@atomic()
async def answer_member(actor: Actor, member_id: int, *, accepted: bool) -> TeamSeen:
    """Let somebody in who asked, or not; the leader does. Raises NotFound, Forbidden, InvalidState."""
    member = await _find_member(actor, member_id)
    team = await _held(await find_team(actor, member.team_id))
    require(team.leader_id == actor.id, *LEADER_ONLY)
    if member.state is not TeamMemberState.ASKED:
        raise InvalidState(member.state)
    await member.move_to(TeamMemberState.MEMBER if accepted else TeamMemberState.DECLINED)
    verb = "volunteer_team.joined" if accepted else "volunteer_team.declined"
    await events.record(actor, verb, team, member_id=member.id)
    await notifications.tell([member.resident_id], verb, team, title=team.name)
    return await find_team(actor, team.id)


@atomic()
async def leave_team(actor: Actor, team_id: int) -> TeamSeen:
    """Leave a team, or stop asking to join; again changes nothing. Who leads hands over first, unless he is the last.

    Raises NotFound, HandOver.
    """
    team = await _held(await find_team(actor, team_id))
    if team.leader_id == actor.id:
        if await VolunteerTeamMember.filter(team_id=team.id, state=TeamMemberState.MEMBER).count() > 1:
            raise HandOver
        await VolunteerTeam.filter(id=team.id).update(leader_id=None)
    live = (TeamMemberState.ASKED, TeamMemberState.MEMBER)
    member = await VolunteerTeamMember.get_or_none(team_id=team.id, resident_id=actor.id, state__in=live)
    if member is not None:
        await member.move_to(TeamMemberState.LEFT)
        await events.record(actor, "volunteer_team.left", team, member_id=member.id)
    return await find_team(actor, team_id)


@atomic()
async def hand_team_over(actor: Actor, team_id: int, *, member_id: int) -> TeamSeen:
    """Let another member lead; who leads does, or the committee where he cannot any more.

    Raises NotFound (also for somebody who is not in the team), Forbidden.
    """
    team = await _held(await find_team(actor, team_id))
    require(team.leader_id == actor.id or actor.is_committee(team.community_id), *LEADER_ONLY)
    member = await VolunteerTeamMember.get_or_none(id=member_id, team_id=team.id, state=TeamMemberState.MEMBER)
    if member is None:
        raise NotFound("没有找到这位队员", "No such member in this team")
    await VolunteerTeam.filter(id=team.id).update(leader_id=member.resident_id)
    await events.record(actor, "volunteer_team.handed_over", team, member_id=member.id)
    await notifications.tell([member.resident_id], "volunteer_team.handed_over", team, title=team.name)
    return await find_team(actor, team_id)


async def _find_member(actor: Actor, member_id: int) -> VolunteerTeamMember:
    member = await VolunteerTeamMember.get_or_none(id=member_id)
    if member is None:
        raise NotFound("没有找到这位队员", "No such member")
    await find_team(actor, member.team_id)
    return member


async def _held(seen: TeamSeen) -> VolunteerTeam:
    """The team itself, locked, so that joining, leaving and handing over come one after the other."""
    return await VolunteerTeam.filter(id=seen.id).select_for_update(no_key=True).get()


def _seen(line: dict[str, Any]) -> TeamSeen:
    state = TeamMemberState(line["my_state"]) if line["my_state"] else None
    return TeamSeen(**line | {"moderation": Moderation(line["moderation"]), "my_state": state})
