"""Campaigns: drawn up by the community, published by another, given to by residents, decided by the clock."""

from services.crowdfunding.drafting import BudgetItem, create
from services.crowdfunding.giving import (
    find_pledge,
    look_at_pledge,
    pledge,
    pledges,
    receive,
    take_back,
    with_payment,
    withdraw,
)
from services.crowdfunding.helping import TeamLine, find_team, found_team, join_team, teams
from services.crowdfunding.reading import CampaignDetail, comment, comments_on, detail, find, listed, visible
from services.crowdfunding.road import (
    accept,
    advance_due,
    begin_due,
    cancel,
    end_due,
    open_due,
    publish,
    settle,
    submit,
)

__all__ = [
    "BudgetItem",
    "CampaignDetail",
    "TeamLine",
    "accept",
    "advance_due",
    "begin_due",
    "cancel",
    "comment",
    "comments_on",
    "create",
    "detail",
    "end_due",
    "find",
    "find_pledge",
    "find_team",
    "found_team",
    "join_team",
    "listed",
    "look_at_pledge",
    "open_due",
    "pledge",
    "pledges",
    "publish",
    "receive",
    "settle",
    "submit",
    "take_back",
    "teams",
    "visible",
    "with_payment",
    "withdraw",
]
