"""Nights are quiet from 22:00 to 07:00, and at 18:00 the day is summed up: exact edges."""

from datetime import datetime

import pytest

from app.core.clock import SHANGHAI
from services.rules.quiet_hours import digest_due, quiet_until

pytestmark = pytest.mark.no_database


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-23T21:59:59.999999", None),
        ("2026-11-23T22:00:00", "2026-11-24T07:00:00"),
        ("2026-12-31T23:59:59", "2027-01-01T07:00:00"),
        ("2026-11-24T00:00:00", "2026-11-24T07:00:00"),
        ("2026-11-24T06:59:59.999999", "2026-11-24T07:00:00"),
        ("2026-11-24T07:00:00", None),
        ("2026-11-24T12:00:00", None),
    ],
)
def test_quiet_hours(now: str, until: str | None) -> None:
    assert quiet_until(at(now)) == (at(until) if until else None)


def test_the_digest_is_due_from_six_in_the_evening_until_midnight() -> None:
    assert digest_due(at("2026-11-23T17:59:59.999999")) is None
    for evening in ("2026-11-23T18:00:00", "2026-11-23T23:59:59"):
        due = digest_due(at(evening))
        assert due == (at("2026-11-23T00:00:00").date(), at("2026-11-22T18:00:00"), at("2026-11-23T18:00:00"))
    assert digest_due(at("2026-11-24T00:00:00")) is None
