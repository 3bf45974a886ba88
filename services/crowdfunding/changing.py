"""What may change once people have given: the deadline, once, and the use of the money, by a new resolution.

Every giver is told. Until the old deadline, and for as long as a change of use is announced, he may take back what he
gave; nobody spends it before.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.crowdfunding import (
    BudgetLine,
    Campaign,
    CampaignOver,
    CampaignState,
    ExtendedBefore,
    LineRelease,
    PledgeState,
    UseChange,
    UseChangeState,
)
from models.ledger import AccountKind, NotEnough
from services import checks, events, ledger, notifications
from services.crowdfunding.drafting import LONGEST
from services.crowdfunding.reading import door, find, visible
from services.due import one_by_one
from services.ledger import Purse
from services.policies import Actor, require
from services.policies import crowdfunding as policies
from services.rules import matching

COMMITTEE_ONLY = ("只有本社区居委会成员可以这样做", "Only committee members of this community may do this")
REFUND_DAYS = 15
CHANGEABLE = (CampaignState.FUNDED, CampaignState.IMPLEMENTING, CampaignState.ACCEPTED)
DUE_AT_ONCE = 20

EXTEND = """
UPDATE campaigns SET extended_from = deadline, deadline = $2
WHERE id = $1 AND state IN ('published', 'open') AND deadline > clock_now() RETURNING id
"""


@atomic()
async def extend(actor: Actor, campaign_id: int, *, deadline: datetime, reason: str) -> Campaign:
    """Put a campaign's deadline off, once, before it has passed; its givers are told and may still take back.

    Raises NotFound, Forbidden, InvalidState, ExtendedBefore, CampaignOver, Invalid (not later, or beyond a year).
    """
    campaign = await find(actor, campaign_id)
    require(policies.may_conduct(actor, campaign), *COMMITTEE_ONLY)
    await lock_campaign(campaign)
    if campaign.state not in (CampaignState.PUBLISHED, CampaignState.OPEN):
        raise InvalidState(campaign.state)
    if campaign.extended_from is not None:
        raise ExtendedBefore
    if not campaign.deadline < deadline <= campaign.created_at + LONGEST:
        raise Invalid(
            "新的截止时间须晚于原定时间，且在立项后一年之内", "Later than now planned, within a year of its making"
        )
    if await db.value(EXTEND, campaign.id, deadline) is None:
        raise CampaignOver
    await events.record(actor, "campaign.extended", campaign, reason=reason, seconds=_seconds(campaign, deadline))
    await tell_all_givers(campaign, "campaign.extended", until=f"{deadline.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}")
    return await find(actor, campaign.id)


@atomic()
async def announce(
    actor: Actor,
    campaign_id: int,
    *,
    resolution_id: int,
    title: str,
    body: str,
    amount_fen: int,
    budget_line_id: int | None = None,
    refund_days: int = REFUND_DAYS,
) -> UseChange:
    """Announce that part of what was raised is to be used for something else, as a new resolution says.

    It is taken from `budget_line_id` first, then from the other lines by what is left of each. Its givers are told, and
    may take their share back for `refund_days` (15 to 90). Raises NotFound, Forbidden, InvalidState, NoSuchLine,
    ResolutionNotValid, UseChangeAnnounced, NotEnough (the campaign holds or has raised less).
    """
    campaign = await door(actor, campaign_id)
    require(policies.may_conduct(actor, campaign), *COMMITTEE_ONLY)
    await lock_campaign(campaign)
    if campaign.state not in CHANGEABLE:
        raise InvalidState(campaign.state)
    raised_fen = (await ledger.raised([campaign.id]))[campaign.id]
    held_fen = await ledger.balance(campaign.community_id, Purse(AccountKind.CAMPAIGN, campaign.id))
    if amount_fen > min(raised_fen, held_fen):
        raise NotEnough
    change = await UseChange.create(  # the database looks at the resolution
        community_id=campaign.community_id,
        campaign_id=campaign.id,
        resolution_id=resolution_id,
        title=title,
        body=body,
        amount_fen=amount_fen,
        raised_fen=raised_fen,
        budget_line_id=budget_line_id,
        refund_until=await clock.now() + timedelta(days=refund_days),
        announced_by_id=actor.id,
    )
    await checks.expect(actor, change)
    await events.record(
        actor, "campaign.use_change_announced", campaign, use_change_id=change.id, resolution_id=resolution_id
    )
    await tell_givers(campaign, "campaign.use_change_announced", until=_day(change.refund_until))
    return change


async def find_change(actor: Actor, change_id: int) -> UseChange:
    """One change of use of a campaign that the actor may see. Raises NotFound."""
    found = await UseChange.get_or_none(id=change_id)
    hidden = found is not None and found.moderation is not Moderation.PASSED
    if found is None or (hidden and not policies.may_see_books(actor, found.community_id)):
        raise NotFound("没有找到这次用途变更", "No such change of use")
    if not await visible(actor).filter(id=found.campaign_id).exists():
        raise NotFound("没有找到这次用途变更", "No such change of use")
    return found


async def changes(actor: Actor, campaign_id: int, *, page: Page) -> Listed[UseChange]:
    """The changes of use of a campaign, newest first. Raises NotFound."""
    campaign = await door(actor, campaign_id)
    query = UseChange.filter(campaign_id=campaign.id)
    if not policies.may_see_books(actor, campaign.community_id):
        query = query.filter(moderation=Moderation.PASSED)
    return await newest(query, page)


DUE = "state = 'announced' AND refund_until <= clock_now()"
# What its givers did not take back becomes a line of the budget, of at most what earlier changes have left.
IN_FORCE = """
WITH kept AS (
    SELECT u.id, u.community_id, u.campaign_id, u.title, least(held_for_line(u.campaign_id, NULL), u.amount_fen
        - coalesce((SELECT sum(amount_fen) FROM refunds WHERE use_change_id = u.id AND state <> 'closed'), 0)::bigint
    ) AS fen
    FROM use_changes u WHERE u.id = $1
)
INSERT INTO budget_lines (community_id, campaign_id, title, amount_fen, use_change_id)
SELECT community_id, campaign_id, title, fen, id FROM kept WHERE fen > 0 RETURNING id
"""


async def changes_due() -> None:
    """Bring into force the changes of use whose givers have had their time."""
    found = await db.rows(f"SELECT id FROM use_changes WHERE {DUE} ORDER BY refund_until LIMIT {DUE_AT_ONCE}")
    await one_by_one((line["id"] for line in found), _bring_into_force)


@atomic()
async def _bring_into_force(change_id: int) -> None:
    campaign_id = (await UseChange.get(id=change_id)).campaign_id
    await db.execute("SELECT 1 FROM campaigns WHERE id = $1 FOR NO KEY UPDATE", campaign_id)
    if not await db.value(f"SELECT id FROM use_changes WHERE id = $1 AND {DUE} FOR NO KEY UPDATE", change_id):
        return
    change = await UseChange.get(id=change_id)
    await change.move_to(UseChangeState.IN_FORCE)
    line_id = await db.value(IN_FORCE, change.id)
    released_fen = await _release(change, line_id) if line_id is not None else 0
    await events.record(
        None,
        "campaign.use_changed",
        await Campaign.get(id=campaign_id),
        use_change_id=change.id,
        budget_line_id=line_id,
        released_fen=released_fen,
    )


# What an earlier change has set apart stays as it is.
LEFT = """
SELECT id, left_of_line(id) AS fen FROM budget_lines WHERE campaign_id = $1 AND use_change_id IS NULL ORDER BY id
"""


async def _release(change: UseChange, line_id: int) -> int:
    """Take what was set apart in a line of its own from the lines it stood in, so that all still add up; in fen."""
    left = {line["id"]: line["fen"] for line in await db.rows(LEFT, change.campaign_id)}
    wanted_fen = (await BudgetLine.get(id=line_id)).amount_fen
    first_fen: int = min(wanted_fen, left.pop(change.budget_line_id, 0))
    rest_fen: int = min(wanted_fen - first_fen, sum(left.values()))
    taken = dict(zip(left, matching.shares(rest_fen, list(left.values())), strict=True))
    taken |= {change.budget_line_id: first_fen} if change.budget_line_id else {}
    await LineRelease.bulk_create(
        LineRelease(
            community_id=change.community_id,
            campaign_id=change.campaign_id,
            budget_line_id=id_,
            use_change_id=change.id,
            amount_fen=fen,
        )
        for id_, fen in taken.items()
        if fen
    )
    return first_fen + rest_fen


async def lock_campaign(campaign: Campaign) -> None:
    """Hold a campaign against pledges, captures, refunds and its closer, and read what has become of it meanwhile."""
    await db.execute("SELECT 1 FROM campaigns WHERE id = $1 FOR NO KEY UPDATE", campaign.id)
    await campaign.refresh_from_db(fields=["state", "deadline", "extended_from"])


async def tell_givers(campaign: Campaign, kind: str, **params: str) -> None:
    """Tell everybody whose money is in a campaign, or on its way back."""
    await _tell(campaign, (PledgeState.PAID, PledgeState.REFUNDING), kind, **params)


async def tell_all_givers(campaign: Campaign, kind: str, **params: str) -> None:
    """Tell everybody who has given money, goods, time or a skill to a campaign, or promised it."""
    given = (PledgeState.PAID, PledgeState.REFUNDING, PledgeState.PROMISED, PledgeState.RECEIVED)
    await _tell(campaign, given, kind, **params)


async def _tell(campaign: Campaign, states: Sequence[PledgeState], kind: str, **params: str) -> None:
    found = await db.rows(
        "SELECT giver_id AS id FROM pledges WHERE campaign_id = $1 AND state = ANY ($2::text[]) "
        "UNION SELECT giver_id FROM slips WHERE campaign_id = $1 AND kind = 'gift' "
        "AND state IN ('posted', 'refunding')",
        campaign.id,
        [state.value for state in states],
    )
    await notifications.tell([line["id"] for line in found], kind, campaign, title=campaign.title, **params)


def _day(at: datetime) -> str:
    return f"{at.astimezone(clock.SHANGHAI):%Y-%m-%d}"


def _seconds(campaign: Campaign, deadline: datetime) -> int:
    return int((deadline - campaign.deadline).total_seconds())
