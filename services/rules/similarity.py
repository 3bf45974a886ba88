"""How alike two short Chinese texts are: shared characters and pairs of them, said in the same words.

A few dozen words of neighbours' complaints are taken for one another (`SAME`), and words that say nothing about what
is needed are passed over (`EMPTY`). The lists are short on purpose; labelled pairs in the tests say what they bring.
"""

import re
from collections.abc import Iterable
from fractions import Fraction

SAME = (
    ("坏", "损坏", "坏掉", "破损", "失灵", "故障", "不亮", "不能用", "用不了", "无法使用", "断裂"),
    ("电动车", "电瓶车", "电单车"),
    ("老人", "老年人", "老人家", "长者", "老年"),
    ("孩子", "小孩", "儿童", "小朋友"),
    ("垃圾桶", "垃圾箱"),
    ("停车位", "车位"),
    ("吵", "噪音", "噪声", "扰民", "声音太大", "音响"),
    ("漏水", "渗水", "滴水"),
    ("修", "维修", "修理", "修缮", "检修"),
    ("加", "增加", "增设", "加装", "添加", "安装", "新增"),
    ("不够", "太少", "不足"),
    ("楼道", "楼梯间", "走廊", "过道"),
    ("堵", "堵塞", "堵住"),
    ("牵绳", "拴绳"),
    ("挡", "挡住", "遮挡"),
    ("号楼", "栋"),
)
EMPTY = (
    "希望", "建议", "请求", "能不能", "能否", "可否", "可以", "需要", "小区", "社区", "我们", "有人", "没有", "一直",
    "经常", "老是", "总是", "请", "的", "了", "有", "很", "太", "被", "把", "也", "里", "在", "没人", "晚上", "就好",
)  # fmt: skip
DIGITS = str.maketrans("一二三四五六七八九", "123456789")
SPELT = {other: first for first, *others in SAME for other in others}
_SPELT = re.compile("|".join(sorted(map(re.escape, SPELT), key=len, reverse=True)))
_EMPTY = re.compile("|".join(sorted(map(re.escape, EMPTY), key=len, reverse=True)))


def plain(text: str) -> str:
    """Letters, digits and characters alone, each thing by one of its words, without words that say nothing."""
    kept = "".join(char for char in text.casefold() if char.isalnum()).translate(DIGITS)
    return _EMPTY.sub("", _SPELT.sub(lambda found: SPELT[found[0]], kept)) or kept


def marks(text: str) -> frozenset[str]:
    """What a text is known by: its plain characters, and each two of them that stand together."""
    said = plain(text)
    return frozenset(said) | {said[i : i + 2] for i in range(len(said) - 1)}


def likeness(one: str, other: str) -> Fraction:
    """From 0 (nothing shared) to 1 (the same marks): the square of the cosine of the two sets of marks."""
    mine, theirs = marks(one), marks(other)
    return Fraction(len(mine & theirs) ** 2, len(mine) * len(theirs)) if mine and theirs else Fraction(0)


def most_alike(text: str, others: Iterable[tuple[int, str]], *, least: Fraction, most: int) -> list[int]:
    """The ids of at most `most` texts whose likeness is at least `least`, the most alike first, newer before older."""
    ranked = [(likeness(text, other), id) for id, other in others]
    return [id for alike, id in sorted(ranked, reverse=True) if alike >= least][:most]


def spellings(text: str) -> list[str]:
    """A text, and the other words for what it names: where to look for its twins."""
    said = plain(text)
    return [text, said, *(other for first, *others in SAME if first in said for other in others)]
