"""What committee members record by hand, two of them: promises to match, and slips for money that WeChat never saw."""

from enum import StrEnum

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, Forbidden, Invalid, refuses
from models.base import RESTRICT, Moderation, Stateful
from models.crowdfunding import Campaign, NoPaymentHere
from models.places import OfCommunity
from models.residents import Resident


class MatchState(StrEnum):
    ENTERED = "entered"
    PROMISED = "promised"
    DECLINED = "declined"


class SlipKind(StrEnum):
    """A gift in cash or by bank, a gift handed back, a match paid, a transfer undone."""

    GIFT = "gift"
    HAND_BACK = "hand_back"
    MATCH = "match"
    CORRECTION = "correction"


class SlipState(StrEnum):
    """Only a posted slip moves money. A gift goes on to be refunded, a gift or a match to be corrected.

    A gift is corrected also while it waits to be handed back.
    """

    ENTERED = "entered"
    POSTED = "posted"
    DECLINED = "declined"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    CORRECTED = "corrected"


class Via(StrEnum):
    CASH = "cash"
    BANK = "bank"


class SecondPerson(Forbidden):
    code = "second_person"
    zh = "须由另一位居委会成员复核"
    en = "Another committee member countersigns"


class NoEvidence(Invalid):
    code, zh, en = "no_evidence", "请上传凭证照片", "Add a picture of the evidence"


class MoreThanOwed(Conflict):
    code = "more_than_owed"
    zh = "金额超过了该配捐目前应付的数额"
    en = "This is more than is owed for the match now"


refuses("matches_on_path", NoPaymentHere)
refuses("matches_two_people", SecondPerson)
refuses("slips_two_people", SecondPerson)
refuses("slips_evidence", NoEvidence)
refuses("slips_one_hand_back", AlreadyExists)
refuses("slips_one_correction", AlreadyExists)


class Match(Stateful):
    """A unit's promise: `adds_fen` for each `for_each_fen` raised, up to a cap. What it owes follows from the books."""

    FLOW = {
        MatchState.ENTERED: {MatchState.PROMISED, MatchState.DECLINED},
        MatchState.PROMISED: set(),
        MatchState.DECLINED: set(),
    }

    community_id = fields.BigIntField()
    campaign: fields.ForeignKeyRelation[Campaign] = fields.ForeignKeyField(
        "models.Campaign", "matches", on_delete=RESTRICT
    )
    campaign_id: int
    unit = fields.CharField(60)
    for_each_fen = fields.BigIntField()
    adds_fen = fields.BigIntField()
    cap_fen = fields.BigIntField()
    state = fields.CharEnumField(MatchState, max_length=16, default=MatchState.ENTERED)
    entered_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "matches_entered", on_delete=RESTRICT
    )
    entered_by_id: int
    decided_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "matches_decided", on_delete=RESTRICT, null=True
    )
    decided_by_id: int | None
    decided_at = fields.DatetimeField(null=True)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    owed_fen: int
    paid_fen: int

    class Meta:
        table = "matches"


class Slip(OfCommunity, Stateful):
    """A movement of money on paper: entered by one committee member with evidence, posted by another's signature."""

    FLOW = {
        SlipState.ENTERED: {SlipState.POSTED, SlipState.DECLINED},
        SlipState.POSTED: {SlipState.REFUNDING, SlipState.CORRECTED},
        SlipState.REFUNDING: {SlipState.REFUNDED, SlipState.CORRECTED},
        SlipState.DECLINED: set(),
        SlipState.REFUNDED: set(),
        SlipState.CORRECTED: set(),
    }

    kind = fields.CharEnumField(SlipKind, max_length=16)
    state = fields.CharEnumField(SlipState, max_length=16, default=SlipState.ENTERED)
    campaign: fields.ForeignKeyNullableRelation[Campaign] = fields.ForeignKeyField(
        "models.Campaign", "slips", on_delete=RESTRICT, null=True
    )
    campaign_id: int | None
    via = fields.CharEnumField(Via, max_length=8, null=True)
    amount_fen = fields.BigIntField()
    giver: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "offline_gifts", on_delete=RESTRICT, null=True
    )
    giver_id: int | None
    gift_id = fields.BigIntField(null=True)
    match_id = fields.BigIntField(null=True)
    transfer_id = fields.BigIntField(null=True)
    """The transfer to undo; the counter-transfer's own key holds it."""
    income_id = fields.BigIntField(null=True)
    """The document by which the government gave it."""
    note = fields.CharField(200)
    entered_by: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "slips_entered", on_delete=RESTRICT
    )
    entered_by_id: int
    decided_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "slips_decided", on_delete=RESTRICT, null=True
    )
    decided_by_id: int | None
    decided_at = fields.DatetimeField(null=True)

    evidence_ids: list[int]

    class Meta:
        table = "slips"
