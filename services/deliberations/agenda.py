"""Deliberations are proposed, discussed and withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.db import atomic
from app.core.errors import Invalid, InvalidState
from app.core.pages import Listed, Page
from models.base import Moderation
from models.comments import Comment
from models.deliberations import (
    BallotKind,
    Deliberation,
    DeliberationState,
    Form,
    NotChecked,
    Option,
    Roll,
    Rule,
)
from services import checks, comments, events, needs
from services.deliberations.reading import find, tell
from services.policies import Actor, require, require_resident
from services.policies import deliberations as policies

OFFERED_KINDS = {BallotKind.YES_NO, BallotKind.SINGLE, BallotKind.APPROVAL}
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
    options: Sequence[str] = ()
    need_ids: Sequence[int] = ()


@atomic()
async def propose(actor: Actor, proposal: Proposal) -> Deliberation:
    """Put a question to the neighbours; the committee opens its discussion.

    Raises NotVerified, Forbidden, Invalid (not yet offered, options that do not fit), BadDates, RuleMisfitsRoll,
    SameOption, Invalid for a need that is not there, of another community, or came to nothing.
    """
    if not actor.is_committee(proposal.community_id):
        require_resident(actor, proposal.community_id)
    _refuse_what_is_not_offered(proposal)
    _refuse_misfitting_options(proposal)
    deliberation = await Deliberation.create(
        community_id=proposal.community_id,
        author_id=actor.id,
        form=proposal.form,
        title=proposal.title,
        body=proposal.body,
        ballot_kind=proposal.ballot_kind,
        max_choices=_max_choices(proposal),
        roll=proposal.roll,
        rule=proposal.rule,
        discussion_until=proposal.discussion_until,
        voting_until=proposal.voting_until,
    )
    for position, title in enumerate(proposal.options, start=1):
        await Option.create(
            community_id=deliberation.community_id, deliberation_id=deliberation.id, position=position, title=title
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
    await events.record(actor, "deliberation.withdrawn", deliberation, reason=reason)
    await tell(deliberation, "deliberation.withdrawn")
    return deliberation


def _refuse_what_is_not_offered(proposal: Proposal) -> None:
    if proposal.ballot_kind not in OFFERED_KINDS:
        raise Invalid("这种表决方式尚未开放", f"{proposal.ballot_kind} ballots are not yet offered")
    if proposal.secret:
        raise Invalid("无记名投票尚未开放", "Secret votes are not yet offered")


def _refuse_misfitting_options(proposal: Proposal) -> None:
    count = len(proposal.options)
    if proposal.ballot_kind is BallotKind.YES_NO and count:
        raise Invalid("是否表决不需要选项", "A yes/no vote takes no options")
    if proposal.ballot_kind is not BallotKind.YES_NO and count < 2:
        raise Invalid("请至少提供两个选项", "Give at least two options")
    if proposal.max_choices is not None and (
        proposal.ballot_kind is not BallotKind.APPROVAL or proposal.max_choices > count
    ):
        raise Invalid(
            "max_choices 只用于多选，且不超过选项数",
            "max_choices is for approval ballots, at most the number of options",
        )


def _max_choices(proposal: Proposal) -> int | None:
    if proposal.ballot_kind is not BallotKind.APPROVAL:
        return None
    return proposal.max_choices or len(proposal.options)
