"""Giving, two and more at once: one leader, one income per document, one answer, one consent, one disclosure."""

from datetime import timedelta

import pytest

from app.core import clock, db
from models.crowdfunding import Income, LegalPath, PledgeKind, Team, TeamMember
from models.disclosures import DisclosureAnswer
from models.residents import Consent, ConsentPurpose
from models.volunteering import ActivityKind, Shift
from services import crowdfunding, disclosures, residents, volunteering
from services.volunteering import ShiftPlan
from tests.conftest import as_owner
from tests.passing import passed
from tests.people import People
from tests.raising import opened, resolution
from tests.together.crowd import neighbours, outcomes


async def without(statement: str) -> None:
    async with db.tx():
        await as_owner(lambda: db.execute(statement))


async def test_a_team_has_a_leader_whoever_comes_and_goes(people: People, committed: str) -> None:
    campaign = await opened(people)
    team = await passed(await crowdfunding.found_team(people.lin, campaign.id, name="点灯队"))
    crowd = await neighbours(people, 10)
    coming = [crowdfunding.join_team(actor, team.id) for actor in crowd]
    ended = await outcomes([crowdfunding.leave_team(people.lin, team.id), *coming])
    assert set(ended) <= {"ok", "HandOverFirst"}
    leader_id = (await Team.get(id=team.id)).leader_id
    assert await TeamMember.exists(team_id=team.id, resident_id=leader_id)
    assert await outcomes(crowdfunding.leave_team(actor, team.id) for actor in [people.lin, *crowd] * 3) is not None
    left = await TeamMember.filter(team_id=team.id).count()
    assert left == await TeamMember.filter(team_id=team.id, resident_id=leader_id).count()


async def test_without_the_key_a_team_would_be_led_by_somebody_who_left(people: People, committed: str) -> None:
    campaign = await opened(people)
    team = await passed(await crowdfunding.found_team(people.lin, campaign.id, name="点灯队"))
    await without("ALTER TABLE teams DROP CONSTRAINT teams_led_by_a_helper")
    await db.execute("DELETE FROM team_members WHERE team_id = $1", team.id)
    assert (await Team.get(id=team.id)).leader_id == people.lin.id


@pytest.mark.parametrize("kept", [True, False])
async def test_a_document_is_noted_once(people: People, committed: str, kept: bool) -> None:
    campaign = await opened(people, legal_path=LegalPath.GOVERNMENT)
    if not kept:
        await without("DROP INDEX incomes_one_per_document")
    who = [people.chen, people.zhao] * 5
    ended = await outcomes(
        crowdfunding.note_income(actor, campaign.id, amount_fen=100, document_number="第1号") for actor in who
    )
    assert ended == ({"ok": 1, "DocumentNoted": 9} if kept else {"ok": 10})
    assert await Income.filter(campaign_id=campaign.id).count() == (1 if kept else 10)


async def test_a_consent_stands_once(people: People, committed: str) -> None:
    await outcomes(
        residents.consent(people.lin, ConsentPurpose.PUBLISHING, policy_version=str(n % 3)) for n in range(12)
    )
    assert await Consent.filter(resident_id=people.lin.id, withdrawn_at=None).count() == 1


@pytest.mark.parametrize("kept", [True, False])
async def test_a_question_is_answered_once_and_a_disclosure_made_once(
    people: People, committed: str, kept: bool
) -> None:
    await resolution(people.jy, people.chen)
    assert await outcomes(disclosures.disclose_due() for _ in range(5)) == {"ok": 5}
    assert await db.value("SELECT count(*) FROM disclosures") == 1
    assert await db.value("SELECT count(*) FROM events WHERE verb = 'disclosure.shown'") == 1
    assert await outcomes(disclosures.note_displays() for _ in range(5)) == {"ok": 5}
    assert await db.value("SELECT count(*) FROM displays") == 1
    question = await disclosures.ask(people.lin, await db.value("SELECT id FROM disclosures"), body="为什么？")
    if not kept:
        await without("DROP INDEX disclosure_answers_once")
    ended = await outcomes(
        disclosures.answer(actor, question.id, body="因为") for actor in [people.chen, people.zhao] * 3
    )
    assert ended == ({"ok": 1, "AlreadyAnswered": 5} if kept else {"ok": 6})
    assert await DisclosureAnswer.all().count() == ended["ok"]


async def test_a_pledge_of_time_never_oversells_a_shift(people: People, committed: str) -> None:
    campaign = await opened(people)
    starts_at = await clock.now() + timedelta(days=1)
    plan = ShiftPlan(5, "7号楼", starts_at, starts_at + timedelta(hours=2))
    await passed(
        await volunteering.organise(
            people.ma, community_id=people.jy, kind=ActivityKind.SERVICE, title="装灯", body="装灯", shifts=[plan]
        )
    )
    shift = await Shift.get(community_id=people.jy)
    crowd = await neighbours(people, 15)
    ended = await outcomes(
        crowdfunding.pledge(actor, campaign.id, kind=PledgeKind.TIME, hours=2, shift_id=shift.id) for actor in crowd
    )
    assert ended == {"ok": 15}
    assert await db.value("SELECT count(*) FROM signups WHERE state = 'confirmed'") == 5
    assert await volunteering.miscounted() == []


@pytest.mark.parametrize("kept", [True, False])
async def test_time_for_a_shift_is_pledged_once_by_each(people: People, committed: str, kept: bool) -> None:
    campaign = await opened(people)
    plan = ShiftPlan(5, "7号楼", None, None)
    await passed(
        await volunteering.organise(
            people.ma, community_id=people.jy, kind=ActivityKind.TASK, title="装灯", body="装灯", shifts=[plan]
        )
    )
    shift = await Shift.get(community_id=people.jy)
    if not kept:
        await without("DROP INDEX pledges_one_per_shift")
    ended = await outcomes(
        crowdfunding.pledge(people.lin, campaign.id, kind=PledgeKind.TIME, hours=2, shift_id=shift.id) for _ in range(6)
    )
    assert ended == ({"ok": 1, "AlreadyExists": 5} if kept else {"ok": 6})
