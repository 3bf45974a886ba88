"""The human queue, and what is shown already: reported, hidden, restored, appealed against."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query

from models.moderation import CheckState, Pause
from routers.deps import CurrentActor, OnlyOnce, ThePaging, acting, reading
from routers.house import make_router
from routers.schemas.base import PageOf, PathId, Reasoned
from routers.schemas.moderation import AboutIn, DecisionOut, Outcome, PauseOut, QueuedOut, ReportOut
from routers.schemas.residents import HelpedReasoned
from services import media, moderation, reports, residents
from services.moderation import Decision, Queued, Reported

router = make_router("/moderation", "moderation")
complaints = make_router("/reports", "moderation")

OUTCOME = {
    CheckState.PENDING: Outcome.OPEN,
    CheckState.QUEUED: Outcome.OPEN,
    CheckState.PASSED: Outcome.KEPT,
    CheckState.HIDDEN: Outcome.HIDDEN,
    CheckState.REPLACED: Outcome.GONE,
}


@router.get("/queue", response_model=PageOf[QueuedOut])
async def list_moderation_queue(
    actor: CurrentActor, paging: ThePaging, community_id: Annotated[PathId | None, Query()] = None
) -> dict[str, Any]:
    """What waits for a human, newest first; for the committee and the social workers of the community."""
    return paging.of((await moderation.queue(actor, community_id=community_id, page=paging.page)).map(_queued))


@router.post("/{check_id}/approve", response_model=QueuedOut)
async def approve_content(actor: CurrentActor, only_once: OnlyOnce, check_id: PathId) -> QueuedOut:
    """Show it to everybody; its author is told. Nobody decides about his own."""
    effect = partial(moderation.approve, actor, check_id)
    return _queued(await only_once(effect, partial(moderation.find, actor)))


@router.post("/{check_id}/hide", response_model=QueuedOut)
async def hide_content(actor: CurrentActor, only_once: OnlyOnce, check_id: PathId, asked: Reasoned) -> QueuedOut:
    """Hide it from everybody but its author, who is told the reason. Nobody decides about his own."""
    effect = partial(moderation.hide, actor, check_id, reason=asked.reason)
    return _queued(await only_once(effect, partial(moderation.find, actor)))


@router.post("/hide", response_model=QueuedOut)
async def hide_shown(actor: CurrentActor, only_once: OnlyOnce, asked: AboutIn) -> QueuedOut:
    """Hide something that is shown, by its reference; its author is told the reason. Committee only."""
    effect = partial(reports.hide, actor, asked.subject, reason=asked.reason)
    return _queued(await only_once(effect, partial(moderation.find, actor)))


@router.post("/restore", response_model=QueuedOut)
async def restore_hidden(actor: CurrentActor, only_once: OnlyOnce, asked: AboutIn) -> QueuedOut:
    """Show something again that was hidden; its author is told. Committee only."""
    effect = partial(reports.restore, actor, asked.subject, reason=asked.reason)
    return _queued(await only_once(effect, partial(moderation.find, actor)))


@router.get("/decisions", response_model=PageOf[DecisionOut])
async def list_my_decisions(actor: CurrentActor, paging: ThePaging) -> dict[str, Any]:
    """What was hidden of the caller's own, newest first, why, and what became of his appeal."""
    return paging.of((await moderation.my_decisions(actor, page=paging.page)).map(_decision))


@router.post("/{check_id}/appeal", response_model=DecisionOut)
async def appeal_decision(
    actor: CurrentActor, only_once: OnlyOnce, check_id: PathId, asked: HelpedReasoned
) -> DecisionOut:
    """Ask that somebody else looks at what was hidden of one's own: once, within 15 days."""
    effect = acting(actor, asked, "check.appealed", moderation.appeal, check_id, reason=asked.reason)
    return _decision(await only_once(effect, reading(actor, asked, moderation.find_decision)))


@router.get("/pauses", response_model=PageOf[PauseOut])
async def list_pauses(actor: CurrentActor, paging: ThePaging) -> dict[str, Any]:
    """Who may not post until when, newest first: one's own, and where one looks after content."""
    return paging.of((await moderation.pauses(actor, page=paging.page)).map(_pause))


@router.post("/pauses/{pause_id}/lift", response_model=PauseOut)
async def lift_pause(actor: CurrentActor, only_once: OnlyOnce, pause_id: PathId, asked: Reasoned) -> PauseOut:
    """Let somebody post again; he is told. Committee only, nobody his own."""
    effect = partial(moderation.lift, actor, pause_id, reason=asked.reason)
    return _pause(await only_once(effect, partial(moderation.find_pause, actor)))


@complaints.post("", response_model=ReportOut, status_code=201)
async def report_content(actor: CurrentActor, only_once: OnlyOnce, asked: AboutIn) -> ReportOut:
    """Ask the moderators to look at something one sees; its author never learns who asked."""
    effect = partial(reports.report, actor, asked.subject, reason=asked.reason)
    return _report(await only_once(effect, partial(moderation.find_report, actor)))


@complaints.get("", response_model=PageOf[ReportOut])
async def list_my_reports(actor: CurrentActor, paging: ThePaging) -> dict[str, Any]:
    """What the caller has reported, newest first, and what became of it."""
    return paging.of((await moderation.my_reports(actor, page=paging.page)).map(_report))


def _subject(found: Queued | Reported | Decision) -> str:
    return f"{found.subject_kind}:{found.subject_id}"


def _report(found: Reported) -> ReportOut:
    return ReportOut.of(found, subject=_subject(found), state=OUTCOME[found.state])


def _decision(found: Decision) -> DecisionOut:
    zh = moderation.in_words(found.label)[0] if found.label else None
    return DecisionOut.of(found, subject=_subject(found), why=zh)


def _pause(found: Pause) -> PauseOut:
    return PauseOut.of(found, resident=residents.masked(found.resident.nickname))


def _queued(found: Queued) -> QueuedOut:
    media_url = media.judged_url(found.subject_id) if found.subject_kind == "media" else None
    return QueuedOut.of(found, subject=_subject(found), media_url=media_url)
