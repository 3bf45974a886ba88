"""Ages as far as they are known: the year of birth, and a mark where the difference is exactly 18 or 14 years."""

from app.core import db
from services.rules.age import ADULT_YEARS, GUARDED_YEARS

THIS_YEAR = "(SELECT extract(year FROM clock_now() AT TIME ZONE 'Asia/Shanghai'))"
IS_ADULT = f"""
(r.of_age OR r.birth_year < {THIS_YEAR} - {ADULT_YEARS})
"""
IS_CHILD = f"(NOT r.of_fourteen AND coalesce(r.birth_year, 0) >= {THIS_YEAR} - {GUARDED_YEARS})"
"""Under 14; whoever gave no year of birth is none."""


async def is_adult(resident_id: int) -> bool:
    """Whether somebody is 18 or older, as far as is known."""
    return bool(await db.value(f"SELECT {IS_ADULT} FROM residents r WHERE r.id = $1", resident_id))


async def is_minor(resident_id: int) -> bool:
    """Whether somebody is under 18, as far as is known; whoever gave no year of birth is not."""
    sql = f"SELECT r.birth_year IS NOT NULL AND NOT {IS_ADULT} FROM residents r WHERE r.id = $1"
    return bool(await db.value(sql, resident_id))


async def is_child(resident_id: int) -> bool:
    """Whether somebody is under 14."""
    return bool(await db.value(f"SELECT {IS_CHILD} FROM residents r WHERE r.id = $1", resident_id))
