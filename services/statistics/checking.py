"""Whether the folded figures are what their rows add up to."""

from app.core import db
from services.statistics.facts import FIRST_DAY, begins
from services.statistics.folding import DIFFERENCES
from services.statistics.people import DONE

COUNTING = (
    "needs", "wishes", "deliberations", "activities", "campaigns", "teams", "team_members", "pledges", "incomes",
    "service_records", "service_corrections",
)  # fmt: skip

# The rows as they stand now, beside all changes that were noted of them.
UNNOTED = f"""
WITH stand AS (
    {
    " UNION ALL ".join(
        f"SELECT t.community_id, f.measure, f.dimension, f.amount FROM {table} t, figures_of(t) f" for table in COUNTING
    )
}
), wanted AS (SELECT community_id, measure, dimension, sum(amount) AS amount FROM stand GROUP BY 1, 2, 3),
noted AS (SELECT community_id, measure, dimension, sum(amount) AS amount FROM figure_entries GROUP BY 1, 2, 3)
SELECT community_id, measure, dimension, coalesce(n.amount, 0) AS said, coalesce(w.amount, 0) AS rows
FROM wanted w FULL JOIN noted n USING (community_id, measure, dimension)
WHERE coalesce(n.amount, 0) <> coalesce(w.amount, 0) ORDER BY 1, 2, 3 LIMIT 100
"""
FORGOTTEN = f"""
SELECT DISTINCT d.community_id, d.resident_id, d.deed FROM ({DONE}) AS d
JOIN figure_marks m ON m.community_id = d.community_id
WHERE d.resident_id IS NOT NULL AND d.at < m.until_on::timestamp AT TIME ZONE 'Asia/Shanghai' AND NOT EXISTS (
    SELECT FROM participations p WHERE p.community_id = d.community_id AND p.resident_id = d.resident_id
        AND p.deed = d.deed AND get_bit(p.months, month_number(d.at)) = 1)
LIMIT 100
"""


async def check_figures() -> list[str]:
    """A sentence for each figure that is not the sum of its rows, to the unit and the fen."""
    folded = await db.rows(DIFFERENCES, begins(FIRST_DAY))
    found = [
        "figure {measure} {dimension} of community {community_id} for the {span} of {from_on} says {said}, "
        "its rows say {rows}".format(**line)
        for line in folded
    ]
    found += [
        "figure {measure} {dimension} of community {community_id} was noted as {said}, its rows say {rows}".format(
            **line
        )
        for line in await db.rows(UNNOTED)
    ]
    return found + [
        "resident {resident_id} {deed} in community {community_id} and is not counted".format(**line)
        for line in await db.rows(FORGOTTEN)
    ]
