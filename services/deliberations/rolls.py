"""The roll: who may vote, counted before the opening, frozen by it in one statement, and checkable line by line."""

from dataclasses import dataclass

from app.core import db
from models.deliberations import Deliberation, Roll
from models.rolls import AreasMissing
from services.deliberations.reading import find
from services.policies import Actor
from services.residents import IS_ADULT

# Who stands on each kind of roll: resident_id or household_id, and area_cm2 where it counts. $1: the deliberation,
# $2: its community. 居委会组织法 26: residents of 18 and more; exactly 18 years do not count without a birth date.
ADULTS = f"""
SELECT m.resident_id, m.household_id FROM memberships m JOIN residents r ON r.id = m.resident_id
WHERE m.community_id = $2 AND m.until_at IS NULL AND NOT r.suspended AND {IS_ADULT}
"""
# A strike ends with a later objection about the same resident, or of his own, that was found right.
STRUCK = """
SELECT s.resident_id FROM objections s WHERE s.deliberation_id = $1 AND s.state = 'struck' AND NOT EXISTS (
    SELECT 1 FROM objections c WHERE c.deliberation_id = s.deliberation_id AND c.state = 'corrected' AND c.id > s.id
        AND coalesce(c.resident_id, c.author_id) = s.resident_id)
"""
TODAY = "(SELECT (clock_now() AT TIME ZONE 'Asia/Shanghai')::date)"
CANDIDATES = {
    Roll.RESIDENTS: f"""
SELECT resident_id, NULL::bigint AS household_id, NULL::bigint AS area_cm2 FROM ({ADULTS}) a
WHERE resident_id NOT IN ({STRUCK})""",
    Roll.HOUSEHOLDS: f"""
SELECT DISTINCT NULL::bigint AS resident_id, household_id, NULL::bigint AS area_cm2 FROM ({ADULTS}) a""",
    # Who has moved away represents nobody any more.
    Roll.REPRESENTATIVES: f"""
SELECT resident_id, NULL::bigint AS household_id, NULL::bigint AS area_cm2 FROM ({ADULTS}) a
WHERE resident_id NOT IN ({STRUCK}) AND resident_id IN (
    SELECT resident_id FROM representatives
    WHERE community_id = $2 AND from_on <= {TODAY} AND until_on > {TODAY})""",
    # One flat is one vote, also of several owners: of whom they named, else of who has the greatest share, else of
    # who was recorded first. Where no owners are recorded, of whoever was confirmed there as one. Who votes for several
    # flats is one head with all their area (民法典 278 and the Supreme Court's interpretation on it, art. 8 and 9).
    # Age and suspension take nobody's property away.
    Roll.OWNERS: """
SELECT resident_id, NULL::bigint AS household_id, sum(area_cm2)::bigint AS area_cm2 FROM (
    SELECT DISTINCT ON (h.id) h.id, coalesce(o.resident_id, m.resident_id) AS resident_id, h.area_cm2
    FROM households h
    LEFT JOIN ownerships o ON o.household_id = h.id AND o.until_at IS NULL
    LEFT JOIN memberships m ON m.household_id = h.id AND m.until_at IS NULL AND m.capacity = 'owner'
        AND o.id IS NULL AND h.area_cm2 IS NOT NULL
    WHERE h.community_id = $2 AND coalesce(o.resident_id, m.resident_id) IS NOT NULL AND $1::bigint IS NOT NULL
    ORDER BY h.id, o.votes DESC, o.share_numerator::numeric / o.share_denominator DESC, o.id, m.id) flats
GROUP BY resident_id""",
}

# An elector's line: SHA-256 (hex) over number (from 1), kind, id, area and salt (hex), one a line. The salt is his own,
# random, of 16 bytes: with it he finds himself, without it nobody does. Who was imported has no id but his number.
LINE = r"""encode(sha256(convert_to(concat_ws(E'\n', number, '{kind}', coalesce(resident_id, household_id, number),
    coalesce(area_cm2, 0), encode(salt, 'hex')), 'UTF8')), 'hex')"""
HASH = r"""encode(sha256(convert_to(coalesce(string_agg({line}, E'\n' ORDER BY number), ''), 'UTF8')), 'hex')"""
FREEZE = """
WITH added AS (
    INSERT INTO electors (community_id, deliberation_id, number, resident_id, household_id, area_cm2, speaker_id)
    SELECT $2, $1, row_number() OVER (ORDER BY coalesce(resident_id, household_id)), c.*, h.representative_id
    FROM ({candidates}) c LEFT JOIN households h ON h.id = c.household_id
    RETURNING number, resident_id, household_id, area_cm2, salt
)
SELECT count(*) AS size, sum(area_cm2)::bigint AS area_cm2, {hash} AS hash FROM added
"""
AREAS_MISSING = """
SELECT count(*) FROM households h
WHERE h.community_id = $1 AND h.area_cm2 IS NULL
    AND EXISTS (SELECT 1 FROM ownerships o WHERE o.household_id = h.id AND o.until_at IS NULL)
"""


