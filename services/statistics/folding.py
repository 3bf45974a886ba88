"""Closed days are summed up once, by community; what changes afterwards is a fact of its own day."""

from datetime import date, timedelta

from app.core import clock, db
from app.core.clock import SHANGHAI
from app.core.db import atomic
from services.due import one_by_one
from services.statistics.facts import FACTS, FIRST_DAY, begins
from services.statistics.people import DONE

COMMUNITIES_MAX = 100
SETTLED_AFTER = timedelta(hours=1)
"""A transaction that began before midnight has ended by then."""

FOLD = f"""
WITH c AS (SELECT $1::bigint AS id, $2::timestamptz AS since, $3::timestamptz AS until),
facts AS ({FACTS})
INSERT INTO figures (community_id, span, from_on, measure, dimension, amount)
SELECT community_id, 'day', (at AT TIME ZONE 'Asia/Shanghai')::date, measure, dimension, sum(amount)
FROM facts GROUP BY 1, 2, 3, 4, 5 HAVING sum(amount) <> 0
"""
FOLD_UP = """
INSERT INTO figures (community_id, span, from_on, measure, dimension, amount)
SELECT community_id, $2::text, date_trunc($2::text, from_on::timestamp)::date, measure, dimension, sum(amount)
FROM figures WHERE community_id = $1 AND span = $3::text AND from_on >= $4 AND from_on < $5
GROUP BY 1, 2, 3, 4, 5 HAVING sum(amount) <> 0
"""
REMEMBER = f"""
INSERT INTO participations AS p (community_id, resident_id, deed, months)
SELECT community_id, resident_id, deed, bit_or(set_bit(0::bit(1200), month_number(at), 1)) FROM ({DONE}) AS done
WHERE community_id = $1 AND at >= $2 AND at < $3 AND resident_id IS NOT NULL GROUP BY 1, 2, 3
ON CONFLICT ON CONSTRAINT participations_once DO UPDATE SET months = p.months | EXCLUDED.months
WHERE p.months | EXCLUDED.months <> p.months
"""
BEHIND = f"""
SELECT p.id FROM places p LEFT JOIN figure_marks m ON m.community_id = p.id
WHERE p.kind = 'community' AND (m.until_on IS NULL OR m.until_on < $1) ORDER BY m.until_on NULLS FIRST, p.id
LIMIT {COMMUNITIES_MAX}
"""


async def fold_due() -> None:
    """Sum up the days that are over, of at most 100 communities, each in a transaction of its own."""
    until_on = await _settled()
    behind = [line["id"] for line in await db.rows(BEHIND, until_on)]
    await one_by_one(behind, lambda community_id: fold(community_id, until_on))


async def _settled() -> date:
    return (await clock.now() - SETTLED_AFTER).astimezone(SHANGHAI).date()


@atomic(limit_s=300)
async def fold(community_id: int, until_on: date) -> None:
    """Sum up a community's days before `until_on`, with the months and years that they complete."""
    await db.execute(
        "INSERT INTO figure_marks (community_id, until_on) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        community_id,
        FIRST_DAY,
    )
    since = await db.value(
        "SELECT until_on FROM figure_marks WHERE community_id = $1 FOR UPDATE SKIP LOCKED", community_id
    )
    if since is None or since >= until_on:
        return
    await db.execute(FOLD, community_id, begins(since), begins(until_on))
    await db.execute(REMEMBER, community_id, begins(since), begins(until_on))
    await db.execute(FOLD_UP, community_id, "month", "day", since.replace(day=1), until_on.replace(day=1))
    await db.execute(
        FOLD_UP, community_id, "year", "month", since.replace(month=1, day=1), until_on.replace(month=1, day=1)
    )
    await db.execute("UPDATE figure_marks SET until_on = $2 WHERE community_id = $1", community_id, until_on)


DIFFERENCES = f"""
WITH c AS (SELECT community_id AS id, $1::timestamptz AS since, until_on::timestamp AT TIME ZONE 'Asia/Shanghai'
    AS until FROM figure_marks),
facts AS ({FACTS}),
recounted AS (
    SELECT community_id, (at AT TIME ZONE 'Asia/Shanghai')::date AS day, measure, dimension, sum(amount) AS amount
    FROM facts GROUP BY 1, 2, 3, 4),
spans AS (SELECT unnest(ARRAY['day', 'month', 'year']) AS span),
wanted AS (
    SELECT r.community_id, s.span, date_trunc(s.span, r.day::timestamp)::date AS from_on, r.measure, r.dimension,
        sum(r.amount) AS amount
    FROM recounted r CROSS JOIN spans s JOIN figure_marks m ON m.community_id = r.community_id
    WHERE date_trunc(s.span, r.day::timestamp) + ('1 ' || s.span)::interval <= m.until_on
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(r.amount) <> 0)
SELECT community_id, span, from_on, measure, dimension, coalesce(f.amount, 0) AS said, coalesce(w.amount, 0) AS rows
FROM figures f FULL JOIN wanted w USING (community_id, span, from_on, measure, dimension)
WHERE coalesce(f.amount, 0) <> coalesce(w.amount, 0) ORDER BY 1, 2, 3, 4, 5 LIMIT 100
"""
