"""When somebody was born: the year, marks for exactly 18 and 14 years, and until he is 18 the date, sealed.

A difference of exactly 18 or 14 calendar years counts with the date, on the birthday itself, or the confirmer's mark.
"""

from dataclasses import dataclass
from datetime import date

from app.core import clock, crypto, db
from app.core.crypto import Keys
from app.core.db import atomic
from app.core.errors import Invalid
from models.residents import Resident
from services.rules.age import ADULT_YEARS, GUARDED_YEARS, is_adult_by_date, is_past_childhood

LOOKED_AT_ONCE = 500


@dataclass(frozen=True)
class NewResident:
    """When somebody was born."""

    birth_year: int
    birth_date: date | None = None


@dataclass(frozen=True)
class Shown:
    """Whether somebody is shown to be 18, and 14."""

    of_age: bool = False
    of_fourteen: bool = False


async def check_birth(born: NewResident) -> Shown:
    """What the date shows today. Raises Invalid for a year that is not possible."""
    today = await _today()
    if not 1900 <= born.birth_year <= today.year:
        raise Invalid("出生年份不正确", "The year of birth is not possible")
    if born.birth_date is None:
        return Shown()
    return Shown(is_adult_by_date(born.birth_date, today), is_past_childhood(born.birth_date, today))


async def marked(birth_year: int, birthday_passed: bool) -> Shown:
    """What it shows that somebody has seen that this year's birthday is over."""
    years = (await _today()).year - birth_year
    return Shown(birthday_passed and years >= ADULT_YEARS, birthday_passed and years >= GUARDED_YEARS)


async def keep_birth(resident: Resident, born: NewResident, *shown: Shown, secret: Keys) -> None:
    """Write down when a resident was born and what shows his age; what was shown of another year is void.

    Raises Invalid for a year that is not possible.
    """
    sealed = None
    if resident.birth_year in (None, born.birth_year):
        shown = (*shown, Shown(resident.of_age, resident.of_fourteen))
        sealed = resident.birth_date_sealed
    shown = (*shown, await check_birth(born))
    of_age = any(one.of_age for one in shown)
    if born.birth_date is not None:
        sealed = seal_date(secret, born.birth_date, "residents", resident.id)
    await Resident.filter(id=resident.id).update(
        birth_year=born.birth_year,
        of_age=of_age,
        of_fourteen=any(one.of_fourteen for one in shown),
        birth_date_sealed=None if of_age else sealed,
        birthday_looked_for_on=None,
    )


# Those who turn 14 or 18 this year, or have turned 18 since, once a day.
GROWING = f"""
SELECT id, birth_date_sealed FROM residents
WHERE birth_date_sealed IS NOT NULL
    AND (birth_year = $2::int - {GUARDED_YEARS} AND NOT of_fourteen OR birth_year <= $2::int - {ADULT_YEARS})
    AND (birthday_looked_for_on IS NULL OR birthday_looked_for_on < $1)
ORDER BY id LIMIT {LOOKED_AT_ONCE} FOR NO KEY UPDATE SKIP LOCKED
"""
# A date that has shown somebody to be 18 has done its work.
GROWN = """
UPDATE residents r SET birthday_looked_for_on = $1, of_age = r.of_age OR g.of_age,
    of_fourteen = r.of_fourteen OR g.of_fourteen, birth_date_sealed = CASE WHEN NOT g.of_age THEN birth_date_sealed END
FROM unnest($2::bigint[], $3::bool[], $4::bool[]) AS g (id, of_age, of_fourteen) WHERE r.id = g.id
"""


async def come_of_age(keys: Keys) -> None:
    """Mark whoever has turned 14 or 18 by the date he gave, 500 at a time; again on the same day does nothing."""
    while await _come_of_age(keys) == LOOKED_AT_ONCE:
        pass


@atomic(limit_s=60)
async def _come_of_age(keys: Keys) -> int:
    today = await _today()
    found = await db.rows(GROWING, today, today.year)
    born = [open_date(keys, line["birth_date_sealed"], "residents", line["id"]) for line in found]
    await db.execute(
        GROWN,
        today,
        [line["id"] for line in found],
        [is_adult_by_date(day, today) for day in born],
        [is_past_childhood(day, today) for day in born],
    )
    return len(found)


def seal_date(keys: Keys, born: date, table: str, row: int) -> bytes:
    """A date of birth as it is kept in a row of a table."""
    return crypto.seal(keys, born.isoformat(), table=table, column="birth_date", row=row)


def open_date(keys: Keys, sealed: bytes, table: str, row: int) -> date:
    """The date again."""
    return date.fromisoformat(crypto.unseal(keys, sealed, table=table, column="birth_date", row=row))


async def _today() -> date:
    return (await clock.now()).astimezone(clock.SHANGHAI).date()
