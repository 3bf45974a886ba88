"""Of age, exactly by the birth date. The rule by the calendar year alone is tried with the rolls."""

from datetime import date

import pytest

from services.rules.age import is_adult_by_date, is_surely

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


@pytest.mark.parametrize("of_age", [False, True])
@pytest.mark.parametrize("minimum", [6, 14, 16, 18, 19, 60])
def test_surely_old_enough_means_on_whatever_day_he_was_born(minimum: int, of_age: bool) -> None:
    for birth_year in range(1940, 2024):
        youngest_on_new_year = 2026 - birth_year - 1  # born on 31 December
        known = of_age and minimum <= 18
        assert is_surely(minimum, birth_year, of_age, 2026) is (youngest_on_new_year >= minimum or known)
    assert is_surely(minimum, None, of_age, 2026) is (of_age and minimum <= 18)
