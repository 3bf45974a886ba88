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
    CANCELLED,
    FAILED,
    conclude_refund,
    follow_refunds,
    give_all_back,
    give_back,
    still_owed,
    was_refused,
)

__all__ = [
    "ASKED",
    "CANCELLED",
    "FAILED",
    "DayOfBills",
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
    "open_order",
    "payment_for",
    "settle_difference",
    "still_owed",
    "was_refused",
]
