"""Counting: each ballot once for each candidate it names, whatever the order or the grouping; receipts that hold."""

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.quorum import Weight
from services.rules.tally import ANSWERS, receipt, score, tally
from services.rules.wording import Line, explain


@given(st.lists(st.sampled_from(ANSWERS)))
def test_yes_no_equals_counting_by_hand(answers: list[str]) -> None:
    votes = tally("yes_no", ANSWERS, [({"choice": answer}, Weight(1)) for answer in answers])
    assert {answer: weight.heads for answer, weight in votes.items()} == {a: answers.count(a) for a in ANSWERS}


@given(st.lists(st.integers(1, 4)))
def test_single_equals_counting_by_hand_also_when_equal_ballots_come_together(chosen: list[int]) -> None:
    apart = tally("single", [1, 2, 3, 4], [({"option_id": one}, Weight(1, 100)) for one in chosen])
    together = [({"option_id": one}, Weight(n, 100 * n)) for one, n in Counter(chosen).items()]
    assert apart == tally("single", [1, 2, 3, 4], together)
    assert [apart[one] for one in (1, 2, 3, 4)] == [
        Weight(chosen.count(one), 100 * chosen.count(one)) for one in (1, 2, 3, 4)
    ]


@given(st.lists(st.sets(st.integers(1, 5), min_size=1)))
def test_approval_equals_counting_by_hand(chosen: list[set[int]]) -> None:
    votes = tally("approval", range(1, 6), [({"option_ids": sorted(some)}, Weight(1)) for some in chosen])
    assert {one: weight.heads for one, weight in votes.items()} == {
        one: sum(one in some for some in chosen) for one in range(1, 6)
    }


def test_a_ballot_that_names_a_candidate_twice_or_a_stranger_is_a_defect() -> None:
    with pytest.raises(AssertionError):
        tally("approval", [1, 2], [({"option_ids": [1, 1]}, Weight(1))])
    with pytest.raises(KeyError):
        tally("single", [1, 2], [({"option_id": 3}, Weight(1))])


def test_a_receipt_can_be_computed_by_anybody_who_knows_choice_and_nonce() -> None:
    nonce = bytes(range(16))
    by_hand = hashlib.sha256(b'7\n{"option_ids":[3,9]}\n000102030405060708090a0b0c0d0e0f').hexdigest()
    assert receipt(7, {"option_ids": [3, 9]}, nonce) == by_hand
    assert receipt(8, {"option_ids": [3, 9]}, nonce) != by_hand
    assert receipt(7, {"option_ids": [3]}, nonce) != by_hand


def test_a_result_reads_like_a_sentence_with_its_figures_and_article() -> None:
    lines = [Line("同意", "in favour", 2, True), Line("反对", "against", 1, None), Line("弃权", "abstaining", 0, None)]
    zh, en = explain(
        "residents_meeting",
        lines,
        present=Weight(3),
        roll=Weight(5),
        quorate=True,
        passed=True,
        unit="residents",
    )
    assert zh == (
        "名册共 5 人，3 人参加表决。《城市居民委员会组织法》第二十七条要求过半数参加，已达到法定人数。"
        "同意 2 票；反对 1 票；弃权 0 票。须有参加表决者的过半数赞成，同意达到要求（2/3），通过。"
    )
    assert en == (
        "3 of the 5 residents on the roll took part. Organic Law of Urban Residents' Committees, art. 27 asks for more "
        "than 1/2: the quorum was met. In favour: 2; against: 1; abstaining: 0. To pass, more than 1/2 of those taking "
        "part must be in favour. Passed: in favour (2/3)."
    )


@pytest.mark.parametrize(
    ("rule", "quorate", "passed", "says"),
    [
        ("residents_meeting", False, False, "本次表决不产生决议"),
        ("residents_meeting", True, False, "未通过"),
        ("consultation", True, None, "不具有约束力"),
        ("owners_major", True, False, "四分之三以上"),
        ("representatives_meeting", True, False, "三分之二以上"),
    ],
)
def test_every_outcome_has_its_words(rule: str, quorate: bool, passed: bool | None, says: str) -> None:
    lines = [Line("同意", "in favour", 1, passed)]
    zh, _ = explain(rule, lines, present=Weight(3), roll=Weight(5), quorate=quorate, passed=passed, unit="households")
    assert says in zh
    assert "名册共 5 户，3 户参加表决" in zh


@given(st.lists(st.dictionaries(st.integers(1, 4), st.integers(0, 10))))
def test_scores_equal_adding_up_by_hand(given_points: list[dict[int, int]]) -> None:
    ballots = [({str(option): points for option, points in one.items()}, 2) for one in given_points]
    assert score([1, 2, 3, 4], ballots, 10) == {
        option: 2 * sum(one.get(option, 0) for one in given_points) for option in (1, 2, 3, 4)
    }


@pytest.mark.parametrize("points", [-1, 6])
def test_points_beyond_what_is_allowed_are_a_defect(points: int) -> None:
    with pytest.raises(AssertionError):
        score([1], [({"1": points}, 1)], 5)
    with pytest.raises(KeyError):
        score([1], [({"2": 1}, 1)], 5)
