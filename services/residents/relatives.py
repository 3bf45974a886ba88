"""Who is related to whom: a register that keeps relatives from approving each other's expenses. It is private."""

from app.core import db
from app.core.db import atomic
from app.core.errors import NotFound
from models.residents import Kinship, Relative, Resident, RoleGrant
from services import events
from services.policies import Actor, require
from services.policies import residents as policies

# Where somebody lives or serves.
PLACES = """
SELECT community_id AS id FROM memberships WHERE resident_id = $1 AND until_at IS NULL
UNION SELECT p.community_id FROM role_grants g JOIN places p ON p.id = g.place_id
WHERE g.resident_id = $1 AND p.community_id IS NOT NULL AND (g.until_at IS NULL OR g.until_at > clock_now())
"""
DECLARE = """
INSERT INTO relatives (low_id, high_id, kinship, declared_by_id) VALUES ($1, $2, $3, $4)
ON CONFLICT (low_id, high_id) WHERE ended_at IS NULL DO UPDATE SET kinship = excluded.kinship
RETURNING id, declared_by_id
"""

# 居委会组织法 36: a supervisor whose close relative sits on the same committee. An officer is told, and decides.
SUPERVISED_BY_RELATIVES = """
SELECT g.id FROM role_grants g JOIN role_grants c ON c.place_id = g.place_id AND c.role = 'committee'
    AND (c.until_at IS NULL OR c.until_at > clock_now())
WHERE g.role = 'supervisor' AND (g.until_at IS NULL OR g.until_at > clock_now())
    AND (g.resident_id, c.resident_id) IN (($1::bigint, $2::bigint), ($2, $1))
"""


async def relatives(actor: Actor, resident_id: int) -> list[tuple[int, Kinship]]:
    """Each relative of a resident and what he is to him; for himself and those who watch over the fund.

    Raises NotFound.
    """
    await _door(actor, resident_id)
    found = await Relative.filter(low_id=resident_id, ended_at=None)
    other = await Relative.filter(high_id=resident_id, ended_at=None)
    return sorted(
        [(one.high_id, one.kinship) for one in found] + [(one.low_id, one.kinship.seen_from_the_other) for one in other]
    )


@atomic()
async def declare_relative(actor: Actor, resident_id: int, other_id: int, *, kinship: Kinship) -> None:
    """Record that `other_id` is the `kinship` of `resident_id`; saying it again changes nothing.

    The resident himself, supervisors and officers do: one more is always allowed. Raises NotFound, Forbidden.
    """
    communities = await _door(actor, resident_id)
    require(policies.may_declare_relatives(actor, resident_id, communities))
    if other_id == resident_id or not await Resident.exists(id=other_id):
        raise NotFound("没有找到这位居民", "No such resident")
    low, high, kin = _ordered(resident_id, other_id, kinship)
    known = await Relative.get_or_none(low_id=low, high_id=high, ended_at=None)
    if known is not None and known.kinship is kin:
        return
    row = await db.row(DECLARE, low, high, kin.value, actor.id)
    assert row is not None, "an upsert gives its row"  # noqa: S101
    related = await Relative.get(id=row["id"])
    await events.record(actor, "relative.declared", related, low_id=low, high_id=high, kinship=kin.value)
    for line in await db.rows(SUPERVISED_BY_RELATIVES, low, high):
        grant = await RoleGrant.get(id=line["id"])
        await events.record(actor, "role.conflict_found", grant, resident_id=grant.resident_id, relative_id=related.id)


@atomic()
async def strike_relative(actor: Actor, resident_id: int, other_id: int, *, reason: str) -> None:
    """Strike two relatives out, because it was wrong or is over; an officer does. The row stays, with when it ended.

    Striking out what is not there changes nothing. Raises NotFound, Forbidden.
    """
    communities = await _door(actor, resident_id)
    require(
        policies.may_strike_relatives(actor, communities), "只有街道或区级干部可以移除", "Only officers remove this"
    )
    low, high = sorted((resident_id, other_id))
    ended = await db.value(
        "UPDATE relatives SET ended_at = clock_now(), ended_by_id = $3 "
        "WHERE low_id = $1 AND high_id = $2 AND ended_at IS NULL RETURNING id",
        low,
        high,
        actor.id,
    )
    if ended is not None:
        related = await Relative.get(id=ended)
        await events.record(actor, "relative.removed", related, reason=reason, low_id=low, high_id=high)


async def _door(actor: Actor, resident_id: int) -> list[int]:
    """The communities that resident lives or serves in, if the actor may read of his relatives. Raises NotFound."""
    communities = [line["id"] for line in await db.rows(PLACES, resident_id)]
    known = communities or await Resident.exists(id=resident_id)
    if not known or not policies.may_read_relatives(actor, resident_id, communities):
        raise NotFound("没有找到这位居民", "No such resident")
    return communities


def _ordered(one_id: int, other_id: int, kinship: Kinship) -> tuple[int, int, Kinship]:
    """The pair with the smaller id first, and what the higher is to the lower."""
    if one_id < other_id:
        return one_id, other_id, kinship
    return other_id, one_id, kinship.seen_from_the_other
