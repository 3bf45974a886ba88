"""Campaigns as their community sees them: one door, and figures that are always counted from rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from app.core import db
from app.core.errors import NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.comments import Comment
from models.crowdfunding import (
    BudgetLine,
    Campaign,
    CampaignNeed,
    CampaignState,
    LegalPath,
)
from services import comments, events, ledger, media
from services.events import TimelineItem
from services.policies import Actor, require_resident
from services.policies import crowdfunding as policies


@dataclass(frozen=True)
class CampaignDetail:
    """A campaign and its public history."""

    campaign: Campaign
    timeline: list[TimelineItem]


def visible(actor: Actor) -> QuerySet[Campaign]:
    """The one door: published campaigns for the community and those above it, drafts for its staff.

    What a charity raises, or is applied for from government, is no secret of the community.
    """
    near = Q(community_id__in=policies.shown_to(actor)) | Q(legal_path__in=[LegalPath.CHARITY, LegalPath.GOVERNMENT])
    published = near & Q(published_by_id__isnull=False, moderation=Moderation.PASSED)
    return Campaign.filter(published | Q(community_id__in=policies.staffed_by(actor)))


async def door(actor: Actor, campaign_id: int) -> Campaign:
    """One campaign that the actor may see, without its figures. Raises NotFound."""
    campaign = await visible(actor).get_or_none(id=campaign_id)
    if campaign is None:
        raise NotFound("没有找到这个众筹项目", "No such campaign")
    return campaign


comments.DOORS[Campaign.noun()] = door


async def find(actor: Actor, campaign_id: int) -> Campaign:
    """One campaign that the actor may see, with its figures. Raises NotFound."""
    return (await _with_figures(actor, [await door(actor, campaign_id)]))[0]


async def detail(actor: Actor, campaign_id: int) -> CampaignDetail:
    """One campaign with its figures and history. Raises NotFound."""
    campaign = await find(actor, campaign_id)
    return CampaignDetail(campaign, await events.timeline(actor, campaign))


async def raised(campaigns: Sequence[Campaign]) -> dict[int, int]:
    """What each campaign has raised, in fen: by the ledger, or where a charity raises by the incomes noted."""
    by_ledger = await ledger.raised([campaign.id for campaign in campaigns])
    outside = [campaign.id for campaign in campaigns if campaign.legal_path is LegalPath.CHARITY]
    noted = {line["campaign_id"]: line["fen"] for line in await db.rows(NOTED, outside)} if outside else {}
    return by_ledger | {campaign_id: noted.get(campaign_id, 0) for campaign_id in outside}


NOTED = """
SELECT campaign_id, sum(amount_fen)::bigint AS fen FROM incomes
WHERE campaign_id = ANY ($1::bigint[]) AND struck_by_id IS NULL GROUP BY campaign_id
"""


async def listed(
    actor: Actor, *, community_id: int | None = None, state: CampaignState | None = None, page: Page
) -> Listed[Campaign]:
    """Campaigns, newest first, with their figures."""
    query = visible(actor)
    if community_id is not None:
        query = query.filter(community_id=community_id)
    if state is not None:
        query = query.filter(state=state)
    found = await newest(query, page)
    return Listed(await _with_figures(actor, found.items), found.after)


async def comment(actor: Actor, campaign_id: int, *, body: str, parent_id: int | None = None) -> Comment:
    """Ask or say something about a campaign; residents of its community and its staff do."""
    campaign = await door(actor, campaign_id)
    if not actor.is_staff(campaign.community_id):
        require_resident(actor, campaign.community_id)
    return await comments.add(actor, campaign, campaign.community_id, body=body, parent_id=parent_id)


async def comments_on(actor: Actor, campaign_id: int, *, page: Page) -> Listed[Comment]:
    """What was said about a campaign, newest first."""
    return await comments.listed(actor, await door(actor, campaign_id), page=page)


# Goods that came, at their estimated value; what was noted by mistake is a withdrawn promise.
IN_KIND = "coalesce(sum(amount_fen) FILTER (WHERE kind = 'in_kind' AND state = 'received'), 0)::bigint"
# A neighbour counts once, however he gives; each gift in cash or by bank of whom nobody knows counts for one.
FIGURES = f"""
SELECT campaign_id, count(DISTINCT giver_id) + count(*) FILTER (WHERE giver_id IS NULL) AS backers,
    {IN_KIND} AS in_kind_fen
FROM (
    SELECT campaign_id, giver_id, kind, state, amount_fen FROM pledges
    WHERE campaign_id = ANY ($1::bigint[]) AND state IN ('paid', 'received')
    UNION ALL
    SELECT campaign_id, giver_id, kind, state, amount_fen FROM slips
    WHERE campaign_id = ANY ($1::bigint[]) AND kind = 'gift' AND state = 'posted' AND income_id IS NULL
) AS gifts GROUP BY campaign_id
"""


SPENT = """
SELECT budget_line_id AS id, sum(amount_fen)::bigint AS fen FROM expenses
WHERE campaign_id = ANY ($1::bigint[]) AND state = 'paid' GROUP BY budget_line_id
"""
RELEASED = """
SELECT budget_line_id AS id, sum(amount_fen)::bigint AS fen FROM line_releases
WHERE campaign_id = ANY ($1::bigint[]) GROUP BY budget_line_id
"""

# As `pledges_one_adopter` has it: whoever is still paying has his line.
ADOPTED = """
SELECT budget_line_id AS id FROM pledges
WHERE budget_line_id = ANY ($1::bigint[]) AND state IN ('awaiting_payment', 'paid', 'refunding') AND NOT late
"""


async def _with_figures(actor: Actor, campaigns: list[Campaign]) -> list[Campaign]:
    """The same campaigns with budget, needs, photos, what was raised and spent; eight queries for a page."""
    ids = [campaign.id for campaign in campaigns]
    fen = await raised(campaigns)
    figures = {line["campaign_id"]: line for line in await db.rows(FIGURES, ids)}
    spent = {line["id"]: line["fen"] for line in await db.rows(SPENT, ids)}
    released = {line["id"]: line["fen"] for line in await db.rows(RELEASED, ids)}
    lines = await BudgetLine.filter(campaign_id__in=ids).order_by("id")
    adopted = {one["id"] for one in await db.rows(ADOPTED, [line.id for line in lines])}
    for line in lines:
        line.adopted = line.id in adopted
        line.spent_fen, line.released_fen = spent.get(line.id, 0), released.get(line.id, 0)
    cited = await CampaignNeed.filter(campaign_id__in=ids).order_by("need_id")
    photos = await media.photos_of(actor, Campaign.noun(), ids)
    for campaign in campaigns:
        campaign.photos = photos[campaign.id]
        given = figures.get(campaign.id, {"backers": 0, "in_kind_fen": 0})
        campaign.raised_fen = fen[campaign.id]
        campaign.backers, campaign.in_kind_fen = given["backers"], given["in_kind_fen"]
        campaign.budget = [line for line in lines if line.campaign_id == campaign.id]
        campaign.spent_fen = sum(line.spent_fen for line in campaign.budget)
        campaign.need_ids = [one.need_id for one in cited if one.campaign_id == campaign.id]
    return campaigns
