"""Days in whole years, months and days, and medians of histograms."""

from collections.abc import Mapping
from datetime import date, timedelta

Part = tuple[str, date]
"""A `day`, `month` or `year`, and the day on which it begins."""


def next_month(day: date) -> date:
    """The first day of the month after."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def covering(from_on: date, until_on: date, *, years: bool = True) -> list[Part]:
    """The fewest years, months and days that are together all days from one until before another."""
    parts: list[Part] = []
    day = from_on
    while day < until_on:
        year, month = date(day.year + 1, 1, 1), next_month(day)
        if years and day.month == day.day == 1 and year <= until_on:
            parts.append(("year", day))
            day = year
        elif day.day == 1 and month <= until_on:
            parts.append(("month", day))
            day = month
        else:
            parts.append(("day", day))
            day += timedelta(days=1)
    return parts


def quantile(histogram: Mapping[int, int], numerator: int, denominator: int) -> int | None:
    """The smallest value that at least this share of all does not exceed (1/2: the lower median); None of nothing."""
    wanted, counted = sum(histogram.values()) * numerator, 0
    for value in sorted(histogram):
        counted += histogram[value] * denominator
        if counted >= wanted > 0:
            return value
    return None
