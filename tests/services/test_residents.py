"""People: homes are confirmed by those who know, roles are given from above, help leaves a trace."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest

from app.core import clock, db
from app.core.crypto import Keys
from app.core.errors import AlreadyExists, Forbidden, Invalid, InvalidState, NotFound
from app.core.pages import Page
from models.deliberations import Roll
from models.residents import (
    Capacity,
    ClaimState,
    ConsentKind,
    Household,
    HouseholdClaim,
    LastOfficer,
    Membership,
    Resident,
    Role,
    RoleGrant,
)
from services import residents
from services.residents import OnBehalfOf, StillCommittee
from services.rules.rooms import room_form
from tests.homing import KEYS, joined
from tests.people import People
from tests.rules.test_rooms import SAID

Move = Callable[[timedelta], Awaitable[None]]


async def claim(people: People, who: str = "guest", room: str = "999") -> int:
    home = await Household.get(id=people.lin.household_id)
    made = await residents.claim_household(
        people[who],
        building_id=home.building_id,
        unit="1",
        room=room,
        capacity=Capacity.TENANT,
        birth_year=1995,
        secret=KEYS,
    )
    return made.id


async def test_the_building_head_confirms_and_the_newcomer_is_verified(people: People) -> None:
    claim_id = await claim(people)
    done = await residents.confirm_claim(people.he, claim_id, secret=KEYS)
    assert done.state is ClaimState.CONFIRMED
    guest = await residents.actor(people.guest.id)
    assert guest.verified
    assert guest.lives_in(people.jy)
    household = await Household.get(id=guest.household_id)
    assert household.representative_id == guest.id


@pytest.mark.parametrize("room", ["１０１", "101室", "0101", " 101 号"])
async def test_a_room_typed_otherwise_is_the_same_household(people: People, room: str) -> None:
    claim_id = await claim(people, room=room)
    await residents.confirm_claim(people.lin, claim_id, secret=KEYS)
    assert (await residents.actor(people.guest.id)).household_id == people.lin.household_id


async def test_the_database_writes_rooms_as_the_rule_does(people: People) -> None:
    said = [said for said, _ in SAID]
    found = await db.rows(
        "SELECT room_form(s) AS form FROM unnest($1::text[]) WITH ORDINALITY u (s, n) ORDER BY n", said
    )
    assert [line["form"] for line in found] == [room_form(one) for one in said]


async def test_the_representative_confirms_a_member_of_his_own_household(people: People) -> None:
    claim_id = await claim(people, room="101")
    await residents.confirm_claim(people.lin, claim_id, secret=KEYS)
    guest = await residents.actor(people.guest.id)
    assert guest.household_id == people.lin.household_id
    assert (await Household.get(id=guest.household_id)).representative_id == people.lin.id


@pytest.mark.parametrize("who", ["mei", "ma", "wu", "deng", "qian"])
async def test_others_do_not_even_see_the_claim(people: People, who: str) -> None:
    claim_id = await claim(people)
    with pytest.raises(NotFound):
        await residents.confirm_claim(people[who], claim_id, secret=KEYS)


async def test_nobody_confirms_himself(people: People) -> None:
    claim_id = await claim(people, "chen")
    with pytest.raises(Forbidden):
        await residents.confirm_claim(people.chen, claim_id, secret=KEYS)


async def test_a_claim_is_decided_once(people: People) -> None:
    claim_id = await claim(people)
    await residents.decline_claim(people.chen, claim_id, "房号不对")
    with pytest.raises(InvalidState):
        await residents.confirm_claim(people.zhao, claim_id, secret=KEYS)


async def test_one_claim_at_a_time(people: People) -> None:
    await claim(people)
    with pytest.raises(AlreadyExists):
        await claim(people, room="998")


async def test_a_tenant_makes_no_owner_of_his_home(people: People) -> None:
    home = await Household.get(id=people.lin.household_id)
    await residents.confirm_claim(people.chen, await claim(people), secret=KEYS)
    tenant = await residents.actor(people.guest.id)
    assert tenant.household_id is not None
    with pytest.raises(Forbidden):
        await residents.invite(tenant, tenant.household_id, capacity=Capacity.OWNER)
    await residents.invite(tenant, tenant.household_id, capacity=Capacity.FAMILY)
    newcomer = await residents.actor((await residents.enrol("newcomer")).id)
    asked = {"building_id": home.building_id, "unit": "1", "room": "999", "birth_year": 1990, "secret": KEYS}
    owner = await residents.claim_household(newcomer, capacity=Capacity.OWNER, **asked)
    with pytest.raises(Forbidden):
        await residents.confirm_claim(tenant, owner.id, secret=KEYS)
    await residents.confirm_claim(people.chen, owner.id, secret=KEYS)
    landlord = await residents.actor(newcomer.id)
    await residents.invite(landlord, tenant.household_id, capacity=Capacity.OWNER)


async def test_moving_ends_the_old_membership_and_the_representation(people: People) -> None:
    claim_id = await claim(people, "lin", room="777")
    await residents.confirm_claim(people.he, claim_id, secret=KEYS)
    moved = await residents.actor(people.lin.id)
    assert moved.household_id != people.lin.household_id
    assert await Membership.filter(resident_id=people.lin.id).count() == 2
    assert (await Household.get(id=people.lin.household_id)).representative_id is None


async def test_whoever_may_confirm_lists_the_claims(people: People) -> None:
    claim_id = await claim(people)
    for who, sees in (("he", True), ("chen", True), ("guest", True), ("mei", False), ("deng", False)):
        listed = await residents.claims(people[who], community_id=people.jy, page=Page())
        assert (claim_id in [found.id for found in listed.items]) is sees, who


async def test_a_minor_does_not_become_representative(people: People) -> None:
    home = await Household.get(id=people.lin.household_id)
    made = await residents.claim_household(
        people.guest,
        building_id=home.building_id,
        unit="9",
        room="9",
        capacity=Capacity.FAMILY,
        birth_year=2012,
        secret=KEYS,
    )
    await residents.confirm_claim(people.he, made.id, secret=KEYS)
    guest = await residents.actor(people.guest.id)
    assert (await Household.get(id=guest.household_id)).representative_id is None


@pytest.mark.parametrize(
    ("who", "role", "allowed"),
    [
        ("qian", Role.COMMITTEE, True),
        ("qian", Role.REVIEWER, True),
        ("chen", Role.COMMITTEE, False),
        ("chen", Role.SOCIAL_WORKER, True),
        ("deng", Role.SOCIAL_WORKER, False),
        ("root", Role.COMMITTEE, False),
        ("lin", Role.SOCIAL_WORKER, False),
    ],
)
async def test_who_grants_what(people: People, who: str, role: Role, allowed: bool) -> None:
    async def grant() -> RoleGrant:
        return await residents.grant_role(people[who], people.jy, resident_id=people.mei.id, role=role)

    if allowed:
        assert (await grant()).role is role
        assert (await residents.actor(people.mei.id)).holds(people.jy, role)
    else:
        with pytest.raises(Forbidden):
            await grant()


async def test_nobody_under_eighteen_holds_a_role(people: People) -> None:
    year = (await clock.now()).year
    for openid, years in (("kid", 10), ("teen", 17)):
        young = await joined(people, openid, birth_year=year - years)
        with pytest.raises(Invalid):
            await residents.grant_role(people.chen, people.jy, resident_id=young.id, role=Role.SOCIAL_WORKER)


async def test_a_supervisor_needs_a_resolution_and_is_no_committee_member(people: People) -> None:
    with pytest.raises(Invalid):
        await residents.grant_role(people.qian, people.jy, resident_id=people.mei.id, role=Role.SUPERVISOR)
    with pytest.raises(StillCommittee):
        await residents.grant_from_command_line("chen", Role.SUPERVISOR, people.jy)


async def test_a_revoked_role_is_gone_at_once_and_revoking_again_changes_nothing(people: People) -> None:
    grant = await RoleGrant.get(resident_id=people.ma.id, role=Role.SOCIAL_WORKER)
    await residents.revoke_role(people.chen, grant.place_id, grant.id)
    assert not (await residents.actor(people.ma.id)).is_staff(people.jy)
    ended = await RoleGrant.get(id=grant.id)
    await residents.revoke_role(people.chen, grant.place_id, grant.id)
    assert (await RoleGrant.get(id=grant.id)).until_at == ended.until_at


async def test_the_last_street_officer_stays(people: People) -> None:
    grant = await RoleGrant.get(resident_id=people.qian.id, role=Role.STREET_OFFICER)
    with pytest.raises(LastOfficer):
        await residents.revoke_role(people.root, grant.place_id, grant.id)


async def test_a_real_name_is_kept_only_as_ciphertext(people: People) -> None:
    added = await residents.add_resident(
        people.he, household_id=people.lin.household_id or 0, name="王淑芬", birth_year=1941, secret=Keys.of("k" * 32)
    )
    assert added.nickname == "王**"
    row = await db.row("SELECT * FROM residents WHERE id = $1", added.id)
    assert row is not None
    assert "王淑芬" not in str(row)
    assert "王淑芬".encode() not in bytes(row["name_sealed"])


async def test_help_is_given_where_one_serves_and_with_consent(people: People) -> None:
    elder = await residents.add_resident(
        people.he, household_id=people.lin.household_id or 0, name="王淑芬", birth_year=1941, secret=Keys.of("k" * 32)
    )
    consent = OnBehalfOf(elder.id, ConsentKind.WITNESS, people.mei.id)
    assert (await residents.stand_in(people.he, consent)).id == elder.id
    assert (await residents.stand_in(people.ma, consent)).id == elder.id
    with pytest.raises(NotFound):
        await residents.stand_in(people.lin, consent)
    with pytest.raises(NotFound):
        await residents.stand_in(people.deng, consent)
    with pytest.raises(Invalid):
        await residents.stand_in(people.he, OnBehalfOf(elder.id, ConsentKind.WITNESS, people.he.id))
    in_building_3 = OnBehalfOf(people.wang.id, ConsentKind.VOICE)
    with pytest.raises(Forbidden):
        await residents.stand_in(people.he, in_building_3)


async def test_a_representative_who_moves_out_leaves_the_next_adult_in_his_place(people: People) -> None:
    await residents.confirm_claim(people.lin, await claim(people, room="101"), secret=KEYS)
    await residents.confirm_claim(people.he, await claim(people, "lin", room="777"), secret=KEYS)
    assert (await Household.get(id=people.lin.household_id)).representative_id == people.guest.id


async def test_who_moved_out_confirms_nobody_into_his_old_home(people: People) -> None:
    await Household.filter(id=people.mei.household_id).update(representative_id=people.lin.id)
    claim_id = await claim(people, room="202")
    with pytest.raises(NotFound):
        await residents.confirm_claim(people.lin, claim_id, secret=KEYS)


async def test_recording_an_area_names_no_representative(people: People) -> None:
    stale = people.lin.household_id or 0
    await residents.confirm_claim(people.he, await claim(people, "lin", room="777"), secret=KEYS)
    await residents.update_household(people.chen, stale, area_cm2=890_000, representative_id=None)
    household = await Household.get(id=stale)
    assert (household.area_cm2, household.representative_id) == (890_000, None)


async def test_nobody_on_the_committee_makes_himself_representative_or_changes_his_own_area(people: People) -> None:
    anna = await joined(people, "anna", host="chen")
    own = people.chen.household_id or 0
    await residents.update_household(people.zhao, own, area_cm2=None, representative_id=anna.id)
    with pytest.raises(Forbidden):
        await residents.update_household(people.chen, own, area_cm2=None, representative_id=people.chen.id)
    await residents.update_household(people.chen, own, area_cm2=890_000, representative_id=anna.id)
    with pytest.raises(Forbidden):
        await residents.update_household(people.chen, own, area_cm2=990_000, representative_id=None)
    household = await residents.update_household(people.zhao, own, area_cm2=990_000, representative_id=people.chen.id)
    assert (household.area_cm2, household.representative_id) == (990_000, people.chen.id)


async def test_two_grants_at_once_do_not_make_one_person_committee_and_supervisor(
    committed: str, people: People
) -> None:
    async def hold_both_before_they_write() -> None:
        async with db.tx():
            await db.rows("SELECT id FROM places WHERE id = $1 FOR UPDATE", people.jy)
            await asyncio.sleep(0.5)

    holder = asyncio.ensure_future(hold_both_before_they_write())
    await asyncio.sleep(0.1)
    outcomes = await asyncio.gather(
        residents.grant_role(people.qian, people.jy, resident_id=people.mei.id, role=Role.COMMITTEE),
        residents.grant_from_command_line("mei", Role.SUPERVISOR, people.jy),
        return_exceptions=True,
    )
    await holder
    assert sum(isinstance(outcome, StillCommittee) for outcome in outcomes) == 1, outcomes


@pytest.mark.parametrize(
    ("birth_date", "of_age"), [(date(2008, 1, 1), True), (date(2008, 12, 31), False), (None, False)]
)
async def test_exactly_eighteen_counts_only_with_a_birth_date(
    people: People, birth_date: date | None, of_age: bool
) -> None:
    now = await clock.now()
    born = birth_date.replace(year=now.year - 18) if birth_date else None
    home = await Household.get(id=people.lin.household_id)
    made = await residents.claim_household(
        people.guest,
        building_id=home.building_id,
        unit="9",
        room="9",
        capacity=Capacity.OWNER,
        birth_year=now.year - 18,
        birth_date=born,
        secret=KEYS,
    )
    await residents.confirm_claim(people.he, made.id, secret=KEYS)
    household = await Household.get(building_id=home.building_id, unit="9", room="9")
    assert (household.representative_id == people.guest.id) is of_age


async def born(years: int, days: int = 0) -> date:
    """The day on which somebody was born who turns so old in so many days."""
    day = (await clock.now()).astimezone(clock.SHANGHAI).date() + timedelta(days=days)
    return day.replace(year=day.year - years, day=min(day.day, 28))


async def claimed(people: People, birthday: date, *, told: bool = True, who: str = "guest") -> HouseholdClaim:
    home = await Household.get(id=people.lin.household_id)
    return await residents.claim_household(
        people[who],
        building_id=home.building_id,
        unit="9",
        room="9",
        capacity=Capacity.OWNER,
        birth_year=birthday.year,
        birth_date=birthday if told else None,
        secret=KEYS,
    )


@pytest.mark.parametrize("years", [18, 14])
async def test_a_birthday_comes_after_the_date_was_told(people: People, years: int, move_clock: Move) -> None:
    today = (await clock.now()).astimezone(clock.SHANGHAI).date()
    await move_clock(date(today.year + 1, 3, 1) - today)  # not late in a year: by the next the years alone show it
    birthday = await born(years, days=20)
    made = await claimed(people, birthday)
    await residents.confirm_claim(people.he, made.id, secret=KEYS)
    assert (await HouseholdClaim.get(id=made.id)).birth_date_sealed is None
    kept = await Resident.get(id=people.guest.id)
    assert kept.birth_date_sealed is not None
    assert birthday.isoformat().encode() not in kept.birth_date_sealed
    await residents.come_of_age(KEYS)
    assert (await shown(people)) == (False, years == 18)
    today = (await clock.now()).astimezone(clock.SHANGHAI).date()
    await move_clock(timedelta(days=(birthday.replace(year=today.year) - today).days))
    for _ in range(2):
        await residents.come_of_age(KEYS)
    assert (await shown(people)) == (years == 18, True)
    left = (await Resident.get(id=people.guest.id)).birth_date_sealed
    assert (left is None) is (years == 18), "a date that has shown 18 years has done its work"


async def shown(people: People) -> tuple[bool, bool]:
    """Whether the guest is of age, and no child."""
    on_roll = await residents.electorate_at(
        people.chen, people.jy, at=await clock.now(), roll=Roll.RESIDENTS, page=Page(100)
    )
    of_age = people.guest.id in {one.resident_id for one in on_roll.voters}
    return of_age, not (await residents.actor(people.guest.id)).child


@pytest.mark.parametrize(("years", "is_shown"), [(18, (True, True)), (14, (False, True)), (13, (False, False))])
async def test_whoever_confirms_says_that_the_birthday_is_over(
    people: People, years: int, is_shown: tuple[bool, bool]
) -> None:
    made = await claimed(people, await born(years), told=False)
    await residents.confirm_claim(people.he, made.id, birthday_passed=True, secret=KEYS)
    assert await shown(people) == is_shown


async def test_somebody_registered_is_of_age_when_staff_have_seen_it(people: People) -> None:
    year = (await born(18)).year
    for passed in (True, False):
        added = await residents.add_resident(
            people.he,
            household_id=people.lin.household_id or 0,
            name="王",
            birth_year=year,
            birthday_passed=passed,
            secret=KEYS,
        )
        assert added.of_age is passed


async def test_another_year_of_birth_voids_what_the_first_one_showed(people: People) -> None:
    for birthday, is_shown in ((await born(18), (True, True)), ((await born(11)), (False, False))):
        made = await claimed(people, birthday)
        await residents.confirm_claim(people.he, made.id, secret=KEYS)
        assert await shown(people) == is_shown


async def test_the_same_role_is_not_given_twice_not_even_for_a_time(people: People) -> None:
    until = await clock.now() + timedelta(days=30)
    for expected in (True, False):
        try:
            await residents.grant_role(
                people.chen, people.jy, resident_id=people.mei.id, role=Role.SOCIAL_WORKER, until_at=until
            )
            given = True
        except AlreadyExists:
            given = False
        assert given is expected


async def test_one_who_uses_wechat_represents_before_one_who_does_not(people: People) -> None:
    await residents.confirm_claim(people.he, await claim(people, room="901"), secret=KEYS)
    home = await Household.get(room="901")
    elder = await residents.add_resident(
        people.he, household_id=home.id, name="孙七", birth_year=1940, secret=Keys.of("k" * 32)
    )
    await residents.confirm_claim(people.he, await claim(people, room="902"), secret=KEYS)
    await home.refresh_from_db()
    assert home.representative_id == elder.id
    await residents.confirm_claim(people.he, await claim(people, "lin", room="901"), secret=KEYS)
    await home.refresh_from_db()
    assert home.representative_id == people.lin.id


async def test_nobody_is_born_in_the_future(people: People) -> None:
    with pytest.raises(Invalid):
        await residents.add_resident(
            people.he, household_id=people.lin.household_id or 0, name="王", birth_year=2090, secret=Keys.of("k" * 32)
        )


async def test_who_was_shown_to_be_of_age_stays_so_when_he_moves(people: People) -> None:
    await Resident.filter(id=people.guest.id).update(of_age=True)
    await residents.confirm_claim(people.he, await claim(people), secret=KEYS)
    assert (await Resident.get(id=people.guest.id)).of_age
