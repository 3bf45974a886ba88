"""Needs: raised, supported, handled, rated, reopened, and talked about."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from models.comments import Comment
from models.needs import Need, NeedField, NeedLevel, NeedRules, NeedSort, NeedState, Urgency
from models.places import Calendar
from routers.deps import CurrentActor, HelpedByQuery, OnlyOnce, ThePaging, acting
from routers.house import PUBLIC, make_router
from routers.schemas.base import PRINTABLE, PageOf, PathId, Reasoned, Title, bounded
from routers.schemas.comments import CommentIn, CommentOut
from routers.schemas.needs import (
    AnswerIn,
    CalendarIn,
    CalendarOut,
    DoneIn,
    EndorsementOut,
    EscalateIn,
    MergeIn,
    NeedDetailOut,
    NeedIn,
    NeedOut,
    NeedRulesIn,
    NeedRulesOut,
    RateIn,
    RouteIn,
    UrgencyIn,
)
from routers.schemas.residents import HelpedReasoned, HelpIn
from services import calendars, comments, needs
from services.needs import NeedDetail

router = make_router("/needs", "needs")
due_dates = make_router("/places", "needs")

SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}, "description": "A table"}}
XLSX: dict[int | str, dict[str, Any]] = {200: {"content": {SPREADSHEET: {}}, "description": "A spreadsheet"}}
Search = Annotated[str, bounded(0, 60), PRINTABLE]


@router.post("", response_model=NeedOut, status_code=201)
async def submit_need(actor: CurrentActor, only_once: OnlyOnce, asked: NeedIn) -> Need:
    """Say what is needed, for oneself or on behalf of somebody who does not use a phone."""
    effect = acting(actor, asked, "need.submitted", needs.submit, **asked.said())
    return await only_once(effect, partial(needs.find, actor))


@router.get("", response_model=PageOf[NeedOut])
async def list_needs(
    actor: CurrentActor,
    paging: ThePaging,
    community_id: Annotated[PathId | None, Query()] = None,
    place_id: Annotated[PathId | None, Query(description="All communities of a street or district")] = None,
    state: NeedState | None = None,
    field: NeedField | None = None,
    level: NeedLevel | None = None,
    urgency: Urgency | None = None,
    overdue: Annotated[bool | None, Query(description="Past the date an answer or decision was due")] = None,
    q: Annotated[Search | None, Query(description="Words, each looked for in title and body")] = None,
    sort: NeedSort = NeedSort.NEW,
) -> dict[str, Any]:
    """Needs, newest, most endorsed or, of the open ones, most pressing first."""
    narrowed = {
        "community_id": community_id,
        "place_id": place_id,
        "state": state,
        "field": field,
        "level": level,
        "urgency": urgency,
        "overdue": overdue,
        "q": q,
        "sort": sort,
    }
    return paging.of(await needs.listed(actor, **narrowed, page=paging.page))  # type: ignore[arg-type]


@router.get("/similar", response_model=PageOf[NeedOut])
async def list_similar_needs(
    actor: CurrentActor, community_id: Annotated[PathId, Query()], title: Annotated[Title, Query()]
) -> dict[str, Any]:
    """At most five open needs of the community like the one being written."""
    return {"items": await needs.similar(actor, community_id, title=title), "next_cursor": None}


@router.get("/export.csv", response_class=Response, responses=CSV)
async def export_needs_csv(
    actor: CurrentActor, community_id: Annotated[PathId | None, Query()] = None, state: NeedState | None = None
) -> StreamingResponse:
    """The newest 100,000 needs of a community, or of all one serves, as CSV; staff and officers above."""
    parts = await needs.as_csv(actor, community_id=community_id, state=state)
    return StreamingResponse(parts, media_type="text/csv; charset=utf-8", headers=_attached("needs.csv"))


@router.get("/export.xlsx", response_class=Response, responses=XLSX)
async def export_needs_xlsx(
    actor: CurrentActor, community_id: Annotated[PathId | None, Query()] = None, state: NeedState | None = None
) -> StreamingResponse:
    """The same as a spreadsheet."""
    made = await needs.as_xlsx(actor, community_id=community_id, state=state)
    parts = iter(partial(made.read, 65_536), b"")
    return StreamingResponse(
        parts, media_type=SPREADSHEET, headers=_attached("needs.xlsx"), background=BackgroundTask(made.close)
    )


@router.get("/{need_id}", response_model=NeedDetailOut)
async def get_need(actor: CurrentActor, need_id: PathId) -> NeedDetailOut:
    """One need with answers, what was made from it, and its history."""
    return _detail(await needs.detail(actor, need_id))


@router.put("/{need_id}/endorsement", response_model=EndorsementOut)
async def endorse_need(actor: CurrentActor, need_id: PathId, asked: HelpIn | None = None) -> Need:
    """Stand behind a neighbour's need; again changes nothing."""
    return await acting(actor, asked, "need.endorsed", needs.endorse, need_id)()


