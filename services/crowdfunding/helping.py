"""Teams: residents who raise together, counted by helpers and pledges, never by money."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core import db
from app.core.db import atomic
from app.core.errors import InvalidState, NotFound
from app.core.pages import Listed, Page, cut
from models.base import Moderation
from models.crowdfunding import (
    Campaign,
    CampaignState,
    HandOverFirst,
    OtherTeam,
    PledgeKind,
    Team,
)
from services import checks, events, notifications, residents
from services.crowdfunding.reading import door, visible
from services.policies import Actor, require, require_resident
from services.policies.actor import STAFF

RAISING = (CampaignState.PUBLISHED, CampaignState.OPEN)


@dataclass(frozen=True)
class TeamLine:
    """A team as its community sees it: how many help, how many pledges it brought. Never how much."""

    id: int
    campaign_id: int
    name: str
    moderation: Moderation
    helpers: int
    pledges: int
    joined: bool
    leading: bool
    created_at: datetime


class TeamSort(StrEnum):
    """Newest first, or those with the most helpers; never by money (慈善法 32: no apportioning)."""

    NEW = "new"
    HELPERS = "helpers"


@dataclass(frozen=True)
class Brought:
    """How many pledges of a kind a team brought."""

    kind: PledgeKind
    pledges: int


@dataclass(frozen=True)
class TeamPage:
    """A team with what it brought, counted by kind for all of it: nobody reads who gave nothing."""

    team: TeamLine
    brought: list[Brought]


@dataclass(frozen=True)
class Helper:
    """Somebody who helps in a team; `id` is of his membership, his name only there if he consented."""

    id: int
    nickname: str | None
    leading: bool
    mine: bool
    since: datetime


READABLE = "(t.moderation = 'passed' OR t.founder_id = $1 OR t.community_id = ANY($2::bigint[]))"
# Whoever helps in a team sees it without its name when that is hidden, so that he can leave or hand over.
TEAMS = f"""
SELECT t.id, t.campaign_id, CASE WHEN {READABLE} THEN t.name ELSE '众筹小分队' END AS name, t.moderation, t.created_at,
    (SELECT count(*) FROM team_members m WHERE m.team_id = t.id) AS helpers,
    (SELECT count(*) FROM pledges p WHERE p.team_id = t.id AND p.state IN ('paid', 'promised', 'received')) AS pledges,
    EXISTS (SELECT 1 FROM team_members m WHERE m.team_id = t.id AND m.resident_id = $1) AS joined,
    t.leader_id IS NOT DISTINCT FROM $1 AS leading
FROM teams t
WHERE ({READABLE}
    OR EXISTS (SELECT 1 FROM team_members m WHERE m.team_id = t.id AND m.resident_id = $1))
"""


JOIN = """
INSERT INTO team_members (community_id, campaign_id, team_id, resident_id)
SELECT community_id, campaign_id, id, $2 FROM teams WHERE id = $1
ON CONFLICT ON CONSTRAINT team_members_one_team DO UPDATE SET team_id = excluded.team_id
    WHERE team_members.team_id = excluded.team_id
RETURNING id
"""


@atomic()
async def found_team(actor: Actor, campaign_id: int, *, name: str) -> TeamLine:
    """Start a team for a campaign, be its first helper and lead it.

    Raises NotFound, NotVerified, Forbidden, InvalidState, AlreadyExists, OtherTeam.
    """
    campaign = await door(actor, campaign_id)
    require_resident(actor, campaign.community_id)
    _must_be_raising(campaign)
    team = await Team.create(
        community_id=campaign.community_id, campaign_id=campaign.id, founder_id=actor.id, name=name
    )
    await checks.expect(actor, team)
    await _join(actor, team.id)
    await Team.filter(id=team.id).update(leader_id=actor.id)
    await events.record(actor, "team.founded", team)
    return await find_team(actor, team.id)


@atomic()
async def join_team(actor: Actor, team_id: int) -> TeamLine:
    """Help in a team, and lead it if nobody is left in it; joining it again changes nothing.

    Raises NotFound, NotVerified, Forbidden, InvalidState, OtherTeam.
    """
    line = await find_team(actor, team_id)
    campaign = await door(actor, line.campaign_id)
    require_resident(actor, campaign.community_id)
    _must_be_raising(campaign)
    await _lock(team_id)
    await _join(actor, team_id)
    await Team.filter(id=team_id, leader_id=None).update(leader_id=actor.id)
    return await find_team(actor, team_id)


@atomic()
async def leave_team(actor: Actor, team_id: int) -> TeamLine:
    """Leave a team, also one that was hidden; again changes nothing. Who leads it hands it over first, or is the last.

    Raises NotFound, HandOverFirst.
    """
    line = await find_team(actor, team_id)
    await _lock(team_id)
    if await db.value("SELECT count(*) FROM team_members WHERE team_id = $1", team_id) == 1:
        await Team.filter(id=team_id, leader_id=actor.id).update(leader_id=None)
    if await Team.exists(id=team_id, leader_id=actor.id):
        raise HandOverFirst
    left = await db.value(
        "DELETE FROM team_members WHERE team_id = $1 AND resident_id = $2 RETURNING id", team_id, actor.id
    )
    if left is None:
        return line
    await events.record(actor, "team.left", await Team.get(id=line.id))
    return replace(line, helpers=line.helpers - 1, joined=False, leading=False)


@atomic()
async def leave_teams(resident_id: int, community_id: int) -> None:
    """Take somebody who moved away out of the teams that still raise; whoever helps longest leads on."""
    found = await db.rows(STILL_RAISING, resident_id, community_id, [state.value for state in RAISING])
    for line in found:
        await db.execute(SUCCEED_LEADER, line["id"], resident_id)
        await db.execute("DELETE FROM team_members WHERE team_id = $1 AND resident_id = $2", line["id"], resident_id)
        await events.record(None, "team.left", await Team.get(id=line["id"]))


STILL_RAISING = """
SELECT t.id FROM teams t JOIN campaigns c ON c.id = t.campaign_id
WHERE t.community_id = $2 AND c.state = ANY ($3::text[])
    AND EXISTS (SELECT 1 FROM team_members m WHERE m.team_id = t.id AND m.resident_id = $1)
