"""Reading files of paper ballots, and comparing what two people typed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.paper import LINES_MOST, Line, Unreadable, compare, harmless, read

pytestmark = pytest.mark.no_database

OPTIONS = [11, 12, 13]
CODES = st.sampled_from(["A1", "B2", "C3", ""])
LINES = st.lists(st.tuples(CODES, st.sampled_from([None, {"choice": "yes"}, {"choice": "no"}])), max_size=8)


def lines(typed: list[tuple[str, Any]]) -> list[Line]:
    return [Line(row, code, choice) for row, (code, choice) in enumerate(typed, start=2)]


@pytest.mark.parametrize(
    ("kind", "cell", "choice"),
    [
        ("yes_no", "yes", {"choice": "yes"}),
        ("yes_no", "弃权", {"choice": "abstain"}),
        ("yes_no", "1", None),
        ("yes_no", "", None),
        ("single", "2", {"option_id": 12}),
        ("single", "0", None),
        ("single", "4", None),
        ("single", "1;2", None),
        ("approval", "3;1", {"option_ids": [11, 13]}),
        ("approval", "3、1", {"option_ids": [11, 13]}),
        ("approval", "1;1", None),
        ("approval", "1;2;3", None),  # two at most
        ("budget", "2", {"option_ids": [12]}),
        ("ranked", "3;1;2", {"ranking": [13, 11, 12]}),
        ("ranked", "3;3", None),
        ("score", "1:5;3:0", {"scores": {"11": 5, "13": 0}}),
        ("score", "1:5;1:4", None),
        ("score", "5", None),
    ],
)
def test_choices(kind: str, cell: str, choice: dict[str, Any] | None) -> None:
    most = 2 if kind == "approval" else None
    found = read(f'code,choice\nAB12,"{cell}"\n'.encode(), kind, OPTIONS, most)
    assert found == [Line(2, "AB12", choice)]


def test_as_spreadsheets_save_it() -> None:
    for raw in ("\ufeffcode,choice\r\nab-1O i,同意\r\n".encode(), "Code,Choice\nab1oI,同意\n".encode("gb18030")):
        assert read(raw, "yes_no", []) == [Line(2, "AB101", {"choice": "yes"})]


def test_rows_keep_their_numbers_and_empty_ones_fall_away() -> None:
    found = read(b"code,choice\n\nA,yes\n,,\nB\nC,no,note\n,yes\n", "yes_no", [])
    assert [(line.row, line.code, line.choice is None) for line in found] == [
        (3, "A", False),
        (5, "B", True),
        (6, "C", True),
        (7, "", False),
    ]


def test_a_file_has_bounds() -> None:
    assert len(read(("code,choice\n" + "A,yes\n" * LINES_MOST).encode(), "yes_no", [])) == LINES_MOST
    with pytest.raises(Unreadable):
        read(("code,choice\n" + "A,yes\n" * (LINES_MOST + 1)).encode(), "yes_no", [])


@given(LINES, LINES)
def test_compared_with_the_plain_definition(first: list[tuple[str, Any]], second: list[tuple[str, Any]]) -> None:
    ours, theirs = lines(first), lines(second)
    found = compare(ours, theirs)
    assert sorted(row for one in found for row in one.first_rows) == [line.row for line in ours]
    assert sorted(row for one in found for row in one.second_rows) == [line.row for line in theirs]
    for one in found:
        here = [choice for code, choice in first if code == one.code]
        there = [choice for code, choice in second if code == one.code]
        agrees = bool(one.code) and len(here) == len(there) == 1 and here == there and here[0] is not None
        assert (one.outcome == "agrees") is agrees


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
    assert harmless("AB12") == "AB12"