@router.delete("/{need_id}/endorsement", response_model=EndorsementOut)
async def unendorse_need(actor: CurrentActor, need_id: PathId, asked: HelpedByQuery) -> Need:
    """Take one's support back; again changes nothing."""
    return await acting(actor, asked, "need.unendorsed", needs.unendorse, need_id)()


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


@router.post("/{need_id}/merge", response_model=NeedOut)
async def merge_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: MergeIn) -> Need:
    """Merge a submitted need into its open twin, whose supporters it brings, with a notice; staff of the community."""
    return await only_once(partial(needs.merge, actor, need_id, **asked.model_dump()), partial(needs.find, actor))


@router.post("/{need_id}/escalate", response_model=NeedOut)
async def escalate_need(
    actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: EscalateIn | None = None
) -> Need:
    """Hand an accepted need up to the level above one's own; whoever handles it now."""
    reason = asked.reason if asked else None
    return await only_once(partial(needs.escalate, actor, need_id, reason=reason), partial(needs.find, actor))


@router.post("/{need_id}/return", response_model=NeedOut)
async def return_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: Reasoned) -> Need:
    """Give a need back to the level that handed it up; whoever handles it now."""
    return await only_once(partial(needs.hand_back, actor, need_id, reason=asked.reason), partial(needs.find, actor))


@router.put("/{need_id}/urgency", response_model=NeedOut)
async def set_need_urgency(actor: CurrentActor, need_id: PathId, asked: UrgencyIn) -> Need:
    """Say how urgent an open need is; the committee."""
    return await needs.set_urgency(actor, need_id, urgency=asked.urgency)


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
    effect = acting(actor, asked, "need.rated", needs.rate, need_id, score=asked.score, comment=asked.comment)
    return await only_once(effect, partial(needs.find, actor))


@router.post("/{need_id}/reopen", response_model=NeedOut)
async def reopen_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: HelpedReasoned) -> Need:
    """Ask for a need to be taken up again within 30 days of being done; any resident it affects."""
    effect = acting(actor, asked, "need.reopened", needs.reopen, need_id, reason=asked.reason)
    return await only_once(effect, partial(needs.find, actor))


@router.post("/{need_id}/withdraw", response_model=NeedOut)
async def withdraw_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: HelpIn | None = None) -> Need:
    """Take one's need back before anybody has taken it on."""
    effect = acting(actor, asked, "need.withdrawn", needs.withdraw, need_id)
    return await only_once(effect, partial(needs.find, actor))


@router.get("/{need_id}/comments", response_model=PageOf[CommentOut])
async def list_need_comments(actor: CurrentActor, paging: ThePaging, need_id: PathId) -> dict[str, Any]:
    """What was said about a need, newest first."""
    return paging.of(await needs.listed_comments(actor, need_id, page=paging.page))


@router.post("/{need_id}/comments", response_model=CommentOut, status_code=201)
async def comment_on_need(actor: CurrentActor, only_once: OnlyOnce, need_id: PathId, asked: CommentIn) -> Comment:
    """Say something about a need of one's own community, or answer a comment."""
    effect = acting(actor, asked, "comment.made", needs.comment, need_id, body=asked.body, parent_id=asked.parent_id)
    return await only_once(effect, partial(comments.find, actor))


@due_dates.get("/{place_id}/need-rules", response_model=NeedRulesOut, openapi_extra=PUBLIC)
async def get_need_rules(place_id: PathId) -> NeedRules:
    """Within how many working days a community answers and decides."""
    return await needs.rules(place_id)


@due_dates.put("/{place_id}/need-rules", response_model=NeedRulesOut)
async def set_need_rules(actor: CurrentActor, place_id: PathId, asked: NeedRulesIn) -> NeedRules:
    """Say them for needs to come; the community's committee or an officer above."""
    return await needs.update_rules(actor, place_id, **asked.model_dump())


@due_dates.get("/{place_id}/calendar", response_model=CalendarOut, openapi_extra=PUBLIC)
async def get_calendar(place_id: PathId) -> Calendar:
    """A place's own days off and moved working days; what is said nearer by overrules what is said above."""
    return await calendars.find(place_id)


@due_dates.put("/{place_id}/calendar", response_model=CalendarOut)
async def set_calendar(actor: CurrentActor, place_id: PathId, asked: CalendarIn) -> Calendar:
    """Say them for the place and all below it; an officer above. Due dates that lie ahead are counted anew."""
    return await calendars.update(actor, place_id, **asked.model_dump())


def _attached(name: str) -> dict[str, str]:
    return {"Cache-Control": "private, no-store", "Content-Disposition": f'attachment; filename="{name}"'}


def _detail(found: NeedDetail) -> NeedDetailOut:
    return NeedDetailOut.of(found, **dict(NeedOut.model_validate(found.need)))
