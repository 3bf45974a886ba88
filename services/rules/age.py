"""Who is of age."""

from datetime import date

ADULT_YEARS = 18


def is_adult_by_date(born: date, today: date) -> bool:
    """Whether the eighteenth birthday has come; who was born on 29 February waits for 1 March in common years."""
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return years >= ADULT_YEARS
