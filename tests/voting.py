"""Votes and electors for tests of rolls and paper: households and flats made by SQL, questions put and opened."""

from datetime import timedelta
from typing import Any

from app.core import clock, db
from models.deliberations import BallotKind, Deliberation, Form, Roll, Rule
from services import deliberations
from services.deliberations import Proposal
from tests.passing import passed
from tests.people import People


async def discussed(people: People, *, days: int = 14, **other: Any) -> Deliberation:
    """A question of 小林's that is being discussed."""
    now = await clock.now()
    asked: dict[str, Any] = {
        "community_id": people.jy,
        "form": Form.OPEN,
        "title": "在 7 号楼前装一盏路灯",
        "body": "晚上看不清台阶。",
        "ballot_kind": BallotKind.YES_NO,
        "roll": Roll.RESIDENTS,
        "rule": Rule.CONSULTATION,
        "discussion_until": now + timedelta(days=days / 2),
        "voting_until": now + timedelta(days=days),
    }
    made = await passed(await deliberations.propose(people.lin, Proposal(**asked | other)))
    return await deliberations.open_discussion(people.chen, made.id)


async def voting(people: People, **other: Any) -> Deliberation:
    """The same, its vote open."""
    return await deliberations.open_voting(people.chen, (await discussed(people, **other)).id)


async def flats(people: People, count: int, area_cm2: int | None = None) -> list[int]:
    """`count` new households in one of 锦阳's buildings."""
    found = await db.rows(
        "INSERT INTO households (community_id, building_id, unit, room, area_cm2) "
        "SELECT $1, (SELECT min(id) FROM places WHERE community_id = $1 AND kind = 'building'), "
        "'新' || (SELECT count(*) FROM households), n, $3::bigint FROM generate_series(1, $2::int) n RETURNING id",
        people.jy,
        count,
        area_cm2,
    )
    return [line["id"] for line in found]


async def dwellers(people: People, household_ids: list[int], per_flat: int = 1) -> list[int]:
    """Adults who move into these households, without a phone."""
    found = await db.rows(
        "WITH made AS (INSERT INTO residents (nickname, birth_year, suspended) "
        "SELECT '邻居' || n, 1980, false FROM generate_series(1, $3::int) n RETURNING id), "
        "placed AS (SELECT id, (row_number() OVER (ORDER BY id) - 1) / $4::int + 1 AS place FROM made) "
        "INSERT INTO memberships (community_id, household_id, resident_id, capacity) "
        "SELECT $1, ($2::bigint[])[place], id, 'owner' FROM placed RETURNING resident_id",
        people.jy,
        household_ids,
        len(household_ids) * per_flat,
        per_flat,
    )
    return sorted(line["resident_id"] for line in found)


async def owned(people: People, household_ids: list[int], owner_ids: list[int]) -> None:
    """Each of these flats belongs to the owner beside it."""
    await db.execute(
        "INSERT INTO ownerships (community_id, household_id, resident_id, share_numerator, share_denominator, votes, "
        "recorded_by_id) SELECT $1, h, o, 1, 1, false, $4 FROM unnest($2::bigint[], $3::bigint[]) AS u (h, o)",
        people.jy,
        household_ids,
        owner_ids,
        people.chen.id,
    )
