"""Shifts that ask for something, change, are called off; reminders, absence, disputes; helped volunteers."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock, db
from app.core.errors import AlreadyExists, Forbidden, Invalid, InvalidState, NotFound, NotVerified
from app.core.pages import Page
from models.base import Moderation
from models.events import Notice
from models.residents import Assistance, ConsentKind, Resident
from models.volunteering import (
    Activity,
    ActivityKind,
    AlreadyCheckedIn,
    DisputeState,
    ImpossibleHours,
    NotIndependent,
    OverlappingShift,
    SeatsTaken,
    ServiceCorrection,
    ServiceRecord,
    Shift,
    ShiftState,
    Signup,
    SignupState,
    Skill,
)
from services import assistances, events, volunteering
from services.residents import OnBehalfOf
from services.volunteering import (
    CancelClosed,
    CheckInClosed,
    NotSignedUp,
    ShiftPlan,
    ShiftStarted,
    SkillsMissing,
    TooYoung,
)
from tests.passing import passed
from tests.people import People
from tests.services.test_volunteering import SECRET, hours, one_shift, organised, plan

MoveClock = Callable[[timedelta], Awaitable[None]]


async def asking(people: People, **asked: Any) -> int:
    """The id of a shift that asks for something."""
    starts_at = await clock.now() + hours(5)
    made = await organised(people, ShiftPlan(2, "活动室", starts_at, starts_at + hours(2), **asked))
    return made.shifts[0].id


async def state_of(shift_id: int, who: int) -> SignupState:
    return (await Signup.filter(shift_id=shift_id, resident_id=who).order_by("-id").first()).state  # type: ignore[union-attr]


async def told(who: int, kind: str) -> int:
    return await Notice.filter(resident_id=who, kind=kind).count()


# --- skills and ages


async def test_whoever_has_the_skills_signs_up(people: People) -> None:
    shift_id = await asking(people, skills=[Skill.FIRST_AID, Skill.DRIVING])
    await volunteering.set_skills(people.lin, [Skill.DRIVING])
    with pytest.raises(SkillsMissing) as refused:
        await volunteering.sign_up(people.lin, shift_id)
    assert refused.value.extra == {"skills": ["first_aid"]}
    with pytest.raises(SkillsMissing):
        await volunteering.sign_up(people.mei, shift_id)
    await volunteering.set_skills(people.lin, [Skill.MUSIC, Skill.FIRST_AID, Skill.DRIVING, Skill.DRIVING])
    assert await volunteering.skills(people.lin) == [Skill.DRIVING, Skill.FIRST_AID, Skill.MUSIC]
    assert (await volunteering.sign_up(people.lin, shift_id)).state is SignupState.CONFIRMED
    await volunteering.set_skills(people.lin, [])
    assert (await volunteering.sign_up(people.lin, shift_id)).state is SignupState.CONFIRMED  # stays his


@pytest.mark.parametrize(
    ("years", "of_age", "minimum", "let_in"),
    [
        (17, False, 16, True),
        (16, False, 16, False),  # his birthday may still lie ahead
        (15, False, 16, False),
        (19, False, 18, True),
        (18, False, 18, False),
        (18, True, 18, True),  # shown by his birth date
        (18, True, 19, False),
        (None, False, 6, False),
    ],
)
async def test_who_is_surely_old_enough(
    people: People, years: int | None, of_age: bool, minimum: int, let_in: bool
) -> None:
    shift_id = await asking(people, minimum_age=minimum)
    year = ((await clock.now()) + hours(5)).astimezone(clock.SHANGHAI).year
    await Resident.filter(id=people.lin.id).update(birth_year=years and year - years, of_age=of_age)
    if let_in:
        assert (await volunteering.sign_up(people.lin, shift_id)).state is SignupState.CONFIRMED
    else:
        with pytest.raises(TooYoung):
            await volunteering.sign_up(people.lin, shift_id)


# --- changing and calling off


async def test_more_seats_are_given_to_who_waits(people: People) -> None:
    shift_id = await one_shift(people, capacity=1)
    for who in ("lin", "mei", "wang", "sun"):
        await volunteering.sign_up(people[who], shift_id)
    view = await passed(await volunteering.change_shift(people.ma, shift_id, capacity=3))
    assert (view.shifts[0].taken, view.shifts[0].waitlisted) == (3, 1)
    assert await state_of(shift_id, people.sun.id) is SignupState.WAITLISTED
    assert await told(people.mei.id, "signup.promoted") == 1
    with pytest.raises(SeatsTaken):
        await volunteering.change_shift(people.ma, shift_id, capacity=2)
    await volunteering.change_shift(people.ma, shift_id, capacity=3)
    assert await volunteering.miscounted() == []


async def test_a_moved_shift_takes_its_people_along_and_frees_who_is_elsewhere(
    people: People, move_clock: MoveClock
) -> None:
    made = await organised(people, await plan(after=5, capacity=2), await plan(after=9, capacity=5))
    early, late = (shift.id for shift in made.shifts)
    for who in ("lin", "mei", "wang"):
        await volunteering.sign_up(people[who], early)
    await volunteering.sign_up(people.lin, late)
    starts_at = await clock.now() + hours(8)
    await volunteering.change_shift(people.ma, early, starts_at=starts_at, ends_at=starts_at + hours(3))
    assert await state_of(early, people.lin.id) is SignupState.CANCELLED
    assert await state_of(early, people.wang.id) is SignupState.CONFIRMED  # next in line
    assert await told(people.lin.id, "signup.displaced") == 1
    assert [await told(people[who].id, "shift.changed") for who in ("mei", "wang", "ma")] == [1, 1, 0]
    with pytest.raises(OverlappingShift):
        await volunteering.sign_up(people.mei, late)
    await move_clock(hours(7))
    await volunteering.cancel(people.mei, early)  # moved after she signed up: she may still go
    assert await volunteering.miscounted() == []


async def test_who_signs_up_after_the_move_keeps_to_it(people: People, move_clock: MoveClock) -> None:
    shift_id = await one_shift(people)
    starts_at = await clock.now() + hours(4)
    await passed(
        await volunteering.change_shift(people.ma, shift_id, starts_at=starts_at, ends_at=starts_at + hours(1))
    )
    await move_clock(hours(3))
    await volunteering.sign_up(people.lin, shift_id)
    with pytest.raises(CancelClosed):
        await volunteering.cancel(people.lin, shift_id)


async def test_what_cannot_be_changed(people: People, move_clock: MoveClock) -> None:
    shift_id = await one_shift(people, after=0.5)
    now = await clock.now()
    with pytest.raises(Invalid):
        await volunteering.change_shift(people.ma, shift_id, starts_at=now + hours(5))  # ends before
    with pytest.raises(Invalid):
        await volunteering.change_shift(people.ma, shift_id, starts_at=None, ends_at=None)  # no task
    await volunteering.sign_up(people.lin, shift_id)
    await volunteering.check_in(people.ma, shift_id, resident_id=people.lin.id, secret=SECRET)
    with pytest.raises(AlreadyCheckedIn):
        await volunteering.change_shift(people.ma, shift_id, starts_at=now + hours(1))
    with pytest.raises(AlreadyCheckedIn):
        await volunteering.cancel_shift(people.ma, shift_id, reason="下雨")
    await move_clock(hours(1))
    with pytest.raises(ShiftStarted):
        await volunteering.change_shift(people.ma, shift_id, capacity=9)
    with pytest.raises(ShiftStarted):
        await volunteering.cancel_shift(people.ma, shift_id, reason="下雨")


@pytest.mark.parametrize(
    ("who", "allowed"),
    [("mei", True), ("ma", True), ("chen", True), ("he", True), ("lin", False), ("wu", False), ("deng", False)],
)
async def test_who_changes_and_calls_off(people: People, who: str, allowed: bool) -> None:
    made = await organised(people, leader_id=people.mei.id)
    shift_id = made.shifts[0].id
    deeds: list[Callable[[], Awaitable[object]]] = [
        lambda: volunteering.change_shift(people[who], shift_id, capacity=5),
        lambda: volunteering.change_activity(people[who], made.id, cancel_hours=1),
        lambda: volunteering.cancel_shift(people[who], shift_id, reason="下雨"),
    ]
    for deed in deeds:
        if allowed:
            await deed()
        else:
            with pytest.raises(Forbidden):
                await deed()
    if not allowed:
        with pytest.raises(Forbidden):
            await volunteering.cancel_activity(people[who], made.id, reason="下雨")


async def test_a_shift_called_off_is_empty_and_everybody_hears_why(people: People) -> None:
    made = await organised(people, await plan(after=5, capacity=1), await plan(after=9))
    shift_id = made.shifts[0].id
    for who in ("lin", "mei"):
        await volunteering.sign_up(people[who], shift_id)
    view = await volunteering.cancel_shift(people.chen, shift_id, reason="下雨")
    assert (view.shifts[0].state, view.shifts[0].taken, view.state) == (ShiftState.CANCELLED, 0, ShiftState.PLANNED)
    assert [await told(people[who].id, "shift.cancelled") for who in ("lin", "mei", "ma", "wang")] == [1, 1, 1, 0]
    for deed in (
        volunteering.sign_up(people.wang, shift_id),
        volunteering.cancel_shift(people.ma, shift_id, reason="again"),
        volunteering.change_shift(people.ma, shift_id, capacity=2),
    ):
        with pytest.raises(InvalidState):
            await deed
    await volunteering.cancel(people.lin, shift_id)  # nothing left to give up
    assert await volunteering.miscounted() == []


async def test_an_activity_called_off_ends_all_that_lies_ahead(people: People, move_clock: MoveClock) -> None:
    made = await organised(people, await plan(after=1), await plan(after=5), await plan(after=9))
    for shift in made.shifts:
        await volunteering.sign_up(people.lin, shift.id)
    await move_clock(hours(2))
    view = await volunteering.cancel_activity(people.ma, made.id, reason="疫情")
    assert [shift.state for shift in view.shifts] == [ShiftState.PLANNED, ShiftState.CANCELLED, ShiftState.CANCELLED]
    assert await told(people.lin.id, "shift.cancelled") == 1
    assert await state_of(made.shifts[0].id, people.lin.id) is SignupState.CONFIRMED
    with pytest.raises(InvalidState):
        await volunteering.cancel_activity(people.ma, made.id, reason="疫情")


async def test_changed_words_are_checked_and_told(people: People) -> None:
    made = await organised(people)
    await volunteering.sign_up(people.lin, made.shifts[0].id)
    view = await volunteering.change_activity(people.ma, made.id, title="陪老人看花", leader_id=people.mei.id)
    assert (view.activity.title, view.activity.moderation, view.activity.leader_id) == (
        "陪老人看花",
        "checking",
        people.mei.id,
    )
    with pytest.raises(NotFound):
        await volunteering.find(people.wang, made.id)
    assert await told(people.lin.id, "activity.changed") == await told(people.mei.id, "activity.led") == 1
    with pytest.raises(Invalid):
        await volunteering.change_activity(people.ma, made.id, leader_id=people.wu.id)


async def test_a_leader_who_is_no_staff_changes_words(people: People) -> None:
    made = await organised(people, leader_id=people.lin.id)
    shift_id = made.shifts[0].id
    assert (await volunteering.change_activity(people.lin, made.id, body="请带手套")).activity.body == "请带手套"
    assert (await volunteering.change_shift(people.lin, shift_id, place_text="8号楼")).shifts[0].place_text == "8号楼"
    assert await volunteering.check_in_code(people.lin, shift_id, secret=SECRET)


@pytest.mark.parametrize("moderation", [Moderation.CHECKING, Moderation.QUEUED, Moderation.HIDDEN])
async def test_who_is_signed_up_keeps_his_way_out_when_words_are_not_shown(
    people: People, moderation: Moderation
) -> None:
    made = await organised(people)
    shift_id = made.shifts[0].id
    for who in ("lin", "mei"):
        await volunteering.sign_up(people[who], shift_id)
    await Activity.filter(id=made.id).update(moderation=moderation)
    seen = await volunteering.find(people.mei, made.id)
    assert (seen.activity.title, seen.activity.body, seen.shifts[0].place_text) == ("志愿活动", "", "")
    assert seen.shifts[0].my_state is SignupState.CONFIRMED
    listed = await volunteering.listed(people.mei, community_id=people.jy, page=Page())
    assert [(found.id, found.activity.title) for found in listed.items] == [(made.id, "志愿活动")]
    assert (await volunteering.find(people.ma, made.id)).activity.title == "陪老人逛公园"
    assert (await volunteering.sign_up(people.lin, shift_id)).state is SignupState.CONFIRMED  # again
    await volunteering.cancel(people.mei, shift_id)
    for who in ("mei", "wang"):
        with pytest.raises(NotFound):
            await volunteering.find(people[who], made.id)
        with pytest.raises(NotFound):
            await volunteering.sign_up(people[who], shift_id)


async def test_who_is_passed_over_is_told_once_and_keeps_his_place(people: People) -> None:
    now = await clock.now()
    made = await organised(people, *(ShiftPlan(1, "活动室", now + hours(9), now + hours(11)) for _ in range(2)))
    one, other = (shift.id for shift in made.shifts)
    for who in ("wang", "lin", "mei", "sun"):
        await volunteering.sign_up(people[who], one)
    await volunteering.sign_up(people.lin, other)
    await volunteering.cancel(people.wang, one)
    assert await state_of(one, people.mei.id) is SignupState.CONFIRMED
    assert await told(people.lin.id, "signup.passed_over") == 1
    assert await told(people.sun.id, "signup.passed_over") == 0
    await volunteering.cancel(people.lin, other)
    await volunteering.cancel(people.mei, one)
    assert await state_of(one, people.lin.id) is SignupState.CONFIRMED
    assert await told(people.lin.id, "signup.passed_over") == 1


async def test_a_newcomer_does_not_pass_who_waits_and_can_come_again(people: People) -> None:
    now = await clock.now()
    made = await organised(people, *(ShiftPlan(1, "活动室", now + hours(9), now + hours(11)) for _ in range(2)))
    here, elsewhere = (shift.id for shift in made.shifts)
    await volunteering.sign_up(people.lin, elsewhere)
    for who in ("wang", "lin"):
        await volunteering.sign_up(people[who], here)
    await volunteering.cancel(people.wang, here)
    await volunteering.cancel(people.lin, elsewhere)
    assert await state_of(here, people.lin.id) is SignupState.WAITLISTED
    assert (await volunteering.sign_up(people.sun, here)).state is SignupState.WAITLISTED
    assert await state_of(here, people.lin.id) is SignupState.CONFIRMED


async def test_a_newcomer_takes_the_seat_of_who_waits_and_cannot_come(people: People) -> None:
    now = await clock.now()
    made = await organised(people, *(ShiftPlan(1, "活动室", now + hours(9), now + hours(11)) for _ in range(2)))
    here, elsewhere = (shift.id for shift in made.shifts)
    await volunteering.sign_up(people.lin, elsewhere)
    for who in ("wang", "lin"):
        await volunteering.sign_up(people[who], here)
    await volunteering.cancel(people.wang, here)
    assert (await volunteering.sign_up(people.sun, here)).state is SignupState.CONFIRMED
    assert await state_of(here, people.lin.id) is SignupState.WAITLISTED


# --- reminders


async def test_everybody_with_a_seat_is_reminded_a_day_and_two_hours_before(
    people: People, move_clock: MoveClock
) -> None:
    shift_id = await one_shift(people, after=48, capacity=2)
    for who in ("lin", "mei", "wang"):
        await volunteering.sign_up(people[who], shift_id)

    async def reminded(kind: str) -> list[int]:
        await volunteering.remind_volunteers()
        await volunteering.remind_volunteers()
        return [await told(people[who].id, kind) for who in ("lin", "mei", "wang")]

    await move_clock(hours(24) - timedelta(seconds=30))
    assert await reminded("shift.tomorrow") == [0, 0, 0]
    await move_clock(timedelta(seconds=30))
    assert await reminded("shift.tomorrow") == [1, 1, 0]
    await volunteering.cancel(people.mei, shift_id)
    assert await reminded("shift.tomorrow") == [1, 1, 1]  # 王伯 came up meanwhile
    await move_clock(hours(22) - timedelta(seconds=30))
    assert await reminded("shift.soon") == [0, 0, 0]
    await move_clock(timedelta(seconds=30))
    assert await reminded("shift.soon") == [1, 0, 1]
    await move_clock(hours(3))
    assert await reminded("shift.soon") == [1, 0, 1]


async def test_nobody_is_reminded_of_what_he_just_chose_or_what_is_off(people: People, move_clock: MoveClock) -> None:
    soon, off = await one_shift(people, after=1.5), await one_shift(people, after=30)
    await volunteering.sign_up(people.lin, soon)
    await volunteering.sign_up(people.mei, off)
    await volunteering.cancel_shift(people.ma, off, reason="下雨")
    await volunteering.remind_volunteers()
    await move_clock(hours(28))
    await volunteering.remind_volunteers()
    assert await Notice.filter(kind__in=("shift.soon", "shift.tomorrow")).count() == 0


async def test_a_moved_shift_is_reminded_of_again(people: People, move_clock: MoveClock) -> None:
    shift_id = await one_shift(people, after=30)
    await volunteering.sign_up(people.lin, shift_id)
    await move_clock(hours(8))
    await volunteering.remind_volunteers()
    starts_at = await clock.now() + hours(50)
    await volunteering.change_shift(people.ma, shift_id, starts_at=starts_at, ends_at=starts_at + hours(1))
    await move_clock(hours(30))
    await volunteering.remind_volunteers()
    assert await told(people.lin.id, "shift.tomorrow") == 2


# --- coming, or not


async def test_who_did_not_come_is_noted_and_told_and_it_can_be_put_right(
    people: People, move_clock: MoveClock
) -> None:
    shift_id = await one_shift(people, capacity=1)
    for who in ("lin", "mei"):
        await volunteering.sign_up(people[who], shift_id)

    async def note(leader: str = "ma", absent: str = "lin") -> Signup:
        return await volunteering.mark_no_show(people[leader], shift_id, resident_id=people[absent].id)

    with pytest.raises(CheckInClosed):
        await note()
    await move_clock(hours(5.5))
    with pytest.raises(Forbidden):
        await note(leader="chen")
    with pytest.raises(NotSignedUp):
        await note(absent="wang")
    with pytest.raises(InvalidState):
        await note(absent="mei")
    assert (await note()).no_show
    assert (await note()).no_show
    assert await told(people.lin.id, "signup.no_show") == 1
    late = await volunteering.check_in(people.ma, shift_id, resident_id=people.lin.id, secret=SECRET)
    assert not late.no_show
    with pytest.raises(AlreadyCheckedIn):
        await note()


async def test_the_leader_enters_afterwards_when_somebody_came_and_went(people: People, move_clock: MoveClock) -> None:
    shift_id = await one_shift(people)
    for who in ("lin", "mei"):
        await volunteering.sign_up(people[who], shift_id)
    start = (await Shift.get(id=shift_id)).starts_at
    assert start is not None
    await move_clock(hours(30))

    async def enter(came: timedelta, left: timedelta, who: str = "lin") -> None:
        about: dict[str, Any] = {"resident_id": people[who].id, "secret": SECRET}
        await volunteering.check_in(people.ma, shift_id, at=start + came, **about)
        await volunteering.check_out(people.ma, shift_id, at=start + left, **about)

    for came, left in ((hours(-1.01), hours(1)), (hours(2.01), hours(2.5)), (hours(40), hours(41))):
        with pytest.raises(CheckInClosed):
            await enter(came, left)
    await enter(hours(0.25), hours(1.75))
    assert (await volunteering.confirm_hours(people.ma, shift_id)).records[0].minutes == 90
    with pytest.raises(Invalid):
        await enter(hours(1), hours(0.5), "mei")
    await move_clock(timedelta(days=7))
    with pytest.raises(CheckInClosed):
        await volunteering.check_out(people.ma, shift_id, at=start + hours(2), resident_id=people.mei.id, secret=SECRET)


async def test_a_task_is_claimed_reported_and_confirmed(people: People) -> None:
    made = await organised(people, ShiftPlan(1, "楼下药店"), kind=ActivityKind.TASK)
    task = made.shifts[0].id
    with pytest.raises(NotSignedUp):
        await volunteering.report(people.lin, task, minutes=40)
    await volunteering.sign_up(people.lin, task)
    done = await volunteering.report(people.lin, task, minutes=40, note="药已送到")
    assert (done.reported_minutes, done.note) == (40, "药已送到")
    again = await volunteering.report(people.lin, task, minutes=99)
    assert again.reported_minutes == 40
    listed = await volunteering.signups(people.ma, task, page=Page())
    assert listed.items[0].photos == []
    assert [record.minutes for record in (await volunteering.confirm_hours(people.ma, task)).records] == [40]
    shift_id = await one_shift(people, after=0.5)
    await volunteering.sign_up(people.lin, shift_id)
    with pytest.raises(Invalid):
        await volunteering.report(people.lin, shift_id, minutes=40)


# --- hours that are not so


async def recorded(people: People, move_clock: MoveClock, leader: str = "mei") -> ServiceRecord:
    """小林's confirmed hour, led and confirmed by 阿梅."""
    made = await organised(people, leader_id=people[leader].id)
    shift_id = made.shifts[0].id
    await volunteering.sign_up(people.lin, shift_id)
    await move_clock(hours(5))
    await volunteering.check_in(people[leader], shift_id, resident_id=people.lin.id, secret=SECRET)
    await move_clock(hours(1) + timedelta(seconds=30))
    await volunteering.check_out(people.lin, shift_id, secret=SECRET)
    await volunteering.confirm_hours(people[leader], shift_id)
    return await ServiceRecord.get(shift_id=shift_id)


