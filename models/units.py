"""Units: an organisation, a party branch, a firm or a team of volunteers that helps as one, through its contact."""

from enum import StrEnum

from tortoise import fields

from app.core.errors import AlreadyExists, refuses
from models.base import RESTRICT, Moderation, Stateful
from models.places import OfCommunity
from models.residents import Resident

refuses("units_one_name", AlreadyExists)
refuses("units_one_pending", AlreadyExists)


class UnitKind(StrEnum):
    ORGANISATION = "organisation"
    PARTY_BRANCH = "party_branch"
    FIRM = "firm"
    VOLUNTEER_TEAM = "volunteer_team"


class UnitState(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    ENDED = "ended"


class Unit(OfCommunity, Stateful):
    """A unit of a community and the resident who acts for it, once the committee has confirmed that he does.

    Somebody else acts for it after it has been ended and registered anew.
    """

    FLOW = {
        UnitState.PENDING: {UnitState.CONFIRMED, UnitState.ENDED},
        UnitState.CONFIRMED: {UnitState.ENDED},
        UnitState.ENDED: set(),
    }

    kind = fields.CharEnumField(UnitKind, max_length=16)
    name = fields.CharField(60)
    moderation = fields.CharEnumField(Moderation, max_length=16, default=Moderation.CHECKING)
    state = fields.CharEnumField(UnitState, max_length=16, default=UnitState.PENDING)
    contact: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "units", on_delete=RESTRICT
    )
    contact_id: int
    confirmed_by: fields.ForeignKeyNullableRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "units_confirmed", on_delete=RESTRICT, null=True
    )
    confirmed_by_id: int | None

    class Meta:
        table = "units"
