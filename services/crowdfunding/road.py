"""The road of a campaign: submitted, published by another, decided by the clock, accepted and settled."""

from functools import partial

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState
from models.crowdfunding import (
    Campaign,
    CampaignKind,
    CampaignOver,
    CampaignState,
    LegalPath,
    NoPaymentHere,
    ResolutionNotValid,
)
from models.deliberations import Resolution
from models.ledger import AccountKind, Leg
from models.payments import RefundsOwed
from models.residents import Role
from services import events, ledger, needs, notifications, payments
from services.crowdfunding.changing import COMMITTEE_ONLY, changes_due, lock_campaign, tell_all_givers, tell_givers
from services.crowdfunding.drafting import STAFF_ONLY
from services.crowdfunding.reading import find, raised
from services.due import one_by_one
from services.ledger import Purse
from services.policies import Actor, require
from services.policies import crowdfunding as policies
from services.rules.wording import yuan

DUE_AT_ONCE = 20
TAKES_SURPLUS = (CampaignState.FUNDED, CampaignState.IMPLEMENTING)


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

    The needs it cites are linked to it, but for those that have come to nothing since it was drawn up.
    Raises NotFound, Forbidden, NotByTheSubmitter, InvalidState, CampaignOver, NotChecked while its words wait.
    """
    campaign = await find(actor, campaign_id)
    require(policies.may_conduct(actor, campaign), *COMMITTEE_ONLY)
    now = await clock.now()
    if campaign.deadline <= now:
        raise CampaignOver
    ahead = campaign.opens_at is not None and campaign.opens_at > now
    target = CampaignState.PUBLISHED if ahead else CampaignState.OPEN
    await campaign.move_to(target, published_by_id=actor.id)  # the database refuses the submitter
    await events.record(actor, "campaign.published", campaign)
    await needs.link(actor, await needs.standing(campaign.need_ids, campaign.noun()), campaign)
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
    await tell_all_givers(campaign, "campaign.cancelled")
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
async def settle(
    actor: Actor, campaign_id: int, *, to_campaign_id: int | None = None, resolution_id: int | None = None
) -> Campaign:
    """Close the campaign's account; what is left goes to the general fund, or to another campaign by a resolution.

    The givers are told of what was left, and where it went. Raises NotFound, Forbidden, InvalidState (also when the
    other campaign is over), Invalid, ResolutionNotValid, RefundsOwed while it holds money that must go back, and
    KeptForGivers while the use of its money changes.
    """
    campaign = await find(actor, campaign_id)
    require(policies.may_conduct(actor, campaign), *COMMITTEE_ONLY)
    to = await _surplus_to(actor, campaign, to_campaign_id, resolution_id)
    await campaign.move_to(
        CampaignState.SETTLED,
        surplus_campaign_id=to_campaign_id,
        surplus_resolution_id=resolution_id,
    )
    purse = Purse(AccountKind.CAMPAIGN, campaign.id)
    surplus_fen = await ledger.balance(campaign.community_id, purse)
    owed = await payments.still_owed(campaign.id)  # asked after the balance, so all that is in it is seen here
    if owed:
        raise RefundsOwed(pledge_ids=owed)
    if surplus_fen:
        await ledger.post(
            campaign.community_id, debit=purse, credit=to, amount_fen=surplus_fen, cause=campaign, leg=Leg.SURPLUS
        )
    await events.record(
        actor,
        "campaign.settled",
        campaign,
        surplus_fen=surplus_fen,
        to_campaign_id=to_campaign_id,
        resolution_id=resolution_id,
    )
    if surplus_fen:
        kind = "campaign.surplus_to_campaign" if to_campaign_id else "campaign.surplus_to_fund"
        await tell_givers(campaign, kind, yuan=yuan(surplus_fen))
    return campaign


async def _surplus_to(actor: Actor, campaign: Campaign, to_campaign_id: int | None, resolution_id: int | None) -> Purse:
    if resolution_id is not None:
        resolution = await Resolution.get_or_none(id=resolution_id, community_id=campaign.community_id)
        if resolution is None or resolution.passed is False:
            raise ResolutionNotValid
    if to_campaign_id is None:
        return Purse(AccountKind.GENERAL)
    if resolution_id is None or to_campaign_id == campaign.id:
        raise Invalid("结余转入另一个项目须引用决议", "A surplus goes to another campaign by a resolution")
    other = await find(actor, to_campaign_id)
    if other.community_id != campaign.community_id:
        raise Invalid("结余只能转入本社区的项目", "A surplus stays in its community")
    if other.legal_path is LegalPath.CHARITY:
        raise NoPaymentHere
    await lock_campaign(other)
    if other.state not in TAKES_SURPLUS:
        raise InvalidState(other.state)
    return Purse(AccountKind.CAMPAIGN, other.id)


# Past its deadline a campaign waits, an hour at most, for its unpaid orders to be settled with WeChat.
ENDS = """
state = 'open' AND deadline <= clock_now() AND (
    deadline <= clock_now() - interval '1 hour' OR NOT EXISTS (
        SELECT 1 FROM orders o JOIN pledges p ON p.id = o.pledge_id
        WHERE p.campaign_id = campaigns.id AND p.state = 'awaiting_payment' AND o.state IN ('created', 'prepaid')))
