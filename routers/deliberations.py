"""Deliberations: propose, discuss, vote, close; results and resolutions for everybody."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response

from models.comments import Comment
from models.deliberations import Deliberation, DeliberationState, Resolution
from routers.deps import CurrentActor, InEnglish, OnlyOnce, ThePaging, acting, reading
from routers.house import PUBLIC, make_router
from routers.schemas.archives import PROMISE, ArchiveOut
from routers.schemas.base import PageOf, PathId
from routers.schemas.comments import CommentIn, CommentOut
from routers.schemas.deliberations import (
    PROMISE_IN_WORDS,
    BallotIn,
    BallotOut,
    DeliberationDetail,
    DeliberationIn,
    DeliberationOut,
    OutcomeOut,
    ResolutionOut,
    RuleOut,
    ThresholdShape,
    Turnout,
    VotedOut,
    WithdrawalIn,
)
from routers.schemas.following import OnScreenOut, ResolutionDetail
from services import comments, deliberations, disclosures
from services.deliberations import Proposal, Terms

agenda = make_router("/deliberations", "deliberations")
decided = make_router("/resolutions", "deliberations")


@agenda.post("", response_model=DeliberationOut, status_code=201)
async def propose_deliberation(actor: CurrentActor, only_once: OnlyOnce, asked: DeliberationIn) -> Deliberation:
    """Put a question to the neighbours; residents and committee may."""
    effect = acting(actor, asked, "deliberation.proposed", deliberations.propose, _proposal(asked))
    return await only_once(effect, reading(actor, asked, deliberations.find))


@agenda.get("", response_model=PageOf[DeliberationOut])
async def list_deliberations(
    actor: CurrentActor,
    paging: ThePaging,
    community_id: Annotated[PathId | None, Query()] = None,
    phase: Annotated[DeliberationState | None, Query(description="Filters `state`")] = None,
) -> dict[str, Any]:
    """Deliberations, newest first."""
    page = await deliberations.listed(actor, community_id=community_id, state=phase, page=paging.page)
    return paging.of(page)


@agenda.get("/{deliberation_id}", response_model=DeliberationDetail)
async def get_deliberation(actor: CurrentActor, deliberation_id: PathId) -> dict[str, Any]:
    """One deliberation with its history and one's own ballot."""
    found = await deliberations.detail(actor, deliberation_id)
    shown = DeliberationOut.model_validate(found.deliberation).model_dump()
    return shown | {"timeline": found.timeline, "my_ballot": found.my_ballot, "has_voted": found.has_voted}


@agenda.post("/{deliberation_id}/open-discussion", response_model=DeliberationOut)
async def open_discussion(actor: CurrentActor, only_once: OnlyOnce, deliberation_id: PathId) -> Deliberation:
    """Take a proposal on the agenda; committee only."""
    effect = partial(deliberations.open_discussion, actor, deliberation_id)
    return await only_once(effect, partial(deliberations.find, actor))


@agenda.post("/{deliberation_id}/open-voting", response_model=DeliberationOut)
async def open_voting(actor: CurrentActor, only_once: OnlyOnce, deliberation_id: PathId) -> Deliberation:
    """Freeze the roll and open the vote; committee only. At `discussion_until` the clock does it."""
    effect = partial(deliberations.open_voting, actor, deliberation_id)
    return await only_once(effect, partial(deliberations.find, actor))


@agenda.put("/{deliberation_id}/ballot", response_model=BallotOut)
async def cast_ballot(actor: CurrentActor, deliberation_id: PathId, asked: BallotIn) -> dict[str, str]:
    """Vote, or change one's vote while it runs; in a secret vote once, with a `nonce`."""
    choice = asked.model_dump(exclude_none=True, exclude={"nonce"})
    nonce = bytes.fromhex(asked.nonce) if asked.nonce else None
    return {"receipt": await deliberations.cast(actor, deliberation_id, choice, nonce=nonce)}


@agenda.get("/{deliberation_id}/ballots", response_model=PageOf[VotedOut])
async def list_ballots(actor: CurrentActor, paging: ThePaging, deliberation_id: PathId) -> dict[str, Any]:
    """Who voted what in an open vote that is over; committee only."""
    return paging.of(await deliberations.who_voted_what(actor, deliberation_id, page=paging.page))


@agenda.post("/{deliberation_id}/close", response_model=DeliberationOut)
async def close_voting(actor: CurrentActor, only_once: OnlyOnce, deliberation_id: PathId) -> Deliberation:
    """End the vote by hand; before its time only a consultation, or when all have voted. Committee only."""
    effect = partial(deliberations.close, actor, deliberation_id)
    return await only_once(effect, partial(deliberations.find, actor))


