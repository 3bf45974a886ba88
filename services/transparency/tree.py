"""The tree as it is kept: hashes of leaves with their entries, those of all complete subtrees above in `log_nodes`."""

from collections.abc import Iterable

from app.core import db
from services.rules.merkle import Node

KEPT = """
SELECT index * 2 AS number, hash FROM log_entries WHERE index = ANY ($1::bigint[])
UNION ALL SELECT number, hash FROM log_nodes WHERE number = ANY ($2::bigint[])
"""


def number(node: Node) -> int:
    """The place of a node among all, from left to right: leaves are 0, 2, 4 …, and 1 lies above 0 and 2."""
    level, index = node
    return ((2 * index + 1) << level) - 1


async def kept(nodes: Iterable[Node]) -> dict[Node, bytes]:
    """The hashes of complete subtrees, those of leaves among them."""
    by_number = {number(node): node for node in nodes}
    leaves = [index for level, index in by_number.values() if level == 0]
    above = [at for at, (level, _) in by_number.items() if level]
    return {by_number[row["number"]]: bytes(row["hash"]) for row in await db.rows(KEPT, leaves, above)}
