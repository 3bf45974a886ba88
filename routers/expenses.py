"""Spending the fund: expenses, the rules of spending, and who is related to whom."""

from functools import partial
from typing import Any

from models.expenses import ExpenseState
from routers.deps import AnyActor, CurrentActor, OnlyOnce, ThePaging
from routers.house import PUBLIC, make_router
from routers.schemas.base import PageOf, PathId, Reasoned
from routers.schemas.expenses import (
    ApproveIn,
    ExpenseDetailOut,
    ExpenseIn,
    ExpenseOut,
    FundExpenseIn,
    FundRulesIn,
    FundRulesOut,
    PayIn,
    RelativeIn,
    RelativesOut,
)
from services import expenses, places, residents
from services.expenses import ExpenseLine, Rules
from services.policies import Actor
from services.rules import never_paid

campaigns = make_router("/campaigns", "expenses")
fund = make_router("/communities", "expenses")
router = make_router("/expenses", "expenses")
people = make_router("/residents", "expenses")


@campaigns.post("/{campaign_id}/expenses", response_model=ExpenseOut, status_code=201)
async def request_expense(
    actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId, asked: ExpenseIn
) -> ExpenseLine:
    """Ask for money out of a campaign's budget line, with receipts; staff and the campaign's author do."""
    effect = partial(expenses.request, actor, campaign_id, **asked.model_dump())
    return await only_once(effect, partial(expenses.find, actor))


@campaigns.get("/{campaign_id}/expenses", response_model=PageOf[ExpenseOut], openapi_extra=PUBLIC)
async def list_campaign_expenses(
    actor: AnyActor, paging: ThePaging, campaign_id: PathId, state: ExpenseState | None = None
) -> dict[str, Any]:
    """What a campaign has spent, newest first; those concerned see what is not paid yet, too."""
    return paging.of(await expenses.of_campaign(actor, campaign_id, state=state, page=paging.page))


@fund.post("/{community_id}/fund/expenses", response_model=ExpenseOut, status_code=201)
async def request_fund_expense(
    actor: CurrentActor, only_once: OnlyOnce, community_id: PathId, asked: FundExpenseIn
) -> ExpenseLine:
    """Ask for money out of the general fund, by a resolution, with receipts; staff do."""
    effect = partial(expenses.request_from_fund, actor, community_id, **asked.model_dump())
    return await only_once(effect, partial(expenses.find, actor))


@fund.get("/{community_id}/fund/expenses", response_model=PageOf[ExpenseOut], openapi_extra=PUBLIC)
async def list_fund_expenses(
    actor: AnyActor, paging: ThePaging, community_id: PathId, state: ExpenseState | None = None
) -> dict[str, Any]:
    """All that a community's fund has spent, for campaigns and in general, newest first."""
    community = await places.find_community(community_id)
    return paging.of(await expenses.of_community(actor, community.id, state=state, page=paging.page))


@fund.get("/{community_id}/fund/rules", response_model=FundRulesOut, openapi_extra=PUBLIC)
async def get_fund_rules(community_id: PathId) -> FundRulesOut:
    """From what amount on a supervisor approves too, and what is never paid."""
    return _rules(await expenses.rules((await places.find_community(community_id)).id))


@fund.put("/{community_id}/fund/rules", response_model=FundRulesOut)
async def set_fund_rules(actor: CurrentActor, community_id: PathId, asked: FundRulesIn) -> FundRulesOut:
    """Say what the rules of spending are: an officer alone; a committee member and a supervisor by sending the same."""
    return _rules(await expenses.set_rules(actor, community_id, **asked.model_dump()))


@router.get("/{expense_id}", response_model=ExpenseDetailOut, openapi_extra=PUBLIC)
async def get_expense(actor: AnyActor, expense_id: PathId) -> ExpenseDetailOut:
    """One expense with its receipts and history; before it is paid, for those concerned."""
    found = await expenses.detail(actor, expense_id)
    return ExpenseDetailOut.of(found.expense, timeline=found.timeline)


@router.post("/{expense_id}/approve", response_model=ExpenseOut)
async def approve_expense(
    actor: CurrentActor, only_once: OnlyOnce, expense_id: PathId, asked: ApproveIn | None = None
) -> ExpenseLine:
    """Answer for it: two do, neither who asked, nor who is paid, nor a relative of either; at least one of the
    committee, above the community's limit one supervisor."""
    receipt_ids = asked.receipt_ids if asked else []
    effect = partial(expenses.approve, actor, expense_id, receipt_ids=receipt_ids)
    return await only_once(effect, partial(expenses.find, actor))


@router.post("/{expense_id}/reject", response_model=ExpenseOut)
async def reject_expense(actor: CurrentActor, only_once: OnlyOnce, expense_id: PathId, asked: Reasoned) -> ExpenseLine:
    """Refuse it with a reason; whoever might have approved it does."""
    effect = partial(expenses.reject, actor, expense_id, reason=asked.reason)
    return await only_once(effect, partial(expenses.find, actor))


@router.post("/{expense_id}/pay", response_model=ExpenseOut)
async def pay_expense(
    actor: CurrentActor, only_once: OnlyOnce, expense_id: PathId, asked: PayIn | None = None
) -> ExpenseLine:
    """Note that it was paid and post it; a committee member does, as long as both approvals still count."""
    effect = partial(expenses.pay, actor, expense_id, reference=asked.reference if asked else None)
    return await only_once(effect, partial(expenses.find, actor))


@router.post("/{expense_id}/withdraw", response_model=ExpenseOut)
async def withdraw_expense(actor: CurrentActor, only_once: OnlyOnce, expense_id: PathId) -> ExpenseLine:
    """Take back what one asked for and was not paid."""
    return await only_once(partial(expenses.withdraw, actor, expense_id), partial(expenses.find, actor))


@people.get("/{resident_id}/relatives", response_model=RelativesOut)
async def list_relatives(actor: CurrentActor, resident_id: PathId) -> RelativesOut:
    """Who is related to a resident; for himself, the committee, the supervisors and the officers above."""
    return await _relatives(actor, resident_id)


@people.put("/{resident_id}/relatives/{other_id}", response_model=RelativesOut)
async def declare_relative(
    actor: CurrentActor, resident_id: PathId, other_id: PathId, asked: RelativeIn
) -> RelativesOut:
    """Record that the other is this resident's spouse, parent, child, sibling or another relative."""
    await residents.declare_relative(actor, resident_id, other_id, kinship=asked.kinship)
    return await _relatives(actor, resident_id)


@people.delete("/{resident_id}/relatives/{other_id}", response_model=RelativesOut)
async def strike_relative(actor: CurrentActor, resident_id: PathId, other_id: PathId, asked: Reasoned) -> RelativesOut:
    """Strike a relative out, with a reason; officers above do."""
    await residents.strike_relative(actor, resident_id, other_id, reason=asked.reason)
    return await _relatives(actor, resident_id)


async def _relatives(actor: Actor, resident_id: int) -> RelativesOut:
    found = await residents.relatives(actor, resident_id)
    lines = [{"resident_id": other, "kinship": kinship} for other, kinship in found]
    return RelativesOut.model_validate({"resident_id": resident_id, "relatives": lines})


def _rules(rules: Rules) -> FundRulesOut:
    return FundRulesOut.model_validate(vars(rules) | {"never_paid_by_law": never_paid.FORBIDDEN})