ORDER BY t.id FOR NO KEY UPDATE OF t
"""
SUCCEED_LEADER = """
UPDATE teams SET leader_id = (
    SELECT resident_id FROM team_members WHERE team_id = $1 AND resident_id <> $2 ORDER BY id LIMIT 1)
WHERE id = $1 AND leader_id = $2
"""


@atomic()
async def hand_team_over(actor: Actor, team_id: int, *, helper_id: int) -> TeamLine:
    """Let another helper lead; who leads does, or the committee where he cannot any more.

    Raises NotFound (also for somebody who is not in the team), Forbidden.
    """
    line = await find_team(actor, team_id)
    team = await Team.get(id=line.id)
    require(
        team.leader_id == actor.id or actor.is_committee(team.community_id),
        "只有队长可以移交小分队",
        "Only who leads the team hands it over",
    )
    await _lock(team_id)
    leads = await db.value(
        "UPDATE teams SET leader_id = m.resident_id FROM team_members m "
        "WHERE teams.id = $1 AND m.team_id = $1 AND m.id = $2 AND teams.leader_id IS NOT DISTINCT FROM $3 "
        "RETURNING m.resident_id",
        team_id,
        helper_id,
        team.leader_id,
    )
    if leads is None:
        raise NotFound("没有找到这位队员", "No such helper in this team")
    await events.record(actor, "team.handed_over", team, helper_id=helper_id)
    await notifications.tell([leads], "team.handed_over", team, title=line.name)
    return await find_team(actor, team_id)


async def team_page(actor: Actor, team_id: int) -> TeamPage:
    """One team and what it brought. Raises NotFound."""
    line = await find_team(actor, team_id)
    found = await db.rows(BROUGHT, line.id)
    return TeamPage(line, [Brought(PledgeKind(one["kind"]), one["pledges"]) for one in found])


BROUGHT = """
SELECT kind, count(*) AS pledges FROM pledges WHERE team_id = $1 AND state IN ('paid', 'promised', 'received')
GROUP BY kind ORDER BY kind
"""
HELPERS = """
SELECT m.id, m.resident_id, r.nickname, m.created_at AS since, t.leader_id = m.resident_id AS leading
FROM team_members m JOIN teams t ON t.id = m.team_id JOIN residents r ON r.id = m.resident_id
WHERE m.team_id = $1 AND ($2::bigint IS NULL OR m.id < $2) ORDER BY m.id DESC LIMIT $3
"""


async def helpers(actor: Actor, team_id: int, *, page: Page) -> Listed[Helper]:
    """Who helps in a team, newest first; named are oneself and those who consented to it. Raises NotFound."""
    line = await find_team(actor, team_id)
    found = await db.rows(HELPERS, line.id, page.after[0] if page.after else None, page.limit + 1)
    consenting = await residents.named([one["resident_id"] for one in found])
    lines = []
    for one in found:
        mine = one["resident_id"] == actor.id
        known = mine or one["resident_id"] in consenting
        nickname = one["nickname"] if known else None
        lines.append(Helper(one["id"], nickname, bool(one["leading"]), mine, one["since"]))
    return cut(lines, page)


async def find_team(actor: Actor, team_id: int) -> TeamLine:
    """One team of a campaign the actor may see. Raises NotFound."""
    found = await db.row(f"{TEAMS} AND t.id = $3", actor.id, actor.serves(*STAFF), team_id)
    if found is None or not await visible(actor).filter(id=found["campaign_id"]).exists():
        raise NotFound("没有找到这支小分队", "No such team")
    return _line(found)


async def teams(actor: Actor, campaign_id: int, *, sort: TeamSort = TeamSort.NEW, page: Page) -> Listed[TeamLine]:
    """A campaign's teams, newest first, or those with the most helpers first."""
    campaign = await door(actor, campaign_id)
    by = ("id",) if sort is TeamSort.NEW else ("helpers", "id")
    after = page.after if page.after and len(page.after) == len(by) else None
    beyond = f"({', '.join(by)}) < ({', '.join(f'${n}::bigint' for n in range(5, 5 + len(by)))})" if after else "true"
    found = await db.rows(
        f"SELECT * FROM ({TEAMS} AND t.campaign_id = $3) t WHERE {beyond} "
        f"ORDER BY {', '.join(f'{column} DESC' for column in by)} LIMIT $4",
        actor.id,
        actor.serves(*STAFF),
        campaign.id,
        page.limit + 1,
        *(after or ()),
    )
    return cut([_line(line) for line in found], page, by=by)


def _line(found: dict[str, Any]) -> TeamLine:
    return TeamLine(**found | {"moderation": Moderation(found["moderation"])})


def _must_be_raising(campaign: Campaign) -> None:
    if campaign.state not in RAISING:
        raise InvalidState(campaign.state)


async def _lock(team_id: int) -> None:
    """Let joining, leaving and handing over come one after the other."""
    await db.execute("SELECT id FROM teams WHERE id = $1 FOR NO KEY UPDATE", team_id)


async def _join(actor: Actor, team_id: int) -> None:
    if await db.value(JOIN, team_id, actor.id) is None:
        raise OtherTeam
