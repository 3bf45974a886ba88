"""Volunteers' teams, points, certificates and calendars."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import pytest

from app.core import clock, crypto, db
from app.core.crypto import Keys
from app.core.errors import AlreadyExists, Forbidden, Invalid, InvalidState, NotFound, NotVerified
from app.core.pages import Page
from models.certificates import Certificate
from models.events import Notice
from models.places import Place
from models.residents import Resident
from models.volunteer_teams import TeamMemberState
from models.volunteering import Activity, NotEnoughHours, OwnHours, Volunteer
from services import drawing, volunteering
from services.policies import Actor
from services.volunteering import HandOver, NoHours, NotInTeam, OtherName, TeamSeen
from tests.passing import passed
from tests.people import People
from tests.services.test_volunteering import SECRET, hours, one_shift, organised, plan

MoveClock = Callable[[timedelta], Awaitable[None]]
KEYS = Keys.of("a secret of the tests, long enough")


async def served(people: People, who: str, move_clock: MoveClock, minutes: int = 60, **more: Any) -> int:
    """Have somebody's minutes confirmed; the id of the shift."""
    made = await organised(people, **more)
    shift_id = made.shifts[0].id
    await volunteering.sign_up(people[who], shift_id)
    await move_clock(hours(5))
    await volunteering.check_in(people.ma, shift_id, resident_id=people[who].id, secret=SECRET)
    await move_clock(hours(2))
    await volunteering.confirm_hours(people.ma, shift_id, entries={people[who].id: minutes})
    return shift_id


# --- teams


async def team(people: People) -> TeamSeen:
    """A team that 小林 leads."""
    return await passed(
        await volunteering.found_team(people.lin, community_id=people.jy, name="银杏志愿队", body="每周六")
    )


async def asked(people: People, team_id: int, who: str) -> int:
    """The id under which somebody asks to join."""
    await volunteering.join_team(people[who], team_id)
    return (await volunteering.members(people.lin, team_id, page=Page())).items[0].id


async def test_who_asks_is_let_in_by_the_leader(people: People) -> None:
    made = await team(people)
    assert (made.members, made.leading, made.my_state) == (1, True, TeamMemberState.MEMBER)
    waits = await volunteering.join_team(people.mei, made.id)
    assert (waits.members, waits.my_state) == (1, TeamMemberState.ASKED)
    assert (await volunteering.join_team(people.mei, made.id)).my_state is TeamMemberState.ASKED
    listed = (await volunteering.members(people.lin, made.id, page=Page())).items
    assert [(one.nickname, one.state) for one in listed] == [("阿梅", "asked"), ("小林", "member")]
    assert len((await volunteering.members(people.mei, made.id, page=Page())).items) == 1
    with pytest.raises(Forbidden):
        await volunteering.answer_member(people.chen, listed[0].id, accepted=True)
    assert (await volunteering.answer_member(people.lin, listed[0].id, accepted=True)).members == 2
    with pytest.raises(InvalidState):
        await volunteering.answer_member(people.lin, listed[0].id, accepted=False)
    assert await Notice.exists(resident_id=people.mei.id, kind="volunteer_team.joined")
    seen = (await volunteering.members(people.wu, made.id, page=Page())).items
    assert [one.nickname for one in seen] == [None, "小林"]  # the leader is known, the others when they consent


async def test_who_is_declined_may_ask_again(people: People) -> None:
    made = await team(people)
    member_id = await asked(people, made.id, "mei")
    await volunteering.answer_member(people.lin, member_id, accepted=False)
    assert (await volunteering.find_team(people.mei, made.id)).my_state is None
    assert (await volunteering.join_team(people.mei, made.id)).my_state is TeamMemberState.ASKED


async def test_who_leads_hands_over_before_he_leaves(people: People) -> None:
    made = await team(people)
    member_id = await asked(people, made.id, "mei")
    with pytest.raises(NotFound):
        await volunteering.hand_team_over(people.lin, made.id, member_id=member_id)  # only asked yet
    await volunteering.answer_member(people.lin, member_id, accepted=True)
    with pytest.raises(HandOver):
        await volunteering.leave_team(people.lin, made.id)
    with pytest.raises(Forbidden):
        await volunteering.hand_team_over(people.wang, made.id, member_id=member_id)
    await volunteering.hand_team_over(people.lin, made.id, member_id=member_id)
    assert (await volunteering.leave_team(people.lin, made.id)).members == 1
    assert (await volunteering.leave_team(people.lin, made.id)).members == 1
    assert (await volunteering.leave_team(people.mei, made.id)).leader is None
    assert (await volunteering.join_team(people.wang, made.id)).leading  # nobody is left: whoever comes leads


