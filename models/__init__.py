"""What is kept. Tortoise finds every model through this list, one file per domain."""

from models.base import Record, Stateful
from models.comments import Comment
from models.deliberations import Ballot, Deliberation, Elector, Option, Resolution, Result
from models.events import Event, IdempotencyKey, Notice, Reason
from models.needs import Endorsement, Need, NeedAnswer, NeedLink, NeedRating
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
from models.wishes import Wish, WishClaim

__models__ = [
    Activity,
    Assistance,
    Ballot,
    Comment,
    Deliberation,
    Elector,
    Endorsement,
    Event,
    Household,
    HouseholdClaim,
    IdempotencyKey,
    Membership,
    Need,
    NeedAnswer,
    NeedLink,
    NeedRating,
    Notice,
    Option,
    Place,
    Reason,
    Resident,
    Resolution,
    Result,
    RoleGrant,
    ServiceRecord,
    Session,
    Shift,
    Signup,
    Wish,
    WishClaim,
]
__all__ = ["Record", "Stateful", *(model.__name__ for model in __models__)]
