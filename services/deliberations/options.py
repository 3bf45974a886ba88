"""Residents propose options while a deliberation is discussed; the committee takes them in."""

from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from app.core import db
from app.core.db import atomic
from app.core.errors import Invalid, NotFound
from app.core.pages import Listed, Page, newest
from models.base import Moderation
from models.deliberations import BallotKind, Deliberation, NotChecked, Option, SameOption
from models.proposals import OptionProposal, OptionProposalState
from models.residents import Role
from services import checks, events, notifications, residents
from services.deliberations.reading import find, locked
from services.policies import Actor, require, require_resident
from services.policies import deliberations as policies

OPTIONS_MAX = 50


@atomic()
async def propose_option(
    actor: Actor, deliberation_id: int, *, title: str, cost_fen: int | None = None
) -> OptionProposal:
    """Wish for one more thing to choose from; the author of the question and the committee are told.

    Raises NotVerified, Forbidden, Invalid for a ballot without options or a cost that does not fit, SameOption,
    AlreadyExists, DiscussionOver before and after the discussion.
    """
    deliberation = await find(actor, deliberation_id)
    require_resident(actor, deliberation.community_id)
    _require_choice(deliberation, cost_fen)
    if any(option.title == title for option in deliberation.options):
        raise SameOption
    proposal = await OptionProposal.create(
        community_id=deliberation.community_id,
        deliberation_id=deliberation.id,
        author_id=actor.id,
        title=title,
        cost_fen=cost_fen,
    )
    await checks.expect(actor, proposal)
    await events.record(actor, "deliberation.option_proposed", deliberation, proposal_id=proposal.id)
    deciding = {deliberation.author_id, *await residents.holders(Role.COMMITTEE, deliberation.community_id)}
    await notifications.tell(deciding - {actor.id}, "option_proposal.made", proposal, title=deliberation.title)
    return await find_option_proposal(actor, proposal.id)


async def find_option_proposal(actor: Actor, proposal_id: int) -> OptionProposal:
    """One option as proposed. Raises NotFound."""
    proposal = await _visible(actor).get_or_none(id=proposal_id)
    if proposal is None:
        raise NotFound("没有找到这个选项建议", "No such proposed option")
    await find(actor, proposal.deliberation_id)
    return proposal


async def option_proposals(actor: Actor, deliberation_id: int, *, page: Page) -> Listed[OptionProposal]:
    """The options that residents proposed, newest first. Raises NotFound."""
    deliberation = await find(actor, deliberation_id)
    return await newest(_visible(actor).filter(deliberation_id=deliberation.id), page)


@atomic()
async def accept_option(actor: Actor, proposal_id: int) -> OptionProposal:
    """Make it an option of the vote; whoever proposed it is told.

    Raises NotFound, Forbidden, NotChecked, InvalidState, DiscussionOver, SameOption, Invalid beyond 50 options.
    """
    proposal = await find_option_proposal(actor, proposal_id)
    deliberation = await locked(proposal.deliberation_id)
    require(policies.may_moderate(actor, deliberation), "只有居委会可以采纳", "Only the committee may")
    if proposal.moderation is not Moderation.PASSED:
        raise NotChecked
    if len(deliberation.options) >= OPTIONS_MAX:
        raise Invalid(f"选项最多 {OPTIONS_MAX} 个", f"At most {OPTIONS_MAX} options")
    await proposal.move_to(OptionProposalState.ACCEPTED)
    last = await db.value("SELECT max(position) FROM options WHERE deliberation_id = $1", deliberation.id)
    await Option.create(
        community_id=deliberation.community_id,
        deliberation_id=deliberation.id,
        position=(last or 0) + 1,
        title=proposal.title,
        cost_fen=proposal.cost_fen,
    )
    if deliberation.max_choices == len(deliberation.options):  # all could be named: all still can
        await Deliberation.filter(id=deliberation.id).update(max_choices=len(deliberation.options) + 1)
    await events.record(actor, "deliberation.option_accepted", deliberation, proposal_id=proposal.id)
    await notifications.tell([proposal.author_id], "option_proposal.accepted", proposal, title=deliberation.title)
    return proposal


@atomic()
async def decline_option(actor: Actor, proposal_id: int, *, reason: str) -> OptionProposal:
    """Leave it out, with a reason that everybody reads. Raises NotFound, Forbidden, InvalidState."""
    proposal = await find_option_proposal(actor, proposal_id)
    deliberation = await find(actor, proposal.deliberation_id)
    require(policies.may_moderate(actor, deliberation), "只有居委会可以决定", "Only the committee may")
    await proposal.move_to(OptionProposalState.DECLINED)
    event = await events.record(
        actor, "deliberation.option_declined", deliberation, reason=reason, proposal_id=proposal.id
    )
    told = {"title": deliberation.title, "reason_id": event.facts["reason_id"]}
    await notifications.tell([proposal.author_id], "option_proposal.declined", proposal, **told)
    return proposal


@atomic()
async def withdraw_option(actor: Actor, proposal_id: int) -> OptionProposal:
    """Take one's wish back before it is decided. Raises NotFound, Forbidden, InvalidState."""
    proposal = await find_option_proposal(actor, proposal_id)
    require(proposal.author_id == actor.id, "只有提出人可以撤回", "Only who proposed it takes it back")
    await proposal.move_to(OptionProposalState.WITHDRAWN)
    await events.record(actor, "option_proposal.withdrawn", proposal)
    return proposal


def _require_choice(deliberation: Deliberation, cost_fen: int | None) -> None:
    if deliberation.ballot_kind is BallotKind.YES_NO:
        raise Invalid("这种表决没有选项", "A ballot of this kind has no options")
    if (deliberation.ballot_kind is BallotKind.BUDGET) != (cost_fen is not None):
        raise Invalid("预算表决的选项须写明 cost_fen，其他不需要", "In a budget vote, and no other, cost_fen is said")


def _visible(actor: Actor) -> QuerySet[OptionProposal]:
    """Passed, his own, and where he chooses."""
    served = policies.chooses_options_in(actor)
    seen = Q(moderation=Moderation.PASSED) | Q(author_id=actor.id) | Q(community_id__in=served)
    return OptionProposal.filter(seen).select_related("author")
