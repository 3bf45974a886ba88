"""Campaigns: drawn up by the community, published by another, given to by residents, decided by the clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, cut, newest
from app.gateways.wechat_pay import WechatPay
from models.base import Moderation
from models.comments import Comment
from models.crowdfunding import (
    MONEY_ROAD,
    BudgetLine,
    Campaign,
    CampaignKind,
    CampaignOver,
    CampaignState,
    LegalPath,
    OtherTeam,
    Pledge,
    PledgeKind,
    PledgeState,
    ResolutionNotValid,
    Team,
)
from models.deliberations import Resolution
from models.ledger import AccountKind, Leg
from models.residents import Role
from services import comments, events, ledger, needs, notifications, payments, places
from services.events import TimelineItem
from services.ledger import Purse
from services.policies import Actor, require, require_resident
from services.policies import crowdfunding as policies

LONGEST = timedelta(days=365)
DUE_AT_ONCE = 20
GIVEN = (PledgeState.PAID, PledgeState.PROMISED, PledgeState.RECEIVED)
COMMITTEE_ONLY = ("只有本社区居委会成员可以这样做", "Only committee members of this community may do this")
STAFF_ONLY = ("只有本社区的工作人员可以这样做", "Only staff of this community may do this")

# What a pledge of each kind must say, and what it may say besides.
SAYS: dict[PledgeKind, tuple[set[str], set[str]]] = {
    PledgeKind.MONEY: ({"amount_fen"}, set()),
    PledgeKind.SALE: ({"amount_fen"}, {"item"}),
    PledgeKind.ADOPTION: ({"budget_line_id"}, {"amount_fen"}),
    PledgeKind.IN_KIND: ({"amount_fen", "item"}, set()),
    PledgeKind.TIME: ({"hours"}, {"item"}),
    PledgeKind.SKILL: ({"item"}, {"hours"}),
}


@dataclass(frozen=True)
class BudgetItem:
    """One purpose of the money asked for."""

    title: str
    amount_fen: int


@dataclass(frozen=True)
class CampaignDetail:
    """A campaign and its public history."""

    campaign: Campaign
    timeline: list[TimelineItem]


# --- campaigns --------------------------------------------------------------------------------------------------


def visible(actor: Actor) -> QuerySet[Campaign]:
    """The one door: published campaigns for the community and those above it, the others for its staff."""
    published = Q(
        community_id__in=policies.shown_to(actor), published_by_id__isnull=False, moderation=Moderation.PASSED
    )
    return Campaign.filter(published | Q(community_id__in=policies.staffed_by(actor)))


async def find(actor: Actor, campaign_id: int) -> Campaign:
    """One campaign that the actor may see, with its figures. Raises NotFound."""
    return (await _with_figures([await _door(actor, campaign_id)]))[0]


async def detail(actor: Actor, campaign_id: int) -> CampaignDetail:
    """One campaign with its figures and history. Raises NotFound."""
    campaign = await find(actor, campaign_id)
    return CampaignDetail(campaign, await events.timeline(campaign))


async def listed(
    actor: Actor, *, community_id: int | None = None, state: CampaignState | None = None, page: Page
) -> Listed[Campaign]:
    """Campaigns, newest first, with their figures."""
    query = visible(actor)
    if community_id is not None:
        query = query.filter(community_id=community_id)
    if state is not None:
        query = query.filter(state=state)
    found = await newest(query, page)
    return Listed(await _with_figures(found.items), found.after)


@atomic()
async def create(
    actor: Actor,
    *,
    community_id: int,
    legal_path: LegalPath,
    kind: CampaignKind,
    title: str,
    body: str,
    goal_fen: int,
    minimum_fen: int | None = None,
    opens_at: datetime | None = None,
    deadline: datetime,
    budget: Sequence[BudgetItem],
    resolution_id: int,
    need_ids: Sequence[int] = (),
) -> Campaign:
    """Draw up a campaign; staff of the community do. The budget adds up to the goal; money in fen.

    Raises NotFound, Forbidden, Invalid (path not offered, figures or times that do not fit), ResolutionNotValid.
    """
    await places.find_community(community_id)
    require(policies.may_propose(actor, community_id), *STAFF_ONLY)
    if legal_path is not LegalPath.COMMUNITY:
        raise Invalid("目前只支持社区内部众筹", "Only raising within the community is offered for now")
    _check_figures(goal_fen, minimum_fen, budget)
    await _check_times(opens_at, deadline)
    if not await _is_valid(resolution_id, community_id):
        raise ResolutionNotValid
    campaign = await Campaign.create(
        community_id=community_id,
        author_id=actor.id,
        legal_path=legal_path,
        kind=kind,
        title=title,
        body=body,
        goal_fen=goal_fen,
        minimum_fen=minimum_fen or goal_fen,
        opens_at=opens_at,
        deadline=deadline,
        resolution_id=resolution_id,
    )
    await BudgetLine.bulk_create(
        BudgetLine(community_id=community_id, campaign_id=campaign.id, title=line.title, amount_fen=line.amount_fen)
        for line in budget
    )
    await ledger.open_accounts(community_id, campaign.id)
    await needs.link(actor, need_ids, campaign)
    await events.record(actor, "campaign.drafted", campaign, goal_fen=goal_fen, resolution_id=resolution_id)
    return await find(actor, campaign.id)


@atomic()
async def submit(actor: Actor, campaign_id: int) -> Campaign:
    """Hand a draft to the other committee members. Raises NotFound, Forbidden, InvalidState."""
    campaign = await find(actor, campaign_id)
    require(policies.may_propose(actor, campaign.community_id), *STAFF_ONLY)
    await campaign.move_to(CampaignState.IN_REVIEW, submitted_by_id=actor.id)
    await events.record(actor, "campaign.submitted", campaign)
    await notifications.tell(
        await _committee(campaign.community_id, but=actor.id), "campaign.in_review", campaign, title=campaign.title
    )
    return campaign


@atomic()
async def publish(actor: Actor, campaign_id: int) -> Campaign:
    """Open a campaign for pledges, or let the clock open it at `opens_at`; never by whoever submitted it.

    Raises NotFound, Forbidden, NotByTheSubmitter, InvalidState, CampaignOver.
    """
    campaign = await find(actor, campaign_id)
    require(policies.may_conduct(actor, campaign), *COMMITTEE_ONLY)
    now = await clock.now()
    if campaign.deadline <= now:
        raise CampaignOver
    ahead = campaign.opens_at is not None and campaign.opens_at > now
    await campaign.move_to(
        CampaignState.PUBLISHED if ahead else CampaignState.OPEN, published_by_id=actor.id
    )  # the database refuses the submitter
    await events.record(actor, "campaign.published", campaign)
    return campaign


@atomic(limit_s=60)
async def cancel(actor: Actor, campaign_id: int, *, reason: str | None = None) -> Campaign:
    """Call a campaign off before its deadline has decided; everyone who paid is refunded.

    Raises NotFound, Forbidden, InvalidState.
    """
    campaign = await find(actor, campaign_id)
    require(policies.may_conduct(actor, campaign), *COMMITTEE_ONLY)
    await campaign.move_to(CampaignState.CANCELLED)
    refunded_fen = await payments.give_all_back(campaign, payments.CANCELLED)
    await events.record(actor, "campaign.cancelled", campaign, reason=reason, refunded_fen=refunded_fen)
    await _tell_givers(campaign, "campaign.cancelled")
    return await find(actor, campaign.id)


@atomic()
async def accept(actor: Actor, campaign_id: int) -> Campaign:
    """Confirm that what was raised for has been done. Raises NotFound, Forbidden, InvalidState."""
    campaign = await find(actor, campaign_id)
    require(policies.may_conduct(actor, campaign), *COMMITTEE_ONLY)
    await campaign.move_to(CampaignState.ACCEPTED)
    await events.record(actor, "campaign.accepted", campaign)
    return campaign


@atomic()
async def settle(actor: Actor, campaign_id: int) -> Campaign:
    """Close the campaign's account; what is left goes to the general fund.

    Raises NotFound, Forbidden, InvalidState.
    """
    campaign = await find(actor, campaign_id)
    require(policies.may_conduct(actor, campaign), *COMMITTEE_ONLY)
    await campaign.move_to(CampaignState.SETTLED)
    purse = Purse(AccountKind.CAMPAIGN, campaign.id)
    surplus_fen = await ledger.balance(campaign.community_id, purse)
    if surplus_fen:
        await ledger.post(
            campaign.community_id,
            debit=purse,
            credit=Purse(AccountKind.GENERAL),
            amount_fen=surplus_fen,
            cause=campaign,
            leg=Leg.SURPLUS,
        )
    await events.record(actor, "campaign.settled", campaign, surplus_fen=surplus_fen)
    return campaign


async def comment(actor: Actor, campaign_id: int, *, body: str, parent_id: int | None = None) -> Comment:
    """Ask or say something about a campaign; residents of its community and its staff do."""
    campaign = await _door(actor, campaign_id)
    if not actor.is_staff(campaign.community_id):
        require_resident(actor, campaign.community_id)
    return await comments.add(actor, campaign, campaign.community_id, body=body, parent_id=parent_id)


async def comments_on(actor: Actor, campaign_id: int, *, page: Page) -> Listed[Comment]:
    """What was said about a campaign, newest first."""
    return await comments.listed(await _door(actor, campaign_id), page=page)


# --- pledges ----------------------------------------------------------------------------------------------------


# The campaign is held open while the pledge is written; its deadline is read after the lock.
PLEDGE = """
WITH c AS MATERIALIZED (SELECT id, community_id, state, deadline FROM campaigns WHERE id = $1 FOR SHARE)
INSERT INTO pledges (community_id, campaign_id, giver_id, kind, state, amount_fen, item, hours, budget_line_id, team_id,
    anonymous, message, moderation, late)
