"""A need that has a twin, that is handed up, that is answered late: merging, escalation, due dates, urgency."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta

import pytest

from app.core import db
from app.core.clock import SHANGHAI
from app.core.errors import Forbidden, Invalid, InvalidState, NotFound, NotVerified
from app.core.pages import Page
from models.base import Moderation
from models.needs import Endorsement, HopEnd, Need, NeedHop, NeedLevel, NeedRoute, NeedSort, NeedState, Urgency
from models.places import Place
from services import calendars, events, needs, notifications, residents
from services.policies import Actor
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.services.test_needs import inbox, written

MoveClock = Callable[[timedelta], Awaitable[None]]


async def at(moment: str) -> None:
    """Set the clock to a moment in Shanghai, in this test alone; 2037 has the weekdays of 2026."""
    then = datetime.fromisoformat(f"{moment}+08:00").isoformat()
    await as_owner(
        lambda: db.execute(
            "CREATE OR REPLACE FUNCTION clock_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE "
            f"AS $$ SELECT '{then}'::timestamptz $$"
        )
    )


def local(moment: datetime | None) -> str:
    assert moment is not None
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


async def verbs(actor: Actor, need: Need) -> list[str]:
    return [line.verb.removeprefix("need.") for line in await events.timeline(actor, need)]


async def accepted(people: People) -> Need:
    need = await written(people)
    return await needs.accept(people.chen, need.id)


# --- merging


async def test_a_twin_is_merged_and_its_supporters_stay_with_a_notice(people: People) -> None:
    into, twin = await written(people, "wang", title="7号楼灯不亮"), await written(people)
    await needs.endorse(people.mei, into.id)
    for neighbour in (people.mei, people.wang, people.sun):
        await needs.endorse(neighbour, twin.id)
    merged = await needs.merge(people.chen, twin.id, into_id=into.id, reason="同一盏灯")
    assert (merged.state, merged.merged_into_id, merged.due_at) == (NeedState.MERGED, into.id, None)
    seen = await needs.find(people.sun, into.id)
    assert (seen.endorsements, seen.endorsed_by_me) == (2, True)  # 阿梅 once, 王伯 wrote it himself
    assert await inbox(people.lin) == ["need.merged"]
    assert await inbox(people.sun) == ["need.support_brought"]
    assert await inbox(people.wang) == ["need.joined"]
    assert await inbox(people.mei) == [], "she stood behind both"
    line = (await notifications.inbox(people.sun, page=Page())).items[0]
    assert line.zh == "您附议的「楼道灯坏了」已并入「7号楼灯不亮」，附议随之保留，可随时撤回"
    assert (line.subject_kind, line.subject_id) == ("need", into.id)
    assert (await Endorsement.get(need_id=into.id, resident_id=people.sun.id)).brought_from_id == twin.id
    assert (await needs.unendorse(people.sun, into.id)).endorsements == 1


async def test_who_moved_away_takes_back_the_support_a_merge_carried_over(people: People) -> None:
    into, twin = await written(people, "wang"), await written(people)
    await needs.endorse(people.mei, twin.id)
    await needs.merge(people.chen, twin.id, into_id=into.id)
    await residents.leave_household(people.mei)
    moved = await residents.actor(people.mei.id)
    assert (await needs.unendorse(moved, into.id)).endorsements == 0
    with pytest.raises(NotVerified):
        await needs.endorse(moved, into.id)


@pytest.mark.parametrize("moderation", [Moderation.HIDDEN, Moderation.QUEUED])
async def test_nobody_is_told_the_title_of_a_need_he_may_not_see(people: People, moderation: Moderation) -> None:
    need, twin, up, into = [await written(people, title=title) for title in ("暗号甲", "暗号乙", "暗号丙", "灯")]
    for one in (need, twin, up):
        await needs.endorse(people.mei, one.id)
        await Need.filter(id=one.id).update(moderation=moderation)
    await needs.merge(people.chen, twin.id, into_id=into.id)
    await needs.accept(people.chen, need.id)
    await needs.finish(people.chen, need.id)
    await needs.accept(people.chen, up.id)
    await needs.escalate(people.chen, up.id)
    for who in ("mei", "qian"):
        told = [line.zh for line in (await notifications.inbox(people[who], page=Page())).items]
        assert not [line for line in told if "暗号" in line], who
    assert await inbox(people.mei) == ["need.support_brought"], "she may take it back"
    assert "need.done" in await inbox(people.lin)


async def test_a_merge_makes_nobody_endorse_what_he_wrote_down_for_another(people: People) -> None:
    into, twin = await written(people, "wang"), await written(people)
    await db.execute("UPDATE needs SET assistant_id = $1 WHERE id = $2", people.ma.id, into.id)
    await needs.endorse(people.ma, twin.id)
    await needs.merge(people.chen, twin.id, into_id=into.id)
    assert (await needs.find(people.ma, into.id)).endorsements == 0


async def test_a_merge_stands_in_both_timelines(people: People) -> None:
    into, twin = await written(people), await written(people)
    await needs.merge(people.ma, twin.id, into_id=into.id)
    assert (await events.timeline(people.lin, twin))[-1].facts == {
        "from": "submitted",
        "state": "merged",
        "into_id": into.id,
    }
    assert (await verbs(people.lin, into))[-1] == "joined"
    seen = await needs.detail(people.mei, into.id)
    assert seen.merged_from == [twin.id]
    assert seen.timeline[-1].facts["need_id"] == twin.id


async def test_what_was_said_about_a_merged_need_stays_readable(people: People) -> None:
    into, twin = await written(people), await written(people)
    await passed(await needs.comment(people.mei, twin.id, body="我也看到了"))
    await needs.merge(people.chen, twin.id, into_id=into.id)
    assert [line.body for line in (await needs.listed_comments(people.wu, twin.id, page=Page())).items] == [
        "我也看到了"
    ]


@pytest.mark.parametrize("who", ["lin", "mei", "sun", "guest", "wu", "deng", "qian", "root"])
async def test_only_staff_merge(people: People, who: str) -> None:
    into, twin = await written(people), await written(people)
    with pytest.raises(Forbidden):
        await needs.merge(people[who], twin.id, into_id=into.id)


async def test_a_need_is_merged_into_no_other_than_an_open_one_of_its_community(people: People) -> None:
    need, over, hidden = await written(people), await written(people), await written(people)
    elsewhere = await written(people, "wu", community_id=people.yl)
    await needs.withdraw(people.lin, over.id)
    await Need.filter(id=hidden.id).update(moderation=Moderation.HIDDEN)
    for other in (need, over, elsewhere, hidden):
        with pytest.raises(Invalid):
            await needs.merge(people.chen, need.id, into_id=other.id)
    with pytest.raises(NotFound):
        await needs.merge(people.chen, need.id, into_id=10**9)


async def test_what_was_taken_on_or_merged_is_not_merged(people: People) -> None:
    taken, into, twin = await accepted(people), await written(people), await written(people)
    with pytest.raises(InvalidState):
        await needs.merge(people.chen, taken.id, into_id=into.id)
    await needs.merge(people.chen, twin.id, into_id=into.id)
    with pytest.raises(InvalidState):
        await needs.merge(people.chen, twin.id, into_id=taken.id)
    with pytest.raises(Invalid):
        await needs.merge(people.chen, into.id, into_id=twin.id)


# --- escalation


async def test_a_need_goes_up_four_levels_each_with_a_due_date(people: People) -> None:
    await at("2037-11-23T10:00")  # a Monday
    need = await accepted(people)
    assert need.level is NeedLevel.GRID
    for who, level in (("ma", NeedLevel.COMMUNITY), ("chen", NeedLevel.STREET), ("qian", NeedLevel.DISTRICT)):
        need = await needs.escalate(people[who], need.id, reason="本级无法解决")
        assert (need.state, need.route, need.level) == (NeedState.ROUTED, NeedRoute.ESCALATION, level)
        assert local(need.due_at) == "2037-12-01 00:00"  # five working days
    with pytest.raises(InvalidState):
        await needs.escalate(people.root, need.id)
    seen = await needs.detail(people.wu, need.id)
    assert [(hop.from_level, hop.level, hop.ended) for hop in seen.hops] == [
        ("grid", "community", "escalated"),
        ("community", "street", "escalated"),
        ("street", "district", None),
    ]
    places = [await Place.get(id=hop.place_id) for hop in seen.hops]
    assert [place.kind for place in places] == ["community", "street", "district"]
    hops = [line for line in seen.timeline if line.verb == "need.escalated"]
    assert [(line.by, line.facts["level"]) for line in hops] == [
        ("social_worker", "community"),
        ("committee", "street"),
        ("street_officer", "district"),
    ]
    assert (await inbox(people.qian)) == ["need.escalated"]
    assert (await inbox(people.lin)).count("need.escalated") == 3
    answered = await needs.answer(people.root, need.id, body="已列入明年计划")
    assert (answered.state, answered.due_at) == (NeedState.IN_PROGRESS, None)
    assert (await NeedHop.get(need_id=need.id, level=NeedLevel.DISTRICT)).ended is HopEnd.ANSWERED
    assert (await needs.finish(people.chen, need.id)).state is NeedState.DONE


async def test_the_committee_hands_up_to_the_street_at_once(people: People) -> None:
    need = await accepted(people)
    assert (await needs.escalate(people.chen, need.id)).level is NeedLevel.STREET
    assert (await needs.find(people.lin, need.id)).level is NeedLevel.STREET


async def test_to_route_by_escalation_is_to_hand_up(people: People) -> None:
    need = await accepted(people)
    routed = await needs.route(people.chen, need.id, route=NeedRoute.ESCALATION)
    assert (routed.route, routed.level) == (NeedRoute.ESCALATION, NeedLevel.STREET)


async def test_only_whoever_it_lies_before_handles_it(people: People) -> None:
    need = await accepted(people)
    await needs.escalate(people.chen, need.id)
    for who in ("lin", "chen", "ma", "he", "deng", "root"):
        for deed in (
            needs.answer(people[who], need.id, body="好的"),
            needs.escalate(people[who], need.id),
            needs.hand_back(people[who], need.id, reason="不属于我们"),
            needs.finish(people[who], need.id),
        ):
            with pytest.raises(Forbidden):
                await deed
    assert (await needs.answer(people.qian, need.id, body="街道已安排")).state is NeedState.IN_PROGRESS


@pytest.mark.parametrize("who", ["lin", "sun", "guest", "wu", "deng", "qian", "root"])
async def test_strangers_hand_nothing_up(people: People, who: str) -> None:
    need = await accepted(people)
    with pytest.raises(Forbidden):
        await needs.escalate(people[who], need.id)


async def test_only_an_accepted_need_is_handed_up(people: People) -> None:
    need = await written(people)
    with pytest.raises(InvalidState):
        await needs.escalate(people.chen, need.id)
    await needs.accept(people.chen, need.id)
    await needs.route(people.chen, need.id, route=NeedRoute.OFFICIAL)
    with pytest.raises(InvalidState):
        await needs.escalate(people.chen, need.id)
    with pytest.raises(InvalidState):
        await needs.route(people.chen, need.id, route=NeedRoute.ESCALATION)


async def test_who_takes_a_need_on_officially_still_owes_the_decision(people: People) -> None:
    need = await accepted(people)
    routed = await needs.route(people.chen, need.id, route=NeedRoute.OFFICIAL)
    assert routed.due_at == need.decision_due_at is not None
    assert (await needs.answer(people.chen, need.id, body="本周来修")).due_at is None


async def test_the_street_hands_back_and_another_path_is_taken(people: People) -> None:
    need = await accepted(people)
    with pytest.raises(InvalidState):
        await needs.hand_back(people.chen, need.id, reason="还没有递交")
    await needs.escalate(people.chen, need.id)
    back = await passed(await needs.hand_back(people.qian, need.id, reason="属于社区职责"))
    assert (back.state, back.route, back.level) == (NeedState.ACCEPTED, None, NeedLevel.GRID)
    assert back.due_at == back.decision_due_at
    last = (await events.timeline(people.wu, need))[-1]
    assert (last.verb, last.reason, last.facts["from_level"]) == ("need.returned", "属于社区职责", "street")
    assert (await inbox(people.lin))[0] == "need.returned"
    assert (await needs.route(people.chen, need.id, route=NeedRoute.WISH)).route is NeedRoute.WISH


async def test_a_need_comes_back_by_the_levels_it_went_up(people: People) -> None:
    need = await accepted(people)
    for who in ("ma", "chen", "qian"):
        await needs.escalate(people[who], need.id)
    for who, level in (("root", NeedLevel.STREET), ("qian", NeedLevel.COMMUNITY)):
        assert (await needs.hand_back(people[who], need.id, reason="可以自己办")).level is level


async def test_the_district_hands_back_to_the_street(people: People) -> None:
    need = await accepted(people)
    await needs.escalate(people.chen, need.id)
    await needs.escalate(people.qian, need.id)
    back = await needs.hand_back(people.root, need.id, reason="街道可以办")
    assert (back.state, back.level) == (NeedState.ROUTED, NeedLevel.STREET)
    assert (await needs.hand_back(people.qian, need.id, reason="社区可以办")).level is NeedLevel.GRID
    assert [hop.ended for hop in await NeedHop.filter(need_id=need.id).order_by("id")] == [
        HopEnd.ESCALATED,
        HopEnd.RETURNED,
        HopEnd.RETURNED,
    ]


async def test_what_a_level_leaves_undone_returns_to_view_as_overdue(people: People) -> None:
    await at("2037-11-23T10:00")
    need = await accepted(people)
    await needs.escalate(people.chen, need.id)
    await at("2037-11-30T23:59")
    await needs.note_overdue()
    assert not (await needs.find(people.wu, need.id)).overdue
    await at("2037-12-01T00:00")
    seen = await needs.find(people.wu, need.id)
    assert (seen.overdue, seen.level) == (True, NeedLevel.STREET)
    for _ in range(2):
        await needs.note_overdue()
    assert (await verbs(people.wu, need)).count("overdue") == 1
    for who in ("lin", "chen", "zhao", "qian"):
        assert (await inbox(people[who]))[0] == "need.overdue", who
    assert (await needs.escalate(people.chen, need.id)).level is NeedLevel.DISTRICT, "past a street that is silent"
    assert (await needs.detail(people.wu, need.id)).hops[0].late


async def test_what_is_overdue_is_said_once_for_a_date_whatever_is_done_meanwhile(people: People) -> None:
    await at("2037-11-23T10:00")
    need = await written(people)
    await at("2037-11-30T10:00")
    await needs.note_overdue()
    await needs.accept(people.chen, need.id)
    await needs.note_overdue()
    assert (await verbs(people.wu, need)).count("overdue") == 1
    await needs.route(people.chen, need.id, route=NeedRoute.OFFICIAL)
    await at("2037-12-31T10:00")
    await needs.note_overdue()
    assert (await verbs(people.wu, need)).count("overdue") == 2, "another date has gone by"


# --- due dates


async def test_first_answer_in_three_working_days_decision_in_fifteen(people: People) -> None:
    await at("2037-11-19T22:00")  # a Thursday
    need = await written(people)
    assert (local(need.due_at), local(need.decision_due_at)) == ("2037-11-25 00:00", "2037-12-11 00:00")
    await needs.accept(people.chen, need.id)
    await at("2037-11-24T23:59")
    answered = await needs.answer(people.chen, need.id, body="三天内更换")
    assert answered.due_at == need.decision_due_at
    assert not (await needs.detail(people.chen, need.id)).answers[0].late
    assert "late" not in (await events.timeline(people.lin, need))[-1].facts


async def test_an_answer_that_comes_late_is_shown_as_late(people: People) -> None:
    await at("2037-11-19T22:00")
    need = await accepted(people)
    await at("2037-11-25T00:00")
    assert (await needs.find(people.lin, need.id)).overdue
    await needs.answer(people.chen, need.id, body="三天内更换")
    assert (await needs.detail(people.chen, need.id)).answers[0].late
    assert (await events.timeline(people.lin, need))[-1].facts["late"] is True
    assert not (await needs.find(people.lin, need.id)).overdue
    await at("2037-12-11T00:00")
    assert (await needs.find(people.lin, need.id)).overdue, "answered, but not decided"
    assert not (await needs.finish(people.chen, need.id)).overdue
    assert (await events.timeline(people.lin, need))[-1].facts["late"] is True


async def test_days_off_and_moved_working_days_count(people: People) -> None:
    street = await Place.get(name="春熙街道")
    days = [date(2037, 10, 1) + timedelta(days=n) for n in range(7)]
    await calendars.update(people.qian, street.id, days_off=days, working_days=[date(2037, 10, 10)])
    await at("2037-09-30T09:00")
    assert local((await written(people)).due_at) == "2037-10-11 00:00"  # 8, 9 and Saturday 10
    await calendars.update(people.root, people.jy, days_off=[date(2037, 10, 8)], working_days=[])
    assert local((await written(people)).due_at) == "2037-10-13 00:00", "the community's own day off besides"
    assert (await calendars.find(people.jy)).days_off == ["2037-10-08"]
    assert (await calendars.find(people.yl)).days_off == []


@pytest.mark.parametrize("who", ["lin", "chen", "ma", "sun", "deng", "guest"])
async def test_only_officers_above_set_the_calendar(people: People, who: str) -> None:
    with pytest.raises(Forbidden):
        await calendars.update(people[who], people.jy, days_off=[], working_days=[])


async def test_a_community_sets_its_own_due_dates(people: People) -> None:
    assert (await needs.rules(people.jy)).answer_days == 3
    await needs.update_rules(people.chen, people.jy, answer_days=1, decision_days=2, escalation_days=2)
    await needs.update_rules(people.qian, people.jy, answer_days=1, decision_days=1, escalation_days=2)
    await at("2037-11-23T10:00")
    need = await accepted(people)
    assert local(need.due_at) == local(need.decision_due_at) == "2037-11-25 00:00"
    assert local((await needs.escalate(people.ma, need.id)).due_at) == "2037-11-26 00:00"
    with pytest.raises(Invalid):
        await needs.update_rules(people.chen, people.jy, answer_days=3, decision_days=2, escalation_days=2)
    with pytest.raises(NotFound):
        await needs.rules((await Place.get(name="春熙街道")).id)


@pytest.mark.parametrize("who", ["lin", "ma", "he", "sun", "deng", "guest"])
async def test_only_the_committee_and_officers_above_set_due_dates(people: People, who: str) -> None:
    with pytest.raises(Forbidden):
        await needs.update_rules(people[who], people.jy, answer_days=3, decision_days=15, escalation_days=5)


async def test_committee_and_street_list_what_is_overdue(people: People) -> None:
    await at("2037-11-19T22:00")
    late, over = await written(people), await written(people)
    next_door = await written(people, "wu", community_id=people.yl)
    await needs.withdraw(people.lin, over.id)
    await at("2037-11-24T10:00")
    fresh = await written(people)
    await at("2037-11-25T00:00")
    street = await Place.get(name="春熙街道")

    async def ids(who: str, **narrowed: object) -> list[int]:
        found = await needs.listed(people[who], page=Page(100), **narrowed)  # type: ignore[arg-type]
        return [need.id for need in found.items]

    assert await ids("chen", community_id=people.jy, overdue=True) == [late.id]
    assert await ids("qian", place_id=street.id, overdue=True) == [next_door.id, late.id]
    assert await ids("qian", place_id=people.jy, overdue=True) == [late.id]
    assert await ids("chen", community_id=people.jy, overdue=False) == [fresh.id, over.id]
    await needs.accept(people.chen, fresh.id)
    await needs.escalate(people.chen, fresh.id)
    assert await ids("qian", place_id=street.id, level=NeedLevel.STREET) == [fresh.id]


async def test_a_reopened_need_is_due_anew(people: People) -> None:
    await at("2037-11-23T10:00")
    need = await accepted(people)
    await needs.escalate(people.chen, need.id)
    await needs.answer(people.qian, need.id, body="好的")
    await needs.finish(people.chen, need.id)
    await at("2037-11-30T10:00")
    again = await needs.reopen(people.wang, need.id, reason="又坏了")
    assert (again.level, again.route, local(again.due_at)) == (NeedLevel.GRID, None, "2037-12-04 00:00")


# --- priority


async def test_what_presses_most_comes_first_and_says_why(people: People, move_clock: MoveClock) -> None:
    old = await written(people, title="旧的")
    await move_clock(timedelta(days=9))
    supported, urgent, low = [await written(people, title=title) for title in ("有人附议", "紧急", "不急")]
    for neighbour in (people.mei, people.wang, people.sun):
        await needs.endorse(neighbour, supported.id)
    await needs.set_urgency(people.chen, urgent.id, urgency=Urgency.URGENT)
    await needs.set_urgency(people.zhao, low.id, urgency=Urgency.LOW)
    done = await written(people)
    await needs.withdraw(people.lin, done.id)
    found = await needs.listed(people.lin, community_id=people.jy, sort=NeedSort.PRIORITY, page=Page())
    assert [need.id for need in found.items] == [urgent.id, old.id, supported.id, low.id]
    assert [(need.priority.score, [cause.points for cause in need.priority.because]) for need in found.items] == [
        (60, [0, 60, 0]),
        (9, [0, 0, 9]),
        (6, [6, 0, 0]),
        (-20, [0, -20, 0]),
    ]
    assert (await needs.find(people.lin, done.id)).priority is None


@pytest.mark.parametrize("who", ["lin", "ma", "he", "sun", "deng", "qian"])
async def test_only_the_committee_sets_urgency(people: People, who: str) -> None:
    need = await written(people)
    with pytest.raises(Forbidden):
        await needs.set_urgency(people[who], need.id, urgency=Urgency.URGENT)


async def test_what_is_over_is_not_urgent(people: People) -> None:
    need = await written(people)
    await needs.withdraw(people.lin, need.id)
    with pytest.raises(InvalidState):
        await needs.set_urgency(people.chen, need.id, urgency=Urgency.URGENT)
