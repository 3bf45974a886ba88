"""What residents are told: the inbox, messages through WeChat, and a call list for those who use neither."""

from services.notifications.call_list import Call, call_list, called, find_call
from services.notifications.call_page import call_page
from services.notifications.credits import Balance, Subscription, balance, heard_subscription, report, subscriptions
from services.notifications.digests import write_digests
from services.notifications.inbox import InboxLine, inbox, read, tell
from services.notifications.notices import NOTICES
from services.notifications.preferences import Preferences, preferences, update_preferences
from services.notifications.quoting import Told, as_shown
from services.notifications.sending import give_up_old, heard_delivery, miscounted, send_due
from services.notifications.templates import INBOX_ONLY, MESSAGES, TEMPLATES, TemplateId, template_of

__all__ = [
    "INBOX_ONLY",
    "MESSAGES",
    "NOTICES",
    "TEMPLATES",
    "Balance",
    "Call",
    "InboxLine",
    "Preferences",
    "Subscription",
    "TemplateId",
    "Told",
    "as_shown",
    "balance",
    "call_list",
    "call_page",
    "called",
    "find_call",
    "give_up_old",
    "heard_delivery",
    "heard_subscription",
    "inbox",
    "miscounted",
    "preferences",
    "read",
    "report",
    "send_due",
    "subscriptions",
    "tell",
    "template_of",
    "update_preferences",
    "write_digests",
]