@dataclass(frozen=True)
class Standing:
    """The roll as it would be now, or, once frozen, as it is; with what is still to be settled before the opening."""

    kind: Roll
    frozen: bool
    size: int
    area_cm2: int | None
    hash: str | None
    objections_open: int
    objections_decided: int
    areas_missing: int


@dataclass(frozen=True)
class OwnLine:
    """Whether somebody stands on a roll; once it is frozen with all that it takes to find his own line in it."""

    on_roll: bool
    frozen: bool
    number: int | None = None
    kind: Roll | None = None
    elector_id: int | None = None
    area_cm2: int | None = None
    salt: str | None = None
    line: str | None = None


async def freeze(deliberation: Deliberation) -> tuple[int, int | None, str]:
    """Write the roll of a vote that opens: its size, its area (cm², owners only) and its hash. Raises AreasMissing."""
    if deliberation.roll is Roll.OWNERS and await db.value(AREAS_MISSING, deliberation.community_id):
        raise AreasMissing
    hashed = HASH.format(line=LINE.format(kind=deliberation.roll))
    sql = FREEZE.format(candidates=CANDIDATES[deliberation.roll], hash=hashed)
    frozen = await db.row(sql, deliberation.id, deliberation.community_id)
    assert frozen is not None  # noqa: S101 - an aggregate has a row
    return frozen["size"], frozen["area_cm2"], frozen["hash"]


async def standing(actor: Actor, deliberation_id: int) -> Standing:
    """The roll before the opening, counted as of now, and after it, as frozen. Raises NotFound."""
    deliberation = await find(actor, deliberation_id)
    objections = await db.row(
        "SELECT count(*) FILTER (WHERE state = 'open') AS open, "
        "count(*) FILTER (WHERE state IN ('dismissed', 'corrected', 'struck')) AS decided "
        "FROM objections WHERE deliberation_id = $1",
        deliberation.id,
    )
    assert objections is not None  # noqa: S101
    size, area_cm2, missing = deliberation.roll_size, deliberation.roll_area_cm2, 0
    if size is None:
        now = await db.row(
            f"SELECT count(*) AS size, sum(area_cm2)::bigint AS area_cm2 FROM ({CANDIDATES[deliberation.roll]}) c "
            "WHERE $1::bigint IS NOT NULL",
            deliberation.id,
            deliberation.community_id,
        )
        assert now is not None  # noqa: S101
        size, area_cm2 = now["size"], now["area_cm2"]
        missing = await db.value(AREAS_MISSING, deliberation.community_id) if deliberation.roll is Roll.OWNERS else 0
    return Standing(
        deliberation.roll,
        deliberation.roll_size is not None,
        size or 0,
        area_cm2,
        deliberation.roll_hash,
        objections["open"],
        objections["decided"],
        missing,
    )


async def own_line(actor: Actor, deliberation_id: int) -> OwnLine:
    """Where the actor (or his household) stands on the roll. Raises NotFound."""
    deliberation = await find(actor, deliberation_id)
    if deliberation.roll_size is None:
        there = await db.row(
            f"SELECT area_cm2 FROM ({CANDIDATES[deliberation.roll]}) c "
            "WHERE $1::bigint IS NOT NULL AND (resident_id = $3 OR household_id = $4)",
            deliberation.id,
            deliberation.community_id,
            actor.id,
            actor.household_id,
        )
        return OwnLine(there is not None, False, area_cm2=there["area_cm2"] if there else None)
    found = await db.row(
        f"SELECT number, coalesce(resident_id, household_id) AS elector_id, area_cm2, encode(salt, 'hex') AS salt, "
        f"{LINE.format(kind=deliberation.roll)} AS line FROM electors "
        "WHERE deliberation_id = $1 AND (resident_id = $2 OR household_id = $3)",
        deliberation.id,
        actor.id,
        actor.household_id,
    )
    return OwnLine(True, True, kind=deliberation.roll, **found) if found else OwnLine(False, True)


async def altered() -> list[int]:
    """Votes whose roll does not give the hash that was published at the opening, at most 100; for `linli verify`."""
    line = LINE.format(kind="' || d.roll || '")
    found = await db.rows(
        f"SELECT d.id FROM deliberations d WHERE d.roll_hash <> (SELECT {HASH.format(line=line)} FROM electors "
        "WHERE deliberation_id = d.id) ORDER BY d.id LIMIT 100"
    )
    return [one["id"] for one in found]


async def lines(deliberation_id: int) -> list[str]:
    """A frozen roll without names, line by line; joined by line feeds its SHA-256 is `roll_hash`. Raises NotFound."""
    return await lines_of(await find(None, deliberation_id))


async def lines_of(deliberation: Deliberation) -> list[str]:
    """The lines of a frozen roll, in their order."""
    line = LINE.format(kind=deliberation.roll)
    found = await db.rows(
        f"SELECT {line} AS line FROM electors WHERE deliberation_id = $1 ORDER BY number", deliberation.id
    )
    return [one["line"] for one in found]
