"""Two at once: one roll, one ballot per elector, and no ballot after the count. Each shown to break unguarded."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

import pytest
from tortoise.exceptions import IntegrityError

from app.core import clock, db
from app.core.errors import DomainError, InvalidState
from models.deliberations import (
    Ballot,
    BallotKind,
    Deliberation,
    DeliberationState,
    Elector,
    Form,
    Resolution,
    Result,
    Roll,
    Rule,
    VoteClosed,
)
from models.events import Notice
from services import deliberations
from services.deliberations import Proposal
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.together.crowd import neighbours

T = TypeVar("T")
COLOURS = ("红", "黄", "蓝")


async def discussed(people: People, kind: BallotKind = BallotKind.SINGLE) -> Deliberation:
    now = await clock.now()
    made = await passed(
        await deliberations.propose(
            people.lin,
            Proposal(
                community_id=people.jy,
                form=Form.OPEN,
                title="楼道刷什么颜色",
                body="三种颜色选一种。",
                ballot_kind=kind,
                roll=Roll.RESIDENTS,
                rule=Rule.CONSULTATION,
                discussion_until=now + timedelta(days=7),
                voting_until=now + timedelta(days=14),
                options=() if kind is BallotKind.YES_NO else COLOURS,
            ),
        )
    )
    return await deliberations.open_discussion(people.chen, made.id)


async def all_at_once(deeds: list[Awaitable[T]], width: int = 15) -> list[T | BaseException]:
    """Do them all, so many at a time; what was refused stands in the list."""
    doors = asyncio.Semaphore(width)

    async def through(deed: Awaitable[T]) -> T:
        async with doors:
            return await deed

    return await asyncio.gather(*(through(deed) for deed in deeds), return_exceptions=True)


async def unguarded(function: str, words: str) -> None:
    """Take `words` out of a trigger's function, in this test's own database."""
    source = await db.value("SELECT pg_get_functiondef($1::regproc)", function)
    assert words in source

    async def replace() -> None:
        await db.execute(source.replace(words, ""))

    async with db.tx():
        await as_owner(replace)


async def test_a_hundred_vote_three_times_each_and_a_hundred_ballots_lie_in_the_box(
    committed: str, people: People
) -> None:
    voters = await neighbours(people, 100)
    vote = await deliberations.open_voting(people.chen, (await discussed(people)).id)
    options = [option.id for option in vote.options]
    receipts = await all_at_once(
        [deliberations.cast(voter, vote.id, {"option_id": option}) for option in options for voter in voters]
    )
    assert not [answer for answer in receipts if isinstance(answer, BaseException)]
    ballots = await Ballot.filter(deliberation_id=vote.id).prefetch_related("elector")
    assert len(ballots) == 100
    assert {ballot.elector.resident_id for ballot in ballots} == {voter.id for voter in voters}
    assert all(ballot.choice["option_id"] in options and ballot.receipt in receipts for ballot in ballots)
    await deliberations.close(people.chen, vote.id)
    result = await Result.get(deliberation_id=vote.id)
    assert result.voted == sum(line["votes"] for line in result.tally) == 100


async def test_while_the_vote_is_closed_no_ballot_lands_after_the_count(committed: str, people: People) -> None:
    voters = await neighbours(people, 60)
    vote = await deliberations.open_voting(people.chen, (await discussed(people)).id)
    option = vote.options[0].id
    casts = [deliberations.cast(voter, vote.id, {"option_id": option}) for voter in voters]
    answers = await all_at_once([*casts[:30], deliberations.close(people.chen, vote.id), *casts[30:]])
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert all(isinstance(answer, VoteClosed) for answer in refused), refused
    result = await Result.get(deliberation_id=vote.id)
    assert await Ballot.filter(deliberation_id=vote.id).count() == result.voted == 60 - len(refused)


async def cast_during_the_close(people: People) -> tuple[str | DomainError, int, int]:
    """小林 votes after the count and before its commit: the answer, the ballots in the end, and the count."""
    vote = await deliberations.open_voting(people.chen, (await discussed(people)).id)
    counted = asyncio.Event()

    async def close_slowly() -> None:
        async with db.tx():
            await deliberations.close(people.chen, vote.id)
            counted.set()
            await asyncio.sleep(0.3)

    closing = asyncio.create_task(close_slowly())
    await counted.wait()
    answer: str | DomainError
    try:
        answer = await deliberations.cast(people.lin, vote.id, {"option_id": vote.options[0].id})
    except DomainError as refused:
        answer = refused
    await closing
    result = await Result.get(deliberation_id=vote.id)
    return answer, await Ballot.filter(deliberation_id=vote.id).count(), result.voted


async def test_a_ballot_waits_for_the_close_and_is_refused(committed: str, people: People) -> None:
    answer, ballots, counted = await cast_during_the_close(people)
    assert isinstance(answer, VoteClosed)
    assert (ballots, counted) == (0, 0)


async def test_without_the_share_lock_it_would_land_after_the_count(committed: str, people: People) -> None:
    await unguarded("guard_ballot", "FOR SHARE")
    answer, ballots, counted = await cast_during_the_close(people)
    assert isinstance(answer, str)
    assert (ballots, counted) == (1, 0)


async def test_without_its_constraint_an_elector_would_have_two_ballots(committed: str, people: People) -> None:
    vote = await deliberations.open_voting(people.chen, (await discussed(people, BallotKind.YES_NO)).id)
    again = """
    INSERT INTO ballots (community_id, deliberation_id, elector_id, resident_id, choice, nonce, receipt)
    SELECT community_id, deliberation_id, id, resident_id, '{"choice": "yes"}', decode(repeat('00', 16), 'hex'),
        repeat('0', 64) FROM electors WHERE deliberation_id = $1 ORDER BY id LIMIT 1
    """
    await db.execute(again, vote.id)
    with pytest.raises(Exception, match="ballots_one_per_elector"):
        await db.execute(again, vote.id)

    async def drop() -> None:
        await db.execute("ALTER TABLE ballots DROP CONSTRAINT ballots_one_per_elector")

    async with db.tx():
        await as_owner(drop)
    await db.execute(again, vote.id)
    assert await Ballot.filter(deliberation_id=vote.id).count() == 2


END = "UPDATE deliberations SET state = 'decided', closed_at = clock_now() WHERE id = $1"
RESOLVE = """
INSERT INTO resolutions (community_id, deliberation_id, number, title, rule, binding, passed, explanation_zh,
    explanation_en, counts, roll_hash)
