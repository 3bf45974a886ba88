"""Deliberations are proposed, discussed and withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from app.core import clock
from app.core.db import atomic
from app.core.errors import Invalid, InvalidState
from app.core.pages import Listed, Page
from models.base import Moderation
from models.comments import Comment
from models.deliberations import (
    MAX_SCORE,
    BadDates,
    BallotKind,
    BudgetCount,
    Deliberation,
    DeliberationState,
    Form,
    NotChecked,
    Option,
    Roll,
    Rule,
)
from services import checks, comments, events, needs
from services.deliberations.archiving import forget_secrets
from services.deliberations.reading import find, tell
from services.policies import Actor, require, require_resident
from services.policies import deliberations as policies

UNDISCUSSED = {DeliberationState.PROPOSED, DeliberationState.WITHDRAWN}


@dataclass(frozen=True)
class Proposal:
    """What somebody wants to be decided, how, by whom and until when."""

    community_id: int
    form: Form
    title: str
    body: str
    ballot_kind: BallotKind
    roll: Roll
    rule: Rule
    discussion_until: datetime
    voting_until: datetime
    secret: bool = False
    max_choices: int | None = None
    budget_fen: int | None = None
    budget_count: BudgetCount | None = None
    options: Sequence[str] = ()
    costs_fen: Sequence[int | None] = ()
    """What each option costs, in a budget vote."""
    need_ids: Sequence[int] = ()


@atomic()
async def propose(actor: Actor, proposal: Proposal) -> Deliberation:
    """Put a question to the neighbours; the committee opens its discussion.

    Raises NotVerified, Forbidden, Invalid (not yet offered, options that do not fit), BadDates, RuleMisfitsRoll,
    SameOption, Invalid for a need that is not there, of another community, or came to nothing.
    """
    if not actor.is_committee(proposal.community_id):
        require_resident(actor, proposal.community_id)
    _refuse_misfitting_options(proposal)
    if proposal.discussion_until <= await clock.now():
        raise BadDates
    deliberation = await Deliberation.create(
        community_id=proposal.community_id,
        author_id=actor.id,
        form=proposal.form,
        title=proposal.title,
        body=proposal.body,
        ballot_kind=proposal.ballot_kind,
        max_choices=_max_choices(proposal),
        max_score=MAX_SCORE if proposal.ballot_kind is BallotKind.SCORE else None,
        budget_fen=proposal.budget_fen,
        budget_count=_budget_count(proposal),
        secret=proposal.secret,
        roll=proposal.roll,
        rule=proposal.rule,
        discussion_until=proposal.discussion_until,
        voting_until=proposal.voting_until,
    )
    for position, (title, cost_fen) in enumerate(zip_longest(proposal.options, proposal.costs_fen), start=1):
        await Option.create(
            community_id=deliberation.community_id,
            deliberation_id=deliberation.id,
            position=position,
            title=title,
            cost_fen=cost_fen,
        )
    await checks.expect(actor, deliberation)
    await needs.link(actor, proposal.need_ids, deliberation)
    await events.record(actor, "deliberation.proposed", deliberation)
    return await find(actor, deliberation.id)


@atomic()
async def open_discussion(actor: Actor, deliberation_id: int) -> Deliberation:
    """Take a proposal on the agenda: from now on the neighbours discuss it.

    Raises Forbidden, NotChecked while its words may not be shown, InvalidState.
    """
    deliberation = await find(actor, deliberation_id)
    require(policies.may_moderate(actor, deliberation))
    if deliberation.moderation is not Moderation.PASSED:
        raise NotChecked
    await deliberation.move_to(DeliberationState.DISCUSSION)
    await events.record(actor, "deliberation.discussion_opened", deliberation)
    return deliberation


@atomic()
async def comment(actor: Actor, deliberation_id: int, *, body: str, parent_id: int | None = None) -> Comment:
    """Join the discussion; from its opening on, also after the decision. Raises NotVerified, InvalidState, Invalid."""
    deliberation = await find(actor, deliberation_id)
    if not actor.is_staff(deliberation.community_id):
        require_resident(actor, deliberation.community_id)
    if deliberation.state in UNDISCUSSED:
        raise InvalidState(deliberation.state)
    return await comments.add(actor, deliberation, deliberation.community_id, body=body, parent_id=parent_id)


async def comments_on(actor: Actor, deliberation_id: int, *, page: Page) -> Listed[Comment]:
    """What was said about a deliberation, newest first. Raises NotFound."""
    return await comments.listed(actor, await find(actor, deliberation_id), page=page)


@atomic()
async def withdraw(actor: Actor, deliberation_id: int, *, reason: str | None = None) -> Deliberation:
    """Take it back before it is decided; its proposer may until the vote opens. Raises Forbidden, InvalidState."""
    deliberation = await find(actor, deliberation_id)
    require(policies.may_withdraw(actor, deliberation))
    await deliberation.move_to(DeliberationState.WITHDRAWN)
    await forget_secrets(deliberation)
    await events.record(actor, "deliberation.withdrawn", deliberation, reason=reason)
    await tell(deliberation, "deliberation.withdrawn")
    return deliberation


def _refuse_misfitting_options(proposal: Proposal) -> None:
    count = len(proposal.options)
    if proposal.ballot_kind is BallotKind.YES_NO and count:
        raise Invalid("是否表决不需要选项", "A yes/no vote takes no options")
    if proposal.ballot_kind is not BallotKind.YES_NO and count < 2:
        raise Invalid("请至少提供两个选项", "Give at least two options")
    names_several = proposal.ballot_kind in (BallotKind.APPROVAL, BallotKind.BUDGET)
    if proposal.max_choices is not None and (not names_several or proposal.max_choices > count):
        raise Invalid(
            "max_choices 只用于多选和预算表决，且不超过选项数",
            "max_choices is for approval and budget ballots, at most the number of options",
        )
    if (proposal.ballot_kind is BallotKind.BUDGET) != (proposal.budget_fen is not None):
        raise Invalid("预算表决须写明 budget_fen，其他表决不需要", "A budget vote, and no other, says budget_fen")


def _max_choices(proposal: Proposal) -> int | None:
    if proposal.ballot_kind is BallotKind.APPROVAL:
        return proposal.max_choices or len(proposal.options)
    return proposal.max_choices


def _budget_count(proposal: Proposal) -> BudgetCount | None:
    if proposal.ballot_kind is not BallotKind.BUDGET:
        return None
    return proposal.budget_count or BudgetCount.GREEDY
