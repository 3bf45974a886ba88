"""What else a helper does for somebody: service and its hours, certificates, points, teams, questions, appeals."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.errors import Forbidden
from app.core.pages import Page
from models.base import Moderation
from models.deliberations import BallotKind, Deliberation, DeliberationState, Form, Roll, Rule
from models.meetings import PetitionState
from models.needs import NeedField, ServiceClass
from models.residents import Assistance, Outcome
from models.units import Unit, UnitKind, UnitState
from models.volunteering import ActivityKind, NotIndependent, OwnHours, ServiceRecord, Signup, Skill
from services import (
    assistances,
    crowdfunding,
    deliberations,
    media,
    moderation,
    needs,
    reports,
    residents,
    units,
    volunteering,
    wishes,
)
from services.deliberations import Proposal
from services.policies import Actor
from services.volunteering import OtherName, ShiftPlan
from tests import raising
from tests.homing import KEYS, agreed, registered
from tests.passing import passed
from tests.people import People
from tests.services.test_helping import act, objected
from tests.services.test_volunteering import SECRET, hours, organised
from tests.services.test_wish_cases import photo
from tests.services.test_wishes import opened

MoveClock = Callable[[timedelta], Awaitable[None]]


async def a_task(people: People, person: Actor) -> int:
    """A task that she has taken on by 何楼长's hand."""
    made = await organised(people, ShiftPlan(1, "楼下药店"), kind=ActivityKind.TASK)
    await act(people, person, "signup.made", volunteering.sign_up, made.shifts[0].id)
    return made.shifts[0].id


async def served(people: People, person: Actor, minutes: int = 60) -> ServiceRecord:
    """Her minutes, reported by 何楼长 and confirmed by 马社工."""
    task = await a_task(people, person)
    await act(people, person, "signup.reported", volunteering.report, task, minutes=minutes)
    await volunteering.confirm_hours(people.ma, task)
    return await ServiceRecord.get(shift_id=task)


async def kept(person: Actor, verb: str) -> tuple[str, int]:
    """What the newest such act of hers was about."""
    found = await Assistance.filter(resident_id=person.id, verb=verb).order_by("-id").first()
    assert found is not None
    return found.subject_kind, found.subject_id


# --- service -----------------------------------------------------------------------------------------------------


async def test_a_task_is_reported_by_his_hand_and_objected_to_until_it_is_confirmed(people: People) -> None:
    person = await registered(people)
    task = await a_task(people, person)
    shot = await photo(people.he)
    done = await act(
        people, person, "signup.reported", volunteering.report, task, minutes=40, note="去了", photo_ids=[shot]
    )
    assert (done.reported_minutes, done.checked_in_by_id, done.checked_out_by_id) == (40, people.he.id, people.he.id)
    assert await kept(person, "signup.reported") == ("signup", done.id)
    assert (await objected(people, person)).outcome is Outcome.UNDONE
    bare = await Signup.get(id=done.id)
    assert (bare.checked_in_at, bare.checked_out_at, bare.reported_minutes, bare.note) == (None, None, None, None)
    assert (await media.photos_of(people.he, "signup", [done.id]))[done.id] == []
    again = await act(
        people, person, "signup.reported", volunteering.report, task, minutes=30, note="又去了", photo_ids=[shot]
    )
    assert again.reported_minutes == 30
    await volunteering.confirm_hours(people.ma, task)
    assert (await objected(people, person)).outcome is Outcome.KEPT
    assert (await ServiceRecord.get(shift_id=task)).minutes == 30


