"""At once: an objection and the opening, phone and paper, two who type; each also unguarded. 15,000 are frozen."""

import asyncio
import time
from collections import Counter

import pytest

from app.core import db
from app.core.errors import DomainError
from models.deliberations import Ballot, Deliberation, DeliberationState, Elector, Roll
from models.residents import ConsentKind
from models.rolls import BatchState, Channel, Objection, ObjectionsOpen, ObjectionTooLate, PaperBatch
from services import deliberations, residents
from services.policies import Actor
from services.residents import OnBehalfOf
from tests.conftest import as_owner
from tests.people import People
from tests.together.crowd import outcomes
from tests.voting import discussed, dwellers, flats, owned, voting

YES, NO = {"choice": "yes"}, {"choice": "no"}


async def dropped(trigger: str, table: str) -> None:
    """Take a trigger away, in this test's own database."""
    async with db.tx():
        await as_owner(lambda: db.execute(f"DROP TRIGGER {trigger} ON {table}"))


async def objected_while_opening(people: People) -> tuple[object, DeliberationState]:
    """小林 objects while the vote opens and is not yet committed: the answer, and where the vote stands."""
    vote = await discussed(people)
    opened = asyncio.Event()

    async def open_slowly() -> None:
        async with db.tx():
            await deliberations.open_voting(people.chen, vote.id)
            opened.set()
            await asyncio.sleep(0.3)

    async def insert_at_once() -> object:
        """Past the use case, which locks the vote itself: only the trigger is left."""
        await opened.wait()
        async with db.tx():
            return await db.execute(
                "INSERT INTO objections (community_id, deliberation_id, author_id, reason, moderation, state) "
                "VALUES ($1, $2, $3, 'r', 'passed', 'open')",
                people.jy,
                vote.id,
                people.lin.id,
            )

    _, answer = await asyncio.gather(open_slowly(), insert_at_once(), return_exceptions=True)
    return answer, (await Deliberation.get(id=vote.id)).state


async def test_an_objection_made_while_the_vote_opens_is_too_late(committed: str, people: People) -> None:
    answer, state = await objected_while_opening(people)
    assert isinstance(answer, ObjectionTooLate)
    assert state is DeliberationState.VOTING


async def test_without_its_trigger_a_vote_would_run_over_an_open_objection(committed: str, people: People) -> None:
    await dropped("objections_in_time", "objections")
    answer, state = await objected_while_opening(people)
    assert not isinstance(answer, BaseException)
    assert state is DeliberationState.VOTING
    assert await Objection.filter(state="open").count() == 1


async def test_of_an_opening_and_an_objection_at_once_one_is_first(committed: str, people: People) -> None:
    for _ in range(8):
        vote = await discussed(people)
        opening, objecting = await asyncio.gather(
            deliberations.open_voting(people.chen, vote.id),
            deliberations.object_to(people.lin, vote.id, reason="名册不对"),
            return_exceptions=True,
        )
        opened = (await Deliberation.get(id=vote.id)).state is DeliberationState.VOTING
        open_ones = await Objection.filter(deliberation_id=vote.id, state="open").count()
        assert (opened, open_ones) in ((True, 0), (False, 1))
        assert isinstance(objecting, ObjectionTooLate) if opened else isinstance(opening, ObjectionsOpen)


async def three_channels(people: People) -> tuple[int, Counter[str]]:
    """Thirty neighbours vote by phone, are helped, and have their sheets typed in, all at once."""
    ids = await dwellers(people, await flats(people, 30))
    actors = [await residents.actor(one) for one in ids]
    vote = await voting(people)
    code = {e.resident_id: e.code for e in await Elector.filter(deliberation_id=vote.id)}
    raw = ("code,choice\n" + "".join(f"{code[one]},no\n" for one in ids)).encode()
    await deliberations.enter_paper(people.he, vote.id, raw)

    def help(one: Actor) -> object:
        return deliberations.cast_for(
            people.chen, vote.id, YES, on_behalf_of=OnBehalfOf(one.id, ConsentKind.WITNESS, people.wang.id)
        )

    deeds = [deliberations.cast(one, vote.id, YES) for one in actors[:15]]
    deeds += [help(one) for one in actors[10:25]]  # type: ignore[misc]
    ended = await outcomes([*deeds, deliberations.enter_paper(people.ma, vote.id, raw)])
    return vote.id, ended


async def test_by_phone_assisted_and_on_paper_at_once_each_has_one_ballot(committed: str, people: People) -> None:
    vote_id, ended = await three_channels(people)
    ballots = await Ballot.filter(deliberation_id=vote_id)
    assert len(ballots) == len({ballot.elector_id for ballot in ballots}) == 30
    assert set(ended) <= {"ok", "AlreadyVoted"}
    by_phone = await Ballot.filter(deliberation_id=vote_id, channel="phone").count()
    assert by_phone == 15  # his own word is the last, whoever was first
    report = (await PaperBatch.get(deliberation_id=vote_id, state=BatchState.COMPARED, first_id__isnull=False)).report
    assert len(report) == 30
    on_paper = await Ballot.filter(deliberation_id=vote_id, channel="paper").count()
    entered = sum(line["outcome"] == "entered" for line in report)
    assert on_paper <= entered <= 15 + on_paper


