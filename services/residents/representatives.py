"""Residents' representatives: constituencies of 20 to 50 households, and who represents each until when.

They are elected off line; here the committee records whom, and what says so (居委会组织法 13).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, cut, where
from models.residents import Constituency, Representative
from services import events, places
from services.policies import Actor, require
from services.policies import residents as policies
from services.residents.ages import IS_ADULT


@dataclass(frozen=True)
class Term:
    """Who represents a constituency, from one day until another."""

    id: int
    resident_id: int
    nickname: str
    from_on: date
    until_on: date


@dataclass(frozen=True)
class ConstituencySeen:
    """A constituency with the number of its households and who represents it today."""

    id: int
    community_id: int
    name: str
    households: int
    representative: Term | None


@atomic()
async def add_constituency(
    actor: Actor, *, community_id: int, name: str, household_ids: Sequence[int]
) -> ConstituencySeen:
    """Draw up a constituency of 20 to 50 households. Raises NotFound, Forbidden, WrongSize, AlreadyExists, Invalid."""
    await places.find_community(community_id)
    require(policies.may_look_after_households(actor, community_id))
    made = await Constituency.create(community_id=community_id, name=name)
    await _assign(made, household_ids)
    await events.record(actor, "constituency.drawn_up", made, households=len(set(household_ids)))
    return await find_constituency(actor, made.id)


@atomic()
async def change_constituency(
    actor: Actor, constituency_id: int, *, name: str, household_ids: Sequence[int]
) -> ConstituencySeen:
    """Give a constituency another name and other households; with none it is dissolved.

    Raises NotFound, Forbidden, WrongSize, AlreadyExists, Invalid for a household of another constituency or community.
    """
    constituency = await Constituency.filter(id=constituency_id).select_for_update(no_key=True).get_or_none()
    if constituency is None:
        raise NotFound("没有找到这个选区", "No such constituency")
    require(policies.may_look_after_households(actor, constituency.community_id))
    await Constituency.filter(id=constituency.id).update(name=name)
    await _assign(constituency, household_ids)
    await events.record(actor, "constituency.changed", constituency, households=len(set(household_ids)))
    return await find_constituency(actor, constituency.id)


@atomic()
async def record_representative(
    actor: Actor,
    constituency_id: int,
    *,
    resident_id: int,
    from_on: date,
    until_on: date,
    resolution_id: int | None = None,
    minutes: str | None = None,
) -> Representative:
    """Record whom the households of a constituency have elected, until the day before `until_on`, five years at most.

    Raises NotFound, Forbidden, SelfGrant, WrongTerm, NoElection, TermsOverlap, Invalid (no adult of the constituency).
    """
    constituency = await find_constituency(actor, constituency_id)
    require(policies.may_look_after_households(actor, constituency.community_id))
    if not await db.value(LIVES_THERE, constituency.id, resident_id):
        raise Invalid("居民代表应为本选区年满十八周岁的居民", "A representative is an adult of the constituency")
    made = await Representative.create(
        community_id=constituency.community_id,
        constituency_id=constituency.id,
        resident_id=resident_id,
        from_on=from_on,
        until_on=until_on,
        resolution_id=resolution_id,
        minutes=minutes,
        recorded_by_id=actor.id,
    )
    await events.record(actor, "representative.recorded", made, constituency_id=constituency.id)
    return made


@atomic()
async def end_term(actor: Actor, representative_id: int, *, reason: str) -> Representative:
    """End a term today, with a reason. Raises NotFound, Forbidden, InvalidState when it is over."""
    term = await find_representative(actor, representative_id)
    require(policies.may_look_after_households(actor, term.community_id))
    today = (await clock.now()).astimezone(clock.SHANGHAI).date()
    ends_on = max(today, term.from_on)
    if not await Representative.filter(id=term.id, until_on__gt=ends_on).update(
        until_on=ends_on, ended_at=await clock.now()
    ):
        raise InvalidState("ended")
    await events.record(actor, "representative.ended", term, reason=reason)
    return await find_representative(actor, term.id)


async def find_representative(actor: Actor, representative_id: int) -> Representative:
    """One term; who represents whom is public among those who are logged in. Raises NotFound."""
    found = await Representative.get_or_none(id=representative_id)
    if found is None:
        raise NotFound("没有找到这位居民代表", "No such representative")
    return found


async def find_constituency(actor: Actor, constituency_id: int) -> ConstituencySeen:
    """One constituency. Raises NotFound."""
    found = await db.row(f"{SEEN} WHERE c.id = $1", constituency_id)
    if found is None:
        raise NotFound("没有找到这个选区", "No such constituency")
    return _seen(found)


async def constituencies(actor: Actor, *, community_id: int, page: Page) -> Listed[ConstituencySeen]:
    """The constituencies of a community, newest first. Raises NotFound."""
    await places.find_community(community_id)
    after, values = where(2, ("c.id < {}", page.after[0] if page.after else None))
    found = await db.rows(
        f"{SEEN} WHERE c.community_id = $1{after} ORDER BY c.id DESC LIMIT {page.limit + 1}", community_id, *values
    )
    return cut([_seen(line) for line in found], page)


SEEN = """
SELECT c.id, c.community_id, c.name,
    (SELECT count(*) FROM households h WHERE h.constituency_id = c.id) AS households,
    t.id AS term_id, t.resident_id, t.nickname, t.from_on, t.until_on
FROM constituencies c
LEFT JOIN LATERAL (
    SELECT p.id, p.resident_id, r.nickname, p.from_on, p.until_on
    FROM representatives p JOIN residents r ON r.id = p.resident_id,
        (SELECT (clock_now() AT TIME ZONE 'Asia/Shanghai')::date AS today) d
    WHERE p.constituency_id = c.id AND p.from_on <= d.today AND p.until_on > d.today
) t ON true
"""
LIVES_THERE = f"""
SELECT true FROM memberships m JOIN households h ON h.id = m.household_id JOIN residents r ON r.id = m.resident_id
WHERE h.constituency_id = $1 AND m.resident_id = $2 AND m.until_at IS NULL AND {IS_ADULT}
"""
FREE = """
SELECT id FROM households
WHERE id = ANY ($2::bigint[]) AND community_id = $3 AND (constituency_id = $1 OR constituency_id IS NULL)
ORDER BY id FOR NO KEY UPDATE
"""
# One statement, so that the trigger that counts sees the households that come together with those that leave.
ASSIGN = """
UPDATE households SET constituency_id = CASE WHEN id = ANY ($2::bigint[]) THEN $1::bigint END
WHERE constituency_id = $1 OR id = ANY ($2::bigint[])
"""


async def _assign(constituency: Constituency, household_ids: Sequence[int]) -> None:
    ids = sorted(set(household_ids))
    free = await db.rows(FREE, constituency.id, ids, constituency.community_id)
    if len(free) != len(ids):
        raise Invalid("有的住户不属于本社区，或已划入其他选区", "A household is of another community or constituency")
    await db.execute(ASSIGN, constituency.id, ids)


def _seen(line: dict[str, object]) -> ConstituencySeen:
    term_id, resident_id, nickname, from_on, until_on = (
        line.pop(name) for name in ("term_id", "resident_id", "nickname", "from_on", "until_on")
    )
    term = Term(term_id, resident_id, nickname, from_on, until_on) if term_id else None  # type: ignore[arg-type]
    return ConstituencySeen(**line, representative=term)  # type: ignore[arg-type]
