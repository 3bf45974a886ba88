"""Who may ask the fund for money, answer for it, pay it, and say by which rules.

That an approver is no relative of the others is decided by the register, in the database.
"""

from models.crowdfunding import Campaign
from models.expenses import Expense
from models.residents import Role
from services.policies.actor import OFFICERS, STAFF, Actor

APPROVERS = (Role.COMMITTEE, Role.SUPERVISOR, Role.SOCIAL_WORKER, Role.BUILDING_HEAD)
"""In this order: who is several of them approves as the first."""
RULERS = (Role.DISTRICT_OFFICER, Role.STREET_OFFICER, Role.COMMITTEE, Role.SUPERVISOR)


def watched_by(actor: Actor) -> list[int]:
    """The communities whose expenses he sees before they are paid: staff, supervisors, officers above."""
    return actor.serves(*STAFF, Role.SUPERVISOR, *OFFICERS)


def may_watch(actor: Actor, expense: Expense) -> bool:
    """Whoever asked, whoever is paid, the staff, the supervisors and the officers above see all of it."""
    return actor.id in (expense.requester_id, expense.payee_resident_id) or expense.community_id in watched_by(actor)


def may_request(actor: Actor, campaign: Campaign) -> bool:
    """The community's staff, and whoever drew the campaign up."""
    return actor.is_staff(campaign.community_id) or (actor.id == campaign.author_id and not actor.suspended)


def may_request_from_fund(actor: Actor, community_id: int) -> bool:
    """Out of the general fund only the staff ask."""
    return actor.is_staff(community_id)


def approves_as(actor: Actor, expense: Expense) -> Role | None:
    """In what part he may approve or reject; None for strangers, whoever asked and whoever is paid."""
    if actor.id in (expense.requester_id, expense.payee_resident_id):
        return None
    return next((role for role in APPROVERS if expense.community_id in actor.serves(role)), None)


def may_pay(actor: Actor, expense: Expense) -> bool:
    """A committee member, but not who is paid: two others have approved, whoever asked."""
    return actor.is_committee(expense.community_id) and actor.id != expense.payee_resident_id


def sets_rules_as(actor: Actor, community_id: int) -> Role | None:
    """In what part he may set the fund's rules: an officer alone, a committee member and a supervisor together."""
    return next((role for role in RULERS if actor.holds(community_id, role)), None)
