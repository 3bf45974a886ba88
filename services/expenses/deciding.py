"""Two pairs of eyes: approved by two who are independent, rejected with a reason, paid into the books."""

from collections.abc import Sequence

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import InvalidState
from models.expenses import (
    SPENDS,
    ApprovalsMissing,
    Expense,
    ExpenseApproval,
    ExpenseState,
    NoApprover,
    NotIndependent,
)
from models.ledger import AccountKind, Leg
from services import events, ledger, media, notifications
from services.expenses.asking import refuse_never_paid, title_of
from services.expenses.reading import PENDING, ExpenseLine, door, find, missing
from services.ledger import Purse
from services.policies import Actor, require
from services.policies import expenses as policies
from services.rules.wording import yuan

COMMITTEE_ONLY = (
    "由本社区居委会成员付款，申请人和收款人除外",
    "Committee members of this community pay, but neither who asked nor who is paid",
)


@atomic()
async def approve(actor: Actor, expense_id: int, *, receipt_ids: Sequence[int] = ()) -> ExpenseLine:
    """Answer for an expense; with the second valid approval it may be paid. Staff and supervisors of the community do.

    `receipt_ids` are photos of the receipts with persons' data made unreadable; they are published with it. One that
    was approved takes another approval when an earlier one no longer counts. The register of relatives decides in the
    database. Raises NotFound, NoApprover, NotIndependent, AlreadyApproved, InvalidState, UnknownPhoto.
    """
    expense = await _held(actor, expense_id)
    role = policies.approves_as(actor, expense)
    if role is None:
        raise NotIndependent if actor.id in (expense.requester_id, expense.payee_resident_id) else NoApprover
    lacked = (await missing([expense.id]))[expense.id]
    if expense.state not in PENDING or (expense.state is ExpenseState.APPROVED and not lacked):
        raise InvalidState(expense.state)
    approval = await ExpenseApproval.create(
        community_id=expense.community_id, expense_id=expense.id, approver_id=actor.id, role=role
    )
    await media.attach(actor, approval, expense.community_id, receipt_ids)
    lacks = (await missing([expense.id]))[expense.id]
    complete = not lacks and expense.state is ExpenseState.REQUESTED
    if complete:
        await expense.move_to(ExpenseState.APPROVED)
    await events.record(actor, "expense.approved", expense, role=role.value, approval_id=approval.id)
    if complete:
        await _tell(expense, "expense.approved")
    return await find(actor, expense.id)


@atomic()
async def reject(actor: Actor, expense_id: int, *, reason: str) -> ExpenseLine:
    """Refuse an expense that was not paid; whoever might have approved it does.

    Raises NotFound, NoApprover, InvalidState.
    """
    expense = await _held(actor, expense_id)
    if policies.approves_as(actor, expense) is None:
        raise NoApprover
    await expense.move_to(ExpenseState.REJECTED)
    event = await events.record(actor, "expense.rejected", expense, reason=reason)
    await _tell(expense, "expense.rejected", reason_id=event.facts["reason_id"])
    return await find(actor, expense.id)


@atomic()
async def pay(actor: Actor, expense_id: int, *, reference: str | None = None) -> ExpenseLine:
    """Note that an approved expense was paid, by the bank's reference if any, and post it; a committee member does.

    What counts is decided now: valid approvals, the campaign's state, the budget line, the balance, the negative list.
    Raises NotFound, Forbidden, InvalidState, ApprovalsMissing, OverBudget, NotEnough, NeverPaid.
    """
    expense = await _held(actor, expense_id)
    require(policies.may_pay(actor, expense), *COMMITTEE_ONLY)
    if expense.state is not ExpenseState.APPROVED:
        raise InvalidState(expense.state)
    if lacks := (await missing([expense.id]))[expense.id]:
        raise ApprovalsMissing(missing=lacks)
    await refuse_never_paid(expense)
    purse = await _purse(expense)
    await expense.move_to(
        ExpenseState.PAID, paid_by_id=actor.id, paid_at=await clock.now(), reference=reference
    )  # the database looks at everything once more, and says when
    await ledger.post(
        expense.community_id,
        debit=purse,
        credit=Purse(AccountKind.EXPENSES),
        amount_fen=expense.amount_fen,
        cause=expense,
        leg=Leg.SPENT,
    )
    await events.record(actor, "expense.paid", expense, amount_fen=expense.amount_fen, campaign_id=expense.campaign_id)
    await _tell(expense, "expense.paid", expense.payee_resident_id)
    return await find(actor, expense.id)


async def _held(actor: Actor, expense_id: int) -> Expense:
    """The expense, if the actor may see it, held until the transaction ends: of two who decide one waits."""
    await door(actor, expense_id)
    await db.execute("SELECT 1 FROM expenses WHERE id = $1 FOR NO KEY UPDATE", expense_id)
    return await door(actor, expense_id)


async def _purse(expense: Expense) -> Purse:
    """Where the money comes from. Raises InvalidState when the campaign does not spend."""
    if expense.campaign_id is None:
        return Purse(AccountKind.GENERAL)
    state = await db.value("SELECT state FROM campaigns WHERE id = $1 FOR NO KEY UPDATE", expense.campaign_id)
    if state not in SPENDS:
        raise InvalidState(state)
    return Purse(AccountKind.CAMPAIGN, expense.campaign_id)


async def _tell(expense: Expense, kind: str, also: int | None = None, **params: int) -> None:
    title = await title_of(expense)
    told = [expense.requester_id, also]
    await notifications.tell(told, kind, expense, title=title, yuan=yuan(expense.amount_fen), **params)
