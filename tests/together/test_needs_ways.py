"""Merging, handing up and noting what is overdue, two and more at once."""

from datetime import timedelta

import pytest
from tortoise.exceptions import IntegrityError

from app.core import clock, db
from models.needs import Endorsement, Need, NeedHop, NeedState
from services import needs
from tests.conftest import as_owner
from tests.people import People
from tests.together.crowd import neighbours, outcomes
from tests.together.test_needs import written


async def test_two_needs_merged_into_each_other_leave_one_standing(people: People, committed: str) -> None:
    for _ in range(5):
        one, other = await written(people), await written(people)
        ended = await outcomes(
            [
                needs.merge(people.chen, one.id, into_id=other.id),
                needs.merge(people.zhao, other.id, into_id=one.id),
            ]
        )
        assert ended == {"ok": 1, "Invalid": 1}
        states = {need.state for need in await Need.filter(id__in=[one.id, other.id])}
        assert states == {NeedState.MERGED, NeedState.SUBMITTED}


async def test_without_its_trigger_a_circle_could_close(people: People, committed: str) -> None:
    one, other = await written(people), await written(people)
    await needs.merge(people.chen, one.id, into_id=other.id)
    close = f"UPDATE needs SET state = 'merged', due_at = NULL, merged_into_id = {one.id} WHERE id = {other.id}"
    with pytest.raises(IntegrityError):
        await db.execute(close)
    async with db.tx():
        await as_owner(lambda: db.execute("DROP TRIGGER needs_merged_once ON needs"))
    assert await db.execute(close) == 1


async def test_support_given_while_two_are_merged_is_brought_or_refused(people: People, committed: str) -> None:
    into, twin = await written(people), await written(people)
    crowd = await neighbours(people, 20)
    ended = await outcomes(
        [
            *(needs.endorse(actor, twin.id) for actor in crowd),
            needs.merge(people.chen, twin.id, into_id=into.id),
        ]
    )
    assert set(ended) <= {"ok", "InvalidState"}
    brought = await Endorsement.filter(need_id=into.id).count()
    assert brought == ended["ok"] - 1 == (await needs.find(people.chen, into.id)).endorsements


async def test_a_need_handed_up_twice_at_once_takes_one_step(people: People, committed: str) -> None:
    need = await written(people)
    await needs.accept(people.chen, need.id)
    ended = await outcomes([needs.escalate(people.chen, need.id), needs.escalate(people.zhao, need.id)])
    assert ended == {"ok": 1, "Forbidden": 1}  # the second finds it before the street
    assert await NeedHop.filter(need_id=need.id).count() == 1


async def test_an_answer_and_a_handing_back_at_once_end_the_hop_once(people: People, committed: str) -> None:
    need = await written(people)
    await needs.accept(people.chen, need.id)
    await needs.escalate(people.chen, need.id)
    ended = await outcomes(
        [needs.answer(people.qian, need.id, body="好的"), needs.hand_back(people.qian, need.id, reason="不属于街道")]
    )
    assert ended["ok"] == 1
    kept, hop = await Need.get(id=need.id), await NeedHop.get(need_id=need.id)
    assert (kept.state.value, str(hop.ended)) in {("in_progress", "answered"), ("accepted", "returned")}


async def test_five_workers_note_once_what_is_overdue(people: People, committed: str) -> None:
    need = await written(people)
    async with db.tx():
        await as_owner(lambda: clock.move(timedelta(days=30)))
    assert await outcomes(needs.note_overdue() for _ in range(5)) == {"ok": 5}
    assert await db.value("SELECT count(*) FROM events WHERE verb = 'need.overdue' AND subject_id = $1", need.id) == 1
