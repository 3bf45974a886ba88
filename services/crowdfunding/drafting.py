"""Drawing up a campaign: a budget that adds up, a deadline within a year, a resolution to rest on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core import clock
from app.core.db import atomic
from app.core.errors import Invalid
from models.base import Moderation
from models.crowdfunding import (
    BeneficiaryKind,
    BudgetLine,
    Campaign,
    CampaignKind,
    CampaignNeed,
    Cause,
    LegalPath,
    PersonalAppeal,
    ResolutionNotValid,
)
from models.deliberations import Resolution
from models.moderation import Why
from services import checks, events, ledger, media, needs, places
from services.crowdfunding.reading import find
from services.policies import Actor, require
from services.policies import crowdfunding as policies
from services.rules.appeals import sounds_personal

STAFF_ONLY = ("只有本社区的工作人员可以这样做", "Only staff of this community may do this")
LONGEST = timedelta(days=365)


@dataclass(frozen=True)
class BudgetItem:
    """One purpose of the money asked for."""

    title: str
    amount_fen: int


@dataclass(frozen=True)
class Beneficiary:
    """For whom it is raised; for one person it is said why."""

    kind: BeneficiaryKind = BeneficiaryKind.COMMUNITY
    cause: Cause | None = None
    statement: str | None = None


@dataclass(frozen=True)
class Charity:
    """The charity that raises, how it may, and where: its page is shown, never followed."""

    name: str
    certificate_number: str
    filing_number: str
    platform_url: str


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
    photo_ids: Sequence[int] = (),
    beneficiary: Beneficiary = Beneficiary(),
    charity: Charity | None = None,
) -> Campaign:
    """Draw up a campaign; staff of the community do. The budget adds up to the goal; money in fen.

    The needs it cites hear of it when it is published. What sounds like an appeal for one person is seen by nobody else
    before another of the staff has looked at it. Raises NotFound, Forbidden, PersonalAppeal, Invalid (a charity or a
    beneficiary that is not said as it must be; figures, times or needs that do not fit), ResolutionNotValid, and what
    `media.attach` raises.
    """
    await places.find_community(community_id)
    require(policies.may_propose(actor, community_id), *STAFF_ONLY)
    _check_path(legal_path, charity)
    _check_beneficiary(beneficiary)
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
        beneficiary_kind=beneficiary.kind,
        beneficiary_cause=beneficiary.cause,
        beneficiary_text=beneficiary.statement,
        charity_name=charity and charity.name,
        charity_certificate=charity and charity.certificate_number,
        charity_filing=charity and charity.filing_number,
        charity_url=charity and charity.platform_url,
    )
    await BudgetLine.bulk_create(
        BudgetLine(community_id=community_id, campaign_id=campaign.id, title=line.title, amount_fen=line.amount_fen)
        for line in budget
    )
    await CampaignNeed.bulk_create(
        CampaignNeed(community_id=community_id, campaign_id=campaign.id, need_id=need.id)
        for need in await needs.citable(actor, need_ids, community_id)
    )
    said = "\n".join([title, body, beneficiary.statement or "", *(line.title for line in budget)])
    if beneficiary.kind is BeneficiaryKind.PERSON or sounds_personal(said):
        await _let_somebody_look(actor, campaign)
    else:
        await checks.expect(actor, campaign)
    await media.attach(actor, campaign, community_id, photo_ids)
    await ledger.open_accounts(community_id, campaign.id)
    await events.record(
        actor,
        "campaign.drafted",
        campaign,
        kind=kind,
        goal_fen=goal_fen,
        minimum_fen=campaign.minimum_fen,
        deadline_s=int(deadline.timestamp()),
        resolution_id=resolution_id,
    )
    return await find(actor, campaign.id)


async def _let_somebody_look(actor: Actor, campaign: Campaign) -> None:
    await campaign.filter(id=campaign.id).update(moderation=Moderation.QUEUED)
    await checks.ask_a_human(campaign, actor.id, Why.PERSONAL, community_id=campaign.community_id)


def _check_path(legal_path: LegalPath, charity: Charity | None) -> None:
    if (legal_path is LegalPath.CHARITY) != (charity is not None):
        raise Invalid(
            "通过慈善组织募捐的项目，须且仅须填写慈善组织名称、公开募捐资格证书号、备案编号和平台链接",
            "A campaign on the charity path, and no other, says the charity's name, certificate, filing and page",
        )


def _check_beneficiary(beneficiary: Beneficiary) -> None:
    if (beneficiary.kind is BeneficiaryKind.PERSON) != (beneficiary.cause is not None):
        raise Invalid("为个人发起的项目须说明原因，其他项目不填", "A campaign for one person, and no other, says why")
    if beneficiary.cause not in (None, Cause.OTHER):
        raise PersonalAppeal


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
