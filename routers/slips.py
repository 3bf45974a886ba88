"""Money beside WeChat: gifts in cash or by bank, matches, corrections; and what changes after people have given."""

from functools import partial
from typing import Any

from models.crowdfunding import Campaign, UseChange
from models.slips import Match, MatchState, Slip, SlipState
from routers.deps import CurrentActor, OnlyOnce, ThePaging
from routers.house import make_router
from routers.schemas.base import PageOf, PathId
from routers.schemas.crowdfunding import CampaignOut
from routers.schemas.slips import (
    CorrectionIn,
    ExtendIn,
    HandBackIn,
    MatchIn,
    MatchOut,
    MatchPaymentIn,
    OfflineGiftIn,
    ProgressOut,
    SlipOut,
    UseChangeIn,
    UseChangeOut,
)
from services import crowdfunding
from services.payments import Progress

campaigns = make_router("/campaigns", "campaigns")
fund = make_router("/communities", "fund")
matches = make_router("/matches", "campaigns")
slips = make_router("/slips", "fund")
transfers = make_router("/transfers", "fund")


@campaigns.post("/{campaign_id}/extend", response_model=CampaignOut)
async def extend_campaign(actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId, asked: ExtendIn) -> Campaign:
    """Put its deadline off, once, before it has passed; givers are told and may still take back."""
    effect = partial(crowdfunding.extend, actor, campaign_id, **asked.model_dump())
    return await only_once(effect, partial(crowdfunding.find, actor))


@campaigns.post("/{campaign_id}/use-changes", response_model=UseChangeOut, status_code=201)
async def announce_use_change(
    actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId, asked: UseChangeIn
) -> UseChange:
    """Announce that part of what was raised is used for something else; givers may take their share back."""
    effect = partial(crowdfunding.announce, actor, campaign_id, **asked.model_dump())
    return await only_once(effect, partial(crowdfunding.find_change, actor))


@campaigns.get("/{campaign_id}/use-changes", response_model=PageOf[UseChangeOut])
async def list_use_changes(actor: CurrentActor, paging: ThePaging, campaign_id: PathId) -> dict[str, Any]:
    """The changes of use of its money, newest first."""
    return paging.of(await crowdfunding.changes(actor, campaign_id, page=paging.page))


@campaigns.get("/{campaign_id}/refunds", response_model=ProgressOut)
async def get_refunds(actor: CurrentActor, campaign_id: PathId) -> Progress:
    """How many of its refunds are in which state."""
    return await crowdfunding.refunds(actor, campaign_id)


@campaigns.post("/{campaign_id}/matches", response_model=MatchOut, status_code=201)
async def promise_match(actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId, asked: MatchIn) -> Match:
    """Enter a unit's promise to match what neighbours give; another committee member countersigns."""
    effect = partial(crowdfunding.promise_match, actor, campaign_id, **asked.model_dump())
    return await only_once(effect, partial(crowdfunding.find_match, actor))


@campaigns.get("/{campaign_id}/matches", response_model=PageOf[MatchOut])
async def list_matches(actor: CurrentActor, paging: ThePaging, campaign_id: PathId) -> dict[str, Any]:
    """The promises to match it, newest first, with what each owes and what was paid."""
    return paging.of(await crowdfunding.matches(actor, campaign_id, page=paging.page))


@campaigns.post("/{campaign_id}/offline-gifts", response_model=SlipOut, status_code=201)
async def enter_offline_gift(
    actor: CurrentActor, only_once: OnlyOnce, campaign_id: PathId, asked: OfflineGiftIn
) -> Slip:
    """Enter money given to it in cash or by bank; it counts once another committee member has countersigned."""
    effect = partial(crowdfunding.give_offline, actor, campaign_id, **asked.model_dump())
    return await only_once(effect, partial(crowdfunding.find_slip, actor))


@fund.post("/{community_id}/fund/offline-gifts", response_model=SlipOut, status_code=201)
async def enter_gift_to_fund(
    actor: CurrentActor, only_once: OnlyOnce, community_id: PathId, asked: OfflineGiftIn
) -> Slip:
    """Enter money given to the general fund in cash or by bank."""
    effect = partial(crowdfunding.give_to_the_fund, actor, community_id, **asked.model_dump())
    return await only_once(effect, partial(crowdfunding.find_slip, actor))


