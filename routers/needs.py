"""Needs: raised, supported, handled, rated, reopened, and talked about."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query

from models.comments import Comment
from models.needs import Need, NeedField, NeedSort, NeedState
from routers.deps import CurrentActor, OnlyOnce, ThePaging, helped
from routers.house import make_router
from routers.schemas.base import PRINTABLE, PageOf, PathId, Reasoned, TimelineLine, Title, bounded
from routers.schemas.comments import CommentIn, CommentOut
from routers.schemas.needs import (
    AnswerIn,
    AnswerOut,
    DoneIn,
    EndorsementOut,
    LinkOut,
    NeedDetailOut,
    NeedIn,
    NeedOut,
    RateIn,
    RouteIn,
)
from services import comments, needs
from services.needs import NeedDetail

router = make_router("/needs", "needs")

Search = Annotated[str, bounded(0, 60), PRINTABLE]


@router.post("", response_model=NeedOut, status_code=201)
async def submit_need(actor: CurrentActor, only_once: OnlyOnce, asked: NeedIn) -> Need:
    """Say what is needed, for oneself or on behalf of somebody who does not use a phone."""
    said = asked.model_dump(exclude={"on_behalf_of"}) | {"on_behalf_of": helped(asked.on_behalf_of)}
    return await only_once(partial(needs.submit, actor, **said), partial(needs.find, actor))


@router.get("", response_model=PageOf[NeedOut])
async def list_needs(
    actor: CurrentActor,
    paging: ThePaging,
    community_id: Annotated[PathId | None, Query()] = None,
    state: NeedState | None = None,
    field: NeedField | None = None,
    q: Annotated[Search | None, Query(description="Looked for in title and body")] = None,
    sort: NeedSort = NeedSort.NEW,
) -> dict[str, Any]:
    """Needs, newest or most endorsed first."""
    narrowed = {"community_id": community_id, "state": state, "field": field, "q": q, "sort": sort}
    return paging.of(await needs.listed(actor, **narrowed, page=paging.page))  # type: ignore[arg-type]


@router.get("/similar", response_model=PageOf[NeedOut])
async def list_similar_needs(
    actor: CurrentActor, community_id: Annotated[PathId, Query()], title: Annotated[Title, Query()]
) -> dict[str, Any]:
    """At most five open needs of the community like the one being written."""
    return {"items": await needs.similar(actor, community_id, title=title), "next_cursor": None}


@router.get("/{need_id}", response_model=NeedDetailOut)
async def get_need(actor: CurrentActor, need_id: PathId) -> NeedDetailOut:
    """One need with answers, what was made from it, and its history."""
    return _detail(await needs.detail(actor, need_id))


@router.put("/{need_id}/endorsement", response_model=EndorsementOut)
async def endorse_need(actor: CurrentActor, need_id: PathId) -> Need:
    """Stand behind a neighbour's need; again changes nothing."""
    return await needs.endorse(actor, need_id)


@router.delete("/{need_id}/endorsement", response_model=EndorsementOut)
async def unendorse_need(actor: CurrentActor, need_id: PathId) -> Need:
    """Take one's support back; again changes nothing."""
    return await needs.unendorse(actor, need_id)


@router.post("/{need_id}/accept", response_model=NeedOut)
async def accept_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId) -> Need:
    """Take a need on; staff of the community."""
    return await only_once(partial(needs.accept, actor, need_id), partial(needs.find, actor))


@router.post("/{need_id}/decline", response_model=NeedOut)
async def decline_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: Reasoned) -> Need:
    """Decline a need with a reason everybody reads; staff of the community."""
    return await only_once(partial(needs.decline, actor, need_id, reason=asked.reason), partial(needs.find, actor))


@router.post("/{need_id}/route", response_model=NeedOut)
async def route_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: RouteIn) -> Need:
    """Settle which path an accepted need takes; staff of the community."""
    return await only_once(partial(needs.route, actor, need_id, route=asked.route), partial(needs.find, actor))


@router.post("/{need_id}/answer", response_model=NeedOut)
async def answer_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: AnswerIn) -> Need:
    """Answer officially; staff of the community."""
    return await only_once(partial(needs.answer, actor, need_id, body=asked.body), partial(needs.find, actor))


@router.post("/{need_id}/done", response_model=NeedOut)
async def finish_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: DoneIn | None = None) -> Need:
    """Say that a need is done; staff of the community."""
    note = asked.note if asked else None
    return await only_once(partial(needs.finish, actor, need_id, note=note), partial(needs.find, actor))


@router.post("/{need_id}/rate", response_model=NeedOut)
async def rate_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: RateIn) -> Need:
    """Rate what was done, 1 to 5; its author or an endorser."""
    return await only_once(partial(needs.rate, actor, need_id, **asked.model_dump()), partial(needs.find, actor))


@router.post("/{need_id}/reopen", response_model=NeedOut)
async def reopen_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: Reasoned) -> Need:
    """Ask for a need to be taken up again within 30 days of being done; any resident it affects."""
    return await only_once(partial(needs.reopen, actor, need_id, reason=asked.reason), partial(needs.find, actor))


@router.post("/{need_id}/withdraw", response_model=NeedOut)
async def withdraw_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId) -> Need:
    """Take one's need back before anybody has taken it on."""
    return await only_once(partial(needs.withdraw, actor, need_id), partial(needs.find, actor))


@router.get("/{need_id}/comments", response_model=PageOf[CommentOut])
async def list_need_comments(actor: CurrentActor, paging: ThePaging, need_id: PathId) -> dict[str, Any]:
    """What was said about a need, newest first."""
    return paging.of(await needs.listed_comments(actor, need_id, page=paging.page))


@router.post("/{need_id}/comments", response_model=CommentOut, status_code=201)
async def comment_on_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: CommentIn) -> Comment:
    """Say something about a need of one's own community, or answer a comment."""
    return await only_once(partial(needs.comment, actor, need_id, **asked.model_dump()), partial(comments.find, actor))


def _detail(found: NeedDetail) -> NeedDetailOut:
    return NeedDetailOut(
        **NeedOut.model_validate(found.need).model_dump(),
        answers=[AnswerOut.model_validate(answer) for answer in found.answers],
        links=[LinkOut.model_validate(link) for link in found.links],
        timeline=[TimelineLine.model_validate(line) for line in found.timeline],
    )