@pytest.mark.parametrize(("who", "error"), [("guest", NotVerified), ("qian", NotVerified), ("wu", Forbidden)])
async def test_only_residents_of_the_community_found_and_join(people: People, who: str, error: type[Exception]) -> None:
    made = await team(people)
    with pytest.raises(error):
        await volunteering.join_team(people[who], made.id)
    with pytest.raises(error):
        await volunteering.found_team(people[who], community_id=people.jy, name="队", body="b")


async def test_hours_count_for_the_team_they_were_given_for(people: People, move_clock: MoveClock) -> None:
    made = await team(people)
    await served(people, "lin", move_clock, 60, team_id=made.id)  # the activity is the team's
    await served(people, "mei", move_clock, 60, team_id=made.id)  # but 阿梅 is not in it
    await served(people, "lin", move_clock, 60)
    shift_id = await one_shift(people)
    with pytest.raises(NotInTeam):
        await volunteering.sign_up(people.mei, shift_id, team_id=made.id)
    assert (await volunteering.sign_up(people.lin, shift_id, team_id=made.id)).team_id == made.id
    assert (await volunteering.find_team(people.wu, made.id)).minutes == 60
    listed = await volunteering.teams(people.wu, community_id=people.jy, page=Page())
    assert [(one.id, one.minutes) for one in listed.items] == [(made.id, 60)]


async def test_an_activity_belongs_to_a_team_of_its_own_community(people: People) -> None:
    unchecked = await volunteering.found_team(people.lin, community_id=people.jy, name="未审", body="b")
    with pytest.raises(Invalid):
        await organised(people, team_id=unchecked.id)
    elsewhere = await volunteering.found_team(people.wu, community_id=people.yl, name="玉林队", body="b")
    with pytest.raises(Invalid):
        await organised(people, team_id=(await passed(elsewhere)).id)


async def test_who_asked_and_then_comes_to_a_team_without_a_leader_is_a_member_and_leads(people: People) -> None:
    made = await team(people)
    for who in ("mei", "wang"):
        await volunteering.join_team(people[who], made.id)
    assert (await volunteering.leave_team(people.lin, made.id)).leader_id is None
    seen = await volunteering.join_team(people.mei, made.id)
    assert (seen.my_state, seen.members, seen.leading) == (TeamMemberState.MEMBER, 1, True)
    asking = (await volunteering.join_team(people.wang, made.id)).my_state
    assert asking is TeamMemberState.ASKED


# --- points


async def test_hours_given_may_be_spent_on_help_but_never_more(people: People, move_clock: MoveClock) -> None:
    await served(people, "lin", move_clock, 100)
    done = await volunteering.spend(people.lin, helper_id=people.mei.id, minutes=60)
    assert (done.spent, done.other, done.minutes) == (True, "阿梅", 60)
    with pytest.raises(NotEnoughHours):
        await volunteering.spend(people.lin, helper_id=people.mei.id, minutes=41)
    await volunteering.spend(people.lin, helper_id=people.wang.id, minutes=40)
    mine = await volunteering.points(people.lin)
    assert (mine.given_minutes, mine.received_minutes, mine.spent_minutes, mine.balance_minutes) == (100, 0, 100, 0)
    await volunteering.spend(people.mei, helper_id=people.lin.id, minutes=60)
    assert (await volunteering.points(people.lin)).balance_minutes == 60
    assert [one.spent for one in (await volunteering.transfers(people.lin, page=Page())).items] == [False, True, True]
    assert await Notice.exists(resident_id=people.mei.id, kind="points.received")


async def test_refused_spending(people: People, move_clock: MoveClock) -> None:
    await served(people, "lin", move_clock)
    with pytest.raises(OwnHours):
        await volunteering.spend(people.lin, helper_id=people.lin.id, minutes=1)
    for elsewhere in (people.wu.id, people.guest.id, 10**9):
        with pytest.raises(NotFound):
            await volunteering.spend(people.lin, helper_id=elsewhere, minutes=1)
    with pytest.raises(NotVerified):
        await volunteering.spend(people.guest, helper_id=people.lin.id, minutes=1)
    done = await volunteering.spend(people.lin, helper_id=people.mei.id, minutes=1)
    with pytest.raises(NotFound):
        await volunteering.find_transfer(people.wang, done.id)


