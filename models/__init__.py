"""What is kept. Tortoise finds every model through this list, one file per domain."""

from models.base import Record, Stateful
from models.comments import Comment
from models.events import Event, IdempotencyKey, Notice, Reason
from models.places import Place
from models.residents import (
    Assistance,
    Household,
    HouseholdClaim,
    Membership,
    Resident,
    RoleGrant,
    Session,
)
from models.volunteering import Activity, ServiceRecord, Shift, Signup

__models__ = [
    Activity,
    Assistance,
    Comment,
    Event,
    Household,
    HouseholdClaim,
    IdempotencyKey,
    Membership,
    Notice,
    Place,
    Reason,
    Resident,
    RoleGrant,
    ServiceRecord,
    Session,
    Shift,
    Signup,
]
__all__ = ["Record", "Stateful", *(model.__name__ for model in __models__)]