SELECT community_id, id, '2026-999', title, rule, false, NULL, '通过', 'passed', '{}', roll_hash
FROM deliberations WHERE id = $1
"""
KEEP = "INSERT INTO archives (community_id, deliberation_id, digest, content) SELECT $2, $1, repeat('0', 64), '{}'"


@pytest.mark.parametrize(
    ("trigger", "table", "statement"),
    [
        ("deliberations_counted", "deliberations", END),
        ("resolutions_of_result", "resolutions", RESOLVE),
        ("archives_of_result", "archives", KEEP),
    ],
)
async def test_only_a_trigger_keeps_out_what_rests_on_no_count(
    committed: str, people: People, trigger: str, table: str, statement: str
) -> None:
    vote = await deliberations.open_voting(people.chen, (await discussed(people)).id)
    asked = (vote.id, people.jy) if statement is KEEP else (vote.id,)
    with pytest.raises(IntegrityError):
        await db.execute(statement, *asked)
    async with db.tx():
        await as_owner(lambda: db.execute(f"DROP TRIGGER {trigger} ON {table}"))
    await db.execute(statement, *asked)  # and so it stands


async def test_two_open_at_once_and_there_is_one_roll(committed: str, people: People) -> None:
    await neighbours(people, 50)
    made = await discussed(people)
    answers = await all_at_once([deliberations.open_voting(who, made.id) for who in (people.chen, people.zhao) * 3])
    assert sum(isinstance(answer, Deliberation) for answer in answers) == 1
    assert sum(isinstance(answer, InvalidState) for answer in answers) == 5
    vote = await Deliberation.get(id=made.id)
    assert await Elector.filter(deliberation_id=made.id).count() == vote.roll_size == 58
    assert await Notice.filter(kind="deliberation.voting_opened").count() == 58


async def test_two_workers_close_what_is_due_once_and_number_it_without_a_gap(committed: str, people: People) -> None:
    votes = [await deliberations.open_voting(people.chen, (await discussed(people)).id) for _ in range(4)]
    async with db.tx():
        await as_owner(lambda: clock.move(timedelta(days=14)))
    answers = await all_at_once([deliberations.advance_due() for _ in range(3)])
    assert answers == [None, None, None]
    assert await Deliberation.filter(state=DeliberationState.DECIDED).count() == len(votes)
    assert await Result.all().count() == len(votes)
    numbers = sorted([resolution.number[5:] for resolution in await Resolution.all()])
    assert numbers == ["001", "002", "003", "004"]
    assert await Notice.filter(kind="deliberation.decided").count() == len(votes) * 8
