"""Many at once: seats are never oversold, the queue has no gaps, and whoever waited longest is seated first."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

import pytest
from tortoise.exceptions import IntegrityError

from app.core import clock, db
from app.core.db import constraint_name
from app.core.errors import AlreadyExists, NotFound
from app.core.pages import Page
from models.events import Notice
from models.volunteering import ActivityKind, OverlappingShift, ServiceRecord, Shift, Signup, SignupState
from services import volunteering
from services.volunteering import HandOver, ShiftPlan
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.together.crowd import neighbours

SECRET = "k" * 32
Work = Callable[[], Awaitable[object]]


async def one_shift(people: People, capacity: int, after_hours: float = 5) -> int:
    starts_at = await clock.now() + timedelta(hours=after_hours)
    made = await passed(
        await volunteering.organise(
            people.ma,
            community_id=people.jy,
            kind=ActivityKind.SERVICE,
            title="清理楼道",
            body="请带手套",
            shifts=[ShiftPlan(capacity, "7号楼", starts_at, starts_at + timedelta(hours=2))],
        )
    )
    return made.shifts[0].id


async def all_at_once(works: Sequence[Work]) -> list[object]:
    """As many at a time as there are connections; what each gave or raised."""
    connections = asyncio.Semaphore(20)

    async def one(work: Work) -> object:
        async with connections:
            return await work()

    return await asyncio.gather(*(one(work) for work in works), return_exceptions=True)


async def queue(shift_id: int) -> list[Signup]:
    return await Signup.filter(shift_id=shift_id, state=SignupState.WAITLISTED).order_by("queue_number")


async def test_two_hundred_for_seven_places(committed: str) -> None:
    people = await People.load()
    shift_id = await one_shift(people, 7)
    crowd = await neighbours(people, 200)
    answers = await all_at_once([partial(volunteering.sign_up, who, shift_id) for who in crowd])
    assert all(isinstance(answer, Signup) for answer in answers), answers
    signups = [answer for answer in answers if isinstance(answer, Signup)]
    assert sum(signup.state is SignupState.CONFIRMED for signup in signups) == 7
    waiting = [signup.position for signup in signups if signup.state is SignupState.WAITLISTED]
    assert sorted(waiting, key=lambda position: position or 0) == list(range(1, 194))
    assert len({signup.resident_id for signup in signups}) == 200
    assert (await Shift.get(id=shift_id)).taken == 7
    assert await volunteering.miscounted() == []


async def test_one_person_twenty_times_at_once_has_one_seat(committed: str) -> None:
    people = await People.load()
    shift_id = await one_shift(people, 7)
    answers = await all_at_once([partial(volunteering.sign_up, people.lin, shift_id)] * 20)
    assert {answer.id for answer in answers if isinstance(answer, Signup)} == {(await Signup.get()).id}
    assert len([answer for answer in answers if isinstance(answer, Signup)]) == 20
    assert (await Shift.get(id=shift_id)).taken == 1
    assert await Notice.filter(kind="signup.confirmed").count() == 1


async def test_a_seat_given_up_twenty_times_at_once_is_free_once(committed: str) -> None:
    people = await People.load()
    shift_id = await one_shift(people, 1)
    for who in (people.lin, people.mei, people.wang):
        await volunteering.sign_up(who, shift_id)
    answers = await all_at_once([partial(volunteering.cancel, people.lin, shift_id)] * 20)
    assert answers == [None] * 20
    assert (await Signup.get(state=SignupState.CONFIRMED)).resident_id == people.mei.id
    assert [signup.resident_id for signup in await queue(shift_id)] == [people.wang.id]


async def test_coming_and_going_keeps_the_count_and_the_order(committed: str) -> None:
    people = await People.load()
    shift_id = await one_shift(people, 7)
    crowd = await neighbours(people, 80)
    seated, waiting, late = crowd[:7], crowd[7:50], crowd[50:]
    for who in seated + waiting:
        await volunteering.sign_up(who, shift_id)
    chance = random.Random(7)
    leaving = [*seated, *chance.sample(waiting, 18)]
    works: list[Work] = [partial(volunteering.cancel, who, shift_id) for who in leaving]
    works += [partial(volunteering.sign_up, who, shift_id) for who in late]
    works += [partial(volunteering.cancel, who, shift_id) for who in leaving]
    chance.shuffle(works)
    answers = await all_at_once(works)
    assert not [answer for answer in answers if isinstance(answer, BaseException)]
    stay = [who.id for who in waiting if who not in leaving]
    confirmed = await Signup.filter(shift_id=shift_id, state=SignupState.CONFIRMED)
    # Nobody who waited is passed by anybody who waited behind him, or came later.
    by_number = [signup.resident_id for signup in await queue(shift_id)]
    assert {signup.resident_id for signup in confirmed} == set(stay[:7])
    assert [who for who in by_number if who in stay] == stay[7:]
    assert by_number[: len(stay) - 7] == stay[7:]
    assert len(by_number) == len(stay) - 7 + len(late)
    assert (await Shift.get(id=shift_id)).taken == 7
    assert await volunteering.miscounted() == []


async def test_two_overlapping_shifts_at_once_give_one_seat(committed: str) -> None:
    people = await People.load()
    shift_ids = [await one_shift(people, 7), await one_shift(people, 7, after_hours=6)]
    crowd = await neighbours(people, 20)
    works = [partial(volunteering.sign_up, who, shift_id) for who in crowd[:6] for shift_id in shift_ids]
    answers = await all_at_once(works)
    assert sum(isinstance(answer, Signup) for answer in answers) == 6
    assert sum(isinstance(answer, OverlappingShift) for answer in answers) == 6
    assert await volunteering.miscounted() == []


async def test_a_free_seat_passes_over_whoever_takes_another_at_that_moment(committed: str) -> None:
    people = await People.load()
    one, other = await one_shift(people, 10), await one_shift(people, 10, after_hours=6)
    crowd = await neighbours(people, 20)
    for who in crowd:
        await volunteering.sign_up(who, one)
    seated, waiting = crowd[:10], crowd[10:]
    works: list[Work] = []
    for leaving, waits in zip(seated, waiting, strict=True):
        works += [partial(volunteering.cancel, leaving, one), partial(volunteering.sign_up, waits, other)]
    answers = await all_at_once(works)
    assert {type(answer) for answer in answers} <= {type(None), Signup, OverlappingShift}
    assert answers[::2] == [None] * 10
    for who in waiting:
        assert await Signup.filter(resident_id=who.id, state=SignupState.CONFIRMED).count() == 1
    assert await volunteering.miscounted() == []


async def test_confirming_at_once_makes_one_record_each(committed: str) -> None:
    people = await People.load()
    shift_id = await one_shift(people, 7, after_hours=0.5)
    await volunteering.sign_up(people.lin, shift_id)
    await volunteering.check_in(people.ma, shift_id, resident_id=people.lin.id, secret=SECRET)
    leaders = [people.ma, people.chen, people.he, people.zhao]
    answers = await all_at_once(
        [partial(volunteering.confirm_hours, who, shift_id, entries={people.lin.id: 20}) for who in leaders]
    )
    assert sum(isinstance(answer, AlreadyExists) for answer in answers) == 3
    assert (await ServiceRecord.get()).minutes == 20


async def take_without_looking(shift_id: int) -> None:
    await db.execute("UPDATE shifts SET taken = taken + 1 WHERE id = $1", shift_id)


async def test_the_database_itself_refuses_the_eighth_seat(committed: str) -> None:
    people = await People.load()
    shift_id = await one_shift(people, 7)
    answers = await all_at_once([partial(take_without_looking, shift_id)] * 40)
    refused = [answer for answer in answers if isinstance(answer, IntegrityError)]
    assert {constraint_name(refusal) for refusal in refused} == {"shifts_taken"}
    assert len(refused) == 33
    assert (await Shift.get(id=shift_id)).taken == 7


async def test_without_its_check_it_would_be_oversold(committed: str) -> None:
    people = await People.load()
    shift_id = await one_shift(people, 7)
    await without("ALTER TABLE shifts DROP CONSTRAINT shifts_taken")
    await all_at_once([partial(take_without_looking, shift_id)] * 40)
    assert (await Shift.get(id=shift_id)).taken == 40


SEAT = """
INSERT INTO signups (community_id, shift_id, resident_id, period, state)
SELECT community_id, id, $2, period, 'confirmed' FROM shifts WHERE id = $1
"""


@pytest.mark.parametrize(
    ("guard", "dropped"),
    [
        ("signups_one_live", "DROP INDEX signups_one_live"),
        ("signups_no_overlap", "ALTER TABLE signups DROP CONSTRAINT signups_no_overlap"),
    ],
)
async def test_each_guard_of_a_seat_stands_alone(committed: str, guard: str, dropped: str) -> None:
    """One guard refuses a second seat at one time; with both gone the same person sits twice."""
    people = await People.load()
    shift_id = await one_shift(people, 7)
    await without(dropped)
    answers = await all_at_once([partial(db.execute, SEAT, shift_id, people.lin.id)] * 10)
    assert sum(isinstance(answer, IntegrityError) for answer in answers) == 9
    other = {"signups_one_live": "ALTER TABLE signups DROP CONSTRAINT signups_no_overlap"}
    await without(other.get(guard, "DROP INDEX signups_one_live"))
    await all_at_once([partial(db.execute, SEAT, shift_id, people.lin.id)] * 10)
    assert await Signup.filter(resident_id=people.lin.id, state=SignupState.CONFIRMED).count() == 11


async def without(statement: str) -> None:
    """Take a guard away, in this test's own database."""

    async def drop() -> None:
        await db.execute(statement)

    async with db.tx():
        await as_owner(drop)


