"""Teams: residents who raise together, counted by helpers and pledges, never by money."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import db
from app.core.db import atomic
from app.core.errors import InvalidState, NotFound
from app.core.pages import Listed, Page, cut
from models.base import Moderation
from models.crowdfunding import (
    Campaign,
    CampaignState,
    OtherTeam,
    Team,
)
from services import checks, events
from services.crowdfunding.reading import door, visible
from services.policies import Actor, require_resident
from services.policies.actor import STAFF


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
    created_at: datetime


TEAMS = """
SELECT t.id, t.campaign_id, t.name, t.moderation, t.created_at,
    (SELECT count(*) FROM team_members m WHERE m.team_id = t.id) AS helpers,
    (SELECT count(*) FROM pledges p WHERE p.team_id = t.id AND p.state IN ('paid', 'promised', 'received')) AS pledges,
    EXISTS (SELECT 1 FROM team_members m WHERE m.team_id = t.id AND m.resident_id = $1) AS joined
FROM teams t
WHERE (t.moderation = 'passed' OR t.founder_id = $1 OR t.community_id = ANY($2::bigint[]))
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
    """Start a team for a campaign and be its first helper.

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
    await events.record(actor, "team.founded", team)
    return await find_team(actor, team.id)


@atomic()
async def join_team(actor: Actor, team_id: int) -> TeamLine:
    """Help in a team; joining it again changes nothing. Raises NotFound, NotVerified, Forbidden, OtherTeam."""
    line = await find_team(actor, team_id)
    campaign = await door(actor, line.campaign_id)
    require_resident(actor, campaign.community_id)
    _must_be_raising(campaign)
    await _join(actor, team_id)
    return await find_team(actor, team_id)


async def find_team(actor: Actor, team_id: int) -> TeamLine:
    """One team of a campaign the actor may see. Raises NotFound."""
    found = await db.row(f"{TEAMS} AND t.id = $3", actor.id, actor.serves(*STAFF), team_id)
    if found is None or not await visible(actor).filter(id=found["campaign_id"]).exists():
        raise NotFound("没有找到这支小分队", "No such team")
    return _line(found)


async def teams(actor: Actor, campaign_id: int, *, page: Page) -> Listed[TeamLine]:
    """A campaign's teams, newest first."""
    campaign = await door(actor, campaign_id)
    after = page.after[0] if page.after else None
    found = await db.rows(
        f"{TEAMS} AND t.campaign_id = $3 AND ($4::bigint IS NULL OR t.id < $4) ORDER BY t.id DESC LIMIT $5",
        actor.id,
        actor.serves(*STAFF),
        campaign.id,
        after,
        page.limit + 1,
    )
    return cut([_line(line) for line in found], page)


def _line(found: dict[str, Any]) -> TeamLine:
    return TeamLine(**found | {"moderation": Moderation(found["moderation"])})


def _must_be_raising(campaign: Campaign) -> None:
    if campaign.state not in (CampaignState.PUBLISHED, CampaignState.OPEN):
        raise InvalidState(campaign.state)


async def _join(actor: Actor, team_id: int) -> None:
    if await db.value(JOIN, team_id, actor.id) is None:
        raise OtherTeam
