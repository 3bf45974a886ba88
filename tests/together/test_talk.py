"""Two at once: supports, signatures, the pinned answer, attendance. Each shown to break unguarded."""

import asyncio
from datetime import timedelta

import pytest

from app.core import clock, db
from app.core.errors import DomainError
from models.comments import Comment, CommentSupport
from models.deliberations import Deliberation, Option, Roll
from models.events import Event, Notice
from models.meetings import Attendance, Meeting, Petition, PetitionSignature, PetitionState
from models.proposals import OptionProposal
from services import comments, deliberations
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.services.test_deliberations import lamp
from tests.services.test_meetings import SECRET, called
from tests.together.crowd import neighbours, outcomes
from tests.together.test_ballots import unguarded


async def discussed(people: People) -> Deliberation:
    made = await passed(await deliberations.propose(people.lin, await lamp(people)))
    return await deliberations.open_discussion(people.chen, made.id)


async def as_the_owner(sql: str) -> None:
    async with db.tx():
        await as_owner(lambda: db.execute(sql))


async def test_forty_support_at_once_three_times_each_and_forty_are_counted(committed: str, people: People) -> None:
    question = await discussed(people)
    said = await passed(await deliberations.comment(people.mei, question.id, body="支持"))
    crowd = await neighbours(people, 40)
    assert await outcomes(comments.support(one, said.id) for one in crowd * 3) == {"ok": 120}
    assert (await Comment.get(id=said.id)).supports == await CommentSupport.filter(comment_id=said.id).count() == 40
    assert await outcomes(comments.unsupport(one, said.id) for one in crowd[:15] * 3) == {"ok": 45}
    assert (await Comment.get(id=said.id)).supports == 25


async def test_without_its_trigger_supports_drift(committed: str, people: People) -> None:
    question = await discussed(people)
    said = await passed(await deliberations.comment(people.mei, question.id, body="支持"))
    await as_the_owner("ALTER TABLE comment_supports DISABLE TRIGGER comment_supports_counted")
    await comments.support(people.lin, said.id)
    assert (await Comment.get(id=said.id)).supports == 0


async def test_two_pin_at_once_and_one_answer_stands(committed: str, people: People) -> None:
    question = await discussed(people)
    said = [await passed(await deliberations.comment(people.chen, question.id, body=f"答{n}")) for n in range(6)]
    ended = await outcomes(comments.pin(who, one.id) for one in said for who in (people.chen, people.zhao))
    assert ended == {"ok": 12}
    assert await Comment.filter(subject_id=question.id, pinned=True).count() == 1


async def signed_by_sixty(people: People) -> Petition:
    """A petition that needs 7 of 68, signed by 60 at the same moment."""
    crowd = await neighbours(people, 60)
    petition = await passed(
        await deliberations.start_petition(people.lin, people.jy, roll=Roll.RESIDENTS, title="停车", body="请开会。")
    )
    assert (petition.roll_size, petition.needed) == (68, 7)
    doors = asyncio.Semaphore(15)

    async def sign(who: int) -> str:
        async with doors:
            try:
                await deliberations.sign(crowd[who], petition.id)
            except DomainError as refused:
                return type(refused).__name__
            return "ok"

    ended = await asyncio.gather(*(sign(who) for who in range(60)))
    assert set(ended) <= {"ok", "PetitionOver"}
    return await Petition.get(id=petition.id)


async def test_the_seventh_signature_and_no_other_reaches_the_goal(committed: str, people: People) -> None:
    petition = await signed_by_sixty(people)
    assert (petition.state, petition.signatures) == (PetitionState.REACHED, 7)
    assert await PetitionSignature.filter(petition_id=petition.id).count() == 7
    assert await Event.filter(verb="petition.reached").count() == 1
    assert await Notice.filter(kind="petition.reached").count() == 3


async def test_without_its_guard_more_would_sign_than_the_goal_has(committed: str, people: People) -> None:
    await as_the_owner("ALTER TABLE petition_signatures DISABLE TRIGGER petition_signatures_while_open")
    crowd = await neighbours(people, 60)
    petition = await passed(
        await deliberations.start_petition(people.lin, people.jy, roll=Roll.RESIDENTS, title="停车", body="请开会。")
    )
    for one in crowd[:7]:
        await deliberations.sign(one, petition.id)
    late = "INSERT INTO petition_signatures (community_id, petition_id, resident_id) VALUES ($1, $2, $3)"
    await db.execute(late, people.jy, petition.id, crowd[7].id)
    assert (await Petition.get(id=petition.id)).signatures > 7


