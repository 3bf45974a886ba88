"""Options proposed, and what follows a resolution: displays, tasks, review, satisfaction."""

from functools import partial
from typing import Any

from models.deliberations import Deliberation
from models.proposals import OptionProposal
from routers.deps import CurrentActor, OnlyOnce, ThePaging, acting, reading
from routers.house import make_router
from routers.schemas.base import PageOf, PathId, Reasoned
from routers.schemas.deliberations import DeliberationOut
from routers.schemas.following import (
    DisplayIn,
    DisplayOut,
    OptionProposalIn,
    OptionProposalOut,
    ReviewIn,
    SatisfactionIn,
    SatisfactionOut,
    TaskDoneIn,
    TaskIn,
    TaskOut,
)
from routers.schemas.residents import HelpIn
from services import deliberations
from services.deliberations import DisplayView, Judgement, TaskView

discussed = make_router("/deliberations", "deliberations")
proposals = make_router("/option-proposals", "deliberations")
decided = make_router("/resolutions", "deliberations")
displays = make_router("/resolution-displays", "deliberations")
tasks = make_router("/follow-ups", "deliberations")


@discussed.post("/{deliberation_id}/option-proposals", response_model=OptionProposalOut, status_code=201)
async def propose_option(
    actor: CurrentActor, only_once: OnlyOnce, deliberation_id: PathId, asked: OptionProposalIn
) -> OptionProposal:
    """Wish for one more option while it is discussed; residents of the community."""
    effect = acting(actor, asked, "option_proposal.made", deliberations.propose_option, deliberation_id, **asked.said())
    return await only_once(effect, partial(deliberations.find_option_proposal, actor))


@discussed.get("/{deliberation_id}/option-proposals", response_model=PageOf[OptionProposalOut])
async def list_option_proposals(actor: CurrentActor, paging: ThePaging, deliberation_id: PathId) -> dict[str, Any]:
    """The options that residents proposed, newest first."""
    return paging.of(await deliberations.option_proposals(actor, deliberation_id, page=paging.page))


@proposals.post("/{proposal_id}/accept", response_model=OptionProposalOut)
async def accept_option(actor: CurrentActor, only_once: OnlyOnce, proposal_id: PathId) -> OptionProposal:
    """Make it an option of the vote; the committee, or whoever proposed the deliberation."""
    effect = partial(deliberations.accept_option, actor, proposal_id)
    return await only_once(effect, partial(deliberations.find_option_proposal, actor))


@proposals.post("/{proposal_id}/decline", response_model=OptionProposalOut)
async def decline_option(
    actor: CurrentActor, only_once: OnlyOnce, proposal_id: PathId, asked: Reasoned
) -> OptionProposal:
    """Leave it out with a reason; the committee, or whoever proposed the deliberation."""
    effect = partial(deliberations.decline_option, actor, proposal_id, reason=asked.reason)
    return await only_once(effect, partial(deliberations.find_option_proposal, actor))


@proposals.post("/{proposal_id}/withdraw", response_model=OptionProposalOut)
async def withdraw_option(
    actor: CurrentActor, only_once: OnlyOnce, proposal_id: PathId, asked: HelpIn | None = None
) -> OptionProposal:
    """Take one's own proposed option back before it is decided."""
    effect = acting(actor, asked, "option_proposal.withdrawn", deliberations.withdraw_option, proposal_id)
    return await only_once(effect, partial(deliberations.find_option_proposal, actor))


@discussed.post("/{deliberation_id}/implement", response_model=DeliberationOut)
async def implement_decision(actor: CurrentActor, only_once: OnlyOnce, deliberation_id: PathId) -> Deliberation:
    """Begin to carry out what was decided; committee only."""
    effect = partial(deliberations.implement, actor, deliberation_id)
    return await only_once(effect, partial(deliberations.find, actor))


@discussed.post("/{deliberation_id}/review", response_model=DeliberationOut)
async def review_decision(
    actor: CurrentActor, only_once: OnlyOnce, deliberation_id: PathId, asked: ReviewIn
) -> Deliberation:
    """Say what became of the decision, when all its tasks have ended; committee only."""
    effect = partial(deliberations.review, actor, deliberation_id, body=asked.body)
    return await only_once(effect, partial(deliberations.find, actor))


@discussed.put("/{deliberation_id}/satisfaction", response_model=SatisfactionOut)
async def judge_decision(actor: CurrentActor, deliberation_id: PathId, asked: SatisfactionIn) -> Judgement:
    """Say how satisfied one is with what became of it, once it is reviewed; again replaces."""
    judge = acting(actor, asked, "deliberation.judged", deliberations.judge, deliberation_id, score=asked.score)
    return await judge()


@decided.post("/{resolution_id}/displays", response_model=DisplayOut, status_code=201)
async def put_up_resolution(
    actor: CurrentActor, only_once: OnlyOnce, resolution_id: PathId, asked: DisplayIn
) -> DisplayView:
    """Note that a resolution hangs somewhere from now on; staff of the community."""
    effect = partial(deliberations.put_up, actor, resolution_id, **asked.model_dump())
    return await only_once(effect, partial(deliberations.find_display, actor))


@displays.post("/{display_id}/take-down", response_model=DisplayOut)
async def take_down_resolution(actor: CurrentActor, only_once: OnlyOnce, display_id: PathId) -> DisplayView:
    """Note that it no longer hangs, after fifteen days at the earliest; staff of the community."""
    effect = partial(deliberations.take_down, actor, display_id)
    return await only_once(effect, partial(deliberations.find_display, actor))


@decided.post("/{resolution_id}/follow-ups", response_model=TaskOut, status_code=201)
async def set_follow_up(actor: CurrentActor, only_once: OnlyOnce, resolution_id: PathId, asked: TaskIn) -> TaskView:
    """Say what is to be done because of a resolution, by whom and by when; committee only."""
    effect = partial(deliberations.set_task, actor, resolution_id, **asked.model_dump())
    return await only_once(effect, partial(deliberations.find_task, actor))


@tasks.post("/{task_id}/done", response_model=TaskOut)
async def finish_follow_up(
    actor: CurrentActor, only_once: OnlyOnce, task_id: PathId, asked: TaskDoneIn = TaskDoneIn()
) -> TaskView:
    """Say that it is done; whoever it was given to, or the committee."""
    effect = acting(actor, asked, "follow_up.done", deliberations.finish_task, task_id, note=asked.note)
    return await only_once(effect, reading(actor, asked, deliberations.find_task))


@tasks.post("/{task_id}/cancel", response_model=TaskOut)
async def cancel_follow_up(actor: CurrentActor, only_once: OnlyOnce, task_id: PathId, asked: Reasoned) -> TaskView:
    """Say that it is not needed any more, and why; committee only."""
    effect = partial(deliberations.cancel_task, actor, task_id, reason=asked.reason)
    return await only_once(effect, partial(deliberations.find_task, actor))
