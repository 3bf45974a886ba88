"""What is kept. Tortoise finds every model through this list, one file per domain."""

from models.base import Record, Stateful
from models.bills import Bill, BillDifference
from models.codes import Code
from models.comments import Comment
from models.crowdfunding import BudgetLine, Campaign, CampaignNeed, Pledge, Team, TeamMember, UseChange
from models.deliberations import Archive, Ballot, Deliberation, Elector, Option, Resolution, Result, SecretBallot
from models.events import Event, IdempotencyKey, Notice, Reason
from models.ledger import Account, Transfer
from models.media import Attachment, Media, Picture
from models.moderation import Check
from models.needs import Endorsement, Need, NeedAnswer, NeedHop, NeedLink, NeedRating, NeedRules
from models.notifications import CreditEntry, Delivery, MessageCredit, NoticePreference
from models.payments import Heard, Order, Refund
from models.places import Calendar, Place
from models.pushes import Push
from models.residents import (
    Assistance,
    Constituency,
    Household,
    HouseholdClaim,
    Membership,
    Ownership,
    Representative,
    Resident,
    RoleGrant,
    Session,
)
from models.rolls import Objection, PaperBatch, VotingRule
from models.slips import Match, Slip
from models.transparency import LogEntry, LogHead, LogNode, LogPending, Verification
from models.volunteering import Activity, ServiceRecord, Shift, Signup
from models.wishes import Wish, WishClaim

__models__ = [
    Account,
    Activity,
    Archive,
    Assistance,
    Attachment,
    Ballot,
    Bill,
    BillDifference,
    BudgetLine,
    Calendar,
    Campaign,
    CampaignNeed,
    Check,
    Code,
    Comment,
    Constituency,
    CreditEntry,
    Deliberation,
    Delivery,
    Elector,
    Endorsement,
    Event,
    Heard,
    Household,
    HouseholdClaim,
    IdempotencyKey,
    LogEntry,
    LogHead,
    LogNode,
    LogPending,
    Match,
    Media,
    Membership,
    MessageCredit,
    Need,
    NeedAnswer,
    NeedHop,
    NeedLink,
    NeedRating,
    NeedRules,
    Notice,
    NoticePreference,
    Objection,
    Option,
    Order,
    Ownership,
    PaperBatch,
    Picture,
    Place,
    Pledge,
    Push,
    Reason,
    Refund,
    Representative,
    Resident,
    Resolution,
    Result,
    RoleGrant,
    ServiceRecord,
    SecretBallot,
    Session,
    Shift,
    Signup,
    Slip,
    Team,
    TeamMember,
    Transfer,
    Verification,
    VotingRule,
    UseChange,
    Wish,
    WishClaim,
]
__all__ = ["Record", "Stateful", *(model.__name__ for model in __models__)]