async def test_she_comes_and_goes_with_his_phone(people: People, move_clock: MoveClock) -> None:
    person = await registered(people)
    shift = (await organised(people)).shifts[0].id
    await act(people, person, "signup.made", volunteering.sign_up, shift)
    await move_clock(hours(5))

    async def come() -> None:
        code = await volunteering.check_in_code(people.ma, shift, secret=SECRET)
        await act(people, person, "signup.checked_in", volunteering.check_in, shift, token=code.token, secret=SECRET)

    await come()
    assert (await objected(people, person)).outcome is Outcome.UNDONE
    assert (await Signup.get(shift_id=shift)).checked_in_at is None
    await come()
    await move_clock(hours(1))
    await act(people, person, "signup.checked_out", volunteering.check_out, shift)
    entered = await Assistance.filter(resident_id=person.id, verb="signup.checked_in").order_by("-id").first()
    assert entered is not None
    assert (await assistances.object_to(person, entered.id)).outcome is Outcome.KEPT, "she has left since"
    went = await Assistance.get(resident_id=person.id, verb="signup.checked_out")
    assert (await assistances.object_to(person, went.id)).outcome is Outcome.UNDONE
    left = await Signup.get(shift_id=shift)
    assert (left.checked_in_at is None, left.checked_out_at) == (False, None)


async def test_who_helped_to_dispute_hours_does_not_decide_them(people: People) -> None:
    person = await registered(people)
    record = await served(people, person)
    for_her = agreed(person, people.mei)
    await assistances.act(
        people.chen, for_her, "service_record.disputed", volunteering.dispute, record.id, reason="不止一小时"
    )
    assert await kept(person, "service_record.disputed") == ("service_record", record.id)
    with pytest.raises(NotIndependent):
        await volunteering.resolve(people.chen, record.id, minutes=90, reason="她说得对")
    assert (await volunteering.resolve(people.zhao, record.id, minutes=90, reason="核实")).minutes == 90


async def test_a_certificate_bears_the_name_on_record_and_is_revoked_by_her_objection(people: People) -> None:
    person = await registered(people)
    await served(people, person)

    async def issue(**said: Any) -> Any:
        return await act(people, person, "certificate.issued", volunteering.issue_certificate, **said, secret=KEYS)

    with pytest.raises(OtherName):
        await issue(name="何楼长")
    made = await issue()
    assert (made.name_masked, made.name_declared, made.minutes) == ("王**", False, 60)
    assert await kept(person, "certificate.issued") == ("certificate", made.id)
    assert (await objected(people, person)).outcome is Outcome.UNDONE
    assert not (await volunteering.verify_certificate(made.code)).valid
    assert (await issue()).valid


async def test_a_name_that_somebody_else_declared_binds_nobody_once_it_is_objected_to(people: People) -> None:
    await served(people, people.lin)
    said = {"name": "何冒名", "secret": KEYS}
    await act(people, people.lin, "certificate.issued", volunteering.issue_certificate, **said)
    with pytest.raises(OtherName):
        await volunteering.issue_certificate(people.lin, name="林小芳", secret=KEYS)
    assert (await objected(people, people.lin)).outcome is Outcome.UNDONE
    assert (await volunteering.issue_certificate(people.lin, name="林小芳", secret=KEYS)).name_masked == "林**"


async def test_her_hours_go_to_a_neighbour_but_not_to_who_helps_her_spend_them(people: People) -> None:
    person = await registered(people)
    await served(people, person, 60)
    with pytest.raises(OwnHours):
        await act(people, person, "point_transfer.made", volunteering.spend, helper_id=people.he.id, minutes=10)
    made = await act(people, person, "point_transfer.made", volunteering.spend, helper_id=people.lin.id, minutes=10)
    assert await kept(person, "point_transfer.made") == ("point_transfer", made.id)
    assert (await volunteering.points(person)).balance_minutes == 50
    assert (await objected(people, person)).outcome is Outcome.KEPT, "they are his by now"


