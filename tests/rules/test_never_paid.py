"""The negative list as sentences that must and must not be found, whoever words them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules import never_paid

ILL, VOLUNTEERS, APPORTIONED = "慈善法第一百二十四条", "志愿服务条例第二条、第三条", "慈善法第三十二条"
pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("said", "article"),
    [
        ("老张的住院费", ILL),
        ("给老张治病用的钱", ILL),
        ("支付开刀费用", ILL),
        ("报销张大爷看病开支", ILL),
        ("透析费三个月", ILL),
        ("住院期间的账单", ILL),
        ("资助白血病患者", ILL),
        ("为重病邻居筹款", ILL),
        ("费用：化疗", ILL),
        ("志愿者工资", VOLUNTEERS),
        ("发给义工的辛苦费", VOLUNTEERS),
        ("志愿者周末清扫劳务报酬", VOLUNTEERS),
        ("劳务费（志愿者三人）", VOLUNTEERS),
        ("志 愿 者 红 包", VOLUNTEERS),
        ("志愿服务队员日薪", VOLUNTEERS),
        ("完成街道摊派任务", APPORTIONED),
        ("强制居民捐款", APPORTIONED),
        ("按户收取善款的收据本", APPORTIONED),
        ("每家必须认捐", APPORTIONED),
        ("每户出钱登记表", APPORTIONED),
    ],
)
def test_what_is_never_paid_is_found_however_it_is_said(said: str, article: str) -> None:
    found = never_paid.find([said], [])
    assert found is not None, said
    assert found.article == article


@pytest.mark.parametrize(
    "said",
    [
        "感应灯三盏",
        "志愿者饮用水",
        "志愿者马甲三十件",
        "志愿者人身意外保险",
        "志愿者误餐和交通补贴",
        "社区医疗箱两个",
        "急救包和血压计",
        "手术室样式的儿童玩具",
        "看病难问题讲座场地租金",
        "癌症早筛知识展板",
        "大病保险宣传单印刷",
        "治理楼道小广告费用",
        "每户发放灭火器一只",
        "挨家走访的水果",
        "公共照明电费分摊表印刷",
        "请木工师傅的工钱",
        "义工培训场地费",
        "居民自愿捐款公示牌",
    ],
)
def test_what_may_be_paid_is_let_through(said: str) -> None:
    assert never_paid.find([said], []) is None, said


OWN = ["烟酒/香烟/卷烟/白酒/茅台", "聚餐/宴请/饭局", "干部+旅游/考察"]


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("慰问用烟酒", "烟酒"),
        ("贵州茅台两瓶", "茅台"),
        ("卷烟一条", "卷烟"),
        ("年终饭局", "饭局"),
        ("干部外出考察", "干部外出考察"),
        ("考察（两委干部）", "考察两委干部"),
        ("干部培训", None),
        ("老人旅游", None),
        ("酒精棉片", None),
    ],
)
def test_a_community_writes_its_own_list_with_other_words_for_the_same(said: str, word: str | None) -> None:
    found = never_paid.find([said], OWN)
    assert (found and found.word) == word


@pytest.mark.parametrize("empty", ["", "/", "+", "烟+", "＋/", "★"])
def test_a_phrase_that_says_nothing_forbids_nothing(empty: str) -> None:
    assert never_paid.find(["感应灯"], [empty]) is None


def test_two_things_that_stand_in_different_fields_are_not_near() -> None:
    assert never_paid.find(["志愿者饮水", "工资代发社"], []) is None


SAYINGS = [
    "".join(part.split("/")[0] for part in phrase.split("+"))
    for thing in never_paid.FORBIDDEN
    for phrase in thing.phrases
]


@given(st.text(max_size=20), st.sampled_from(SAYINGS), st.text())
def test_what_is_forbidden_is_found_wherever_it_stands(before: str, saying: str, after: str) -> None:
    found = never_paid.find([f"{before} {saying} {after}"], [])
    assert found is not None
    assert found.article is not None