SELECT c.community_id, c.id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'passed', false
FROM c WHERE c.state = 'open' AND c.deadline > clock_now() RETURNING id
"""


@atomic()
async def pledge(
    actor: Actor,
    campaign_id: int,
    *,
    kind: PledgeKind,
    amount_fen: int | None = None,
    item: str | None = None,
    hours: int | None = None,
    budget_line_id: int | None = None,
    team_id: int | None = None,
    anonymous: bool = True,
    message: str | None = None,
) -> Pledge:
    """Promise something to an open campaign; money (and adoptions and sales) with an order to pay within 15 minutes.

    Verified residents of the community do. Raises NotFound, NotVerified, Forbidden, Invalid (fields that do not fit
    the kind), InvalidState, CampaignOver, LineAdopted, NoSuchTeam.
    """
    campaign = await _door(actor, campaign_id)
    require_resident(actor, campaign.community_id)
    given = {"amount_fen": amount_fen, "item": item, "hours": hours, "budget_line_id": budget_line_id}
    _check_says(kind, {name for name, value in given.items() if value is not None})
    if budget_line_id is not None:
        amount_fen = await _line_amount(campaign_id, budget_line_id, amount_fen)
    paying = kind in MONEY_ROAD
    pledge_id = await db.value(
        PLEDGE,
        campaign_id,
        actor.id,
        kind.value,
        PledgeState.AWAITING_PAYMENT.value if paying else PledgeState.PROMISED.value,
        amount_fen,
        item,
        hours,
        budget_line_id,
        team_id,
        anonymous,
        message,
    )
    if pledge_id is None:
        await campaign.refresh_from_db(fields=["state"])
        raise CampaignOver if campaign.state is CampaignState.OPEN else InvalidState(campaign.state)
    made = await Pledge.get(id=pledge_id)
    if paying:
        assert actor.openid is not None, "whoever logs in has one"  # noqa: S101
        await payments.open_order(made, openid=actor.openid, title=campaign.title, deadline=campaign.deadline)
    await events.record(actor, "pledge.made", made, kind=kind.value, amount_fen=amount_fen)
    return made


async def find_pledge(actor: Actor, pledge_id: int) -> Pledge:
    """One pledge, for its giver and the staff of the community. Raises NotFound."""
    found = await Pledge.get_or_none(id=pledge_id).select_related("campaign", "giver")
    if found is None or not policies.may_look_into(actor, found):
        raise NotFound("没有找到这笔认捐", "No such pledge")
    return found


async def with_payment(pay: WechatPay, made: Pledge) -> Pledge:
    """The pledge just made, with what its giver's telephone needs to pay. Calls WeChat, outside any transaction."""
    made.payment = await payments.payment_for(pay, made.id)
    return made


