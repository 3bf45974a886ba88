"""What WeChat takes in a message: exact edges, and whatever comes in, nothing too long goes out."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.rules.messages import fit

pytestmark = pytest.mark.no_database

DOTS = "…"


@pytest.mark.parametrize(
    ("keyword", "value", "fitted"),
    [
        ("thing1", "楼" * 20, "楼" * 20),
        ("thing1", "楼" * 21, "楼" * 19 + DOTS),
        ("thing12", "a b\n\n c\u2028d", "a b c d"),
        ("thing1", " \n", "无"),
        ("phrase2", "开始表决了", "开始表决了"),
        ("phrase2", "现在开始表决", "现在开始表"),
        ("phrase2", "OK!", "无"),
        ("name1", "a" * 21, "a" * 20),
        ("name1", "欧阳" * 6, "欧阳" * 5),
        ("name1", "王 a" * 6, "王 a王 a王 a王"),
        ("character_string1", "A-1 号" + "x" * 40, "A-1" + "x" * 29),
        ("character_string1", "号", "-"),
        ("number1", "9" * 32, "9" * 32),
        ("number1", "3.5", "3.5"),
        ("amount1", "9999999999.99元", "9999999999.99元"),
        ("amount1", "¥100", "¥100"),
        ("time1", "2026年11月23日 10:00", "2026年11月23日 10:00"),
        ("time1", "7:05~23:59", "7:05~23:59"),
        ("date1", "2026年11月23日", "2026年11月23日"),
        ("phone_number1", "028-85551234", "028-85551234"),
    ],
)
def test_what_fits(keyword: str, value: str, fitted: str) -> None:
    assert fit(keyword, value) == fitted


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("number1", "9" * 33),
        ("number1", "three"),
        ("number1", "٣"),
        ("amount1", "99999999999元"),
        ("amount1", "-1元"),
        ("time1", "24:00"),
        ("time1", "2026-11-23 10:00"),
        ("date1", "2026年13月1日"),
        ("phone_number1", "1" * 18),
        ("time1", "10:00\n"),
        ("song1", "la"),
    ],
)
def test_what_does_not(keyword: str, value: str) -> None:
    with pytest.raises(ValueError, match=keyword):
        fit(keyword, value)


@given(st.sampled_from(["thing1", "name1", "phrase1", "character_string1"]), st.text(max_size=60))
@example("name1", "000000000 \x80")
def test_what_may_be_cut_always_fits(keyword: str, value: str) -> None:
    fitted = fit(keyword, value)
    limits = {
        "thing1": len(fitted) <= 20 and not re.search(r"[\r\n]", fitted),
        "name1": len(fitted) <= (20 if fitted.isascii() else 10),
        "phrase1": re.fullmatch("[\u3400-\u9fff]{1,5}", fitted),
        "character_string1": re.fullmatch("[!-~]{1,32}", fitted),
    }
    assert fitted.strip()
    assert limits[keyword]
    assert fit(keyword, fitted) == fitted


@given(st.sampled_from(["number1", "amount1", "time1", "date1", "phone_number1"]), st.text(max_size=40))
def test_what_has_a_form_comes_out_as_it_went_in_or_not_at_all(keyword: str, value: str) -> None:
    try:
        assert fit(keyword, value) == value
    except ValueError:
        return
    assert 0 < len(value) <= 60
