"""Spending: what somebody asks the fund to pay, who approved it, and the community's rules about it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from tortoise import fields

from app.core.errors import Conflict, Forbidden, Invalid, refuses
from models.base import RESTRICT, Moderation, Record, Stateful
from models.crowdfunding import CampaignState, NoPaymentHere, ResolutionNotValid
from models.places import OfCommunity
from models.residents import Resident, Role

SPENDS = (CampaignState.FUNDED, CampaignState.IMPLEMENTING, CampaignState.ACCEPTED)
"""Campaigns whose money may be spent: it is decided that it stays, and the account is not closed."""


class ExpenseState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    PAID = "paid"
    CORRECTED = "corrected"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class PayeeKind(StrEnum):
    PERSON = "person"
    UNIT = "unit"


class NotIndependent(Forbidden):
    code = "not_independent"
    zh = "申请人、收款人和他们的近亲属不能审批这笔支出"
    en = "Whoever asked, the payee, and relatives of either do not approve an expense"


class NoApprover(Forbidden):
    code = "no_approver"
    zh = "只有本社区的工作人员和居务监督委员会成员可以审批"
    en = "Only the community's staff and supervisors approve expenses"


class AlreadyApproved(Conflict):
    code, zh, en = "already_approved", "您已经审批过这笔支出", "You have approved this expense already"


class ApprovalsMissing(Conflict):
    """Too few valid approvals just now; carries what is `missing`."""

    code = "approvals_missing"
    zh = "有效审批不足：需两人，其中至少一位居委会成员，超过限额须有监督委员会成员"
    en = "It takes two valid approvals, one by the committee, and above the limit one by a supervisor"


class OverBudget(Conflict):
    code, zh, en = "over_budget", "这一项预算余额不足", "The budget line has too little left"


class CampaignNotSpending(Conflict):
    code, zh, en = "campaign_not_spending", "这个项目的款项现在不能支出", "This campaign's money is not spent now"


class ExpensesOpen(Conflict):
    code = "expenses_open"
    zh = "还有未办结的支出申请，请先支付、驳回或撤回"
    en = "Expenses are still asked for; pay, reject or withdraw them first"


class NeverPaid(Invalid):
    """On the negative list; carries the `article` or the community's own `keyword`."""

    code = "never_paid"


class ReceiptMissing(Invalid):
    code, zh, en = "receipt_missing", "请上传至少一张票据照片", "Add a photo of at least one receipt"


class PayeeNotNamed(Invalid):
    code = "payee_not_named"
    zh = "收款人是个人的，请选择这位居民，或声明收款人不是本平台居民"
    en = "Name the resident who is paid, or state that the person is none"


class NoSuchPayee(Invalid):
    zh, en = "没有找到这位收款居民", "No such resident to be paid"


class PaysHimself(Forbidden):
    code, zh, en = "pays_himself", "申请人和收款人不能办理付款", "Neither who asked nor who is paid pays"


refuses("expense_approvals_once", AlreadyApproved)
refuses("expense_approvals_independent", NotIndependent)
refuses("expense_approvals_eligible", NoApprover)
refuses("expenses_two_approvals", ApprovalsMissing)
refuses("expenses_within_budget", OverBudget)
refuses("expenses_within_line", OverBudget)
refuses("expenses_beside_changed_use", OverBudget)
refuses("expenses_campaign_spends", CampaignNotSpending)
refuses("expenses_on_path", NoPaymentHere)
refuses("expenses_receipt", ReceiptMissing)
refuses("expenses_resolution", ResolutionNotValid)
refuses("expenses_resolution_passed", ResolutionNotValid)
refuses("expenses_paid_by_another", PaysHimself)
refuses("expenses_payee_resident_id_fkey", NoSuchPayee)
refuses("campaigns_expenses_closed", ExpensesOpen)


class Expense(OfCommunity, Stateful):
    """Money asked for out of a campaign's budget line, or out of the general fund by a resolution of its own."""

    FLOW = {
        ExpenseState.REQUESTED: {ExpenseState.APPROVED, ExpenseState.REJECTED, ExpenseState.WITHDRAWN},
        ExpenseState.APPROVED: {ExpenseState.PAID, ExpenseState.REJECTED, ExpenseState.WITHDRAWN},
        ExpenseState.PAID: {ExpenseState.CORRECTED},
        ExpenseState.CORRECTED: set(),
        ExpenseState.REJECTED: set(),
        ExpenseState.WITHDRAWN: set(),
    }

    campaign_id = fields.BigIntField(null=True)
    budget_line_id = fields.BigIntField(null=True)
    resolution_id = fields.BigIntField()
    requester: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "expenses_requested", on_delete=RESTRICT
    )
    requester_id: int
    payee = fields.CharField(60)
    payee_kind = fields.CharEnumField(PayeeKind, max_length=8, default=PayeeKind.PERSON)
    """A person's name is never public."""
    payee_resident: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "expenses_received", on_delete=RESTRICT, null=True
    )
    payee_resident_id: int | None
    payee_is_no_resident = fields.BooleanField(default=False)
    """Whoever asked states that the person paid is no resident."""
    purpose = fields.CharField(200)
    amount_fen = fields.BigIntField()
    state = fields.CharEnumField(ExpenseState, max_length=16, default=ExpenseState.REQUESTED)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    """Of payee and purpose."""
    paid_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "expenses_paid", on_delete=RESTRICT, null=True
    )
    paid_by_id: int | None
    paid_at: datetime | None = fields.DatetimeField(null=True)
    reference = fields.CharField(100, null=True)

    class Meta:
        table = "expenses"


class ExpenseApproval(Record):
    """Somebody answers for an expense; `role` is in what part he did."""

    community_id = fields.BigIntField()
    expense: fields.ForeignKeyRelation[Expense] = fields.ForeignKeyField(
        "models.Expense", "approvals", on_delete=RESTRICT
    )
    expense_id: int
    approver: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "expense_approvals", on_delete=RESTRICT
    )
    approver_id: int
    role = fields.CharEnumField(Role, max_length=20)

    class Meta:
        table = "expense_approvals"


class FundRules(OfCommunity, Record):
    """A community's rules of spending as somebody proposed them; in force once another agreed, or an officer said so.

    `never_paid` are the community's own keywords, on top of what the law forbids.
    """

    supervisor_above_fen = fields.BigIntField()
    never_paid: Any = fields.JSONField()
    proposer: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "fund_rules_proposed", on_delete=RESTRICT
    )
    proposer_id: int
    role = fields.CharEnumField(Role, max_length=20)
    """In what part he proposed them."""
    agreed_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "fund_rules_agreed", on_delete=RESTRICT, null=True
    )
    agreed_by_id: int | None
    in_force_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "fund_rules"
