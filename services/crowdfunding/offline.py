"""Slips: what moves in the books although WeChat never saw it. One committee member enters it with evidence, another
signs, and only then is it posted.

A gift: cash or bank → campaign or general. Handed back: campaign or general → refunds → cash or bank. A match paid:
matching_receivable → campaign. A correction: the mirror image of the transfer that was wrong; where the money waits to
be handed back it returns to the campaign first (refunds → campaign). A government's grant is a gift by bank that has a
document, not a giver.
"""

from collections.abc import Sequence
from typing import Any

from app.core import clock, db
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.crowdfunding import (
    Campaign,
    CampaignOver,
    CampaignState,
    Income,
    LegalPath,
    NoPaymentHere,
    NotChecked,
    Pledge,
    PledgeState,
)
from models.expenses import SPENDS, Expense, ExpenseState
from models.ledger import Account, AccountKind, Leg, Transfer
from models.media import Purpose
from models.residents import Membership
from models.slips import Match, MatchState, MoreThanOwed, Slip, SlipKind, SlipState, Via
from services import events, ledger, media, notifications, places
from services.crowdfunding.changing import COMMITTEE_ONLY, lock_campaign
from services.crowdfunding.matching import find_match, with_figures
from services.crowdfunding.reading import door
from services.ledger import Purse
from services.payments.terms import REFUNDS
from services.policies import Actor, require
from services.policies import crowdfunding as policies
from services.rules.tables import yuan

BOOKS_ONLY = ("只有本社区居委会、监督委员和上级可以查看", "Only the committee, supervisors and officers may see this")
GIFTS_WHILE = (CampaignState.OPEN,)
GRANTS_WHILE = (CampaignState.OPEN, CampaignState.FUNDED, CampaignState.IMPLEMENTING, CampaignState.ACCEPTED)
MATCHES_WHILE = (CampaignState.FUNDED, CampaignState.IMPLEMENTING, CampaignState.ACCEPTED)
# What people record by hand may be undone; what WeChat proves is followed instead.
COUNTER = {
    ("slip", Leg.CAPTURE): Leg.COUNTER_CAPTURE,
    ("slip", Leg.MATCHED): Leg.COUNTER_MATCHED,
    ("pledge", Leg.RECEIVED): Leg.COUNTER_RECEIVED,
    ("expense", Leg.SPENT): Leg.COUNTER_SPENT,
}


@atomic()
async def give_offline(
    actor: Actor,
    campaign_id: int,
    *,
    via: Via,
    amount_fen: int,
    giver_id: int | None = None,
    note: str,
    evidence_ids: Sequence[int],
) -> Slip:
    """Enter money that somebody gave to an open campaign in cash or by bank; it counts once another has signed.

    Raises NotFound, Forbidden, NoPaymentHere, NotChecked while it is hidden, InvalidState, Invalid (a giver who does
    not live here), and what `media.attach` raises.
    """
    campaign = await door(actor, campaign_id)
    require(policies.may_keep_books(actor, campaign.community_id), *COMMITTEE_ONLY)
    if campaign.legal_path is not LegalPath.COMMUNITY:
        raise NoPaymentHere
    if campaign.moderation is not Moderation.PASSED:
        raise NotChecked
    if campaign.state not in GIFTS_WHILE:
        raise InvalidState(campaign.state)
    await _check_giver(giver_id, campaign.community_id)
    return await _enter(
        actor,
        evidence_ids,
        kind=SlipKind.GIFT,
        community_id=campaign.community_id,
        campaign_id=campaign.id,
        via=via,
        amount_fen=amount_fen,
        giver_id=giver_id,
        note=note,
    )


async def enter_grant(actor: Actor, income: Income, evidence_ids: Sequence[int]) -> Slip:
    """Enter what a government document says came in by bank, in the running transaction.

    Raises what `media.attach` raises.
    """
    return await _enter(
        actor,
        evidence_ids,
        kind=SlipKind.GIFT,
        community_id=income.community_id,
        campaign_id=income.campaign_id,
        via=Via.BANK,
        amount_fen=income.amount_fen,
        income_id=income.id,
        note=income.document_number,
    )