@fund.get("/{community_id}/fund/slips", response_model=PageOf[SlipOut])
async def list_slips(
    actor: CurrentActor, paging: ThePaging, community_id: PathId, state: SlipState | None = None
) -> dict[str, Any]:
    """What was recorded by hand, newest first; for committee, supervisors and officers."""
    return paging.of(await crowdfunding.slips(actor, community_id, state=state, page=paging.page))


@matches.get("/{match_id}", response_model=MatchOut)
async def get_match(actor: CurrentActor, match_id: PathId) -> Match:
    """One promise to match, with what it owes and what was paid."""
    return await crowdfunding.find_match(actor, match_id)


@matches.post("/{match_id}/countersign", response_model=MatchOut)
async def countersign_match(actor: CurrentActor, only_once: OnlyOnce, match_id: PathId) -> Match:
    """Confirm a promise that another committee member entered; residents see it from now on."""
    effect = partial(crowdfunding.sign_match, actor, match_id, MatchState.PROMISED)
    return await only_once(effect, partial(crowdfunding.find_match, actor))


@matches.post("/{match_id}/decline", response_model=MatchOut)
async def decline_match(actor: CurrentActor, only_once: OnlyOnce, match_id: PathId) -> Match:
    """Turn down a promise that was entered."""
    effect = partial(crowdfunding.sign_match, actor, match_id, MatchState.DECLINED)
    return await only_once(effect, partial(crowdfunding.find_match, actor))


@matches.post("/{match_id}/payments", response_model=SlipOut, status_code=201)
async def enter_match_payment(
    actor: CurrentActor, only_once: OnlyOnce, match_id: PathId, asked: MatchPaymentIn
) -> Slip:
    """Enter that the unit has paid what it owes, or a part of it; never more."""
    effect = partial(crowdfunding.pay_match, actor, match_id, **asked.model_dump())
    return await only_once(effect, partial(crowdfunding.find_slip, actor))


@slips.get("/{slip_id}", response_model=SlipOut)
async def get_slip(actor: CurrentActor, slip_id: PathId) -> Slip:
    """One slip; for committee, supervisors and officers."""
    return await crowdfunding.find_slip(actor, slip_id)


@slips.post("/{slip_id}/countersign", response_model=SlipOut)
async def countersign_slip(actor: CurrentActor, only_once: OnlyOnce, slip_id: PathId) -> Slip:
    """Confirm what another committee member entered; now the books move."""
    effect = partial(crowdfunding.sign_slip, actor, slip_id, SlipState.POSTED)
    return await only_once(effect, partial(crowdfunding.find_slip, actor))


@slips.post("/{slip_id}/decline", response_model=SlipOut)
async def decline_slip(actor: CurrentActor, only_once: OnlyOnce, slip_id: PathId) -> Slip:
    """Turn down what was entered; who entered it may do so himself."""
    effect = partial(crowdfunding.sign_slip, actor, slip_id, SlipState.DECLINED)
    return await only_once(effect, partial(crowdfunding.find_slip, actor))


@slips.post("/{slip_id}/hand-back", response_model=SlipOut, status_code=201)
async def hand_back_gift(actor: CurrentActor, only_once: OnlyOnce, slip_id: PathId, asked: HandBackIn) -> Slip:
    """Enter that a gift in cash or by bank was handed back; another committee member countersigns."""
    effect = partial(crowdfunding.hand_back, actor, slip_id, **asked.model_dump())
    return await only_once(effect, partial(crowdfunding.find_slip, actor))


@transfers.post("/{transfer_id}/correct", response_model=SlipOut, status_code=201)
async def correct_transfer(actor: CurrentActor, only_once: OnlyOnce, transfer_id: PathId, asked: CorrectionIn) -> Slip:
    """Ask that a transfer recorded by hand be undone by its mirror image; another committee member countersigns."""
    effect = partial(crowdfunding.correct, actor, transfer_id, note=asked.note)
    return await only_once(effect, partial(crowdfunding.find_slip, actor))
