"""The hint of a twin while a need is being written."""

from fractions import Fraction

from app.core import db
from models.needs import Need
from services.needs.reading import visible
from services.policies import Actor
from services.rules.similarity import most_alike, spellings

PER_PAIR_MAX, CANDIDATES_MAX, SIMILAR_MAX, SIMILAR_LEAST = 2000, 100, 5, Fraction(4, 25)

# Whoever shares pairs of characters with what is typed, the rarer the pair the more; of a common pair the newest count.
CANDIDATES = f"""
WITH asked AS (
    SELECT DISTINCT pair FROM unnest($2::text[]) AS typed, unnest(grams(typed)) AS pair WHERE length(pair) = 2
), held AS (
    SELECT pair, need_id, count(*) OVER (PARTITION BY pair) AS holders
    FROM asked, LATERAL (
        SELECT p.need_id FROM need_pairs p WHERE p.community_id = $1 AND p.pair = asked.pair
        ORDER BY p.need_id DESC LIMIT {PER_PAIR_MAX}
    ) AS newest
)
SELECT n.id, n.title FROM (
    SELECT need_id, sum(1 / (1 + ln(holders))) AS shared FROM held
    GROUP BY need_id ORDER BY shared DESC, need_id DESC LIMIT {CANDIDATES_MAX}
) AS best JOIN needs n ON n.id = best.need_id
"""


async def similar(actor: Actor, community_id: int, *, title: str) -> list[Need]:
    """At most 5 open needs of the community whose titles are like `title`, the most alike first."""
    titles = await db.rows(CANDIDATES, community_id, spellings(title))
    ids = most_alike(title, ((line["id"], line["title"]) for line in titles), least=SIMILAR_LEAST, most=SIMILAR_MAX)
    found = await visible(actor, "AND n.id = ANY($3::bigint[])", ids)
    return sorted(found, key=lambda need: ids.index(need.id))