async def test_without_its_constraint_one_would_sign_twice(committed: str, people: People) -> None:
    petition = await passed(
        await deliberations.start_petition(people.lin, people.jy, roll=Roll.RESIDENTS, title="停车", body="请开会。")
    )
    again = "INSERT INTO petition_signatures (community_id, petition_id, resident_id) VALUES ($1, $2, $3)"
    await db.execute(again, people.jy, petition.id, people.mei.id)
    with pytest.raises(Exception, match="petition_signatures_once"):
        await db.execute(again, people.jy, petition.id, people.mei.id)
    await as_the_owner("ALTER TABLE petition_signatures DROP CONSTRAINT petition_signatures_once")
    await db.execute(again, people.jy, petition.id, people.mei.id)
    assert (await Petition.get(id=petition.id)).signatures == 2


async def begun(people: People) -> Meeting:
    made = await called(people)
    async with db.tx():
        await as_owner(lambda: clock.move(timedelta(days=10)))
    return made.meeting


async def check_in_during_the_record(people: People) -> tuple[bool, int | None, int]:
    """阿梅 comes after the count and before its commit: whether she got in, who was counted, who stands there."""
    meeting = await begun(people)
    counted = asyncio.Event()

    async def hold_slowly() -> None:
        async with db.tx():
            await deliberations.hold_meeting(people.chen, meeting.id, minutes="同意。")
            counted.set()
            await asyncio.sleep(0.3)

    holding = asyncio.create_task(hold_slowly())
    await counted.wait()
    ended = await outcomes(
        [deliberations.check_in_at_meeting(people.ma, meeting.id, resident_id=people.mei.id, secret=SECRET)]
    )
    await holding
    present = (await Meeting.get(id=meeting.id)).present
    return "ok" in ended, present, await Attendance.filter(meeting_id=meeting.id).count()


async def test_nobody_comes_in_after_the_count(committed: str, people: People) -> None:
    assert await check_in_during_the_record(people) == (False, 0, 0)


async def test_without_the_share_lock_somebody_would(committed: str, people: People) -> None:
    await unguarded("guard_attendance", "PERFORM 1 FROM meetings WHERE id = NEW.meeting_id FOR SHARE;")
    await as_the_owner("ALTER TABLE attendances DROP CONSTRAINT attendances_same_community")
    await as_the_owner("ALTER TABLE attendances DROP CONSTRAINT attendances_meeting_id_fkey")
    assert await check_in_during_the_record(people) == (True, 0, 1)


async def test_forty_check_in_twice_at_once_and_two_workers_announce_once(committed: str, people: People) -> None:
    crowd = await neighbours(people, 40)
    made = await called(people)
    assert await outcomes(deliberations.announce_due() for _ in range(3)) == {"ok": 3}
    assert await Notice.filter(kind="meeting.announced").count() == 48
    async with db.tx():
        await as_owner(lambda: clock.move(timedelta(days=10)))
    code = await deliberations.meeting_code(people.ma, made.id, secret=SECRET)
    ended = await outcomes(
        deliberations.check_in_at_meeting(one, made.id, token=code.token, secret=SECRET) for one in crowd * 2
    )
    assert ended == {"ok": 80}
    assert await Attendance.filter(meeting_id=made.id).count() == 40
    held = await outcomes(
        deliberations.hold_meeting(who, made.id, minutes="同意。") for who in (people.chen, people.zhao) * 2
    )
    assert held == {"ok": 1, "InvalidState": 3}
    assert (await Meeting.get(id=made.id)).present == 40


async def test_an_option_is_taken_in_once_or_not_at_all(committed: str, people: People) -> None:
    question = await lamp(people, ballot_kind="approval", options=("红", "黄"), max_choices=2)
    made = await passed(await deliberations.propose(people.lin, question))
    await deliberations.open_discussion(people.chen, made.id)
    wishes: list[OptionProposal] = []
    for title in ("蓝", "绿", "紫"):
        wishes.append(await passed(await deliberations.propose_option(people.mei, made.id, title=title)))
    deeds = [deliberations.accept_option(who, wish.id) for wish in wishes for who in (people.lin, people.chen)]
    ended = await outcomes([*deeds[:3], deliberations.open_voting(people.zhao, made.id), *deeds[3:]])
    taken = await OptionProposal.filter(deliberation_id=made.id, state="accepted").count()
    positions = [option.position for option in await Option.filter(deliberation_id=made.id).order_by("position")]
    assert positions == list(range(1, 3 + taken))
    assert ended["ok"] == 1 + taken
