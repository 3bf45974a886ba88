"""A need is followed from the day it was written: supported, taken on, answered, done, rated, reopened, closed."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.core.errors import AlreadyExists, Forbidden, Invalid, InvalidState, NotFound, NotVerified, TooLate
from app.core.pages import Page
from models.base import Moderation
from models.media import UnknownPhoto
from models.needs import Need, NeedField, NeedRoute, NeedSort, NeedState, ServiceClass
from models.residents import Assistance, ConsentKind
from models.wishes import WishKind
from services import assistances, events, needs, notifications, wishes
from services.policies import Actor
from services.residents import OnBehalfOf
from tests.passing import passed
from tests.people import People

MoveClock = Callable[[timedelta], Awaitable[None]]


async def written(
    people: People, who: str = "lin", title: str = "楼道灯坏了", on_behalf_of: OnBehalfOf | None = None, **more: object
) -> Need:
    asked: dict[str, object] = {
        "community_id": people.jy,
        "service_class": ServiceClass.TECHNOLOGY,
        "field": NeedField.PROPERTY,
        "title": title,
        "body": "三层的灯坏了一周",
    }
    asked |= more
    return await passed(await assistances.act(people[who], on_behalf_of, "need.submitted", needs.submit, **asked))  # type: ignore[arg-type]


async def done(people: People) -> Need:
    """小林's need, supported by 阿梅, taken on and done by 陈."""
    need = await written(people)
    await needs.endorse(people.mei, need.id)
    await needs.accept(people.chen, need.id)
    return await needs.finish(people.chen, need.id, note="已更换")


async def inbox(actor: Actor) -> list[str]:
    return [line.kind for line in (await notifications.inbox(actor, page=Page(100))).items]


async def test_a_need_is_followed_from_first_word_to_closing(people: People, move_clock: MoveClock) -> None:
    need = await written(people)
    assert need.state is NeedState.SUBMITTED
    assert not need.assisted
    await needs.endorse(people.mei, need.id)
    await needs.accept(people.chen, need.id)
    await needs.route(people.chen, need.id, route=NeedRoute.OFFICIAL)
    await needs.answer(people.ma, need.id, body="物业三天内更换")
    await needs.finish(people.chen, need.id, note="已更换")
    await needs.rate(people.mei, need.id, score=5, comment="很及时")
    await move_clock(timedelta(days=29))
    await needs.close_due()
    assert (await needs.find(people.lin, need.id)).state is NeedState.RATED
    await move_clock(timedelta(days=1, seconds=1))
    await needs.close_due()
    await needs.close_due()
    seen = await passed(await needs.detail(people.wu, need.id))
    assert seen.need.state is NeedState.CLOSED
    assert seen.answers == [], "nobody has checked the answer yet"
    seen = await needs.detail(people.wu, need.id)
    assert [answer.body for answer in seen.answers] == ["物业三天内更换"]
    assert [(line.verb, line.by, line.reason) for line in seen.timeline] == [
        ("need.submitted", "resident", None),
        ("need.accepted", "committee", None),
        ("need.routed", "committee", None),
        ("need.answered", "social_worker", None),
        ("need.done", "committee", "已更换"),
        ("need.rated", "resident", "很及时"),
        ("need.closed", "system", None),
    ]
    assert seen.timeline[2].facts == {"from": "accepted", "state": "routed", "route": "official"}
    assert seen.timeline[5].facts["score"] == 5
    assert await inbox(people.lin) == [
        f"need.{verb}" for verb in ("closed", "rated", "done", "answered", "routed", "accepted")
    ]
    assert await inbox(people.mei) == ["need.done"]


async def test_a_need_written_for_somebody_keeps_how_he_agreed(people: People) -> None:
    consent = OnBehalfOf(people.lin.id, ConsentKind.WITNESS, people.mei.id)
    need = await written(people, "he", on_behalf_of=consent)
    assert (need.author_id, need.assistant_id, need.assisted) == (people.lin.id, people.he.id, True)
    kept = await Assistance.get(subject_kind="need", subject_id=need.id)
    assert (kept.resident_id, kept.assistant_id, kept.verb) == (people.lin.id, people.he.id, "need.submitted")
    assert (await events.timeline(people.lin, need))[0].assisted
    await needs.accept(people.chen, need.id)
    assert await inbox(people.lin) == await inbox(people.he) == ["need.accepted"]