async def test_a_dispute_is_decided_by_another_and_every_step_stands(people: People, move_clock: MoveClock) -> None:
    record = await recorded(people, move_clock)
    seen = await volunteering.dispute(people.lin, record.id, reason="我提前到了")
    assert (seen.dispute, seen.minutes) == (DisputeState.OPEN, 60)
    assert await told(people.chen.id, "service_record.disputed") == 1
    assert [one.id for one in (await volunteering.disputed_records(people.ma, page=Page())).items] == [record.id]
    assert (await volunteering.disputed_records(people.deng, page=Page())).items == []
    with pytest.raises(AlreadyExists):
        await volunteering.dispute(people.lin, record.id, reason="再来")
    with pytest.raises(NotIndependent):
        await volunteering.resolve(people.mei, record.id, minutes=70, reason="好")
    with pytest.raises(InvalidState):
        await volunteering.correct(people.chen, record.id, minutes=70, reason="好")
    with pytest.raises(ImpossibleHours):
        await volunteering.resolve(people.chen, record.id, minutes=500, reason="好")
    seen = await volunteering.resolve(people.chen, record.id, minutes=75, reason="签到记录如此")
    assert (seen.dispute, seen.minutes, seen.confirmed_minutes) == (DisputeState.RESOLVED, 75, 60)
    assert (await ServiceRecord.get(id=record.id)).minutes == 60
    assert (await volunteering.own_records(people.lin, page=Page())).items[0].minutes == 75
    for deed in (
        volunteering.resolve(people.zhao, record.id, minutes=60, reason="不"),
        volunteering.correct(people.zhao, record.id, minutes=60, reason="不"),
    ):
        with pytest.raises(InvalidState):
            await deed
    verbs = [line.verb for line in await volunteering.history(people.lin, record.id)]
    assert verbs == ["service_record.disputed", "service_record.resolved"]
    assert await told(people.lin.id, "service_record.resolved") == 1


