"""One room, one name: however it was typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.rooms import room_form

SAID = [
    ("1", "1"), ("１", "1"), ("1单元", "1"), ("01", "1"), ("一单元", "一"), ("101", "101"), ("１０１", "101"),
    ("101室", "101"), (" 101 号 ", "101"), ("0101", "101"), ("a101", "A101"), ("1-01", "1-01"),
    ("0", "0"), ("00", "0"), ("室", "室"), ("101房室", "101"), ("Ａ座　101", "A座101"), ("②", "2"),
    ("A´1", "Á1"), ("i\u03071", "İ1"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "kept"), SAID)
def test_one_room_has_one_name(said: str, kept: str) -> None:
    assert room_form(said) == kept


@given(st.text("０01１室号单元房 aｂ-", max_size=8) | st.text("A´¯éi\u0301\u0307 1", max_size=6))
def test_what_is_kept_stays_as_it_is(said: str) -> None:
    assert room_form(room_form(said)) == room_form(said)
