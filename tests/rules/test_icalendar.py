"""What calendar programs read: folded, escaped, in UTC."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rules.icalendar import LINE_MAX, Happening, Status, calendar, escaped, folded, moment

pytestmark = pytest.mark.no_database
AT = datetime(2026, 12, 5, 9, tzinfo=timezone(timedelta(hours=8)))


def test_an_entry_says_all_a_program_needs() -> None:
    text = calendar(
        "志愿",
        [Happening("shift-1@linli", AT, AT + timedelta(hours=2), AT, "陪老人; 散步", "一楼, 东", Status.CONFIRMED)],
    )
    lines = text.split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    for line in (
        "UID:shift-1@linli",
        "DTSTART:20261205T010000Z",
        "DTEND:20261205T030000Z",
        "SUMMARY:陪老人\\; 散步",
        "LOCATION:一楼\\, 东",
        "STATUS:CONFIRMED",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\\b;c,d", "a\\\\b\\;c\\,d"),
        ("one\r\ntwo\rthree\nfour", "one\\ntwo\\nthree\\nfour"),
        ("BEGIN:VEVENT\nEND", "BEGIN:VEVENT\\nEND"),
        ("bell\x07\x7f", "bell  "),
    ],
)
def test_texts_are_escaped(text: str, said: str) -> None:
    assert escaped(text) == said


def test_moments_are_utc_to_the_second() -> None:
    assert moment(AT) == "20261205T010000Z"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=400))
def test_folding_loses_nothing_and_keeps_every_line_short(text: str) -> None:
    pieces = folded(text).split("\r\n")
    assert all(len(piece.encode()) <= LINE_MAX for piece in pieces)
    assert pieces[0] + "".join(piece[1:] for piece in pieces[1:]) == text
    assert all(piece.startswith(" ") for piece in pieces[1:])