async def test_hours_struck_out_after_they_were_spent_are_made_up_for(people: People, move_clock: MoveClock) -> None:
    shift_id = await served(people, "lin", move_clock, 100)
    await volunteering.spend(people.lin, helper_id=people.mei.id, minutes=60)
    record_id = await db.value("SELECT id FROM service_records WHERE shift_id = $1", shift_id)
    await volunteering.correct(people.ma, record_id, minutes=20, reason="记错了")
    assert (await volunteering.points(people.lin)).balance_minutes == 0
    await served(people, "lin", move_clock, 50)
    assert (await volunteering.points(people.lin)).balance_minutes == 10
    with pytest.raises(NotEnoughHours):
        await volunteering.spend(people.lin, helper_id=people.mei.id, minutes=11)


# --- certificates


async def issued(people: People, **said: Any) -> volunteering.CertificateSeen:
    return await volunteering.issue_certificate(people.lin, **{"name": "林小芳"} | said, secret=KEYS)


async def test_confirmed_hours_are_certified_at_once(people: People, move_clock: MoveClock) -> None:
    await served(people, "lin", move_clock, 60)
    await served(people, "lin", move_clock, 100, title="清理楼道")
    made = await issued(people, document_tail="123X")
    assert (made.minutes, made.valid, made.name_masked, made.name_declared) == (160, True, "林**", True)
    assert [(line["title"], line["minutes"]) for line in made.lines] == [("陪老人逛公园", 60), ("清理楼道", 100)]
    chair = await db.value("SELECT nickname FROM residents WHERE id = $1", people.chen.id)
    assert (made.issuer, made.person_in_charge) == ((await Place.get(id=people.jy)).name, chair)
    assert len(made.code) == 20
    kept = await Certificate.get(id=made.id)
    for sealed in (kept.name_sealed, kept.document_sealed):
        assert sealed is not None
        assert "林小芳".encode() not in bytes(sealed)
        assert b"123X" not in bytes(sealed)
    public = await volunteering.verify_certificate(made.code.lower().replace("0", "o"))
    assert public.id == made.id
    page = await volunteering.verification_page(made.code)
    assert "有效" in page
    assert "林小芳" not in page
    assert "<script" not in page
    assert [one.id for one in (await volunteering.certificates(people.lin, page=Page())).items] == [made.id]


async def pictured(actor: Actor, code: str, monkeypatch: pytest.MonkeyPatch) -> drawing.Certificate:
    """What is drawn on a certificate."""
    drawn: list[drawing.Certificate] = []

    async def draw(brush: object, facts: drawing.Certificate) -> bytes:
        drawn.append(facts)
        return b"png"

    monkeypatch.setattr(drawing, "in_the_studio", draw)
    await volunteering.certificate_picture(actor, code, verify_url="https://x/y", secret=KEYS)
    return drawn[0]


