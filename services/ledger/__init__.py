"""The books of each community's fund: what one account gives another receives."""

from services.ledger.books import CAPTURE, Purse, balance, open_accounts, post, raised
from services.ledger.checking import check_books
from services.ledger.reading import Fund, StatementLine, TransferLine, fund, statement, transfers

__all__ = [
    "CAPTURE",
    "Fund",
    "Purse",
    "StatementLine",
    "TransferLine",
    "balance",
    "check_books",
    "fund",
    "open_accounts",
    "post",
    "raised",
    "statement",
    "transfers",
]
