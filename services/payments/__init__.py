"""Paying through WeChat: orders, captures and refunds, and WeChat's daily bills against all of them."""

from services.payments.captures import capture, hear
from services.payments.orders import follow_orders, open_order, payment_for
from services.payments.reconciliation import (
    DayOfBills,
    check_bills,
    days_of_bills,
    fetch_bills,
    settle_difference,
)
from services.payments.refunds import (
    ASKED,
    BY_COMMITTEE,
    CANCELLED,
    FAILED,
    REFUNDS_ALL,
    USE_CHANGED,
    Progress,
    conclude_refund,
    follow_refunds,
    give_all_back,
    give_back,
    left_of,
    progress,
    still_owed,
)

__all__ = [
    "ASKED",
    "BY_COMMITTEE",
    "CANCELLED",
    "FAILED",
    "REFUNDS_ALL",
    "USE_CHANGED",
    "DayOfBills",
    "Progress",
    "capture",
    "check_bills",
    "conclude_refund",
    "days_of_bills",
    "fetch_bills",
    "follow_orders",
    "follow_refunds",
    "give_all_back",
    "give_back",
    "hear",
    "left_of",
    "open_order",
    "payment_for",
    "progress",
    "settle_difference",
    "still_owed",
]
