"""Campaigns with their budgets, what was noted for them, and how the use of their money changes."""

from collections.abc import Sequence
from typing import Any

from tortoise import fields

from models.base import RESTRICT, Moderation, Record, Stateful
from models.crowdfunding.words import BeneficiaryKind, CampaignKind, CampaignState, Cause, LegalPath, UseChangeState
from models.needs import Need
from models.places import OfCommunity
from models.residents import Resident


class Campaign(OfCommunity, Stateful):
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
    released_fen: int
    """What changes of use have taken from it since."""
    adopted: bool

    @property
    def left_fen(self) -> int:
        """What may still be spent of it."""
        return int(self.amount_fen - self.released_fen - self.spent_fen)

    class Meta:
        table = "budget_lines"


class LineRelease(Record):
    """What a change of use took from an older budget line when it came into force."""

    community_id = fields.BigIntField()
    budget_line: fields.ForeignKeyRelation[BudgetLine] = fields.ForeignKeyField(
        "models.BudgetLine", "releases", on_delete=RESTRICT
    )
    budget_line_id: int
    campaign_id = fields.BigIntField()
    use_change: fields.ForeignKeyRelation["UseChange"] = fields.ForeignKeyField(
        "models.UseChange", "releases", on_delete=RESTRICT
    )
    use_change_id: int
    amount_fen = fields.BigIntField()

    class Meta:
        table = "line_releases"


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
    """What a charity's statement or a government document says came in; struck if it was wrong.

    A charity keeps what it raised. What the government grants enters our books by the `slip`.
    """

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

    slip: Any = None
    evidence: Sequence[Any] = ()

    @property
    def counted(self) -> bool:
        """Whether it is part of what was raised."""
        return self.struck_by_id is None if self.slip is None else self.slip.state == "posted"

    class Meta:
        table = "incomes"


class UseChange(Stateful):
    """Part of what a campaign raised is to be used for something else, by a new resolution (慈善法 56).

    Until `refund_until` every giver may take his share back and nobody spends it; then it becomes a budget line.
    `raised_fen` is what had been raised when it was announced; `budget_line_id` the line it is taken from first.
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
    budget_line_id = fields.BigIntField(null=True)
    refund_until = fields.DatetimeField()
    state = fields.CharEnumField(UseChangeState, max_length=16, default=UseChangeState.ANNOUNCED)
    announced_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "use_changes", on_delete=RESTRICT
    )
    announced_by_id: int
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "use_changes"
