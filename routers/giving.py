"""Incomes of the charity and government paths; promises kept; teams joined, led and left."""

from functools import partial
from typing import Any

from models.crowdfunding import Income, Pledge
from routers.deps import CurrentActor, OnlyOnce, ThePaging, TheWechat, acting, reading
from routers.house import make_router
from routers.schemas.base import PageOf, PathId, Reasoned
from routers.schemas.crowdfunding import PledgeOut
from routers.schemas.giving import (
    ChooseShiftIn,
    HandTeamOverIn,
    HelperOut,
    IncomeIn,
    IncomeOut,
    SaleIn,
    SaleItemOut,
    SaleOut,
    TeamOut,
    TeamPageOut,
)
from routers.schemas.residents import HelpIn
from services import checks, crowdfunding, moderation
from services.crowdfunding import Helper, Offer, TeamLine, TeamPage

campaigns = make_router("/campaigns", "campaigns")
incomes = make_router("/incomes", "campaigns")
pledges = make_router("/pledges", "pledges")
teams = make_router("/teams", "teams")


@campaigns.post("/{campaign_id}/incomes", response_model=IncomeOut, status_code=201)
async def note_income(actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId, asked: IncomeIn) -> IncomeOut:
    """Note what a charity's statement or a government document says came in; the committee does."""
    effect = partial(crowdfunding.note_income, actor, campaign_id, **asked.model_dump())
    return _income(await only_once(effect, partial(crowdfunding.find_income, actor)))


@campaigns.get("/{campaign_id}/incomes", response_model=PageOf[IncomeOut])
async def list_incomes(actor: CurrentActor, paging: ThePaging, campaign_id: PathId) -> dict[str, Any]:
    """What was noted, newest first, with what was struck."""
    return paging.of((await crowdfunding.incomes(actor, campaign_id, page=paging.page)).map(_income))


@campaigns.put("/{campaign_id}/sale-items", response_model=SaleOut)
async def offer_sale_items(
    actor: CurrentActor, wechat: TheWechat, campaign_id: PathId, asked: SaleIn
) -> dict[str, Any]:
    """Say what is sold for it, all of it; the staff do. Never more is sold than there is."""
    offers = [Offer(one.title, one.price_fen, one.quantity) for one in asked.items]
    with checks.noted() as written:
        await crowdfunding.offer(actor, campaign_id, offers)
    await moderation.check_now(wechat, written)
    return {"items": await crowdfunding.offered(campaign_id)}


@campaigns.get("/{campaign_id}/sale-items", response_model=PageOf[SaleItemOut])
async def list_sale_items(actor: CurrentActor, paging: ThePaging, campaign_id: PathId) -> dict[str, Any]:
    """What is sold for it, newest first."""
    return paging.of(await crowdfunding.sale_items(actor, campaign_id, page=paging.page))


@incomes.post("/{income_id}/strike", response_model=IncomeOut)
async def strike_income(actor: CurrentActor, only_once: OnlyOnce, income_id: PathId, asked: Reasoned) -> IncomeOut:
    """Strike what was noted wrongly; another committee member than who noted it does."""
    effect = partial(crowdfunding.strike_income, actor, income_id, reason=asked.reason)
    return _income(await only_once(effect, partial(crowdfunding.find_income, actor)))


@pledges.post("/{pledge_id}/choose-shift", response_model=PledgeOut)
async def choose_shift(actor: CurrentActor, only_once: OnlyOnce, pledge_id: PathId, asked: ChooseShiftIn) -> Pledge:
    """Sign up for a shift with time promised before."""
    effect = acting(actor, asked, "pledge.shift_chosen", crowdfunding.choose_shift, pledge_id, shift_id=asked.shift_id)
    return await only_once(effect, partial(crowdfunding.find_pledge, actor))


@pledges.post("/{pledge_id}/hand-over", response_model=PledgeOut)
async def hand_pledge_over(
    actor: CurrentActor, only_once: OnlyOnce, pledge_id: PathId, asked: HelpIn | None = None
) -> Pledge:
    """The giver says that he gave what he promised; the staff who take it say so with `receive`."""
    effect = acting(actor, asked, "pledge.handed_over", crowdfunding.hand_over, pledge_id)
    return await only_once(effect, partial(crowdfunding.find_pledge, actor))


@teams.get("/{team_id}", response_model=TeamPageOut)
async def get_team(actor: CurrentActor, team_id: PathId) -> TeamPageOut:
    """One team: how many help, and how many pledges of each kind it brought."""
    return _team_page(await crowdfunding.team_page(actor, team_id))


@teams.get("/{team_id}/helpers", response_model=PageOf[HelperOut])
async def list_helpers(actor: CurrentActor, paging: ThePaging, team_id: PathId) -> dict[str, Any]:
    """Who helps, newest first; named are oneself and those who consented to publishing."""
    return paging.of((await crowdfunding.helpers(actor, team_id, page=paging.page)).map(_helper))


@teams.post("/{team_id}/leave", response_model=TeamOut)
async def leave_team(
    actor: CurrentActor, only_once: OnlyOnce, team_id: PathId, asked: HelpIn | None = None
) -> TeamLine:
    """Leave a team; who leads it hands it over first, unless he is the last."""
    effect = acting(actor, asked, "team.left", crowdfunding.leave_team, team_id)
    return await only_once(effect, partial(crowdfunding.find_team, actor))


@teams.post("/{team_id}/hand-over", response_model=TeamOut)
async def hand_team_over(actor: CurrentActor, only_once: OnlyOnce, team_id: PathId, asked: HandTeamOverIn) -> TeamLine:
    """Let another helper lead."""
    effect = acting(actor, asked, "team.handed_over", crowdfunding.hand_team_over, team_id, helper_id=asked.helper_id)
    return await only_once(effect, reading(actor, asked, crowdfunding.find_team))


def _income(income: Income) -> IncomeOut:
    return IncomeOut.of(income, struck=income.struck_by_id is not None, slip_id=income.slip and income.slip.id)


def _helper(helper: Helper) -> HelperOut:
    return HelperOut.of(helper, nickname=helper.nickname or "一位邻居")


def _team_page(page: TeamPage) -> TeamPageOut:
    return TeamPageOut.of(page.team, brought=page.brought)
