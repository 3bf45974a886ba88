"""How many stand on a roll of a community as of now, whom to tell, and whether somebody is one of them."""

from collections.abc import Sequence
from typing import Any

from app.core import db
from models.deliberations import Roll
from services.deliberations.rolls import CANDIDATES
from services.policies import Actor

NO_VOTE = "(SELECT $1::bigint) AS of_no_vote"


async def size(roll: Roll, community_id: int) -> int:
    """How many residents, households or representatives there are."""
    found = await _read(f"SELECT count(*) AS size FROM ({CANDIDATES[roll]}) c, {NO_VOTE}", community_id)
    return int(found[0]["size"])


async def speakers(roll: Roll, community_id: int) -> list[int]:
    """The residents, the representatives, or of households those who represent them."""
    found = await _read(
        f"SELECT coalesce(c.resident_id, h.representative_id) AS id FROM ({CANDIDATES[roll]}) c "
        f"LEFT JOIN households h ON h.id = c.household_id, {NO_VOTE}",
        community_id,
    )
    return [line["id"] for line in found if line["id"] is not None]


async def present(roll: Roll, community_id: int, meeting_ids: Sequence[int]) -> dict[int, int]:
    """How many of them came to each meeting that somebody came to; for a household anybody of it."""
    key = "household_id" if roll is Roll.HOUSEHOLDS else "resident_id"
    found = await _read(
        f"SELECT a.meeting_id, count(DISTINCT c.{key}) AS present FROM ({CANDIDATES[roll]}) c "
        f"JOIN attendances a ON a.{key} = c.{key}, {NO_VOTE} WHERE a.meeting_id = ANY($3::bigint[]) GROUP BY 1",
        community_id,
        list(meeting_ids),
    )
    return {line["meeting_id"]: line["present"] for line in found}


async def includes(roll: Roll, community_id: int, actor: Actor) -> bool:
    """Whether the actor stands on it; of a household, whether he represents one that does."""
    found = await _read(
        f"SELECT 1 FROM ({CANDIDATES[roll]}) c LEFT JOIN households h ON h.id = c.household_id, {NO_VOTE} "
        "WHERE c.resident_id = $3 OR h.representative_id = $3 LIMIT 1",
        community_id,
        actor.id,
    )
    return bool(found)


async def _read(sql: str, community_id: int, *values: Any) -> list[dict[str, Any]]:
    return await db.rows(sql, None, community_id, *values)