async def test_the_leader_corrects_what_nobody_disputes(people: People, move_clock: MoveClock) -> None:
    record = await recorded(people, move_clock)
    with pytest.raises(InvalidState):
        await volunteering.resolve(people.chen, record.id, minutes=50, reason="没有异议")
    for minutes in (50, 0, 55):
        seen = await volunteering.correct(people.mei, record.id, minutes=minutes, reason="记错了")
        assert seen.minutes == minutes
    assert await ServiceCorrection.filter(record_id=record.id).order_by("number").values_list("number", "minutes") == [
        (1, 50),
        (2, 0),
        (3, 55),
    ]
    facts = [line.facts for line in await volunteering.history(people.mei, record.id)]
    assert [(fact["before"], fact["after"]) for fact in facts] == [(60, 50), (50, 0), (0, 55)]


@pytest.mark.parametrize(
    ("who", "sees", "disputes", "corrects"),
    [
        ("lin", True, True, False),
        ("mei", True, False, True),
        ("ma", True, False, True),
        ("chen", True, False, True),
        ("he", True, False, True),
        ("wang", False, False, False),
        ("sun", False, False, False),
        ("deng", False, False, False),
        ("guest", False, False, False),
    ],
)
async def test_who_judges_hours(
    people: People, move_clock: MoveClock, who: str, sees: bool, disputes: bool, corrects: bool
) -> None:
    record = await recorded(people, move_clock)
    deeds: list[tuple[bool, Callable[[], Awaitable[object]]]] = [
        (corrects, lambda: volunteering.correct(people[who], record.id, minutes=50, reason="记错了")),
        (disputes, lambda: volunteering.dispute(people[who], record.id, reason="不对")),
    ]
    for allowed, deed in deeds:
        if allowed:
            await deed()
        else:
            with pytest.raises(Forbidden if sees else NotFound):
                await deed()


