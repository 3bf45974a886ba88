"""Campaigns with their budgets, what residents pledge to them, and the teams that raise together."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, Forbidden, Invalid, refuses
from models.base import RESTRICT, Moderation, Record, Stateful
from models.needs import Need
from models.places import Place
from models.residents import Resident
from models.volunteering import Shift


class LegalPath(StrEnum):
    """Who may raise money, and from whom (居委会组织法 42)."""

    COMMUNITY = "community"
    CHARITY = "charity"
    GOVERNMENT = "government"


class BeneficiaryKind(StrEnum):
    """For whom: everybody of the community, some of its people, or one person or family."""

    COMMUNITY = "community"
    GROUP = "group"
    PERSON = "person"


class Cause(StrEnum):
    """Why something is raised for one person. Only `other` may be: the rest is personal help (慈善法 124)."""

    ILLNESS = "illness"
    ACCIDENT = "accident"
    HARDSHIP = "hardship"
    OTHER = "other"


class CampaignKind(StrEnum):
    ALL_OR_NOTHING = "all_or_nothing"
    KEEP_WHAT_IS_RAISED = "keep_what_is_raised"


class CampaignState(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    OPEN = "open"
    FUNDED = "funded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    IMPLEMENTING = "implementing"
    ACCEPTED = "accepted"
    SETTLED = "settled"


class PledgeKind(StrEnum):
    MONEY = "money"
    IN_KIND = "in_kind"
    TIME = "time"
    SKILL = "skill"
    ADOPTION = "adoption"
    SALE = "sale"


MONEY_ROAD = frozenset({PledgeKind.MONEY, PledgeKind.ADOPTION, PledgeKind.SALE})
"""Kinds that are paid through WeChat; the others are promised and received."""


class PledgeState(StrEnum):
    AWAITING_PAYMENT = "awaiting_payment"
    PAID = "paid"
    EXPIRED = "expired"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    PROMISED = "promised"
    RECEIVED = "received"
    WITHDRAWN = "withdrawn"


class NotByTheSubmitter(Forbidden):
    code = "not_by_the_submitter"
    zh = "提交人不能自己发布，请另一位居委会成员审核"
    en = "Another committee member publishes what somebody submitted"


class NotChecked(Conflict):
    code, zh, en = "not_checked", "内容还在审核中", "Its words have not been checked yet"


class LineAdopted(Conflict):
    code, zh, en = "already_adopted", "这一项已有人认捐", "Somebody has adopted this line already"


class OtherTeam(Conflict):
    code = "already_in_team"
    zh = "您已加入这个项目的另一支小分队"
    en = "You are in another team of this campaign already"


class CampaignOver(Conflict):
    code, zh, en = "campaign_over", "众筹已经截止", "The campaign's deadline has passed"


class ExtendedBefore(Conflict):
    code, zh, en = "extended_before", "截止时间只能延长一次", "A deadline is put off once only"


class UseChangeAnnounced(Conflict):
    code = "use_change_announced"
    zh = "上一次变更用途的退款期还没有结束"
    en = "Another change of use is still open for refunds"


class NoSuchTeam(Invalid):
    zh, en = "这个项目没有这支小分队", "This campaign has no such team"


class ResolutionNotValid(Invalid):
    code = "resolution_not_valid"
    zh = "须引用本社区已通过（或参考性）的决议"
    en = "Cite a resolution of this community that did not fail"


class PersonalAppeal(Invalid):
    code = "personal_appeal"
    zh = (
        "为个人因疾病、意外或家庭困难求助，依照慈善法第一百二十四条须通过民政部指定的个人求助网络服务平台，"
        "这里不能发起；请联系社工，可以为其登记微心愿或申请救助"
    )
    en = (
        "Help for a person in illness, accident or hardship is asked for on the platforms designated by the Ministry "
        "of Civil Affairs (Charity Law, art. 124), not here; a social worker can help with a wish or with relief"
    )


class MoneyIsHisOwn(Forbidden):
    code, zh, en = "money_is_his_own", "不能代他人认捐资金", "Nobody pledges another's money"


class NoPaymentHere(Conflict):
    code = "no_payment_here"
    zh = "这个项目的善款由慈善组织或政府部门直接收取，这里不收款"
    en = "Money for this campaign goes to the charity or comes from the government; none is taken here"


class OnlyFromOutside(Conflict):
    code = "only_from_outside"
    zh = "社区内部众筹的收入由居民付款入账，不能登记"
    en = "What is raised within the community is paid in by residents, not noted"


class DocumentNoted(Conflict):
    code, zh, en = "document_noted", "这份文件的收入已经登记", "The income by this document was noted already"


class StruckByAnother(Forbidden):
    code = "struck_by_another"
    zh = "登记人不能自己划去，请另一位居委会成员核对"
    en = "Another committee member strikes what somebody noted"


class NoSuchShift(Invalid):
    zh, en = "本社区没有这个班次", "This community has no such shift"


class HandOverFirst(Conflict):
    code = "hand_over_first"
    zh = "请先把队长交给另一位队员，再退出小分队"
    en = "Hand the lead over to another helper before you leave"


class OwnGift(Forbidden):
    code, zh, en = "own_gift", "不能确认收到自己捐的物品或服务", "Nobody notes that he received his own gift"


refuses("campaigns_no_personal_appeal", PersonalAppeal)
refuses("campaigns_checked", NotChecked)
refuses("pledges_checked", NotChecked)
refuses("pledges_on_path", NoPaymentHere)
refuses("slips_on_path", NoPaymentHere)
refuses("incomes_on_path", OnlyFromOutside)
refuses("incomes_one_per_document", DocumentNoted)
refuses("incomes_struck_by_another", StruckByAnother)
refuses("pledges_shift_of_community", NoSuchShift)
refuses("pledges_shift_id_fkey", NoSuchShift)
refuses("pledges_one_per_shift", AlreadyExists)
refuses("pledges_received_by_another", OwnGift)
refuses("teams_led_by_a_helper", HandOverFirst)
refuses("campaigns_published_by_another", NotByTheSubmitter)
refuses("campaigns_resolution", ResolutionNotValid)
refuses("pledges_one_adopter", LineAdopted)
refuses("use_changes_one_at_a_time", UseChangeAnnounced)
refuses("use_changes_one_per_resolution", ResolutionNotValid)
refuses("use_changes_new_resolution", ResolutionNotValid)
refuses("use_changes_resolution", ResolutionNotValid)
refuses("pledges_team_of_campaign", NoSuchTeam)
refuses("teams_one_name", AlreadyExists)
refuses("team_members_one_team", OtherTeam)


class Campaign(Stateful):
    """A purpose, the resolution it rests on, a budget and a deadline; raised within one community."""

    FLOW = {
        CampaignState.DRAFT: {CampaignState.IN_REVIEW, CampaignState.CANCELLED},
        CampaignState.IN_REVIEW: {CampaignState.PUBLISHED, CampaignState.OPEN, CampaignState.CANCELLED},
        CampaignState.PUBLISHED: {CampaignState.OPEN, CampaignState.CANCELLED},
        CampaignState.OPEN: {CampaignState.FUNDED, CampaignState.FAILED, CampaignState.CANCELLED},
        CampaignState.FUNDED: {CampaignState.IMPLEMENTING},
        CampaignState.IMPLEMENTING: {CampaignState.ACCEPTED},
        CampaignState.ACCEPTED: {CampaignState.SETTLED},
        CampaignState.FAILED: set(),
        CampaignState.CANCELLED: set(),
        CampaignState.SETTLED: set(),
    }

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField(
        "models.Place", "campaigns", on_delete=RESTRICT
    )
    community_id: int
    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "campaigns", on_delete=RESTRICT
    )
    author_id: int
    legal_path = fields.CharEnumField(LegalPath, max_length=16)
    kind = fields.CharEnumField(CampaignKind, max_length=24)
    title = fields.CharField(60)
    body = fields.TextField()
    goal_fen = fields.BigIntField()
    minimum_fen = fields.BigIntField()
    opens_at = fields.DatetimeField(null=True)
    deadline = fields.DatetimeField()
    resolution_id = fields.BigIntField()
    extended_from = fields.DatetimeField(null=True)
    """The deadline before it was put off."""
    surplus_campaign_id = fields.BigIntField(null=True)
    surplus_resolution_id = fields.BigIntField(null=True)
    state = fields.CharEnumField(CampaignState, max_length=16, default=CampaignState.DRAFT)
    submitted_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "campaigns_submitted", on_delete=RESTRICT, null=True
    )
    submitted_by_id: int | None
    published_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "campaigns_published", on_delete=RESTRICT, null=True
    )
    published_by_id: int | None
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    beneficiary_kind = fields.CharEnumField(BeneficiaryKind, max_length=16, default=BeneficiaryKind.COMMUNITY)
    beneficiary_cause = fields.CharEnumField(Cause, max_length=16, null=True)
    beneficiary_text = fields.CharField(200, null=True)
    charity_name = fields.CharField(100, null=True)
    charity_certificate = fields.CharField(64, null=True)
    charity_filing = fields.CharField(64, null=True)
    charity_url = fields.CharField(500, null=True)

    budget: "list[BudgetLine]"
    need_ids: list[int]
    raised_fen: int
    spent_fen: int
    in_kind_fen: int
    backers: int
    photos: Sequence[Any]

    @property
    def beneficiary(self) -> dict[str, str | None]:
        """For whom it is."""
        return {"kind": self.beneficiary_kind, "cause": self.beneficiary_cause, "statement": self.beneficiary_text}

    @property
    def charity(self) -> dict[str, str | None] | None:
        """Who raises on the charity path."""
        if self.charity_name is None:
            return None
        return {
            "name": self.charity_name,
            "certificate_number": self.charity_certificate,
            "filing_number": self.charity_filing,
            "platform_url": self.charity_url,
        }

    @property
    def progress(self) -> int:
        """Whole percent of the goal, rounded down."""
        return int(self.raised_fen * 100 // self.goal_fen)

    class Meta:
        table = "campaigns"


class BudgetLine(Record):
    """One purpose of a campaign's money; the lines add up to its goal."""

    community_id = fields.BigIntField()
    campaign: fields.ForeignKeyRelation[Campaign] = fields.ForeignKeyField(
        "models.Campaign", "lines", on_delete=RESTRICT
    )
    campaign_id: int
    title = fields.CharField(60)
    amount_fen = fields.BigIntField()
    use_change_id = fields.BigIntField(null=True)
    """The change of use that set it apart."""

    spent_fen: int

    class Meta:
        table = "budget_lines"


