"""Tables of figures, and CSV in which no text is ever a formula to the spreadsheet that opens it."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

Cell = str | int | None
BEGINS_A_FORMULA = tuple("=+-@\t\r\n|%＝＋－＠")
BOM = "\ufeff"  # without it Excel reads UTF-8 as something else


@dataclass(frozen=True)
class Table:
    """A name, the heads of the columns, and the rows; a column whose head ends in （元） holds fen."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def harmless(text: str) -> str:
    """The text as a cell of a CSV file that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" \ufeff\u3000").startswith(BEGINS_A_FORMULA) else text


def yuan(amount_fen: int) -> str:
    """Exactly, with two decimals: 5 fen is 0.05, -1234 fen is -12.34."""
    whole, fen = divmod(abs(amount_fen), 100)
    return f"{'-' if amount_fen < 0 else ''}{whole}.{fen:02}"


def as_csv(tables: Sequence[Table]) -> bytes:
    """The tables one under the other, in UTF-8 with a mark that spreadsheets know."""
    out = io.StringIO()
    write = csv.writer(out).writerow
    for number, table in enumerate(tables):
        if number:
            write([])
        write([harmless(table.name)])
        write([harmless(head) for head in table.heads])
        for row in table.rows:
            write([_said(head, cell) for head, cell in zip(table.heads, row, strict=True)])
    return (BOM + out.getvalue()).encode()


def plain_csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """One table by RFC 4180 for machines, with the same mark; nothing is an empty cell, truth is 1 or 0."""
    out = io.StringIO()
    write = csv.writer(out).writerow
    write(columns)
    for row in rows:
        write([_plain(cell) for cell in row])
    return (BOM + out.getvalue()).encode()


def _plain(cell: object) -> str:
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, bool) else harmless(str(cell)) if isinstance(cell, str) else str(cell)


def is_money(head: str) -> bool:
    """Whether a column with this head holds fen, to be written as yuan."""
    return head.endswith("（元）")


def _said(head: str, cell: Cell) -> str:
    if isinstance(cell, str):
        return harmless(cell)
    if cell is None:
        return ""
    return yuan(cell) if is_money(head) else str(cell)