async def look_at_pledge(actor: Actor, pay: WechatPay, pledge_id: int) -> Pledge:
    """One pledge. For its giver, while it waits for payment, WeChat is asked first, and a fresh payment is signed."""
    found = await find_pledge(actor, pledge_id)
    if found.state is PledgeState.AWAITING_PAYMENT and found.giver_id == actor.id:
        payment = await payments.payment_for(pay, found.id, ask_first=True)
        found = await find_pledge(actor, pledge_id)
        found.payment = payment
    return found


async def pledges(actor: Actor, campaign_id: int, *, page: Page) -> Listed[Pledge]:
    """What a campaign was given, and the actor's own pledges to it in any state; newest first."""
    campaign = await _door(actor, campaign_id)
    shown = Q(state__in=GIVEN, moderation=Moderation.PASSED) | Q(giver_id=actor.id)
    return await newest(Pledge.filter(shown, campaign_id=campaign.id).select_related("giver"), page)


@atomic()
async def take_back(actor: Actor, pledge_id: int, *, reason: str | None = None) -> Pledge:
    """Refund a paid pledge in full: its giver while the campaign is open.

    The committee after it failed or was cancelled, should WeChat have refused. Raises NotFound, Forbidden,
    InvalidState, CampaignOver.
    """
    found = await find_pledge(actor, pledge_id)
    held = await db.row(
        "SELECT state, deadline <= clock_now() AS over FROM campaigns WHERE id = $1 FOR SHARE", found.campaign_id
    )
    assert held is not None, "a pledge has a campaign"  # noqa: S101
    state = CampaignState(held["state"])
    require(policies.may_take_back(actor, found, state))
    if state not in (CampaignState.OPEN, CampaignState.FAILED, CampaignState.CANCELLED):
        raise InvalidState(state)
    if state is CampaignState.OPEN and held["over"]:
        raise CampaignOver
    await payments.give_back(actor, found, payments.ASKED, reason=reason)
    return found


