"""Sums of what happened: closed days from their folded sums, open ones from rows."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from app.core import clock, db
from app.core.clock import SHANGHAI
from services.rules import spans

FIRST_DAY = date(2000, 1, 1)
"""Nothing is older."""

Sums = dict[tuple[int, date | None], dict[tuple[str, str], int]]
"""By group, and by month where that was asked for: what each measure adds up to by its dimension."""

# The rows of a table between `since` and `until`; OFFSET 0 has them sought community by community, in the index.
ROWS = """c CROSS JOIN LATERAL (
    SELECT * FROM {0} WHERE community_id = c.id AND created_at >= c.since AND created_at < c.until OFFSET 0) {1}"""

# Every fact that counts, of the communities `c` between their `since` and `until`.
FACTS = f"""
SELECT e.community_id, e.created_at AS at, e.measure, e.dimension, e.amount
FROM {ROWS.format("figure_entries", "e")}
UNION ALL
SELECT t.community_id, t.created_at,
    CASE WHEN t.leg IN ('spent', 'counter_spent') THEN 'spent_fen' WHEN t.leg = 'refunded' THEN 'refunded_fen'
        WHEN t.leg IN ('matched', 'counter_matched') THEN 'matched_fen'
        WHEN f.legal_path IS NULL THEN 'given_fen' ELSE 'raised_fen' END,
    coalesce(f.legal_path, CASE t.leg WHEN 'refunded' THEN 'community' ELSE 'general' END),
    CASE WHEN t.leg IN ('set_aside', 'counter_capture', 'counter_spent', 'counter_matched')
        THEN -t.amount_fen ELSE t.amount_fen END
FROM {ROWS.format("transfers", "t")}
JOIN accounts x ON x.id = t.credit_account_id JOIN accounts d ON d.id = t.debit_account_id
LEFT JOIN campaigns f ON f.id = coalesce(x.campaign_id, d.campaign_id)
WHERE t.leg IN ('capture', 'counter_capture', 'set_aside', 'returned', 'spent', 'counter_spent', 'refunded', 'matched',
    'counter_matched')
UNION ALL
SELECT r.community_id, r.created_at, said.measure, said.dimension, 1
FROM {ROWS.format("need_responses", "r")},
LATERAL (VALUES (r.step || '_hours', r.hours::text),
    (r.step || '_in_time', CASE WHEN r.late THEN 'late' ELSE 'in_time' END)) AS said (measure, dimension)
WHERE said.measure LIKE '%_hours' OR r.late IS NOT NULL
UNION ALL
SELECT r.community_id, r.created_at, 'resolutions', '', 1
FROM {ROWS.format("resolutions", "r")}
UNION ALL
SELECT r.community_id, r.created_at, said.measure, '', said.amount
FROM {ROWS.format("results", "r")}
JOIN deliberations d ON d.id = r.deliberation_id,
LATERAL (VALUES ('votes', 1), ('roll', r.roll_size), ('voted', r.voted)) AS said (measure, amount)
WHERE NOT (d.secret AND r.voted < 5)
"""

OPEN = f"""
WITH c AS (SELECT * FROM unnest($1::bigint[], $2::int[], $3::timestamptz[]) AS c (id, grouped, since),
    LATERAL (SELECT $4::timestamptz AS until) u),
facts AS ({FACTS})
SELECT c.grouped, CASE WHEN $5 THEN date_trunc('month', f.at AT TIME ZONE 'Asia/Shanghai')::date END AS month,
    f.measure, f.dimension, sum(f.amount)::bigint AS amount
FROM facts f JOIN c ON c.id = f.community_id GROUP BY 1, 2, 3, 4
"""
FOLDED = """
SELECT c.grouped, CASE WHEN $5 THEN date_trunc('month', f.from_on)::date END AS month, f.measure, f.dimension,
    sum(f.amount)::bigint AS amount
FROM unnest($1::bigint[], $2::int[]) AS c (id, grouped)
CROSS JOIN unnest($3::text[], $4::date[]) AS s (span, from_on)
CROSS JOIN LATERAL (
    SELECT * FROM figures WHERE community_id = c.id AND span = s.span AND from_on = s.from_on OFFSET 0) f
GROUP BY 1, 2, 3, 4
"""


def begins(day: date) -> datetime:
    """Midnight in Shanghai."""
    return datetime.combine(day, time(), SHANGHAI)


async def today() -> date:
    """The day it is in Shanghai."""
    return (await clock.now()).astimezone(SHANGHAI).date()


async def marks(communities: list[int]) -> dict[int, date]:
    """Before which day each community's days are folded."""
    found = await db.rows(
        "SELECT community_id, until_on FROM figure_marks WHERE community_id = ANY ($1::bigint[])", communities
    )
    return dict.fromkeys(communities, FIRST_DAY) | {line["community_id"]: line["until_on"] for line in found}


async def sums(groups: Mapping[int, int], from_on: date, until_on: date, *, by_month: bool = False) -> Sums:
    """What the communities of each group (community: group) add up to, from a day until before another."""
    found: Sums = {}
    folded = await marks(list(groups))
    for mark in sorted(set(folded.values())):
        parts = spans.covering(from_on, min(mark, until_on), years=not by_month)
        if parts:
            of_mark = [id_ for id_ in groups if folded[id_] == mark]
            _add(found, await db.rows(FOLDED, of_mark, [groups[id_] for id_ in of_mark], *_split(parts), by_month))
    still_open = [id_ for id_ in groups if folded[id_] < until_on]
    if still_open:
        since = [begins(max(from_on, folded[id_])) for id_ in still_open]
        grouped = [groups[id_] for id_ in still_open]
        _add(found, await db.rows(OPEN, still_open, grouped, since, begins(until_on), by_month))
    return found


def _split(parts: list[spans.Part]) -> tuple[list[str], list[date]]:
    return [span for span, _ in parts], [day for _, day in parts]


def _add(found: Sums, lines: list[dict[str, Any]]) -> None:
    for line in lines:
        measures = found.setdefault((line["grouped"], line["month"]), {})
        key = (line["measure"], line["dimension"])
        measures[key] = measures.get(key, 0) + line["amount"]
