"""Who is of age, and who is still a child in the sense of the data protection law."""

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


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
