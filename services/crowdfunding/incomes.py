"""What others took in for a campaign of the charity or government path: noted by document, struck by another."""

from collections.abc import Sequence

from app.core.db import atomic
from app.core.errors import Invalid, InvalidState, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.crowdfunding import CampaignState, Income, LegalPath, OnlyFromOutside
from models.media import Purpose
from services import checks, events, media
from services.crowdfunding.giving import hold
from services.crowdfunding.reading import door, visible
from services.policies import Actor, require
from services.policies import crowdfunding as policies

COMMITTEE_ONLY = ("只有本社区居委会成员可以登记", "Only committee members of this community note incomes")
NOTED_IN = (CampaignState.OPEN, CampaignState.FUNDED, CampaignState.IMPLEMENTING, CampaignState.ACCEPTED)


@atomic()
async def note_income(
    actor: Actor, campaign_id: int, *, amount_fen: int, document_number: str, evidence_ids: Sequence[int] = ()
) -> Income:
    """Note what a charity's statement (with its picture) or a government document says came in, once per document.

    The committee does, until the campaign is settled. Raises NotFound, Forbidden, OnlyFromOutside, InvalidState,
    Invalid (no picture of the statement), DocumentNoted, UnknownPhoto.
    """
    campaign = await door(actor, campaign_id)
    require(policies.may_conduct(actor, campaign), *COMMITTEE_ONLY)
    if campaign.legal_path is LegalPath.COMMUNITY:
        raise OnlyFromOutside
    state, _ = await hold(campaign.id)
    if state not in NOTED_IN:
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
    await media.attach(actor, income, campaign.community_id, evidence_ids, purposes=[Purpose.EVIDENCE])
    await events.record(actor, "campaign.income_noted", campaign, income_id=income.id, amount_fen=amount_fen)
    return income


@atomic()
async def strike_income(actor: Actor, income_id: int, *, reason: str) -> Income:
    """Strike an income that was noted wrongly; another committee member than who noted it does.

    Raises NotFound, Forbidden, StruckByAnother, InvalidState.
    """
    income = await find_income(actor, income_id)
    require(actor.is_committee(income.community_id), *COMMITTEE_ONLY)
    if not await Income.filter(id=income.id, struck_by_id=None).update(struck_by_id=actor.id):
        raise InvalidState("struck")
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
    return _shown(actor, income)


async def incomes(actor: Actor, campaign_id: int, *, page: Page) -> Listed[Income]:
    """What was noted for a campaign, newest first, with what was struck. Raises NotFound."""
    campaign = await door(actor, campaign_id)
    found = await newest(Income.filter(campaign_id=campaign.id), page)
    return found.map(lambda income: _shown(actor, income))


def _shown(actor: Actor, income: Income) -> Income:
    if income.moderation is not Moderation.PASSED and not actor.is_staff(income.community_id):
        income.document_number = ""
    return income