@atomic()
async def receive(actor: Actor, pledge_id: int) -> Pledge:
    """Note that goods, time or a skill promised were given; goods enter the books at their estimated value.

    Raises NotFound, Forbidden, InvalidState.
    """
    found = await find_pledge(actor, pledge_id)
    require(actor.is_staff(found.community_id), *STAFF_ONLY)
    await found.move_to(PledgeState.RECEIVED)
    if found.kind is PledgeKind.IN_KIND:
        assert found.amount_fen is not None, "pledges_complete"  # noqa: S101
        await ledger.post(
            found.community_id,
            debit=Purse(AccountKind.IN_KIND_GIVERS),
            credit=Purse(AccountKind.IN_KIND),
            amount_fen=found.amount_fen,
            cause=found,
            leg=Leg.RECEIVED,
        )
    await events.record(actor, "pledge.received", found, amount_fen=found.amount_fen)
    await notifications.tell([found.giver_id], "pledge.received", found, title=found.campaign.title)
    return found


@atomic()
async def withdraw(actor: Actor, pledge_id: int) -> Pledge:
    """Take back a promise of goods, time or a skill that was not given yet; its giver does.

    Raises NotFound, Forbidden, InvalidState.
    """
    found = await find_pledge(actor, pledge_id)
    require(found.giver_id == actor.id)
    await found.move_to(PledgeState.WITHDRAWN)
    await events.record(actor, "pledge.withdrawn", found)
    return found


