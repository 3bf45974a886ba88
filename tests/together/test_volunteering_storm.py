"""A thousand who want a seat, over two processes, coming and going: what happened is replayed, step by step.

Everything that happens to a shift happens under its lock, so its events, in the order of their ids, are its history.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.core import clock, db
from app.core.errors import Conflict
from app.core.settings import Settings
from models.volunteering import ActivityKind, NotEnoughHours, SeatsTaken, Shift, Signup, SignupState
from services import volunteering
from services.policies import Actor
from services.volunteering import ShiftPlan, seats
from tests.passing import passed
from tests.people import People
from tests.sandbox_process import SandboxProcess
from tests.together.crowd import neighbours, outcomes
from tests.together.test_volunteering import without
from tests.together.test_votes import ONE_USE, logged_in, two_processes

# Only what decides: who wanted, who got, who waited, who left.
HISTORY = """
SELECT e.verb, g.resident_id, g.shift_id FROM events e JOIN signups g ON g.id = e.subject_id
WHERE e.subject_kind = 'signup' AND g.shift_id = $1 ORDER BY e.id
"""
TWICE = """
SELECT count(*) FROM signups a JOIN signups b ON a.resident_id = b.resident_id AND a.id < b.id
WHERE a.state = 'confirmed' AND b.state = 'confirmed' AND a.period && b.period
"""


async def two_shifts(people: People, seats_of_the_first: int) -> tuple[int, int]:
    """Two shifts at times that overlap."""
    starts_at = await clock.now() + timedelta(hours=50)
    plans = [
        ShiftPlan(seats_of_the_first, "7号楼", starts_at, starts_at + timedelta(hours=2)),
        ShiftPlan(1000, "8号楼", starts_at + timedelta(hours=1), starts_at + timedelta(hours=3)),
    ]
    made = await passed(
        await volunteering.organise(
            people.ma, community_id=people.jy, kind=ActivityKind.SERVICE, title="清扫", body="带手套", shifts=plans
        )
    )
    return made.shifts[0].id, made.shifts[1].id


TRIES = 5
Do = Callable[[int, str, int], Awaitable[int]]
"""Somebody's request (`POST`, `DELETE`) about a shift; the status of its answer."""


@asynccontextmanager
async def over_two_processes(
    database: str, redis_url: str, sandbox: SandboxProcess, folder: Path, crowd: list[Actor]
) -> AsyncIterator[Do]:
    """Requests of the crowd to an API that runs twice."""
    tokens = dict(zip([who.id for who in crowd], await logged_in([who.id for who in crowd]), strict=True))
    with two_processes(database, redis_url, sandbox, folder) as urls:
        async with httpx.AsyncClient(trust_env=False, timeout=60, limits=ONE_USE) as client:

            async def do(who: int, method: str, shift_id: int) -> int:
                url = f"{random.choice(urls)}/v1/shifts/{shift_id}/signup"
                for _ in range(TRIES):  # a busy machine asks to come again, and a sign-up may
                    answer = await client.request(method, url, headers={"Authorization": f"Bearer {tokens[who]}"})
                    if answer.status_code != 503:
                        break
                    await asyncio.sleep(float(answer.headers["Retry-After"]))
                return answer.status_code

            yield do


def in_this_process(crowd: list[Actor]) -> Do:
    """The same, without HTTP."""
    actors = {who.id: who for who in crowd}

    async def do(who: int, method: str, shift_id: int) -> int:
        try:
            await (volunteering.sign_up if method == "POST" else volunteering.cancel)(actors[who], shift_id)
        except Conflict as refused:
            return refused.status
        return 200

    return do


async def storm(do: Do, crowd: list[Actor], shift_id: int, other_id: int, *, elsewhere: float) -> list[int]:
    """Everybody signs up; three in ten leave again, some come back; a part also wants the other shift. The statuses."""
    doors = asyncio.Semaphore(20)
    statuses: list[int] = []

    async def one(who: int) -> None:
        deeds = [("POST", shift_id)]
        if random.random() < elsewhere:
            deeds.insert(random.randint(0, 1), ("POST", other_id))
        if random.random() < 0.3:
            deeds.append(("DELETE", shift_id))
            if random.random() < 0.3:
                deeds.append(("POST", shift_id))
        for method, about in deeds:
            async with doors:
                statuses.append(await do(who, method, about))

    await asyncio.gather(*(one(who.id) for who in random.sample(crowd, len(crowd))))
    return statuses