@pytest.mark.parametrize(
    ("who", "error"), [("guest", NotVerified), ("qian", NotVerified), ("wu", Forbidden), ("deng", Forbidden)]
)
async def test_only_verified_residents_of_the_community_write(people: People, who: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await written(people, who)


async def test_a_photo_that_is_not_there_is_refused(people: People) -> None:
    with pytest.raises(UnknownPhoto):
        await written(people, photo_ids=[1])


@pytest.mark.parametrize("who", ["lin", "wang", "sun", "guest", "wu", "deng", "qian"])
async def test_only_staff_of_the_community_handle_it(people: People, who: str) -> None:
    need = await written(people)
    for handle in (
        needs.accept(people[who], need.id),
        needs.decline(people[who], need.id, reason="不属于本社区"),
        needs.route(people[who], need.id, route=NeedRoute.WISH),
        needs.answer(people[who], need.id, body="好的"),
        needs.finish(people[who], need.id),
    ):
        with pytest.raises(Forbidden):
            await handle
    assert (await Need.get(id=need.id)).state is NeedState.SUBMITTED


async def test_a_declined_need_tells_why(people: People) -> None:
    need = await written(people)
    await passed(await needs.decline(people.ma, need.id, reason="属于物业管理范围"))
    assert (await events.timeline(people.lin, need))[-1].reason == "属于物业管理范围"
    line = (await notifications.inbox(people.lin, page=Page())).items[0]
    assert line.zh == "需求「楼道灯坏了」未受理：属于物业管理范围"
    with pytest.raises(InvalidState):
        await needs.accept(people.chen, need.id)
    with pytest.raises(InvalidState):
        await needs.endorse(people.mei, need.id)


async def test_endorsing_twice_counts_once_and_can_be_taken_back(people: People) -> None:
    need = await written(people)
    for _ in range(2):
        seen = await needs.endorse(people.mei, need.id)
        assert (seen.endorsements, seen.endorsed_by_me) == (1, True)
    assert (await needs.endorse(people.wang, need.id)).endorsements == 2
    for _ in range(2):
        seen = await needs.unendorse(people.mei, need.id)
        assert (seen.endorsements, seen.endorsed_by_me) == (1, False)


@pytest.mark.parametrize(("who", "error"), [("lin", Forbidden), ("guest", NotVerified), ("wu", Forbidden)])
async def test_who_may_not_endorse(people: People, who: str, error: type[Exception]) -> None:
    need = await written(people)
    with pytest.raises(error):
        await needs.endorse(people[who], need.id)


async def test_each_verb_has_its_own_beginning(people: People) -> None:
    need = await written(people)
    with pytest.raises(InvalidState):
        await needs.reopen(people.lin, need.id, reason="还没有人受理")
    with pytest.raises(InvalidState):
        await needs.answer(people.chen, need.id, body="好的")
    finished = await done(people)
    with pytest.raises(InvalidState):
        await needs.accept(people.chen, finished.id)
    with pytest.raises(InvalidState):
        await needs.withdraw(people.lin, finished.id)


async def test_only_who_asked_or_stood_behind_it_rates_and_only_once(people: People) -> None:
    need = await done(people)
    for who in ("wang", "chen", "wu"):
        with pytest.raises(Forbidden):
            await needs.rate(people[who], need.id, score=1)
    await needs.rate(people.lin, need.id, score=4)
    with pytest.raises(InvalidState):
        await needs.rate(people.mei, need.id, score=1)


@pytest.mark.parametrize("who", ["lin", "mei", "wang"])
async def test_any_affected_resident_reopens_within_thirty_days(
    people: People, move_clock: MoveClock, who: str
) -> None:
    need = await done(people)
    await move_clock(timedelta(days=30, seconds=-30))
    again = await needs.reopen(people[who], need.id, reason="又坏了")
    assert again.state is NeedState.ACCEPTED
    assert (await events.timeline(people[who], need))[-1].reason == "又坏了"
    await needs.finish(people.chen, need.id)
    await move_clock(timedelta(days=30))
    with pytest.raises(TooLate):
        await needs.reopen(people[who], need.id, reason="又坏了")
    assert (await Need.get(id=need.id)).state is NeedState.DONE


@pytest.mark.parametrize("who", ["wu", "guest", "qian"])
async def test_strangers_do_not_reopen(people: People, who: str) -> None:
    need = await done(people)
    with pytest.raises(Forbidden):
        await needs.reopen(people[who], need.id, reason="不满意")


async def test_a_rated_need_may_be_reopened(people: People) -> None:
    need = await done(people)
    await needs.rate(people.lin, need.id, score=1)
    assert (await needs.reopen(people.mei, need.id, reason="没有修好")).state is NeedState.ACCEPTED


async def test_its_author_withdraws_what_nobody_has_taken_on(people: People) -> None:
    need = await written(people)
    for who in ("mei", "chen"):
        with pytest.raises(Forbidden):
            await needs.withdraw(people[who], need.id)
    assert (await needs.withdraw(people.lin, need.id)).state is NeedState.WITHDRAWN


async def test_what_is_not_published_is_seen_by_its_author_and_staff_alone(people: People) -> None:
    need = await written(people)
    await Need.filter(id=need.id).update(moderation=Moderation.HIDDEN)
    for who in ("lin", "chen", "ma", "he"):
        assert (await needs.find(people[who], need.id)).id == need.id
    for who in ("mei", "sun", "wu", "deng", "guest", "qian"):
        with pytest.raises(NotFound):
            await needs.find(people[who], need.id)
        listed = await needs.listed(people[who], community_id=people.jy, page=Page(100))
        assert need.id not in [found.id for found in listed.items]
        assert need.id not in [found.id for found in await needs.similar(people[who], people.jy, title=need.title)]


async def test_the_list_is_narrowed_searched_and_sorted(people: People) -> None:
    first = await written(people, title="100%_的灯坏了")
    second = await written(people, title="电梯异响", field=NeedField.SAFETY)
    third = await written(people, "wang", title="想学用手机")
    await needs.endorse(people.mei, second.id)

    async def ids(**narrowed: object) -> list[int]:
        found = await needs.listed(people.wu, community_id=people.jy, page=Page(), **narrowed)  # type: ignore[arg-type]
        return [need.id for need in found.items]

    assert await ids() == [third.id, second.id, first.id]
    assert await ids(sort=NeedSort.SUPPORT) == [second.id, third.id, first.id]
    assert await ids(field=NeedField.SAFETY) == [second.id]
    assert await ids(state=NeedState.ACCEPTED) == []
    assert await ids(q="手机") == [third.id]
    assert await ids(q="三层的灯") == [third.id, second.id, first.id]
    assert await ids(q="%_") == [first.id]
    assert await ids(q="%灯") == []


@pytest.mark.parametrize("sort", list(NeedSort))
async def test_pages_go_on_where_the_last_ended(people: People, sort: NeedSort) -> None:
    made = [(await written(people, title=f"第{n}件")).id for n in range(5)]
    await needs.endorse(people.mei, made[1])
    seen: list[int] = []
    after = None
    while True:
        found = await needs.listed(people.lin, community_id=people.jy, sort=sort, page=Page(2, after))
        seen += [need.id for need in found.items]
        after = found.after
        if after is None:
            break
    rest = [made[4], made[3], made[2], made[0]]
    assert seen == (sorted(made, reverse=True) if sort is NeedSort.NEW else [made[1], *rest])


async def test_similar_open_needs_are_shown_while_typing(people: People) -> None:
    like = await written(people, title="7号楼楼道灯坏了")
    settled = await written(people, title="楼道灯坏了")
    await needs.withdraw(people.lin, settled.id)
    await written(people, title="想学用手机")
    assert [need.id for need in await needs.similar(people.mei, people.jy, title="楼道的灯坏了")] == [like.id]
    assert await needs.similar(people.mei, people.yl, title="楼道的灯坏了") == []


async def test_what_is_made_from_a_need_links_back(people: People) -> None:
    need, other = await written(people), await written(people)
    await needs.accept(people.chen, need.id)
    asked = {"community_id": people.jy, "kind": WishKind.GOODS, "title": "声控灯", "body": "三只"}
    by_lin = await wishes.post(people.lin, **asked)
    await needs.link(people.lin, [need.id, other.id, need.id], by_lin)
    assert (await Need.get(id=need.id)).state is NeedState.ACCEPTED  # 小林 links, but does not handle
    by_chen = await wishes.post(people.chen, **asked)
    await needs.link(people.chen, [need.id, other.id], by_chen)
    routed = await Need.get(id=need.id)
    assert (routed.state, routed.route) == (NeedState.ROUTED, NeedRoute.WISH)
    assert (await Need.get(id=other.id)).state is NeedState.SUBMITTED
    seen = await needs.detail(people.lin, need.id)
    assert [(link.kind, link.id) for link in seen.links] == [("wish", by_lin.id), ("wish", by_chen.id)]
    assert seen.timeline[-1].facts == {
        "from": "accepted",
        "state": "routed",
        "kind": "wish",
        "subject_id": by_chen.id,
    }
    with pytest.raises(AlreadyExists):
        await needs.link(people.chen, [need.id], by_chen)


@pytest.mark.parametrize("end", ["decline", "withdraw"])
async def test_what_came_to_nothing_is_not_cited(people: People, end: str) -> None:
    need = await written(people)
    subject = await written(people)
    if end == "decline":
        await needs.decline(people.chen, need.id, reason="重复")
    else:
        await needs.withdraw(people.lin, need.id)
    with pytest.raises(Invalid):
        await needs.link(people.chen, [need.id], subject)


async def test_needs_of_another_community_are_not_cited(people: People) -> None:
    elsewhere = await written(people, "wu", community_id=people.yl)
    subject = await written(people)
    for ids in ([elsewhere.id], [10**12]):
        with pytest.raises(Invalid):
            await needs.link(people.chen, ids, subject)


async def test_neighbours_talk_about_a_need(people: People) -> None:
    need = await written(people)
    said = await passed(await needs.comment(people.mei, need.id, body="我家门口也坏了"))
    answer = await passed(await needs.comment(people.lin, need.id, body="一起附议吧", parent_id=said.id))
    with pytest.raises(Invalid):
        await passed(await needs.comment(people.mei, need.id, body="好", parent_id=answer.id))
    with pytest.raises(NotFound):
        await passed(await needs.comment(people.mei, (await written(people)).id, body="好", parent_id=said.id))
    for who, error in (("guest", NotVerified), ("wu", Forbidden)):
        with pytest.raises(error):
            await passed(await needs.comment(people[who], need.id, body="好"))
    listed = await needs.listed_comments(people.wu, need.id, page=Page())
    assert [comment.id for comment in listed.items] == [answer.id, said.id]
