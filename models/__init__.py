"""What is kept. Tortoise finds every model through this list, one file per domain."""

from models.base import Record, Stateful
from models.bills import Bill, BillDifference
from models.certificates import Certificate, CertificateRevocation
from models.codes import Code
from models.comments import Comment, CommentSupport
from models.crowdfunding import (
    BudgetLine,
    Campaign,
    CampaignNeed,
    Income,
    LineRelease,
    Pledge,
    SaleItem,
    Team,
    TeamMember,
    UseChange,
)
from models.deliberations import Archive, Ballot, Deliberation, Elector, Option, Resolution, Result, SecretBallot
from models.disclosures import Disclosure, DisclosureAnswer, DisclosureQuestion, Display
from models.events import Event, IdempotencyKey, Notice, Reason
from models.expenses import Expense, ExpenseApproval, FundRules
from models.figures import Figure, FigureEntry, FigureMark, NeedResponse, Participation
from models.following import DeliberationReview, FollowUp, ResolutionDisplay, Satisfaction
from models.homes import (
    Guardianship,
    HouseholdRecord,
    Invitation,
    PhoneMove,
    RepresentativeChange,
    RepresentativeVote,
    ResidentLink,
)
from models.ledger import Account, Transfer
from models.media import Attachment, Media, Picture
from models.meetings import AgendaItem, Attendance, Meeting, MeetingDeliberation, Petition, PetitionSignature
from models.moderation import Check, Pause, Report
from models.needs import Endorsement, Need, NeedAnswer, NeedHop, NeedLink, NeedRating, NeedRules
from models.notifications import CreditEntry, Delivery, MessageCredit, NoticePreference
from models.payments import Heard, Order, Refund
from models.places import Calendar, Place
from models.proposals import OptionProposal
from models.pushes import Push
from models.residents import (
    Assistance,
    Consent,
    Constituency,
    Household,
    HouseholdClaim,
    Membership,
    Ownership,
    Relative,
    Representative,
    Resident,
    RoleGrant,
    Session,
)
from models.rolls import Objection, PaperBatch, VotingRule
from models.slips import Match, Slip
from models.transparency import LogEntry, LogHead, LogNode, LogPending, Verification
from models.units import Unit
from models.volunteer_teams import VolunteerTeam, VolunteerTeamMember
from models.volunteering import (
    Activity,
    PointTransfer,
    ServiceCorrection,
    ServiceDispute,
    ServiceRecord,
    Shift,
    Signup,
    Volunteer,
)
from models.wishes import Wish, WishClaim, WishContact, WishDisclosure, WishStatement

__models__ = [
    Account,
    Activity,
    Archive,
    AgendaItem,
    Assistance,
    Attachment,
    Attendance,
    Ballot,
    Bill,
    BillDifference,
    BudgetLine,
    Calendar,
    Campaign,
    CampaignNeed,
    Certificate,
    CertificateRevocation,
    Check,
    Report,
    Pause,
    Code,
    Comment,
    CommentSupport,
    Consent,
    Constituency,
    CreditEntry,
    Deliberation,
    DeliberationReview,
    Delivery,
    Disclosure,
    DisclosureAnswer,
    DisclosureQuestion,
    Display,
    Elector,
    Endorsement,
    Event,
    Expense,
    ExpenseApproval,
    FundRules,
    Figure,
    FigureEntry,
    FigureMark,
    FollowUp,
    Heard,
    Guardianship,
    Household,
    HouseholdClaim,
    HouseholdRecord,
    IdempotencyKey,
    Income,
    Invitation,
    LineRelease,
    LogEntry,
    LogHead,
    LogNode,
    LogPending,
    Match,
    Media,
    Meeting,
    MeetingDeliberation,
    Membership,
    MessageCredit,
    Need,
    NeedAnswer,
    NeedHop,
    NeedLink,
    NeedRating,
    NeedResponse,
    NeedRules,
    Notice,
    NoticePreference,
    Objection,
    Option,
    OptionProposal,
    Order,
    Ownership,
    PaperBatch,
    Participation,
    Petition,
    PetitionSignature,
    PhoneMove,
    Picture,
    Place,
    Pledge,
    SaleItem,
    Push,
    Reason,
    Refund,
    Relative,
    Representative,
    RepresentativeChange,
    RepresentativeVote,
    Resident,
    ResidentLink,
    Resolution,
    ResolutionDisplay,
    Result,
    RoleGrant,
    Satisfaction,
    PointTransfer,
    ServiceCorrection,
    ServiceDispute,
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
    Unit,
    UseChange,
    Volunteer,
    VolunteerTeam,
    VolunteerTeamMember,
    Wish,
    WishClaim,
    WishContact,
    WishDisclosure,
    WishStatement,
]
__all__ = ["Record", "Stateful", *(model.__name__ for model in __models__)]