class CampaignNeed(Record):
    """A need that a campaign cites; the need itself is linked to the campaign once that is published."""

    community_id = fields.BigIntField()
    campaign: fields.ForeignKeyRelation[Campaign] = fields.ForeignKeyField(
        "models.Campaign", "cited", on_delete=RESTRICT
    )
    campaign_id: int
    need: fields.ForeignKeyRelation[Need] = fields.ForeignKeyField("models.Need", "cited_by", on_delete=RESTRICT)
    need_id: int

    class Meta:
        table = "campaign_needs"


class Income(Record):
    """What a charity's statement or a government document says came in, outside our books; struck if it was wrong."""

    community_id = fields.BigIntField()
    campaign: fields.ForeignKeyRelation[Campaign] = fields.ForeignKeyField(
        "models.Campaign", "incomes", on_delete=RESTRICT
    )
    campaign_id: int
    amount_fen = fields.BigIntField()
    document_number = fields.CharField(64)
    entered_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "incomes_entered", on_delete=RESTRICT
    )
    entered_by_id: int
    struck_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "incomes_struck", on_delete=RESTRICT, null=True
    )
    struck_by_id: int | None
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "incomes"


class Team(Record):
    """Residents who raise together for one campaign; one of its helpers leads, nobody when all have left."""

    community_id = fields.BigIntField()
    campaign: fields.ForeignKeyRelation[Campaign] = fields.ForeignKeyField(
        "models.Campaign", "teams", on_delete=RESTRICT
    )
    campaign_id: int
    founder: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "teams_founded", on_delete=RESTRICT
    )
    founder_id: int
    leader: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "teams_led", on_delete=RESTRICT, null=True
    )
    leader_id: int | None
    name = fields.CharField(60)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "teams"


