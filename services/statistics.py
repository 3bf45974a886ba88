"""Figures of a place, always counted from rows: what a community, a street or a district has done."""

from dataclasses import dataclass

from app.core import db
from app.core.errors import Invalid
from models.crowdfunding import Campaign
from models.places import PlaceKind
from services import crowdfunding, places


@dataclass(frozen=True)
class Figures:
    """Sums over all communities of a place; money in fen, service in minutes.

    `raised_fen` and `in_kind_fen` are what their published campaigns show, added up.
    """

    place_id: int
    communities: int
    residents: int
    households: int
    needs: int
    needs_done: int
    wishes: int
    wishes_confirmed: int
    deliberations: int
    resolutions: int
    activities: int
    service_minutes: int
    campaigns: int
    teams: int
    team_members: int
    raised_fen: int
    in_kind_fen: int


FIGURES = f"""
WITH c AS (SELECT id FROM places WHERE kind = 'community' AND path LIKE $1 || '%'),
shown AS (
    SELECT id FROM campaigns WHERE community_id IN (SELECT id FROM c) AND published_by_id IS NOT NULL
)
SELECT
    (SELECT count(*) FROM c) AS communities,
    (SELECT count(*) FROM memberships WHERE until_at IS NULL AND community_id IN (SELECT id FROM c)) AS residents,
    (SELECT count(*) FROM households WHERE community_id IN (SELECT id FROM c)) AS households,
    (SELECT count(*) FROM needs WHERE moderation = 'passed' AND community_id IN (SELECT id FROM c)) AS needs,
    (SELECT count(*) FROM needs WHERE state IN ('done', 'rated', 'closed')
        AND community_id IN (SELECT id FROM c)) AS needs_done,
    (SELECT count(*) FROM wishes WHERE state NOT IN ('in_review', 'withdrawn')
        AND community_id IN (SELECT id FROM c)) AS wishes,
    (SELECT count(*) FROM wishes WHERE state = 'confirmed' AND community_id IN (SELECT id FROM c)) AS wishes_confirmed,
    (SELECT count(*) FROM deliberations WHERE state <> 'withdrawn'
        AND community_id IN (SELECT id FROM c)) AS deliberations,
    (SELECT count(*) FROM resolutions WHERE community_id IN (SELECT id FROM c)) AS resolutions,
    (SELECT count(*) FROM activities WHERE community_id IN (SELECT id FROM c)) AS activities,
    (SELECT coalesce(sum(minutes), 0)::bigint FROM hours_served
        WHERE community_id IN (SELECT id FROM c)) AS service_minutes,
    (SELECT count(*) FROM shown) AS campaigns,
    (SELECT count(*) FROM teams WHERE campaign_id IN (SELECT id FROM shown)) AS teams,
    (SELECT count(*) FROM team_members WHERE campaign_id IN (SELECT id FROM shown)) AS team_members,
    (SELECT {crowdfunding.IN_KIND} FROM pledges WHERE campaign_id IN (SELECT id FROM shown)) AS in_kind_fen
"""


async def figures(place_id: int) -> Figures:
    """What all communities of a community, street or district add up to. Raises NotFound, Invalid below a community."""
    place = await places.find(place_id)
    if place.kind in (PlaceKind.GRID, PlaceKind.BUILDING):
        raise Invalid("统计按社区、街道和区汇总", "Figures are kept for communities, streets and districts")
    found = await db.row(FIGURES, place.path)
    assert found is not None  # noqa: S101 - one row of scalar subqueries
    shown = await Campaign.filter(
        community__kind=PlaceKind.COMMUNITY, community__path__startswith=place.path, published_by_id__isnull=False
    ).only("id", "legal_path")
    raised_fen = sum((await crowdfunding.raised(shown)).values())
    return Figures(place_id=place.id, raised_fen=raised_fen, **found)