"""
OPENS = "state = 'published' AND opens_at <= clock_now()"
BEGINS = "state = 'funded' AND deadline <= clock_now() - interval '24 hours'"


async def advance_due() -> None:
    """Open, decide and begin campaigns and bring changes of use into force; none waits for another that fails."""
    await one_by_one((open_due, end_due, begin_due, changes_due), lambda step: step())


async def open_due() -> None:
    """Open published campaigns whose `opens_at` has come."""
    step = partial(_step, condition=OPENS, target=CampaignState.OPEN, verb="campaign.opened")
    await one_by_one(await _due(OPENS), step)


async def end_due() -> None:
    """Decide campaigns whose deadline has passed: funded, or failed with everything refunded."""
    await one_by_one(await _due(ENDS), _end)


async def begin_due() -> None:
    """Let funded campaigns be carried out from 24 hours after their deadline."""
    step = partial(_step, condition=BEGINS, target=CampaignState.IMPLEMENTING, verb="campaign.implementing")
    await one_by_one(await _due(BEGINS), step)


@atomic(limit_s=60)
async def _end(campaign_id: int) -> None:
    campaign = await _held(campaign_id, ENDS)
    if campaign is None:
        return
    raised_fen = (await raised([campaign]))[campaign_id]
    least_fen = campaign.minimum_fen if campaign.kind is CampaignKind.ALL_OR_NOTHING else 1
    if raised_fen >= least_fen:
        await campaign.move_to(CampaignState.FUNDED)
        await events.record(None, "campaign.funded", campaign, raised_fen=raised_fen)
        await tell_all_givers(campaign, "campaign.funded")
        return
    await campaign.move_to(CampaignState.FAILED)
    refunded_fen = await payments.give_all_back(campaign, payments.FAILED)
    await events.record(None, "campaign.failed", campaign, raised_fen=raised_fen, refunded_fen=refunded_fen)
    await tell_all_givers(campaign, "campaign.failed")


@atomic()
async def _step(campaign_id: int, *, condition: str, target: CampaignState, verb: str) -> None:
    campaign = await _held(campaign_id, condition)
    if campaign is not None:
        await campaign.move_to(target)
        await events.record(None, verb, campaign)


async def _due(condition: str) -> list[int]:
    """Some of what is due, drawn by lot, so that what fails again and again never keeps the rest out."""
    found = await db.rows(f"SELECT id FROM campaigns WHERE {condition} ORDER BY random() LIMIT {DUE_AT_ONCE}")
    return [line["id"] for line in found]


async def _held(campaign_id: int, condition: str) -> Campaign | None:
    """The campaign, locked against pledges and captures, if the condition holds; None if another worker has it."""
    held = await db.value(
        f"SELECT id FROM campaigns WHERE id = $1 AND {condition} FOR NO KEY UPDATE SKIP LOCKED", campaign_id
    )
    return await Campaign.get(id=campaign_id) if held else None


async def _committee(community_id: int, *, but: int) -> list[int]:
    found = await db.rows(
        "SELECT DISTINCT resident_id AS id FROM role_grants WHERE role = $1 AND place_id = $2 "
        "AND resident_id <> $3 AND (until_at IS NULL OR until_at > clock_now())",
        Role.COMMITTEE.value,
        community_id,
        but,
    )
    return [line["id"] for line in found]
