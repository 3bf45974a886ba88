"""What residents pledge to a campaign, and the teams that raise together."""

from datetime import datetime

from tortoise import fields

from models.base import RESTRICT, Moderation, Record, Stateful
from models.crowdfunding.campaigns import Campaign
from models.crowdfunding.words import PledgeKind, PledgeState
from models.residents import Resident
from models.volunteering import Shift


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


class SaleItem(Record):
    """Something sold for a campaign; `taken` are ordered or paid. What is no longer `offered` is not sold any more."""

    community_id = fields.BigIntField()
    campaign: fields.ForeignKeyRelation[Campaign] = fields.ForeignKeyField(
        "models.Campaign", "sale_items", on_delete=RESTRICT
    )
    campaign_id: int
    title = fields.CharField(60)
    price_fen = fields.BigIntField()
    quantity = fields.IntField()
    taken = fields.IntField()
    offered = fields.BooleanField()
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    @property
    def left(self) -> int:
        """How many may still be ordered."""
        return int(self.quantity - self.taken) if self.offered else 0

    class Meta:
        table = "sale_items"


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
    sale_item_id = fields.BigIntField(null=True)
    quantity = fields.SmallIntField(null=True)
    """How many of a sale's item."""
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
    refunded_fen: int = 0
    """What of it went back, or is on its way."""
    payment: dict[str, str] | None = None

    class Meta:
        table = "pledges"