async def test_a_team_is_handed_over_to_whoever_leaves_at_once(committed: str) -> None:
    people = await People.load()
    for _ in range(10):
        made = await passed(await volunteering.found_team(people.lin, community_id=people.jy, name="队", body="来"))
        await volunteering.join_team(people.mei, made.id)
        found = {line.nickname: line for line in (await volunteering.members(people.lin, made.id, page=Page())).items}
        member_id = found["阿梅"].id
        await volunteering.answer_member(people.lin, member_id, accepted=True)
        handed, left = await all_at_once(
            [
                partial(volunteering.hand_team_over, people.lin, made.id, member_id=member_id),
                partial(volunteering.leave_team, people.mei, made.id),
            ]
        )
        assert isinstance(handed, NotFound) or isinstance(left, HandOver), (handed, left)
        leader = (await volunteering.find_team(people.lin, made.id)).leader_id
        assert leader == (people.lin.id if isinstance(handed, NotFound) else people.mei.id)


async def test_the_last_two_leave_a_team_at_once(committed: str) -> None:
    people = await People.load()
    for _ in range(10):
        made = await passed(await volunteering.found_team(people.lin, community_id=people.jy, name="队", body="来"))
        await volunteering.join_team(people.mei, made.id)
        found = {line.nickname: line for line in (await volunteering.members(people.lin, made.id, page=Page())).items}
        await volunteering.answer_member(people.lin, found["阿梅"].id, accepted=True)
        first, second = await all_at_once(
            [partial(volunteering.leave_team, who, made.id) for who in (people.lin, people.mei)]
        )
        assert not isinstance(second, BaseException)
        seen = await volunteering.find_team(people.lin, made.id)
        expected = (people.lin.id, 1) if isinstance(first, HandOver) else (None, 0)
        assert (seen.leader_id, seen.members) == expected, first
