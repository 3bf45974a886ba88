"""Tables as an XLSX file: text is text whatever it begins with, and money is a number."""

import io
from collections.abc import Sequence
from datetime import datetime

import xlsxwriter

from services.rules.tables import Table, is_money

MADE = datetime(2026, 1, 1)  # the same figures are the same file
PLAIN = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def as_xlsx(tables: Sequence[Table]) -> bytes:
    """The tables, a sheet each."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, PLAIN)
    book.set_properties({"created": MADE})
    bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
    for number, table in enumerate(tables, start=1):
        sheet = book.add_worksheet(f"{number}")
        sheet.set_column(0, len(table.heads) - 1, 18)
        sheet.write_string(0, 0, table.name, bold)
        for column, head in enumerate(table.heads):
            sheet.write_string(1, column, head, bold)
        for line, row in enumerate(table.rows, start=2):
            for column, (head, cell) in enumerate(zip(table.heads, row, strict=True)):
                if isinstance(cell, str):
                    sheet.write_string(line, column, cell)
                elif cell is not None and is_money(head):
                    sheet.write_number(line, column, cell / 100, money)
                elif cell is not None:
                    sheet.write_number(line, column, cell)
    book.close()
    return out.getvalue()
