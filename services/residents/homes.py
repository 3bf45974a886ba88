"""Where people live: claims, households and their members over time."""

from datetime import date

from app.core import crypto, db
from app.core.crypto import Keys
from app.core.db import atomic
from app.core.errors import Invalid, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.places import Place, PlaceKind
from models.residents import (
    Capacity,
    ClaimState,
    Household,
    HouseholdClaim,
    Membership,
    Resident,
    Role,
)
from services import checks, events, places
from services.policies import Actor, require
from services.policies import residents as policies
from services.residents.ages import is_adult
from services.residents.births import NewResident, Shown, check_birth, keep_birth, marked, open_date, seal_date
from services.residents.doors import household_of
from services.residents.memberships import move_in
from services.residents.owners import is_owner
from services.residents.phones import keep_phone
from services.rules.rooms import room_form

ROOM_MAX = 20
"""Letters of a unit or a room: one sign typed may stand for several."""
OWNERS_ONLY = ("产权人由居委会、楼长或其他产权人确认", "The committee, the building head or an owner confirms an owner")
OWN_CAUSE = ("自己家的事，请其他居委会成员办理", "Another committee member decides about your own home")


@atomic()
async def claim_household(
    actor: Actor,
    *,
    building_id: int,
    unit: str,
    room: str,
    capacity: Capacity,
    birth_year: int,
    birth_date: date | None = None,
    secret: Keys,
) -> HouseholdClaim:
    """Say where one lives. A birth date, which is sealed, shows from when on somebody is 18, or 14.

    Unit and room are kept as `room_form` has them. Raises NotFound, Invalid for a place that is no building,
    AlreadyExists while another claim is pending.
    """
    require(not actor.suspended)
    building = await _building(building_id)
    unit, room = room_form(unit), room_form(room)
    if max(len(unit), len(room)) > ROOM_MAX:
        raise Invalid("单元或房号过长", "The unit or room is too long")
    shown = await check_birth(NewResident(birth_year, birth_date))
    claim = await HouseholdClaim.create(
        community_id=building.community_id,
        building_id=building.id,
        resident_id=actor.id,
        unit=unit,
        room=room,
        capacity=capacity,
        birth_year=birth_year,
        of_age=shown.of_age,
        of_fourteen=shown.of_fourteen,
    )
    if birth_date is not None and not shown.of_age:
        claim.birth_date_sealed = seal_date(secret, birth_date, "household_claims", claim.id)
        await claim.save(update_fields=["birth_date_sealed"])
    await events.record(actor, "household_claim.submitted", claim)
    return claim


async def find_claim(actor: Actor, claim_id: int) -> HouseholdClaim:
    """A claim, for its author and for whoever may confirm it. Raises NotFound."""
    claim = await HouseholdClaim.get_or_none(id=claim_id).select_related("building", "resident")
    if claim is None or not (claim.resident_id == actor.id or await _may_confirm(actor, claim)):
        raise NotFound("没有找到这条申请", "No such claim")
    return _readable(actor, claim)


async def claims(
    actor: Actor, *, community_id: int | None = None, state: ClaimState | None = None, page: Page
) -> Listed[HouseholdClaim]:
    """The claims the actor may confirm, and his own, newest first."""
    visible = await db.rows(
        """
        SELECT c.id FROM household_claims c JOIN places b ON b.id = c.building_id
        WHERE ($2::bigint IS NULL OR c.community_id = $2) AND ($3::text IS NULL OR c.state = $3)
            AND ($4::bigint IS NULL OR c.id < $4)
            AND (c.resident_id = $1
                OR EXISTS (SELECT 1 FROM unnest($5::text[]) AS served WHERE starts_with(b.path, served))
                OR (c.building_id, c.unit, c.room) IN
                    (SELECT building_id, unit, room FROM households WHERE representative_id = $1 AND id = $7))
        ORDER BY c.id DESC LIMIT $6
        """,
        actor.id,
        community_id,
        state.value if state else None,
        page.after[0] if page.after else None,
        [g.path for g in actor.grants if g.role in (Role.BUILDING_HEAD, Role.COMMITTEE) and not actor.suspended],
        page.limit + 1,
        actor.household_id,
    )
    ids = [line["id"] for line in visible]
    found = await newest(
        HouseholdClaim.filter(id__in=ids).select_related("building", "resident"), Page(page.limit, None)
    )
    return found.map(lambda claim: _readable(actor, claim))


@atomic()
async def confirm_claim(actor: Actor, claim_id: int, *, birthday_passed: bool = False, secret: Keys) -> HouseholdClaim:
    """Confirm where somebody lives: he joins the household (made if new) and leaves the one before.

    The first adult of a household becomes its representative. With `birthday_passed` whoever confirms says that he has
    seen that this year's birthday is over. Raises NotFound, Forbidden, InvalidState.
    """
    claim = await find_claim(actor, claim_id)
    require(await _may_confirm(actor, claim))
    require(claim.capacity is not Capacity.OWNER or await _may_confirm_owner(actor, claim), *OWNERS_ONLY)
    sealed = claim.birth_date_sealed
    await claim.move_to(ClaimState.CONFIRMED, decided_by_id=actor.id, birth_date_sealed=None)
    born = NewResident(claim.birth_year, open_date(secret, sealed, "household_claims", claim.id) if sealed else None)
    shown = (Shown(claim.of_age, claim.of_fourteen), await marked(claim.birth_year, birthday_passed))
    await keep_birth(claim.resident, born, *shown, secret=secret)
    household = await _household(claim.building, claim.unit, claim.room)
    await move_in(actor, claim.resident_id, household, claim.capacity)
    await events.record(actor, "household_claim.confirmed", claim, household_id=household.id)
    return claim


