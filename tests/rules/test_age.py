"""Of age, exactly by the birth date. The rule by the calendar year alone is tried with the rolls."""

from datetime import date

import pytest

from services.rules.age import is_adult_by_date

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("born", "today", "adult"),
    [
        (date(2008, 11, 23), date(2026, 11, 22), False),
        (date(2008, 11, 23), date(2026, 11, 23), True),
        (date(2008, 2, 29), date(2026, 2, 28), False),
        (date(2008, 2, 29), date(2026, 3, 1), True),
    ],
)
def test_the_birthday_counts(born: date, today: date, adult: bool) -> None:
    assert is_adult_by_date(born, today) is adult
