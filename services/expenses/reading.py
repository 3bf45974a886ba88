"""Expenses as they are seen: all of it by those concerned, what is paid by everybody, with persons masked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from app.core import db
from app.core.errors import NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.expenses import Expense, ExpenseApproval, ExpenseState, PayeeKind
from models.residents import Resident, Role
from services import crowdfunding, events, media, residents
from services.events import TimelineItem
from services.media import Photo
from services.policies import Actor
from services.policies import expenses as policies
from services.rules.masking import without_persons

PUBLIC = (ExpenseState.PAID, ExpenseState.CORRECTED)
PENDING = (ExpenseState.REQUESTED, ExpenseState.APPROVED)
ORGANISATION = re.compile(r"(店|铺|行|社|厂|部|所|站|处|会|院|队|坊|公司|中心|超市|商场|市场|工作室|集团|学校|物业)$")


@dataclass(frozen=True)
class ApprovalLine:
    """Who answers for an expense: in what part, when, and, for those concerned, by name."""

    role: Role
    at: datetime
    approver: Resident | None


@dataclass(frozen=True)
class ExpenseLine:
    """An expense as the reader may see it. `missing` is what it lacks to be paid; names, `warnings` for the approvers
    and the original receipts are for those concerned; words that have not passed their check are None for others."""

    id: int
    community_id: int
    campaign_id: int | None
    budget_line_id: int | None
    resolution_id: int
    amount_fen: int
    payee: str | None
    payee_kind: PayeeKind
    payee_resident_id: int | None
    payee_is_no_resident: bool | None
    warnings: list[str]
    purpose: str | None
    state: ExpenseState
    moderation: Moderation
    requester: Resident | None
    approvals: list[ApprovalLine]
    missing: list[str]
    receipts: list[Photo]
    paid_at: datetime | None
    reference: str | None
    created_at: datetime


@dataclass(frozen=True)
class ExpenseDetail:
    """An expense and its history."""

    expense: ExpenseLine
    timeline: list[TimelineItem]


def visible(actor: Actor) -> QuerySet[Expense]:
    """The one door: what was paid is for everybody, also if it was undone, the rest for those concerned."""
    concerned = (
        Q(community_id__in=policies.watched_by(actor)) | Q(requester_id=actor.id) | Q(payee_resident_id=actor.id)
    )
    return Expense.filter(Q(state__in=PUBLIC) | concerned)


async def door(actor: Actor, expense_id: int) -> Expense:
    """One expense that the actor may see, as it is kept. Raises NotFound."""
    found = await visible(actor).get_or_none(id=expense_id)
    if found is None:
        raise NotFound("没有找到这笔支出", "No such expense")
    return found


async def find(actor: Actor, expense_id: int) -> ExpenseLine:
    """One expense as the actor may see it. Raises NotFound."""
    return (await _lines(actor, [await door(actor, expense_id)]))[0]


async def detail(actor: Actor, expense_id: int) -> ExpenseDetail:
    """One expense with its history. Raises NotFound."""
    found = await door(actor, expense_id)
    return ExpenseDetail((await _lines(actor, [found]))[0], await events.timeline(actor, found))


async def of_campaign(
    actor: Actor, campaign_id: int, *, state: ExpenseState | None = None, page: Page
) -> Listed[ExpenseLine]:
    """A campaign's expenses, newest first. Raises NotFound for a campaign that is neither seen nor has spent."""
    mine = visible(actor).filter(campaign_id=campaign_id)
    if not await mine.exists() and not await crowdfunding.visible(actor).filter(id=campaign_id).exists():
        raise NotFound("没有找到这个众筹项目", "No such campaign")
    return await _listed(actor, mine, state, page)


async def of_community(
    actor: Actor, community_id: int, *, state: ExpenseState | None = None, page: Page
) -> Listed[ExpenseLine]:
    """Everything a community's fund spends, for campaigns and in general, newest first."""
    return await _listed(actor, visible(actor).filter(community_id=community_id), state, page)


async def missing(expense_ids: Sequence[int]) -> dict[int, list[str]]:
    """What each expense lacks just now to be paid: `two_people`, `committee`, `supervisor`."""
    found = await db.rows(
        "SELECT id, approvals_missing(id, clock_now()) AS missing FROM unnest($1::bigint[]) AS id", list(expense_ids)
    )
    return {line["id"]: line["missing"] for line in found}


async def _listed(
    actor: Actor, query: QuerySet[Expense], state: ExpenseState | None, page: Page
) -> Listed[ExpenseLine]:
    found = await newest(query.filter(state=state) if state else query, page)
    return Listed(await _lines(actor, found.items), found.after)


async def _lines(actor: Actor, expenses: Sequence[Expense]) -> list[ExpenseLine]:
    """As the actor may see them; six questions for a page."""
    ids = [expense.id for expense in expenses]
    approvals = await ExpenseApproval.filter(expense_id__in=ids).order_by("id").select_related("approver")
    people = await Resident.in_bulk([expense.requester_id for expense in expenses], "id")
    lacking = await missing([expense.id for expense in expenses if expense.state in PENDING])
    watched = [expense.id for expense in expenses if policies.may_watch(actor, expense)]
    originals = await media.entrusted(Expense.noun(), watched)
    published = await media.photos_of(actor, Expense.noun(), ids)
    masked = await media.photos_of(actor, ExpenseApproval.noun(), [approval.id for approval in approvals])
    lines = []
    for expense in expenses:
        own = [approval for approval in approvals if approval.expense_id == expense.id]
        copies = [photo for approval in own for photo in masked[approval.id]]
        sees = expense.id in watched
        lines.append(
            ExpenseLine(
                **_words(expense, sees),
                id=expense.id,
                community_id=expense.community_id,
                campaign_id=expense.campaign_id,
                budget_line_id=expense.budget_line_id,
                resolution_id=expense.resolution_id,
                amount_fen=expense.amount_fen,
                payee_kind=expense.payee_kind,
                payee_resident_id=expense.payee_resident_id if sees else None,
                payee_is_no_resident=expense.payee_is_no_resident if sees else None,
                warnings=_warnings(expense) if sees else [],
                state=expense.state,
                moderation=expense.moderation,
                requester=people[expense.requester_id] if sees else None,
                approvals=[
                    ApprovalLine(approval.role, approval.created_at, approval.approver if sees else None)
                    for approval in own
                ],
                missing=lacking.get(expense.id, []),
                receipts=(originals[expense.id] if sees else published[expense.id]) + copies,
                paid_at=expense.paid_at,
                reference=expense.reference if sees else None,
                created_at=expense.created_at,
            )
        )
    return lines


def _warnings(expense: Expense) -> list[str]:
    """What an approver should look at: a person whom nobody named, or a unit, public by name, that sounds like none."""
    if expense.payee_kind is PayeeKind.UNIT:
        return [] if ORGANISATION.search(expense.payee) else ["unit_by_word_only"]
    named = expense.payee_resident_id is not None or expense.payee_is_no_resident
    return [] if named else ["payee_not_named"]


def _words(expense: Expense, sees: bool) -> dict[str, str | None]:
    """Payee and purpose: as they stand for those concerned; for others once they passed, without persons' data."""
    if sees:
        return {"payee": expense.payee, "purpose": expense.purpose}
    if expense.moderation is not Moderation.PASSED:
        return {"payee": None, "purpose": None}
    if expense.payee_kind is PayeeKind.UNIT:
        return {"payee": without_persons(expense.payee), "purpose": without_persons(expense.purpose)}
    payee = residents.masked(expense.payee)
    return {"payee": payee, "purpose": without_persons(expense.purpose.replace(expense.payee, payee))}
