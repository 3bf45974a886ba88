"""Asking for money: a purpose, a payee and a receipt; from a campaign's budget line or from the general fund."""

from collections.abc import Sequence
from typing import Any

from app.core import db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from models.crowdfunding import BudgetLine, Campaign, LegalPath, NoPaymentHere, ResolutionNotValid
from models.deliberations import Resolution
from models.expenses import (
    SPENDS,
    Expense,
    ExpenseState,
    NeverPaid,
    NoSuchPayee,
    OverBudget,
    PayeeKind,
    PayeeNotNamed,
    ReceiptMissing,
)
from models.ledger import AccountKind, NotEnough
from models.media import Purpose
from models.residents import Resident, Role
from services import checks, crowdfunding, events, ledger, media, notifications, places
from services.expenses.reading import ORGANISATION, ExpenseLine, door, find
from services.expenses.ruling import rules
from services.ledger import Purse
from services.policies import Actor, require
from services.policies import expenses as policies
from services.rules import never_paid
from services.rules.wording import yuan

RECEIPTS = (Purpose.EVIDENCE, Purpose.PHOTO)
STAFF_OR_AUTHOR = (
    "只有本社区的工作人员和项目发起人可以申请支出",
    "Only staff of this community and the campaign's author ask for money",
)
STAFF_ONLY = ("只有本社区的工作人员可以这样做", "Only staff of this community may do this")
GENERAL_FUND = "社区公益金"
# The resolution behind a budget line that a change of use has added.
RESOLUTION = "SELECT resolution_id FROM use_changes WHERE id = $1"


@atomic()
async def request(
    actor: Actor,
    campaign_id: int,
    *,
    budget_line_id: int,
    amount_fen: int,
    payee: str,
    purpose: str,
    receipt_ids: Sequence[int],
    payee_kind: PayeeKind | None = None,
    payee_resident_id: int | None = None,
    payee_is_no_resident: bool = False,
) -> ExpenseLine:
    """Ask for money out of a campaign's budget line; staff do, and its author.

    It cites the campaign's resolution, or that by which the line's use was changed.

    Raises NotFound, Forbidden, NoPaymentHere (a charity holds the money), InvalidState (the campaign's), OverBudget,
    NotEnough, NeverPaid, PayeeNotNamed, NoSuchPayee, ReceiptMissing, UnknownPhoto, Invalid (another campaign's line, a
    resident as a unit).
    """
    campaign = await crowdfunding.visible(actor).get_or_none(id=campaign_id)
    if campaign is None:
        raise NotFound("没有找到这个众筹项目", "No such campaign")
    require(policies.may_request(actor, campaign), *STAFF_OR_AUTHOR)
    if campaign.legal_path is LegalPath.CHARITY:
        raise NoPaymentHere
    state = await db.value("SELECT state FROM campaigns WHERE id = $1 FOR SHARE", campaign_id)  # it is not settled now
    if state not in SPENDS:
        raise InvalidState(state)
    line = await BudgetLine.get_or_none(id=budget_line_id, campaign_id=campaign_id)
    if line is None:
        raise Invalid("这个项目没有这一项预算", "This campaign has no such budget line")
    left_fen = await db.value("SELECT left_of_line($1)", line.id)
    if amount_fen > left_fen:
        raise OverBudget(left_fen=left_fen)
    asked = Expense(
        community_id=campaign.community_id,
        campaign_id=campaign.id,
        budget_line_id=line.id,
        resolution_id=await db.value(RESOLUTION, line.use_change_id) or campaign.resolution_id,
        requester_id=actor.id,
        **_payee(payee, payee_kind, payee_resident_id, payee_is_no_resident),
        purpose=purpose,
        amount_fen=amount_fen,
    )
    return await _ask(actor, asked, Purse(AccountKind.CAMPAIGN, campaign.id), receipt_ids, campaign.title)


@atomic()
async def request_from_fund(
    actor: Actor,
    community_id: int,
    *,
    resolution_id: int,
    amount_fen: int,
    payee: str,
    purpose: str,
    receipt_ids: Sequence[int],
    payee_kind: PayeeKind | None = None,
    payee_resident_id: int | None = None,
    payee_is_no_resident: bool = False,
) -> ExpenseLine:
    """Ask for money out of the general fund, by a resolution of the community that did not fail; staff do.

    Raises NotFound, Forbidden, ResolutionNotValid, NotEnough, NeverPaid, PayeeNotNamed, NoSuchPayee, ReceiptMissing,
    UnknownPhoto, Invalid (a resident as a unit).
    """
    await places.find_community(community_id)
    require(policies.may_request_from_fund(actor, community_id), *STAFF_ONLY)
    if not await Resolution.filter(id=resolution_id, community_id=community_id).exists():
        raise ResolutionNotValid
    asked = Expense(
        community_id=community_id,
        resolution_id=resolution_id,
        requester_id=actor.id,
        **_payee(payee, payee_kind, payee_resident_id, payee_is_no_resident),
        purpose=purpose,
        amount_fen=amount_fen,
    )
    return await _ask(actor, asked, Purse(AccountKind.GENERAL), receipt_ids, GENERAL_FUND)