@atomic()
async def give_to_the_fund(
    actor: Actor,
    community_id: int,
    *,
    via: Via,
    amount_fen: int,
    giver_id: int | None = None,
    note: str,
    evidence_ids: Sequence[int],
) -> Slip:
    """Enter money that somebody gave to the community's general fund in cash or by bank.

    Raises NotFound, Forbidden, Invalid (a giver who does not live here), and what `media.attach` raises.
    """
    community = await places.find_community(community_id)
    require(policies.may_keep_books(actor, community.id), *COMMITTEE_ONLY)
    await _check_giver(giver_id, community.id)
    await ledger.open_accounts(community.id)
    return await _enter(
        actor,
        evidence_ids,
        kind=SlipKind.GIFT,
        community_id=community.id,
        via=via,
        amount_fen=amount_fen,
        giver_id=giver_id,
        note=note,
    )


@atomic()
async def hand_back(actor: Actor, slip_id: int, *, note: str, evidence_ids: Sequence[int]) -> Slip:
    """Enter that a gift in cash or by bank was handed back, whole.

    Raises NotFound, Forbidden, InvalidState, AlreadyExists, and what `media.attach` raises.
    """
    gift = await find_slip(actor, slip_id)
    require(policies.may_keep_books(actor, gift.community_id), *COMMITTEE_ONLY)
    if gift.kind is not SlipKind.GIFT or gift.state not in (SlipState.POSTED, SlipState.REFUNDING):
        raise InvalidState(gift.state)
    return await _enter(
        actor,
        evidence_ids,
        kind=SlipKind.HAND_BACK,
        community_id=gift.community_id,
        campaign_id=gift.campaign_id,
        via=gift.via,
        amount_fen=gift.amount_fen,
        giver_id=gift.giver_id,
        gift_id=gift.id,
        note=note,
    )


@atomic()
async def pay_match(actor: Actor, match_id: int, *, amount_fen: int, note: str, evidence_ids: Sequence[int]) -> Slip:
    """Enter that a unit has paid what it owes for its match, or a part of it.

    Raises NotFound, Forbidden, InvalidState, MoreThanOwed, and what `media.attach` raises.
    """
    match = await find_match(actor, match_id)
    require(policies.may_keep_books(actor, match.community_id), *COMMITTEE_ONLY)
    await _check_owed(match, amount_fen)
    return await _enter(
        actor,
        evidence_ids,
        kind=SlipKind.MATCH,
        community_id=match.community_id,
        campaign_id=match.campaign_id,
        match_id=match.id,
        amount_fen=amount_fen,
        note=note,
    )


@atomic()
async def correct(actor: Actor, transfer_id: int, *, note: str) -> Slip:
    """Ask that a transfer recorded by hand, or a paid expense, be undone, whole; what is right is then entered anew.

    Raises NotFound, Forbidden, Invalid (a transfer that WeChat proves), InvalidState, AlreadyExists.
    """
    transfer = await Transfer.get_or_none(id=transfer_id)
    if transfer is None or not policies.may_see_books(actor, transfer.community_id):
        raise NotFound("没有找到这笔账", "No such transfer")
    require(policies.may_keep_books(actor, transfer.community_id), *COMMITTEE_ONLY)
    if (transfer.source_kind, transfer.leg) not in COUNTER:
        raise Invalid("只能冲正人工登记的账目", "Only what was recorded by hand is undone")
    credited, debited = await _accounts(transfer)
    return await _enter(
        actor,
        (),
        kind=SlipKind.CORRECTION,
        community_id=transfer.community_id,
        campaign_id=credited.campaign_id or debited.campaign_id,
        transfer_id=transfer.id,
        amount_fen=transfer.amount_fen,
        note=note,
    )


