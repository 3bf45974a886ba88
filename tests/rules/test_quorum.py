"""When a vote counts and carries: each preset at its exact edges, and against brute force with fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.deliberations import Rule
from services.rules.quorum import PRESETS, Threshold, TooLow, Weight, carries, is_quorate, judge, stricter

HEADS = st.integers(0, 400)


def test_every_rule_has_its_preset() -> None:
    assert set(PRESETS) == set(Rule)


@pytest.mark.parametrize(
    ("rule", "present", "roll", "enough"),
    [
        ("residents_meeting", 49, 100, False),
        ("residents_meeting", 50, 100, False),  # exactly half is not more than half
        ("residents_meeting", 51, 100, True),
        ("residents_meeting", 50, 101, False),
        ("residents_meeting", 51, 101, True),
        ("residents_meeting", 1, 1, True),
        ("residents_meeting", 0, 0, False),
        ("representatives_meeting", 65, 99, False),
        ("representatives_meeting", 66, 99, True),  # exactly two thirds is enough
        ("representatives_meeting", 67, 99, True),
        ("representatives_meeting", 66, 100, False),
        ("representatives_meeting", 67, 100, True),
        ("representatives_meeting", 0, 0, False),
        ("consultation", 0, 100, True),
    ],
)
def test_how_many_must_take_part(rule: str, present: int, roll: int, enough: bool) -> None:
    assert is_quorate(rule, Weight(present), Weight(roll)) is enough


@pytest.mark.parametrize("rule", ["owners_ordinary", "owners_major"])
@pytest.mark.parametrize(
    ("heads", "area_cm2", "enough"),
    [(59, 6000, False), (60, 5999, False), (60, 6000, True), (61, 6001, True), (90, 5999, False), (59, 9000, False)],
)
def test_owners_need_two_thirds_of_heads_and_of_area(rule: str, heads: int, area_cm2: int, enough: bool) -> None:
    assert is_quorate(rule, Weight(heads, area_cm2), Weight(90, 9000)) is enough


@pytest.mark.parametrize(
    ("rule", "favour", "present", "result"),
    [
        ("residents_meeting", 19, 40, False),
        ("residents_meeting", 20, 40, False),
        ("residents_meeting", 21, 40, True),
        ("representatives_meeting", 20, 40, False),
        ("representatives_meeting", 21, 40, True),
        ("residents_meeting", 0, 0, False),
        ("consultation", 40, 40, None),
    ],
)
def test_how_many_must_favour(rule: str, favour: int, present: int, result: bool | None) -> None:
    assert carries(rule, Weight(favour), Weight(present)) is result


@pytest.mark.parametrize(
    ("rule", "heads", "area_cm2", "result"),
    [
        ("owners_ordinary", 40, 5000, False),
        ("owners_ordinary", 41, 4000, False),
        ("owners_ordinary", 41, 4001, True),
        ("owners_major", 59, 8000, False),
        ("owners_major", 60, 5999, False),
        ("owners_major", 60, 6000, True),  # exactly three quarters is enough
        ("owners_major", 61, 6001, True),
    ],
)
def test_owners_favour_by_heads_and_by_area(rule: str, heads: int, area_cm2: int, result: bool) -> None:
    assert carries(rule, Weight(heads, area_cm2), Weight(80, 8000)) is result


@pytest.mark.parametrize(("k", "n"), [(1, 2), (2, 3), (3, 4)])
@pytest.mark.parametrize("scale", [1, 7, 10**9])
@pytest.mark.parametrize("more_than", [True, False])
def test_one_less_exactly_and_one_more(k: int, n: int, scale: int, more_than: bool) -> None:
    threshold = Threshold(k, n, more_than)
    whole, edge = n * scale, k * scale
    assert not threshold.is_reached(edge - 1, whole)
    assert threshold.is_reached(edge, whole) is not more_than
    assert threshold.is_reached(edge + 1, whole)


@given(data=st.data(), rule=st.sampled_from(sorted(PRESETS)))
def test_judging_equals_brute_force(data: st.DataObject, rule: str) -> None:
    roll = Weight(data.draw(HEADS), data.draw(st.integers(0, 10**12)))
    present = Weight(data.draw(st.integers(0, roll.heads)), data.draw(st.integers(0, roll.area_cm2)))
    votes = {
        candidate: Weight(data.draw(st.integers(0, present.heads)), data.draw(st.integers(0, present.area_cm2)))
        for candidate in range(data.draw(st.integers(1, 5)))
    }
    verdict = judge(rule, votes, present, roll)

    def share(part: Weight, whole: Weight) -> Fraction:
        """The smaller of the shares that count."""
        shares = [Fraction(part.heads, whole.heads) if whole.heads else Fraction(0)]
        if rule.startswith("owners"):
            shares.append(Fraction(part.area_cm2, whole.area_cm2) if whole.area_cm2 else Fraction(0))
        return min(shares)

    took_part = share(present, roll)
    quorate = {
        "consultation": True,
        "residents_meeting": took_part > Fraction(1, 2),
    }.get(rule, took_part >= Fraction(2, 3))
    assert verdict.quorate is quorate
    if not quorate:
        assert verdict.passed is False
    elif rule == "consultation":
        assert verdict.passed is None
    else:
        winners = {
            one
            for one, favour in votes.items()
            if (
                share(favour, present) >= Fraction(3, 4)
                if rule == "owners_major"
                else share(favour, present) > Fraction(1, 2)
            )
        }
        assert verdict.winners == winners
        assert verdict.passed is bool(winners)


def test_a_tie_carries_nobody_and_an_approval_vote_may_carry_several() -> None:
    tie = judge("residents_meeting", {1: Weight(5), 2: Weight(5)}, Weight(10), Weight(10))
    assert (tie.passed, tie.winners) == (False, frozenset())
    both = judge("residents_meeting", {1: Weight(6), 2: Weight(7)}, Weight(10), Weight(10))
    assert both.winners == {1, 2}


HALF, TWO_THIRDS, FOUR_FIFTHS = Threshold(1, 2, True), Threshold(2, 3, False), Threshold(4, 5, False)


@pytest.mark.parametrize(
    ("rule", "quorum", "majority"),
    [
        ("residents_meeting", HALF, HALF),  # the same is not lower
        ("residents_meeting", TWO_THIRDS, None),
        ("residents_meeting", None, Threshold(51, 100, False)),
        ("representatives_meeting", Threshold(2, 3, True), TWO_THIRDS),  # more than 2/3 is stricter than at least
        ("owners_major", FOUR_FIFTHS, FOUR_FIFTHS),
        ("consultation", HALF, None),
        ("residents_meeting", Threshold(1, 1, False), None),
    ],
)
def test_a_place_may_ask_for_more(rule: str, quorum: Threshold | None, majority: Threshold | None) -> None:
    made = stricter(PRESETS[rule], quorum=quorum, majority=majority)
    assert made.quorum == (quorum or PRESETS[rule].quorum)
    assert made.majority == (majority or PRESETS[rule].majority)
    assert (made.article_zh, made.by_area) == (PRESETS[rule].article_zh, PRESETS[rule].by_area)


@pytest.mark.parametrize(
    ("rule", "quorum", "majority"),
    [
        ("residents_meeting", Threshold(1, 2, False), None),  # at least half is less than more than half
        ("residents_meeting", None, Threshold(49, 100, True)),
        ("representatives_meeting", Threshold(66, 100, True), None),
        ("owners_ordinary", Threshold(1, 2, True), None),
        ("owners_major", None, TWO_THIRDS),
        ("consultation", None, HALF),  # it would bind
        ("consultation", Threshold(0, 1, False), None),
        ("residents_meeting", Threshold(1, 1, True), None),  # more than all
        ("residents_meeting", Threshold(3, 2, False), None),
    ],
)
def test_a_place_may_not_ask_for_less_nor_for_more_than_all(
    rule: str, quorum: Threshold | None, majority: Threshold | None
) -> None:
    with pytest.raises(TooLow):
        stricter(PRESETS[rule], quorum=quorum, majority=majority)


@given(data=st.data(), rule=st.sampled_from(sorted(set(PRESETS) - {"consultation"})))
def test_what_passes_under_the_stricter_rule_passes_under_the_law(data: st.DataObject, rule: str) -> None:
    denominator = data.draw(st.integers(2, 9))
    own = Threshold(data.draw(st.integers(1, denominator)), denominator, data.draw(st.booleans()))
    try:
        made = stricter(PRESETS[rule], quorum=own, majority=own)
    except TooLow:
        return
    roll = Weight(data.draw(st.integers(0, 40)), data.draw(st.integers(0, 40)))
    present = Weight(data.draw(st.integers(0, roll.heads)), data.draw(st.integers(0, roll.area_cm2)))
    favour = Weight(data.draw(st.integers(0, present.heads)), data.draw(st.integers(0, present.area_cm2)))
    if judge(made, {1: favour}, present, roll).passed:
        assert judge(rule, {1: favour}, present, roll).passed