@atomic()
async def withdraw(actor: Actor, expense_id: int) -> ExpenseLine:
    """Take back what one asked for and was not paid. Raises NotFound, Forbidden, InvalidState."""
    expense = await door(actor, expense_id)
    require(expense.requester_id == actor.id)
    await expense.move_to(ExpenseState.WITHDRAWN)
    await events.record(actor, "expense.withdrawn", expense)
    return await find(actor, expense.id)


async def refuse_never_paid(expense: Expense) -> None:
    """Refuse what the law or the community's rules say is never paid. Raises NeverPaid."""
    own = (await rules(expense.community_id)).never_paid
    hit = never_paid.find((expense.purpose, expense.payee), own)
    if hit is not None:
        article = f"（{hit.article}）" if hit.article else ""
        raise NeverPaid(f"{hit.zh}{article}", hit.en, article=hit.article, word=hit.word)


async def title_of(expense: Expense) -> str:
    """What an expense is for, in a notice: the campaign, or the general fund."""
    if expense.campaign_id is None:
        return GENERAL_FUND
    return (await Campaign.get(id=expense.campaign_id).only("title")).title


def _payee(payee: str, kind: PayeeKind | None, resident_id: int | None, is_no_resident: bool) -> dict[str, Any]:
    """Who is paid. Whoever says that it is a person names the resident, or states that he is none.

    Of whom nobody said what he is: a person, unless the name ends as those of shops and offices do; the approvers read
    that he was not named.
    """
    if kind is PayeeKind.UNIT and (resident_id is not None or is_no_resident):
        raise Invalid("收款居民是个人，不是单位", "A resident who is paid is a person, not a unit")
    if resident_id is not None and is_no_resident:
        raise Invalid("收款人是居民，就不能声明不是居民", "The payee is a resident or is none, not both")
    if kind is PayeeKind.PERSON and resident_id is None and not is_no_resident:
        raise PayeeNotNamed
    is_unit = resident_id is None and not is_no_resident and ORGANISATION.search(payee)
    return {
        "payee": payee,
        "payee_kind": kind or (PayeeKind.UNIT if is_unit else PayeeKind.PERSON),
        "payee_resident_id": resident_id,
        "payee_is_no_resident": is_no_resident,
    }


async def _ask(actor: Actor, asked: Expense, purse: Purse, receipt_ids: Sequence[int], title: str) -> ExpenseLine:
    if not receipt_ids:
        raise ReceiptMissing
    await refuse_never_paid(asked)
    if asked.payee_resident_id is not None and not await Resident.exists(id=asked.payee_resident_id):
        raise NoSuchPayee
    if await ledger.balance(asked.community_id, purse) < asked.amount_fen:
        raise NotEnough
    await asked.save()
    await media.attach(actor, asked, asked.community_id, receipt_ids, purposes=RECEIPTS)
    await checks.expect(actor, asked)
    await events.record(
        actor,
        "expense.requested",
        asked,
        amount_fen=asked.amount_fen,
        campaign_id=asked.campaign_id,
        budget_line_id=asked.budget_line_id,
        resolution_id=asked.resolution_id,
    )
    told = set(await _approvers(asked.community_id)) - {actor.id, asked.payee_resident_id}
    await notifications.tell(told, "expense.requested", asked, title=title, yuan=yuan(asked.amount_fen))
    return await find(actor, asked.id)


async def _approvers(community_id: int) -> list[int]:
    """The committee and the supervisors, whose approval it takes."""
    found = await db.rows(
        "SELECT DISTINCT resident_id AS id FROM role_grants WHERE place_id = $1 AND role = ANY ($2::text[]) "
        "AND from_at <= clock_now() AND (until_at IS NULL OR until_at > clock_now())",
        community_id,
        [Role.COMMITTEE.value, Role.SUPERVISOR.value],
    )
    return [line["id"] for line in found]
