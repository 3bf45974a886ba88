"""Teams: founded, joined, led, handed over, left; counted by helpers and pledges, never by money."""

import pytest

from app.core.errors import Forbidden, NotFound
from app.core.pages import Page
from models.base import Moderation
from models.crowdfunding import HandOverFirst, PledgeKind, Team
from models.events import Notice
from models.residents import ConsentPurpose
from services import crowdfunding, residents
from services.crowdfunding import TeamLine, TeamSort
from services.policies import Actor
from tests.passing import passed
from tests.people import People
from tests.raising import opened, paid


async def team(people: People, *others: Actor, name: str = "点灯队") -> TeamLine:
    """Founded by 小林, joined by others."""
    campaign = await opened(people)
    made = await passed(await crowdfunding.found_team(people.lin, campaign.id, name=name))
    for other in others:
        await crowdfunding.join_team(other, made.id)
    return await crowdfunding.find_team(people.lin, made.id)


async def helper(people: People, of: TeamLine, who: Actor) -> int:
    listed = (await crowdfunding.helpers(who, of.id, page=Page())).items
    return next(one.id for one in listed if one.mine)


async def test_the_founder_leads_and_hands_over_before_he_leaves(people: People) -> None:
    lamps = await team(people, people.mei, people.wang)
    assert lamps.leading
    with pytest.raises(HandOverFirst):
        await crowdfunding.leave_team(people.lin, lamps.id)
    mei = await helper(people, lamps, people.mei)
    with pytest.raises(Forbidden):
        await crowdfunding.hand_team_over(people.mei, lamps.id, helper_id=mei)
    with pytest.raises(NotFound):
        await crowdfunding.hand_team_over(people.lin, lamps.id, helper_id=999_999)
    handed = await crowdfunding.hand_team_over(people.lin, lamps.id, helper_id=mei)
    assert not handed.leading
    assert await Notice.exists(resident_id=people.mei.id, kind="team.handed_over")
    left = await crowdfunding.leave_team(people.lin, lamps.id)
    assert (left.helpers, left.joined) == (2, False)
    assert (await crowdfunding.leave_team(people.lin, lamps.id)).helpers == 2


async def test_the_last_to_leave_takes_the_lead_with_him_and_the_next_has_it(people: People) -> None:
    lamps = await team(people)
    assert (await crowdfunding.leave_team(people.lin, lamps.id)).helpers == 0
    assert (await Team.get(id=lamps.id)).leader_id is None
    assert (await crowdfunding.join_team(people.mei, lamps.id)).leading
    assert not (await crowdfunding.join_team(people.lin, lamps.id)).leading


async def test_the_committee_hands_over_what_its_leader_cannot(people: People) -> None:
    lamps = await team(people, people.mei)
    mei = await helper(people, lamps, people.mei)
    with pytest.raises(Forbidden):
        await crowdfunding.hand_team_over(people.ma, lamps.id, helper_id=mei)
    await crowdfunding.hand_team_over(people.chen, lamps.id, helper_id=mei)
    assert (await crowdfunding.find_team(people.mei, lamps.id)).leading


async def test_who_left_may_join_another(people: People) -> None:
    lamps = await team(people, people.mei)
    other = await passed(await crowdfunding.found_team(people.wang, lamps.campaign_id, name="照明队"))
    await crowdfunding.leave_team(people.mei, lamps.id)
    assert (await crowdfunding.join_team(people.mei, other.id)).helpers == 2


async def test_a_hidden_team_holds_nobody(people: People) -> None:
    lamps = await team(people, people.mei)
    await crowdfunding.hand_team_over(people.lin, lamps.id, helper_id=await helper(people, lamps, people.mei))
    await crowdfunding.leave_team(people.lin, lamps.id)
    await crowdfunding.join_team(people.lin, lamps.id)
    await Team.filter(id=lamps.id).update(moderation=Moderation.HIDDEN)
    with pytest.raises(NotFound):
        await crowdfunding.find_team(people.wang, lamps.id)
    lin = await helper(people, lamps, people.lin)
    await crowdfunding.hand_team_over(people.mei, lamps.id, helper_id=lin)
    left = await crowdfunding.leave_team(people.mei, lamps.id)
    assert (left.name, left.helpers, left.joined, left.leading) == ("众筹小分队", 1, False, False)
    assert (await crowdfunding.find_team(people.lin, lamps.id)).name == "点灯队"
    with pytest.raises(NotFound):
        await crowdfunding.leave_team(people.mei, lamps.id)
    await crowdfunding.found_team(people.mei, lamps.campaign_id, name="修灯队")


async def test_helpers_are_named_by_consent_and_what_they_brought_is_counted(people: People) -> None:
    lamps = await team(people, people.mei, people.wang)
    await residents.consent(people.mei, ConsentPurpose.PUBLISHING, policy_version="1")
    listed = (await crowdfunding.helpers(people.lin, lamps.id, page=Page())).items
    assert [(one.nickname, one.leading, one.mine) for one in listed] == [
        (None, False, False),
        ("阿梅", False, False),
        ("小林", True, True),
    ]
    await residents.withdraw_consent(people.mei, ConsentPurpose.PUBLISHING)
    assert [one.nickname for one in (await crowdfunding.helpers(people.lin, lamps.id, page=Page())).items] == [
        None,
        None,
        "小林",
    ]
    for hours in (1, 2):
        await crowdfunding.pledge(people.mei, lamps.campaign_id, kind=PledgeKind.TIME, hours=hours, team_id=lamps.id)
    page = await crowdfunding.team_page(people.lin, lamps.id)
    assert [(one.kind, one.pledges) for one in page.brought] == [(PledgeKind.TIME, 2)]


async def test_strangers_see_no_team(people: People) -> None:
    lamps = await team(people)
    for who in ("wu", "guest", "deng"):
        with pytest.raises(NotFound):
            await crowdfunding.team_page(people[who], lamps.id)
        with pytest.raises(NotFound):
            await crowdfunding.helpers(people[who], lamps.id, page=Page())
        with pytest.raises(NotFound):
            await crowdfunding.leave_team(people[who], lamps.id)


async def test_teams_rank_by_helpers_never_by_money(people: People) -> None:
    lamps = await team(people, people.mei)
    rich = await passed(await crowdfunding.found_team(people.wang, lamps.campaign_id, name="大款队"))
    await paid(people.wang, await crowdfunding.find(people.wang, lamps.campaign_id), 90_000)
    third = await passed(await crowdfunding.found_team(people.he, lamps.campaign_id, name="三队"))
    seen: list[int] = []
    page = Page(limit=1)
    while True:
        found = await crowdfunding.teams(people.lin, lamps.campaign_id, sort=TeamSort.HELPERS, page=page)
        seen += [one.id for one in found.items]
        if found.after is None:
            break
        page = Page(limit=1, after=found.after)
    assert seen == [lamps.id, third.id, rich.id]
