"""Every kind of ballot through the one door, under every rule that can judge it, and in words."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.deliberations import BallotKind, BudgetCount
from services.rules import wording
from services.rules.outcome import BUDGET_COUNTS, PLAIN, Method, can_judge, count, decide
from services.rules.quorum import PRESETS, Threshold, Weight, stricter
from services.rules.tally import Choice
from services.rules.telling import tell

pytestmark = pytest.mark.no_database

RULE = "residents_meeting"
ROLL = Weight(100, 8_850_000)
OPTIONS = {1: None, 2: None, 3: None}
TITLES = {1: "装路灯", 2: "修电梯", 3: "种树"}
METHODS = {
    "yes_no": Method("yes_no"),
    "single": Method("single"),
    "approval": Method("approval", max_choices=2),
    "score": Method("score", max_score=5),
    "ranked": Method("ranked"),
    "budget": Method("budget", budget_fen=100_000_00, count="greedy"),
}


def heads(*choices: tuple[Choice, int]) -> list[tuple[Choice, Weight]]:
    return [(choice, Weight(number)) for choice, number in choices]


def test_there_is_a_count_for_every_kind_and_every_budget() -> None:
    assert set(METHODS) == set(BallotKind)
    assert set(BUDGET_COUNTS) == set(BudgetCount)


def test_rules_that_weigh_area_judge_only_votes_that_are_simply_for() -> None:
    for rule, kind in product(PRESETS, METHODS):
        assert can_judge(rule, kind) is (kind in PLAIN or not rule.startswith("owners"))


@pytest.mark.parametrize(("yes", "passed"), [(29, False), (30, False), (31, True)])
def test_yes_or_no_with_abstainers_among_those_taking_part(yes: int, passed: bool) -> None:
    ballots = heads(({"choice": "yes"}, yes), ({"choice": "no"}, 50 - yes), ({"choice": "abstain"}, 10))
    counted = count(RULE, METHODS["yes_no"], {}, ballots)
    assert counted.numbers == {"yes": yes, "no": 50 - yes, "abstain": 10}
    assert counted.winners == ("yes",)
    assert decide("residents_meeting", METHODS["yes_no"], counted, Weight(60), ROLL).passed is passed


@pytest.mark.parametrize(
    ("heads_for", "area_for", "passed"), [(45, 4_500_000, True), (44, 4_500_000, False), (45, 4_499_999, False)]
)
def test_owners_are_counted_by_heads_and_by_area(heads_for: int, area_for: int, passed: bool) -> None:
    present = Weight(60, 6_000_000)
    ballots = [
        ({"choice": "yes"}, Weight(heads_for, area_for)),
        ({"choice": "no"}, Weight(60 - heads_for, 6_000_000 - area_for)),
    ]
    counted = count(RULE, METHODS["yes_no"], {}, ballots)
    verdict = decide("owners_major", METHODS["yes_no"], counted, present, Weight(90, 9_000_000))
    assert verdict.passed is passed
    zh, en = tell("owners_major", METHODS["yes_no"], {}, counted, verdict, present=present, roll=ROLL, unit="owners")
    assert "其专有部分面积 600 平方米（名册共 885 平方米）" in zh
    assert "专有部分面积四分之三以上且人数四分之三以上赞成" in zh
    assert "不是法定的业主表决" in zh
    assert "at least 3/4 of the area and at least 3/4 of the heads of those taking part" in en
    assert ("，通过。" in zh) is passed
    zh, _ = tell(
        "owners_major",
        METHODS["yes_no"],
        {},
        counted,
        verdict,
        present=present,
        roll=ROLL,
        unit="owners",
        recognised=True,
    )
    assert "意见征询" not in zh


def test_a_single_choice_may_lead_and_yet_not_carry() -> None:
    ballots = heads(({"option_id": 1}, 25), ({"option_id": 2}, 20), ({"option_id": 3}, 15))
    counted = count(RULE, METHODS["single"], OPTIONS, ballots)
    verdict = decide("residents_meeting", METHODS["single"], counted, Weight(60), ROLL)
    assert counted.winners == (1,)
    assert verdict.passed is False
    zh, _ = tell(
        "residents_meeting",
        METHODS["single"],
        TITLES,
        counted,
        verdict,
        present=Weight(60),
        roll=ROLL,
        unit="residents",
    )
    assert "装路灯、修电梯、种树未达到（25/60, 20/60, 15/60），未通过" in zh


def test_several_of_an_approval_vote_may_lead_together() -> None:
    ballots = heads(({"option_ids": [1, 2]}, 3), ({"option_ids": [3]}, 1), ({"option_ids": []}, 1))
    counted = count(RULE, METHODS["approval"], OPTIONS, ballots)
    assert counted.winners == (1, 2)
    assert decide("residents_meeting", METHODS["approval"], counted, Weight(5), Weight(9)).winners == {1, 2}


RANKED = heads(({"ranking": [1]}, 25), ({"ranking": [2, 1]}, 20), ({"ranking": [3, 1]}, 8), ({"ranking": [3]}, 7))


def test_a_ranked_vote_tells_its_rounds() -> None:
    counted = count(RULE, METHODS["ranked"], OPTIONS, RANKED)
    assert counted.numbers == {1: 33, 2: 20, 3: 15}
    assert counted.winners == (1,)
    verdict = decide("residents_meeting", METHODS["ranked"], counted, Weight(60), ROLL)
    assert verdict.passed is True
    zh, en = tell(
        "residents_meeting",
        METHODS["ranked"],
        TITLES,
        counted,
        verdict,
        present=Weight(60),
        roll=ROLL,
        unit="residents",
    )
    assert zh == (
        "名册共 100 人，60 人参加表决。《城市居民委员会组织法》第二十七条要求过半数参加，已达到法定人数。"
        "按偏好排序逐轮计票：每轮票数最少的选项退出，其选票转给该选票上的下一个选项。"
        "第 1 轮：装路灯 25 票，修电梯 20 票，种树 15 票；种树退出。"
        "第 2 轮：装路灯 33 票，修电梯 20 票，7 张选票已无可转的选项。胜出：装路灯。"
        "须有参加表决者的过半数赞成，装路灯达到要求（33/60），通过。"
    )
    assert "Round 2: 装路灯 33, 修电梯 20, 7 with no choice left. Winner: 装路灯." in en


@pytest.mark.parametrize(("second", "passed"), [(4, False), (5, False), (6, True)])
def test_a_ranked_winner_needs_more_than_half_of_all_who_took_part(second: int, passed: bool) -> None:
    ballots = heads(({"ranking": [1]}, 25), ({"ranking": [2]}, 20), ({"ranking": [3, 1]}, second))
    ballots += heads(({"ranking": [3]}, 15 - second))
    counted = count(RULE, METHODS["ranked"], OPTIONS, ballots)
    assert counted.winners == (1,)
    assert decide("residents_meeting", METHODS["ranked"], counted, Weight(60), ROLL).passed is passed


def test_a_ranked_count_goes_on_until_the_stricter_majority_of_a_place() -> None:
    two_thirds = stricter(PRESETS["residents_meeting"], majority=Threshold(2, 3, False))
    ballots = heads(({"ranking": [1]}, 33), ({"ranking": [2]}, 20), ({"ranking": [3, 1]}, 7))
    assert len(count("residents_meeting", METHODS["ranked"], OPTIONS, ballots).rounds) == 1
    counted = count(two_thirds, METHODS["ranked"], OPTIONS, ballots)
    assert counted.numbers == {1: 40, 2: 20, 3: 7}
    assert decide(two_thirds, METHODS["ranked"], counted, Weight(60), ROLL).passed is True


def test_a_ranked_tie_is_explained() -> None:
    counted = count(RULE, METHODS["ranked"], OPTIONS, heads(*(({"ranking": [one]}, 1) for one in OPTIONS)))
    verdict = decide("consultation", METHODS["ranked"], counted, Weight(3), ROLL)
    zh, en = tell(
        "consultation", METHODS["ranked"], TITLES, counted, verdict, present=Weight(3), roll=ROLL, unit="households"
    )
    assert "种树退出（票数相同，比较前几轮，仍相同则编号大者退出）" in zh
    assert "仍相同则编号小者胜出）。胜出：装路灯" in zh
    assert "then the smaller number wins). Winner: 装路灯." in en


def test_scores_add_up_and_advise() -> None:
    ballots = heads(({"scores": {"1": 5, "2": 3}}, 40), ({"scores": {"3": 4}}, 20))
    counted = count(RULE, METHODS["score"], OPTIONS, ballots)
    assert (counted.numbers, counted.winners) == ({1: 200, 2: 120, 3: 80}, (1,))
    verdict = decide("residents_meeting", METHODS["score"], counted, Weight(60), ROLL)
    assert (verdict.quorate, verdict.passed) == (True, None)
    zh, en = tell(
        "residents_meeting", METHODS["score"], TITLES, counted, verdict, present=Weight(60), roll=ROLL, unit="residents"
    )
    assert "每人给每个选项 0 至 5 分，相加：装路灯 200 分；修电梯 120 分；种树 80 分。得分最高：装路灯。" in zh
    assert "不表明过半数赞成" in zh
    assert "Most points: 装路灯." in en
    assert decide("residents_meeting", METHODS["score"], counted, Weight(50), ROLL).passed is False


BUDGET = heads(({"option_ids": [1, 2]}, 6), ({"option_ids": [3]}, 4))
COSTS = {1: 420_00, 2: 280_00, 3: 280_50}


def test_a_budget_by_votes_is_explained() -> None:
    method = Method("budget", budget_fen=700_50, count="greedy")
    counted = count(RULE, method, COSTS, BUDGET)
    assert (counted.numbers, counted.winners) == ({1: 6, 2: 6, 3: 4}, (2, 1))
    verdict = decide("consultation", method, counted, Weight(10), ROLL)
    zh, en = tell("consultation", method, TITLES, counted, verdict, present=Weight(10), roll=ROLL, unit="residents")
    assert "预算 700.50 元，按票数从多到少入选，余额不够的跳过；票数相同，费用低者先。" in zh
    assert "入选：修电梯（280 元，6 票）、装路灯（420 元，6 票）。未入选：种树（4 票）。共 700 元，余 0.50 元。" in zh
    assert "Chosen: 修电梯 (280 yuan, 6 votes), 装路灯 (420 yuan, 6 votes). Not chosen: 种树 (4 votes)." in en
    assert "不具有约束力" in zh


def test_a_budget_by_equal_shares_is_explained() -> None:
    method = Method("budget", budget_fen=1000_00, count="equal_shares")
    counted = count(RULE, method, COSTS, BUDGET)
    assert counted.winners == (2, 3)
    verdict = decide("residents_meeting", method, counted, Weight(10), Weight(12))
    zh, en = tell(
        "residents_meeting", method, TITLES, counted, verdict, present=Weight(10), roll=Weight(12), unit="residents"
    )
    assert "分给每位参加者约 100 元" in zh
    assert "修电梯（280 元，6 票，每位支持者至多出 46.67 元）、种树（280.50 元，4 票，每位支持者至多出 70.13 元）" in zh
    assert "at most 46.67 from each supporter" in en
    assert verdict.passed is None
    empty = count(RULE, method, COSTS, [])
    zh, en = tell("consultation", method, TITLES, empty, verdict, present=Weight(0), roll=ROLL, unit="residents")
    assert "入选：无。" in zh
    assert "Chosen: none." in en


def test_a_stricter_place_is_named_in_words() -> None:
    rule = stricter(PRESETS["residents_meeting"], quorum=Threshold(3, 5, True), majority=Threshold(11, 20, False))
    counted = count(rule, METHODS["yes_no"], {}, heads(({"choice": "yes"}, 60)))
    verdict = decide(rule, METHODS["yes_no"], counted, Weight(60), ROLL)
    assert verdict.quorate is False
    zh, en = tell(rule, METHODS["yes_no"], {}, counted, verdict, present=Weight(60), roll=ROLL, unit="residents")
    assert "要求超过五分之三参加，未达到法定人数" in zh
    assert "本次表决不产生决议" in zh
    assert "more than 3/5: the quorum was not met" in en
    counted = count(RULE, METHODS["yes_no"], {}, heads(({"choice": "yes"}, 70)))
    verdict = decide(rule, METHODS["yes_no"], counted, Weight(70), ROLL)
    assert (
        "须有参加表决者的20分之11以上赞成"
        in tell(rule, METHODS["yes_no"], {}, counted, verdict, present=Weight(70), roll=ROLL, unit="representatives")[0]
    )


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30)), max_size=6))
def test_choices_grouped_or_apart_count_alike(groups: list[tuple[int, int]]) -> None:
    apart = heads(*(({"option_id": one}, 1) for one, number in groups for _ in range(number)))
    assert count(RULE, METHODS["single"], OPTIONS, apart) == count(
        RULE, METHODS["single"], OPTIONS, heads(*(({"option_id": one}, number) for one, number in groups))
    )


def test_a_place_s_own_threshold_is_not_the_law_s() -> None:
    said: dict[str, Any] = {
        "present": Weight(5),
        "roll": Weight(5),
        "quorate": True,
        "passed": True,
        "unit": "residents",
    }
    everybody = Threshold(1, 1, more_than=False)
    own = stricter(PRESETS["residents_meeting"], quorum=everybody, majority=everybody)
    zh, en = wording.explain(own, [], **said)
    assert "本地的表决规则要求全体参加，已达到法定人数。" in zh
    assert "须有参加表决者的全体赞成" in zh
    assert "第二十七条" not in zh
    assert "The rule of this place asks for all: the quorum was met." in en
    zh, _ = wording.explain("residents_meeting", [], **said)
    assert "第二十七条要求过半数参加，已达到法定人数。" in zh