def replay(history: list[dict[str, Any]], capacity: int) -> tuple[set[int], list[int]]:
    """Who has a seat and who waits, in order; each step must have been the only right one."""
    seated: set[int] = set()
    waiting: list[int] = []
    for line in history:
        who = line["resident_id"]
        match line["verb"]:
            case "signup.confirmed":
                assert len(seated) < capacity
                assert not waiting, "a newcomer was seated before those who wait"
                seated.add(who)
            case "signup.waitlisted":
                assert len(seated) == capacity, "somebody waits although there is a seat"
                waiting.append(who)
            case "signup.promoted":
                assert len(seated) < capacity
                assert waiting.pop(0) == who, "not who waited longest"
                seated.add(who)
            case "signup.cancelled":
                seated.discard(who)
                waiting[:] = [other for other in waiting if other != who]
    return seated, waiting


async def state(shift_id: int) -> tuple[set[int], list[int]]:
    confirmed = await Signup.filter(shift_id=shift_id, state=SignupState.CONFIRMED)
    waiting = await Signup.filter(shift_id=shift_id, state=SignupState.WAITLISTED).order_by("queue_number")
    return {signup.resident_id for signup in confirmed}, [signup.resident_id for signup in waiting]


async def seated_in_order(do: Do, crowd: list[Actor], shift_id: int, other_id: int, capacity: int) -> None:
    started = time.perf_counter()
    statuses = await storm(do, crowd, shift_id, other_id, elsewhere=0)
    took = time.perf_counter() - started
    assert set(statuses) <= {200, 204}
    seated, waiting = await state(shift_id)
    assert replay(await db.rows(HISTORY, shift_id), capacity) == (seated, waiting)
    assert len(seated) == min(capacity, len(seated) + len(waiting))
    assert (await Shift.get(id=shift_id)).taken == len(seated)
    assert await volunteering.miscounted() == []
    print(f"{len(statuses)} requests for {capacity} seats: {len(statuses) / took:.0f}/s")  # noqa: T201


async def never_twice(do: Do, crowd: list[Actor], shift_id: int, other_id: int) -> None:
    statuses = await storm(do, crowd, shift_id, other_id, elsewhere=0.6)
    assert set(statuses) <= {200, 204, 409}
    assert await db.value(TWICE) == 0
    assert await volunteering.miscounted() == []
    # Whoever waits although there is a seat is elsewhere at that time.
    seated, waiting = await state(shift_id)
    if len(seated) < (await Shift.get(id=shift_id)).capacity:
        assert set(waiting) <= (await state(other_id))[0]


async def test_a_crowd_coming_and_going_is_seated_exactly_in_order(committed: str) -> None:
    people = await People.load()
    shift_ids = await two_shifts(people, 7)
    crowd = await neighbours(people, 100)
    await seated_in_order(in_this_process(crowd), crowd, *shift_ids, 7)


async def test_nobody_is_in_two_overlapping_shifts(committed: str) -> None:
    people = await People.load()
    shift_ids = await two_shifts(people, 8)
    crowd = await neighbours(people, 60)
    await never_twice(in_this_process(crowd), crowd, *shift_ids)


async def test_without_the_constraint_somebody_would_be(committed: str) -> None:
    people = await People.load()
    shift_id, other_id = await two_shifts(people, 60)
    crowd = await neighbours(people, 60)
    await without("ALTER TABLE signups DROP CONSTRAINT signups_no_overlap")
    await storm(in_this_process(crowd), crowd, shift_id, other_id, elsewhere=0.6)
    assert await db.value(TWICE) > 0


