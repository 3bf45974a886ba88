"""Statements: figures of the fund and of campaigns, as they are put on display and as files to take away."""

from services.rules.tables import as_csv
from services.statements.figures import CampaignAccounts, Statement, accounts, books, monthly
from services.statements.spreadsheet import as_xlsx

__all__ = ["CampaignAccounts", "Statement", "accounts", "as_csv", "as_xlsx", "books", "monthly"]