async def test_nobody_corrects_his_own_hours_though_he_leads(people: People, move_clock: MoveClock) -> None:
    shift_id = await one_shift(people)
    await volunteering.sign_up(people.ma, shift_id)
    await move_clock(hours(5))
    await volunteering.check_in(people.ma, shift_id, resident_id=people.ma.id, secret=SECRET)
    await move_clock(hours(1))
    await volunteering.confirm_hours(people.chen, shift_id, entries={people.ma.id: 30})
    record = await ServiceRecord.get(shift_id=shift_id)
    with pytest.raises(Forbidden):
        await volunteering.correct(people.ma, record.id, minutes=60, reason="更多")
    await volunteering.dispute(people.ma, record.id, reason="更多")
    with pytest.raises(Forbidden):
        await volunteering.resolve(people.ma, record.id, minutes=60, reason="更多")


async def test_sums_of_hours_count_corrections(people: People, move_clock: MoveClock) -> None:
    record = await recorded(people, move_clock)
    await volunteering.correct(people.mei, record.id, minutes=10, reason="记错了")
    total = await db.value("SELECT sum(minutes) FROM hours_served WHERE resident_id = $1", people.lin.id)
    assert total == 10
    assert (await volunteering.points(people.lin)).balance_minutes == 10


# --- on behalf of


