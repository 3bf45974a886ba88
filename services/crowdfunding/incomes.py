"""What others took in for a campaign of the charity or government path: noted by document, struck by another.

What a charity raised stays with it and is only told here. What the government grants comes into the fund: each income
has a slip, which moves the books, and counts, once a second committee member has signed it.
"""

from collections.abc import Sequence

from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.crowdfunding import Income, LegalPath, OnlyFromOutside
from models.media import Purpose
from models.slips import Slip, SlipState
from services import checks, events, media
from services.crowdfunding.giving import hold
from services.crowdfunding.offline import GRANTS_WHILE, enter_grant, sign_slip
from services.crowdfunding.reading import door, visible
from services.policies import Actor, require
from services.policies import crowdfunding as policies

COMMITTEE_ONLY = ("只有本社区居委会成员可以登记", "Only committee members of this community note incomes")


@atomic()
async def note_income(
    actor: Actor, campaign_id: int, *, amount_fen: int, document_number: str, evidence_ids: Sequence[int] = ()
) -> Income:
    """Note what a charity's statement (with its picture) or a government document says came in, once per document.

    A government's grant is entered as a slip that another committee member countersigns.

    The committee does, until the campaign is settled. Raises NotFound, Forbidden, OnlyFromOutside, InvalidState,
    Invalid (no picture of the statement), DocumentNoted, UnknownPhoto.
    """
    campaign = await door(actor, campaign_id)
    require(policies.may_conduct(actor, campaign), *COMMITTEE_ONLY)
    if campaign.legal_path is LegalPath.COMMUNITY:
        raise OnlyFromOutside
    state, _ = await hold(campaign.id)
    if state not in GRANTS_WHILE:
        raise InvalidState(state)
    if campaign.legal_path is LegalPath.CHARITY and not evidence_ids:
        raise Invalid("请附上慈善组织的收入凭证照片", "Attach a picture of the charity's statement")
    income = await Income.create(
        community_id=campaign.community_id,
        campaign_id=campaign.id,
        amount_fen=amount_fen,
        document_number=document_number,
        entered_by_id=actor.id,
    )
    await checks.expect(actor, income)
    if campaign.legal_path is LegalPath.GOVERNMENT:
        await enter_grant(actor, income, evidence_ids)
    else:
        await media.attach(actor, income, campaign.community_id, evidence_ids, purposes=[Purpose.EVIDENCE])
    await events.record(actor, "campaign.income_noted", campaign, income_id=income.id, amount_fen=amount_fen)
    return await find_income(actor, income.id)


@atomic()
async def strike_income(actor: Actor, income_id: int, *, reason: str) -> Income:
    """Strike an income that was noted wrongly; another committee member than who noted it does.

    A grant's slip is turned down with it; one that was countersigned is undone by correcting its transfer. Raises
    NotFound, Forbidden, StruckByAnother, InvalidState.
    """
    income = await find_income(actor, income_id)
    require(actor.is_committee(income.community_id), *COMMITTEE_ONLY)
    if not await Income.filter(id=income.id, struck_by_id=None).update(struck_by_id=actor.id):
        raise InvalidState("struck")
    if income.slip is not None:
        await sign_slip(actor, income.slip.id, SlipState.DECLINED)
    await events.record(
        actor,
        "campaign.income_struck",
        income.campaign,
        reason=reason,
        income_id=income.id,
        amount_fen=income.amount_fen,
    )
    return await find_income(actor, income_id)


async def find_income(actor: Actor, income_id: int) -> Income:
    """One income noted for a campaign that the actor may see. Raises NotFound."""
    income = await Income.get_or_none(id=income_id).select_related("campaign")
    if income is None or not await visible(actor).filter(id=income.campaign_id).exists():
        raise NotFound("没有找到这笔收入登记", "No such income")
    return (await _shown(actor, [income]))[0]


async def incomes(actor: Actor, campaign_id: int, *, page: Page) -> Listed[Income]:
    """What was noted for a campaign, newest first, with what was struck. Raises NotFound."""
    campaign = await door(actor, campaign_id)
    found = await newest(Income.filter(campaign_id=campaign.id), page)
    return Listed(await _shown(actor, found.items), found.after)


async def _shown(actor: Actor, found: list[Income]) -> list[Income]:
    """The incomes with their slips; with the evidence for those who watch the books."""
    slips = {slip.income_id: slip for slip in await Slip.filter(income_id__in=[income.id for income in found])}
    watched = [income for income in found if policies.may_see_books(actor, income.community_id)]
    evidence = await media.entrusted(Income.noun(), [income.id for income in watched])
    of_slips = await media.entrusted(Slip.noun(), [slips[income.id].id for income in watched if income.id in slips])
    for income in found:
        income.slip = slips.get(income.id)
        income.evidence = evidence.get(income.id, []) + (of_slips.get(income.slip.id, []) if income.slip else [])
        if income.moderation is not Moderation.PASSED and not actor.is_staff(income.community_id):
            income.document_number = ""
    return found
