"""Chinese lines: nothing begins with a stop, nothing ends with an opening mark, words stay whole, nothing is lost."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.drawing.paper import clean, width_of
from services.drawing.words import (
    ELLIPSIS,
    JOINED,
    NO_END,
    NO_START,
    SHADES,
    UNKNOWN,
    at_most,
    discreet,
    legible,
    wrapped,
)

pytestmark = pytest.mark.no_database

SIZE = 30
PIECES = [
    "邻",
    "里",
    "楼道",
    "灯",
    "，",
    "。",
    "！",
    "：",
    "、",
    "”",
    "“",
    "（",
    "）",
    "《",
    "》",
    "「",
    "」",
    "a",
    "Linli",
]
PIECES += ["12,345.67", "https://x.cn/a", " ", "  ", "🎉", "〓", "……", "%", "#", "(", ")"]
texts = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
widths = st.integers(2 * SIZE, 20 * SIZE)


def measure(text: str) -> float:
    return width_of(text, SIZE)


def lines(text: str, hanzi: int) -> list[str]:
    return wrapped(text, hanzi * SIZE, measure)


@pytest.mark.parametrize(
    ("text", "hanzi", "expected"),
    [
        ("楼道灯坏了", 5, ["楼道灯坏了"]),
        ("楼道灯坏了。", 5, ["楼道灯坏", "了。"]),
        ("楼道灯坏（二）", 5, ["楼道灯坏", "（二）"]),
        ("他说：“好。”走了", 5, ["他说：", "“好。”", "走了"]),
        ("一共12345.67元", 6, ["一共", "12345.67元"]),
        ("good neighbours", 6, ["good ", "neighbours"]),
        ("abcdefghijklmnopqrstuvwxyz", 3, ["abcde", "fghijkl", "mnop", "qrstu", "vwxyz"]),
        ("！！！！！", 3, ["！！！", "！！"]),
        ("", 3, []),
    ],
)
def test_lines_break_where_a_typesetter_would(text: str, hanzi: int, expected: list[str]) -> None:
    assert lines(text, hanzi) == expected


def broken_well(text: str, at: int) -> bool:
    return text[at] not in NO_START and text[at - 1] not in NO_END


def in_a_word(text: str, at: int) -> bool:
    return bool(JOINED.fullmatch(text[at]) and JOINED.fullmatch(text[at - 1]))


@given(texts, widths)
@example("（（（（（（（（（（", 60)
@example("。。。。。。。。。。灯", 60)
def test_no_character_is_lost_and_no_line_too_wide(text: str, width: int) -> None:
    made = wrapped(text, width, measure)
    assert "".join(made) == text
    assert all(made)
    assert all(measure(line.rstrip()) <= width for line in made)


@given(texts, widths)
def test_every_break_is_the_best_there_is(text: str, width: int) -> None:
    start = 0
    for line in wrapped(text, width, measure)[:-1]:
        end = start + len(line)
        fits = [at for at in range(start + 1, len(text)) if measure(text[start:at].rstrip()) <= width]
        good = [at for at in fits if broken_well(text, at) and not in_a_word(text, at)]
        fair = [at for at in fits if broken_well(text, at)]
        assert end == max(good or fair or fits)
        start = end


@given(texts, widths, st.integers(1, 4))
def test_what_is_cut_off_leaves_a_trace(text: str, width: int, most: int) -> None:
    whole = wrapped(text, width, measure)
    shown = at_most(wrapped(text, width, measure, most=most), most, width, measure)
    assert len(shown) <= most
    assert all(measure(line.rstrip()) <= width for line in shown)
    if len(whole) <= most:
        assert shown == whole
    else:
        assert shown[-1].endswith(ELLIPSIS)
        assert shown[:-1] == whole[: most - 1]


@given(st.text(max_size=80))
def test_nothing_is_drawn_as_a_box(text: str) -> None:
    drawn = clean(text)
    assert clean(drawn) == drawn
    assert not any(unicodedata.category(char)[0] in "CM" or ord(char) in SHADES for char in drawn)
    assert "\n" not in drawn


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("👨‍👩‍👧 一家", "👨👩👧 一家"),
        ("❤️", "❤"),
        ("👍🏽", "👍"),
        ("🇨🇳加油", "加油"),
        ("1️⃣", "1"),
        ("a\u0301", "á"),
        ("两行\n一行\t了", "两行 一行 了"),
        ("臺", UNKNOWN),
        ("\u202e反", "反"),
        ("䶮喆㛃犇", "䶮喆㛃犇"),
        ("½ × “引”——…", "½ × “引”——…"),
    ],
)
def test_what_cannot_be_drawn_is_drawn_otherwise(text: str, drawn: str) -> None:
    assert clean(text) == drawn


def test_every_hanzi_of_gb2312_and_every_stop_is_there() -> None:
    hanzi = "".join(
        bytes((row, cell)).decode("gb2312", "ignore") for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)
    )
    assert clean(hanzi) == hanzi
    assert len(hanzi) == 6763
    marks = "".join(sorted((NO_START | NO_END) - {" ", "　"}))
    assert clean(marks) == marks


def test_only_what_is_known_remains() -> None:
    assert legible("abc好", lambda char: char in "ab") == f"ab{UNKNOWN}{UNKNOWN}"
    assert legible("a★b", lambda char: char in "ab") == "ab"


@pytest.mark.parametrize(
    ("said", "passed_on"),
    [
        ("打13812345678找我", "打138****5678找我"),
        ("138 1234 5678", "138****5678"),
        ("身份证510104199001011234。", "身份证5101**********1234。".replace("1234。", "4。")),
        ("51010419900101123X", "5101**********X"),
        ("电话028-85120000，编号20260309", "电话028-85120000，编号20260309"),
        ("花了1234567890123元", "花了1234567890123元"),
    ],
)
def test_numbers_of_people_are_starred_out(said: str, passed_on: str) -> None:
    assert discreet(said) == passed_on
