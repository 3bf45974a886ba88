"""Registers: what communities keep of their homes and people in spreadsheets, and how it comes in."""

from services.registers.importing import Outcome, Told, import_register
from services.registers.sheets import Raw, Unreadable, open_register

__all__ = ["Outcome", "Raw", "Told", "Unreadable", "import_register", "open_register"]
