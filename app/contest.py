"""`linli seed --contest`: a provincial contest of community crowdfunding, loaded through the services.

51 campaigns in 17 communities of a district of their own, 156 teams, 1,672 team members, 620,120 yuan paid in.
Payments are heard of by the service itself, as a verified notification of WeChat is, without HTTP.
"""

import random
from collections.abc import Callable
from datetime import timedelta

from app.core import clock
from app.core.db import atomic
from app.gateways.wechat_pay import PaymentNotice
from app.scale import settle
from models.crowdfunding import CampaignKind, LegalPath, PledgeKind
from models.deliberations import BallotKind, Form, Roll, Rule
from models.payments import Order
from models.places import Place, PlaceKind
from models.residents import Role
from services import crowdfunding, deliberations, moderation, payments, places, residents
from services.crowdfunding import BudgetItem
from services.deliberations import Proposal
from services.policies import Actor

DISTRICT = "众筹大赛区"
STREETS, COMMUNITIES, CAMPAIGNS = 3, 17, 51
TEAMS, MEMBERS, RAISED_FEN = 156, 1672, 620_120_00
NEIGHBOURS = 120  # verified residents of each community
SEED = 51
PROJECTS = ["感应灯", "共享花园", "老人助浴", "旧书角", "童画长廊", "电动车棚", "社区食堂", "义务理发", "健身步道"]

Progress = Callable[[str], None]


