"""Likeness of titles: shared pairs of neighbouring characters over the shorter's pairs."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.similarity import likeness, most_alike, pairs

texts = st.text(alphabet="楼道灯坏了 电梯,A1", max_size=12)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("楼道灯坏了", "楼道灯坏了", Fraction(1)),
        ("楼道灯", "7号楼楼道灯坏了", Fraction(1)),
        ("楼道的灯坏了", "楼道灯坏了", Fraction(3, 4)),
        ("电梯坏了", "楼道灯坏了", Fraction(1, 3)),
        ("楼道灯坏了", "想学用手机", Fraction(0)),
        ("灯", "灯", Fraction(1)),
        ("", "灯", Fraction(0)),
        ("！！", "？？", Fraction(0)),
        ("WiFi 太慢", "wifi太慢了", Fraction(1)),
    ],
)
def test_how_alike(one: str, other: str, expected: Fraction) -> None:
    assert likeness(one, other) == expected


@given(texts, texts)
def test_it_is_what_counting_by_hand_gives(one: str, other: str) -> None:
    def by_hand(text: str) -> list[str]:
        kept = [char for char in text.lower() if char.isalnum()]
        return [a + b for a, b in pairwise(kept)] or ["".join(kept)] * bool(kept)

    mine, theirs = by_hand(one), by_hand(other)
    shared = sum(1 for pair in dict.fromkeys(mine) if pair in theirs)
    shorter = min(len(dict.fromkeys(mine)), len(dict.fromkeys(theirs)))
    assert likeness(one, other) == (Fraction(shared, shorter) if shorter else 0)
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1
    assert pairs(one) == set(mine)


def test_the_most_alike_come_first_and_only_so_many() -> None:
    others = [(1, "楼道灯坏了"), (2, "楼道的灯坏了"), (3, "想学用手机"), (4, "楼道灯坏了")]
    assert most_alike("楼道灯坏了", others, least=Fraction(2, 5), most=2) == [4, 1]
    assert most_alike("楼道灯坏了", others, least=Fraction(2, 5), most=9) == [4, 1, 2]