class TeamMember(Record):
    """A resident helps in a team; in one team of a campaign only."""

    community_id = fields.BigIntField()
    campaign_id = fields.BigIntField()
    team: fields.ForeignKeyRelation[Team] = fields.ForeignKeyField("models.Team", "members", on_delete=RESTRICT)
    team_id: int
    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "team_memberships", on_delete=RESTRICT
    )
    resident_id: int

    class Meta:
        table = "team_members"


class UseChangeState(StrEnum):
    ANNOUNCED = "announced"
    IN_FORCE = "in_force"


class UseChange(Stateful):
    """Part of what a campaign raised is to be used for something else, by a new resolution (慈善法 56).

    Until `refund_until` every giver may take his share back and nobody spends it; then it becomes a budget line.
    `raised_fen` is what had been raised when it was announced.
    """

    FLOW = {UseChangeState.ANNOUNCED: {UseChangeState.IN_FORCE}, UseChangeState.IN_FORCE: set()}

    community_id = fields.BigIntField()
    campaign: fields.ForeignKeyRelation[Campaign] = fields.ForeignKeyField(
        "models.Campaign", "use_changes", on_delete=RESTRICT
    )
    campaign_id: int
    resolution_id = fields.BigIntField()
    title = fields.CharField(60)
    body = fields.CharField(1000)
    amount_fen = fields.BigIntField()
    raised_fen = fields.BigIntField()
    refund_until = fields.DatetimeField()
    state = fields.CharEnumField(UseChangeState, max_length=16, default=UseChangeState.ANNOUNCED)
    announced_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "use_changes", on_delete=RESTRICT
    )
    announced_by_id: int
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "use_changes"