async def seed_contest(progress: Progress = lambda _: None) -> bool:
    """Load the contest, a community in each transaction; False when all of it is there already.

    Where a run before was interrupted, this one goes on.
    """
    dice = random.Random(SEED)  # noqa: S311 - every installation tells the same story
    teams = shares(dice, TEAMS, CAMPAIGNS, least=2)
    members = shares(dice, MEMBERS, CAMPAIGNS, least=20)
    raised = shares(dice, RAISED_FEN // 10, CAMPAIGNS, least=50_00)
    each = list(zip(teams, members, (tens * 10 for tens in raised), strict=True))
    streets = await _streets()
    loaded = False
    for number in range(COMMUNITIES):
        mine = slice(number * 3, number * 3 + 3)
        if await _load(streets[number % STREETS], number, each[mine]):
            loaded = True
            progress(f"{_name(number)}: 3 campaigns")
    return loaded


@atomic()
async def _streets() -> list[Place]:
    """The streets of the district, made the first time."""
    district = await Place.get_or_none(kind=PlaceKind.DISTRICT, name=DISTRICT)
    if district is not None:
        return await Place.filter(parent_id=district.id).order_by("id")
    district = await places.add(None, parent_id=None, kind=PlaceKind.DISTRICT, name=DISTRICT)
    return [
        await places.add(None, parent_id=district.id, kind=PlaceKind.STREET, name=f"第{n}街道")
        for n in range(1, STREETS + 1)
    ]


def _name(number: int) -> str:
    return f"大赛社区{number + 1}"


@atomic(limit_s=60)
async def _load(street: Place, number: int, campaigns: list[tuple[int, int, int]]) -> bool:
    """A community with its campaigns (teams, members, fen raised), unless it is there."""
    if await Place.exists(parent_id=street.id, name=_name(number)):
        return False
    dice = random.Random(number)  # noqa: S311 - as above
    hall = await _community(street, number)
    for campaign, (team_count, member_count, raised_fen) in enumerate(campaigns, start=number * 3):
        await _campaign(dice, hall, campaign, team_count, member_count, raised_fen)
    return True


def shares(dice: random.Random, total: int, count: int, *, least: int) -> list[int]:
    """`total` in `count` varied whole parts of at least `least` each."""
    rest = total - least * count
    assert rest >= 0, "too little to share"  # noqa: S101
    cuts = sorted(dice.randint(0, rest) for _ in range(count - 1))
    return [least + high - low for low, high in zip([0, *cuts], [*cuts, rest], strict=True)]


class _Hall:
    """A community with its two committee members, its neighbours and the resolution its campaigns cite."""

    def __init__(self, place: Place, committee: tuple[Actor, Actor], neighbours: list[Actor], resolution: int) -> None:
        self.id, self.name = place.id, place.name
        self.committee, self.neighbours, self.resolution_id = committee, neighbours, resolution


async def _community(street: Place, number: int) -> _Hall:
    place = await places.add(None, parent_id=street.id, kind=PlaceKind.COMMUNITY, name=_name(number))
    building = await places.add(None, parent_id=place.id, kind=PlaceKind.BUILDING, name="1号楼")
    ids = await settle(place.id, building.id, NEIGHBOURS, f"contest-{number + 1}")
    for openid in (f"contest-{number + 1}-0", f"contest-{number + 1}-1"):
        await residents.grant_from_command_line(openid, Role.COMMITTEE, place.id)
    neighbours = [await residents.actor(id_) for id_ in ids]
    chair, other = neighbours[:2]
    return _Hall(place, (chair, other), neighbours, await consult(chair, place))


async def consult(chair: Actor, place: Place) -> int:
    """Ask the neighbours; the resolution that the community's campaigns cite."""
    now = await clock.now()
    deliberation = await deliberations.propose(
        chair,
        Proposal(
            community_id=place.id,
            form=Form.OPEN,
            title="参加社区众筹大赛",
            body="是否发起三个社区项目，自愿参与，账目公开。",
            ballot_kind=BallotKind.YES_NO,
            roll=Roll.HOUSEHOLDS,
            rule=Rule.CONSULTATION,
            discussion_until=now + timedelta(days=3),
            voting_until=now + timedelta(days=10),
        ),
    )
    await moderation.trust("deliberation", deliberation.id)
    await deliberations.open_discussion(chair, deliberation.id)
    await deliberations.open_voting(chair, deliberation.id)
    await deliberations.cast(chair, deliberation.id, {"choice": "yes"})
    await deliberations.close(chair, deliberation.id)
    resolution_id = (await deliberations.outcome(deliberation.id)).resolution_id
    assert resolution_id is not None  # noqa: S101 - a consultation always ends in one
    return resolution_id


async def _campaign(
    dice: random.Random, hall: _Hall, number: int, team_count: int, member_count: int, raised_fen: int
) -> None:
    author, publisher = hall.committee
    goal_fen = max(1_000_00, raised_fen * dice.randint(80, 130) // 100)
    lamps = goal_fen * dice.randint(40, 70) // 100
    campaign = await crowdfunding.create(
        author,
        community_id=hall.id,
        legal_path=LegalPath.COMMUNITY,
        kind=CampaignKind.KEEP_WHAT_IS_RAISED,
        title=f"{hall.name}{PROJECTS[number % len(PROJECTS)]}",
        body="居民自愿参与，资金专款专用，收支公开。",
        goal_fen=goal_fen,
        deadline=await clock.now() + timedelta(days=180),
        budget=[BudgetItem("材料", lamps), BudgetItem("施工与活动", goal_fen - lamps)],
        resolution_id=hall.resolution_id,
    )
    await moderation.trust("campaign", campaign.id)
    await crowdfunding.submit(author, campaign.id)
    await crowdfunding.publish(publisher, campaign.id)
    helpers = dice.sample(hall.neighbours, member_count)
    sizes = shares(dice, member_count, team_count, least=1)
    amounts = shares(dice, raised_fen, member_count, least=100)
    for size, name in zip(sizes, range(1, team_count + 1), strict=True):
        founder, *others = (helpers.pop() for _ in range(size))
        team = await crowdfunding.found_team(founder, campaign.id, name=f"第{name}小分队")
        await moderation.trust("team", team.id)
        for helper in others:
            await crowdfunding.join_team(helper, team.id)
        for helper in (founder, *others):
            await _give(helper, campaign.id, team.id, amounts.pop())


async def _give(giver: Actor, campaign_id: int, team_id: int, amount_fen: int) -> None:
    pledge = await crowdfunding.pledge(
        giver, campaign_id, kind=PledgeKind.MONEY, amount_fen=amount_fen, team_id=team_id
    )
    order = await Order.get(pledge_id=pledge.id)
    await payments.hear(
        PaymentNotice(
            notification_id=f"CONTEST{order.out_trade_no}",
            transaction_id=f"CONTEST{order.out_trade_no}",
            out_trade_no=order.out_trade_no,
            openid=order.openid,
            amount_fen=order.amount_fen,
            success_at=order.created_at,
        )
    )
