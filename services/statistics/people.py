"""How many residents took part, and how; counts by whole months, of groups of five or more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from asyncpg import BitString

from app.core import db
from models.figures import Deed
from services.rules import anonymity
from services.rules.spans import next_month
from services.statistics.facts import begins, marks

ACTIVE = "active"
"""Who did any of it."""
MONTHS = [date(year, month, 1) for year in range(2000, 2100) for month in range(1, 13)]


@dataclass(frozen=True)
class Group:
    """How many people; null where that would tell of few."""

    count: int | None
    suppressed: bool


# Who did what, in the communities `c` from their `since` on.
DONE = """
SELECT community_id, author_id AS resident_id, 'wrote' AS deed, created_at AS at FROM needs
UNION ALL SELECT community_id, author_id, 'wrote', created_at FROM wishes
UNION ALL SELECT community_id, author_id, 'wrote', created_at FROM comments
UNION ALL SELECT community_id, resident_id, 'endorsed', created_at FROM endorsements
UNION ALL SELECT community_id, resident_id, 'signed_up', created_at FROM signups
UNION ALL SELECT community_id, giver_id, 'pledged', created_at FROM pledges
    WHERE state NOT IN ('awaiting_payment', 'expired')
UNION ALL SELECT community_id, resident_id, 'served', created_at FROM service_records
UNION ALL SELECT e.community_id, coalesce(e.resident_id, e.speaker_id), 'voted', d.closed_at
    FROM deliberations d JOIN electors e ON e.deliberation_id = d.id
    WHERE (e.has_voted OR EXISTS (SELECT FROM ballots b WHERE b.elector_id = e.id))
"""
# First each person with all his deeds, then the counts: nobody counts twice.
PEOPLE = f"""
WITH c AS (SELECT * FROM unnest($1::bigint[], $2::timestamptz[]) AS c (id, since)),
took_part AS (
    SELECT p.community_id, p.resident_id, p.deed FROM participations p
    WHERE p.community_id = ANY ($1::bigint[]) AND p.months & $3::bit(1200) <> 0::bit(1200)
    UNION ALL
    SELECT o.community_id, o.resident_id, o.deed FROM c JOIN LATERAL (
        SELECT * FROM ({DONE}) AS done
        WHERE done.community_id = c.id AND done.at >= c.since AND done.at >= $4 AND done.at < $5
    ) o ON true WHERE o.resident_id IS NOT NULL
), people AS (
    SELECT community_id, {", ".join(f"bool_or(deed = '{deed}') AS {deed}" for deed in Deed)}
    FROM took_part GROUP BY community_id, resident_id
)
SELECT community_id, count(*) AS {ACTIVE}, {", ".join(f"count(*) FILTER (WHERE {deed}) AS {deed}" for deed in Deed)}
FROM people GROUP BY community_id
"""
PLACES = """
SELECT id, parent_id FROM places
WHERE kind IN ('district', 'street', 'community') AND path LIKE '/' || split_part($1, '/', 2) || '/%'
"""


async def took_part(path: str, from_on: date, until_on: date) -> dict[int, dict[str, Group]]:
    """By place, of all districts, streets and communities of the district that a place's path lies in.

    Whole months count: those that the days from one until before another touch. Nobody counts twice in a community.
    """
    tree = await db.rows(PLACES, path)
    parents = {line["id"]: line["parent_id"] for line in tree if line["parent_id"] is not None}
    found = await _counted([line["id"] for line in tree], from_on, until_on)
    said: dict[int, dict[str, Group]] = {line["id"]: {} for line in tree}
    for deed in (*Deed, ACTIVE):
        counts = {line["id"]: 0 for line in tree}
        for line in found:
            _add_up(counts, parents, line["community_id"], line[str(deed)])
        unsaid = anonymity.hidden(counts, parents)
        for place_id, count in counts.items():
            suppressed = place_id in unsaid
            said[place_id][str(deed)] = Group(None if suppressed else count, suppressed)
    return said


def _add_up(counts: dict[int, int], parents: Mapping[int, int], place_id: int, people: int) -> None:
    at: int | None = place_id
    while at is not None:
        counts[at] += people
        at = parents.get(at)


async def _counted(communities: list[int], from_on: date, until_on: date) -> list[dict[str, Any]]:
    first, last = from_on.replace(day=1), until_on if until_on.day == 1 else next_month(until_on)
    folded = await marks(communities)
    months = BitString("".join("01"[first <= month < last] for month in MONTHS))
    since = [begins(folded[id_]) for id_ in communities]
    return await db.rows(PEOPLE, communities, since, months, begins(first), begins(last))
