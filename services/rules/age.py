"""Who is of age, who is still a child in the sense of the data protection law, and who is surely old enough."""

from datetime import date

ADULT_YEARS = 18
GUARDED_YEARS = 14
"""Up to this age a guardian consents (个人信息保护法 31)."""


def is_adult_by_date(born: date, today: date) -> bool:
    """Whether the eighteenth birthday has come; who was born on 29 February waits for 1 March in common years."""
    return _years(born, today) >= ADULT_YEARS


def is_past_childhood(born: date, today: date) -> bool:
    """Whether the fourteenth birthday has come, counted likewise."""
    return _years(born, today) >= GUARDED_YEARS


def is_surely(age: int, birth_year: int | None, of_age: bool, in_year: int) -> bool:
    """Whether somebody born in `birth_year` is at least `age` on every day of `in_year`.

    In the year in which he turns `age` his birthday may still lie ahead: then only `of_age`, shown by a birth date,
    counts, for ages up to 18.
    """
    if of_age and age <= ADULT_YEARS:
        return True
    return birth_year is not None and in_year - birth_year > age


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
