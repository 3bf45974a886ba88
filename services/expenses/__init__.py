"""Spending the fund: one asks with a receipt, two others answer for it, then it is paid and everybody sees it.

Who may approve, how many it takes, and what a budget line still holds is decided by the database when it is paid.
"""

from services.expenses.asking import request, request_from_fund, withdraw
from services.expenses.checking import check_expenses
from services.expenses.deciding import approve, pay, reject
from services.expenses.reading import (
    ApprovalLine,
    ExpenseDetail,
    ExpenseLine,
    detail,
    find,
    of_campaign,
    of_community,
    visible,
)
from services.expenses.ruling import Proposal, Rules, rules, set_rules

__all__ = [
    "ApprovalLine",
    "ExpenseDetail",
    "ExpenseLine",
    "Proposal",
    "Rules",
    "approve",
    "check_expenses",
    "detail",
    "find",
    "of_campaign",
    "of_community",
    "pay",
    "reject",
    "request",
    "request_from_fund",
    "rules",
    "set_rules",
    "visible",
    "withdraw",
]