@atomic()
async def decline_claim(actor: Actor, claim_id: int, reason: str) -> HouseholdClaim:
    """Decline a claim with a reason the claimant reads. Raises NotFound, Forbidden, InvalidState."""
    claim = await find_claim(actor, claim_id)
    require(await _may_confirm(actor, claim))
    await claim.move_to(
        ClaimState.DECLINED,
        decided_by_id=actor.id,
        reason=reason,
        moderation=Moderation.CHECKING,
        birth_date_sealed=None,
    )
    await checks.expect(actor, claim)
    await events.record(actor, "household_claim.declined", claim)
    return claim


@atomic()
async def update_household(
    actor: Actor, household_id: int, *, area_cm2: int | None, representative_id: int | None
) -> Household:
    """Record a household's area (cm²) or representative, a live adult member. Committee only, nobody in his own cause.

    Raises NotFound, Forbidden, Invalid.
    """
    household = await household_of(actor, household_id, held=True)
    require(policies.may_look_after_households(actor, household.community_id))
    changed, before = [], household.representative_id
    if area_cm2 is not None and area_cm2 != household.area_cm2:
        require(policies.may_record_area(actor, household), *OWN_CAUSE)
        household.area_cm2 = area_cm2
        changed.append("area_cm2")
    if representative_id is not None and representative_id != before:
        require(policies.may_name_representative(actor, household, representative_id), *OWN_CAUSE)
        member = (
            await Membership.filter(household_id=household.id, resident_id=representative_id, until_at=None)
            .select_related("resident")
            .first()
        )
        if member is None:
            raise Invalid("户代表必须是本户成员", "The representative is a member of the household")
        if not await is_adult(representative_id):
            raise Invalid("户代表必须年满十八周岁", "The representative is 18 or older")
        household.representative_id = representative_id
        changed.append("representative_id")
    if changed:
        await household.save(update_fields=changed)
    replaced = household.representative_id != before
    await events.record(
        actor,
        "household.updated",
        household,
        area_cm2=household.area_cm2,
        representative_id=household.representative_id if replaced else None,
        representative_before_id=before if replaced else None,
    )
    return household


@atomic()
async def add_resident(
    actor: Actor,
    *,
    household_id: int,
    name: str,
    birth_year: int,
    birthday_passed: bool = False,
    phone: str | None = None,
    secret: Keys,
) -> Resident:
    """Register somebody who does not use WeChat, so that others can act on his behalf. Name and phone are sealed.

    With `birthday_passed` the actor says that he has seen that this year's birthday is over. Raises NotFound,
    Forbidden, Invalid, PhoneTaken.
    """
    household = await household_of(actor, household_id)
    require(policies.may_help(actor, household.building.path))
    await check_birth(NewResident(birth_year))
    shown = await marked(birth_year, birthday_passed)
    resident = await Resident.create(
        nickname=masked(name), birth_year=birth_year, of_age=shown.of_age, of_fourteen=shown.of_fourteen
    )
    resident.name_sealed = crypto.seal(secret, name, table="residents", column="name", row=resident.id)
    await resident.save(update_fields=["name_sealed"])
    if phone is not None:
        await keep_phone(resident, phone, secret)
    await move_in(actor, resident.id, household, Capacity.FAMILY, of="registered")
    await events.record(actor, "resident.registered", resident, household_id=household.id)
    return resident


@atomic()
async def find_resident(resident_id: int) -> Resident:
    """One resident. Raises NotFound."""
    resident = await Resident.get_or_none(id=resident_id)
    if resident is None:
        raise NotFound("没有找到这位居民", "No such resident")
    return resident


def masked(name: str) -> str:
    """A name as others see it: 王**."""
    return name[:1] + "**"


def _readable(actor: Actor, claim: HouseholdClaim) -> HouseholdClaim:
    """The claim without a reason that has not passed, but for whoever gave it and the staff."""
    mine = claim.decided_by_id == actor.id or actor.is_staff(claim.community_id)
    if claim.moderation is not Moderation.PASSED and not mine:
        claim.reason = None
    return claim


async def _building(building_id: int) -> Place:
    building = await places.find(building_id)
    if building.kind is not PlaceKind.BUILDING:
        raise Invalid("请选择楼栋", "Choose a building")
    return building


async def _may_confirm(actor: Actor, claim: HouseholdClaim) -> bool:
    household = await Household.get_or_none(building_id=claim.building_id, unit=claim.unit, room=claim.room)
    return policies.may_confirm_residence(actor, claim.building, household, claim.resident_id)


async def _may_confirm_owner(actor: Actor, claim: HouseholdClaim) -> bool:
    """Not a tenant who represents his home."""
    at_home = actor.household_id is not None and await is_owner(actor.id, actor.household_id)
    return at_home or policies.may_confirm_residence(actor, claim.building, None, claim.resident_id)


async def _household(building: Place, unit: str, room: str) -> Household:
    await db.execute(
        "INSERT INTO households (community_id, building_id, unit, room) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT ON CONSTRAINT households_one_per_room DO NOTHING",
        building.community_id,
        building.id,
        unit,
        room,
    )
    return await Household.get(building_id=building.id, unit=unit, room=room)