@atomic()
async def sign_slip(actor: Actor, slip_id: int, state: SlipState) -> Slip:
    """Countersign a slip (POSTED: the books move) or turn it down (DECLINED).

    Another committee member than the one who entered it does; who entered it may turn it down himself. Raises NotFound,
    Forbidden, SecondPerson, NoEvidence, InvalidState, CampaignOver, MoreThanOwed, NotEnough, and StruckByAnother when
    who noted a grant turns it down himself.
    """
    slip = await find_slip(actor, slip_id)
    require(policies.may_keep_books(actor, slip.community_id), *COMMITTEE_ONLY)
    campaign = await Campaign.get(id=slip.campaign_id) if slip.campaign_id is not None else None
    if campaign is not None:
        await lock_campaign(campaign)
    await slip.move_to(state, decided_by_id=actor.id, decided_at=await clock.now())
    await events.record(actor, f"slip.{state.value}", slip, kind=slip.kind.value, amount_fen=slip.amount_fen)
    if state is SlipState.POSTED:
        await POSTING[slip.kind](actor, slip, campaign)
    elif slip.income_id is not None:
        await Income.filter(id=slip.income_id).update(struck_by_id=actor.id)  # the database refuses who noted it
    return slip


async def find_slip(actor: Actor, slip_id: int) -> Slip:
    """One slip, for the committee, the supervisors and the officers above. Raises NotFound."""
    found = await Slip.get_or_none(id=slip_id)
    if found is None or not policies.may_see_books(actor, found.community_id):
        raise NotFound("没有找到这张单据", "No such slip")
    return (await _with_evidence([found]))[0]


async def slips(actor: Actor, community_id: int, *, state: SlipState | None = None, page: Page) -> Listed[Slip]:
    """A community's slips, newest first. Raises NotFound, Forbidden."""
    community = await places.find_community(community_id)
    require(policies.may_see_books(actor, community.id), *BOOKS_ONLY)
    query = Slip.filter(community_id=community.id)
    found = await newest(query.filter(state=state) if state is not None else query, page)
    return Listed(await _with_evidence(found.items), found.after)


async def _with_evidence(found: list[Slip]) -> list[Slip]:
    kept = await db.rows(
        "SELECT subject_id, media_id FROM attachments WHERE subject_kind = 'slip' AND subject_id = ANY ($1::bigint[]) "
        "ORDER BY position",
        [slip.id for slip in found],
    )
    for slip in found:
        slip.evidence_ids = [line["media_id"] for line in kept if line["subject_id"] == slip.id]
    return found


async def _enter(actor: Actor, evidence_ids: Sequence[int], **said: Any) -> Slip:
    slip = await Slip.create(entered_by_id=actor.id, **said)
    await media.attach(actor, slip, slip.community_id, evidence_ids, purposes=(Purpose.EVIDENCE,))
    await events.record(actor, "slip.entered", slip, kind=slip.kind.value, amount_fen=slip.amount_fen)
    return await find_slip(actor, slip.id)


async def _check_giver(giver_id: int | None, community_id: int) -> None:
    if giver_id is not None and not await Membership.exists(
        resident_id=giver_id, community_id=community_id, until_at=None
    ):
        raise Invalid("本社区没有这位捐赠人", "No such giver lives here")


async def _check_owed(match: Match, amount_fen: int) -> None:
    if match.state is not MatchState.PROMISED:
        raise InvalidState(match.state)
    campaign = await Campaign.get(id=match.campaign_id)
    if campaign.state not in MATCHES_WHILE:
        raise InvalidState(campaign.state)
    if match.paid_fen + amount_fen > match.owed_fen:
        raise MoreThanOwed


def _purse(slip: Slip) -> Purse:
    return Purse(AccountKind.CAMPAIGN, slip.campaign_id) if slip.campaign_id else Purse(AccountKind.GENERAL)


def _outside(slip: Slip) -> Purse:
    return Purse(AccountKind.CASH if slip.via is Via.CASH else AccountKind.BANK)


async def _post_gift(actor: Actor, slip: Slip, campaign: Campaign | None) -> None:
    if campaign is not None:
        if campaign.state not in (GIFTS_WHILE if slip.income_id is None else GRANTS_WHILE):
            raise InvalidState(campaign.state)
        if slip.income_id is None and campaign.deadline <= await clock.now():
            raise CampaignOver
    await _move(slip, _outside(slip), _purse(slip), Leg.CAPTURE)
    title = campaign.title if campaign else "社区公益金"
    await notifications.tell([slip.giver_id], "slip.posted", slip, title=title, yuan=yuan(slip.amount_fen))