@agenda.post("/{deliberation_id}/withdraw", response_model=DeliberationOut)
async def withdraw_deliberation(
    actor: CurrentActor, only_once: OnlyOnce, deliberation_id: PathId, asked: WithdrawalIn | None = None
) -> Deliberation:
    """Take it back; its proposer until the vote opens, the committee until it is decided."""
    said = asked.said() if asked else {}
    effect = acting(actor, asked, "deliberation.withdrawn", deliberations.withdraw, deliberation_id, **said)
    return await only_once(effect, reading(actor, asked, deliberations.find))


@agenda.get("/{deliberation_id}/comments", response_model=PageOf[CommentOut])
async def list_deliberation_comments(actor: CurrentActor, paging: ThePaging, deliberation_id: PathId) -> dict[str, Any]:
    """What was said, newest first."""
    return paging.of(await deliberations.comments_on(actor, deliberation_id, page=paging.page))


@agenda.post("/{deliberation_id}/comments", response_model=CommentOut, status_code=201)
async def comment_on_deliberation(
    actor: CurrentActor, only_once: OnlyOnce, deliberation_id: PathId, asked: CommentIn
) -> Comment:
    """Join the discussion, from its opening on."""
    effect = acting(actor, asked, "comment.made", deliberations.comment, deliberation_id, **asked.said())
    return await only_once(effect, partial(comments.find, actor))


@agenda.get("/{deliberation_id}/result", response_model=OutcomeOut, openapi_extra=PUBLIC)
async def get_result(in_english: InEnglish, deliberation_id: PathId) -> OutcomeOut:
    """What came out of a closed vote, in words and figures."""
    found = await deliberations.outcome(deliberation_id)
    result = found.result
    return OutcomeOut(
        state=found.deliberation.state,
        turnout=Turnout(roll=result.roll_size, voted=result.voted),
        invalidated=result.invalidated,
        area=found.area,
        tally=result.tally,
        rule=rule_out(found.terms, in_english),
        passed=result.passed,
        explanation=result.explanation_en if in_english else result.explanation_zh,
        resolution_id=found.resolution_id,
        promise=PROMISE_IN_WORDS[1 if in_english else 0],
    )


@agenda.get(
    "/{deliberation_id}/archive",
    response_model=ArchiveOut,
    openapi_extra=PUBLIC,
    description=PROMISE,
)
async def get_archive(deliberation_id: PathId) -> Response:
    """Everything needed to count a closed vote again, without names, signed."""
    kept = await deliberations.published(deliberation_id)
    return Response(kept.content, media_type="application/json")


@decided.get("", response_model=PageOf[ResolutionOut], openapi_extra=PUBLIC)
async def list_resolutions(
    in_english: InEnglish, paging: ThePaging, community_id: Annotated[PathId | None, Query()] = None
) -> dict[str, Any]:
    """Resolutions, newest first."""
    page = await deliberations.resolutions(community_id=community_id, page=paging.page)
    return paging.of(page.map(partial(_resolution, in_english)))


@decided.get("/{resolution_id}", response_model=ResolutionDetail, openapi_extra=PUBLIC)
async def get_resolution(in_english: InEnglish, resolution_id: PathId) -> ResolutionDetail:
    """A resolution with its rule and figures, and what followed: displays, tasks, review, satisfaction."""
    found = await deliberations.aftermath(resolution_id)
    resolution = dict(_resolution(in_english, found.resolution))
    return ResolutionDetail.of(found, **resolution, on_screen=await _on_screen(resolution_id))


async def _on_screen(resolution_id: int) -> OnScreenOut | None:
    shown = await disclosures.of_resolution(resolution_id)
    return OnScreenOut.of(shown[0], days=shown[1]) if shown else None


def _resolution(in_english: bool, resolution: Resolution) -> ResolutionOut:
    shown = ResolutionOut.model_validate(resolution)
    return shown.model_copy(update={"explanation": resolution.explanation_en}) if in_english else shown


def _proposal(asked: DeliberationIn) -> Proposal:
    return Proposal(
        **asked.model_dump(exclude={"ballot", "options", "on_behalf_of"}),
        ballot_kind=asked.ballot.kind,
        secret=asked.ballot.secret,
        max_choices=asked.ballot.max_choices,
        budget_fen=asked.ballot.budget_fen,
        budget_count=asked.ballot.count,
        options=[option.title for option in asked.options],
        costs_fen=[option.cost_fen for option in asked.options],
    )


def rule_out(terms: Terms, in_english: bool) -> RuleOut:
    """What a vote must reach, in the reader's language."""
    preset = terms.preset
    return RuleOut(
        rule=terms.rule,
        article=preset.article_en if in_english else preset.article_zh,
        quorum=ThresholdShape.model_validate(preset.quorum) if preset.quorum else None,
        majority=ThresholdShape.model_validate(preset.majority) if preset.majority else None,
        by_area=preset.by_area,
        recognised=terms.recognised,
    )
