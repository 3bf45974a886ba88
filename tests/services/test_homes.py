"""Homes through time: who lives where, who represents a household, who is invited, and what ends when one moves out."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest

from app.core import clock, db, tokens
from app.core.errors import AlreadyExists, Forbidden, Invalid, InvalidState, NotFound
from app.core.pages import Page
from models.deliberations import Elector, Roll
from models.events import Event
from models.homes import (
    ChangePending,
    ChangeState,
    Invitation,
    InvitationExpired,
    InvitationRevoked,
    InvitationState,
    InvitationUsed,
    NoSuchInvitation,
    RepresentativeChange,
    TooManyInvitations,
)
from models.places import Place, PlaceKind
from models.residents import Capacity, Household, Membership, Representative, Role, RoleGrant
from models.volunteering import Signup, SignupState
from models.wishes import WishClaim, WishClaimState
from services import jobs, neighbours, residents, volunteering, wishes
from services.policies import Actor
from services.residents import NewResident
from services.residents.households import NoHome
from tests.homing import KEYS, joined, newcomer, registered
from tests.people import People
from tests.services.test_rolls import elected, group
from tests.services.test_volunteering import one_shift
from tests.services.test_wishes import opened
from tests.voting import dwellers, flats, owned, voting

Move = Callable[[timedelta], Awaitable[None]]


def home(actor: Actor) -> int:
    assert actor.household_id is not None
    return actor.household_id


async def represents(household_id: int) -> int | None:
    return (await Household.get(id=household_id)).representative_id


# --- seeing a household -----------------------------------------------------------------------------------------


async def test_its_members_and_the_staff_see_a_household(people: People) -> None:
    guest = await joined(people)
    seen = await residents.find_household(guest, home(people.lin))
    assert [one.nickname for one in seen.members] == ["过客", "小林"]
    assert [one.nickname for one in (await residents.find_household(people.chen, home(people.lin))).members] == [
        "过**",
        "小**",
    ]


@pytest.mark.parametrize("who", ["mei", "guest", "wu", "deng", "qian"])
async def test_others_do_not_find_it(people: People, who: str) -> None:
    with pytest.raises(NotFound):
        await residents.find_household(people[who], home(people.lin))


async def test_a_building_head_knows_nothing_of_other_buildings(people: People) -> None:
    elsewhere = home(people.wang)
    assert (await residents.find_household(people.ma, elsewhere)).id == elsewhere
    change = await residents.propose_representative(people.wang, elsewhere, resident_id=people.wang.id)
    invitation = await residents.invite(people.wang, elsewhere, capacity=Capacity.FAMILY)
    for asked in (
        residents.find_household(people.he, elsewhere),
        residents.household_history(people.he, elsewhere),
        residents.find_change(people.he, change.id),
        residents.invitations(people.he, elsewhere, page=Page()),
        residents.find_invitation(people.he, invitation.id),
        residents.owners_of(people.he, elsewhere),
    ):
        with pytest.raises(NotFound):
            await asked  # type: ignore[misc]


async def test_the_staff_read_who_lived_there_when(people: People) -> None:
    guest = await joined(people)
    await residents.leave_household(guest)
    members, stood = await residents.household_history(people.ma, home(people.lin))
    assert [(one.resident_id, one.until_at is None) for one in members] == [(guest.id, False), (people.lin.id, True)]
    assert stood[0].representative_id == people.lin.id
    with pytest.raises(Forbidden):
        await residents.household_history(people.lin, home(people.lin))


async def test_whoever_serves_at_a_place_lists_its_households(people: People) -> None:
    seven = (await Household.get(id=home(people.lin))).building_id
    found = await residents.households(people.he, seven, page=Page(100))
    assert {one.room for one in found.items} == {"101", "202", "601"}
    assert len((await residents.households(people.chen, people.jy, page=Page(100))).items) == 8
    first = await residents.households(people.chen, people.jy, page=Page(5))
    rest = await residents.households(people.chen, people.jy, page=Page(5, first.after))
    assert len({one.id for one in (*first.items, *rest.items)}) == 8


@pytest.mark.parametrize("who", ["lin", "guest", "deng", "he"])
async def test_others_do_not_list_a_community(people: People, who: str) -> None:
    with pytest.raises(Forbidden):
        await residents.households(people[who], people.jy, page=Page())


# --- its representative -----------------------------------------------------------------------------------------


async def test_alone_one_decides_at_once(people: People) -> None:
    change = await residents.propose_representative(people.lin, home(people.lin), resident_id=people.lin.id)
    assert change.state is ChangeState.CONFIRMED


async def test_all_adults_agree_on_a_new_representative(people: People) -> None:
    guest, third = await joined(people), await joined(people, "third")
    await joined(people, "minor", birth_year=(await clock.now()).year - 15)
    change = await residents.propose_representative(
        people.lin, home(people.lin), resident_id=guest.id, reason="我常出差"
    )
    assert (change.state, change.agreed, change.needed) == (ChangeState.PENDING, 1, 3)
    assert (await residents.find_household(third, home(people.lin))).change is not None
    assert (await residents.confirm_representative(guest, change.id)).state is ChangeState.PENDING
    assert await represents(home(people.lin)) == people.lin.id
    assert (await residents.confirm_representative(third, change.id)).state is ChangeState.CONFIRMED
    assert await represents(home(people.lin)) == guest.id


async def test_the_committee_confirms_in_their_place(people: People) -> None:
    guest = await joined(people)
    change = await residents.propose_representative(guest, home(people.lin), resident_id=guest.id)
    with pytest.raises(Forbidden):
        await residents.confirm_representative(people.he, change.id)
    assert (await residents.confirm_representative(people.chen, change.id)).state is ChangeState.CONFIRMED
    assert await represents(home(people.lin)) == guest.id
    with pytest.raises(InvalidState):
        await residents.confirm_representative(people.zhao, change.id)


async def test_one_no_ends_it_and_its_proposer_takes_it_back(people: People) -> None:
    guest = await joined(people)
    change = await residents.propose_representative(guest, home(people.lin), resident_id=guest.id)
    with pytest.raises(ChangePending):
        await residents.propose_representative(people.lin, home(people.lin), resident_id=people.lin.id)
    declined = await residents.decline_representative(people.lin, change.id, reason="我来就好")
    assert declined.state is ChangeState.DECLINED
    again = await residents.propose_representative(guest, home(people.lin), resident_id=guest.id)
    with pytest.raises(Forbidden):
        await residents.withdraw_representative(people.lin, again.id)
    assert (await residents.withdraw_representative(guest, again.id)).state is ChangeState.WITHDRAWN


async def test_who_may_not_propose_and_whom_one_may_not(people: People) -> None:
    minor = await joined(people, "minor", birth_year=(await clock.now()).year - 15)
    with pytest.raises(Invalid):
        await residents.propose_representative(people.lin, home(people.lin), resident_id=minor.id)
    with pytest.raises(Invalid):
        await residents.propose_representative(people.lin, home(people.lin), resident_id=people.mei.id)
    with pytest.raises(Forbidden):
        await residents.propose_representative(minor, home(people.lin), resident_id=people.lin.id)
    with pytest.raises(Forbidden):
        await residents.propose_representative(people.chen, home(people.lin), resident_id=people.lin.id)
    with pytest.raises(NotFound):
        await residents.propose_representative(people.mei, home(people.lin), resident_id=people.lin.id)


async def test_who_leaves_settles_what_the_others_had_agreed_on(people: People) -> None:
    guest, third = await joined(people), await joined(people, "third")
    change = await residents.propose_representative(people.lin, home(people.lin), resident_id=guest.id)
    await residents.confirm_representative(guest, change.id)
    await residents.leave_household(third)
    assert await represents(home(people.lin)) == guest.id
    back = await residents.propose_representative(guest, home(people.lin), resident_id=people.lin.id)
    await residents.leave_household(people.lin)
    assert (await RepresentativeChange.get(id=back.id)).state is ChangeState.WITHDRAWN


async def test_a_vote_that_runs_keeps_the_speaker_it_was_opened_with(people: People) -> None:
    vote = await voting(people, roll=Roll.HOUSEHOLDS)
    guest = await joined(people)
    change = await residents.propose_representative(people.lin, home(people.lin), resident_id=guest.id)
    await residents.confirm_representative(guest, change.id)
    elector = await Elector.get(deliberation_id=vote.id, household_id=home(people.lin))
    assert (elector.speaker_id, await represents(home(people.lin))) == (people.lin.id, guest.id)


# --- invitations ------------------------------------------------------------------------------------------------


async def test_who_is_invited_is_verified_at_once(people: People) -> None:
    made = await residents.invite(people.lin, home(people.lin), capacity=Capacity.TENANT)
    assert made.code is not None
    kept = await Invitation.get(id=made.id)
    assert bytes(kept.code_hash) == tokens.token_hash(made.code)
    spoken = f"{made.code[:4].lower()}-{made.code[4:]}"
    membership = await residents.accept_invitation(people.guest, spoken, NewResident(1995), secret=KEYS)
    guest = await residents.actor(people.guest.id)
    assert guest.lives_in(people.jy)
    assert (membership.capacity, guest.household_id) == (Capacity.TENANT, people.lin.household_id)
    told = await residents.find_invitation(people.lin, made.id)
    assert (told.state, told.code, told.used_by_id) == (InvitationState.USED, None, guest.id)


async def test_each_code_that_does_not_work_says_why(people: People, move_clock: Move) -> None:
    made = await residents.invite(people.lin, home(people.lin), capacity=Capacity.FAMILY)
    assert made.code is not None
    with pytest.raises(NoSuchInvitation):
        await residents.accept_invitation(people.guest, "ABCDEFGHJKMN", NewResident(1995), secret=KEYS)
    with pytest.raises(AlreadyExists):
        await residents.accept_invitation(people.lin, made.code, NewResident(1988), secret=KEYS)
    with pytest.raises(Invalid):
        await residents.accept_invitation(people.mei, made.code, NewResident(1991), secret=KEYS)
    await residents.accept_invitation(people.guest, made.code, NewResident(1995), secret=KEYS)
    with pytest.raises(InvitationUsed):
        await residents.accept_invitation(await newcomer("third"), made.code, NewResident(1995), secret=KEYS)
    revoked = await residents.invite(people.lin, home(people.lin), capacity=Capacity.FAMILY)
    assert revoked.code is not None
    assert (await residents.revoke_invitation(people.lin, revoked.id)).state is InvitationState.REVOKED
    with pytest.raises(InvitationRevoked):
        await residents.accept_invitation(await newcomer("third"), revoked.code, NewResident(1995), secret=KEYS)
    late = await residents.invite(people.lin, home(people.lin), capacity=Capacity.FAMILY)
    assert late.code is not None
    await move_clock(timedelta(days=7))
    with pytest.raises(InvitationExpired):
        await residents.accept_invitation(await newcomer("third"), late.code, NewResident(1995), secret=KEYS)


async def test_five_invitations_at_a_time_and_those_run_out_make_room(people: People, move_clock: Move) -> None:
    for _ in range(5):
        await residents.invite(people.lin, home(people.lin), capacity=Capacity.FAMILY)
    with pytest.raises(TooManyInvitations):
        await residents.invite(people.lin, home(people.lin), capacity=Capacity.FAMILY)
    await move_clock(timedelta(days=7))
    await residents.invite(people.lin, home(people.lin), capacity=Capacity.FAMILY)
    listed = await residents.invitations(people.lin, home(people.lin), page=Page())
    assert [one.state for one in listed.items] == [InvitationState.OPEN] + [InvitationState.EXPIRED] * 5


async def test_only_adult_members_invite(people: People) -> None:
    minor = await joined(people, "minor", birth_year=(await clock.now()).year - 15)
    with pytest.raises(Forbidden):
        await residents.invite(minor, home(people.lin), capacity=Capacity.FAMILY)
    with pytest.raises(Forbidden):
        await residents.invite(people.chen, home(people.lin), capacity=Capacity.FAMILY)
    with pytest.raises(NotFound):
        await residents.invite(people.mei, home(people.lin), capacity=Capacity.FAMILY)


async def test_an_invitation_goes_with_whoever_made_it(people: People) -> None:
    guest = await joined(people)
    made = await residents.invite(guest, home(people.lin), capacity=Capacity.FAMILY)
    assert made.code is not None
    await residents.leave_household(guest)
    with pytest.raises(InvitationRevoked):
        await residents.accept_invitation(await newcomer("third"), made.code, NewResident(1990), secret=KEYS)


# --- moving out -------------------------------------------------------------------------------------------------


async def let_go(resident_id: int) -> None:
    """What the worker does of it."""
    event = (
        await Event.filter(verb="membership.ended", facts__contains={"resident_id": resident_id})
        .order_by("-id")
        .first()
    )
    assert event is not None
    await neighbours.let_go(event)
    await neighbours.let_go(event)
    await jobs.JOBS["tell_home"](None, event)  # type: ignore[arg-type]


async def test_who_moves_out_reads_but_acts_no_more(people: People) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    shift = await one_shift(people, after=100)
    await volunteering.sign_up(people.lin, shift)
    await residents.leave_household(people.lin)
    gone = await residents.actor(people.lin.id)
    assert not gone.verified
    assert await represents(home(people.lin)) is None
    await let_go(people.lin.id)
    assert (await WishClaim.get(wish_id=wish.id)).state is WishClaimState.RELEASED
    assert (await Signup.get(shift_id=shift)).state is SignupState.CANCELLED
    with pytest.raises(Forbidden):
        await wishes.claim(gone, wish.id)
    with pytest.raises(NoHome):
        await residents.leave_household(gone)


async def test_what_was_hidden_meanwhile_is_given_back_too(people: People) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    shift = await one_shift(people, after=100)
    await volunteering.sign_up(people.lin, shift)
    await db.execute("UPDATE wishes SET moderation = 'hidden'")
    await db.execute("UPDATE activities SET moderation = 'hidden'")
    await residents.leave_household(people.lin)
    await let_go(people.lin.id)
    assert (await WishClaim.get(wish_id=wish.id)).state is WishClaimState.RELEASED
    assert (await Signup.get(shift_id=shift)).state is SignupState.CANCELLED


async def test_moving_within_the_community_keeps_what_can_be_kept(people: People) -> None:
    wish = await opened(people)
    await wishes.claim(people.mei, wish.id)
    term = await elected(people, (await group(people)).id)
    await joined(people, "mei", birth_year=1992)
    await let_go(people.mei.id)
    assert (await WishClaim.get(wish_id=wish.id)).state is WishClaimState.HELD
    assert (await Representative.get(id=term.id)).ended_at is None


async def test_leaving_the_community_ends_a_term_and_the_headship_of_ones_own_building(people: People) -> None:
    term = await elected(people, (await group(people)).id)
    await residents.leave_household(people.mei)
    ended = await Representative.get(id=term.id)
    assert ended.ended_at is not None
    assert ended.until_on == (await clock.now()).astimezone(clock.SHANGHAI).date()
    await residents.leave_household(people.he)
    assert not (await residents.actor(people.he.id)).is_staff(people.jy)


async def test_who_heads_another_building_heads_it_on(people: People) -> None:
    other = await Place.get(name="5号楼", community_id=people.jy, kind=PlaceKind.BUILDING)
    grant = await residents.grant_role(people.chen, other.id, resident_id=people.mei.id, role=Role.BUILDING_HEAD)
    await residents.leave_household(people.mei)
    assert (await RoleGrant.get(id=grant.id)).until_at is None


@pytest.mark.parametrize(
    ("who", "allowed"), [("lin", True), ("chen", True), ("he", False), ("ma", False), ("qian", False), ("mei", False)]
)
async def test_who_says_that_somebody_has_moved_out(people: People, who: str, allowed: bool) -> None:
    guest = await joined(people)
    if allowed:
        await residents.end_membership(people[who], home(people.lin), guest.id, reason="已搬离")
        assert not (await residents.actor(guest.id)).verified
        with pytest.raises(NotFound):
            await residents.end_membership(people[who], home(people.lin), guest.id, reason="已搬离")
    else:
        with pytest.raises((Forbidden, NotFound)):
            await residents.end_membership(people[who], home(people.lin), guest.id, reason="已搬离")


async def test_nobody_ends_his_own_that_way_and_no_stranger_of_another_house(people: People) -> None:
    with pytest.raises(Forbidden):
        await residents.end_membership(people.lin, home(people.lin), people.lin.id, reason="搬家")
    with pytest.raises(NotFound):
        await residents.end_membership(people.chen, home(people.lin), people.mei.id, reason="搬家")


# --- who could vote ---------------------------------------------------------------------------------------------


async def on_roll(people: People, roll: Roll, at: object = None) -> tuple[int, int | None, set[int]]:
    when = at or await clock.now()
    found = await residents.electorate_at(people.chen, people.jy, at=when, roll=roll, page=Page(100))  # type: ignore[arg-type]
    return found.size, found.area_cm2, {one.id for one in found.voters}


@pytest.mark.parametrize("roll", list(Roll))
async def test_history_gives_the_roll_that_a_vote_froze(people: People, roll: Roll, move_clock: Move) -> None:
    await elected(people, (await group(people)).id)
    owners = [people.lin.id, people.wang.id]
    homes = [home(people.lin), home(people.wang)]
    await db.execute("UPDATE households SET area_cm2 = 500 + id WHERE id = ANY ($1::bigint[])", homes)
    await owned(people, homes, owners)
    await dwellers(people, await flats(people, 2), per_flat=2)
    guest = await joined(people, birth_year=(await clock.now()).year - 18)
    vote = await voting(people, roll=roll)
    opened_at = (await Event.get(verb="deliberation.voting_opened", subject_id=vote.id)).created_at
    electors = await Elector.filter(deliberation_id=vote.id)
    frozen = {elector.resident_id or elector.household_id for elector in electors}
    # From here on everything changes.
    await move_clock(timedelta(hours=1))
    await residents.leave_household(people.mei)
    await residents.leave_household(people.wang)
    await residents.leave_household(guest)
    await db.execute("UPDATE residents SET birth_year = NULL WHERE id = $1", people.wang.id)
    await db.execute("UPDATE households SET area_cm2 = 1 WHERE id = $1", home(people.lin))
    await db.execute("UPDATE ownerships SET until_at = clock_now() WHERE resident_id = $1", people.wang.id)
    await joined(people, "fourth", host="chen", birth_year=1990)
    size, area_cm2, who = await on_roll(people, roll, opened_at)
    assert (size, who) == (vote.roll_size, frozen)
    assert area_cm2 == vote.roll_area_cm2
    if roll is not Roll.HOUSEHOLDS:
        assert (await on_roll(people, roll))[2] != frozen


async def test_a_household_stands_there_with_who_represented_it_then(people: People, move_clock: Move) -> None:
    then = await clock.now()
    await move_clock(timedelta(days=1))
    guest = await joined(people)
    change = await residents.propose_representative(people.lin, home(people.lin), resident_id=guest.id)
    await residents.confirm_representative(guest, change.id)
    for at, who in ((then, people.lin.id), (await clock.now(), guest.id)):
        found = await residents.electorate_at(people.chen, people.jy, at=at, roll=Roll.HOUSEHOLDS, page=Page(100))
        assert who in {one.resident_id for one in found.voters if one.household_id == home(people.lin)}


@pytest.mark.parametrize(
    ("who", "counts", "names"),
    [("chen", True, True), ("he", True, False), ("ma", True, False), ("qian", True, False), ("lin", False, False)],
)
async def test_staff_count_and_the_committee_reads_who(people: People, who: str, counts: bool, names: bool) -> None:
    today = (await clock.now()).astimezone(clock.SHANGHAI).date()
    asked = {"on": today, "roll": Roll.RESIDENTS, "page": Page()}
    if not counts:
        with pytest.raises(Forbidden):
            await residents.electorate_on(people[who], people.jy, **asked)  # type: ignore[arg-type]
        return
    found = await residents.electorate_on(people[who], people.jy, **asked)  # type: ignore[arg-type]
    assert found.size == 8
    assert [one.name for one in found.voters[:1]] == (["小**"] if names else [])


async def test_before_anybody_lived_there_nobody_could_vote_and_tomorrow_is_not_known(people: People) -> None:
    asked = {"roll": Roll.RESIDENTS, "page": Page()}
    found = await residents.electorate_on(people.chen, people.jy, on=date(2020, 3, 1), **asked)  # type: ignore[arg-type]
    assert found.size == 0
    tomorrow = (await clock.now()).astimezone(clock.SHANGHAI).date() + timedelta(days=1)
    with pytest.raises(Invalid):
        await residents.electorate_on(people.chen, people.jy, on=tomorrow, **asked)  # type: ignore[arg-type]


async def test_whoever_grew_up_since_could_not_vote_then(people: People, move_clock: Move) -> None:
    young = await joined(people, birth_year=(await clock.now()).year - 18)
    then = await clock.now()
    await move_clock(timedelta(days=366))
    assert young.id not in (await on_roll(people, Roll.RESIDENTS, then))[2]
    assert young.id in (await on_roll(people, Roll.RESIDENTS))[2]


async def test_whoever_was_suspended_could_not_vote_just_then(people: People, move_clock: Move) -> None:
    moments = [await clock.now()]
    for suspended in (True, True, False):
        await residents.suspend(people.mei.id, suspended=suspended)
        await move_clock(timedelta(hours=1))
        moments.append(await clock.now())
    assert await Event.filter(verb="resident.suspended").count() == 1, "again changes nothing"
    await residents.suspend(people.wang.id, suspended=True)
    meanwhile = await clock.now()
    await residents.leave_household(people.wang)
    stood = [(await on_roll(people, Roll.RESIDENTS, at))[2] for at in moments]
    assert [people.mei.id in who for who in stood] == [True, False, False, True]
    assert [people.wang.id in who for who in stood] == [True, True, True, True]
    assert people.wang.id not in (await on_roll(people, Roll.RESIDENTS, meanwhile))[2], "also of a home left since"


async def test_a_recorded_member_does_not_stay_represented_by_nobody(people: People) -> None:
    """Who leaves a household behind leaves it represented by its next adult, also one without a phone."""
    grandmother = await registered(people)
    await residents.leave_household(people.lin)
    assert await represents(home(people.lin)) == grandmother.id
    assert await Membership.filter(resident_id=people.lin.id, until_at=None).count() == 0
