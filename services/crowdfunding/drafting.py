"""Drawing up a campaign: a budget that adds up, a deadline within a year, a resolution to rest on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core import clock
from app.core.db import atomic
from app.core.errors import Invalid
from models.crowdfunding import (
    BudgetLine,
    Campaign,
    CampaignKind,
    CampaignNeed,
    LegalPath,
    ResolutionNotValid,
)
from models.deliberations import Resolution
from services import checks, events, ledger, media, needs, places
from services.crowdfunding.reading import find
from services.policies import Actor, require
from services.policies import crowdfunding as policies

STAFF_ONLY = ("只有本社区的工作人员可以这样做", "Only staff of this community may do this")
LONGEST = timedelta(days=365)


@dataclass(frozen=True)
class BudgetItem:
    """One purpose of the money asked for."""

    title: str
    amount_fen: int


@atomic()
async def create(
    actor: Actor,
    *,
    community_id: int,
    legal_path: LegalPath,
    kind: CampaignKind,
    title: str,
    body: str,
    goal_fen: int,
    minimum_fen: int | None = None,
    opens_at: datetime | None = None,
    deadline: datetime,
    budget: Sequence[BudgetItem],
    resolution_id: int,
    need_ids: Sequence[int] = (),
    photo_ids: Sequence[int] = (),
) -> Campaign:
    """Draw up a campaign; staff of the community do. The budget adds up to the goal; money in fen.

    The needs it cites hear of it when it is published. Raises NotFound, Forbidden, Invalid (path not offered, figures,
    times or needs that do not fit), ResolutionNotValid, and what `media.attach` raises.
    """
    await places.find_community(community_id)
    require(policies.may_propose(actor, community_id), *STAFF_ONLY)
    if legal_path is not LegalPath.COMMUNITY:
        raise Invalid("目前只支持社区内部众筹", "Only raising within the community is offered for now")
    _check_figures(goal_fen, minimum_fen, budget)
    await _check_times(opens_at, deadline)
    if not await _is_valid(resolution_id, community_id):
        raise ResolutionNotValid
    campaign = await Campaign.create(
        community_id=community_id,
        author_id=actor.id,
        legal_path=legal_path,
        kind=kind,
        title=title,
        body=body,
        goal_fen=goal_fen,
        minimum_fen=minimum_fen or goal_fen,
        opens_at=opens_at,
        deadline=deadline,
        resolution_id=resolution_id,
    )
    await BudgetLine.bulk_create(
        BudgetLine(community_id=community_id, campaign_id=campaign.id, title=line.title, amount_fen=line.amount_fen)
        for line in budget
    )
    await CampaignNeed.bulk_create(
        CampaignNeed(community_id=community_id, campaign_id=campaign.id, need_id=need.id)
        for need in await needs.citable(actor, need_ids, community_id)
    )
    await checks.expect(actor, campaign)
    await media.attach(actor, campaign, community_id, photo_ids)
    await ledger.open_accounts(community_id, campaign.id)
    await events.record(actor, "campaign.drafted", campaign, goal_fen=goal_fen, resolution_id=resolution_id)
    return await find(actor, campaign.id)


def _check_figures(goal_fen: int, minimum_fen: int | None, budget: Sequence[BudgetItem]) -> None:
    if sum(line.amount_fen for line in budget) != goal_fen:
        raise Invalid("预算各项之和必须等于目标金额", "The budget lines must add up to the goal")
    if minimum_fen is not None and minimum_fen > goal_fen:
        raise Invalid("最低金额不能超过目标金额", "The minimum cannot exceed the goal")


async def _check_times(opens_at: datetime | None, deadline: datetime) -> None:
    now = await clock.now()
    if not now < deadline <= now + LONGEST:
        raise Invalid("截止时间须在将来一年之内", "The deadline lies within the next 365 days")
    if opens_at is not None and opens_at >= deadline:
        raise Invalid("开始时间须早于截止时间", "It opens before its deadline")


async def _is_valid(resolution_id: int, community_id: int) -> bool:
    resolution = await Resolution.get_or_none(id=resolution_id, community_id=community_id)
    return resolution is not None and resolution.passed is not False