async def test_her_skills_are_forgotten_unless_she_has_said_them_since(people: People) -> None:
    person = await registered(people)

    async def say() -> None:
        await act(people, person, "volunteer.skills_set", volunteering.set_skills, [Skill.DRIVING])

    await say()
    assert await kept(person, "volunteer.skills_set") == ("resident", person.id)
    assert (await objected(people, person)).outcome is Outcome.UNDONE
    assert await volunteering.skills(person) == []
    await say()
    await volunteering.set_skills(person, [Skill.MUSIC])
    assert (await objected(people, person)).outcome is Outcome.KEPT
    assert await volunteering.skills(person) == [Skill.MUSIC]


# --- teams, units, questions --------------------------------------------------------------------------------------


async def test_she_founds_a_team_joins_another_and_leads(people: People) -> None:
    person = await registered(people)
    said = {"community_id": people.jy, "name": "银杏志愿队", "body": "每周六"}
    made = await passed(await act(people, person, "volunteer_team.founded", volunteering.found_team, **said))
    assert await kept(person, "volunteer_team.founded") == ("volunteer_team", made.id)
    asks = await volunteering.join_team(people.lin, made.id)
    assert asks.my_state == "asked"
    member = (await volunteering.members(person, made.id, page=Page())).items[0]
    await act(people, person, "volunteer_team.member_accepted", volunteering.answer_member, member.id, accepted=True)
    await act(people, person, "volunteer_team.handed_over", volunteering.hand_team_over, made.id, member_id=member.id)
    assert (await volunteering.find_team(people.lin, made.id)).leading
    await act(people, person, "volunteer_team.left", volunteering.leave_team, made.id)
    await act(people, person, "volunteer_team.asked", volunteering.join_team, made.id)
    assert (await objected(people, person)).outcome is Outcome.UNDONE
    assert (await volunteering.find_team(person, made.id)).my_state is None


async def test_a_team_of_a_campaign_is_founded_and_left_again(people: People) -> None:
    person, campaign = await registered(people), await raising.opened(people)
    made = await act(people, person, "team.founded", crowdfunding.found_team, campaign.id, name="七号楼队")
    assert await kept(person, "team.founded") == ("team", made.id)
    assert (await objected(people, person)).outcome is Outcome.UNDONE
    assert (await crowdfunding.find_team(person, made.id)).helpers == 0


async def test_a_unit_is_registered_and_ended_while_it_waits(people: People) -> None:
    person = await registered(people)
    said = {"community_id": people.jy, "kind": UnitKind.VOLUNTEER_TEAM, "name": "老伙伴合唱队"}
    made = await act(people, person, "unit.registered", units.register, **said)
    assert (await objected(people, person)).outcome is Outcome.UNDONE
    assert (await Unit.get(id=made.id)).state is UnitState.ENDED
    again = await passed(await act(people, person, "unit.registered", units.register, **said))
    await units.confirm(people.chen, again.id)
    assert (await objected(people, person)).outcome is Outcome.KEPT


async def test_a_question_to_the_neighbours_is_hers_until_it_is_discussed(people: People) -> None:
    person, now = await registered(people), await clock.now()
    asked = Proposal(
        people.jy, Form.OPEN, "装一盏路灯", "看不清台阶", BallotKind.YES_NO, Roll.RESIDENTS, Rule.CONSULTATION,
        now + timedelta(days=7), now + timedelta(days=14),
    )  # fmt: skip

    async def propose() -> Deliberation:
        made: Deliberation = await act(people, person, "deliberation.proposed", deliberations.propose, asked)
        return await passed(made)

    made = await propose()
    assert made.author_id == person.id
    assert (await objected(people, person)).outcome is Outcome.UNDONE
    assert (await Deliberation.get(id=made.id)).state is DeliberationState.WITHDRAWN
    again = await propose()
    await deliberations.open_discussion(people.chen, again.id)
    assert (await objected(people, person)).outcome is Outcome.KEPT
    await act(people, person, "deliberation.withdrawn", deliberations.withdraw, again.id, reason="物业已解决")
    assert (await Deliberation.get(id=again.id)).state is DeliberationState.WITHDRAWN