class Pledge(Stateful):
    """What somebody gives to a campaign; for goods `amount_fen` is their estimated value.

    `late` says that its money came after the order had expired.
    """

    FLOW = {
        PledgeState.AWAITING_PAYMENT: {PledgeState.PAID, PledgeState.EXPIRED},
        PledgeState.EXPIRED: {PledgeState.PAID},
        PledgeState.PAID: {PledgeState.REFUNDING},
        PledgeState.REFUNDING: {PledgeState.REFUNDED, PledgeState.PAID},
        PledgeState.REFUNDED: set(),
        PledgeState.PROMISED: {PledgeState.RECEIVED, PledgeState.WITHDRAWN},
        PledgeState.RECEIVED: {PledgeState.WITHDRAWN},
        PledgeState.WITHDRAWN: set(),
    }

    community_id = fields.BigIntField()
    campaign: fields.ForeignKeyRelation[Campaign] = fields.ForeignKeyField(
        "models.Campaign", "pledges", on_delete=RESTRICT
    )
    campaign_id: int
    giver: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "pledges", on_delete=RESTRICT
    )
    giver_id: int
    kind = fields.CharEnumField(PledgeKind, max_length=16)
    state = fields.CharEnumField(PledgeState, max_length=24)
    amount_fen = fields.BigIntField(null=True)
    item = fields.CharField(200, null=True)
    hours = fields.SmallIntField(null=True)
    budget_line_id = fields.BigIntField(null=True)
    team_id = fields.BigIntField(null=True)
    anonymous = fields.BooleanField(default=True)
    message = fields.CharField(200, null=True)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    late = fields.BooleanField(default=False)
    shift: fields.ForeignKeyNullableRelation[Shift] = fields.ForeignKeyField(
        "models.Shift", "pledges", on_delete=RESTRICT, null=True
    )
    shift_id: int | None
    handed_over_at: datetime | None = fields.DatetimeField(null=True)
    """When the giver said that he gave it; `received_by` is the other hand."""
    received_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "pledges_received", on_delete=RESTRICT, null=True
    )
    received_by_id: int | None

    named: bool = False
    """Whether the list of gifts may name its giver."""
    payment: dict[str, str] | None = None

    class Meta:
        table = "pledges"
