"""Amounts in capitals, by the examples of 支付结算办法 附一 and by reading them back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.capitals import DIGITS, MOST_FEN, in_capitals

pytestmark = pytest.mark.no_database

UNITS = {"拾": 10, "佰": 100, "仟": 1000}
SECTIONS = {"万": 10**4, "亿": 10**8}


@pytest.mark.parametrize(
    ("fen", "said"),
    [
        (0, "零元整"),
        (1, "壹分"),
        (10, "壹角整"),
        (11, "壹角壹分"),
        (100, "壹元整"),
        (101, "壹元零壹分"),
        (110, "壹元壹角整"),
        (1_000, "壹拾元整"),
        (12_345, "壹佰贰拾叁元肆角伍分"),
        (14_0950, "壹仟肆佰零玖元伍角整"),
        (6007_14, "陆仟零柒元壹角肆分"),
        (325_04, "叁佰贰拾伍元零肆分"),
        (16409_02, "壹万陆仟肆佰零玖元零贰分"),
        (100_010_00, "壹拾万零壹拾元整"),
        (10_0000_1000_00, "壹拾亿零壹仟元整"),
        (100_000_000, "壹佰万元整"),
        (1_0000_0001_00, "壹亿零壹元整"),
        (10_0000_0000_00, "壹拾亿元整"),
        (10**12, "壹佰亿元整"),
        (1_0001_0000_00, "壹亿零壹万元整"),
        (1_0000_0000_0000_00, "壹万亿元整"),
        (20_0000_0000_0000_05, "贰拾万亿元零伍分"),
    ],
)
def test_amounts_as_they_are_written(fen: int, said: str) -> None:
    assert in_capitals(fen) == said


def read(said: str) -> int:
    """The amount again, in fen."""
    total, section, digit, fen = 0, 0, 0, 0
    for char in said:
        if char in DIGITS:
            digit = DIGITS.index(char)
        elif char in UNITS:
            section, digit = section + digit * UNITS[char], 0
        elif char == "亿" and total and not (section or digit):
            total *= SECTIONS[char]
        elif char in SECTIONS:
            total, section, digit = total + (section + digit) * SECTIONS[char], 0, 0
        elif char == "元":
            fen, total, section, digit = (total + section + digit) * 100, 0, 0, 0
        elif char == "角":
            fen, digit = fen + digit * 10, 0
        elif char == "分":
            fen, digit = fen + digit, 0
    return fen


@given(st.integers(0, 10**13) | st.integers(0, 10**6))
def test_it_reads_back(fen: int) -> None:
    said = in_capitals(fen)
    assert read(said) == fen
    assert "零零" not in said


def test_an_amount_is_positive_and_bounded() -> None:
    for wrong in (-1, MOST_FEN):
        with pytest.raises(AssertionError):
            in_capitals(wrong)