@pytest.mark.parametrize(("signer", "outcome"), [(None, Outcome.UNDONE), ("lin", Outcome.KEPT)])
async def test_a_petition_is_withdrawn_unless_a_neighbour_signed(
    people: People, signer: str | None, outcome: Outcome
) -> None:
    person = await registered(people)
    said = {"roll": Roll.RESIDENTS, "title": "请召开居民会议", "body": "讨论路灯"}
    made = await passed(await act(people, person, "petition.started", deliberations.start_petition, people.jy, **said))
    if signer:
        await deliberations.sign(people[signer], made.id)
    started = await Assistance.get(resident_id=person.id)
    assert (await assistances.object_to(person, started.id)).outcome is outcome
    state = (await deliberations.find_petition(people.chen, made.id)).state
    assert (state is PetitionState.WITHDRAWN) == (outcome is Outcome.UNDONE)


# --- wishes and words ---------------------------------------------------------------------------------------------


async def test_nobody_speaks_for_a_wisher_whom_he_serves(people: People) -> None:
    wish = await opened(people)
    await wishes.claim(people.ma, wish.id)
    await wishes.ask_extension(people.ma, wish.id, days=3, reason="缺货")
    claim_id = (await wishes.detail(people.wang, wish.id)).claims[0].id
    for_wang = await residents.stand_in(people.ma, agreed(people.wang, people.mei))
    with pytest.raises(Forbidden):
        await wishes.extend(for_wang, wish.id, claim_id)
    by_chen = await residents.stand_in(people.chen, agreed(people.wang, people.mei))
    await wishes.extend(by_chen, wish.id, claim_id)
    await wishes.fulfil(people.ma, wish.id, note="已送到")
    await wishes.dispute(people.wang, wish.id, reason="没有收到")
    with pytest.raises(Forbidden):
        await wishes.state_case(for_wang, wish.id, body="收到了")
    await wishes.state_case(by_chen, wish.id, body="没有收到")
    assert len((await wishes.detail(people.chen, wish.id)).statements) == 1


async def test_thanks_made_public_against_her_will_are_hers_alone_again(people: People) -> None:
    wish = await opened(people)
    await wishes.claim(people.lin, wish.id)
    await wishes.fulfil(people.lin, wish.id, note="已送到")
    await passed(await wishes.confirm(people.wang, wish.id, thanks="谢谢小林"))
    for_wang = agreed(people.wang, people.mei)
    with pytest.raises(Forbidden):
        await act(people, people.wang, "wish.thanks_published", wishes.publish_thanks, wish.id, public=True)
    await assistances.act(people.ma, for_wang, "wish.thanks_published", wishes.publish_thanks, wish.id, public=True)
    assert (await wishes.detail(people.mei, wish.id)).thanks == "谢谢小林"
    assert (await objected(people, people.wang)).outcome is Outcome.UNDONE
    assert (await wishes.detail(people.mei, wish.id)).thanks is None


async def test_who_helped_to_appeal_does_not_decide_it(people: People) -> None:
    person = await registered(people)
    need = await passed(
        await act(
            people, person, "need.submitted", needs.submit, community_id=people.jy, service_class=ServiceClass.CARE,
            field=NeedField.ELDERLY, title="想找人陪着散步", body="每周一次",
        )
    )  # fmt: skip
    await reports.hide(people.zhao, f"need:{need.id}", reason="像广告")
    decision = (await moderation.my_decisions(person, page=Page())).items[0]
    for_her = agreed(person, people.mei)
    await assistances.act(people.chen, for_her, "check.appealed", moderation.appeal, decision.id, reason="不是广告")
    waiting = (await moderation.queue(people.ma, page=Page())).items[0]
    with pytest.raises(Forbidden):
        await moderation.approve(people.chen, waiting.id)
    await moderation.approve(people.ma, waiting.id)
    assert (await needs.find(people.lin, need.id)).moderation is Moderation.PASSED
