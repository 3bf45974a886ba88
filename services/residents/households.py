"""Households as their members and the staff see them, now and in the past; and leaving one."""

from dataclasses import dataclass
from datetime import datetime

from app.core import db
from app.core.db import atomic
from app.core.errors import Conflict, NotFound
from app.core.pages import Listed, Page, cut, where
from models.homes import RepresentativeChange
from models.residents import Capacity, Household, Membership
from services import places
from services.policies import Actor, require
from services.policies import residents as policies
from services.residents.doors import household_of
from services.residents.homes import masked
from services.residents.memberships import move_out
from services.residents.represented import pending_change

PAST_MAX = 200


class NoHome(Conflict):
    code, zh, en = "no_household", "您没有已确认的住户关系", "You belong to no household"


@dataclass(frozen=True)
class Member:
    """Somebody of a household; staff who do not live there see his name masked."""

    resident_id: int
    nickname: str
    capacity: Capacity
    from_at: datetime
    until_at: datetime | None


@dataclass(frozen=True)
class HouseholdSeen:
    """A household with who belongs to it and the change of representative it has under way."""

    household: Household
    members: list[Member]
    change: RepresentativeChange | None

    @property
    def id(self) -> int:
        """The household's."""
        return int(self.household.id)


@dataclass(frozen=True)
class Stood:
    """What was on record of a household from one moment until another: who represented it, its area in cm²."""

    representative_id: int | None
    area_cm2: int | None
    from_at: datetime
    until_at: datetime | None


@dataclass(frozen=True)
class HouseholdLine:
    """A household in a list for staff."""

    id: int
    building_id: int
    unit: str
    room: str
    area_cm2: int | None
    representative_id: int | None
    members: int


MEMBERS = """
SELECT m.resident_id, r.nickname, m.capacity, m.from_at, m.until_at
FROM memberships m JOIN residents r ON r.id = m.resident_id
WHERE m.household_id = $1 {narrowed} ORDER BY m.id DESC LIMIT {limit}
"""
# Counted by building first: the path of the place is a prefix of its buildings'.
LINES = """
SELECT h.id, h.building_id, h.unit, h.room, h.area_cm2, h.representative_id,
    (SELECT count(*) FROM memberships m WHERE m.household_id = h.id AND m.until_at IS NULL) AS members
FROM households h JOIN places b ON b.id = h.building_id
WHERE h.community_id = $1 AND starts_with(b.path, $2)
"""


async def find_household(actor: Actor, household_id: int) -> HouseholdSeen:
    """A household, for its members and whoever looks after its building. Raises NotFound."""
    household = await household_of(actor, household_id)
    members = await _members(actor, household, narrowed="AND m.until_at IS NULL")
    return HouseholdSeen(household, members, await pending_change(actor, household.id))


async def household_history(actor: Actor, household_id: int) -> tuple[list[Member], list[Stood]]:
    """Who lived there when and who represented it when, newest first, at most 200 of each; staff.

    Raises NotFound, Forbidden.
    """
    household = await household_of(actor, household_id)
    serves = policies.may_help(actor, household.building.path)
    require(serves, "只有工作人员可以查看历史", "Only the staff read the past")
    stood = await db.rows(
        "SELECT representative_id, area_cm2, from_at, until_at FROM household_records WHERE household_id = $1 "
        f"ORDER BY id DESC LIMIT {PAST_MAX}",
        household.id,
    )
    return await _members(actor, household), [Stood(**line) for line in stood]


async def households(actor: Actor, place_id: int, *, page: Page) -> Listed[HouseholdLine]:
    """The households of a community, grid or building, newest first; whoever serves there.

    Raises NotFound, Forbidden.
    """
    place = await places.find(place_id)
    require(place.community_id is not None and policies.may_help(actor, place.path))
    after, values = where(3, ("h.id < {}", page.after[0] if page.after else None))
    found = await db.rows(
        f"{LINES}{after} ORDER BY h.id DESC LIMIT {page.limit + 1}", place.community_id, place.path, *values
    )
    return cut([HouseholdLine(**line) for line in found], page)


@atomic()
async def leave_household(actor: Actor) -> None:
    """Move out of one's home: what hangs on it ends, and until another is confirmed one reads but does not act.

    Raises NoHome.
    """
    membership = await Membership.get_or_none(resident_id=actor.id, until_at=None).select_related("household")
    if membership is None:
        raise NoHome
    await move_out(actor, membership)


@atomic()
async def end_membership(actor: Actor, household_id: int, resident_id: int, *, reason: str) -> HouseholdSeen:
    """Say, with a reason, that somebody has moved out; the household's representative or the committee.

    Raises NotFound, Forbidden.
    """
    household = await household_of(actor, household_id)
    require(policies.may_end_membership(actor, household, resident_id))
    membership = await Membership.get_or_none(
        household_id=household.id, resident_id=resident_id, until_at=None
    ).select_related("household")
    if membership is None:
        raise NotFound("他不是本户现在的成员", "He does not belong to this household now")
    await move_out(actor, membership, reason=reason)
    return await find_household(actor, household.id)


async def _members(actor: Actor, household: Household, *, narrowed: str = "") -> list[Member]:
    found = await db.rows(MEMBERS.format(narrowed=narrowed, limit=PAST_MAX), household.id)
    at_home = actor.household_id == household.id
    return [
        Member(
            line["resident_id"],
            line["nickname"] if at_home else masked(line["nickname"]),
            Capacity(line["capacity"]),
            line["from_at"],
            line["until_at"],
        )
        for line in found
    ]
