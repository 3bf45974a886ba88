"""Days in years, months and days; medians of histograms."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.rules.spans import covering, next_month, quantile

DAYS = st.dates(date(2019, 1, 1), date(2030, 12, 31))


def days_of(part: tuple[str, date]) -> list[date]:
    span, first = part
    last = {"day": first + timedelta(days=1), "month": next_month(first), "year": date(first.year + 1, 1, 1)}[span]
    return [first + timedelta(days=n) for n in range((last - first).days)]


@given(DAYS, DAYS)
def test_every_day_is_covered_once_by_few_parts(one: date, other: date) -> None:
    first, last = sorted((one, other))
    parts = covering(first, last)
    assert [day for part in parts for day in days_of(part)] == [
        first + timedelta(days=n) for n in range((last - first).days)
    ]
    assert len(parts) <= 12 + 2 * 11 + 2 * 30


def test_whole_years_months_and_days() -> None:
    assert covering(date(2024, 11, 30), date(2026, 2, 2)) == [
        ("day", date(2024, 11, 30)),
        ("month", date(2024, 12, 1)),
        ("year", date(2025, 1, 1)),
        ("month", date(2026, 1, 1)),
        ("day", date(2026, 2, 1)),
    ]
    assert covering(date(2026, 1, 1), date(2026, 1, 1)) == []
    assert [span for span, _ in covering(date(2025, 1, 1), date(2026, 1, 1), years=False)] == ["month"] * 12


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.integers(1, 10))
def test_a_quantile_is_the_value_at_its_rank(values: list[int], tenths: int) -> None:
    histogram = {value: values.count(value) for value in values}
    rank = -(-len(values) * tenths // 10)
    assert quantile(histogram, tenths, 10) == sorted(values)[rank - 1]


def test_nothing_has_no_median() -> None:
    assert quantile({}, 1, 2) is None