async def test_without_the_constraint_one_would_have_two(committed: str, people: People) -> None:
    async with db.tx():
        await as_owner(lambda: db.execute("ALTER TABLE ballots DROP CONSTRAINT ballots_one_per_elector"))
    vote = await voting(people)
    elector = await Elector.get(deliberation_id=vote.id, resident_id=people.mei.id)
    for channel, who in (("phone", None), ("paper", people.ma.id)):
        await db.execute(
            "INSERT INTO ballots (community_id, deliberation_id, elector_id, resident_id, choice, nonce, receipt, "
            'channel, entered_by_id) VALUES ($1, $2, $3, $4, \'{"choice": "yes"}\', $5, $6, $7, $8)',
            people.jy,
            vote.id,
            elector.id,
            people.mei.id,
            bytes(16),
            "0" * 64,
            channel,
            who,
        )
    assert await Ballot.filter(elector_id=elector.id).count() == 2


async def test_without_its_trigger_an_entered_ballot_would_replace_ones_own(committed: str, people: People) -> None:
    await dropped("ballots_own_word", "ballots")
    vote = await voting(people)
    await deliberations.cast(people.mei, vote.id, NO)
    await deliberations.cast(people.mei, vote.id, YES, channel=Channel.ASSISTED, entered_by_id=people.he.id)
    assert (await Ballot.get(deliberation_id=vote.id)).choice == YES


async def test_two_type_at_once_and_one_of_them_is_the_second(committed: str, people: People) -> None:
    ids = await dwellers(people, await flats(people, 10))
    vote = await voting(people)
    code = {e.resident_id: e.code for e in await Elector.filter(deliberation_id=vote.id)}
    raw = ("code,choice\n" + "".join(f"{code[one]},no\n" for one in ids)).encode()
    ended = await outcomes(deliberations.enter_paper(who, vote.id, raw) for who in (people.he, people.ma))
    assert ended == {"ok": 2}
    assert await Ballot.filter(deliberation_id=vote.id, channel="paper").count() == 10
    assert await PaperBatch.filter(deliberation_id=vote.id, state=BatchState.COMPARED).count() == 2


async def test_an_objection_and_the_close_at_once_leave_tally_and_box_equal(committed: str, people: People) -> None:
    for _ in range(5):
        vote = await voting(people)
        await deliberations.cast_for(
            people.he, vote.id, YES, on_behalf_of=OnBehalfOf(people.mei.id, ConsentKind.WITNESS, people.wang.id)
        )
        _, objecting = await asyncio.gather(
            deliberations.close(people.chen, vote.id),
            deliberations.object_to(people.mei, vote.id, reason="不是我"),
            return_exceptions=True,
        )
        voted = (await deliberations.outcome(vote.id)).result.voted
        assert voted == await Ballot.filter(deliberation_id=vote.id).count()
        assert voted == (1 if isinstance(objecting, DomainError) else 0)


@pytest.mark.parametrize("roll", [Roll.RESIDENTS, Roll.HOUSEHOLDS, Roll.OWNERS])
async def test_a_roll_of_a_thousand_is_frozen_whole(committed: str, people: People, roll: Roll) -> None:
    homes = await flats(people, 1000, 900_000)
    ids = await dwellers(people, homes)
    await owned(people, homes, ids)
    vote = await voting(people, roll=roll)
    assert vote.roll_size == {Roll.OWNERS: 1000}.get(roll, 1008)
    assert vote.roll_area_cm2 == (900_000_000 if roll is Roll.OWNERS else None)


@pytest.mark.prove
@pytest.mark.parametrize("roll", [Roll.RESIDENTS, Roll.HOUSEHOLDS, Roll.OWNERS])
async def test_a_roll_of_fifteen_thousand_is_frozen_in_seconds(
    committed: str, people: People, roll: Roll, capsys: pytest.CaptureFixture[str]
) -> None:
    homes = await flats(people, 15_000, 900_000)
    await owned(people, homes, await dwellers(people, homes))
    vote = await discussed(people, roll=roll)
    started = time.perf_counter()
    await deliberations.open_voting(people.chen, vote.id)
    took = time.perf_counter() - started
    with capsys.disabled():
        print(f"\n{roll}: 15,000 frozen and told in {took:.2f} s")  # noqa: T201
    assert await Elector.filter(deliberation_id=vote.id).count() >= 15_000
    assert took < 10
