"""Likeness of titles: shared characters and pairs of them, said in the same words."""

from fractions import Fraction
from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.needs.hints import SIMILAR_LEAST
from services.rules.similarity import likeness, marks, most_alike, plain, spellings
from tests.rules.twins import KNOWN_OTHERS, KNOWN_TWINS, UNSEEN_OTHERS, UNSEEN_TWINS

texts = st.text(alphabet="楼道灯坏了 电梯,A1", max_size=12)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("楼道灯坏了", "楼道灯坏了", Fraction(1)),
        ("楼道灯坏了", "走廊的灯不亮", Fraction(1)),
        ("楼道灯", "楼道灯坏了", Fraction(5, 7)),
        ("电梯坏了", "楼道灯坏了", Fraction(1, 35)),
        ("楼道灯坏了", "想学用手机", Fraction(0)),
        ("灯", "灯", Fraction(1)),
        ("", "灯", Fraction(0)),
        ("！！", "？？", Fraction(0)),
        ("WiFi 慢", "wifi慢了", Fraction(1)),
    ],
)
def test_how_alike(one: str, other: str, expected: Fraction) -> None:
    assert likeness(one, other) == likeness(other, one) == expected


@given(texts, texts)
def test_it_is_the_cosine_that_counting_by_hand_gives(one: str, other: str) -> None:
    every = sorted(marks(one) | marks(other))
    a, b = [mark in marks(one) for mark in every], [mark in marks(other) for mark in every]
    length = sqrt(sum(a)) * sqrt(sum(b))
    by_hand = sum(x and y for x, y in zip(a, b, strict=True)) / length if length else 0
    assert isclose(sqrt(likeness(one, other)), by_hand, abs_tol=1e-9)


def test_words_that_say_the_same_are_one_and_empty_ones_are_none() -> None:
    assert plain("希望小区加装电瓶车充电桩！") == "加电动车充电桩"
    assert plain("请") == "请", "a text of empty words stands for itself"
    assert "电瓶车" in spellings("电动车充电")


def test_the_most_alike_come_first_and_only_so_many() -> None:
    others = [(1, "楼道灯坏了"), (2, "楼道灯坏了，很黑"), (3, "想学用手机"), (4, "楼道灯坏了")]
    assert most_alike("楼道灯坏了", others, least=SIMILAR_LEAST, most=2) == [4, 1]
    assert most_alike("楼道灯坏了", others, least=SIMILAR_LEAST, most=9) == [4, 1, 2]


@pytest.mark.parametrize(
    ("twins", "others", "recall", "precision"),
    [(KNOWN_TWINS, KNOWN_OTHERS, 0.95, 0.75), (UNSEEN_TWINS, UNSEEN_OTHERS, 0.9, 0.55)],
    ids=["known", "unseen"],
)
def test_twins_are_told_from_near_misses(
    twins: list[tuple[str, str]],
    others: list[tuple[str, str]],
    recall: float,
    precision: float,
) -> None:
    """Every pair that is no twin names the same thing or the same trouble: the hardest there are."""
    found = sum(likeness(*pair) >= SIMILAR_LEAST for pair in twins)
    wrong = sum(likeness(*pair) >= SIMILAR_LEAST for pair in others)
    reached = {"recall": found / len(twins), "precision": found / (found + wrong)}
    print(f"recall {reached['recall']:.2f}, precision {reached['precision']:.2f}")  # noqa: T201 - the figures are the report
    assert reached["recall"] >= recall
    assert reached["precision"] >= precision


def test_what_is_about_something_else_is_hardly_ever_taken_for_a_twin() -> None:
    """Each title beside every title of another pair."""
    pairs = [*KNOWN_TWINS, *UNSEEN_TWINS]
    strangers = [(one, other) for i, (one, _) in enumerate(pairs) for j, (_, other) in enumerate(pairs) if i != j]
    wrong = sum(likeness(*pair) >= SIMILAR_LEAST for pair in strangers)
    print(f"{wrong} of {len(strangers)} strangers taken for twins")  # noqa: T201 - the figures are the report
    assert wrong * 100 < len(strangers)