def for_lin(people: People) -> OnBehalfOf:
    return OnBehalfOf(people.lin.id, ConsentKind.SIGNATURE)


async def test_a_building_head_signs_up_and_cancels_for_somebody_without_a_phone(people: People) -> None:
    shift_id = await one_shift(people, capacity=1)
    seat = await assistances.act(people.he, for_lin(people), "signup.made", volunteering.sign_up, shift_id)
    assert (seat.resident_id, seat.state) == (people.lin.id, SignupState.CONFIRMED)
    assert (await events.timeline(people.he, seat))[0].assisted
    await volunteering.sign_up(people.mei, shift_id)
    await assistances.act(people.he, for_lin(people), "shift.signup_cancelled", volunteering.cancel, shift_id)
    assert await state_of(shift_id, people.mei.id) is SignupState.CONFIRMED
    acts = await Assistance.filter(resident_id=people.lin.id).order_by("id").values_list("verb", flat=True)
    assert acts == ["signup.made", "shift.signup_cancelled"]
    assert (await Notice.get(kind="signup.cancelled")).params["name_id"] == people.lin.id


async def test_who_may_not_help(people: People) -> None:
    shift_id = await one_shift(people)
    for who in ("mei", "deng", "guest"):
        with pytest.raises(NotFound):
            await assistances.act(people[who], for_lin(people), "signup.made", volunteering.sign_up, shift_id)
    with pytest.raises(NotVerified):
        await volunteering.sign_up(people.guest, shift_id)


@pytest.mark.parametrize("kind", list(ActivityKind))
async def test_everybody_logged_in_reads_of_every_kind(people: People, kind: ActivityKind) -> None:
    made = await organised(people, kind=kind)
    for who in ("guest", "wu", "qian"):
        assert (await volunteering.find(people[who], made.id)).activity.kind is kind
