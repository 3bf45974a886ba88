"""Options that residents propose while a deliberation is discussed."""

from enum import StrEnum

from tortoise import fields

from app.core.errors import AlreadyExists, Conflict, refuses
from models.base import RESTRICT, Moderation, Stateful
from models.deliberations import Deliberation
from models.residents import Resident


class OptionProposalState(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class DiscussionOver(Conflict):
    code, zh, en = "discussion_over", "讨论已经结束", "The discussion is over"


refuses("option_proposals_one_title", AlreadyExists)
refuses("option_proposals_while_discussed", DiscussionOver)


class OptionProposal(Stateful):
    """Something more to choose from, as a resident wishes; accepted, it becomes an option of the vote."""

    FLOW = {
        OptionProposalState.PROPOSED: {
            OptionProposalState.ACCEPTED,
            OptionProposalState.DECLINED,
            OptionProposalState.WITHDRAWN,
        },
        OptionProposalState.ACCEPTED: set(),
        OptionProposalState.DECLINED: set(),
        OptionProposalState.WITHDRAWN: set(),
    }

    community_id = fields.BigIntField()
    deliberation: fields.ForeignKeyRelation[Deliberation] = fields.ForeignKeyField(
        "models.Deliberation", "option_proposals", on_delete=RESTRICT
    )
    deliberation_id: int
    author: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "options_proposed", on_delete=RESTRICT
    )
    author_id: int
    title = fields.CharField(60)
    cost_fen = fields.BigIntField(null=True)
    """What it would cost, in a budget vote."""
    state = fields.CharEnumField(OptionProposalState, max_length=16, default=OptionProposalState.PROPOSED)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)

    class Meta:
        table = "option_proposals"
