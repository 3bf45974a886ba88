"""The community's fund, its campaigns, what residents pledge to them, and their teams."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query

from models.comments import Comment
from models.crowdfunding import Campaign, CampaignState, Pledge
from routers.deps import CurrentActor, OnlyOnce, ThePaging, TheWechatPay, acting, reading
from routers.house import PUBLIC, make_router
from routers.schemas.base import Month, PageOf, PathId
from routers.schemas.bills import DayOfBillsOut
from routers.schemas.comments import CommentIn, CommentOut
from routers.schemas.crowdfunding import (
    CampaignDetailOut,
    CampaignIn,
    CampaignOut,
    CancelIn,
    GiftOut,
    PledgeIn,
    PledgeOut,
    SettleIn,
    TakeBackIn,
)
from routers.schemas.fund import FundOut, StatementOut, TransferOut
from routers.schemas.giving import TeamIn, TeamOut
from routers.schemas.residents import HelpIn
from services import comments, crowdfunding, ledger, payments, places, statements
from services.crowdfunding import Beneficiary, BudgetItem, Charity, TeamLine, TeamSort
from services.ledger import Fund
from services.policies import Actor
from services.statements import Statement

fund = make_router("/communities", "fund")
campaigns = make_router("/campaigns", "campaigns")
pledges = make_router("/pledges", "pledges")
teams = make_router("/teams", "teams")


@fund.get("/{community_id}/fund", response_model=FundOut, openapi_extra=PUBLIC)
async def get_fund(community_id: PathId) -> Fund:
    """What the community's fund holds, by kind of account, and its totals."""
    return await ledger.fund((await places.find_community(community_id)).id)


@fund.get("/{community_id}/fund/transfers", response_model=PageOf[TransferOut], openapi_extra=PUBLIC)
async def list_transfers(paging: ThePaging, community_id: PathId) -> dict[str, Any]:
    """The public ledger, newest first. It names pledges, never residents."""
    community = await places.find_community(community_id)
    return paging.of(await ledger.transfers(community.id, page=paging.page))


@fund.get("/{community_id}/fund/statement", response_model=StatementOut, openapi_extra=PUBLIC)
async def get_statement(community_id: PathId, month: Month) -> Statement:
    """What came in and went out of each kind of account, and of each campaign's, in a calendar month of Shanghai."""
    return await statements.monthly(community_id, month)


@fund.get("/{community_id}/fund/reconciliation", response_model=PageOf[DayOfBillsOut])
async def list_bill_days(actor: CurrentActor, paging: ThePaging, community_id: PathId) -> dict[str, Any]:
    """WeChat Pay's daily bills against the books, newest day first; for committee, supervisors and officers."""
    community = await places.find_community(community_id)
    return paging.of(await payments.days_of_bills(actor, community.id, page=paging.page))


@campaigns.post("", response_model=CampaignOut, status_code=201)
async def create_campaign(actor: CurrentActor, only_once: OnlyOnce, asked: CampaignIn) -> Campaign:
    """Draw up a campaign; staff of the community do. The budget adds up to the goal."""
    said = asked.model_dump(exclude={"budget", "beneficiary", "charity"})
    said["beneficiary"] = Beneficiary(**asked.beneficiary.model_dump())
    said["charity"] = Charity(**asked.charity.model_dump()) if asked.charity else None
    budget = [BudgetItem(line.title, line.amount_fen) for line in asked.budget]
    return await only_once(
        partial(crowdfunding.create, actor, **said, budget=budget), partial(crowdfunding.find, actor)
    )


@campaigns.get("", response_model=PageOf[CampaignOut])
async def list_campaigns(
    actor: CurrentActor,
    paging: ThePaging,
    community_id: Annotated[PathId | None, Query()] = None,
    state: CampaignState | None = None,
) -> dict[str, Any]:
    """The campaigns one may see, newest first, with what they raised."""
    return paging.of(await crowdfunding.listed(actor, community_id=community_id, state=state, page=paging.page))


@campaigns.get("/{campaign_id}", response_model=CampaignDetailOut)
async def get_campaign(actor: CurrentActor, campaign_id: PathId) -> CampaignDetailOut:
    """One campaign with its figures and history."""
    found = await crowdfunding.detail(actor, campaign_id)
    return CampaignDetailOut.of(found.campaign, timeline=found.timeline)


@campaigns.post("/{campaign_id}/submit", response_model=CampaignOut)
async def submit_campaign(actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId) -> Campaign:
    """Hand a draft to the other committee members."""
    return await only_once(partial(crowdfunding.submit, actor, campaign_id), partial(crowdfunding.find, actor))


@campaigns.post("/{campaign_id}/publish", response_model=CampaignOut)
async def publish_campaign(actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId) -> Campaign:
    """Open it for pledges, at once or at `opens_at`; a committee member other than the submitter does."""
    return await only_once(partial(crowdfunding.publish, actor, campaign_id), partial(crowdfunding.find, actor))


@campaigns.post("/{campaign_id}/cancel", response_model=CampaignOut)
async def cancel_campaign(
    actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId, asked: CancelIn | None = None
) -> Campaign:
    """Call it off before its deadline; everyone who paid is refunded."""
    effect = partial(crowdfunding.cancel, actor, campaign_id, reason=asked.reason if asked else None)
    return await only_once(effect, partial(crowdfunding.find, actor))


@campaigns.post("/{campaign_id}/accept", response_model=CampaignOut)
async def accept_campaign(actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId) -> Campaign:
    """Confirm that what was raised for has been done."""
    return await only_once(partial(crowdfunding.accept, actor, campaign_id), partial(crowdfunding.find, actor))