# --- teams ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TeamLine:
    """A team as its community sees it: how many help, how many pledges it brought. Never how much."""

    id: int
    campaign_id: int
    name: str
    helpers: int
    pledges: int
    joined: bool
    created_at: datetime


TEAMS = """
SELECT t.id, t.campaign_id, t.name, t.created_at,
    (SELECT count(*) FROM team_members m WHERE m.team_id = t.id) AS helpers,
    (SELECT count(*) FROM pledges p WHERE p.team_id = t.id AND p.state IN ('paid', 'promised', 'received')) AS pledges,
    EXISTS (SELECT 1 FROM team_members m WHERE m.team_id = t.id AND m.resident_id = $1) AS joined
FROM teams t
WHERE (t.moderation = 'passed' OR t.founder_id = $1)
"""
JOIN = """
INSERT INTO team_members (community_id, campaign_id, team_id, resident_id)
SELECT community_id, campaign_id, id, $2 FROM teams WHERE id = $1
ON CONFLICT ON CONSTRAINT team_members_one_team DO UPDATE SET team_id = excluded.team_id
    WHERE team_members.team_id = excluded.team_id
RETURNING id
"""


@atomic()
async def found_team(actor: Actor, campaign_id: int, *, name: str) -> TeamLine:
    """Start a team for a campaign and be its first helper.

    Raises NotFound, NotVerified, Forbidden, InvalidState, AlreadyExists, OtherTeam.
    """
    campaign = await _door(actor, campaign_id)
    require_resident(actor, campaign.community_id)
    _must_be_raising(campaign)
    team = await Team.create(
        community_id=campaign.community_id, campaign_id=campaign.id, founder_id=actor.id, name=name
    )
    await _join(actor, team.id)
    await events.record(actor, "team.founded", team)
    return await find_team(actor, team.id)


@atomic()
async def join_team(actor: Actor, team_id: int) -> TeamLine:
    """Help in a team; joining it again changes nothing. Raises NotFound, NotVerified, Forbidden, OtherTeam."""
    line = await find_team(actor, team_id)
    campaign = await _door(actor, line.campaign_id)
    require_resident(actor, campaign.community_id)
    _must_be_raising(campaign)
    await _join(actor, team_id)
    return await find_team(actor, team_id)


async def find_team(actor: Actor, team_id: int) -> TeamLine:
    """One team of a campaign the actor may see. Raises NotFound."""
    found = await db.row(f"{TEAMS} AND t.id = $2", actor.id, team_id)
    if found is None or not await visible(actor).filter(id=found["campaign_id"]).exists():
        raise NotFound("没有找到这支小分队", "No such team")
    return TeamLine(**found)


async def teams(actor: Actor, campaign_id: int, *, page: Page) -> Listed[TeamLine]:
    """A campaign's teams, newest first."""
    campaign = await _door(actor, campaign_id)
    after = page.after[0] if page.after else None
    found = await db.rows(
        f"{TEAMS} AND t.campaign_id = $2 AND ($3::bigint IS NULL OR t.id < $3) ORDER BY t.id DESC LIMIT $4",
        actor.id,
        campaign.id,
        after,
        page.limit + 1,
    )
    return cut([TeamLine(**line) for line in found], page)


# --- by the clock -----------------------------------------------------------------------------------------------

