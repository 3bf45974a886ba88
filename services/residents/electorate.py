"""Who could vote on a day: the rolls as they would have stood then, from what was kept through time.

The same question as the roll that a vote freezes at its opening, for any moment of the past.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from app.core import clock, db
from app.core.errors import Invalid
from app.core.pages import Page
from models.deliberations import Roll
from services import places
from services.policies import Actor, require
from services.policies import residents as policies
from services.residents.homes import masked
from services.rules.age import ADULT_YEARS

# $1: the community, $2: the moment. Everything is read as it stood then; of a home that was left the membership says
# whether he was an adult, since his year of birth may have been erased.
DAY = "($2::timestamptz AT TIME ZONE 'Asia/Shanghai')::date"
SUSPENDED = """
coalesce((SELECT e.verb = 'resident.suspended' FROM events e
    WHERE e.subject_kind = 'resident' AND e.subject_id = m.resident_id AND e.created_at <= $2
        AND e.verb IN ('resident.suspended', 'resident.reinstated')
    ORDER BY e.id DESC LIMIT 1), false)
"""
ADULTS = f"""
SELECT m.resident_id, m.household_id FROM memberships m JOIN residents r ON r.id = m.resident_id
WHERE m.community_id = $1 AND m.from_at <= $2 AND NOT {SUSPENDED} AND CASE
    WHEN m.until_at IS NULL
        THEN r.of_age AND r.of_age_at <= $2 OR r.birth_year < extract(year FROM {DAY}) - {ADULT_YEARS}
    ELSE m.until_at > $2 AND m.adult_at <= $2 END
"""
ROLLS = {
    Roll.RESIDENTS: f"""
SELECT resident_id AS id, resident_id, NULL::bigint AS household_id, NULL::bigint AS area_cm2 FROM ({ADULTS}) a""",
    Roll.HOUSEHOLDS: f"""
SELECT a.household_id AS id, h.representative_id AS resident_id, a.household_id, NULL::bigint AS area_cm2
FROM (SELECT DISTINCT household_id FROM ({ADULTS}) d) a
LEFT JOIN household_records h ON h.household_id = a.household_id AND h.from_at <= $2
    AND (h.until_at IS NULL OR h.until_at > $2)""",
    # A term ended before its time ended at a moment of its last day, not with the day before.
    Roll.REPRESENTATIVES: f"""
SELECT resident_id AS id, resident_id, NULL::bigint AS household_id, NULL::bigint AS area_cm2 FROM ({ADULTS}) a
WHERE resident_id IN (
    SELECT t.resident_id FROM representatives t WHERE t.community_id = $1 AND t.created_at <= $2 AND t.from_on <= {DAY}
        AND (t.until_on > {DAY} OR t.until_on = {DAY} AND t.ended_at > $2))""",
    Roll.OWNERS: """
SELECT resident_id AS id, resident_id, NULL::bigint AS household_id, sum(area_cm2)::bigint AS area_cm2 FROM (
    SELECT DISTINCT ON (f.id) f.id, coalesce(o.resident_id, m.resident_id) AS resident_id, h.area_cm2
    FROM households f
    LEFT JOIN household_records h ON h.household_id = f.id AND h.from_at <= $2
        AND (h.until_at IS NULL OR h.until_at > $2)
    LEFT JOIN ownerships o ON o.household_id = f.id AND o.from_at <= $2 AND (o.until_at IS NULL OR o.until_at > $2)
    LEFT JOIN memberships m ON m.household_id = f.id AND m.from_at <= $2 AND (m.until_at IS NULL OR m.until_at > $2)
        AND m.capacity = 'owner' AND o.id IS NULL AND h.area_cm2 IS NOT NULL
    WHERE f.community_id = $1 AND coalesce(o.resident_id, m.resident_id) IS NOT NULL
    ORDER BY f.id, o.votes DESC, o.share_numerator::numeric / o.share_denominator DESC, o.id, m.id) flats
GROUP BY resident_id""",
}


@dataclass(frozen=True)
class Voter:
    """A line of a roll; of a household `resident_id` is whoever represented it. The name is masked."""

    id: int
    resident_id: int | None
    household_id: int | None
    name: str | None
    area_cm2: int | None


@dataclass(frozen=True)
class Electorate:
    """How many stood on a roll at a moment, with all their area (cm², owners only), and for the committee who."""

    roll: Roll
    at: datetime
    size: int
    area_cm2: int | None
    voters: Sequence[Voter]
    after: tuple[int, ...] | None


async def electorate_on(actor: Actor, place_id: int, *, on: date, roll: Roll, page: Page) -> Electorate:
    """Who could vote in a community at the end of a day in Shanghai, or of today until now.

    Staff and officers above read how many, the committee also who. Raises NotFound, Forbidden, Invalid for a day to
    come.
    """
    now = await clock.now()
    if on > now.astimezone(clock.SHANGHAI).date():
        raise Invalid("日期不能晚于今天", "The day lies in the future")
    ends = datetime.combine(on + timedelta(days=1), time(), clock.SHANGHAI) - timedelta(microseconds=1)
    return await electorate_at(actor, place_id, at=min(now, ends), roll=roll, page=page)


async def electorate_at(actor: Actor, place_id: int, *, at: datetime, roll: Roll, page: Page) -> Electorate:
    """The same for a moment."""
    community = await places.find_community(place_id)
    require(policies.may_read_electorate(actor, community.id))
    total = await db.row(
        f"SELECT count(*) AS size, sum(area_cm2)::bigint AS area_cm2 FROM ({ROLLS[roll]}) v", community.id, at
    )
    assert total is not None  # noqa: S101 - an aggregate has a row
    voters: list[Voter] = []
    if actor.is_committee(community.id):
        found = await db.rows(
            f"SELECT v.*, r.nickname FROM ({ROLLS[roll]}) v LEFT JOIN residents r ON r.id = v.resident_id "
            "WHERE v.id > $3 ORDER BY v.id LIMIT $4",
            community.id,
            at,
            page.after[0] if page.after else 0,
            page.limit + 1,
        )
        voters = [_voter(line) for line in found]
    more = len(voters) > page.limit
    shown = voters[: page.limit]
    return Electorate(roll, at, total["size"], total["area_cm2"], shown, (shown[-1].id,) if more else None)


def _voter(line: dict[str, object]) -> Voter:
    nickname = line.pop("nickname")
    return Voter(**line, name=masked(str(nickname)) if nickname else None)  # type: ignore[arg-type]
