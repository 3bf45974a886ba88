"""Needs, two and more at once: counts never drift, and of two who step at once one succeeds."""

from app.core import db
from models.needs import Endorsement, Need, NeedField, NeedState, ServiceClass
from services import needs
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.together.crowd import neighbours, outcomes


async def written(people: People) -> Need:
    return await passed(
        await needs.submit(
            people.lin,
            community_id=people.jy,
            service_class=ServiceClass.CARE,
            field=NeedField.ELDERLY,
            title="想要一张长椅",
            body="楼下没有地方坐",
        )
    )


async def test_one_neighbour_endorses_fifty_times_at_once(people: People, committed: str) -> None:
    need = await written(people)
    assert await outcomes(needs.endorse(people.mei, need.id) for _ in range(50)) == {"ok": 50}
    assert await Endorsement.filter(need_id=need.id).count() == 1
    assert (await needs.find(people.mei, need.id)).endorsements == 1


async def test_the_count_follows_forty_neighbours_who_come_and_go(people: People, committed: str) -> None:
    need = await written(people)
    crowd = await neighbours(people, 40)
    assert await outcomes(needs.endorse(actor, need.id) for actor in crowd) == {"ok": 40}
    coming = [needs.endorse(actor, need.id) for actor in crowd[20:]]
    going = [needs.unendorse(actor, need.id) for actor in crowd[:20]]
    assert await outcomes([*coming, *going]) == {"ok": 40}
    assert await Endorsement.filter(need_id=need.id).count() == 20
    assert (await needs.find(people.mei, need.id)).endorsements == 20


async def test_without_its_trigger_the_count_would_drift(people: People, committed: str) -> None:
    need = await written(people)
    async with db.tx():
        await as_owner(lambda: db.execute("DROP TRIGGER endorsements_counted ON endorsements"))
    await needs.endorse(people.mei, need.id)
    assert await Endorsement.filter(need_id=need.id).count() == 1
    assert (await needs.find(people.mei, need.id)).endorsements == 0


async def test_two_committee_members_accept_at_once(people: People, committed: str) -> None:
    need = await written(people)
    ended = await outcomes([needs.accept(people.chen, need.id), needs.accept(people.zhao, need.id)])
    assert ended == {"ok": 1, "InvalidState": 1}
    assert await db.value("SELECT count(*) FROM events WHERE verb = 'need.accepted' AND subject_id = $1", need.id) == 1


async def test_endorsing_while_it_is_declined_leaves_no_support_behind_the_decision(
    people: People, committed: str
) -> None:
    need = await written(people)
    crowd = await neighbours(people, 30)
    ended = await outcomes(
        [*(needs.endorse(actor, need.id) for actor in crowd), needs.decline(people.chen, need.id, reason="重复")]
    )
    assert set(ended) <= {"ok", "InvalidState"}
    kept = await needs.find(people.chen, need.id)
    assert kept.state is NeedState.DECLINED
    assert kept.endorsements == await Endorsement.filter(need_id=need.id).count() == ended["ok"] - 1


async def test_two_workers_close_a_need_once(people: People, committed: str) -> None:
    need = await written(people)
    await db.execute(
        "UPDATE needs SET state = 'rated', due_at = NULL, done_at = clock_now(), "
        "rated_at = clock_now() - interval '31 days' WHERE id = $1",
        need.id,
    )
    assert await outcomes(needs.close_due() for _ in range(5)) == {"ok": 5}
    assert await db.value("SELECT count(*) FROM events WHERE verb = 'need.closed' AND subject_id = $1", need.id) == 1
