"""What is kept. Tortoise finds every model through this list, one file per domain."""

from models.base import Record, Stateful
from models.bills import Bill, BillDifference
from models.codes import Code
from models.comments import Comment
from models.crowdfunding import BudgetLine, Campaign, CampaignNeed, Income, Pledge, Team, TeamMember
from models.deliberations import Ballot, Deliberation, Elector, Option, Resolution, Result
from models.disclosures import Disclosure, DisclosureAnswer, DisclosureQuestion, Display
from models.events import Event, IdempotencyKey, Notice, Reason
from models.ledger import Account, Transfer
from models.media import Attachment, Media, Picture
from models.moderation import Check
from models.needs import Endorsement, Need, NeedAnswer, NeedLink, NeedRating
from models.notifications import CreditEntry, Delivery, MessageCredit, NoticePreference
from models.payments import Heard, Order, Refund
from models.places import Place
from models.pushes import Push
from models.residents import (
    Assistance,
    Consent,
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
    Account,
    Activity,
    Assistance,
    Attachment,
    Ballot,
    Bill,
    BillDifference,
    BudgetLine,
    Campaign,
    CampaignNeed,
    Check,
    Code,
    Comment,
    Consent,
    CreditEntry,
    Deliberation,
    Delivery,
    Disclosure,
    DisclosureAnswer,
    DisclosureQuestion,
    Display,
    Elector,
    Endorsement,
    Event,
    Heard,
    Household,
    HouseholdClaim,
    IdempotencyKey,
    Income,
    Media,
    Membership,
    MessageCredit,
    Need,
    NeedAnswer,
    NeedLink,
    NeedRating,
    Notice,
    NoticePreference,
    Option,
    Order,
    Picture,
    Place,
    Pledge,
    Push,
    Reason,
    Refund,
    Resident,
    Resolution,
    Result,
    RoleGrant,
    ServiceRecord,
    Session,
    Shift,
    Signup,
    Team,
    TeamMember,
    Transfer,
    Wish,
    WishClaim,
]
__all__ = ["Record", "Stateful", *(model.__name__ for model in __models__)]