# Past its deadline a campaign waits, an hour at most, for its unpaid orders to be settled with WeChat.
ENDS = """
state = 'open' AND deadline <= clock_now() AND (
    deadline <= clock_now() - interval '1 hour' OR NOT EXISTS (
        SELECT 1 FROM orders o JOIN pledges p ON p.id = o.pledge_id
        WHERE p.campaign_id = campaigns.id AND p.state = 'awaiting_payment' AND o.state IN ('created', 'prepaid')))
"""
OPENS = "state = 'published' AND opens_at <= clock_now()"
BEGINS = "state = 'funded' AND deadline <= clock_now() - interval '24 hours'"


async def open_due() -> None:
    """Open published campaigns whose `opens_at` has come."""
    for campaign_id in await _due(OPENS):
        await _step(campaign_id, OPENS, CampaignState.OPEN, "campaign.opened")


async def begin_due() -> None:
    """Let funded campaigns be carried out from 24 hours after their deadline."""
    for campaign_id in await _due(BEGINS):
        await _step(campaign_id, BEGINS, CampaignState.IMPLEMENTING, "campaign.implementing")


async def end_due() -> None:
    """Decide campaigns whose deadline has passed: funded, or failed with everything refunded."""
    for campaign_id in await _due(ENDS):
        await _end(campaign_id)


@atomic(limit_s=60)
async def _end(campaign_id: int) -> None:
    campaign = await _held(campaign_id, ENDS)
    if campaign is None:
        return
    raised_fen = (await ledger.raised([campaign_id]))[campaign_id]
    least_fen = campaign.minimum_fen if campaign.kind is CampaignKind.ALL_OR_NOTHING else 1
    if raised_fen >= least_fen:
        await campaign.move_to(CampaignState.FUNDED)
        await events.record(None, "campaign.funded", campaign, raised_fen=raised_fen)
        await _tell_givers(campaign, "campaign.funded")
        return
    await campaign.move_to(CampaignState.FAILED)
    refunded_fen = await payments.give_all_back(campaign, payments.FAILED)
    await events.record(None, "campaign.failed", campaign, raised_fen=raised_fen, refunded_fen=refunded_fen)
    await _tell_givers(campaign, "campaign.failed")


@atomic()
async def _step(campaign_id: int, condition: str, target: CampaignState, verb: str) -> None:
    campaign = await _held(campaign_id, condition)
    if campaign is not None:
        await campaign.move_to(target)
        await events.record(None, verb, campaign)


async def _due(condition: str) -> list[int]:
    found = await db.rows(f"SELECT id FROM campaigns WHERE {condition} ORDER BY deadline LIMIT {DUE_AT_ONCE}")
    return [line["id"] for line in found]


async def _held(campaign_id: int, condition: str) -> Campaign | None:
    """The campaign, locked against pledges and captures, if the condition holds; None if another worker has it."""
    held = await db.value(
        f"SELECT id FROM campaigns WHERE id = $1 AND {condition} FOR NO KEY UPDATE SKIP LOCKED", campaign_id
    )
    return await Campaign.get(id=campaign_id) if held else None


# --- below ------------------------------------------------------------------------------------------------------


async def _door(actor: Actor, campaign_id: int) -> Campaign:
    campaign = await visible(actor).get_or_none(id=campaign_id)
    if campaign is None:
        raise NotFound("没有找到这个众筹项目", "No such campaign")
    return campaign


FIGURES = """
SELECT campaign_id, count(DISTINCT giver_id) AS backers,
    coalesce(sum(amount_fen) FILTER (WHERE kind = 'in_kind'), 0)::bigint AS in_kind_fen
FROM pledges WHERE campaign_id = ANY ($1::bigint[]) AND state IN ('paid', 'received') GROUP BY campaign_id
"""


