"""Meetings are called in time, announced, attended, put on record; petitions ask for one; resolutions are followed."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.core import clock, db
from app.core.errors import Forbidden, Invalid, InvalidState, NotFound, NotVerified, TooLate
from app.core.pages import Page
from models.deliberations import Deliberation, DeliberationState, NotChecked, NotOnRoll, Resolution, Roll, Rule
from models.events import Event, Notice
from models.following import (
    DisplayTooShort,
    DueInThePast,
    FollowUpsOpen,
    FollowUpState,
    NothingToDo,
    NotReviewed,
)
from models.meetings import (
    BadMeetingTime,
    CheckInClosed,
    Meeting,
    MeetingKind,
    MeetingState,
    NoSuchDeliberation,
    NoSuchMeeting,
    NoticeTooShort,
    NotYetHeld,
    Petition,
    PetitionOver,
    PetitionState,
)
from models.residents import Household
from services import deliberations
from services.deliberations import Call, MeetingView, Point
from services.deliberations.meetings import StaleMeetingCode
from tests.passing import passed
from tests.people import People
from tests.services.test_deliberations import ADULTS, NO, YES, in_voting, lamp

Move = Callable[[timedelta], Awaitable[None]]
SECRET = "s" * 32
DAY = timedelta(days=1)


async def wanted(people: People, **other: Any) -> Call:
    call = Call(
        community_id=people.jy,
        kind=MeetingKind.RESIDENTS,
        title="加装电梯",
        body="请到会商议。",
        starts_at=await clock.now() + 10 * DAY,
        agenda=[Point("方案说明", 30), Point("提问", 60)],
        place_text="活动中心",
    )
    return replace(call, **other)


async def called(people: People, **other: Any) -> MeetingView:
    return await passed(await deliberations.call_meeting(people.chen, await wanted(people, **other)))


async def told(kind: str, subject_id: int) -> set[int]:
    return {notice.resident_id for notice in await Notice.filter(kind=kind, subject_id=subject_id)}


# --- meetings ---------------------------------------------------------------------------------------------------


async def test_a_meeting_from_its_call_to_its_minutes(people: People, move_clock: Move) -> None:
    question = await passed(await deliberations.propose(people.lin, await lamp(people)))
    made = await called(people, deliberation_ids=[question.id])
    assert made.meeting.ends_at - made.meeting.starts_at == timedelta(minutes=90)
    for _ in range(2):
        await deliberations.announce_due()
    assert len(await told("meeting.announced", made.id)) == ADULTS
    assert await Notice.filter(kind="meeting.announced", subject_id=made.id).count() == ADULTS
    with pytest.raises(CheckInClosed):
        code = await deliberations.meeting_code(people.ma, made.id, secret=SECRET)
        await deliberations.check_in_at_meeting(people.lin, made.id, token=code.token, secret=SECRET)
    await move_clock(10 * DAY)
    code = await deliberations.meeting_code(people.ma, made.id, secret=SECRET)
    for _ in range(2):
        seen = await deliberations.check_in_at_meeting(people.lin, made.id, token=code.token, secret=SECRET)
    assert (seen.attending, seen.attendance.present, seen.attendance.expected) == (True, 1, ADULTS)
    for resident in (people.wang, people.mei, people.sun):
        seen = await deliberations.check_in_at_meeting(people.ma, made.id, resident_id=resident.id, secret=SECRET)
    assert (seen.attendance.present, seen.attendance.quorate, seen.attending) == (4, False, False)
    assert await told("meeting.entered", made.id) == {people.wang.id, people.mei.id, people.sun.id}
    seen = await deliberations.check_in_at_meeting(people.he, made.id, token=code.token, secret=SECRET)
    assert (seen.attendance.present, seen.attendance.quorate, seen.attendance.by_hand) == (5, True, 3)
    assert len((await deliberations.meeting_attendances(people.ma, made.id, page=Page())).items) == 5
    held = await deliberations.hold_meeting(people.chen, made.id, minutes="同意进入表决。")
    assert (held.meeting.state, held.attendance.present, held.attendance.expected) == (MeetingState.HELD, 5, ADULTS)
    assert held.minutes == "同意进入表决。"  # the staff before the check
    assert (await deliberations.find_meeting(people.lin, made.id)).minutes is None
    await passed(held)
    assert (await deliberations.find_meeting(people.wu, made.id)).minutes == "同意进入表决。"
    listed = await deliberations.meetings(people.wu, deliberation_id=question.id, page=Page())
    assert [one.id for one in listed.items] == [made.id]
    with pytest.raises(CheckInClosed):
        await deliberations.check_in_at_meeting(people.ma, made.id, resident_id=people.zhao.id, secret=SECRET)
    verbs = [line.verb for line in (await deliberations.detail(people.wu, question.id)).timeline]
    assert verbs[-1] == "deliberation.meeting_called"


async def at_noon(days: int, **change: int) -> datetime:
    """A time of day in Shanghai, so many days after today."""
    now = (await clock.now()).astimezone(clock.SHANGHAI)
    return (now + days * DAY).replace(**({"hour": 0, "minute": 0, "second": 0, "microsecond": 0} | change))


async def test_ten_days_of_notice_counted_by_the_calendar_of_shanghai(people: People) -> None:
    await called(people, starts_at=await at_noon(10, hour=0))
    with pytest.raises(NoticeTooShort):
        await called(people, starts_at=await at_noon(9, hour=23, minute=59))
    for kind in (MeetingKind.REPRESENTATIVES, MeetingKind.CONSULTATION):
        await called(people, kind=kind, starts_at=await at_noon(1))


async def test_a_meeting_whose_words_passed_too_late_is_not_held_unannounced(people: People, move_clock: Move) -> None:
    made = await deliberations.call_meeting(people.chen, await wanted(people))
    await deliberations.announce_due()
    assert await told("meeting.announced", made.id) == set()
    await move_clock(DAY)
    await passed(made)
    await deliberations.announce_due()
    assert (await Meeting.get(id=made.id)).state is MeetingState.CANCELLED
    assert await told("meeting.too_late", made.id) == {people.chen.id}
    assert (await Event.get(verb="meeting.cancelled")).facts["why"] == "notice_too_short"


async def test_meetings_are_refused_by_name(people: People, move_clock: Move) -> None:
    now = await clock.now()
    elsewhere = await passed(await deliberations.propose(people.wu, await lamp(people, community_id=people.yl)))
    for refusal, other in (
        (BadMeetingTime, {"kind": MeetingKind.CONSULTATION, "starts_at": now - DAY}),
        (BadMeetingTime, {"starts_at": now + 400 * DAY}),
        (Invalid, {"place_text": None}),
        (Invalid, {"kind": MeetingKind.CONSULTATION, "roll": Roll.OWNERS}),
        (NoSuchDeliberation, {"deliberation_ids": [elsewhere.id]}),
    ):
        with pytest.raises(refusal):
            await called(people, **other)
    for outsider in ("lin", "ma", "he", "sun", "deng", "qian", "guest"):
        with pytest.raises(Forbidden):
            await deliberations.call_meeting(people[outsider], await wanted(people))
    made = await called(people)
    with pytest.raises(NotYetHeld):
        await deliberations.hold_meeting(people.chen, made.id, minutes="略")
    with pytest.raises(Forbidden):
        await deliberations.meeting_code(people.lin, made.id, secret=SECRET)
    await move_clock(10 * DAY)
    code = await deliberations.meeting_code(people.ma, made.id, secret=SECRET)
    for who, refusal in (("guest", NotVerified), ("wu", Forbidden)):
        with pytest.raises(refusal):
            await deliberations.check_in_at_meeting(people[who], made.id, token=code.token, secret=SECRET)
    with pytest.raises(Forbidden):
        await deliberations.check_in_at_meeting(people.lin, made.id, resident_id=people.mei.id, secret=SECRET)
    with pytest.raises(Forbidden):
        await deliberations.check_in_at_meeting(people.ma, made.id, resident_id=people.wu.id, secret=SECRET)
    with pytest.raises(Forbidden):
        await deliberations.meeting_attendances(people.lin, made.id, page=Page())
    await move_clock(timedelta(seconds=60))
    with pytest.raises(StaleMeetingCode):
        await deliberations.check_in_at_meeting(people.lin, made.id, token=code.token, secret=SECRET)


async def test_a_meeting_called_off_is_told_to_whom_it_was_announced(people: People) -> None:
    made = await called(people)
    await deliberations.announce_due()
    await passed(await deliberations.cancel_meeting(people.zhao, made.id, reason="场地停电"))
    _, timeline = await deliberations.meeting_detail(people.lin, made.id)
    assert [(line.verb, line.reason) for line in timeline] == [
        ("meeting.called", None),
        ("meeting.announced", None),
        ("meeting.cancelled", "场地停电"),
    ]
    assert len(await told("meeting.cancelled", made.id)) == ADULTS
    with pytest.raises(InvalidState):
        await deliberations.cancel_meeting(people.chen, made.id, reason="再次")
    unseen = await deliberations.call_meeting(people.chen, await wanted(people))
    with pytest.raises(NotFound):
        await deliberations.find_meeting(people.lin, unseen.id)


async def test_two_hours_after_the_end_nobody_is_entered_any_more(people: People, move_clock: Move) -> None:
    made = await called(people)
    await move_clock(10 * DAY)
    with pytest.raises(StaleMeetingCode):  # the staff come like everybody
        await deliberations.check_in_at_meeting(people.ma, made.id, resident_id=people.ma.id, secret=SECRET)
    await move_clock(timedelta(minutes=90 + 119))
    await deliberations.check_in_at_meeting(people.ma, made.id, resident_id=people.lin.id, secret=SECRET)
    await move_clock(timedelta(minutes=1))
    with pytest.raises(CheckInClosed):
        await deliberations.check_in_at_meeting(people.ma, made.id, resident_id=people.mei.id, secret=SECRET)
    held = await deliberations.hold_meeting(people.chen, made.id, minutes="略")
    assert (held.attendance.present, held.attendance.by_hand) == (1, 1)


async def test_households_are_counted_once(people: People, move_clock: Move) -> None:
    made = await called(people, roll=Roll.HOUSEHOLDS)
    await move_clock(10 * DAY)
    await deliberations.check_in_at_meeting(people.ma, made.id, resident_id=people.lin.id, secret=SECRET)
    await db.execute(
        "UPDATE memberships SET household_id = $2 WHERE resident_id = $1", people.mei.id, people.lin.household_id
    )
    seen = await deliberations.check_in_at_meeting(people.ma, made.id, resident_id=people.mei.id, secret=SECRET)
    assert (seen.attendance.present, seen.attendance.expected) == (1, ADULTS - 1)


async def representatives(people: People, *openids: str) -> None:
    """Elected for constituencies of their own."""
    today = (await clock.now()).astimezone(clock.SHANGHAI).date()
    for openid in openids:
        await db.execute(
            "WITH c AS (INSERT INTO constituencies (community_id, name) VALUES ($1, $2::varchar) RETURNING id) "
            "INSERT INTO representatives (community_id, constituency_id, resident_id, from_on, until_on, minutes, "
            "recorded_by_id) SELECT $1, id, $3, $4, $5, '推选会', $6 FROM c",
            people.jy,
            openid,
            people[openid].id,
            today,
            today + timedelta(days=365),
            people.chen.id,
        )


async def test_representatives_meet_when_two_thirds_are_there(people: People, move_clock: Move) -> None:
    await representatives(people, "lin", "mei", "wang", "sun")
    made = await called(people, kind=MeetingKind.REPRESENTATIVES, starts_at=await clock.now() + DAY)
    await deliberations.announce_due()
    assert await told("meeting.announced", made.id) == {people[who].id for who in ("lin", "mei", "wang", "sun", "chen")}
    await move_clock(DAY)
    quorate = []
    for who in ("lin", "he", "mei", "wang"):  # 何 listens
        seen = await deliberations.check_in_at_meeting(people.ma, made.id, resident_id=people[who].id, secret=SECRET)
        quorate.append((seen.attendance.present, seen.attendance.quorate))
    assert quorate == [(1, False), (1, False), (2, False), (3, True)]
    assert seen.attendance.expected == 4


async def test_one_in_three_representatives_ask(people: People) -> None:
    await representatives(people, "lin", "mei", "wang", "sun")
    petition = await started(people, Roll.REPRESENTATIVES)
    assert (petition.roll_size, petition.needed) == (4, 2)
    with pytest.raises(NotOnRoll):
        await deliberations.sign(people.he, petition.id)
    states = [(await deliberations.sign(people[who], petition.id)).state for who in ("mei", "sun")]
    assert states == [PetitionState.OPEN, PetitionState.REACHED]
    found, timeline = await deliberations.petition_detail(people.wu, petition.id)
    assert [line.verb for line in timeline] == ["petition.started", "petition.reached"]
    assert not found.signed_by_me


# --- petitions --------------------------------------------------------------------------------------------------


async def started(people: People, roll: Roll = Roll.RESIDENTS, who: str = "lin") -> Petition:
    return await passed(
        await deliberations.start_petition(people[who], people.jy, roll=roll, title="商议停车", body="请开会。")
    )


async def make_it_need(petition: Petition, needed: int) -> None:
    """As if the roll were so much longer."""
    await db.execute("ALTER TABLE petitions DISABLE TRIGGER petitions_guarded")
    await Petition.filter(id=petition.id).update(roll_size=needed * 10, needed=needed)
    await db.execute("ALTER TABLE petitions ENABLE TRIGGER petitions_guarded")


async def three_needed(people: People) -> Petition:
    petition = await started(people)
    await db.execute("SET LOCAL ROLE linli_owner")
    await make_it_need(petition, 3)
    await db.execute("RESET ROLE")
    return petition


async def test_one_in_ten_ask_and_the_committee_owes_an_answer(people: People, move_clock: Move) -> None:
    petition = await three_needed(people)
    for who in ("lin", "mei"):
        for _ in range(2):
            seen = await deliberations.sign(people[who], petition.id)
    assert (seen.signatures, seen.state, seen.signed_by_me) == (2, PetitionState.OPEN, True)
    await deliberations.unsign(people.mei, petition.id)
    await deliberations.sign(people.mei, petition.id)
    seen = await deliberations.sign(people.wang, petition.id)
    assert (seen.signatures, seen.state) == (3, PetitionState.REACHED)
    assert seen.answer_due_at is not None
    assert seen.reached_at is not None
    assert seen.answer_due_at - seen.reached_at == 15 * DAY
    assert await told("petition.reached", petition.id) == {people.lin.id, people.chen.id, people.zhao.id}
    for late in (deliberations.sign(people.he, petition.id), deliberations.unsign(people.mei, petition.id)):
        with pytest.raises(PetitionOver):
            await late
    await move_clock(15 * DAY)
    assert (await deliberations.find_petition(people.wu, petition.id)).overdue
    meeting = await called(people)
    seen = await deliberations.answer_petition(people.chen, petition.id, body="十日后召开。", meeting_id=meeting.id)
    assert (seen.state, seen.meeting_id, seen.overdue) == (PetitionState.ANSWERED, meeting.id, False)
    assert await told("petition.answered", petition.id) == {people.lin.id, people.mei.id, people.wang.id}
    assert (await deliberations.find_petition(people.wu, petition.id)).answer is None
    await passed(seen)
    assert (await deliberations.find_petition(people.wu, petition.id)).answer == "十日后召开。"
    with pytest.raises(InvalidState):
        await deliberations.answer_petition(people.zhao, petition.id, body="再答。")


async def test_the_goal_is_counted_once_when_it_starts(people: People) -> None:
    petition = await started(people)
    assert (petition.roll_size, petition.needed) == (ADULTS, 1)
    with pytest.raises(Forbidden):
        await deliberations.answer_petition(people.ma, petition.id, body="不开。")
    with pytest.raises(InvalidState):
        await deliberations.answer_petition(people.chen, petition.id, body="不开。")


async def test_a_household_signs_once_through_its_representative(people: People) -> None:
    await Household.filter(id=people.lin.household_id).update(representative_id=people.lin.id)
    petition = await started(people, Roll.HOUSEHOLDS)
    await db.execute("SET LOCAL ROLE linli_owner")
    await make_it_need(petition, 3)
    await db.execute("RESET ROLE")
    await deliberations.sign(people.lin, petition.id)
    await db.execute(
        "UPDATE memberships SET household_id = $2 WHERE resident_id = $1", people.mei.id, people.lin.household_id
    )
    await Household.filter(id=people.lin.household_id).update(representative_id=people.mei.id)
    mei = replace(people.mei, household_id=people.lin.household_id)
    assert (await deliberations.sign(mei, petition.id)).signatures == 1
    with pytest.raises(NotOnRoll):
        await deliberations.sign(people.lin, petition.id)


async def test_petitions_are_refused_by_name(people: People, move_clock: Move) -> None:
    for who, refusal in (("guest", NotVerified), ("wu", Forbidden), ("qian", NotVerified)):
        with pytest.raises(refusal):
            await started(people, who=who)
    with pytest.raises(Invalid):
        await started(people, Roll.OWNERS)
    with pytest.raises(NotOnRoll):  # nobody is a representative yet
        await started(people, Roll.REPRESENTATIVES)
    unchecked = await deliberations.start_petition(people.lin, people.jy, roll=Roll.RESIDENTS, title="一", body="二")
    with pytest.raises(NotChecked):
        await deliberations.sign(people.lin, unchecked.id)
    with pytest.raises(NotFound):
        await deliberations.find_petition(people.mei, unchecked.id)
    petition = await started(people)
    for who, refusal in (("guest", NotVerified), ("wu", Forbidden)):
        with pytest.raises(refusal):
            await deliberations.sign(people[who], petition.id)
    with pytest.raises(Forbidden):
        await deliberations.withdraw_petition(people.mei, petition.id)
    await deliberations.sign(people.lin, petition.id)
    consultation = await called(people, kind=MeetingKind.CONSULTATION)
    for meeting_id in (consultation.id, 10**6):
        with pytest.raises(NoSuchMeeting):
            await deliberations.answer_petition(people.chen, petition.id, body="好。", meeting_id=meeting_id)


async def test_a_petition_lapses_after_ninety_days(people: People, move_clock: Move) -> None:
    petition, given_up = await three_needed(people), await started(people, who="mei")
    await deliberations.withdraw_petition(people.mei, given_up.id)
    await deliberations.sign(people.lin, petition.id)
    await move_clock(90 * DAY)
    with pytest.raises(PetitionOver):
        await deliberations.sign(people.mei, petition.id)
    for _ in range(2):
        await deliberations.lapse_due()
    assert (await deliberations.find_petition(people.lin, petition.id)).state is PetitionState.LAPSED
    assert await told("petition.lapsed", petition.id) == {people.lin.id}
    states = [
        one.state for one in (await deliberations.petitions(people.wu, community_id=people.jy, page=Page())).items
    ]
    assert states == [PetitionState.WITHDRAWN, PetitionState.LAPSED]


# --- what follows a resolution ----------------------------------------------------------------------------------


async def decided(people: People, choice: dict[str, str] = YES, **other: Any) -> tuple[Deliberation, Resolution]:
    vote = await in_voting(people, **other)
    for who in ("lin", "mei", "wang", "chen", "zhao", "sun", "he", "ma"):
        await deliberations.cast(people[who], vote.id, choice)
    await deliberations.close(people.chen, vote.id)
    return await deliberations.find(people.chen, vote.id), await Resolution.get(deliberation_id=vote.id)


async def test_from_a_decision_to_the_neighbours_judgement(people: People, move_clock: Move) -> None:
    vote, resolution = await decided(people)
    due = await clock.now() + 5 * DAY
    task = await passed(
        await deliberations.set_task(people.chen, resolution.id, title="报装", assignee_id=people.ma.id, due_at=due)
    )
    assert await told("follow_up.set", task.id) == {people.ma.id}
    await deliberations.implement(people.chen, vote.id)
    await move_clock(6 * DAY)
    seen = (await deliberations.aftermath(resolution.id)).follow_ups
    assert [(one.title, one.state, one.overdue) for one in seen] == [("报装", FollowUpState.OPEN, True)]
    assert seen[0].assignee == "马**"
    with pytest.raises(FollowUpsOpen):
        await deliberations.review(people.chen, vote.id, body="装好了。")
    done = await passed(await deliberations.finish_task(people.ma, task.id, note="已装"))
    assert (done.state, done.overdue) == (FollowUpState.DONE, False)
    with pytest.raises(NotReviewed):
        await deliberations.judge(people.lin, vote.id, score=5)
    await deliberations.review(people.zhao, vote.id, body="装好了。")
    assert len(await told("deliberation.reviewed", vote.id)) == ADULTS
    assert (await deliberations.aftermath(resolution.id)).review is None
    await passed(None)
    for who, score in {"lin": 5, "mei": 4, "wang": 2, "he": 5}.items():
        judged = await deliberations.judge(people[who], vote.id, score=score)
    assert (judged.count, judged.average, judged.scores) == (4, None, None)
    await deliberations.judge(people.wang, vote.id, score=3)
    await deliberations.judge(people.ma, vote.id, score=4)
    found = await deliberations.aftermath(resolution.id)
    assert (found.state, found.review) == (DeliberationState.REVIEWED, "装好了。")
    assert (found.satisfaction.count, found.satisfaction.average) == (5, "4.20")
    assert found.satisfaction.scores == {1: 0, 2: 0, 3: 1, 4: 2, 5: 2}
    assert found.follow_ups[0].note == "已装"
    with pytest.raises(TooLate):
        await deliberations.set_task(
            people.chen, resolution.id, title="再", assignee_id=people.ma.id, due_at=await clock.now() + DAY
        )


async def test_a_display_hangs_fifteen_days_by_the_clock_of_the_database(people: People, move_clock: Move) -> None:
    _, resolution = await decided(people)
    hung = await passed(await deliberations.put_up(people.he, resolution.id, where_text="东门公告栏"))
    await move_clock(15 * DAY - timedelta(minutes=1))
    with pytest.raises(DisplayTooShort):
        await deliberations.take_down(people.he, hung.id)
    await move_clock(timedelta(minutes=1))
    down = await deliberations.take_down(people.ma, hung.id)
    assert down.until_at is not None
    assert (down.long_enough, (down.until_at - down.from_at).days) == (True, 15)
    with pytest.raises(InvalidState):
        await deliberations.take_down(people.ma, hung.id)
    shown = (await deliberations.aftermath(resolution.id)).displays
    assert [(one.where_text, one.long_enough) for one in shown] == [("东门公告栏", True)]
    for outsider in ("lin", "deng", "guest"):
        with pytest.raises(Forbidden):
            await deliberations.put_up(people[outsider], resolution.id, where_text="我家门口")


async def test_what_failed_is_not_carried_out_and_tasks_are_refused_by_name(people: People) -> None:
    vote, resolution = await decided(people, NO)
    with pytest.raises(NothingToDo):
        await deliberations.implement(people.chen, vote.id)
    with pytest.raises(InvalidState):
        await deliberations.review(people.chen, vote.id, body="无")
    now = await clock.now()
    for refusal, who, assignee, due in (
        (Forbidden, "ma", "ma", now + DAY),
        (Forbidden, "lin", "ma", now + DAY),
        (Invalid, "chen", "wu", now + DAY),
        (Invalid, "chen", "guest", now + DAY),
        (DueInThePast, "chen", "ma", now - DAY),
    ):
        with pytest.raises(refusal):
            await deliberations.set_task(
                people[who], resolution.id, title="一", assignee_id=people[assignee].id, due_at=due
            )
    task = await deliberations.set_task(
        people.chen, resolution.id, title="一", assignee_id=people.lin.id, due_at=now + DAY
    )
    for deed in (
        deliberations.finish_task(people.mei, task.id),
        deliberations.cancel_task(people.lin, task.id, reason="不做了"),
        deliberations.implement(people.lin, vote.id),
    ):
        with pytest.raises(Forbidden):
            await deed
    await deliberations.cancel_task(people.zhao, task.id, reason="不需要")
    with pytest.raises(InvalidState):
        await deliberations.finish_task(people.lin, task.id)


async def test_resolutions_are_listed_for_everybody(people: People) -> None:
    _, first = await decided(people)
    _, second = await decided(people, rule=Rule.CONSULTATION)
    page = await deliberations.resolutions(community_id=people.jy, page=Page())
    assert [one.id for one in page.items] == [second.id, first.id]
    assert (await deliberations.resolutions(community_id=people.yl, page=Page())).items == []
