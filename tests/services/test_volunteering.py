"""Volunteering: the staff call, residents come of their own will, seats are exact, others confirm the hours."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock, db
from app.core.errors import AlreadyExists, Forbidden, Invalid, InvalidState, NotFound, NotVerified
from app.core.pages import Page
from models.events import Notice
from models.residents import Membership
from models.volunteering import (
    Activity,
    ActivityKind,
    AlreadyCheckedIn,
    ImpossibleHours,
    OverlappingShift,
    OwnHours,
    ServiceRecord,
    Shift,
    Signup,
    SignupState,
)
from services import residents, volunteering
from services.volunteering import (
    ActivityView,
    CancelClosed,
    CheckInClosed,
    NotCheckedIn,
    NotSignedUp,
    ShiftPlan,
    ShiftStarted,
    StaleCode,
)
from tests.passing import passed
from tests.people import People

SECRET = "k" * 32
MoveClock = Callable[[timedelta], Awaitable[None]]


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


async def plan(after: float = 5, length: float = 2, capacity: int = 2) -> ShiftPlan:
    """A shift that starts `after` hours from now."""
    starts_at = await clock.now() + hours(after)
    return ShiftPlan(capacity, "活动室", starts_at, starts_at + hours(length))


async def organised(people: People, *plans: ShiftPlan, who: str = "ma", **more: Any) -> ActivityView:
    asked: dict[str, Any] = {"community_id": people.jy, "kind": ActivityKind.SERVICE, "title": "陪老人逛公园"}
    return await passed(
        await volunteering.organise(
            people[who], **asked | {"body": "集合", "shifts": list(plans) or [await plan()]} | more
        )
    )


async def one_shift(people: People, **more: Any) -> int:
    """The id of the only shift of an activity that 马社工 leads."""
    activity = await organised(people, await plan(**more))
    return activity.shifts[0].id


async def came(people: People, shift_id: int, who: str, move_clock: MoveClock, stayed: float = 1) -> None:
    """Sign up, go there when it begins, and leave."""
    await volunteering.sign_up(people[who], shift_id)
    await move_clock(hours(5))
    await volunteering.check_in(people.ma, shift_id, resident_id=people[who].id, secret=SECRET)
    await move_clock(hours(stayed) + timedelta(seconds=30))
    await volunteering.check_out(people[who], shift_id, secret=SECRET)


# --- activities


async def test_the_social_worker_calls_and_leads(people: People) -> None:
    made = await organised(people, await plan(after=9), await plan(after=5, capacity=7))
    assert made.activity.leader_id == people.ma.id
    assert [shift.capacity for shift in made.shifts] == [7, 2]
    seen = await volunteering.find(people.wu, made.id)
    assert (seen.shifts[0].taken, seen.shifts[0].waitlisted, seen.shifts[0].my_state) == (0, 0, None)


async def test_a_resident_asked_to_lead_is_told(people: People) -> None:
    made = await organised(people, leader_id=people.lin.id)
    assert made.activity.leader.nickname == "小林"
    assert await Notice.exists(resident_id=people.lin.id, kind="activity.led", subject_id=made.id)


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("ma", True),
        ("he", True),
        ("chen", True),
        ("lin", False),
        ("sun", False),
        ("wu", False),
        ("deng", False),
        ("qian", False),
        ("guest", False),
    ],
)
async def test_who_calls_for_volunteers(people: People, who: str, allowed: bool) -> None:
    if allowed:
        assert (await organised(people, who=who)).activity.author_id == people[who].id
    else:
        with pytest.raises(Forbidden):
            await organised(people, who=who)


@pytest.mark.parametrize("who", ["wu", "guest", "qian"])
async def test_the_leader_lives_or_works_here(people: People, who: str) -> None:
    with pytest.raises(Invalid):
        await organised(people, leader_id=people[who].id)


async def test_shifts_that_cannot_be(people: People) -> None:
    good = await plan()
    for wrong in (
        await plan(length=0),
        await plan(length=-1),
        await plan(length=24.01),
        await plan(after=-3),
        ShiftPlan(3, "活动室"),
        ShiftPlan(3, "活动室", good.starts_at, None),
    ):
        with pytest.raises(Invalid):
            await organised(people, good, wrong)
    assert (await organised(people, await plan(length=24))).shifts
    with pytest.raises(Invalid):
        await organised(people, good, good, kind=ActivityKind.TASK)


async def test_no_such_community(people: People) -> None:
    with pytest.raises(NotFound):
        await organised(people, community_id=10**9)


async def test_the_list_keeps_what_is_asked_for(people: People) -> None:
    soon = await organised(people, await plan(after=1))
    later = await organised(people, await plan(after=100), kind=ActivityKind.TRAINING)
    whenever = await organised(people, ShiftPlan(1, "楼下"), kind=ActivityKind.TASK)

    async def ids(**asked: Any) -> list[int]:
        listed = await volunteering.listed(people.lin, community_id=people.jy, page=Page(), **asked)
        return [view.id for view in listed.items]

    assert await ids() == [whenever.id, later.id, soon.id]
    assert await ids(kind=ActivityKind.TRAINING) == [later.id]
    assert await ids(from_at=await clock.now() + hours(50)) == [whenever.id, later.id]
    first = await volunteering.listed(people.lin, page=Page(limit=1))
    second = await volunteering.listed(people.lin, page=Page(limit=1, after=first.after))
    assert [first.items[0].id, second.items[0].id] == [whenever.id, later.id]


async def test_a_hidden_activity_is_gone_but_for_its_author_and_the_staff(people: People) -> None:
    made = await organised(people)
    await Activity.filter(id=made.id).update(moderation="hidden")
    for who, sees in (("ma", True), ("chen", True), ("lin", False), ("deng", False)):
        if sees:
            assert (await volunteering.find(people[who], made.id)).id == made.id
        else:
            with pytest.raises(NotFound):
                await volunteering.find(people[who], made.id)
            with pytest.raises(NotFound):
                await volunteering.sign_up(people[who], made.shifts[0].id)


# --- sign-up


async def test_two_seats_then_a_queue(people: People) -> None:
    made = await organised(people)
    shift_id = made.shifts[0].id
    states = [await volunteering.sign_up(people[who], shift_id) for who in ("lin", "mei", "wang", "sun")]
    assert [(signup.state, signup.position) for signup in states] == [
        (SignupState.CONFIRMED, None),
        (SignupState.CONFIRMED, None),
        (SignupState.WAITLISTED, 1),
        (SignupState.WAITLISTED, 2),
    ]
    shift = (await volunteering.find(people.sun, made.id)).shifts[0]
    assert (shift.taken, shift.waitlisted, shift.my_state, shift.my_position) == (2, 2, SignupState.WAITLISTED, 2)
    told = await Notice.get(resident_id=people.sun.id, kind="signup.waitlisted")
    assert told.params == {"title": "陪老人逛公园", "position": 2}


async def test_signing_up_again_changes_nothing(people: People) -> None:
    shift_id = await one_shift(people, capacity=1)
    for who in ("lin", "mei"):
        first = await volunteering.sign_up(people[who], shift_id)
        again = await volunteering.sign_up(people[who], shift_id)
        assert (again.id, again.state, again.position) == (first.id, first.state, first.position)
    assert await Signup.filter(shift_id=shift_id).count() == 2
    assert (await Shift.get(id=shift_id)).taken == 1


async def test_a_cancelled_seat_goes_to_the_first_who_waits(people: People) -> None:
    shift_id = await one_shift(people, capacity=1)
    for who in ("lin", "mei", "wang"):
        await volunteering.sign_up(people[who], shift_id)
    await volunteering.cancel(people.lin, shift_id)
    await volunteering.cancel(people.lin, shift_id)  # again: nothing
    assert (await volunteering.sign_up(people.mei, shift_id)).state is SignupState.CONFIRMED
    assert (await volunteering.sign_up(people.wang, shift_id)).position == 1
    assert (await volunteering.sign_up(people.lin, shift_id)).position == 2
    assert await Notice.filter(kind="signup.promoted").count() == 1
    told = await Notice.get(kind="signup.cancelled")
    assert (told.resident_id, told.params["name_id"]) == (people.ma.id, people.lin.id)


async def test_a_seat_passes_over_who_no_longer_lives_there(people: People) -> None:
    shift_id = await one_shift(people, capacity=1)
    for who in ("lin", "mei", "wang"):
        await volunteering.sign_up(people[who], shift_id)
    await Membership.filter(resident_id=people.mei.id).update(until_at=await clock.now() + timedelta(seconds=1))
    await volunteering.cancel(people.lin, shift_id)
    assert (await volunteering.sign_up(people.wang, shift_id)).state is SignupState.CONFIRMED


async def test_leaving_the_queue_moves_the_others_up(people: People) -> None:
    shift_id = await one_shift(people, capacity=1)
    for who in ("lin", "mei", "wang"):
        await volunteering.sign_up(people[who], shift_id)
    await volunteering.cancel(people.mei, shift_id)
    assert (await volunteering.sign_up(people.wang, shift_id)).position == 1
    assert (await Shift.get(id=shift_id)).taken == 1


@pytest.mark.parametrize(
    ("who", "error"),
    [("guest", NotVerified), ("qian", NotVerified), ("wu", Forbidden), ("deng", Forbidden)],
)
async def test_only_verified_residents_of_the_community_sign_up(
    people: People, who: str, error: type[Exception]
) -> None:
    shift_id = await one_shift(people)
    with pytest.raises(error):
        await volunteering.sign_up(people[who], shift_id)


async def test_nobody_is_in_two_places_at_one_time(people: People) -> None:
    now = await clock.now()
    at_nine, at_ten, at_eleven = (ShiftPlan(2, "活动室", now + hours(n), now + hours(n + 2)) for n in (9, 10, 11))
    made = await organised(people, at_nine, at_ten, at_eleven)
    nine, ten, eleven = (shift.id for shift in made.shifts)
    await volunteering.sign_up(people.lin, nine)
    with pytest.raises(OverlappingShift):
        await volunteering.sign_up(people.lin, ten)
    assert (await Shift.get(id=ten)).taken == 0
    assert (await volunteering.sign_up(people.lin, eleven)).state is SignupState.CONFIRMED
    await volunteering.cancel(people.lin, nine)
    await volunteering.cancel(people.lin, eleven)
    assert (await volunteering.sign_up(people.lin, ten)).state is SignupState.CONFIRMED


async def test_who_is_elsewhere_is_passed_over_and_seated_once_he_is_free(people: People) -> None:
    now = await clock.now()
    made = await organised(people, *(ShiftPlan(1, "活动室", now + hours(9), now + hours(11)) for _ in range(2)))
    one, other = (shift.id for shift in made.shifts)
    await volunteering.sign_up(people.wang, one)
    await volunteering.sign_up(people.lin, one)  # waits first
    await volunteering.sign_up(people.lin, other)  # but takes another
    await volunteering.cancel(people.wang, one)
    assert (await volunteering.sign_up(people.lin, one)).state is SignupState.WAITLISTED
    await volunteering.fill_due()
    assert (await volunteering.sign_up(people.lin, one)).state is SignupState.WAITLISTED
    await volunteering.cancel(people.lin, other)
    await volunteering.fill_due()
    await volunteering.fill_due()
    assert (await volunteering.sign_up(people.lin, one)).state is SignupState.CONFIRMED
    assert await volunteering.miscounted() == []


async def test_one_keeps_the_seat_from_two_hours_before_on(people: People, move_clock: MoveClock) -> None:
    shift_id = await one_shift(people, capacity=2)
    for who in ("lin", "mei", "wang"):
        await volunteering.sign_up(people[who], shift_id)
    await move_clock(hours(3) - timedelta(seconds=20))
    await volunteering.cancel(people.lin, shift_id)
    await move_clock(timedelta(seconds=20))
    with pytest.raises(CancelClosed):
        await volunteering.cancel(people.mei, shift_id)
    await volunteering.sign_up(people.sun, shift_id)
    await volunteering.cancel(people.sun, shift_id)  # who only waits may always go
    await move_clock(hours(2))
    with pytest.raises(ShiftStarted):
        await volunteering.cancel(people.mei, shift_id)
    with pytest.raises(ShiftStarted):
        await volunteering.sign_up(people.lin, shift_id)
    assert (await volunteering.sign_up(people.mei, shift_id)).state is SignupState.CONFIRMED


async def test_the_leader_and_the_staff_see_who_comes(people: People) -> None:
    made = await organised(people, leader_id=people.mei.id)
    shift_id = made.shifts[0].id
    await volunteering.sign_up(people.lin, shift_id)
    for who in ("mei", "ma", "chen", "he"):
        listed = await volunteering.signups(people[who], shift_id, page=Page())
        assert [signup.resident.nickname for signup in listed.items] == ["小林"]
    for who in ("lin", "wang", "wu", "deng"):
        with pytest.raises(Forbidden):
            await volunteering.signups(people[who], shift_id, page=Page())


# --- check-in


async def test_the_code_on_the_leaders_phone_lets_one_in(people: People, move_clock: MoveClock) -> None:
    shift_id = await one_shift(people)
    await volunteering.sign_up(people.lin, shift_id)
    await move_clock(hours(4.5))
    code = await volunteering.check_in_code(people.ma, shift_id, secret=SECRET)
    assert 1 <= code.expires_in <= 30
    first = await volunteering.check_in(people.lin, shift_id, token=code.token, secret=SECRET)
    assert first.checked_in_at is not None
    await move_clock(timedelta(seconds=90))
    again = await volunteering.check_in(people.lin, shift_id, token=code.token, secret=SECRET)
    assert again.checked_in_at == first.checked_in_at
    left = await volunteering.check_out(people.lin, shift_id, secret=SECRET)
    again = await volunteering.check_out(people.lin, shift_id, secret=SECRET)
    assert again.checked_out_at == left.checked_out_at
    assert left.checked_out_at is not None
    with pytest.raises(AlreadyCheckedIn):
        await volunteering.cancel(people.lin, shift_id)


async def test_a_code_lives_in_its_half_minute_and_the_next(people: People, move_clock: MoveClock) -> None:
    shift_id = await one_shift(people)
    for who in ("lin", "mei"):
        await volunteering.sign_up(people[who], shift_id)
    await move_clock(hours(4.5))
    code = await volunteering.check_in_code(people.ma, shift_id, secret=SECRET)
    await move_clock(timedelta(seconds=30))
    await volunteering.check_in(people.lin, shift_id, token=code.token, secret=SECRET)
    await move_clock(timedelta(seconds=60))
    with pytest.raises(StaleCode):
        await volunteering.check_in(people.mei, shift_id, token=code.token, secret=SECRET)


async def test_foreign_and_forged_codes_are_refused(people: People, move_clock: MoveClock) -> None:
    made = await organised(people, await plan(after=1, length=1), await plan(after=3))
    one, other = (shift.id for shift in made.shifts)
    await volunteering.sign_up(people.lin, one)
    foreign = await volunteering.check_in_code(people.ma, other, secret=SECRET)
    forged = await volunteering.check_in_code(people.ma, one, secret="another secret of the same kind")
    for token in (foreign.token, forged.token, "abc", "签到", ""):
        with pytest.raises(StaleCode):
            await volunteering.check_in(people.lin, one, token=token, secret=SECRET)


async def test_only_the_leader_shows_the_code_and_checks_others_in(people: People) -> None:
    shift_id = await one_shift(people, after=0.5)
    await volunteering.sign_up(people.lin, shift_id)
    for who in ("lin", "chen", "wu", "guest"):
        with pytest.raises(Forbidden):
            await volunteering.check_in_code(people[who], shift_id, secret=SECRET)
        with pytest.raises(Forbidden):
            await volunteering.check_in(people[who], shift_id, resident_id=people.lin.id, secret=SECRET)
    entered = await volunteering.check_in(people.ma, shift_id, resident_id=people.lin.id, secret=SECRET)
    assert (entered.resident_id, entered.checked_in_by_id) == (people.lin.id, people.ma.id)  # type: ignore[attr-defined]


async def test_only_a_seat_checks_in(people: People) -> None:
    shift_id = await one_shift(people, after=0.5, capacity=1)
    code = await volunteering.check_in_code(people.ma, shift_id, secret=SECRET)
    for who in ("lin", "mei"):
        await volunteering.sign_up(people[who], shift_id)
    with pytest.raises(InvalidState):
        await volunteering.check_in(people.mei, shift_id, token=code.token, secret=SECRET)
    with pytest.raises(NotSignedUp):
        await volunteering.check_in(people.wang, shift_id, token=code.token, secret=SECRET)
    with pytest.raises(NotCheckedIn):
        await volunteering.check_out(people.lin, shift_id, secret=SECRET)
    with pytest.raises(Invalid):
        await volunteering.check_out(people.lin, shift_id, minutes=60, secret=SECRET)


async def test_not_earlier_than_an_hour_before_nor_after_the_end(people: People, move_clock: MoveClock) -> None:
    shift_id = await one_shift(people, after=2)
    await volunteering.sign_up(people.lin, shift_id)

    async def enter() -> Signup:
        return await volunteering.check_in(people.ma, shift_id, resident_id=people.lin.id, secret=SECRET)

    await move_clock(hours(1) - timedelta(seconds=20))
    with pytest.raises(CheckInClosed):
        await enter()
    await move_clock(hours(3) + timedelta(seconds=20))
    with pytest.raises(CheckInClosed):
        await enter()


# --- hours


async def test_confirmed_hours_become_a_record(people: People, move_clock: MoveClock) -> None:
    shift_id = await one_shift(people)
    await came(people, shift_id, "lin", move_clock)
    done = await volunteering.confirm_hours(people.ma, shift_id)
    assert [(record.resident_id, record.minutes) for record in done.records] == [(people.lin.id, 60)]
    again = await volunteering.confirm_hours(people.ma, shift_id)
    assert [record.id for record in again.records] == [record.id for record in done.records]
    mine = await volunteering.own_records(people.lin, page=Page())
    assert [(record.minutes, record.title) for record in mine.items] == [(60, "陪老人逛公园")]
    told = await Notice.get(resident_id=people.lin.id, kind="hours.confirmed")
    assert told.params == {"title": "陪老人逛公园", "minutes": 60}


async def test_the_leader_may_say_otherwise_but_not_the_impossible(people: People, move_clock: MoveClock) -> None:
    shift_id = await one_shift(people)
    await came(people, shift_id, "lin", move_clock)  # an hour into the shift: at most 60 + 60 minutes so far
    for minutes in (0, -5, 122):
        with pytest.raises(ImpossibleHours):
            await volunteering.confirm_hours(people.ma, shift_id, entries={people.lin.id: minutes})
    await move_clock(hours(10))
    with pytest.raises(ImpossibleHours):
        await volunteering.confirm_hours(people.ma, shift_id, entries={people.lin.id: 181})
    done = await volunteering.confirm_hours(people.ma, shift_id, entries={people.lin.id: 180})
    assert done.records[0].minutes == 180
    with pytest.raises(AlreadyExists):
        await volunteering.confirm_hours(people.ma, shift_id, entries={people.lin.id: 100})


async def test_who_did_not_come_has_no_hours(people: People, move_clock: MoveClock) -> None:
    shift_id = await one_shift(people)
    await volunteering.sign_up(people.mei, shift_id)
    await came(people, shift_id, "lin", move_clock)
    for absent in (people.mei.id, people.wang.id):
        with pytest.raises(NotCheckedIn):
            await volunteering.confirm_hours(people.ma, shift_id, entries={people.lin.id: 60, absent: 60})
    assert await ServiceRecord.all().count() == 0


async def test_nobody_confirms_his_own_hours(people: People, move_clock: MoveClock) -> None:
    made = await organised(people)
    shift_id = made.shifts[0].id
    for who in ("ma", "lin"):
        await volunteering.sign_up(people[who], shift_id)
    await move_clock(hours(5))
    for who in ("ma", "lin"):
        await volunteering.check_in(people.ma, shift_id, resident_id=people[who].id, secret=SECRET)
    await move_clock(hours(2))
    for who in ("ma", "lin"):
        await volunteering.check_out(people.ma, shift_id, resident_id=people[who].id, secret=SECRET)
    with pytest.raises(OwnHours):
        await volunteering.confirm_hours(people.ma, shift_id, entries={people.ma.id: 60})
    by_leader = await volunteering.confirm_hours(people.ma, shift_id)
    assert [record.resident_id for record in by_leader.records] == [people.lin.id]
    by_staff = await volunteering.confirm_hours(people.chen, shift_id)
    assert [record.resident_id for record in by_staff.records] == [people.lin.id, people.ma.id]


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("mei", True),
        ("ma", True),
        ("chen", True),
        ("he", True),
        ("lin", False),
        ("wang", False),
        ("sun", False),
        ("deng", False),
        ("qian", False),
    ],
)
async def test_who_confirms_hours(people: People, move_clock: MoveClock, who: str, allowed: bool) -> None:
    made = await organised(people, leader_id=people.mei.id)
    shift_id = made.shifts[0].id
    await volunteering.sign_up(people.lin, shift_id)
    await move_clock(hours(5))
    await volunteering.check_in(people.mei, shift_id, resident_id=people.lin.id, secret=SECRET)
    if allowed:
        confirmed = await volunteering.confirm_hours(people[who], shift_id, entries={people.lin.id: 30})
        assert confirmed.records[0].confirmed_by_id == people[who].id
    else:
        with pytest.raises(Forbidden):
            await volunteering.confirm_hours(people[who], shift_id, entries={people.lin.id: 30})


# --- tasks


async def test_a_task_is_claimed_reported_and_confirmed(people: People) -> None:
    made = await organised(people, ShiftPlan(1, "楼下药店"), kind=ActivityKind.TASK)
    shift_id = made.shifts[0].id
    assert (await volunteering.sign_up(people.lin, shift_id)).state is SignupState.CONFIRMED
    assert (await volunteering.sign_up(people.mei, shift_id)).state is SignupState.WAITLISTED
    with pytest.raises(Invalid):
        await volunteering.check_out(people.lin, shift_id, secret=SECRET)
    reported = await volunteering.check_out(people.lin, shift_id, minutes=40, note="药已送到", secret=SECRET)
    assert (reported.reported_minutes, reported.note) == (40, "药已送到")
    with pytest.raises(AlreadyCheckedIn):
        await volunteering.cancel(people.lin, shift_id)
    done = await volunteering.confirm_hours(people.ma, shift_id)
    assert [(record.resident_id, record.minutes) for record in done.records] == [(people.lin.id, 40)]


async def test_tasks_without_a_time_overlap_nothing(people: People) -> None:
    shift_id = await one_shift(people)
    await volunteering.sign_up(people.lin, shift_id)
    for _ in range(2):
        made = await organised(people, ShiftPlan(1, "楼下药店"), kind=ActivityKind.TASK)
        assert (await volunteering.sign_up(people.lin, made.shifts[0].id)).state is SignupState.CONFIRMED
        await volunteering.cancel(people.lin, made.shifts[0].id)
        assert (await volunteering.sign_up(people.lin, made.shifts[0].id)).state is SignupState.CONFIRMED


async def test_a_planted_miscount_is_found(people: People) -> None:
    shift_id = await one_shift(people)
    await volunteering.sign_up(people.lin, shift_id)
    assert await volunteering.miscounted() == []
    await db.execute("UPDATE shifts SET taken = 2 WHERE id = $1", shift_id)
    assert await volunteering.miscounted() == [shift_id]


async def test_who_lost_his_home_here_no_longer_signs_up(people: People) -> None:
    shift_id = await one_shift(people)
    await db.execute(
        "UPDATE memberships SET until_at = clock_now() WHERE resident_id = $1 AND until_at IS NULL", people.lin.id
    )
    with pytest.raises(NotVerified):
        await volunteering.sign_up(await residents.actor(people.lin.id), shift_id)
