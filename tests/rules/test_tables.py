"""No text is a formula to the spreadsheet that opens the file, and money is exact."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.tables import Table, as_csv, harmless, yuan

NASTY = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "　=1", "%0A=1", "|x"]


@pytest.mark.parametrize("text", NASTY)
def test_what_begins_a_formula_is_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["灯具", "7号楼", "a=b", "", "'", "1-2"])
def test_other_text_stays(text: str) -> None:
    assert harmless(text) == text


@given(st.text())
def test_no_cell_begins_a_formula(text: str) -> None:
    assert harmless(text)[:1] not in set("=+-@\t\r\n|%")


@pytest.mark.parametrize(
    ("fen", "said"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_456, "1234.56"), (-1_234, "-12.34")]
)
def test_money_is_exact(fen: int, said: str) -> None:
    assert yuan(fen) == said


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1), st.integers(-(10**15), 10**15)
        )
    )
)
def test_a_table_is_read_back(rows: list[tuple[str, int]]) -> None:
    made = as_csv([Table("表", ["用途", "金额（元）"], rows)])
    assert made.startswith("\ufeff".encode())
    read = list(csv.reader(io.StringIO(made.decode("utf-8-sig"), newline="")))
    assert read[2:] == [[harmless(text), yuan(fen)] for text, fen in rows]