async def _with_figures(campaigns: list[Campaign]) -> list[Campaign]:
    """The same campaigns with budget, needs, what was raised and by how many; four queries for a whole page."""
    ids = [campaign.id for campaign in campaigns]
    raised = await ledger.raised(ids)
    figures = {line["campaign_id"]: line for line in await db.rows(FIGURES, ids)}
    lines = await BudgetLine.filter(campaign_id__in=ids).order_by("id")
    links = await db.rows(
        "SELECT subject_id, need_id FROM need_links WHERE kind = 'campaign' AND subject_id = ANY ($1::bigint[]) "
        "ORDER BY need_id",
        ids,
    )
    for campaign in campaigns:
        given = figures.get(campaign.id, {"backers": 0, "in_kind_fen": 0})
        campaign.raised_fen = raised[campaign.id]
        campaign.backers, campaign.in_kind_fen = given["backers"], given["in_kind_fen"]
        campaign.budget = [line for line in lines if line.campaign_id == campaign.id]
        campaign.need_ids = [link["need_id"] for link in links if link["subject_id"] == campaign.id]
    return campaigns


def _check_figures(goal_fen: int, minimum_fen: int | None, budget: Sequence[BudgetItem]) -> None:
    if sum(line.amount_fen for line in budget) != goal_fen:
        raise Invalid("预算各项之和必须等于目标金额", "The budget lines must add up to the goal")
    if minimum_fen is not None and minimum_fen > goal_fen:
        raise Invalid("最低金额不能超过目标金额", "The minimum cannot exceed the goal")


async def _check_times(opens_at: datetime | None, deadline: datetime) -> None:
    now = await clock.now()
    if not now < deadline <= now + LONGEST:
        raise Invalid("截止时间须在将来一年之内", "The deadline lies within the next 365 days")
    if opens_at is not None and opens_at >= deadline:
        raise Invalid("开始时间须早于截止时间", "It opens before its deadline")


async def _is_valid(resolution_id: int, community_id: int) -> bool:
    resolution = await Resolution.get_or_none(id=resolution_id, community_id=community_id)
    return resolution is not None and resolution.passed is not False


def _check_says(kind: PledgeKind, given: set[str]) -> None:
    needed, optional = SAYS[kind]
    if not needed <= given <= needed | optional:
        names = "、".join(sorted(needed))
        raise Invalid(f"这类认捐须填写且只填写：{names}", f"A pledge of this kind says {', '.join(sorted(needed))}")


async def _line_amount(campaign_id: int, budget_line_id: int, amount_fen: int | None) -> int:
    line = await BudgetLine.get_or_none(id=budget_line_id, campaign_id=campaign_id)
    if line is None:
        raise Invalid("这个项目没有这一项预算", "This campaign has no such budget line")
    if amount_fen not in (None, line.amount_fen):
        raise Invalid("认捐整项须与该项预算金额一致", "Adopting a line means paying all of it")
    return int(line.amount_fen)


def _must_be_raising(campaign: Campaign) -> None:
    if campaign.state not in (CampaignState.PUBLISHED, CampaignState.OPEN):
        raise InvalidState(campaign.state)


async def _join(actor: Actor, team_id: int) -> None:
    if await db.value(JOIN, team_id, actor.id) is None:
        raise OtherTeam


async def _committee(community_id: int, *, but: int) -> list[int]:
    found = await db.rows(
        "SELECT DISTINCT resident_id AS id FROM role_grants WHERE role = $1 AND place_id = $2 "
        "AND resident_id <> $3 AND (until_at IS NULL OR until_at > clock_now())",
        Role.COMMITTEE.value,
        community_id,
        but,
    )
    return [line["id"] for line in found]


async def _tell_givers(campaign: Campaign, kind: str) -> None:
    found = await db.rows(
        "SELECT DISTINCT giver_id AS id FROM pledges WHERE campaign_id = $1 AND state IN ('paid', 'refunding')",
        campaign.id,
    )
    await notifications.tell([line["id"] for line in found], kind, campaign, title=campaign.title)
