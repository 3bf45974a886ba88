"""Two look at the same words at once, one dies while he looks: they are decided about once."""

import asyncio

from app.core import db
from app.gateways.wechat import Scene, Suggest, Verdict
from models.base import Moderation
from models.moderation import Check, CheckState
from models.needs import Need, NeedField, ServiceClass
from services import moderation, needs, residents
from tests.conftest import as_owner
from tests.passing import check_now
from tests.people import People

DUE = "UPDATE checks SET next_try_at = clock_now()"


class SlowWechat:
    """Takes its time, and hears how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def check_text(self, openid: str, scene: Scene, content: str) -> Verdict:
        self.asked += 1
        await asyncio.sleep(0.3)
        return Verdict(Suggest.PASS, 100, f"t{self.asked}")


async def written(people: People) -> Need:
    return await needs.submit(
        people.lin,
        community_id=people.jy,
        service_class=ServiceClass.CARE,
        field=NeedField.SAFETY,
        title="楼道灯坏了",
        body="三层的灯坏了",
    )


async def test_a_request_and_two_workers_ask_once(committed: str) -> None:
    people, wechat = await People.load(), SlowWechat()
    need = await written(people)
    await db.execute(DUE)
    await asyncio.gather(
        check_now(wechat, people.lin),  # type: ignore[arg-type]
        *(moderation.check_due(wechat) for _ in range(4)),  # type: ignore[arg-type]
    )
    assert wechat.asked == 1
    check = await Check.get(subject_kind="need", subject_id=need.id)
    assert (check.state, check.tries, check.trace_ids) == (CheckState.PASSED, 1, ["t1"])


async def test_who_dies_between_the_call_and_its_result_is_followed_by_another(committed: str) -> None:
    people, wechat = await People.load(), SlowWechat()
    need = await written(people)
    killed = asyncio.create_task(check_now(wechat, people.lin))  # type: ignore[arg-type]
    await asyncio.sleep(0.15)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    assert (await Need.get(id=need.id)).moderation is Moderation.CHECKING
    await moderation.check_due(wechat)  # type: ignore[arg-type]
    assert wechat.asked == 1, "it is his until his time is over"
    await db.execute(DUE)
    await moderation.check_due(wechat)  # type: ignore[arg-type]
    assert (await Need.get(id=need.id)).moderation is Moderation.PASSED


async def test_of_two_humans_one_decides(committed: str) -> None:
    people = await People.load()
    need = await written(people)
    await db.execute("UPDATE checks SET state = 'queued', why = 'review'")
    check = await Check.get(subject_kind="need", subject_id=need.id)
    ended = await asyncio.gather(
        *(moderation.approve(who, check.id) for who in (people.chen, people.zhao, people.ma)),
        *(moderation.hide(who, check.id, reason="不好") for who in (people.chen, people.zhao, people.ma)),
        return_exceptions=True,
    )
    names = sorted(type(end).__name__ for end in ended)
    assert names == ["InvalidState"] * 5 + ["Queued"]
    check = await Check.get(id=check.id)
    assert (await Need.get(id=need.id)).moderation == check.state
    assert await db.value("SELECT count(*) FROM events WHERE verb IN ('check.approved', 'check.hidden')") == 1


async def test_without_its_index_the_same_words_wait_twice(committed: str) -> None:
    people = await People.load()
    twice = (
        "INSERT INTO checks (subject_kind, subject_id, author_id, speaker_id, state, tries, trace_ids, next_try_at) "
        f"SELECT 'need', 1, {people.lin.id}, {people.lin.id}, 'pending', 0, '[]', clock_now() "
        "FROM generate_series(1, 2)"
    )
    async with db.tx():
        await as_owner(lambda: db.execute("DROP INDEX checks_one_live"))
    await db.execute(twice)
    assert await db.value("SELECT count(*) FROM checks WHERE subject_id = 1 AND state = 'pending'") == 2


async def test_who_renames_himself_twelve_times_at_once_owes_one_check(committed: str) -> None:
    people = await People.load()
    await asyncio.gather(*(residents.update_profile(people.lin, nickname=f"林{number}") for number in range(12)))
    states = [check.state for check in await Check.filter(subject_kind="nickname").exclude(state="passed")]
    assert sorted(states) == [CheckState.PENDING] + [CheckState.REPLACED] * 11