@pytest.mark.prove
@pytest.mark.parametrize("capacity", [1, 7, 37, 500])
async def test_a_thousand_over_two_processes_are_seated_exactly_in_order(
    committed: str, settings: Settings, sandbox: SandboxProcess, tmp_path: Path, capacity: int
) -> None:
    people = await People.load()
    shift_ids = await two_shifts(people, capacity)
    crowd = await neighbours(people, 1000)
    async with over_two_processes(committed, settings.redis_url, sandbox, tmp_path, crowd) as do:
        await seated_in_order(do, crowd, *shift_ids, capacity)


@pytest.mark.prove
async def test_of_a_thousand_over_two_processes_nobody_is_in_two_shifts(
    committed: str, settings: Settings, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    people = await People.load()
    shift_ids = await two_shifts(people, 100)
    crowd = await neighbours(people, 1000)
    async with over_two_processes(committed, settings.redis_url, sandbox, tmp_path, crowd) as do:
        await never_twice(do, crowd, *shift_ids)


async def at_once(deeds: list[Callable[[], Awaitable[object]]]) -> dict[str, int]:
    return dict(await outcomes(deed() for deed in deeds))


@pytest.mark.parametrize("guard", ["both", "check", "neither"])
async def test_a_seat_is_counted_by_the_statement_and_guarded_by_the_check(
    committed: str, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    """Without the condition in the statement the check still refuses the eighth; without both seats are oversold."""
    people = await People.load()
    shift_id, _ = await two_shifts(people, 7)
    crowd = await neighbours(people, 30)
    if guard != "both":
        condition = " AND taken < capacity RETURNING"
        assert condition in seats.SIGN_UP
        monkeypatch.setattr(seats, "SIGN_UP", seats.SIGN_UP.replace(condition, " RETURNING"))
    if guard == "neither":
        await without("ALTER TABLE shifts DROP CONSTRAINT shifts_taken")
    ended = await at_once([partial(volunteering.sign_up, who, shift_id) for who in crowd])
    seated, _ = await state(shift_id)
    assert len(seated) == (30 if guard == "neither" else 7)
    assert ended == ({"ok": 7, SeatsTaken.__name__: 23} if guard == "check" else {"ok": 30})


@pytest.mark.parametrize("guarded", [True, False])
async def test_hours_are_not_spent_twice(committed: str, guarded: bool) -> None:
    people = await People.load()
    made = await passed(
        await volunteering.organise(
            people.ma,
            community_id=people.jy,
            kind=ActivityKind.TASK,
            title="送药",
            body="楼下药店",
            shifts=[ShiftPlan(1, "药店")],
        )
    )
    await volunteering.sign_up(people.lin, made.shifts[0].id)
    await volunteering.report(people.lin, made.shifts[0].id, minutes=60)
    await volunteering.confirm_hours(people.ma, made.shifts[0].id)
    if not guarded:
        await without("DROP TRIGGER points_not_overdrawn ON point_transfers")
    ended = await at_once([partial(volunteering.spend, people.lin, helper_id=people.mei.id, minutes=10)] * 20)
    if guarded:
        assert ended == {"ok": 6, NotEnoughHours.__name__: 14}
        assert (await volunteering.points(people.lin)).balance_minutes == 0
    else:
        assert ended == {"ok": 20}


async def test_a_move_and_a_call_off_amid_sign_ups_leave_the_count_right(committed: str) -> None:
    people = await People.load()
    shift_id, other_id = await two_shifts(people, 20)
    crowd = await neighbours(people, 40)
    for who in crowd[:20]:
        await volunteering.sign_up(who, other_id)
    later = await clock.now() + timedelta(hours=60)
    deeds: list[Callable[[], Awaitable[object]]] = [partial(volunteering.sign_up, who, shift_id) for who in crowd]
    deeds.insert(
        20, partial(volunteering.change_shift, people.ma, shift_id, starts_at=later, ends_at=later + timedelta(hours=1))
    )
    deeds.insert(30, partial(volunteering.cancel_shift, people.ma, other_id, reason="下雨"))
    ended = await at_once(deeds)
    assert set(ended) <= {"ok", "OverlappingShift"}
    assert (await state(other_id)) == (set(), [])
    assert await volunteering.miscounted() == []
    assert await db.value(TWICE) == 0