async def _post_hand_back(actor: Actor, slip: Slip, campaign: Campaign | None) -> None:
    gift = await Slip.filter(id=slip.gift_id).select_for_update(no_key=True).get()
    if gift.state is SlipState.POSTED:
        await gift.move_to(SlipState.REFUNDING)
        await _move(slip, _purse(slip), REFUNDS, Leg.SET_ASIDE)
    await gift.move_to(SlipState.REFUNDED)
    await _move(slip, REFUNDS, _outside(slip), Leg.REFUNDED)


async def _post_match(actor: Actor, slip: Slip, campaign: Campaign | None) -> None:
    """The campaign is held, so what was raised, and with it what is owed, stays while the payment is posted."""
    match = await Match.get(id=slip.match_id)
    await with_figures([match])
    match.paid_fen -= slip.amount_fen  # it counts itself already
    await _check_owed(match, slip.amount_fen)
    await _move(slip, Purse(AccountKind.MATCHING_RECEIVABLE), _purse(slip), Leg.MATCHED)


async def _post_correction(actor: Actor, slip: Slip, campaign: Campaign | None) -> None:
    transfer = await Transfer.get(id=slip.transfer_id)
    await UNDOING[transfer.source_kind](actor, slip, transfer.source_id, campaign)
    credited, debited = await _accounts(transfer)
    await _move(
        slip,
        Purse(credited.kind, credited.campaign_id),
        Purse(debited.kind, debited.campaign_id),
        COUNTER[transfer.source_kind, transfer.leg],
        corrects_id=transfer.id,
    )


async def _undo_goods(actor: Actor, slip: Slip, pledge_id: int, campaign: Campaign | None) -> None:
    pledge = await Pledge.filter(id=pledge_id).select_for_update(no_key=True).get()
    await pledge.move_to(PledgeState.WITHDRAWN)


async def _undo_slip(actor: Actor, slip: Slip, undone_id: int, campaign: Campaign | None) -> None:
    undone = await Slip.filter(id=undone_id).select_for_update(no_key=True).get()
    await undone.move_to(SlipState.CORRECTED)
    if undone.was == SlipState.REFUNDING:
        await _move(undone, REFUNDS, _purse(undone), Leg.RETURNED)
    if undone.income_id is not None:
        income = await Income.get(id=undone.income_id)
        struck_by_id = slip.entered_by_id if actor.id == income.entered_by_id else actor.id
        await Income.filter(id=income.id).update(struck_by_id=struck_by_id)


async def _undo_expense(actor: Actor, slip: Slip, expense_id: int, campaign: Campaign | None) -> None:
    if campaign is not None and campaign.state not in SPENDS:
        raise InvalidState(campaign.state)
    expense = await Expense.filter(id=expense_id).select_for_update(no_key=True).get()
    await expense.move_to(ExpenseState.CORRECTED)
    await events.record(actor, "expense.corrected", expense, reason=slip.note, slip_id=slip.id)
    title = campaign.title if campaign else "社区公益金"
    told = [expense.requester_id, expense.payee_resident_id]
    await notifications.tell(told, "expense.corrected", expense, title=title, yuan=yuan(expense.amount_fen))


UNDOING = {Pledge.noun(): _undo_goods, Slip.noun(): _undo_slip, Expense.noun(): _undo_expense}


async def _accounts(transfer: Transfer) -> tuple[Account, Account]:
    """The account that a transfer has credited, and the one it has debited."""
    both = await Account.in_bulk([transfer.credit_account_id, transfer.debit_account_id], "id")
    return both[transfer.credit_account_id], both[transfer.debit_account_id]


async def _move(slip: Slip, debit: Purse, credit: Purse, leg: Leg, *, corrects_id: int | None = None) -> None:
    await ledger.post(
        slip.community_id,
        debit=debit,
        credit=credit,
        amount_fen=slip.amount_fen,
        cause=slip,
        leg=leg,
        corrects_id=corrects_id,
    )


POSTING = {
    SlipKind.GIFT: _post_gift,
    SlipKind.HAND_BACK: _post_hand_back,
    SlipKind.MATCH: _post_match,
    SlipKind.CORRECTION: _post_correction,
}