@campaigns.post("/{campaign_id}/settle", response_model=CampaignOut)
async def settle_campaign(
    actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId, asked: SettleIn | None = None
) -> Campaign:
    """Close its account; what is left goes to the general fund, or to another campaign by a resolution."""
    effect = partial(crowdfunding.settle, actor, campaign_id, **(asked.model_dump() if asked else {}))
    return await only_once(effect, partial(crowdfunding.find, actor))


@campaigns.post("/{campaign_id}/pledges", response_model=PledgeOut, status_code=201)
async def make_pledge(
    actor: CurrentActor, only_once: OnlyOnce, pay: TheWechatPay, campaign_id: PathId, asked: PledgeIn
) -> Pledge:
    """Pledge money, goods, time or a skill; `payment` goes straight into wx.requestPayment."""
    effect = acting(actor, asked, "pledge.made", crowdfunding.pledge, campaign_id, **asked.said())
    made = await only_once(effect, partial(crowdfunding.find_pledge, actor))
    return await crowdfunding.with_payment(pay, made)


@campaigns.get("/{campaign_id}/pledges", response_model=PageOf[GiftOut])
async def list_pledges(actor: CurrentActor, paging: ThePaging, campaign_id: PathId) -> dict[str, Any]:
    """What was given, newest first; who is not named by his own wish and consent is 一位邻居."""
    found = await crowdfunding.pledges(actor, campaign_id, page=paging.page)
    return paging.of(found.map(lambda gift: _gift(actor, gift)))


@campaigns.post("/{campaign_id}/teams", response_model=TeamOut, status_code=201)
async def found_team(actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId, asked: TeamIn) -> TeamLine:
    """Start a team of residents who raise together."""
    effect = acting(actor, asked, "team.founded", crowdfunding.found_team, campaign_id, name=asked.name)
    return await only_once(effect, reading(actor, asked, crowdfunding.find_team))


@campaigns.get("/{campaign_id}/teams", response_model=PageOf[TeamOut])
async def list_teams(
    actor: CurrentActor, paging: ThePaging, campaign_id: PathId, sort: TeamSort = TeamSort.NEW
) -> dict[str, Any]:
    """A campaign's teams, newest first, or with `sort=helpers` those in which most help."""
    return paging.of(await crowdfunding.teams(actor, campaign_id, sort=sort, page=paging.page))


@campaigns.get("/{campaign_id}/comments", response_model=PageOf[CommentOut])
async def list_campaign_comments(actor: CurrentActor, paging: ThePaging, campaign_id: PathId) -> dict[str, Any]:
    """What was said, newest first."""
    return paging.of(await crowdfunding.comments_on(actor, campaign_id, page=paging.page))


@campaigns.post("/{campaign_id}/comments", response_model=CommentOut, status_code=201)
async def comment_on_campaign(
    actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId, asked: CommentIn
) -> Comment:
    """Ask or say something about it."""
    effect = acting(
        actor, asked, "comment.made", crowdfunding.comment, campaign_id, body=asked.body, parent_id=asked.parent_id
    )
    return await only_once(effect, partial(comments.find, actor))


@pledges.get("/{pledge_id}", response_model=PledgeOut)
async def get_pledge(actor: CurrentActor, pay: TheWechatPay, pledge_id: PathId) -> Pledge:
    """One's own pledge; while it waits for payment WeChat is asked (once in 5 s), and a fresh `payment` is signed."""
    return await crowdfunding.look_at_pledge(actor, pay, pledge_id)


@pledges.post("/{pledge_id}/refund", response_model=PledgeOut)
async def refund_pledge(
    actor: CurrentActor, only_once: OnlyOnce, pledge_id: PathId, asked: TakeBackIn | None = None
) -> Pledge:
    """Take back what one paid while the campaign is open, or one's share while its use changes.

    The committee gives back with a reason, all or `amount_fen`, and asks again for what WeChat closed.
    """
    effect = partial(crowdfunding.take_back, actor, pledge_id, **(asked.model_dump() if asked else {}))
    return await only_once(effect, partial(crowdfunding.find_pledge, actor))


@pledges.post("/{pledge_id}/receive", response_model=PledgeOut)
async def receive_pledge(actor: CurrentActor, only_once: OnlyOnce, pledge_id: PathId) -> Pledge:
    """Note that goods, time or a skill promised were given; staff do, but not the giver himself."""
    return await only_once(partial(crowdfunding.receive, actor, pledge_id), partial(crowdfunding.find_pledge, actor))


@pledges.post("/{pledge_id}/withdraw", response_model=PledgeOut)
async def withdraw_pledge(
    actor: CurrentActor, only_once: OnlyOnce, pledge_id: PathId, asked: HelpIn | None = None
) -> Pledge:
    """Take back a promise that was not fulfilled yet."""
    effect = acting(actor, asked, "pledge.withdrawn", crowdfunding.withdraw, pledge_id)
    return await only_once(effect, partial(crowdfunding.find_pledge, actor))


@teams.post("/{team_id}/join", response_model=TeamOut)
async def join_team(actor: CurrentActor, only_once: OnlyOnce, team_id: PathId, asked: HelpIn | None = None) -> TeamLine:
    """Help in a team; a resident is in one team of a campaign."""
    effect = acting(actor, asked, "team.joined", crowdfunding.join_team, team_id)
    return await only_once(effect, partial(crowdfunding.find_team, actor))


def _gift(actor: Actor, gift: Pledge) -> GiftOut:
    return GiftOut.of(gift, giver=gift.giver.nickname if gift.named else "一位邻居", mine=gift.giver_id == actor.id)