async def test_the_picture_carries_the_whole_name_for_its_holder_alone(
    people: People, move_clock: MoveClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served(people, "lin", move_clock)
    made = await issued(people, document_tail="1234")
    seen = await pictured(people.lin, made.code, monkeypatch)
    assert (seen.name, seen.identity, seen.number) == ("林小芳", "*" * 14 + "1234", made.number)
    assert seen.declared == ("姓名", "证件号码")
    for who in ("mei", "chen", "guest"):
        with pytest.raises(NotFound):
            await volunteering.certificate_picture(people[who], made.code, verify_url="https://x/y", secret=KEYS)


async def test_the_name_is_said_once_for_all_and_until_then_the_nickname_stands_for_it(
    people: People, move_clock: MoveClock
) -> None:
    await served(people, "lin", move_clock)
    for _ in range(2):
        unnamed = await issued(people, name=None)
        assert (unnamed.name_masked, unnamed.name_declared) == ("小**", True)
    await issued(people)
    with pytest.raises(OtherName):
        await issued(people, name="王五")
    assert (await issued(people, name=None)).name_masked == "林**"


async def test_a_name_on_record_is_taken(
    people: People, move_clock: MoveClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served(people, "lin", move_clock)
    sealed = crypto.seal(KEYS, "林芳", table="residents", column="name", row=people.lin.id)
    await Resident.filter(id=people.lin.id).update(name_sealed=sealed)
    with pytest.raises(OtherName):
        await issued(people)
    made = await issued(people, name="林芳")
    assert not made.name_declared
    seen = await pictured(people.lin, made.code, monkeypatch)
    assert (seen.name, seen.identity, seen.declared) == ("林芳", None, ())
    tailed = await issued(people, name="林芳", document_tail="123X")
    assert (await pictured(people.lin, tailed.code, monkeypatch)).declared == ("证件号码",)


async def test_no_hours_no_certificate(people: People, move_clock: MoveClock) -> None:
    with pytest.raises(NoHours):
        await issued(people)
    with pytest.raises(NotFound):
        await volunteering.issue_certificate(people.guest, name="客", secret=KEYS)
    await served(people, "lin", move_clock)
    today = (await clock.now()).astimezone(clock.SHANGHAI).date()
    with pytest.raises(NoHours):
        await issued(people, from_on=today + timedelta(days=2))
    with pytest.raises(NoHours):
        await issued(people, community_id=people.yl)
    made = await issued(people, from_on=date(2020, 1, 1), until_on=today + timedelta(days=1))
    assert (made.from_on, made.minutes) == (date(2020, 1, 1), 60)


async def test_the_issuer_revokes_and_the_page_says_why(people: People, move_clock: MoveClock) -> None:
    await served(people, "lin", move_clock)
    made = await issued(people)
    for who in ("lin", "ma", "he", "deng", "sun"):
        with pytest.raises(Forbidden):
            await volunteering.revoke_certificate(people[who], made.code, reason="错")
    gone = await passed(await volunteering.revoke_certificate(people.chen, made.code, reason="时长<有误>"))
    assert not gone.valid
    page = await volunteering.verification_page(made.code)
    assert "撤销" in page
    assert "时长&lt;有误&gt;" in page
    assert (await volunteering.verify_certificate(made.code)).reason == "时长<有误>"
    with pytest.raises(AlreadyExists):
        await volunteering.revoke_certificate(people.zhao, made.code, reason="错")
    assert await Notice.exists(resident_id=people.lin.id, kind="certificate.revoked")
    with pytest.raises(NotFound):
        await volunteering.verify_certificate("0" * 20)


async def test_hidden_words_are_not_certified(people: People, move_clock: MoveClock) -> None:
    await served(people, "lin", move_clock)
    await Activity.all().update(moderation="hidden")
    assert [line["title"] for line in (await issued(people)).lines] == ["志愿服务"]


# --- calendars


async def test_the_calendar_follows_ones_shifts(people: People) -> None:
    made = await organised(people, await plan(after=5, capacity=1), await plan(after=9), await plan(after=13))
    one, two, three = (shift.id for shift in made.shifts)
    await volunteering.sign_up(people.mei, one)
    for shift_id in (one, two, three):
        await volunteering.sign_up(people.lin, shift_id)
    await volunteering.cancel(people.lin, two)
    await volunteering.cancel_shift(people.ma, three, reason="下雨")
    token = await volunteering.renew_calendar(people.lin)
    text = await volunteering.own_calendar(token)
    statuses = {
        event.split("UID:shift-")[1].split("@")[0]: event.split("STATUS:")[1].split("\r\n")[0]
        for event in text.split("BEGIN:VEVENT")[1:]
    }
    assert statuses == {str(one): "TENTATIVE", str(two): "CANCELLED", str(three): "CANCELLED"}
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    await volunteering.sign_up(people.lin, two)
    again = await volunteering.own_calendar(token)
    assert again.count(f"UID:shift-{two}@linli") == 1
    assert "STATUS:CONFIRMED" in again
    of_all = await volunteering.activity_calendar(people.wu, made.id)
    assert of_all.count("BEGIN:VEVENT") == 3
    assert of_all.count("STATUS:CANCELLED") == 1


async def test_the_secret_address_is_renewed_and_closed(people: People) -> None:
    first = await volunteering.renew_calendar(people.lin)
    kept = await Volunteer.get(resident_id=people.lin.id)
    assert first.encode() not in bytes(kept.calendar_hash or b"")
    second = await volunteering.renew_calendar(people.lin)
    assert await volunteering.own_calendar(second)
    with pytest.raises(NotFound):
        await volunteering.own_calendar(first)
    await volunteering.close_calendar(people.lin)
    await volunteering.close_calendar(people.lin)
    with pytest.raises(NotFound):
        await volunteering.own_calendar(second)
    await volunteering.set_skills(people.lin, [])
    with pytest.raises(NotFound):
        await volunteering.activity_calendar(people.lin, 10**9)
